//! How Port is spoken to: tokens, bulks, refusals, limits.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::small::{
    BULK, INSTANCE, LISTING, REGION, TOKEN, TOPIC, assert_settled, calls_of, mapping_of, only_alpha, pause_key,
    small_world, states_of, wait_until,
};
use crate::support::port::{Call, Fault, PortEmulator};
use crate::support::world::{Resync, World};

const LARGEST_BODY: usize = 1024 * 1024;
const ORGANIZATION: &str = "GET /organization";

/// A small world with topics of these names in `alpha`, and their ARNs.
async fn world_with_topics(names: &[&str]) -> (World, Vec<String>) {
    let world = small_world(&[TOPIC]).await;
    let topics = create_topics(&world, names).await;
    (world, topics)
}

async fn create_topics(world: &World, names: &[&str]) -> Vec<String> {
    let place = world.organization.place("alpha", REGION);
    let mut topics = Vec::new();
    for name in names {
        topics.push(place.create_topic(name, &[]).await);
    }
    topics
}

fn topics_summary(resync: &Resync) -> &Value {
    &resync.summary["kinds"][TOPIC]
}

fn statuses(calls: &[Call]) -> Vec<Option<u16>> {
    calls.iter().map(|call| call.status).collect()
}

/// Time from each call to the next.
fn gaps(calls: &[Call]) -> Vec<Duration> {
    let pairs = calls.windows(2);
    pairs.map(|pair| (pair[1].arrived_at - pair[0].arrived_at).try_into().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_token_is_fetched_once_and_refreshed_once_for_all_callers() {
    let world = small_world(&[INSTANCE]).await;
    world.organization.place("alpha", REGION).run_instances(120, &[]).await;
    let answer = world.schedule(only_alpha(&world)).await.expect("a run starts");
    assert_eq!(calls_of(&world, TOKEN).len(), 1);

    // Five bulks are on their way when the token becomes invalid. The first one goes alone, to learn the rate limit.
    world.clear_calls().await;
    world.port.fail(Fault::delay(BULK, Duration::from_millis(700)).after(1).times(5));
    let revoke = async {
        wait_until(async || calls_of(&world, BULK).len() == 6).await;
        world.port.revoke_tokens();
    };
    let (report, ()) =
        tokio::join!(world.pump().concurrency(1).until(|report| !report.deliveries.is_empty()).run(), revoke);
    assert_eq!(report.failures().len(), 0);
    assert_eq!(calls_of(&world, TOKEN).len(), 2, "one at first, one for the five");
    let counts = statuses(&calls_of(&world, BULK)).into_iter().fold(BTreeMap::new(), |mut counts, status| {
        *counts.entry(status.unwrap_or_default()).or_insert(0) += 1;
        counts
    });
    assert_eq!(counts, BTreeMap::from([(200, 6), (401, 5)]));
    assert_eq!(calls_of(&world, ORGANIZATION).len(), 1);

    world.pump().run().await;
    assert_eq!(world.summary(&answer).await["outcome"], "completed");
    assert_eq!(world.catalog()["ec2Instance"].len(), 120);
}

#[tokio::test]
async fn bulks_keep_to_the_limits_of_count_bytes_and_concurrency() {
    let world = small_world(&[INSTANCE]).await;
    let place = world.organization.place("alpha", REGION);
    place.run_instances(125, &[]).await;
    world.port.fail(Fault::delay(BULK, Duration::from_millis(100)).times(7));
    world.resync_by(only_alpha(&world)).await;
    let calls = calls_of(&world, BULK);
    assert_eq!(calls.iter().map(|call| call.items).collect::<BTreeSet<_>>(), BTreeSet::from([5, 20]));
    assert_eq!(calls.len(), 7);
    assert_eq!(calls.iter().map(|call| call.in_flight).max(), Some(5));

    // The same with entities so large that bytes decide, each of another size.
    let mut mapping = mapping_of(&[INSTANCE]);
    let size = "\"x\" * (60000 + (.Properties.PrivateIpAddress | split(\".\") | last | tonumber))";
    mapping["resources"][0]["port"]["entity"]["mappings"]["properties"]["arn"] = json!(size);
    world.set_mapping(mapping);
    world.clear_calls().await;
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(resync.summary["kinds"][INSTANCE]["accepted"], 125, "{:#}", resync.summary);
    let calls = calls_of(&world, BULK);
    assert_eq!(calls.iter().map(|call| call.items).sum::<usize>(), 125);
    assert!(calls.iter().all(|call| call.body.len() < LARGEST_BODY && call.status == Some(200)));
    assert_eq!(calls.len(), 8, "17 of 60 kB each fill a body");
    assert_eq!(world.port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn promise_2_what_port_refuses_or_forgets_is_told_and_goes_again() {
    let (world, topics) = world_with_topics(&["good", "refused", "forgotten"]).await;
    world.port.fail(Fault::refuse(&[&topics[1]], 422, "invalid_request", "not today"));
    let first = world.resync_by(only_alpha(&world)).await;
    assert_eq!(calls_of(&world, BULK).len(), 1);
    assert_eq!(first.summary["outcome"], "completed-with-problems");
    let summary = topics_summary(&first);
    assert_eq!((&summary["accepted"], &summary["refused"]), (&json!(2), &json!(1)), "{summary:#}");
    let problem = summary["problems"][0].as_str().unwrap_or_default();
    assert!(problem.contains(&topics[1]) && problem.contains("422") && problem.contains("not today"), "{problem}");
    assert_eq!(states_of(&world, &topics[1]).await, ["unsure"]);
    assert_eq!(states_of(&world, &topics[0]).await, ["sent"]);

    // The next run sends that one alone. This time Port does not mention it, nor another one that is new.
    let new = create_topics(&world, &["new"]).await.remove(0);
    world.port.fail(Fault::forget(&[&topics[1]]));
    world.clear_calls().await;
    let second = world.resync_by(only_alpha(&world)).await;
    let sent = calls_of(&world, BULK);
    assert_eq!(sent.iter().map(|call| call.items).collect::<Vec<_>>(), [2]);
    let summary = topics_summary(&second);
    assert_eq!((&summary["accepted"], &summary["refused"]), (&json!(1), &json!(1)), "{summary:#}");
    assert_eq!(states_of(&world, &topics[1]).await, ["unsure"]);

    let third = world.resync_by(only_alpha(&world)).await;
    assert_eq!(third.summary["outcome"], "completed", "{:#}", third.summary);
    assert_settled(&world, &[&topics[0], &topics[1], &topics[2], &new]).await;
}

#[tokio::test]
async fn a_body_that_is_too_large_for_port_is_split() {
    let (world, topics) = world_with_topics(&["a", "b", "c"]).await;
    world.port.fail(Fault::answer(BULK, 413, "payload_too_large", "less, please"));
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(topics_summary(&resync)["accepted"], 3);
    assert_eq!(calls_of(&world, BULK).iter().map(|call| call.items).collect::<Vec<_>>(), [3, 1, 2]);
    assert_settled(&world, &[&topics[0], &topics[1], &topics[2]]).await;
}

#[tokio::test]
async fn promise_3_one_entity_that_spoils_the_whole_body_is_found_by_halving() {
    let world = small_world(&[TOPIC]).await;
    let mut mapping = mapping_of(&[TOPIC]);
    let relation =
        "if .Properties.TopicArn | endswith(\"bad\") then {what: \"is this\"} else .__ExtraContext.AccountId end";
    mapping["resources"][0]["port"]["entity"]["mappings"]["relations"]["account"] = json!(relation);
    world.set_mapping(mapping);
    let topics = create_topics(&world, &["a", "b", "bad", "c", "d", "e", "f", "g"]).await;
    let resync = world.resync_by(only_alpha(&world)).await;
    let summary = topics_summary(&resync);
    assert_eq!((&summary["accepted"], &summary["refused"]), (&json!(7), &json!(1)), "{summary:#}");
    let problem = summary["problems"][0].as_str().unwrap_or_default();
    assert!(problem.contains(&topics[2]) && problem.contains("422"), "{problem}");
    assert_eq!(calls_of(&world, BULK).len(), 7, "halved three times");
    for topic in topics.iter().filter(|topic| !topic.ends_with("bad")) {
        assert_eq!(states_of(&world, topic).await, ["sent"]);
    }
    assert_eq!(states_of(&world, &topics[2]).await, ["unsure"]);
}

#[tokio::test]
async fn a_call_that_port_rejects_is_not_repeated() {
    let (world, topics) = world_with_topics(&["alerts"]).await;
    world.port.fail(Fault::answer(BULK, 400, "bad_request", "what is that"));
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(calls_of(&world, BULK).len(), 1);
    let problem = topics_summary(&resync)["problems"][0].as_str().unwrap_or_default();
    assert!(problem.contains(&topics[0]) && problem.contains("what is that"), "{problem}");
}

/// Whoever answers for Port could otherwise have the client secret and all entities sent anywhere.
#[tokio::test]
async fn an_answer_that_leads_elsewhere_is_told_and_not_followed() {
    let (world, topics) = world_with_topics(&["alerts"]).await;
    let elsewhere = PortEmulator::start().await;
    let leads_elsewhere = |route: &str, status: u16, path: &str| {
        let location = format!("{}{path}?key=hush-hush", elsewhere.base_url());
        Fault::answer(route, status, "moved", "not here").with_header("location", &location)
    };
    for status in [301, 302, 303, 307, 308] {
        world.clear_calls().await;
        world.port.fail(leads_elsewhere(TOKEN, status, "/v1/auth/access_token"));
        let told = world.schedule(only_alpha(&world)).await.expect_err("no run starts").to_string();
        let address = format!("{}/v1/auth/access_token,", elsewhere.base_url());
        for part in [&status.to_string(), &address, "OCEAN__PORT__BASE_URL"] {
            assert!(told.contains(part), "{told} should tell {part}");
        }
        assert!(!told.contains("hush-hush"), "{told}");
        assert_eq!(statuses(&calls_of(&world, TOKEN)), [Some(status)]);
    }

    world.clear_calls().await;
    world.port.fail(leads_elsewhere(BULK, 308, "/v1/blueprints/snsTopic/entities/bulk"));
    let resync = world.resync_by(only_alpha(&world)).await;
    // The delivery fails, and the next one sends the entities again, to Port.
    assert_eq!(resync.report.failures().len(), 1);
    assert_eq!(statuses(&calls_of(&world, BULK)), [Some(308), Some(200)]);
    assert_eq!(elsewhere.calls().len(), 0);
    assert_settled(&world, &[&topics[0]]).await;
}

#[tokio::test]
async fn the_rate_limit_is_honoured_as_its_headers_say() {
    let world = small_world(&[TOPIC, INSTANCE]).await;
    let place = world.organization.place("alpha", REGION);
    let topics = create_topics(&world, &["alerts"]).await;
    world.port.fail(Fault::rate_limited(BULK, &[("retry-after", "2"), ("x-ratelimit-reset", "0")]));
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(resync.report.failures().len(), 0);
    let calls = calls_of(&world, BULK);
    assert_eq!(statuses(&calls), [Some(429), Some(200)]);
    assert!(gaps(&calls)[0] >= Duration::from_secs(2), "{:?}", gaps(&calls));

    // One that is used up for longer than an invocation waits: nobody asks on, and the target comes again when it is
    // over.
    place.run_instances(150, &[]).await;
    let in_ten_minutes = (time::OffsetDateTime::now_utc() + Duration::from_secs(600)).unix_timestamp();
    world.port.fail(Fault::rate_limited(BULK, &[("x-ratelimit-reset", &in_ten_minutes.to_string())]).for_ever());
    world.clear_calls().await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    let report = world.pump().until(|report| report.invocations() > 0).concurrency(1).run().await;
    // A limit is no failure: it uses up none of the message's receives.
    assert_eq!(report.failures().len(), 0);
    assert!(calls_of(&world, BULK).len() <= 5, "{:?}", statuses(&calls_of(&world, BULK)));
    let log = world.worker.log_lines().join("\n");
    assert!(log.contains("rate limit is used up"), "{log}");
    let messages = world.organization.aws().queue_messages(world.organization.queue()).await;
    let is_later = |body: &str, state: &str| body.contains("sync") && state == "delayed";
    assert!(messages.iter().any(|message| is_later(&message.body, &message.state)), "{messages:#?}");

    world.port.clear_faults();
    // It is over: another process, because this one remembers it, and no word of it in the state.
    world.worker.kill().await;
    world.organization.delete_state(&pause_key(&world).await).await;
    world.pump().run().await;
    assert_settled(&world, &[&topics[0]]).await;
    assert_eq!(world.catalog()["ec2Instance"].len(), 150);
}

#[tokio::test]
async fn a_limit_whose_reset_has_passed_is_not_hammered() {
    let (world, topics) = world_with_topics(&["alerts"]).await;
    // As seen by a clock that goes ahead of Port's.
    let past = (time::OffsetDateTime::now_utc() - Duration::from_secs(60)).unix_timestamp().to_string();
    world.port.fail(Fault::rate_limited(BULK, &[("x-ratelimit-reset", &past)]).times(2));
    world.resync_by(only_alpha(&world)).await;
    let calls = calls_of(&world, BULK);
    assert_eq!(statuses(&calls), [Some(429), Some(429), Some(200)]);
    let gaps = gaps(&calls);
    assert!(gaps[0] > Duration::from_millis(300) && gaps[1] > gaps[0], "{gaps:?}");
    assert_settled(&world, &[&topics[0]]).await;
}

#[tokio::test]
async fn an_outage_is_waited_out() {
    let (mut world, topics) = world_with_topics(&["alerts"]).await;
    world.port.fail(Fault::answer(BULK, 503, "unavailable", "soon"));
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(resync.report.failures().len(), 0);
    assert_eq!(statuses(&calls_of(&world, BULK)), [Some(503), Some(200)]);

    // One that outlasts the tries of a call gives the message back.
    let later = create_topics(&world, &["later"]).await.remove(0);
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    world.port.stop().await;
    let report = world.pump().until(|report| !report.deliveries.is_empty()).concurrency(1).run().await;
    assert_eq!(report.failures().len(), 1);
    world.port.restart().await;
    world.pump().run().await;
    assert_settled(&world, &[&topics[0], &later]).await;
}

#[tokio::test]
async fn promise_2_entities_that_wait_for_others_are_sent_again_by_the_sweep() {
    let world = small_world(&["AWS::S3::Bucket", TOPIC]).await;
    let mut mapping = mapping_of(&["AWS::S3::Bucket", TOPIC]);
    mapping["createMissingRelatedEntities"] = json!(false);
    for resource in mapping["resources"].as_array_mut().into_iter().flatten() {
        let is_bucket = resource["kind"] == "AWS::S3::Bucket";
        let fields = &mut resource["port"]["entity"]["mappings"];
        if is_bucket {
            // Buckets come with an account's global target, before the regions.
            fields["relations"]["account"] = json!("\"owner\"");
            continue;
        }
        let name = ".Properties.TopicArn | split(\":\") | last";
        *fields = json!({"identifier": name, "blueprint": "\"awsAccount\""});
    }
    world.set_mapping(mapping);
    let place = world.organization.place("alpha", REGION);
    let bucket = place.create_bucket("logs", &[]).await;
    let bucket = format!("arn:aws:s3:::{bucket}");
    place.create_topic("owner", &[]).await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    let report = world.pump().concurrency(1).run().await;
    assert_eq!(report.failures().len(), 0);
    let sent = calls_of(&world, BULK);
    assert_eq!(statuses(&sent), [Some(207), Some(200), Some(200)]);
    assert!(sent.iter().all(|call| call.query_value("create_missing_related_entities") == Some("false")));
    let entity = world.port.entity("s3Bucket", &bucket).expect("the bucket is in Port");
    assert_eq!(entity["relations"]["account"], "owner");
    assert_eq!(sent[0].json()["entities"], sent[2].json()["entities"], "sent again in full");
    assert_eq!(states_of(&world, &bucket).await, ["sent"]);
    world.clear_calls().await;
    world.resync_by(only_alpha(&world)).await;
    assert_eq!(world.writes_to_port(), 0);
}

#[tokio::test]
async fn relations_have_the_names_of_the_mapping_and_a_wrong_one_is_told() {
    let (world, topics) = world_with_topics(&["alerts"]).await;
    world.resync_by(only_alpha(&world)).await;
    let alpha = world.organization.account("alpha");
    let entity = world.port.entity("snsTopic", &topics[0]).expect("the topic is in Port");
    assert_eq!(entity["relations"], json!({"account": alpha}));

    let mut mapping = mapping_of(&[TOPIC]);
    mapping["resources"][0]["port"]["entity"]["mappings"]["relations"] = json!({"owner": ".__ExtraContext.AccountId"});
    world.set_mapping(mapping);
    let resync = world.resync_by(only_alpha(&world)).await;
    let problem = topics_summary(&resync)["problems"][0].as_str().unwrap_or_default();
    assert!(problem.contains("owner"), "{problem}");
    assert_eq!(states_of(&world, &topics[0]).await, ["unsure"]);
}

#[tokio::test]
async fn reports_that_port_refuses_fail_no_run() {
    let (world, topics) = world_with_topics(&["alerts"]).await;
    world.port.fail(Fault::answer("PATCH /integration/{identifier}/resync-state", 500, "internal", "no").for_ever());
    world.port.fail(Fault::answer("POST /ingest/syncMetrics", 404, "not_found", "no such route").for_ever());
    let resync = world.resync().await;
    assert_eq!(resync.summary["outcome"], "completed", "{:#}", resync.summary);
    assert_eq!(resync.report.failures().len(), 0);
    assert_settled(&world, &[&topics[0]]).await;
}

/// They go to another host, with a limit of its own.
#[tokio::test]
async fn reports_that_are_refused_for_long_hold_up_nothing() {
    let (world, topics) = world_with_topics(&["alerts"]).await;
    world.port.fail(Fault::rate_limited("POST /ingest/syncMetrics", &[("retry-after", "900")]).for_ever());
    for event in [json!({}), json!({"resend": true})] {
        let resync = world.resync_by(event).await;
        assert_eq!(resync.summary["outcome"], "completed", "{:#}", resync.summary);
        assert_eq!(resync.report.failures().len(), 0);
        let bodies = resync.report.deliveries_by_body();
        assert!(bodies.iter().all(|(body, count)| body.contains("sweep") || *count == 1), "{bodies:#?}");
    }
    assert!(world.organization.state_keys("state/").await.iter().all(|key| !key.ends_with("/port-pause.json")));
    assert_settled(&world, &[&topics[0]]).await;
}

#[tokio::test]
async fn an_unchanged_resync_needs_few_calls() {
    let (world, _) = world_with_topics(&["alerts", "jobs"]).await;
    world.resync().await;
    world.clear_calls().await;
    let ledgers = world.ledgers().await;
    world.resync().await;
    let mut counts = world.port.call_counts();
    assert_eq!(counts.remove(LISTING), Some(1));
    assert!(counts.values().sum::<usize>() < 10, "{counts:#?}");
    assert_eq!(world.writes_to_port(), 0);
    assert_eq!(world.ledgers().await, ledgers);
}
