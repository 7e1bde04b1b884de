//! What goes, and how: what a complete run found to be gone, and nothing with it.

use serde_json::{Value, json};

use super::steps::{
    ACCOUNT, BUCKET, QUEUE, REGION, account_key, alpha, assert_gone, assert_held_back, assert_says, assert_there,
    bucket_key, changed, complete_run, damage_ledger, deletion_calls, entry, journal, ledger_key, mapping, mapping_of,
    one_member, queue_key, troubled_run, world_with,
};
use crate::small::LISTING;
use crate::support::port::{EntityKey, Fault};
use crate::support::world::World;

const OTHER_REGION: &str = "eu-west-1";

#[tokio::test]
async fn promise_2_a_deleted_bucket_goes_alone_and_the_journal_says_why() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    alpha(&world).delete_bucket(&logs).await;
    let run = world.resync().await;

    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert_gone(&world, &before, &[bucket_key(&logs)]);
    let untouched = |key: &EntityKey| world.port.entities()[key] == before[key];
    assert!(before.keys().filter(|key| **key != bucket_key(&logs)).all(untouched));
    assert_eq!(run.summary["deletions"]["deleted"], 1, "{:#}", run.summary);
    assert_eq!(run.summary["deletions"]["missingInPort"], 0, "{:#}", run.summary);
    assert_eq!(run.summary["deletions"]["unknownInPort"], 0, "{:#}", run.summary);

    let journal = journal(&world, &run).await;
    assert_eq!(journal.len(), 1, "{journal:#?}");
    let (blueprint, identifier) = bucket_key(&logs);
    assert_eq!((&journal[0]["blueprint"], &journal[0]["identifier"]), (&json!(blueprint), &json!(identifier)));
    let reason = journal[0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("the complete listing of AWS::S3::Bucket") && reason.contains(&logs), "{reason}");
}

#[tokio::test]
async fn promise_1_a_closed_account_goes_and_an_inaccessible_one_stays() {
    let plan = one_member().member("beta", "Workloads").member("gamma", "Workloads");
    let mut world = world_with(plan, &[ACCOUNT, BUCKET, QUEUE]).await;
    let alpha_account = world.organization.account("alpha").to_owned();
    let beta = world.organization.place("beta", REGION);
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    beta.create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    world.organization.close_account(&alpha_account).await;
    world.organization.remove_read_role(beta.account()).await;
    world.redeploy(&[]).await;
    let run = troubled_run(&world).await;

    let gone = [bucket_key(&logs), queue_key(&alpha(&world), "jobs"), account_key(&alpha_account)];
    assert_gone(&world, &before, &gone);
    assert_says(&run, &["unable to assume role", beta.account()]);
    let journal = journal(&world, &run).await;
    assert!(journal.iter().all(|deleted| deleted["reason"].to_string().contains("AWS Organizations reports")));
    // The account last: the others relate to it.
    assert_eq!(journal.last().map(|deleted| &deleted["blueprint"]), Some(&json!("awsAccount")), "{journal:#?}");
    let ledgers = world.ledgers().await;
    assert!(ledgers.keys().all(|target| !target.starts_with(&alpha_account)), "{:#?}", ledgers.keys());
}

#[tokio::test]
async fn an_account_that_left_the_organization_or_its_units_goes() {
    let plan = one_member().member("beta", "Workloads").member("gamma", "Workloads").member("other", "Sandbox");
    let mut world = world_with(plan, &[ACCOUNT]).await;
    let unit = world.organization.organizational_unit("Workloads").to_owned();
    world.redeploy(&[("OCEAN__INTEGRATION__CONFIG__OU_ID", &unit)]).await;
    let before = complete_run(&world).await;
    assert_eq!(before.len(), 3, "{:#?}", before.keys());

    let moved = world.organization.account("alpha").to_owned();
    world.organization.move_account(&moved, "Sandbox").await;
    let run = world.resync().await;
    assert_gone(&world, &before, &[account_key(&moved)]);
    let deleted = journal(&world, &run).await;
    assert!(deleted[0]["reason"].to_string().contains("moved out of every configured organizational unit"));
    let removed = world.organization.account("beta").to_owned();
    world.organization.remove_account(&removed).await;
    world.resync().await;
    assert_gone(&world, &before, &[account_key(&moved), account_key(&removed)]);
}

#[tokio::test]
async fn an_account_that_the_list_of_roles_no_longer_names_goes() {
    let plan = one_member().member("beta", "Workloads").member("gamma", "Workloads");
    let mut world = world_with(plan, &[ACCOUNT]).await;
    let roles = |world: &World, names: &[&str]| {
        let roles = names.iter().map(|name| world.organization.read_role_arn(world.organization.account(name)));
        json!(roles.collect::<Vec<_>>()).to_string()
    };
    for (names, count) in [(["alpha", "beta", "gamma"].as_slice(), 3), (&["beta", "gamma"], 2)] {
        let roles = roles(&world, names);
        let list = [
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", ""),
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS", roles.as_str()),
        ];
        world.redeploy(&list).await;
        assert_eq!(complete_run(&world).await.len(), count);
    }
    assert!(!world.port.entities().contains_key(&account_key(world.organization.account("alpha"))));
}

#[tokio::test]
async fn promise_3_a_ledger_of_a_closed_account_holds_up_nobody_although_it_is_damaged_or_lost() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT, BUCKET, QUEUE]).await;
    let account = alpha(&world).account().to_owned();
    alpha(&world).create_queue("jobs", &[]).await;
    let mails = world.organization.place("beta", REGION).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    damage_ledger(&world, &format!("{account}/global")).await;
    let lost = ledger_key(&world, &format!("{account}/{REGION}")).await;
    world.organization.delete_state(&lost).await;
    world.organization.close_account(&account).await;
    world.organization.place("beta", REGION).delete_bucket(&mails).await;
    let run = world.resync().await;

    assert_gone(&world, &before, &[bucket_key(&mails)]);
    // What nobody knows to be ours is told, and left alone.
    assert_eq!(run.summary["deletions"]["unknownInPort"], 2, "{:#}", run.summary);
}

#[tokio::test]
async fn promise_2_a_kind_that_left_the_mapping_goes_and_so_does_a_denied_region() {
    let plan = one_member().regions(&[REGION, OTHER_REGION]);
    let world = world_with(plan, &[ACCOUNT, BUCKET, QUEUE]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let elsewhere = world.organization.place("alpha", OTHER_REGION);
    alpha(&world).create_queue("jobs", &[]).await;
    elsewhere.create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    let not_elsewhere = changed(entry(QUEUE), "/selector/regionPolicy", json!({"deny": [OTHER_REGION]}));
    world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), not_elsewhere.clone()]));
    let run = world.resync().await;
    assert_gone(&world, &before, &[queue_key(&elsewhere, "jobs")]);
    let deleted = journal(&world, &run).await;
    assert!(deleted[0]["reason"].to_string().contains("the mapping no longer reads AWS::SQS::Queue"), "{deleted:#?}");

    let state_bucket = world.organization.state_bucket().to_owned();
    world.set_mapping(mapping_of([entry(ACCOUNT), not_elsewhere]));
    complete_run(&world).await;
    let gone = [queue_key(&elsewhere, "jobs"), bucket_key(&logs), bucket_key(&state_bucket)];
    assert_gone(&world, &before, &gone);
}

#[tokio::test]
async fn promise_1_a_disabled_region_goes_and_a_missing_one_stays() {
    let third = "eu-central-1";
    let plan = one_member().regions(&[REGION, OTHER_REGION, third]);
    let world = world_with(plan, &[ACCOUNT, QUEUE]).await;
    let disabled = world.organization.place("alpha", OTHER_REGION);
    let missing = world.organization.place("alpha", third);
    for place in [&disabled, &missing] {
        place.create_queue("jobs", &[]).await;
    }
    let before = complete_run(&world).await;

    let regions = [(REGION, "ENABLED_BY_DEFAULT"), (OTHER_REGION, "DISABLED")];
    world.organization.aws().set_regions(disabled.account(), &regions).await;
    let run = world.resync().await;
    assert_gone(&world, &before, &[queue_key(&disabled, "jobs")]);
    let journal = journal(&world, &run).await;
    assert!(journal[0]["reason"].to_string().contains("reports the region eu-west-1 as disabled"), "{journal:#?}");
    assert_there(&world, &queue_key(&missing, "jobs"));

    // On its way out, and then there again.
    let regions = [(REGION, "ENABLED_BY_DEFAULT"), (third, "DISABLING")];
    world.organization.aws().set_regions(disabled.account(), &regions).await;
    world.resync().await;
    assert_there(&world, &queue_key(&missing, "jobs"));
    let regions = [(REGION, "ENABLED_BY_DEFAULT"), (OTHER_REGION, "ENABLED")];
    world.organization.aws().set_regions(disabled.account(), &regions).await;
    complete_run(&world).await;
    assert_gone(&world, &before, &[]);
}

#[tokio::test]
async fn promise_1_what_a_hand_deleted_comes_back_and_what_a_hand_took_over_is_not_deleted() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let taken = alpha(&world).create_bucket("taken", &[]).await;
    let before = complete_run(&world).await;

    let (blueprint, identifier) = bucket_key(&logs);
    assert!(world.port.delete_entity(&blueprint, &identifier));
    let (blueprint, identifier) = bucket_key(&taken);
    world.port.put_entity("Port/UI", json!({"blueprint": blueprint, "identifier": identifier, "title": "mine now"}));
    alpha(&world).delete_bucket(&taken).await;
    let run = world.resync().await;

    assert_eq!(run.summary["deletions"]["lostInPort"], 1, "{:#}", run.summary);
    assert_eq!(run.summary["deletions"]["repairedTargets"], 1, "{:#}", run.summary);
    assert_eq!(run.summary["deletions"]["missingInPort"], 0, "{:#}", run.summary);
    assert_eq!(run.summary["kinds"][BUCKET]["accepted"], 1, "{:#}", run.summary);
    assert_gone(&world, &before, &[]);
    assert_eq!(world.port.entities()[&bucket_key(&taken)]["title"], "mine now");
    assert_eq!(deletion_calls(&world), 0);
}

#[tokio::test]
async fn promise_2_what_pointed_to_a_lost_entity_points_to_it_again() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let account = world.organization.account("alpha").to_owned();
    complete_run(&world).await;
    let relation = |world: &World| world.port.entities()[&bucket_key(&logs)]["relations"]["account"].clone();
    assert_eq!(relation(&world), json!(account));

    let (blueprint, identifier) = account_key(&account);
    assert!(world.port.delete_entity(&blueprint, &identifier));
    assert_eq!(relation(&world), json!(null), "Port empties relations to what is deleted");
    complete_run(&world).await;

    assert_there(&world, &account_key(&account));
    assert_eq!(relation(&world), json!(account));
}

#[tokio::test]
async fn promise_2_a_run_that_brings_back_what_was_lost_deletes_what_is_gone() {
    let world = world_with(one_member().member("beta", "Workloads"), &[ACCOUNT, BUCKET, QUEUE]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    let beta = world.organization.place("beta", REGION);
    let mails = beta.create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    // All of it, in more than half of the targets.
    for (blueprint, identifier) in before.keys().filter(|key| **key != bucket_key(&logs)) {
        world.port.delete_entity(blueprint, identifier);
    }
    alpha(&world).delete_bucket(&logs).await;
    beta.delete_bucket(&mails).await;
    let run = world.resync().await;

    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert_gone(&world, &before, &[bucket_key(&logs), bucket_key(&mails)]);
    assert_eq!(run.summary["deletions"]["missingInPort"], 0, "{:#}", run.summary);
    let relation = |key: &EntityKey| world.port.entities()[key]["relations"]["account"].clone();
    assert_eq!(relation(&queue_key(&alpha(&world), "jobs")), json!(alpha(&world).account()));
    let next = world.resync().await;
    assert_eq!(next.summary["deletions"]["repairedTargets"], Value::Null, "{:#}", next.summary);
    assert_eq!(next.summary["kinds"][BUCKET]["accepted"], 0, "{:#}", next.summary);
}

#[tokio::test]
async fn a_run_ends_and_says_so_where_port_does_not_list_what_is_ours() {
    let world = world_with(one_member(), &[BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;
    alpha(&world).delete_bucket(&logs).await;
    world.port.fail(Fault::answer(LISTING, 403, "forbidden", "not for you").for_ever());
    let run = world.resync().await;
    assert_eq!(run.summary["outcome"], "completed-with-problems", "{:#}", run.summary);
    assert!(run.summary["deletions"]["notVerified"].to_string().contains("not for you"), "{:#}", run.summary);
    assert_gone(&world, &before, &[bucket_key(&logs)]);

    // The ledger still has the entry, because nobody saw that the entity is gone; the next run settles it.
    world.port.clear_faults();
    complete_run(&world).await;
    assert!(
        !String::from_utf8_lossy(&world.ledgers().await.into_values().flatten().collect::<Vec<_>>()).contains(&logs)
    );
}

/// A blueprint of somebody else, with entities that cannot be without a bucket.
fn put_dependent(world: &World, bucket: &str) {
    let blueprint = json!({
        "identifier": "backupPlan", "title": "Backup plan", "schema": {"properties": {}, "required": []},
        "relations": {"bucket": {"title": "Bucket", "target": "s3Bucket", "required": true, "many": false}},
    });
    world.port.put_blueprint(blueprint);
    let (_, identifier) = bucket_key(bucket);
    let plan = json!({"blueprint": "backupPlan", "identifier": "nightly", "relations": {"bucket": identifier}});
    world.port.put_entity("Port/UI", plan);
}

#[tokio::test]
async fn promise_3_one_entity_that_port_refuses_to_delete_holds_up_no_other() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let mut buckets = Vec::new();
    for number in 1..=5 {
        buckets.push(alpha(&world).create_bucket(&format!("bucket-{number}"), &[]).await);
    }
    complete_run(&world).await;
    let needed = buckets.remove(2);
    put_dependent(&world, &needed);
    let before = world.port.entities();
    let plan_key = ("backupPlan".to_owned(), "nightly".to_owned());

    for bucket in buckets.iter().chain([&needed]) {
        alpha(&world).delete_bucket(bucket).await;
    }
    let others: Vec<_> = buckets.iter().map(|bucket| bucket_key(bucket)).collect();
    for _ in 0..2 {
        let run = troubled_run(&world).await;
        assert_gone(&world, &before, &others);
        assert_eq!(run.summary["deletions"]["keptRefused"], 1, "{:#}", run.summary);
        assert_held_back(&run, &[&needed, "nightly", "deleteDependentEntities"]);
    }

    world.set_mapping(changed(mapping(&[ACCOUNT, BUCKET]), "/deleteDependentEntities", json!(true)));
    let run = world.resync().await;
    let gone: Vec<_> = others.into_iter().chain([bucket_key(&needed), plan_key]).collect();
    assert_gone(&world, &before, &gone);
    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
}

#[tokio::test]
async fn promise_2_what_the_selector_no_longer_takes_goes() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    alpha(&world).create_bucket("logs", &[]).await;
    let mails = alpha(&world).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    let no_mails =
        changed(entry(BUCKET), "/selector/query", json!(".Properties.BucketName | startswith(\"mails\") | not"));
    world.set_mapping(mapping_of([entry(ACCOUNT), no_mails]));
    let run = world.resync().await;
    assert_gone(&world, &before, &[bucket_key(&mails)]);
    assert_eq!(run.summary["kinds"][BUCKET]["filteredOut"], 1, "{:#}", run.summary);
}

#[tokio::test]
async fn promise_2_a_resource_that_comes_back_is_sent_again() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    // Once after its entity was deleted, and once while the threshold kept it.
    for threshold in [0.9, 0.0] {
        world.set_mapping(changed(mapping(&[ACCOUNT, BUCKET]), "/entityDeletionThreshold", json!(threshold)));
        alpha(&world).delete_bucket(&logs).await;
        world.resync().await;
        let is_there = world.port.entities().contains_key(&bucket_key(&logs));
        assert_eq!(is_there, threshold == 0.0);
        alpha(&world).create_bucket("logs", &[("team", "sea")]).await;
        complete_run(&world).await;
        assert_gone(&world, &before, &[]);
        let tags: &Value = &world.port.entities()[&bucket_key(&logs)]["properties"]["tags"];
        assert_eq!(tags, &json!([{"Key": "team", "Value": "sea"}]));
    }
}

/// The way out that docs/uninstall.md describes, with the mapping that it gives.
#[tokio::test]
async fn the_mapping_of_the_uninstall_page_lets_everything_go() {
    let mut world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;
    assert!(before.len() > 2, "{:#?}", before.keys());

    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/uninstall.md")).expect("the page");
    let (_, rest) = page.split_once("```json\n").expect("a mapping on the page");
    let (text, _) = rest.split_once("```").expect("the end of the mapping");
    world.set_mapping(serde_json::from_str(text).expect("the mapping is JSON"));
    world.redeploy(&[]).await;
    let run = world.resync_by(json!({"mode": "full"})).await;

    assert_eq!(run.summary["deletions"]["deleted"], before.len(), "{:#}", run.summary);
    assert!(world.port.entities().is_empty(), "{:#?}", world.port.entities().keys());
}
