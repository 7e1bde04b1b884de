//! Who the functions are, and how they enter accounts: each base identity, both ways of assuming a role, and what is
//! told where STS refuses.
//!
//! Everything goes through the SDK's own chain of credentials in the built functions. That a Lambda function's own
//! credentials with an external id do is seen in nearly every other test.

mod base;
mod endpoints;
mod external_id;
mod session_policy;
mod web_identity;

use serde_json::{Value, json};

use crate::support::aws::{AccountInRegion, OrganizationPlan};
use crate::support::world::{World, all_kinds_mapping};

const REGION: &str = "us-east-1";

/// The credentials of a session of a role.
struct Session {
    role_arn: String,
    access_key_id: String,
    secret_access_key: String,
    token: String,
}

/// An installation with these members, each with one topic, of which topics are read.
async fn world_of_topics(plan: OrganizationPlan, members: &[&str]) -> World {
    let world = World::create(plan.regions(&[REGION])).await;
    let mut mapping = all_kinds_mapping();
    let entries = mapping["resources"].as_array_mut().expect("a list of entries");
    entries.retain(|entry| entry["kind"] == "AWS::SNS::Topic");
    world.set_mapping(mapping);
    for member in members {
        world.organization.place(member, REGION).create_topic("alerts", &[]).await;
    }
    world
}

/// The account that the functions run in.
fn home(world: &World) -> AccountInRegion<'static> {
    world.organization.place("integration", REGION)
}

/// Creates a role in the functions' account, as it is there for a task, an instance or a function, and a session of it.
async fn session_of_new_role(world: &World, path: &str, name: &str) -> Session {
    let home = home(world);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", home.account())},
        "Action": "sts:AssumeRole",
    }]});
    let role = json!({"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trust.to_string()});
    let role = home.call("iam", "create_role", role).await;
    let role_arn = text(&role["Role"]["Arn"]);
    assert!(role_arn.ends_with(&format!(":role{path}{name}")), "{role_arn}");
    let session = json!({"RoleArn": role_arn, "RoleSessionName": "of-the-host"});
    let session = home.call("sts", "assume_role", session).await;
    let credentials = &session["Credentials"];
    Session {
        role_arn,
        access_key_id: text(&credentials["AccessKeyId"]),
        secret_access_key: text(&credentials["SecretAccessKey"]),
        token: text(&credentials["SessionToken"]),
    }
}

/// A trust policy as the template of the read role writes it: the account as principal, and conditions.
fn trust_of_template(world: &World, external_id: &str, principals: &[&str]) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{}:root", world.organization.integration_account())},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"sts:ExternalId": external_id},
            "ArnEquals": {"aws:PrincipalArn": principals},
        },
    }]})
}

/// Lets all read roles trust these roles and users of the functions' account alone.
async fn trust_only(world: &World, principals: &[&str]) {
    let organization = &world.organization;
    let trust = trust_of_template(world, organization.external_id(), principals);
    for account in organization.accounts().values() {
        organization.set_trust_of_read_role(account, &trust).await;
    }
}

/// A whole run in which every account is entered, and the topics of these accounts arrive in Port.
async fn reads_topics_of(world: &World, members: &[&str]) {
    world.clear_calls().await;
    let resync = world.resync().await;
    assert_eq!(resync.summary["outcome"], "completed", "{:#}", resync.summary);
    assert_eq!(topics(world), topics_of(world, members));
}

/// The scheduler's words where it starts no run. Nothing but STS has been called in another account then, and nothing
/// is sent to Port.
async fn no_run_starts(world: &World) -> String {
    world.clear_calls().await;
    let failure = world.schedule(json!({})).await.expect_err("no run can start");
    let calls = world.organization.calls().await;
    let own_account = world.organization.integration_account();
    let elsewhere = calls.iter().filter(|call| call.account.as_deref() != Some(own_account) && call.service != "sts");
    assert_eq!(elsewhere.count(), 0, "{calls:?}");
    assert_eq!(world.writes_to_port(), 0);
    failure.to_string()
}

/// The accounts of the topics in Port, sorted.
fn topics(world: &World) -> Vec<String> {
    let topics = world.catalog().remove("snsTopic").unwrap_or_default();
    let mut accounts: Vec<String> =
        topics.iter().filter_map(|topic| topic.split(':').nth(4)).map(str::to_owned).collect();
    accounts.sort();
    accounts
}

fn topics_of(world: &World, members: &[&str]) -> Vec<String> {
    let mut accounts: Vec<String> = members.iter().map(|name| world.organization.account(name).to_owned()).collect();
    accounts.sort();
    accounts
}

/// After a run: these members, and only these, could not be entered, each for this reason and with this to check. In
/// none of them anything but a role was asked for.
async fn refused_in(world: &World, summary: &Value, expected: &[(&str, &[&str], &[&str])]) {
    let inaccessible = summary["inaccessibleAccounts"].as_array().expect("a list of accounts");
    assert_eq!(inaccessible.len(), expected.len(), "{inaccessible:#?}");
    let calls = world.organization.calls().await;
    for (name, reasons, checks) in expected {
        let account = world.organization.account(name);
        let told = inaccessible.iter().find(|told| told["account"] == account);
        let told = told.unwrap_or_else(|| panic!("{name} should be refused: {inaccessible:#?}"));
        let (reason, check) = (text(&told["reason"]), text(&told["check"]));
        assert!(reason.starts_with("unable to assume role arn:aws:iam::"), "{reason}");
        assert!(reasons.iter().all(|part| reason.contains(part)), "{name}: {reason}");
        assert!(checks.iter().all(|part| check.contains(part)), "{name}: {check}");
        let inside = calls.iter().filter(|call| call.account.as_deref() == Some(account) && call.service != "sts");
        assert_eq!(inside.count(), 0, "{name}: {calls:?}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("expected a text, found {value}")).to_owned()
}
