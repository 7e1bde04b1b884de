//! Base identities outside Lambda. The read roles trust each of them by its ARN, and no longer Lambda's role.

use serde_json::json;

use super::endpoints::Endpoint;
use super::{REGION, home, no_run_starts, reads_topics_of, session_of_new_role, text, trust_only, world_of_topics};
use crate::support::aws::OrganizationPlan;
use crate::support::world::World;

/// Nobody but an EC2 instance has metadata; the SDK asks nowhere else for credentials then.
const NO_INSTANCE: (&str, &str) = ("AWS_EC2_METADATA_DISABLED", "true");

async fn world() -> World {
    world_of_topics(OrganizationPlan::new().member("alpha", ""), &["alpha"]).await
}

/// Lets the read roles trust this principal alone. Lambda's role, which all tests use else, is refused from now on.
async fn trust_instead_of_lambda(world: &World, principal: &str) {
    trust_only(world, &[principal]).await;
    let words = no_run_starts(world).await;
    assert!(words.contains("unable to assume role") && words.contains("access denied"), "{words}");
}

/// Every role was assumed by the functions' account with the external id.
async fn assumed_with_external_id(world: &World) {
    let calls = world.organization.calls().await;
    let assumed: Vec<_> = calls.iter().filter(|call| call.operation.starts_with("AssumeRole")).collect();
    assert!(!assumed.is_empty());
    for call in assumed {
        assert_eq!(call.operation, "AssumeRole");
        assert_eq!(call.account.as_deref(), Some(world.organization.integration_account()));
        assert_eq!(call.parameters["ExternalId"], world.organization.external_id());
    }
}

/// The trust policy names the role with its path, which the ARN of a session does not have.
#[tokio::test]
async fn an_ecs_task_reads_with_its_task_role() {
    let mut world = world().await;
    let session = session_of_new_role(&world, "/tasks/", "portolan-task").await;
    trust_instead_of_lambda(&world, &session.role_arn).await;
    let endpoint = Endpoint::of_container(&session, "of-the-task").await;
    let url = endpoint.container_url();
    let with = |authorization| {
        [
            ("AWS_REGION", REGION),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", authorization),
            NO_INSTANCE,
        ]
    };
    world.redeploy_elsewhere(&with("of-another-task")).await;
    let words = no_run_starts(&world).await;
    assert!(words.contains("HTTP credential provider: StatusCode(401)"), "{words}");
    assert!(endpoint.given() == 0 && endpoint.refused() > 0);

    world.redeploy_elsewhere(&with("of-the-task")).await;
    reads_topics_of(&world, &["alpha"]).await;
    assumed_with_external_id(&world).await;
    assert!(endpoint.given() >= 2, "by scheduler and worker");
}

/// The same endpoint, of another agent: the authorization is in a file there.
#[tokio::test]
async fn an_eks_pod_reads_with_its_pod_identity() {
    let mut world = world().await;
    let session = session_of_new_role(&world, "/", "portolan-pod").await;
    trust_instead_of_lambda(&world, &session.role_arn).await;
    let endpoint = Endpoint::of_container(&session, "of-the-pod").await;
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "of-the-pod").expect("the file can be written");
    world
        .redeploy_elsewhere(&[
            ("AWS_REGION", REGION),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &endpoint.container_url()),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file.path().to_string_lossy()),
            NO_INSTANCE,
        ])
        .await;
    reads_topics_of(&world, &["alpha"]).await;
    assumed_with_external_id(&world).await;
    assert!(endpoint.given() >= 2 && endpoint.refused() == 0);
}

/// Version 2 of the metadata service, which gives the region too.
#[tokio::test]
async fn an_ec2_instance_reads_with_its_instance_role_and_in_its_region() {
    let mut world = world().await;
    let session = session_of_new_role(&world, "/", "portolan-instance").await;
    trust_instead_of_lambda(&world, &session.role_arn).await;
    let endpoint = Endpoint::of_instance(&session).await;
    world.redeploy_elsewhere(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &endpoint.metadata_url())]).await;
    reads_topics_of(&world, &["alpha"]).await;
    assumed_with_external_id(&world).await;
    assert!(endpoint.given() >= 2 && endpoint.refused() == 0);
    let own = home(&world);
    let calls = world.organization.calls().await;
    assert!(
        calls.iter().filter(|call| call.account.as_deref() == Some(own.account())).all(|call| call.region == REGION)
    );
}

#[tokio::test]
async fn an_iam_user_reads_with_keys_in_the_environment() {
    let mut world = world().await;
    let home = home(&world);
    let user = home.call("iam", "create_user", json!({"UserName": "portolan", "Path": "/ci/"})).await;
    let key = home.call("iam", "create_access_key", json!({"UserName": "portolan"})).await;
    let key = &key["AccessKey"];
    trust_instead_of_lambda(&world, &text(&user["User"]["Arn"])).await;
    world
        .redeploy_elsewhere(&[
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &text(&key["AccessKeyId"])),
            ("AWS_SECRET_ACCESS_KEY", &text(&key["SecretAccessKey"])),
            NO_INSTANCE,
        ])
        .await;
    reads_topics_of(&world, &["alpha"]).await;
    assumed_with_external_id(&world).await;
}

/// What a person sees who starts a function where it has no identity, or no region.
#[tokio::test]
async fn without_credentials_or_region_it_is_said_what_is_missing() {
    let mut world = world().await;
    world.redeploy_elsewhere(&[("AWS_REGION", REGION), NO_INSTANCE]).await;
    let words = no_run_starts(&world).await;
    assert!(words.contains("no credentials found in chain"), "{words}");

    let session = session_of_new_role(&world, "/", "portolan-task").await;
    let credentials = [
        ("AWS_ACCESS_KEY_ID", session.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &session.secret_access_key),
        ("AWS_SESSION_TOKEN", &session.token),
        NO_INSTANCE,
    ];
    world.redeploy_elsewhere(&credentials).await;
    let words = no_run_starts(&world).await;
    assert!(words.contains("missing signing region"), "{words}");
}
