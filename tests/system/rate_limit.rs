//! Port's rate limit: half of it is left to others, storms and slowness lose nothing, and a pause is kept by all
//! workers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use portolan::config::{DefaultResources, IntegrationSettings};
use portolan::port::{CredentialSource, PortCatalog, PortClient, PortCredentials};
use portolan::seams::{Catalog, CatalogError, UpsertOptions, UpsertOutcome};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::small::{
    BULK, INSTANCE, REGION, TOKEN, TOPIC, assert_settled, calls_of, dead_letters, mapping_of, only_alpha, pause_key,
    small_world, wait_until,
};
use crate::support::aws::OrganizationPlan;
use crate::support::lambda::PumpReport;
use crate::support::port::{PortEmulator, Storm};
use crate::support::world::World;

/// What one client has in flight at most: the half may be exceeded by that, for each client.
const CALLS_IN_FLIGHT: u64 = 5;
const PATIENCE: Duration = Duration::from_secs(15);
const BLUEPRINT: &str = "thing";

async fn port_with_blueprint() -> PortEmulator {
    let port = PortEmulator::start().await;
    port.put_blueprint(json!({
        "identifier": BLUEPRINT, "title": "Thing", "schema": {"properties": {}, "required": []}, "relations": {},
    }));
    port
}

/// One process, as far as Port can see.
fn catalog(port: &PortEmulator, patience: Duration) -> PortCatalog {
    let integration = IntegrationSettings {
        kind: "aws-v3".to_owned(),
        identifier: "limits".to_owned(),
        default_resources: DefaultResources::None,
    };
    let credentials =
        PortCredentials { client_id: "portolan-id".to_owned(), client_secret: "portolan-secret".to_owned() };
    let source = CredentialSource::Known(credentials);
    let client = PortClient::new(&port.base_url(), &integration, source, patience).expect("an HTTP client");
    PortCatalog::new(Arc::new(client), integration)
}

/// Upserts so many entities of one client; gives what became of them.
async fn upsert(catalog: &PortCatalog, client: usize, count: usize) -> Vec<UpsertOutcome> {
    let entities: Vec<Value> = (0..count).map(|number| json!({"identifier": format!("{client}-{number}")})).collect();
    let options = UpsertOptions { merge: true, create_missing_related: false };
    catalog.upsert(BLUEPRINT, &entities, options).await.expect("the credentials are right")
}

fn assert_accepted(outcomes: &[UpsertOutcome]) {
    assert!(outcomes.iter().all(|outcome| *outcome == UpsertOutcome::Accepted), "{outcomes:?}");
}

fn refused_calls(port: &PortEmulator) -> usize {
    port.calls().iter().filter(|call| call.status == Some(429)).count()
}

fn lines_with(world: &World, words: &str) -> usize {
    let lines = world.worker.log_lines();
    lines.iter().filter(|line| line.contains(words)).count()
}

/// Prints what a run under a limit cost.
fn print_costs(test: &str, world: &World, deliveries: usize) {
    println!(
        "{test}: {} calls of Port, {} of them answered 429; {} times the worker stopped for a 429, {} times at the \
         half, {} times a message was sent again for later; {deliveries} deliveries",
        world.port.calls().len(),
        refused_calls(&world.port),
        lines_with(world, "Port refuses calls"),
        lines_with(world, "half of Port's rate limit"),
        lines_with(world, "step continues later"),
    );
}

fn assert_no_failure(report: &PumpReport) {
    assert_eq!(report.failures().len(), 0, "{:#?}", report.failures());
    assert_eq!(report.dead_letters, Vec::<String>::new());
}

#[tokio::test]
async fn one_client_leaves_half_of_every_window_to_others() {
    let port = port_with_blueprint().await;
    port.set_rate_limit(50, 1);
    assert_accepted(&upsert(&catalog(&port, PATIENCE), 1, 1000).await);
    let windows = port.calls_by_window();
    println!("one client, half is 25: {windows:?} calls by window");
    assert!(windows.iter().all(|calls| *calls <= 25), "{windows:?}");
    assert_eq!(windows.iter().sum::<u64>(), 51, "50 bulks and a token, none of them twice");
    assert_eq!(port.entities().len(), 1000);
}

#[tokio::test]
async fn three_clients_together_leave_half_of_every_window_to_others() {
    let port = port_with_blueprint().await;
    port.set_rate_limit(80, 1);
    let clients: Vec<PortCatalog> = (0..3).map(|_| catalog(&port, PATIENCE)).collect();
    let outcomes = join_all(clients.iter().enumerate().map(|(number, catalog)| upsert(catalog, number, 600))).await;
    outcomes.iter().for_each(|outcomes| assert_accepted(outcomes));
    let windows = port.calls_by_window();
    println!("three clients, half is 40: {windows:?} calls by window");
    assert!(windows.iter().all(|calls| *calls <= 40 + 3 * CALLS_IN_FLIGHT), "{windows:?}");
    assert_eq!(windows.iter().sum::<u64>(), 93, "90 bulks and 3 tokens, none of them twice");
    assert_eq!(refused_calls(&port), 0);
    assert_eq!(port.entities().len(), 1800);
}

#[tokio::test]
async fn a_tiny_limit_gets_somewhere() {
    let get_somewhere = async |limit: u64| {
        let port = port_with_blueprint().await;
        port.set_rate_limit(limit, 1);
        assert_accepted(&upsert(&catalog(&port, PATIENCE), 1, 1).await);
        (limit, port.calls_by_window())
    };
    for (limit, windows) in join_all((1..=4).map(get_somewhere)).await {
        println!("a limit of {limit}: {windows:?} calls by window");
        // A token and a bulk are the first calls of their kinds, and so go without asking.
        assert!(windows.iter().sum::<u64>() <= 3, "{windows:?}");
    }
}

#[tokio::test]
async fn promise_3_what_others_use_counts_against_our_half() {
    let port = port_with_blueprint().await;
    port.set_rate_limit(40, 60);
    let ours = catalog(&port, PATIENCE);
    assert_accepted(&upsert(&ours, 1, 20).await);
    // People in the UI.
    for _ in 0..30 {
        reqwest::get(format!("{}/v1/organization", port.base_url())).await.expect("an answer");
    }
    port.clear_calls();
    let outcomes = upsert(&ours, 1, 400).await;
    assert_eq!(port.calls().len(), 1, "its answer tells");
    let is_throttled = |outcome: &&UpsertOutcome| match outcome {
        UpsertOutcome::Throttled { retry_after } => *retry_after > PATIENCE && *retry_after <= Duration::from_secs(60),
        _ => false,
    };
    assert_eq!(outcomes.iter().filter(is_throttled).count(), 380, "{outcomes:?}");
    // Nor for anything else that has the same limit, and was asked before.
    assert!(matches!(upsert(&ours, 1, 1).await[..], [UpsertOutcome::Throttled { .. }]));
    assert_eq!(port.calls().len(), 1);

    port.advance_clock(Duration::from_secs(61));
    assert_accepted(&upsert(&catalog(&port, PATIENCE), 1, 400).await[..20]);
}

#[tokio::test]
async fn a_storm_does_not_multiply_the_calls() {
    let port = port_with_blueprint().await;
    let ours = catalog(&port, Duration::from_secs(1));
    assert_accepted(&upsert(&ours, 1, 20).await);
    port.clear_calls();
    // Without a word of how long: the pauses grow from half a second.
    port.begin_storm(Storm::for_ever());
    let outcomes = upsert(&ours, 1, 2000).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, UpsertOutcome::Throttled { .. })), "{outcomes:?}");
    let calls = port.calls().len();
    println!("a storm: {calls} calls for 100 bulks");
    assert!(calls <= 7, "five in flight, and one at a time after that: {calls}");

    port.end_storm();
    assert_accepted(&upsert(&catalog(&port, PATIENCE), 1, 2000).await);
    assert_eq!(port.entities().len(), 2000);
}

#[tokio::test]
async fn a_client_asked_to_wait_for_long_says_so_and_calls_nothing() {
    let port = port_with_blueprint().await;
    let ours = catalog(&port, PATIENCE);
    port.begin_storm(Storm::of(1).with_header("retry-after", "120"));
    for _ in 0..3 {
        let error = ours.relations(BLUEPRINT).await.expect_err("the limit is used up");
        let CatalogError::Throttled { retry_after } = error else { panic!("{error}") };
        assert!(retry_after > Duration::from_secs(100) && retry_after <= Duration::from_secs(120), "{retry_after:?}");
    }
    assert_eq!(port.calls().len(), 1);
}

/// Two accounts with enough entities for several calls: so many instances in each, and a topic.
async fn busy_world(instances: usize) -> World {
    let plan = OrganizationPlan::new().member("alpha", "").member("beta", "").regions(&[REGION]);
    let mut world = World::create_empty(plan, &[]).await;
    world.install_catalog(mapping_of(&[INSTANCE, TOPIC]));
    for account in ["alpha", "beta"] {
        let place = world.organization.place(account, REGION);
        place.run_instances(instances, &[]).await;
        place.create_topic("alerts", &[]).await;
    }
    world
}

async fn assert_complete(world: &World, answer: &Value, instances_of_each: usize) {
    let summary = world.summary(answer).await;
    assert_eq!(summary["outcome"], "completed", "{summary:#}");
    let catalog = world.catalog();
    let instances: BTreeSet<&String> = catalog["ec2Instance"].iter().collect();
    assert_eq!((instances.len(), catalog["snsTopic"].len()), (2 * instances_of_each, 2));
    assert_eq!(world.port.violations(), Vec::<String>::new());
    assert_eq!(dead_letters(world).await, BTreeMap::new());
    assert_settled(world, &[instances.first().expect("at least one"), &catalog["snsTopic"][0]]).await;
}

#[tokio::test]
async fn promise_3_a_whole_resync_leaves_half_of_every_window_to_others() {
    let world = busy_world(400).await;
    world.port.set_rate_limit(40, 1);
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let report = world.pump().run().await;
    let windows = world.port.calls_by_window();
    println!("a whole resync, half is 20: {windows:?} calls by window");
    print_costs("a whole resync under a small limit", &world, report.invocations());
    assert_no_failure(&report);
    // The scheduler and two workers.
    assert!(windows.iter().all(|calls| *calls <= 20 + 3 * CALLS_IN_FLIGHT), "{windows:?}");
    assert_eq!(refused_calls(&world.port), 0);
    world.port.set_rate_limit(100_000, 60);
    assert_complete(&world, &answer, 400).await;
}

#[tokio::test]
async fn promise_2_a_short_storm_is_waited_out_in_a_resync() {
    let world = busy_world(80).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    world.clear_calls().await;
    world.port.begin_storm(Storm::of(4).with_header("retry-after", "1"));
    let report = world.pump().run().await;
    print_costs("a storm of 4 calls", &world, report.invocations());
    assert_no_failure(&report);
    assert_eq!(refused_calls(&world.port), 4);
    assert_complete(&world, &answer, 80).await;
}

#[tokio::test]
async fn promise_2_a_long_storm_loses_nothing_and_fails_nothing() {
    let world = busy_world(80).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    world.clear_calls().await;
    // It begins while entities are under way.
    world.port.set_latency(Duration::from_millis(50));
    let storm = async {
        wait_until(async || !calls_of(&world, BULK).is_empty()).await;
        world.port.begin_storm(Storm::for_ever().with_header("retry-after", "300"));
    };
    let mut deliveries = 0;
    let (report, ()) = tokio::join!(world.pump().until(|report| report.invocations() >= 12).run(), storm);
    assert_no_failure(&report);
    deliveries += report.invocations();
    let refused = refused_calls(&world.port);
    assert!((1..=12).contains(&refused), "two processes with up to five calls in flight: {refused}");
    assert_eq!(dead_letters(&world).await, BTreeMap::new());

    // It is over: the processes that remember it are gone, and so is the word of it.
    world.port.end_storm();
    world.worker.kill().await;
    world.organization.delete_state(&pause_key(&world).await).await;
    let report = world.pump().run().await;
    deliveries += report.invocations();
    print_costs("a storm until it ends", &world, deliveries);
    assert_no_failure(&report);
    assert!(report.deliveries.iter().all(|delivery| delivery.receive_count == 1), "no receives are used up");
    assert_eq!(refused_calls(&world.port), refused);
    world.port.set_latency(Duration::ZERO);
    assert_complete(&world, &answer, 80).await;
}

#[tokio::test]
async fn promise_2_a_slow_port_loses_nothing() {
    let world = busy_world(80).await;
    world.port.set_latency(Duration::from_millis(100));
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let report = world.pump().run().await;
    print_costs("a slow Port", &world, report.invocations());
    assert_no_failure(&report);
    world.port.set_latency(Duration::ZERO);
    assert_complete(&world, &answer, 80).await;
}

/// A pause object with this content, written before the messages of a run are taken.
async fn scheduled_with_pause(world: &World, pause: &[u8]) -> Value {
    let answer = world.schedule(only_alpha(world)).await.expect("a run starts");
    world.organization.write_state(&pause_key(world).await, pause).await;
    world.clear_calls().await;
    answer
}

fn pause_until(seconds_from_now: i64) -> Vec<u8> {
    let until = OffsetDateTime::now_utc() + time::Duration::seconds(seconds_from_now);
    json!({"until": until.format(&Rfc3339).expect("a time"), "reason": "a limit"}).to_string().into_bytes()
}

/// The accounts other than the integration's own in which something was called, and the roles assumed.
async fn entered(world: &World) -> Vec<String> {
    let own = world.organization.integration_account();
    let calls = world.organization.calls().await.into_iter();
    let foreign = calls.filter(|call| call.service == "sts" || call.account.as_deref() != Some(own));
    foreign.map(|call| format!("{} {:?}", call.name(), call.account)).collect()
}

#[tokio::test]
async fn a_pause_that_one_worker_was_asked_for_keeps_the_others_from_reading_aws() {
    let world = busy_world(80).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let in_ten_minutes = (OffsetDateTime::now_utc() + time::Duration::seconds(600)).unix_timestamp().to_string();
    world.port.begin_storm(Storm::for_ever().with_header("x-ratelimit-reset", &in_ten_minutes));
    let key = pause_key(&world).await;
    let alpha = world.organization.account("alpha").to_owned();
    let had_alpha = |report: &PumpReport| report.deliveries.iter().any(|delivery| delivery.body.contains(&alpha));
    let report = world.pump().concurrency(1).until(had_alpha).run().await;
    assert_no_failure(&report);
    let pause = world.organization.read_state(&key).await.expect("a worker was told to wait");
    let pause: Value = serde_json::from_slice(&pause).expect("a pause is JSON");
    let until = OffsetDateTime::parse(pause["until"].as_str().expect("a time"), &Rfc3339).expect("a time");
    let left = until - OffsetDateTime::now_utc();
    assert!(left > time::Duration::seconds(500) && left <= time::Duration::seconds(602), "{pause}");

    // Another process, to which Port has said nothing: every message comes back, and nothing is read.
    world.worker.kill().await;
    world.port.end_storm();
    world.clear_calls().await;
    let targets = answer["targets"].as_u64().expect("a number of targets") as usize;
    let report = world.pump().concurrency(1).until(move |report| report.invocations() > targets).run().await;
    assert_no_failure(&report);
    assert!(report.deliveries.iter().all(|delivery| delivery.receive_count == 1));
    assert_eq!(entered(&world).await, Vec::<String>::new());
    assert_eq!(world.port.calls().len(), 0);
    assert_eq!(world.organization.read_state(&key).await.map(|bytes| bytes.len()), Some(pause.to_string().len()));

    world.organization.delete_state(&key).await;
    assert_no_failure(&world.pump().run().await);
    assert_complete(&world, &answer, 80).await;
}

#[tokio::test]
async fn a_pause_that_is_damaged_absurd_or_over_is_ignored() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    let mut known = Vec::new();
    let damaged = pause_until(300)[..25].to_vec();
    let pauses = [
        ("damaged", damaged, true),
        ("absurd", pause_until(86_400), true),
        ("over", pause_until(-1), false),
        ("empty", Vec::new(), true),
    ];
    for (name, pause, is_logged) in pauses {
        known.push(place.create_topic(name, &[]).await);
        let logged_before = lines_with(&world, "pause ignored");
        let answer = scheduled_with_pause(&world, &pause).await;
        let report = world.pump().run().await;
        assert_no_failure(&report);
        assert_eq!(lines_with(&world, "step continues later"), 0, "{name}");
        assert_eq!(lines_with(&world, "pause ignored") > logged_before, is_logged, "{name}");
        assert_eq!(world.summary(&answer).await["outcome"], "completed", "{name}");
        assert!(calls_of(&world, TOKEN).len() <= 2);
    }
    let topics: BTreeSet<String> = world.catalog()["snsTopic"].iter().cloned().collect();
    assert_eq!(topics, known.into_iter().collect());
}
