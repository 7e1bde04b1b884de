//! Whole runs with kinds that only Cloud Control reads, and with names that it does not know.

use serde_json::{Value, json};

use super::steps::{
    ACCOUNT, BUCKET, QUEUE, REGION, alpha, assert_all_stay, assert_gone, assert_held_back, assert_says, assert_there,
    bucket_key, changed, complete_run, damage_ledger, entry, mapping, mapping_of, one_member, queue_key, troubled_run,
    world_with,
};
use crate::support::port::EntityKey;
use crate::support::world::World;

const LOG_GROUP: &str = "AWS::Logs::LogGroup";
const OTHER_REGION: &str = "eu-west-1";

/// Log groups as entities of the blueprint of topics.
fn log_groups() -> Value {
    json!({"kind": LOG_GROUP, "selector": {"query": "true"}, "port": {"entity": {"mappings": {
        "identifier": ".__ExtraContext.AccountId + \"/\" + .Identifier",
        "title": ".Identifier",
        "blueprint": "\"snsTopic\"",
        "properties": {"displayName": "keys | join(\" \")", "region": ".__ExtraContext.Region"},
        "relations": {"account": ".__ExtraContext.AccountId"},
    }}}})
}

fn log_group_key(world: &World, name: &str) -> EntityKey {
    ("snsTopic".to_owned(), format!("{}/{name}", alpha(world).account()))
}

/// AWS has the type in every account of the organization, and in these regions.
async fn register_log_groups(world: &World, regions: &[&str]) {
    let schema = json!({"primaryIdentifier": ["LogGroupName"], "properties": ["RetentionInDays"], "regions": regions});
    for name in world.organization.accounts().keys() {
        world.organization.place(name, REGION).register_type(LOG_GROUP, schema.clone()).await;
    }
}

async fn put_log_groups(world: &World, names: &[&str]) {
    let models = names.iter().map(|name| json!({"LogGroupName": name, "RetentionInDays": 90})).collect();
    alpha(world).put_resources(LOG_GROUP, models).await;
}

/// The kind of a mapping's entry, mistyped.
fn mistyped(kind: &str, name: &str) -> Value {
    changed(entry(kind), "/kind", json!(name))
}

#[tokio::test]
async fn resources_of_any_kind_arrive_stay_and_go() {
    let world = world_with(one_member(), &[ACCOUNT]).await;
    world.set_mapping(mapping_of([entry(ACCOUNT), log_groups()]));
    register_log_groups(&world, &[REGION]).await;
    put_log_groups(&world, &["jobs", "mails"]).await;
    world.clear_calls().await;
    let before = complete_run(&world).await;

    let jobs = log_group_key(&world, "jobs");
    assert_there(&world, &jobs);
    assert_eq!(before[&jobs]["title"], "jobs");
    let members = "Identifier Properties Type __AccountId __ExtraContext __Kind __Region";
    assert_eq!(before[&jobs]["properties"], json!({"displayName": members, "region": REGION}));
    let calls = world.organization.calls().await;
    let policies: Vec<&str> = calls.iter().filter_map(|call| call.parameters["Policy"].as_str()).collect();
    // The handlers of types act with the session, which must not be one of exact actions.
    let allows_all =
        |policy: &str| policy.contains(r#""Action":"*""#) && policy.contains("secretsmanager:GetSecretValue");
    assert!(policies.iter().any(|policy| allows_all(policy)), "{policies:#?}");

    world.clear_calls().await;
    complete_run(&world).await;
    assert_eq!(world.writes_to_port(), 0);

    put_log_groups(&world, &["jobs"]).await;
    complete_run(&world).await;
    let mails = log_group_key(&world, "mails");
    assert_gone(&world, &before, std::slice::from_ref(&mails));

    world.set_mapping(mapping(&[ACCOUNT]));
    complete_run(&world).await;
    assert_gone(&world, &before, &[jobs, mails]);
}

#[tokio::test]
async fn promise_1_nothing_leaves_the_mapping_while_a_kind_of_it_may_be_misspelt() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    alpha(&world).create_bucket("logs", &[]).await;
    let queue = alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    let misspelt = [entry(ACCOUNT), entry(QUEUE), mistyped(BUCKET, "AWS::S3::Bukcet")];
    world.set_mapping(mapping_of(misspelt));
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_says(&run, &["type not found", "AWS::S3::Bukcet", "check the spelling"]);
    assert_held_back(&run, &["entities that the mapping no longer gives stay", "AWS::S3::Bukcet"]);

    // A role without the right to list is not told that there is no such type.
    let denied = json!({"status": 400, "code": "AccessDeniedException", "message": "not authorized"});
    for account in world.organization.accounts().values() {
        world.aws_fault(account, "cloudcontrolapi", "ListResources", denied.clone()).await;
    }
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_says(&run, &["access denied: cloudformation:ListResources"]);

    // What AWS itself no longer has goes all the same.
    alpha(&world).delete_queue(&queue).await;
    troubled_run(&world).await;
    let jobs = queue_key(&alpha(&world), "jobs");
    assert_gone(&world, &before, std::slice::from_ref(&jobs));

    world.organization.clear_faults().await;
    world.set_mapping(mapping(&[ACCOUNT, BUCKET, QUEUE]));
    complete_run(&world).await;
    assert_gone(&world, &before, &[jobs]);
}

#[tokio::test]
async fn a_kind_that_aws_has_in_some_regions_only_is_not_misspelt() {
    let world = world_with(one_member().regions(&[REGION, OTHER_REGION]), &[ACCOUNT]).await;
    register_log_groups(&world, &[REGION]).await;
    put_log_groups(&world, &["jobs"]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    world.set_mapping(mapping_of([entry(ACCOUNT), entry(QUEUE), log_groups()]));
    troubled_run(&world).await;
    let before = world.port.entities();
    assert_there(&world, &log_group_key(&world, "jobs"));

    world.set_mapping(mapping_of([entry(ACCOUNT), log_groups()]));
    let run = troubled_run(&world).await;
    // With the queues that Portolan itself runs on.
    let queues: Vec<EntityKey> = before.keys().filter(|(blueprint, _)| blueprint == "sqsQueue").cloned().collect();
    assert_gone(&world, &before, &queues);
    assert_says(&run, &["type not found", "selector.regionPolicy"]);

    let where_it_is = changed(log_groups(), "/selector/regionPolicy", json!({"allow": [REGION]}));
    world.set_mapping(mapping_of([entry(ACCOUNT), where_it_is]));
    complete_run(&world).await;
}

/// What the misspelt kind had in the damaged ledger is not read again, so that its claims stay unknown.
#[tokio::test]
async fn promise_1_a_damaged_ledger_is_not_mended_while_a_kind_may_be_misspelt() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    let account = world.organization.account("alpha").to_owned();
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    damage_ledger(&world, &format!("{account}/global")).await;
    alpha(&world).delete_queue(&jobs).await;
    world.set_mapping(mapping_of([entry(ACCOUNT), entry(QUEUE), mistyped(BUCKET, "AWS::S3::Bukcet")]));
    for _ in 0..2 {
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        assert_held_back(&run, &[&format!("the ledger of {account}/global")]);
    }

    world.set_mapping(mapping(&[ACCOUNT, BUCKET, QUEUE]));
    complete_run(&world).await;
    assert_gone(&world, &before, &[queue_key(&alpha(&world), "jobs")]);
    assert_there(&world, &bucket_key(&logs));
}
