//! Who may assume which role.

use aws_sdk_sts::error::SdkError;

use super::{clients_in, error_code, small_organization, without_retries};
use crate::support::aws::{Aws, Organization, credentials, sdk_config};

#[tokio::test]
async fn a_read_role_is_assumed_with_its_external_id() {
    let organization = small_organization().await;
    let alpha = organization.account("alpha");
    let session = assume_read_role(&organization, alpha, Some(organization.external_id()))
        .await
        .expect("the role trusts the integration account")
        .credentials
        .expect("a session has credentials");

    let session = credentials(&session.access_key_id, &session.secret_access_key, Some(session.session_token));
    let config = sdk_config(Aws::shared().await, "us-east-1", session);
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
    assert_eq!(identity.expect("a session is valid").account(), Some(alpha));
}

#[tokio::test]
async fn a_read_role_is_refused_with_a_wrong_or_no_external_id() {
    let organization = small_organization().await;
    for external_id in [Some("another"), None] {
        let alpha = organization.account("alpha");
        let refused = assume_read_role(&organization, alpha, external_id).await;
        let error = refused.expect_err("the external id does not match").into_service_error();
        let message = error.meta().message().unwrap_or_default();
        let start = format!("User: arn:aws:sts::{}:assumed-role/", organization.integration_account());
        assert!(message.starts_with(&start), "{message}");
        assert!(
            message.contains("is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::"),
            "{message}"
        );
    }
}

#[tokio::test]
async fn missing_roles_foreign_callers_and_closed_accounts_are_refused() {
    let organization = small_organization().await;
    let external_id = Some(organization.external_id());
    let beta = organization.account("beta");
    let without_role = assume_read_role(&organization, beta, external_id).await;
    assert_eq!(error_code!(without_role), "AccessDenied");

    let alpha = organization.account("alpha");
    let foreign = aws_sdk_sts::Client::new(&clients_in(beta).await)
        .assume_role()
        .role_arn(organization.read_role_arn(alpha))
        .role_session_name("foreign")
        .external_id(organization.external_id())
        .send()
        .await;
    assert_eq!(error_code!(foreign), "AccessDenied");

    organization.close_account(alpha).await;
    let closed = assume_read_role(&organization, alpha, external_id).await;
    assert_eq!(error_code!(closed), "AccessDenied");
}

#[tokio::test]
async fn a_removed_read_role_is_refused() {
    let organization = small_organization().await;
    let alpha = organization.account("alpha");
    organization.remove_read_role(alpha).await;
    let removed = assume_read_role(&organization, alpha, Some(organization.external_id())).await;
    assert_eq!(error_code!(removed), "AccessDenied");
}

#[tokio::test]
async fn chained_sessions_last_an_hour_at_most() {
    let organization = small_organization().await;
    let refused = aws_sdk_sts::Client::new(&without_retries(&organization.sdk_config()))
        .assume_role()
        .role_arn(organization.read_role_arn(organization.account("alpha")))
        .role_session_name("portolan")
        .external_id(organization.external_id())
        .duration_seconds(7200)
        .send()
        .await;
    assert_eq!(error_code!(refused), "ValidationError");
}

#[tokio::test]
async fn a_session_policy_is_kept_with_the_call() {
    let organization = small_organization().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    aws_sdk_sts::Client::new(&organization.sdk_config())
        .assume_role()
        .role_arn(organization.read_role_arn(organization.account("alpha")))
        .role_session_name("portolan")
        .external_id(organization.external_id())
        .policy(policy)
        .send()
        .await
        .expect("a session policy does not change who may");

    let calls = organization.calls().await;
    let [call] = calls.as_slice() else {
        panic!("one call was made, not {calls:?}");
    };
    assert_eq!(call.name(), "sts:AssumeRole");
    assert_eq!(call.account.as_deref(), Some(organization.integration_account()));
    assert_eq!(call.parameters["Policy"], policy);
    assert_eq!(call.parameters["PolicyLength"], policy.len());
    assert_eq!(call.parameters["RoleSessionName"], "portolan");
    assert_eq!(call.parameters["ExternalId"], organization.external_id());
}

#[tokio::test]
async fn unknown_access_keys_are_refused() {
    let unknown = credentials("AKIAAAAAAAAAAAAAAAAA", "unknown", None);
    let config = without_retries(&sdk_config(Aws::shared().await, "us-east-1", unknown));
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await;
    assert_eq!(error_code!(identity), "InvalidClientTokenId");
    let buckets = aws_sdk_s3::Client::new(&config).list_buckets().send().await;
    assert_eq!(error_code!(buckets), "InvalidAccessKeyId");
    let accounts = aws_sdk_organizations::Client::new(&config).list_accounts().send().await;
    assert_eq!(error_code!(accounts), "UnrecognizedClientException");
}

async fn assume_read_role(
    organization: &Organization<'_>,
    account: &str,
    external_id: Option<&str>,
) -> Result<
    aws_sdk_sts::operation::assume_role::AssumeRoleOutput,
    SdkError<aws_sdk_sts::operation::assume_role::AssumeRoleError>,
> {
    aws_sdk_sts::Client::new(&without_retries(&organization.sdk_config()))
        .assume_role()
        .role_arn(organization.read_role_arn(account))
        .role_session_name("portolan")
        .set_external_id(external_id.map(str::to_owned))
        .send()
        .await
}
