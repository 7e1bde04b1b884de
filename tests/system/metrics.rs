//! What the functions write into their logs for CloudWatch to make metrics of.

use std::collections::{BTreeMap, BTreeSet};

use portolan::events::Metric;
use serde_json::{Value, json};

use super::small::{BULK, REGION, TOPIC, current, mapping_of, only_alpha, small_plan, small_world};
use crate::support::port::Fault;
use crate::support::relay::{HeldCall, Moment, Relay, Way};
use crate::support::world::{IDENTIFIER, World};

/// What stands beside the metrics, for who searches the log.
const FIELDS: [&str; 5] = ["run", "mode", "outcome", "target", "step"];
/// Their values are not known beforehand.
const DURATIONS: [&str; 2] = ["RunDuration", "TargetDuration"];
/// What a run says of the whole when it ends.
const OF_THE_WHOLE: [&str; 7] = [
    "RunsCompleted",
    "RunsIncomplete",
    "RunDuration",
    "InaccessibleAccounts",
    "FailedTargets",
    "DeletionsHeldBack",
    "UnknownInPort",
];

/// Lines with metrics.
struct Written(Vec<Value>);

impl Written {
    /// All that the two functions of a world wrote; their processes are gone afterwards.
    async fn by(world: &World) -> Self {
        let mut lines = world.scheduler.all_log_lines().await;
        lines.extend(world.worker.all_log_lines().await);
        let lines = lines.iter().filter(|line| line.contains("CloudWatchMetrics"));
        let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).expect("the whole line is JSON")).collect();
        lines.iter().for_each(assert_is_taken);
        Self(lines)
    }

    fn of_run(&self, answer: &Value) -> Self {
        assert!(answer["run"].is_string(), "{answer}");
        Self(self.0.iter().filter(|line| line["run"] == answer["run"]).cloned().collect())
    }

    /// The values of a metric, in no certain order.
    fn values(&self, metric: &str) -> Vec<u64> {
        self.0.iter().filter_map(|line| line[metric].as_u64()).collect()
    }

    fn names(&self) -> BTreeSet<&str> {
        let names = Metric::ALL.iter().map(|metric| metric.name());
        names.filter(|name| !self.values(name).is_empty()).collect()
    }

    fn assert_says_nothing_of_the_whole(&self) {
        for metric in OF_THE_WHOLE {
            assert_eq!(self.values(metric), [0; 0], "{metric}");
        }
    }

    /// The sums of all metrics that were written and are no durations.
    fn sums(&self) -> BTreeMap<&str, u64> {
        let counts = self.names().into_iter().filter(|name| !DURATIONS.contains(name));
        counts.map(|name| (name, self.values(name).iter().sum())).collect()
    }
}

/// CloudWatch makes metrics of this line, and of each no more than one for an integration.
fn assert_is_taken(line: &Value) {
    let metadata = line["_aws"].as_object().unwrap_or_else(|| panic!("{line}"));
    assert_eq!(metadata.keys().collect::<Vec<_>>(), ["Timestamp", "CloudWatchMetrics"], "{line}");
    let timestamp = metadata["Timestamp"].as_u64().unwrap_or_default();
    assert!((1_700_000_000_000..4_000_000_000_000).contains(&timestamp), "milliseconds since 1970: {line}");
    let directives = metadata["CloudWatchMetrics"].as_array().expect("a list");
    assert_eq!(directives.len(), 1, "{line}");
    assert_eq!(directives[0]["Namespace"], "Portolan", "{line}");
    assert_eq!(directives[0]["Dimensions"], json!([["Integration"]]), "{line}");
    assert_eq!(line["Integration"], IDENTIFIER, "{line}");
    let mut known: BTreeSet<&str> = BTreeSet::from(["_aws", "Integration"]);
    for definition in directives[0]["Metrics"].as_array().expect("a list") {
        let metric = Metric::ALL.iter().find(|metric| definition["Name"] == metric.name());
        let metric = metric.unwrap_or_else(|| panic!("an unknown metric: {line}"));
        assert_eq!(*definition, json!({"Name": metric.name(), "Unit": metric.unit()}), "{line}");
        assert!(line[metric.name()].is_u64(), "{line}");
        assert!(known.insert(metric.name()), "twice: {line}");
    }
    assert!(known.len() > 2, "no metric: {line}");
    for (name, value) in line.as_object().expect("an object") {
        let is_field = FIELDS.contains(&name.as_str()) && value.is_string();
        assert!(known.contains(name.as_str()) || is_field, "{name}: {line}");
    }
}

/// What an untroubled run of the three targets of a small organization writes, with these counts of entities.
fn untroubled(sent: u64, unchanged: u64, stale: u64) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("RunsStarted", 1),
        ("RunsCompleted", 1),
        ("RunsIncomplete", 0),
        ("InaccessibleAccounts", 0),
        ("FailedTargets", 0),
        ("EntitiesDeleted", stale),
        ("EntitiesRefused", 0),
        ("DeletionsHeldBack", 0),
        ("UnknownInPort", 0),
        ("TargetsDone", 3),
        ("EntitiesSent", sent),
        ("EntitiesUnchanged", unchanged),
        ("StaleEntities", stale),
    ])
}

/// Orders something for the next call of SNS in an account.
async fn next_listing(world: &World, account: &str, effect: Value) {
    let account = world.organization.account(account);
    let fault = json!({"account": account, "service": "sns", "operation": "ListTopics", "times": 1, "effect": effect});
    world.organization.aws().fault(fault).await;
}

#[tokio::test]
async fn a_run_says_what_it_did() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    place.create_topic("alerts", &[]).await;
    let old = place.create_topic("old", &[]).await;
    next_listing(&world, "alpha", json!({"delay_ms": 1000})).await;
    let first = world.resync().await;
    place.delete_topic(&old).await;
    let second = world.resync().await;

    let written = Written::by(&world).await;
    assert_eq!(written.of_run(&first.answer).sums(), untroubled(2, 0, 0));
    assert_eq!(written.of_run(&second.answer).sums(), untroubled(0, 1, 1));
    assert_eq!(written.values("AwsThrottles").len() + written.values("PortThrottles").len(), 0);

    let first = written.of_run(&first.answer);
    let durations = first.values("TargetDuration");
    assert_eq!(durations.len(), 3);
    assert!(durations.iter().max() >= Some(&1000), "{durations:?}");
    let durations = first.values("RunDuration");
    assert!(durations.len() == 1 && (1..1000).contains(&durations[0]), "seconds: {durations:?}");
}

#[tokio::test]
async fn the_log_level_takes_no_metric_away() {
    let mut world = World::create_empty(small_plan(), &[("PORTOLAN_LOG_LEVEL", "error")]).await;
    world.install_catalog(mapping_of(&[TOPIC]));
    world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let run = world.resync().await;

    let written = Written::by(&world).await;
    assert_eq!(written.of_run(&run.answer).sums(), untroubled(1, 0, 0));
    let lines = [world.scheduler.log_lines(), world.worker.log_lines()].concat();
    assert_eq!(lines.len(), written.0.len(), "nothing else is logged: {lines:#?}");
}

/// So does every metric that there is.
#[tokio::test]
async fn everything_that_goes_wrong_in_a_run_shows() {
    let mut world = World::create_empty(small_plan().member("beta", ""), &[("PORTOLAN_LOG_LEVEL", "warn")]).await;
    world.install_catalog(mapping_of(&[TOPIC]));
    world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let refused = world.schedule(json!({})).await.expect("an answer");
    assert_eq!(refused["outcome"], "refused", "{refused}");
    world.organization.send_message("hello", 0).await;
    world.organization.remove_read_role(world.organization.account("beta")).await;
    next_listing(&world, "alpha", json!({"status": 400, "code": "ThrottlingException"})).await;
    world.port.fail(Fault::rate_limited(BULK, &[("retry-after", "1")]));
    let report = world.pump().run().await;
    assert_eq!(report.dead_letters.len(), 2, "{report:#?}");

    let written = Written::by(&world).await;
    let mut expected = untroubled(1, 0, 0);
    expected.extend([("RunsCompleted", 0), ("RunsIncomplete", 1), ("FailedTargets", 1), ("TargetsFailed", 1)]);
    expected.extend([("RunsRefused", 1), ("StepsGivenUp", 1), ("MessagesRejected", 1)]);
    expected.extend([("AwsThrottles", 1), ("PortThrottles", 1)]);
    assert_eq!(written.sums(), expected);
    assert_eq!(written.names(), Metric::ALL.iter().map(|metric| metric.name()).collect());
    // Three targets, and five tries of the one that cannot be entered.
    assert_eq!(written.values("TargetDuration").len(), 8);
    assert_eq!(written.of_run(&answer).values("RunDuration").len(), 1);
}

#[tokio::test]
async fn an_account_that_cannot_be_entered_makes_a_run_incomplete() {
    let mut world = World::create_empty(small_plan().member_without_read_role("beta", ""), &[]).await;
    world.install_catalog(mapping_of(&[TOPIC]));
    let run = world.resync().await;

    let mut expected = untroubled(0, 0, 0);
    expected.extend([("RunsCompleted", 0), ("RunsIncomplete", 1), ("InaccessibleAccounts", 1)]);
    assert_eq!(Written::by(&world).await.of_run(&run.answer).sums(), expected);
}

/// Alarms go by what the last run said, and this one has not looked.
#[tokio::test]
async fn a_narrowed_run_does_not_say_how_the_whole_stands() {
    let mut world = World::create_empty(small_plan().member_without_read_role("beta", ""), &[]).await;
    world.install_catalog(mapping_of(&[TOPIC]));
    let place = world.organization.place("alpha", REGION);
    place.create_topic("alerts", &[]).await;
    let old = place.create_topic("old", &[]).await;
    let whole = world.resync().await;
    place.delete_topic(&old).await;
    place.create_topic("new", &[]).await;
    let narrowed = world.resync_by(only_alpha(&world)).await;
    let of_kind = world.resync_by(json!({"kinds": [TOPIC]})).await;
    let of_region = world.resync_by(json!({"regions": [REGION]})).await;

    let written = Written::by(&world).await;
    assert_eq!(written.of_run(&whole.answer).values("InaccessibleAccounts"), [1]);
    let expected = BTreeMap::from([
        ("RunsStarted", 1),
        ("EntitiesDeleted", 1),
        ("EntitiesRefused", 0),
        ("TargetsDone", 1),
        ("EntitiesSent", 1),
        ("EntitiesUnchanged", 1),
        ("StaleEntities", 1),
    ]);
    assert_eq!(written.of_run(&narrowed.answer).sums(), expected, "{:#}", narrowed.summary);
    for run in [narrowed, of_kind, of_region] {
        let of_run = written.of_run(&run.answer);
        assert_eq!(of_run.values("EntitiesDeleted").len(), 1, "it has ended");
        of_run.assert_says_nothing_of_the_whole();
    }
}

#[tokio::test]
async fn a_kind_that_is_denied_makes_a_run_incomplete() {
    let world = small_world(&[TOPIC]).await;
    let denied = json!({"status": 403, "code": "AuthorizationError", "message": "not authorized"});
    next_listing(&world, "alpha", denied).await;
    let run = world.resync().await;

    let mut expected = untroubled(0, 0, 0);
    expected.extend([("RunsCompleted", 0), ("RunsIncomplete", 1), ("FailedTargets", 1)]);
    assert_eq!(Written::by(&world).await.of_run(&run.answer).sums(), expected);
}

#[tokio::test]
async fn what_port_refuses_or_has_too_many_of_leaves_a_run_complete() {
    let world = small_world(&[TOPIC]).await;
    let old = world.organization.place("alpha", REGION).create_topic("old", &[]).await;
    world.resync().await;
    let mut mapping = mapping_of(&[TOPIC]);
    mapping["entityDeletionThreshold"] = json!(0.0);
    world.set_mapping(mapping);
    world.organization.place("alpha", REGION).delete_topic(&old).await;
    let refused = world.organization.place("integration", REGION).create_topic("refused", &[]).await;
    world.port.fail(Fault::refuse(&[&refused], 422, "invalid_request", "no").for_ever());
    let stranger = json!({"blueprint": "snsTopic", "identifier": "of an installation before"});
    world.port.put_entity(&format!("port-ocean/aws-v3/0.0.1/{IDENTIFIER}/exporter"), stranger);
    let run = world.resync().await;
    assert_eq!(run.summary["outcome"], "completed-with-problems", "{:#}", run.summary);

    let mut expected = untroubled(0, 0, 1);
    expected.extend([("EntitiesRefused", 1), ("UnknownInPort", 1), ("EntitiesDeleted", 0), ("DeletionsHeldBack", 1)]);
    assert_eq!(Written::by(&world).await.of_run(&run.answer).sums(), expected, "{:#}", run.summary);
}

#[tokio::test]
async fn entities_that_waited_for_others_count_when_port_takes_them() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let mut mapping = mapping_of(&[TOPIC]);
    mapping["createMissingRelatedEntities"] = json!(false);
    world.set_mapping(mapping);
    world
        .port
        .put_entity("Port/UI", json!({"blueprint": "awsAccount", "identifier": world.organization.account("alpha")}));
    world.port.fail(Fault::refuse(&[&topic], 404, "not_found", "a related entity is not there"));
    let run = world.resync().await;
    assert_eq!(run.summary["kinds"][TOPIC]["accepted"], 1, "{:#}", run.summary);

    let written = Written::by(&world).await.of_run(&run.answer);
    assert_eq!(written.sums(), untroubled(1, 0, 0));
    assert_eq!(written.values("EntitiesSent").len(), 4, "for each target, and once for what was late");
}

#[tokio::test]
async fn an_aborted_run_neither_completes_nor_is_incomplete() {
    let world = small_world(&[TOPIC]).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    world.schedule(json!({"abort": answer["run"]})).await.expect("an answer");
    world.pump().run().await;

    assert_eq!(Written::by(&world).await.sums(), BTreeMap::from([("RunsStarted", 1)]));
}

/// A world whose calls to AWS are made once each, over a way on which a test holds them.
async fn world_on_a_way(relay: &Relay) -> (World, Way) {
    let mut world = small_world(&[TOPIC]).await;
    let way = relay.way_to(world.organization.aws().endpoint()).await;
    world.redeploy(&[("AWS_ENDPOINT_URL", way.url()), ("AWS_MAX_ATTEMPTS", "1")]).await;
    (world, way)
}

/// The call that writes down that a run has ended. The one before it says that the sweep has begun.
async fn end_of_run(relay: &Relay) -> HeldCall {
    let is_write = |name: &str| name.starts_with("PUT ") && name.contains("/current.json");
    relay.hold(2, is_write, Moment::Before).await
}

#[tokio::test]
async fn an_end_that_cannot_be_written_down_at_once_counts_once() {
    let relay = Relay::default();
    let (world, _way) = world_on_a_way(&relay).await;
    let place = world.organization.place("alpha", REGION);
    place.create_topic("alerts", &[]).await;
    let old = place.create_topic("old", &[]).await;
    world.resync().await;
    place.delete_topic(&old).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let cut = async { end_of_run(&relay).await.cut() };
    let ((), report) = tokio::join!(cut, world.pump().run());
    assert_eq!((report.failures().len(), report.dead_letters.len()), (1, 0), "{report:#?}");
    assert_eq!(current(&world).await["phase"], "ended");

    let written = Written::by(&world).await.of_run(&answer);
    assert_eq!(written.sums(), untroubled(0, 1, 1));
    assert_eq!(written.values("RunDuration").len(), 1);
}

#[tokio::test]
async fn a_run_that_is_aborted_in_its_last_moment_neither_completes_nor_is_incomplete() {
    let relay = Relay::default();
    let (world, _way) = world_on_a_way(&relay).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let abort = async {
        let end = end_of_run(&relay).await;
        let aborted = world.schedule(json!({"abort": answer["run"]})).await.expect("an answer");
        assert_eq!(aborted["outcome"], "aborted", "{aborted}");
        end.pass();
    };
    let ((), report) = tokio::join!(abort, world.pump().run());
    assert_eq!(report.dead_letters.len(), 0, "{report:#?}");
    assert_eq!(current(&world).await["phase"], "aborted");

    let written = Written::by(&world).await;
    written.assert_says_nothing_of_the_whole();
    assert_eq!(written.values("EntitiesDeleted"), [0; 0]);
    assert!(!world.worker.log_lines().iter().any(|line| line.contains("run ended")));
}

#[tokio::test]
async fn only_runs_that_were_asked_for_count_as_refused() {
    let world = small_world(&[TOPIC]).await;
    let run = world.resync().await.answer["run"].clone();
    for (event, refused_runs) in [(json!({"abort": run}), 0), (json!({"confirm": run}), 1)] {
        let answer = world.schedule(event.clone()).await.expect("an answer");
        assert_eq!(answer["outcome"], "refused", "{answer}");
        let log = world.scheduler.all_log_lines().await;
        let count = |words: &str| log.iter().filter(|line| line.contains(words)).count();
        assert_eq!((count("abort refused"), count("run refused")), (1, refused_runs), "{event}: {log:#?}");
        assert_eq!(Written::by(&world).await.values("RunsRefused"), vec![1; refused_runs], "{event}");
    }
}

#[test]
fn the_document_has_the_metrics_that_there_are() {
    let document = include_str!("../../docs/metrics.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let rows: Vec<(&str, &str)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(|cell| cell.trim().trim_end_matches('`'));
            (cells.next().expect("a name"), cells.next().expect("a unit"))
        })
        .collect();
    let metrics: Vec<_> = Metric::ALL.iter().map(|metric| (metric.name(), metric.unit())).collect();
    assert_eq!(rows, metrics);
}
