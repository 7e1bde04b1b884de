//! `AssumeRole` and what it is refused for.

use serde_json::json;

use super::{
    Session, no_run_starts, refused_in, session_of_new_role, topics, topics_of, trust_of_template, trust_only,
    world_of_topics,
};
use crate::support::aws::OrganizationPlan;
use crate::support::world::World;

const DENIED: &[&str] = &["access denied", "sts:AssumeRole answered AccessDenied", "is not authorized to perform"];
const CHECK: &[&str] = &["StackSet", "trust policy names the identity", "same external id"];

/// Has the functions run with a session of this role, as Lambda gives them one.
async fn run_as(world: &mut World, session: &Session) {
    let variables = [
        ("AWS_ACCESS_KEY_ID", session.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", &session.secret_access_key),
        ("AWS_SESSION_TOKEN", &session.token),
    ];
    world.redeploy(&variables).await;
}

#[tokio::test]
async fn each_refusal_is_told_and_concerns_its_account_alone() {
    let members = ["right", "other-id", "other-account", "other-role", "other-organization", "no-role"];
    let plan = members[..5].iter().fold(OrganizationPlan::new(), |plan, name| plan.member(name, ""));
    let mut world = world_of_topics(plan.member_without_read_role("no-role", ""), &members).await;
    let session = session_of_new_role(&world, "/portolan/", "portolan-worker").await;
    run_as(&mut world, &session).await;
    let own = session.role_arn.as_str();
    let organization = &world.organization;
    let external_id = organization.external_id();
    // Another role of the account beside it, as for scheduler and worker.
    let both = [own.replace("worker", "scheduler"), own.to_owned()];
    let both = both.each_ref().map(String::as_str);
    let known = organization.place("management", "us-east-1");
    let known = known.call("organizations", "describe_organization", json!({})).await;
    let in_organization = |id: &serde_json::Value| {
        let mut trust = trust_of_template(&world, external_id, &both);
        trust["Statement"][0]["Condition"]["StringEquals"]["aws:PrincipalOrgID"] = id.clone();
        trust
    };
    let mut of_other_account = trust_of_template(&world, external_id, &both);
    of_other_account["Statement"][0]["Principal"]["AWS"] =
        json!(format!("arn:aws:iam::{}:root", organization.account("other-id")));
    let trusts = [
        ("management", trust_of_template(&world, external_id, &both)),
        ("integration", trust_of_template(&world, external_id, &both)),
        ("right", in_organization(&known["Organization"]["Id"])),
        ("other-id", trust_of_template(&world, "another", &both)),
        ("other-account", of_other_account),
        ("other-role", trust_of_template(&world, external_id, &both[..1])),
        ("other-organization", in_organization(&json!("o-0123456789"))),
    ];
    for (name, trust) in &trusts {
        organization.set_trust_of_read_role(organization.account(name), trust).await;
    }

    world.clear_calls().await;
    let resync = world.resync().await;
    assert_eq!(topics(&world), topics_of(&world, &["right"]));
    let refused = ["other-id", "other-account", "other-role", "other-organization", "no-role"];
    refused_in(&world, &resync.summary, &refused.map(|name| (name, DENIED, CHECK))).await;
}

#[tokio::test]
async fn an_external_id_that_only_one_side_has_is_told() {
    let plan = OrganizationPlan::new().member("open", "").member("asking", "");
    let mut world = world_of_topics(plan, &["open", "asking"]).await;
    world.redeploy(&[("OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID", "")]).await;
    let words = no_run_starts(&world).await;
    for part in ["unable to assume role", "asks for no external id", "OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID"] {
        assert!(words.contains(part), "{words}");
    }

    let organization = &world.organization;
    let mut trust = trust_of_template(&world, "", &[]);
    trust["Statement"][0].as_object_mut().expect("a statement").remove("Condition");
    for (_, account) in organization.accounts().iter().filter(|(name, _)| *name != "asking") {
        organization.set_trust_of_read_role(account, &trust).await;
    }
    world.clear_calls().await;
    let resync = world.resync().await;
    assert_eq!(topics(&world), topics_of(&world, &["open"]));
    refused_in(&world, &resync.summary, &[("asking", DENIED, &["asks for no external id", "both sides"])]).await;
}

/// Why the template names the account as principal and the roles in a condition: IAM binds a role that is a principal
/// to that very role.
#[tokio::test]
async fn a_function_role_that_is_created_anew_is_still_trusted() {
    let plan = OrganizationPlan::new().member("by-condition", "").member("by-principal", "");
    let mut world = world_of_topics(plan, &["by-condition", "by-principal"]).await;
    let session = session_of_new_role(&world, "/", "portolan-worker").await;
    run_as(&mut world, &session).await;
    trust_only(&world, &[&session.role_arn]).await;
    let mut bound = trust_of_template(&world, world.organization.external_id(), &[&session.role_arn]);
    bound["Statement"][0]["Principal"]["AWS"] = json!(session.role_arn);
    let by_principal = world.organization.account("by-principal");
    world.organization.set_trust_of_read_role(by_principal, &bound).await;
    let resync = world.resync().await;
    assert_eq!(resync.summary["inaccessibleAccounts"], json!([]), "{:#}", resync.summary);
    assert_eq!(topics(&world), topics_of(&world, &["by-condition", "by-principal"]));

    super::home(&world).call("iam", "delete_role", json!({"RoleName": "portolan-worker"})).await;
    let session = session_of_new_role(&world, "/", "portolan-worker").await;
    run_as(&mut world, &session).await;
    world.organization.place("by-condition", "us-east-1").create_topic("more", &[]).await;
    world.clear_calls().await;
    let resync = world.resync().await;
    refused_in(&world, &resync.summary, &[("by-principal", DENIED, CHECK)]).await;
    // What was read of the account before stays.
    assert_eq!(topics(&world), topics_of(&world, &["by-condition", "by-condition", "by-principal"]));
}
