//! What must stay: whatever could not be read, mapped, or found out is not gone.

use std::time::Duration;

use serde_json::{Value, json};

use super::steps::{
    ACCOUNT, BUCKET, QUEUE, REGION, TOPIC, account_key, alpha, assert_all_stay, assert_gone, assert_held_back,
    assert_says, assert_there, bucket_key, changed, complete_run, damage_ledger, deletion_calls, denied, entry,
    ledger_key, mapping, mapping_of, one_member, queue_key, troubled_run, world_with,
};
use crate::small::states_of;
use crate::support::aws::OrganizationPlan;
use crate::support::lambda::PumpReport;
use crate::support::port::{EntityKey, Fault};
use crate::support::world::World;

#[tokio::test]
async fn promise_1_an_account_that_can_no_longer_be_entered_keeps_everything() {
    let mut world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    let account = world.organization.account("alpha").to_owned();
    alpha(&world).delete_bucket(&logs).await;
    world.organization.remove_read_role(&account).await;
    // New processes: the old ones still have credentials of the role.
    world.redeploy(&[]).await;
    let run = troubled_run(&world).await;

    assert_all_stay(&world, &before, &run);
    let inaccessible = &run.summary["inaccessibleAccounts"][0];
    assert_eq!(inaccessible["account"], account.as_str());
    assert_eq!(inaccessible["name"], "alpha");
    assert!(inaccessible["reason"].as_str().is_some_and(|reason| reason.contains("unable to assume role")));
    assert!(inaccessible["check"].as_str().is_some_and(|check| check.contains("trust policy")));
}

#[tokio::test]
async fn promise_1_a_kind_that_left_the_mapping_stays_where_the_run_could_not_look() {
    let mut world = world_with(one_member(), &[ACCOUNT, TOPIC]).await;
    let kept = ("snsTopic".to_owned(), alpha(&world).create_topic("alerts", &[]).await);
    let gone = world.organization.place("integration", REGION).create_topic("alerts", &[]).await;
    let gone = ("snsTopic".to_owned(), gone);
    let before = complete_run(&world).await;

    let account = world.organization.account("alpha").to_owned();
    world.organization.remove_read_role(&account).await;
    world.redeploy(&[]).await;
    world.set_mapping(mapping(&[ACCOUNT]));
    troubled_run(&world).await;
    assert_gone(&world, &before, std::slice::from_ref(&gone));

    world.organization.add_read_role(&account).await;
    complete_run(&world).await;
    assert_gone(&world, &before, &[gone, kept]);
}

#[tokio::test]
async fn promise_1_a_denied_kind_keeps_its_entities_and_the_other_kinds_are_updated() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE, TOPIC]).await;
    let account = world.organization.account("alpha").to_owned();
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let topic = alpha(&world).create_topic("alerts", &[]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    for (service, operation) in [("sqs", "ListQueues"), ("s3", "ListBuckets")] {
        world.aws_fault(&account, service, operation, denied()).await;
    }
    alpha(&world).delete_queue(&jobs).await;
    alpha(&world).delete_bucket(&logs).await;
    alpha(&world).delete_topic(&topic).await;
    let new_topic = alpha(&world).create_topic("new", &[]).await;
    let run = troubled_run(&world).await;

    assert_there(&world, &("snsTopic".to_owned(), new_topic));
    assert_gone(&world, &before, &[("snsTopic".to_owned(), topic)]);
    for (target, kind) in [(format!("{account}/{REGION}"), QUEUE), (format!("{account}/global"), BUCKET)] {
        let failures = run.summary["failedTargets"].as_array().expect("a list");
        let failure = failures.iter().find(|failure| failure["target"] == target.as_str() && failure["kind"] == kind);
        let reason = failure.unwrap_or_else(|| panic!("{failures:#?}"))["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("access denied"), "{reason}");
    }
}

#[tokio::test]
async fn promise_1_a_throttled_listing_deletes_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, QUEUE, TOPIC]).await;
    let account = world.organization.account("alpha").to_owned();
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let topic = alpha(&world).create_topic("alerts", &[]).await;
    let before = complete_run(&world).await;

    let throttled = json!({"status": 400, "code": "ThrottlingException", "message": "Rate exceeded"});
    world.aws_fault(&account, "sqs", "ListQueues", throttled.clone()).await;
    world.aws_fault(&account, "sns", "ListTopics", throttled).await;
    alpha(&world).delete_queue(&jobs).await;
    alpha(&world).delete_topic(&topic).await;
    let run = troubled_run(&world).await;

    assert_all_stay(&world, &before, &run);
    assert_says(&run, &["throttled: sqs:ListQueues", "throttled: sns:ListTopics", "ThrottlingException"]);
}

#[tokio::test]
async fn promise_1_an_answer_that_cannot_be_understood_deletes_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, QUEUE, TOPIC]).await;
    let account = world.organization.account("alpha").to_owned();
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let topic = alpha(&world).create_topic("alerts", &[]).await;
    let before = complete_run(&world).await;

    // Answers that a proxy gives in the place of AWS.
    let page = json!({"status": 200, "body": "<html>please log in</html>"});
    world.aws_fault(&account, "sqs", "ListQueues", page.clone()).await;
    world.aws_fault(&account, "sns", "ListTopics", page).await;
    alpha(&world).delete_queue(&jobs).await;
    alpha(&world).delete_topic(&topic).await;
    let run = troubled_run(&world).await;

    assert_all_stay(&world, &before, &run);
    assert_says(&run, &["failed: sqs:ListQueues", "failed: sns:ListTopics"]);
}

#[tokio::test]
async fn promise_1_a_failing_enrichment_leaves_its_resource_as_it_was_and_updates_the_others() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    let account = world.organization.account("alpha").to_owned();
    let alpha = alpha(&world);
    let closed = alpha.create_bucket("closed", &[("team", "sea")]).await;
    let broken = alpha.create_bucket("broken", &[("team", "sea")]).await;
    let open = alpha.create_bucket("open", &[("team", "sea")]).await;
    alpha.create_queue("jobs", &[("team", "sea")]).await;
    alpha.create_queue("mails", &[("team", "sea")]).await;
    let before = complete_run(&world).await;

    let aws = world.organization.aws();
    let broken_effect = json!({"status": 500, "code": "InternalError"});
    for (service, operation, resource, effect) in [
        ("s3", "GetBucketTagging", closed.as_str(), denied()),
        ("s3", "GetBucketTagging", broken.as_str(), broken_effect.clone()),
        ("sqs", "GetQueueAttributes", "/jobs", broken_effect),
    ] {
        let fault = json!({"account": account, "service": service, "operation": operation, "resource": resource, "effect": effect});
        aws.fault(fault).await;
    }
    for bucket in [&closed, &broken, &open] {
        alpha.tag_bucket(bucket, &[("team", "land")]).await;
    }
    let run = troubled_run(&world).await;

    assert_all_stay(&world, &before, &run);
    let now = world.port.entities();
    for key in [bucket_key(&closed), bucket_key(&broken), queue_key(&alpha, "jobs"), queue_key(&alpha, "mails")] {
        assert_eq!(now[&key], before[&key], "{key:?} was touched");
    }
    assert_eq!(now[&bucket_key(&open)]["properties"]["tags"], json!([{"Key": "team", "Value": "land"}]));
    assert_eq!(run.summary["kinds"][BUCKET]["held"], 2, "{:#}", run.summary);
    assert_eq!(run.summary["kinds"][QUEUE]["held"], 1, "{:#}", run.summary);
    assert_says(&run, &["access denied: s3:GetBucketTagging", "s3:GetBucketTagging answered InternalError"]);
    assert_says(&run, &["sqs:GetQueueAttributes", &closed, &broken]);
}

#[tokio::test]
async fn promise_1_a_listing_that_fails_on_a_later_page_deletes_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let account = world.organization.account("alpha").to_owned();
    let aws = world.organization.aws();
    aws.set_page_size(Some(&account), "s3:ListBuckets", 1).await;
    let first = alpha(&world).create_bucket("a-first", &[]).await;
    let last = alpha(&world).create_bucket("z-last", &[]).await;
    let before = complete_run(&world).await;

    let effect = json!({"status": 500, "code": "InternalError"});
    let fault = json!({"account": account, "service": "s3", "operation": "ListBuckets", "resource": "continuation-token", "effect": effect});
    aws.fault(fault).await;
    alpha(&world).create_bucket("b-new", &[]).await;
    alpha(&world).tag_bucket(&first, &[("team", "land")]).await;
    alpha(&world).delete_bucket(&last).await;
    let run = troubled_run(&world).await;

    assert_all_stay(&world, &before, &run);
    // What the first page gave is good all the same.
    let tags = &world.port.entities()[&bucket_key(&first)]["properties"]["tags"];
    assert_eq!(tags, &json!([{"Key": "team", "Value": "land"}]));
    assert_says(&run, &["failed: s3:ListBuckets answered InternalError"]);
}

#[tokio::test]
async fn promise_1_a_mapping_that_gives_no_identifier_or_no_clear_selection_deletes_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    world.set_mapping(mapping_of([
        entry(ACCOUNT),
        changed(entry(BUCKET), "/port/entity/mappings/identifier", json!(".Properties.arn")),
        changed(entry(QUEUE), "/selector/query", json!(".Properties.VisibilityTimeout")),
    ]));
    let run = troubled_run(&world).await;

    assert_all_stay(&world, &before, &run);
    assert_says(&run, &["`.Properties.arn` gave null, which is no identifier"]);
    assert_says(&run, &["selector.query: gave 30; true or false is expected"]);
    assert!(run.summary["kinds"][QUEUE]["held"].as_u64().is_some_and(|held| held >= 1), "{:#}", run.summary);
}

#[tokio::test]
async fn promise_1_a_blueprint_that_port_does_not_have_replaces_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    let mistyped = changed(entry(BUCKET), "/port/entity/mappings/blueprint", json!("\"s3Buckt\""));
    world.set_mapping(mapping_of([entry(ACCOUNT), mistyped]));
    alpha(&world).delete_bucket(&logs).await;
    for _ in 0..2 {
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        assert_says(&run, &["Port refused", "s3Buckt", "404"]);
    }

    world.set_mapping(mapping(&[ACCOUNT, BUCKET]));
    complete_run(&world).await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
}

#[tokio::test]
async fn promise_1_a_mistyped_kind_is_named_and_costs_nothing() {
    let in_another_blueprint = |kind: &str| {
        let other = changed(entry(BUCKET), "/port/entity/mappings/blueprint", json!("\"organizationsAccount\""));
        let other = changed(other, "/port/entity/mappings/properties", json!({}));
        changed(changed(other, "/port/entity/mappings/relations", json!({})), "/kind", json!(kind))
    };
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), in_another_blueprint(BUCKET), entry(QUEUE)]));
    alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    // One of two entries of a kind, and the only entry of another. Names that could be a kind's are AWS's to judge.
    let no_kinds =
        ["resources[2] (s3-bucket) is disabled", "resources[3] (sqs-queue) is disabled", "check its spelling"];
    let not_found = ["type not found", "'AWS::S3::Bukcet'", "'AWS::SQS::Queu'", "check the spelling"];
    for (bucket, queue, words) in
        [("s3-bucket", "sqs-queue", no_kinds.as_slice()), ("AWS::S3::Bukcet", "AWS::SQS::Queu", not_found.as_slice())]
    {
        let mistyped_queue = changed(entry(QUEUE), "/kind", json!(queue));
        let one_of_two = in_another_blueprint(bucket);
        world.set_mapping(mapping_of([entry(ACCOUNT), entry(BUCKET), one_of_two, mistyped_queue]));
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        assert_says(&run, words);
        assert_held_back(&run, &["that the mapping no longer gives stay"]);
    }
}

#[tokio::test]
async fn promise_1_an_empty_mapping_fails_loudly_and_changes_nothing() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let before = complete_run(&world).await;
    let state = world.ledgers().await;
    let runs = world.organization.state_keys("runs/").await;

    for empty in [json!(null), json!({}), json!({"resources": []}), json!({"resources": null})] {
        world.set_mapping(empty.clone());
        world.clear_calls().await;
        let refused = world.schedule(json!({})).await;
        let words = format!("{:?}", refused.expect_err("a run of an empty mapping"));
        assert!(words.contains("the integration has no mapping"), "{empty}: {words}");
        assert_eq!(world.writes_to_port(), 0, "{empty}");
    }
    assert_eq!(world.pump().run().await.invocations(), 0);
    assert_eq!(world.port.entities(), before);
    assert_eq!(world.ledgers().await, state);
    assert_eq!(world.organization.state_keys("runs/").await, runs);
}

#[tokio::test]
async fn promise_2_an_outage_of_port_delays_and_loses_nothing() {
    let mut world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    let added = alpha(&world).create_bucket("added", &[]).await;
    alpha(&world).delete_bucket(&logs).await;
    let answer = world.schedule(json!({})).await.expect("Port is still there");
    world.port.stop().await;
    // The target with the new bucket fails once, then Port is back: the run itself recovers.
    let report = world.pump().until(|report| !report.failures().is_empty()).run().await;
    assert!(!report.failures().is_empty());
    assert_eq!(world.port.entities(), before);
    world.port.restart().await;
    world.pump().run().await;

    let summary = world.summary(&answer).await;
    assert_eq!(summary["outcome"], "completed", "{summary:#}");
    assert_there(&world, &bucket_key(&added));
    assert_gone(&world, &before, &[bucket_key(&logs)]);
}

#[tokio::test]
async fn a_run_that_an_outage_holds_up_can_be_superseded() {
    let mut world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    alpha(&world).delete_bucket(&logs).await;
    let answer = world.schedule(json!({})).await.expect("Port is still there");
    world.port.stop().await;
    let report = world.pump().until(|report| !report.failures().is_empty()).run().await;
    assert!(report.failures().iter().all(|failure| failure.body.contains("sweep")), "{report:#?}");
    assert_eq!(world.summary(&answer).await["outcome"], "started");
    assert_eq!(world.port.entities(), before);

    world.port.restart().await;
    let refused = world.schedule(json!({})).await.expect("an answer");
    assert!(refused["reason"].to_string().contains("is still going"), "{refused:#}");
    let run = world.resync_by(json!({"force": true})).await;
    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert_gone(&world, &before, &[bucket_key(&logs)]);
    assert_eq!(world.summary(&answer).await["outcome"], "started", "the older run has no effect any more");
}

#[tokio::test]
async fn promise_1_a_superseded_sweep_deletes_nothing_any_more() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    // The older sweep is about to delete the bucket's entity when the bucket is back and a newer run begins.
    alpha(&world).delete_bucket(&logs).await;
    world.port.clear_calls();
    world.port.fail(Fault::delay("POST /entities/search", Duration::from_secs(6)));
    world.schedule(json!({})).await.expect("a run");
    let supersede = async {
        while !world.port.call_counts().contains_key("POST /entities/search") {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        alpha(&world).create_bucket("logs", &[]).await;
        world.schedule(json!({"force": true})).await.expect("a newer run")
    };
    let (_, newer) = tokio::join!(world.pump().run(), supersede);

    assert_eq!(world.summary(&newer).await["outcome"], "completed");
    assert_gone(&world, &before, &[]);
    assert_eq!(deletion_calls(&world), 0);
}

#[tokio::test]
async fn promise_1_accounts_that_discovery_did_not_find_are_not_gone() {
    let plan = one_member().member("beta", "Sandbox");
    let mut world = world_with(plan, &[ACCOUNT, BUCKET]).await;
    alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    // Organizations does not answer: the run does not even start.
    let management = world.organization.management_account().to_owned();
    let fault = json!({"status": 400, "code": "AccessDeniedException", "message": "not authorized"});
    world.aws_fault(&management, "organizations", "ListAccounts", fault).await;
    let refused = world.schedule(json!({})).await;
    let words = format!("{:?}", refused.expect_err("a run without accounts"));
    assert!(words.contains("organizations:ListAccounts") && words.contains("access denied"), "{words}");
    assert_eq!(world.port.entities(), before);
    world.organization.clear_faults().await;

    // The setting names fewer units than before.
    let unit = world.organization.organizational_unit("Sandbox").to_owned();
    world.redeploy(&[("OCEAN__INTEGRATION__CONFIG__OU_ID", &unit)]).await;
    for _ in 0..2 {
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        let account = world.organization.account("alpha");
        assert_held_back(&run, &[account, "the way in which accounts are found was changed"]);
    }

    // Set right again, all is as ever.
    world.redeploy(&[]).await;
    assert_eq!(complete_run(&world).await.len(), before.len());
}

#[tokio::test]
async fn promise_1_more_than_half_of_the_accounts_are_not_gone_at_once() {
    let plan = one_member().member("beta", "Workloads").member("gamma", "Workloads");
    let world = world_with(plan, &[ACCOUNT]).await;
    let before = complete_run(&world).await;

    for name in ["alpha", "beta", "gamma"] {
        world.organization.close_account(world.organization.account(name)).await;
    }
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_held_back(&run, &["more than half of the 5 accounts", world.organization.account("gamma")]);
}

/// AWS suspends accounts whose bills are not paid: everything in them is still there.
#[tokio::test]
async fn promise_1_a_suspended_account_stays_and_so_does_what_no_ledger_knows() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT]).await;
    let before = complete_run(&world).await;

    let account = world.organization.account("alpha").to_owned();
    world.organization.set_account_state(&account, "SUSPENDED").await;
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_eq!(run.summary["inaccessibleAccounts"][0]["reason"], "AWS Organizations reports it as SUSPENDED");

    // As if this installation had just taken the place of another one.
    for key in world.organization.state_keys("state/").await {
        world.organization.delete_state(&key).await;
    }
    for _ in 0..2 {
        let run = world.resync_by(json!({"mode": "full"})).await;
        assert_all_stay(&world, &before, &run);
        assert_eq!(run.summary["deletions"]["unknownInPort"], 1);
    }
}

#[tokio::test]
async fn promise_1_an_account_of_which_nothing_can_be_learned_stays() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT]).await;
    let before = complete_run(&world).await;

    let account = world.organization.account("alpha").to_owned();
    world.organization.close_account(&account).await;
    let management = world.organization.management_account().to_owned();
    let fault = json!({"status": 400, "code": "AccessDeniedException", "message": "not authorized"});
    world.aws_fault(&management, "organizations", "DescribeAccount", fault).await;
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_held_back(&run, &[&account, "access denied: organizations:DescribeAccount"]);

    world.organization.clear_faults().await;
    complete_run(&world).await;
    assert_gone(&world, &before, &[account_key(&account)]);
}

#[tokio::test]
async fn promise_1_an_account_stays_while_it_is_not_known_how_accounts_were_found_before() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT]).await;
    let before = complete_run(&world).await;

    let known = world.organization.state_keys("state/").await.into_iter().find(|key| key.ends_with("/known.json"));
    world.organization.delete_state(&known.expect("what a run leaves for the next")).await;
    let account = world.organization.account("alpha").to_owned();
    world.organization.close_account(&account).await;
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_held_back(&run, &[&account, "how it found accounts"]);

    complete_run(&world).await;
    assert_gone(&world, &before, &[account_key(&account)]);
}

#[tokio::test]
async fn promise_1_a_damaged_ledger_stops_deletions_everywhere_until_its_target_was_read_again() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    world.organization.place("beta", REGION).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    let beta = world.organization.account("beta").to_owned();
    damage_ledger(&world, &format!("{beta}/global")).await;
    alpha(&world).delete_bucket(&logs).await;
    // The damaged target is not read to its end, so that what it claims stays unknown.
    world.aws_fault(&beta, "s3", "ListBuckets", denied()).await;
    for _ in 0..2 {
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        assert_held_back(&run, &[&format!("the ledger of {beta}/global"), "damaged"]);
    }

    world.organization.clear_faults().await;
    complete_run(&world).await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
}

#[tokio::test]
async fn promise_1_a_lost_ledger_stops_deletions_everywhere_until_its_target_was_read_again() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    world.organization.place("beta", REGION).create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    let beta = world.organization.account("beta").to_owned();
    let key = ledger_key(&world, &format!("{beta}/global")).await;
    world.organization.delete_state(&key).await;
    alpha(&world).delete_bucket(&logs).await;
    // Its other kind is read, so that there is a ledger again: one that does not know of the buckets.
    world.aws_fault(&beta, "s3", "ListBuckets", denied()).await;
    for _ in 0..2 {
        let run = troubled_run(&world).await;
        assert_all_stay(&world, &before, &run);
        assert_held_back(&run, &[&format!("the ledger of {beta}/global")]);
    }
    // Nor does a run of one kind tell what the others claim.
    world.organization.clear_faults().await;
    let run = world.resync_by(json!({"kinds": [BUCKET]})).await;
    assert_all_stay(&world, &before, &run);
    assert_held_back(&run, &[&format!("the ledger of {beta}/global")]);

    complete_run(&world).await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
}

#[tokio::test]
async fn promise_1_a_ledger_that_cannot_be_read_deletes_nothing() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let before = complete_run(&world).await;

    alpha(&world).delete_bucket(&logs).await;
    let integration = world.organization.integration_account().to_owned();
    let beta = world.organization.account("beta").to_owned();
    let ledger = ledger_key(&world, &format!("{beta}/global")).await;
    let effect = json!({"status": 403, "code": "AccessDenied"});
    let fault = json!({"account": integration, "service": "s3", "operation": "GetObject", "resource": ledger, "effect": effect});
    world.organization.aws().fault(fault).await;
    world.schedule(json!({})).await.expect("a run starts");
    // The target fails five times, and then the sweep once.
    world.pump().until(|report| report.failures().len() >= 6).run().await;
    let now = world.port.entities();
    assert!(before.keys().all(|key| now.contains_key(key)), "something was deleted");

    world.organization.clear_faults().await;
    world.pump().run().await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
}

#[tokio::test]
async fn promise_1_a_narrowed_run_deletes_nothing_that_it_did_not_look_at() {
    let plan = one_member().member("beta", "Workloads");
    let world = world_with(plan, &[ACCOUNT, BUCKET, QUEUE]).await;
    let beta = world.organization.place("beta", REGION);
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let mails = beta.create_bucket("mails", &[]).await;
    let before = complete_run(&world).await;

    alpha(&world).delete_bucket(&logs).await;
    alpha(&world).delete_queue(&jobs).await;
    beta.delete_bucket(&mails).await;
    // A kind that left the mapping is no business of a narrowed run either.
    world.set_mapping(mapping(&[BUCKET, QUEUE]));
    world.resync_by(json!({"kinds": [QUEUE]})).await;
    let jobs_key = queue_key(&alpha(&world), "jobs");
    assert_gone(&world, &before, std::slice::from_ref(&jobs_key));
    world.resync_by(json!({"accounts": [beta.account()]})).await;
    assert_gone(&world, &before, &[jobs_key.clone(), bucket_key(&mails)]);
    world.resync_by(json!({"regions": ["eu-north-1"], "kinds": [QUEUE, BUCKET], "accounts": [beta.account()]})).await;
    assert_gone(&world, &before, &[jobs_key, bucket_key(&mails)]);
}

/// An entry that makes one and the same entity of all resources of a kind in `alpha`.
fn shared_entity(world: &World, kind: &str) -> Value {
    let template = json!({"identifier": "\"shared\"", "blueprint": "\"organizationsAccount\""});
    let query = format!(".__AccountId == \"{}\"", world.organization.account("alpha"));
    changed(changed(entry(kind), "/port/entity/mappings", template), "/selector/query", json!(query))
}

fn shared_key() -> EntityKey {
    ("organizationsAccount".to_owned(), "shared".to_owned())
}

#[tokio::test]
async fn promise_1_what_somebody_else_claims_or_relates_to_stays() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET, QUEUE]).await;
    let shared = |kind| shared_entity(&world, kind);
    let accounts_and = |entries: Vec<Value>| mapping_of([entry(ACCOUNT), entry(BUCKET)].into_iter().chain(entries));
    world.set_mapping(accounts_and(vec![shared(BUCKET)]));
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    alpha(&world).create_bucket("mails", &[]).await;
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;
    assert_there(&world, &shared_key());

    // Another resource of the same kind still gives it; then only a resource of another kind in another target does.
    alpha(&world).delete_bucket(&logs).await;
    let run = world.resync().await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
    assert_eq!(run.summary["deletions"]["keptClaimed"], 1, "{:#}", run.summary);
    assert_eq!(run.summary["deletions"]["unknownInPort"], 0, "{:#}", run.summary);
    world.set_mapping(accounts_and(vec![shared(QUEUE)]));
    world.resync().await;
    assert_gone(&world, &before, &[bucket_key(&logs)]);
    alpha(&world).delete_queue(&jobs).await;
    world.resync().await;
    assert_gone(&world, &before, &[bucket_key(&logs), shared_key()]);

    // Buckets relate to the accounts, whoever reads the accounts.
    world.set_mapping(mapping(&[BUCKET]));
    let run = world.resync().await;
    assert_there(&world, &account_key(world.organization.account("alpha")));
    assert!(run.summary["deletions"]["keptClaimed"].as_u64().is_some_and(|kept| kept >= 1), "{:#}", run.summary);
}

#[tokio::test]
async fn promise_1_an_entity_stays_while_one_of_its_sources_is_in_doubt() {
    let world = world_with(one_member(), &[ACCOUNT]).await;
    let with_threshold = |share: f64| {
        let entries = [entry(ACCOUNT), shared_entity(&world, BUCKET), shared_entity(&world, QUEUE)];
        world.set_mapping(changed(mapping_of(entries), "/entityDeletionThreshold", json!(share)));
    };
    with_threshold(0.0);
    let logs = alpha(&world).create_bucket("logs", &[]).await;
    let jobs = alpha(&world).create_queue("jobs", &[]).await;
    let before = complete_run(&world).await;

    // A run finds the bucket gone, and keeps the entity for the queue's sake. The next one cannot list buckets.
    let denied_listing = denied();
    alpha(&world).delete_bucket(&logs).await;
    alpha(&world).delete_queue(&jobs).await;
    let run = troubled_run(&world).await;
    assert_held_back(&run, &["entityDeletionThreshold"]);
    alpha(&world).create_bucket("logs", &[]).await;
    with_threshold(0.9);
    world.aws_fault(alpha(&world).account(), "s3", "ListBuckets", denied_listing).await;
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);

    world.organization.clear_faults().await;
    complete_run(&world).await;
    assert_gone(&world, &before, &[]);
}

#[tokio::test]
async fn promise_1_what_a_second_try_of_a_target_sees_again_stays() {
    let world = world_with(one_member(), &[ACCOUNT, BUCKET]).await;
    let logs = alpha(&world).create_bucket("logs", &[("team", "sea")]).await;
    let before = complete_run(&world).await;

    // The first try does not see the bucket, and Port takes nothing of what it sends; the second sees it, but not all
    // of it.
    alpha(&world).delete_bucket(&logs).await;
    let added = alpha(&world).create_bucket("added", &[]).await;
    world.port.fail(Fault::refuse(&[&bucket_key(&added).1], 503, "unavailable", "try again"));
    let answer = world.schedule(json!({})).await.expect("a run");
    let target = format!("{}/global", alpha(&world).account());
    let is_tried = |report: &PumpReport| report.deliveries.iter().any(|delivery| delivery.body.contains(&target));
    world.pump().until(is_tried).run().await;
    assert!(world.worker.log_lines().join("\n").contains("Port took none of 1 entities"));
    assert!(states_of(&world, &bucket_key(&logs).1).await.contains(&"stale"));
    alpha(&world).create_bucket("logs", &[("team", "sea")]).await;
    let fault = json!({"account": alpha(&world).account(), "service": "s3", "operation": "GetBucketTagging", "resource": logs, "effect": denied()});
    world.organization.aws().fault(fault).await;
    world.pump().run().await;

    let summary = world.summary(&answer).await;
    assert_eq!(summary["kinds"][BUCKET]["held"], 1, "{summary:#}");
    assert_there(&world, &bucket_key(&added));
    assert_gone(&world, &before, &[]);
}

#[tokio::test]
async fn promise_1_a_run_that_would_delete_more_than_the_threshold_deletes_nothing() {
    let world = world_with(OrganizationPlan::new().regions(&[REGION]), &[ACCOUNT, BUCKET]).await;
    let place = world.organization.place("integration", REGION);
    let mut buckets = Vec::new();
    for name in ["a", "b", "c"] {
        buckets.push(place.create_bucket(name, &[]).await);
    }
    let threshold = |share: f64| changed(mapping(&[ACCOUNT, BUCKET]), "/entityDeletionThreshold", json!(share));
    world.set_mapping(threshold(0.4));
    // Two accounts, three buckets and the bucket of the state itself.
    let before = complete_run(&world).await;
    assert_eq!(before.len(), 6, "{:#?}", before.keys());

    for bucket in &buckets {
        place.delete_bucket(bucket).await;
    }
    let run = troubled_run(&world).await;
    assert_all_stay(&world, &before, &run);
    assert_held_back(&run, &["3 of 6 known entities", "entityDeletionThreshold of 0.4", "raise it"]);

    world.set_mapping(threshold(0.5));
    complete_run(&world).await;
    let gone: Vec<_> = buckets.iter().map(|bucket| bucket_key(bucket)).collect();
    assert_gone(&world, &before, &gone);
}
