//! `AssumeRoleWithWebIdentity`: EKS's roles for service accounts, and any other OIDC provider.

use serde_json::json;

use super::{
    REGION, home, no_run_starts, reads_topics_of, refused_in, text, topics, topics_of, trust_only, world_of_topics,
};
use crate::support::aws::{OidcIssuer, OrganizationPlan, STS_AUDIENCE};
use crate::support::world::{WORKERS, World};

const SUBJECT: &str = "system:serviceaccount:port-ocean:port-ocean-aws-v3";
const NO_INSTANCE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

/// The file of a token, which is written anew when the token is.
struct TokenFile(tempfile::NamedTempFile);

impl TokenFile {
    fn with(token: &str) -> Self {
        let file = Self(tempfile::NamedTempFile::new().expect("a temporary file"));
        file.write(token);
        file
    }

    fn write(&self, token: &str) {
        std::fs::write(self.0.path(), token).expect("the file can be written");
    }

    fn path(&self) -> String {
        self.0.path().to_string_lossy().into_owned()
    }
}

/// Creates the role of the service account in the functions' account and gives its ARN.
async fn service_account_role(world: &World, issuer: &OidcIssuer) -> String {
    let home = home(world);
    let trust = issuer.trust(home.account(), STS_AUDIENCE, SUBJECT);
    let role = json!({"RoleName": "portolan-pod", "AssumeRolePolicyDocument": trust.to_string()});
    text(&home.call("iam", "create_role", role).await["Role"]["Arn"])
}

/// Nothing that a function printed has a part of the token that only its owner may know.
fn is_not_printed(world: &World, token: &str) {
    let [_, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("{token} is no token") };
    let (of_scheduler, of_worker) = (world.scheduler.log_lines(), world.worker.log_lines());
    assert!(!of_scheduler.is_empty() && !of_worker.is_empty());
    for line in of_scheduler.iter().chain(&of_worker) {
        assert!(!line.contains(payload) && !line.contains(signature), "{line}");
    }
}

/// The base identity comes from the token, through the SDK; the read roles are assumed with the token itself.
#[tokio::test]
async fn a_service_account_reads_with_its_token_alone() {
    let mut world = world_of_topics(OrganizationPlan::new().member("alpha", ""), &["alpha"]).await;
    let issuer = OidcIssuer::of_cluster("CLUSTER");
    issuer.trust_in_all_accounts(&world.organization, STS_AUDIENCE, SUBJECT).await;
    let base_role = service_account_role(&world, &issuer).await;
    let token = issuer.token(STS_AUDIENCE, SUBJECT);
    let file = TokenFile::with(&token);
    world
        .redeploy_elsewhere(&[
            ("AWS_REGION", REGION),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &file.path()),
            ("AWS_ROLE_ARN", &base_role),
            NO_INSTANCE,
        ])
        .await;
    reads_topics_of(&world, &["alpha"]).await;

    let calls = world.organization.calls().await;
    let assumed: Vec<_> = calls.iter().filter(|call| call.operation.starts_with("AssumeRole")).collect();
    assert!(assumed.iter().any(|call| call.parameters["RoleArn"] == base_role.as_str()), "{assumed:?}");
    for call in assumed {
        assert_eq!(call.operation, "AssumeRoleWithWebIdentity");
        assert_eq!(call.parameters["WebIdentityToken"], token.as_str());
        assert_eq!(call.parameters["ExternalId"], json!(null));
        // Only the functions themselves act without a session policy.
        assert_eq!(call.parameters["Policy"].is_string(), call.parameters["RoleArn"] != base_role.as_str(), "{call:?}");
    }
    is_not_printed(&world, &token);
}

/// Read roles that trust the pod's role instead: the priority leads there.
#[tokio::test]
async fn a_service_account_s_role_assumes_the_read_roles_where_the_priority_says_so() {
    let mut world = world_of_topics(OrganizationPlan::new().member("alpha", ""), &["alpha"]).await;
    let issuer = OidcIssuer::of_cluster("CHAINED");
    issuer.add_provider(&home(&world), &[STS_AUDIENCE]).await;
    let base_role = service_account_role(&world, &issuer).await;
    trust_only(&world, &[&base_role]).await;
    let file = TokenFile::with(&issuer.token(STS_AUDIENCE, SUBJECT));
    let path = file.path();
    let variables = [
        ("AWS_REGION", REGION),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", path.as_str()),
        ("AWS_ROLE_ARN", &base_role),
        NO_INSTANCE,
        ("OCEAN__INTEGRATION__CONFIG__CREDENTIAL_PROVIDER_PRIORITY", "AssumeRole,AssumeRoleWithWebIdentity"),
    ];
    world.redeploy_elsewhere(&variables[..4]).await;
    let words = no_run_starts(&world).await;
    assert!(words.contains("sts:AssumeRoleWithWebIdentity") && words.contains("OIDC provider"), "{words}");

    world.redeploy_elsewhere(&variables).await;
    reads_topics_of(&world, &["alpha"]).await;
    let calls = world.organization.calls().await;
    let of_read_roles = calls
        .iter()
        .filter(|call| call.operation.starts_with("AssumeRole") && call.parameters["RoleArn"] != base_role.as_str());
    for call in of_read_roles {
        assert_eq!(call.operation, "AssumeRole");
        assert_eq!(call.parameters["ExternalId"], world.organization.external_id());
    }
}

#[tokio::test]
async fn each_refused_token_is_told_and_concerns_its_account_alone() {
    let members =
        ["right", "any-account", "other-subject", "other-audience", "unlisted-audience", "no-provider", "no-role"];
    let plan = members[..6].iter().fold(OrganizationPlan::new(), |plan, name| plan.member(name, ""));
    let mut world = world_of_topics(plan.member_without_read_role("no-role", ""), &members).await;
    let (issuer, other) = (OidcIssuer::of_cluster("OURS"), OidcIssuer::of_cluster("ANOTHER"));
    let organization = &world.organization;
    for (name, account) in organization.accounts() {
        let audiences = if name == "unlisted-audience" { ["another"] } else { [STS_AUDIENCE] };
        let known = if name == "no-provider" { &other } else { &issuer };
        known.add_provider(&organization.place(name, REGION), &audiences).await;
        if name == "no-role" {
            continue;
        }
        let mut trust = match name.as_str() {
            "other-subject" => issuer.trust(account, STS_AUDIENCE, "system:serviceaccount:default:default"),
            "other-audience" => issuer.trust(account, "another", SUBJECT),
            _ => issuer.trust(account, STS_AUDIENCE, SUBJECT),
        };
        if name == "any-account" {
            // Any service account of a namespace.
            let subjects = json!({issuer.condition_key("sub"): "system:serviceaccount:port-ocean:*"});
            trust["Statement"][0]["Condition"] =
                json!({"StringEquals": {issuer.condition_key("aud"): STS_AUDIENCE}, "StringLike": subjects});
        }
        organization.set_trust_of_read_role(account, &trust).await;
    }
    let token = issuer.token(STS_AUDIENCE, SUBJECT);
    let file = TokenFile::with(&token);
    world.redeploy(&[("AWS_WEB_IDENTITY_TOKEN_FILE", &file.path())]).await;

    world.clear_calls().await;
    let resync = world.resync().await;
    assert_eq!(topics(&world), topics_of(&world, &["any-account", "right"]));
    let denied: &[&str] = &["access denied", "sts:AssumeRoleWithWebIdentity answered AccessDenied"];
    let url = issuer.url();
    let claims = [url.as_str(), STS_AUDIENCE, SUBJECT];
    let trust_policy = ["trust policy names the OIDC provider", claims[0], claims[1], claims[2]];
    let provider = ["has an OIDC provider", claims[0], claims[1]];
    let expected: [(&str, &[&str], &[&str]); 5] = [
        ("other-subject", denied, &trust_policy),
        ("other-audience", denied, &trust_policy),
        ("no-role", denied, &trust_policy),
        ("unlisted-audience", &["InvalidIdentityToken", "Incorrect token audience"], &provider),
        ("no-provider", &["InvalidIdentityToken", "No OpenIDConnect provider found in your account"], &provider),
    ];
    refused_in(&world, &resync.summary, &expected).await;
    is_not_printed(&world, &token);
}

/// All of one process: what makes the token good is a new one in the file.
#[tokio::test]
async fn a_token_that_is_no_good_is_told_until_the_file_has_a_good_one() {
    let mut world = world_of_topics(OrganizationPlan::new().member("alpha", ""), &["alpha"]).await;
    let issuer = OidcIssuer::of_cluster("ROTATED");
    issuer.trust_in_all_accounts(&world.organization, STS_AUDIENCE, SUBJECT).await;
    let expired = issuer.expired_token(STS_AUDIENCE, SUBJECT);
    let file = TokenFile::with(&expired);
    let path = file.path();
    world.redeploy(&[("AWS_WEB_IDENTITY_TOKEN_FILE", &path)]).await;

    let secret = "bm8gdG9rZW4.bm8gdG9rZW4.bm8gdG9rZW4";
    let bad: [(&str, &[&str]); 3] = [
        (&expired, &["ExpiredTokenException", "what renews the token in", "it expired at 2020-01-02T00:00:00Z"]),
        (secret, &["InvalidIdentityToken", "is no JSON web token"]),
        ("\n", &["cannot be read", "the file is empty", "AWS_WEB_IDENTITY_TOKEN_FILE"]),
    ];
    for (token, expected) in bad {
        file.write(token);
        let words = no_run_starts(&world).await;
        assert!(words.contains("unable to assume role arn:aws:iam::") && words.contains(&path), "{words}");
        assert!(expected.iter().all(|part| words.contains(part)), "{words}");
        assert!(!words.contains("bm8gdG9rZW4"), "{words}");
    }
    std::fs::remove_file(&path).expect("the file is there");
    let words = no_run_starts(&world).await;
    assert!(words.contains("unable to assume role") && words.contains("No such file"), "{words}");

    let first = issuer.token(STS_AUDIENCE, SUBJECT);
    file.write(&first);
    reads_topics_of(&world, &["alpha"]).await;

    // Of an account that is new, roles are assumed with the token that the file has by now.
    let beta = world.organization.add_account("beta", "").await;
    let place = world.organization.place("beta", REGION);
    world.organization.aws().set_regions(&beta, &[(REGION, "ENABLED_BY_DEFAULT")]).await;
    issuer.add_provider(&place, &[STS_AUDIENCE]).await;
    world.organization.set_trust_of_read_role(&beta, &issuer.trust(&beta, STS_AUDIENCE, SUBJECT)).await;
    place.create_topic("alerts", &[]).await;
    let second = issuer.token(STS_AUDIENCE, SUBJECT);
    file.write(&second);
    reads_topics_of(&world, &["alpha", "beta"]).await;
    let calls = world.organization.calls().await;
    let role = world.organization.read_role_arn(&beta);
    let assumed: Vec<_> = calls.iter().filter(|call| call.parameters["RoleArn"] == role.as_str()).collect();
    assert!(assumed.len() >= 2, "by scheduler and worker: {assumed:?}");
    assert!(assumed.iter().all(|call| call.parameters["WebIdentityToken"] == second.as_str()), "{assumed:?}");

    assert_eq!(world.scheduler.usages().len(), 1, "one process saw all tokens");
    assert!(world.worker.usages().len() <= WORKERS);
    for token in [&expired, &first, &second] {
        is_not_printed(&world, token);
    }
}
