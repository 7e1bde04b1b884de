//! Trust policies as the layer evaluates them, and the tokens of web identities.

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::{Value, json};

use super::{clients_in, error_code, small_organization, without_retries};
use crate::support::aws::{OidcIssuer, Organization, STS_AUDIENCE};

const SUBJECT: &str = "system:serviceaccount:portolan:portolan";

/// The answer of STS: `granted`, or code and message.
async fn assume(organization: &Organization<'_>) -> String {
    let answer = aws_sdk_sts::Client::new(&without_retries(&organization.sdk_config()))
        .assume_role()
        .role_arn(organization.read_role_arn(organization.account("alpha")))
        .role_session_name("portolan")
        .external_id(organization.external_id())
        .send()
        .await;
    answer.map_or_else(|error| words(&error), |_| "granted".to_owned())
}

async fn assume_with(organization: &Organization<'_>, token: &str) -> String {
    let answer = aws_sdk_sts::Client::new(&without_retries(&organization.sdk_config()))
        .assume_role_with_web_identity()
        .role_arn(organization.read_role_arn(organization.account("alpha")))
        .role_session_name("portolan")
        .web_identity_token(token)
        .send()
        .await;
    answer.map_or_else(|error| words(&error), |_| "granted".to_owned())
}

fn words(error: &impl ProvideErrorMetadata) -> String {
    format!("{}: {}", error.code().unwrap_or_default(), error.message().unwrap_or_default())
}

async fn trust(organization: &Organization<'_>, statement: Value) {
    let trust = json!({"Version": "2012-10-17", "Statement": [statement]});
    organization.set_trust_of_read_role(organization.account("alpha"), &trust).await;
}

#[tokio::test]
async fn conditions_hold_as_iam_has_them() {
    let organization = small_organization().await;
    let own = organization.integration_account();
    let role = format!("arn:aws:iam::{own}:role/PortolanFunctionRole");
    for (condition, is_granted) in [
        (json!({}), true),
        (json!({"StringEquals": {"sts:ExternalId": ["one", organization.external_id()]}}), true),
        (json!({"StringEquals": {"STS:externalid": "another"}}), false),
        (json!({"StringLike": {"sts:ExternalId": "external-*-of-the-????"}}), true),
        // A character class is no wildcard in IAM.
        (json!({"StringLike": {"sts:ExternalId": "[a-z]*"}}), false),
        (json!({"ArnEquals": {"aws:PrincipalArn": ["arn:aws:iam::111111111111:role/x", role]}}), true),
        (json!({"ArnLike": {"aws:PrincipalArn": format!("arn:aws:iam::{own}:role/Portolan*")}}), true),
        // No wildcard of an ARN reaches into its next part.
        (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:*:role/PortolanFunctionRole"}}), false),
        (json!({"ArnNotEquals": {"aws:PrincipalArn": role}}), false),
        (json!({"StringNotEquals": {"aws:PrincipalAccount": own}}), false),
        (json!({"StringEquals": {"aws:PrincipalOrgID": "o-0123456789"}}), false),
        (json!({"Null": {"aws:PrincipalOrgID": "false", "sts:ExternalId": "false"}}), true),
    ] {
        let principal = json!({"AWS": format!("arn:aws:iam::{own}:root")});
        let action = "sts:AssumeRole";
        trust(
            &organization,
            json!({"Effect": "Allow", "Principal": principal, "Action": action, "Condition": condition}),
        )
        .await;
        let answer = assume(&organization).await;
        let expected = if is_granted { "granted" } else { "AccessDenied" };
        assert!(answer.starts_with(expected), "{condition}: {answer}");
    }
}

/// Nothing may be granted, or refused, by what nobody looked at.
#[tokio::test]
async fn what_is_not_evaluated_is_named() {
    let organization = small_organization().await;
    let own = json!({"AWS": organization.integration_account()});
    let false_one = json!({"StringEquals": {"sts:ExternalId": "another"}, "Bool": {"aws:PrincipalArn": "true"}});
    for (statement, part) in [
        (json!({"Principal": own, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}), "MultiFactorAuth"),
        (json!({"Principal": own, "Condition": {"IpAddress": {"aws:PrincipalArn": "10.0.0.0/8"}}}), "IpAddress"),
        (json!({"Principal": own, "Condition": false_one}), "the condition operator Bool"),
        (
            json!({"Principal": own, "Condition": {"StringEquals": {"sts:ExternalId": "${aws:userid}"}}}),
            "${aws:userid}",
        ),
        (json!({"Principal": {"CanonicalUser": "x"}}), "CanonicalUser"),
        (json!({"Principal": own, "NotPrincipal": own}), "NotPrincipal"),
    ] {
        let mut statement = statement;
        statement["Effect"] = json!("Allow");
        statement["Action"] = json!("sts:AssumeRole");
        trust(&organization, statement).await;
        let answer = assume(&organization).await;
        assert!(answer.starts_with("NotEmulated: ") && answer.contains(part), "{answer} should name {part}");
    }
}

#[tokio::test]
async fn a_role_that_is_a_principal_must_exist_and_is_that_very_one() {
    let organization = small_organization().await;
    let home = organization.place("integration", "us-east-1");
    let alpha = organization.place("alpha", "us-east-1");
    let names = |role: &str| {
        let principal = format!("arn:aws:iam::{}:role/{role}", home.account());
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"},
        ]})
    };
    let order = json!({"RoleName": "new", "AssumeRolePolicyDocument": names("missing").to_string()});
    let refused = organization.aws().call(alpha.account(), "us-east-1", "iam", "create_role", order).await;
    let refused = refused.expect_err("there is no such role");
    assert_eq!(refused.code, "MalformedPolicyDocument", "{refused}");
    assert!(refused.message.starts_with("Invalid principal in policy"), "{refused}");

    organization.set_trust_of_read_role(alpha.account(), &names("PortolanFunctionRole")).await;
    assert_eq!(assume(&organization).await, "granted");
    let function_role = home.call("iam", "get_role", json!({"RoleName": "PortolanFunctionRole"})).await;
    let trust = function_role["Role"]["AssumeRolePolicyDocument"].to_string();
    home.call("iam", "delete_role", json!({"RoleName": "PortolanFunctionRole"})).await;
    let order = json!({"RoleName": "PortolanFunctionRole", "AssumeRolePolicyDocument": trust});
    home.call("iam", "create_role", order).await;
    assert!(assume(&organization).await.starts_with("AccessDenied"), "the new role is another one");
}

#[tokio::test]
async fn a_web_identity_needs_a_provider_its_audience_trust_and_time() {
    let organization = small_organization().await;
    let alpha = organization.place("alpha", "us-east-1");
    let issuer = OidcIssuer::of_cluster("TESTBED");
    organization.set_trust_of_read_role(alpha.account(), &issuer.trust(alpha.account(), STS_AUDIENCE, SUBJECT)).await;
    let token = issuer.token(STS_AUDIENCE, SUBJECT);
    let expect = async |token: &str, words: &str| {
        let answer = assume_with(&organization, token).await;
        assert!(answer.starts_with(words), "{answer} should be {words}");
    };
    expect(&token, "InvalidIdentityToken: No OpenIDConnect provider found in your account").await;
    issuer.add_provider(&alpha, &[STS_AUDIENCE, "listed"]).await;
    expect(&token, "granted").await;
    expect(&issuer.token("another", SUBJECT), "InvalidIdentityToken: Incorrect token audience").await;
    expect(&issuer.token("listed", SUBJECT), "AccessDenied: ").await;
    expect(&issuer.token(STS_AUDIENCE, "system:serviceaccount:portolan:other"), "AccessDenied: ").await;
    expect(&issuer.expired_token(STS_AUDIENCE, SUBJECT), "ExpiredTokenException: Token expired").await;
    expect("no token", "InvalidIdentityToken: ").await;
    expect(&token.replace('.', ".!"), "InvalidIdentityToken: ").await;
    expect(&OidcIssuer::of_cluster("OTHER").token(STS_AUDIENCE, SUBJECT), "InvalidIdentityToken: No OpenID").await;

    // A role that trusts an account is not to be had with a token, and the other way round.
    assert!(assume(&organization).await.starts_with("AccessDenied"));
    organization.remove_read_role(alpha.account()).await;
    expect(&token, "AccessDenied: ").await;
    organization.add_read_role(alpha.account()).await;
    expect(&token, "AccessDenied: ").await;
    assert_eq!(assume(&organization).await, "granted");
}

/// Whoever asks with credentials of an account that a trust policy does not name is refused, whatever its conditions.
#[tokio::test]
async fn a_condition_opens_no_door_for_another_account() {
    let organization = small_organization().await;
    let beta = organization.account("beta");
    let own = json!({"AWS": organization.integration_account()});
    trust(&organization, json!({"Effect": "Allow", "Principal": own, "Action": "sts:AssumeRole"})).await;
    let foreign = aws_sdk_sts::Client::new(&clients_in(beta).await)
        .assume_role()
        .role_arn(organization.read_role_arn(organization.account("alpha")))
        .role_session_name("foreign")
        .send()
        .await;
    assert_eq!(error_code!(foreign), "AccessDenied");
}
