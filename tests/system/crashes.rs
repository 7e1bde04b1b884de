//! Crashes lose nothing: whatever dies, and whenever, the catalog and the ledgers come to the same end.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use portolan::work::MOST_RECEIVES;
use serde_json::{Value, json};

use super::small::{
    BULK, DELETE, LISTING, REGION, TOKEN, TOPIC, assert_settled, calls_of, current, current_key, dead_letters,
    message_of, only_alpha, pump_and_kill, small_plan, small_world, state_fault, states_of,
};
use crate::support::lambda::{InvocationFailure, PumpReport};
use crate::support::port::{Credentials, Fault, PortEmulator};
use crate::support::world::World;

const RESYNC_STATE: &str = "PATCH /integration/{identifier}/resync-state";
/// Longer than any test: whoever waits for it was killed.
const NEVER: Duration = Duration::from_secs(200);

#[tokio::test]
async fn promise_5_of_two_workers_on_one_target_the_fenced_one_stops() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    world.organization.send_message(&message_of(&world, REGION).await, 0).await;
    // Slow enough that both have read the ledger before either writes it.
    for _ in 0..2 {
        state_fault(&world, "PutObject", "ledgers/", json!({"delay_ms": 1000})).await;
    }
    let report = world.pump().run().await;
    assert_eq!(report.failures().len(), 1, "{report:#?}");
    let log = world.worker.log_lines().join("\n");
    assert!(log.contains("was changed by another invocation"), "{log}");
    assert_eq!(calls_of(&world, BULK).len(), 1);
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn promise_6_a_sweep_outlives_a_state_bucket_that_fails() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    // The one target is read before, and then nobody can tell any longer which run is going.
    let report = world.pump().concurrency(1).until(|report| report.deliveries[0].succeeded).run().await;
    assert_eq!(report.deliveries.len(), 1, "{report:#?}");
    let denied = json!({
        "account": world.organization.integration_account(), "service": "s3", "operation": "GetObject",
        "resource": "current.json", "effect": {"status": 403, "code": "AccessDenied"},
    });
    let fault = world.organization.aws().fault(denied).await;
    // Twice as many as a message has.
    let receives = 2 * MOST_RECEIVES as usize;
    let report = world.pump().concurrency(1).until(|report| report.deliveries.len() >= receives).run().await;
    assert_eq!((report.deliveries.len(), report.dead_letters.len()), (receives, 0), "{report:#?}");
    world.organization.aws().remove_fault(fault).await;
    let report = world.pump().run().await;
    assert_eq!(report.dead_letters.len(), 0, "{report:#?}");
    assert_eq!(current(&world).await["phase"], "ended");
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn promise_2_a_worker_that_dies_around_its_upsert_loses_nothing() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);

    // Port has written it, the ledger does not know.
    let written = place.create_topic("written", &[]).await;
    world.port.fail(Fault::slow_answer(BULK, NEVER));
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    let report = pump_and_kill(&world, async || world.port.entity("snsTopic", &written).is_some()).await;
    assert_eq!(report.failures()[0].outcome, Err(InvocationFailure::ProcessDied));
    assert_settled(&world, &[&written]).await;

    // It is announced, and Port has not got it.
    let announced = place.create_topic("announced", &[]).await;
    world.clear_calls().await;
    world.port.fail(Fault::delay(BULK, NEVER));
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    let report = pump_and_kill(&world, async || !calls_of(&world, BULK).is_empty()).await;
    assert_eq!(report.failures().len(), 1);
    assert_settled(&world, &[&written, &announced]).await;

    // All is done but the mark that says so.
    let unmarked = place.create_topic("unmarked", &[]).await;
    state_fault(&world, "PutObject", "/done/", json!("timeout")).await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    let report = pump_and_kill(&world, async || states_of(&world, &unmarked).await == ["sent"]).await;
    assert_eq!(report.failures().len(), 1);
    assert_settled(&world, &[&written, &announced, &unmarked]).await;

    // The answer is lost, the worker lives: it asks again.
    let lost = place.create_topic("lost", &[]).await;
    world.port.fail(Fault::lose_answer(BULK));
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(resync.report.failures().len(), 0);
    assert_settled(&world, &[&written, &announced, &unmarked, &lost]).await;
}

#[tokio::test]
async fn promise_1_a_sweep_that_dies_between_deleting_and_verifying_comes_to_the_same_end() {
    for (fault, is_before_deletion) in [
        (Fault::delay(DELETE, NEVER), true),
        (Fault::slow_answer(DELETE, NEVER), false),
        (Fault::delay(LISTING, NEVER), true),
        (Fault::delay(LISTING, NEVER).after(1), false),
        // The ledgers are written, the run is not yet reported.
        (Fault::delay(RESYNC_STATE, NEVER), false),
    ] {
        let world = small_world(&[TOPIC]).await;
        let place = world.organization.place("alpha", REGION);
        let kept = place.create_topic("kept", &[]).await;
        let deleted = place.create_topic("deleted", &[]).await;
        world.resync().await;
        place.delete_topic(&deleted).await;
        let answer = world.schedule(json!({})).await.expect("a run starts");
        world.clear_calls().await;
        let route = fault.route().to_owned();
        world.port.fail(fault);
        let report = pump_and_kill(&world, async || {
            let is_gone = world.port.entity("snsTopic", &deleted).is_none();
            !calls_of(&world, &route).is_empty() && (is_gone || is_before_deletion)
        })
        .await;
        assert_eq!(report.failures()[0].outcome, Err(InvocationFailure::ProcessDied), "{route}");

        assert_eq!(world.port.entity("snsTopic", &deleted), None);
        assert_eq!(states_of(&world, &deleted).await, Vec::<String>::new());
        let summary = world.summary(&answer).await;
        assert_eq!(summary["outcome"], "completed", "{summary:#}");
        assert_eq!(summary["deletions"]["deleted"], 1, "{route}: {summary:#}");
        let keys = world.organization.state_keys("runs/").await;
        let journal = format!("{}/journal/000000.json", answer["run"].as_str().unwrap_or_default());
        let journal = keys.iter().find(|key| key.ends_with(&journal)).expect("the run has a journal");
        let journal = world.organization.read_state(journal).await.unwrap_or_default();
        let journal: Value = serde_json::from_slice(&journal).expect("the journal is JSON");
        assert_eq!(journal.as_array().map(Vec::len), Some(1), "{route}: {journal}");
        assert_eq!(journal[0]["identifier"], deleted.as_str());
        assert_settled(&world, &[&kept]).await;
    }
}

#[tokio::test]
async fn promise_1_two_sweeps_at_the_same_time_come_to_the_end_of_one() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    let kept = place.create_topic("kept", &[]).await;
    let deleted = place.create_topic("deleted", &[]).await;
    world.resync().await;
    place.delete_topic(&deleted).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let sweep = message_of(&world, "sweep").await;
    world.pump().until(|report| report.deliveries.len() == 3).run().await;
    world.organization.send_message(&sweep, 0).await;
    world.organization.send_message(&sweep, 0).await;
    world.port.fail(Fault::delay(DELETE, Duration::from_millis(700)).times(2));
    let report = world.pump().run().await;
    assert_eq!(report.dead_letters, Vec::<String>::new());
    assert_eq!(world.port.entity("snsTopic", &deleted), None);
    let summary = world.summary(&answer).await;
    assert_eq!((&summary["outcome"], &summary["deletions"]["deleted"]), (&json!("completed"), &json!(1)));
    assert_settled(&world, &[&kept]).await;
}

#[tokio::test]
async fn promise_1_credentials_that_change_during_a_run_touch_no_other_organization() {
    let mut world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let answer = world.schedule(only_alpha(&world)).await.expect("a run starts");
    let credentials = Credentials { client_id: "portolan-id".to_owned(), client_secret: "portolan-secret".to_owned() };
    let other = PortEmulator::start_with(credentials, "org_other").await;
    world.redeploy(&[("OCEAN__PORT__BASE_URL", &other.base_url())]).await;
    let target = format!("{}/{REGION}", world.organization.account("alpha"));
    let is_given_up = |report: &PumpReport| {
        report.deliveries.iter().any(|delivery| delivery.succeeded && delivery.body.contains(&target))
    };
    world.pump().until(is_given_up).run().await;
    let called: BTreeSet<String> = other.call_counts().into_keys().collect();
    assert_eq!(called, BTreeSet::from([TOKEN.to_owned(), "GET /organization".to_owned()]));

    world.redeploy(&[]).await;
    world.pump().run().await;
    let summary = world.summary(&answer).await;
    let reason = summary["failedTargets"][0]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("org_other"), "{summary:#}");
    world.resync().await;
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn promise_2_a_write_of_a_ledger_whose_answer_was_lost_is_recognised_as_ones_own() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    let topic = place.create_topic("alerts", &[]).await;
    state_fault(&world, "PutObject", "ledgers/", json!("answer_lost")).await;
    let resync = world.resync_by(only_alpha(&world)).await;
    assert_eq!(resync.report.failures().len(), 0, "{}", world.worker.log_lines().join("\n"));
    assert_eq!(calls_of(&world, BULK).len(), 1);
    assert_settled(&world, &[&topic]).await;

    // The same where the sweep removes the last entry, and with it the ledger.
    place.delete_topic(&topic).await;
    world.set_mapping({
        let mut mapping = super::small::mapping_of(&[TOPIC]);
        mapping["entityDeletionThreshold"] = json!(1.0);
        mapping
    });
    state_fault(&world, "DeleteObject", "ledgers/", json!("answer_lost")).await;
    let resync = world.resync().await;
    assert_eq!(resync.report.failures().len(), 0, "{}", world.worker.log_lines().join("\n"));
    assert_eq!(resync.summary["outcome"], "completed", "{:#}", resync.summary);
    assert!(world.ledgers().await.is_empty());
    assert_eq!(world.port.entity("snsTopic", &topic), None);
}

#[tokio::test]
async fn a_conflict_on_the_ledger_stops_the_worker_before_it_sends() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let conflict = json!({"status": 409, "code": "ConditionalRequestConflict"});
    state_fault(&world, "PutObject", "ledgers/", conflict).await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");
    let report = world.pump().until(|report| !report.deliveries.is_empty()).concurrency(1).run().await;
    assert_eq!(report.failures().len(), 1);
    assert_eq!(calls_of(&world, BULK).len(), 0);
    world.pump().run().await;
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn promise_5_a_foreign_writer_fences_the_worker() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    let known = place.create_topic("known", &[]).await;
    world.resync().await;
    let new = place.create_topic("new", &[]).await;
    world.clear_calls().await;
    let alpha = world.organization.account("alpha").to_owned();
    world.aws_fault(&alpha, "sns", "ListTopics", json!({"delay_ms": 1500})).await;
    world.schedule(only_alpha(&world)).await.expect("a run starts");

    let pump = world.pump().until(|report| !report.failures().is_empty()).run();
    let write = async {
        while !world.organization.calls().await.iter().any(|call| call.name() == "sns:ListTopics") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The worker has read the ledger, and now another one has it.
        let keys = world.organization.state_keys("state/").await;
        let key = keys.into_iter().find(|key| key.contains(&alpha)).expect("a ledger");
        let ledger = world.organization.read_state(&key).await.unwrap_or_default();
        let (line, body) = ledger.split_at(ledger.iter().position(|byte| *byte == b'\n').unwrap_or_default());
        let mut header: Value = serde_json::from_slice(line).expect("a ledger's first line is JSON");
        header["writer"] = json!("somebody else");
        world.organization.write_state(&key, &[header.to_string().as_bytes(), body].concat()).await;
    };
    let (report, ()) = tokio::join!(pump, write);
    assert_eq!(report.failures().len(), 1, "{report:#?}");
    assert_eq!(calls_of(&world, BULK).len(), 0);

    world.organization.clear_faults().await;
    world.pump().run().await;
    assert_settled(&world, &[&known, &new]).await;
}

#[tokio::test]
async fn promise_3_a_target_that_always_fails_ends_and_the_run_says_so() {
    let world = World::create_empty(small_plan().member("beta", ""), &[]).await;
    let mut world = world;
    world.install_catalog(super::small::mapping_of(&[TOPIC]));
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let lost = world.organization.place("beta", REGION).create_topic("lost", &[]).await;
    world.resync().await;
    let beta = world.organization.account("beta").to_owned();
    world.redeploy(&[]).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    world.organization.remove_read_role(&beta).await;
    let report = world.pump().run().await;

    let target = format!("{beta}/{REGION}");
    let deliveries = report.deliveries.iter().filter(|delivery| delivery.body.contains(&target));
    assert_eq!(deliveries.map(|delivery| delivery.succeeded).collect::<Vec<_>>(), [false, false, false, false, true]);
    let letters = dead_letters(&world).await;
    assert_eq!(letters.len(), 1, "{letters:#?}");
    for (body, reason) in letters {
        assert!(body.contains(&target) && reason.contains("AccessDenied"), "{body} {reason}");
    }
    let summary = world.summary(&answer).await;
    assert_eq!(summary["outcome"], "completed-with-problems", "{summary:#}");
    assert_eq!(summary["failedTargets"][0]["target"], target.as_str(), "{summary:#}");
    assert_eq!(current(&world).await["phase"], "ended");
    for identifier in [&topic, &lost] {
        assert!(world.port.entity("snsTopic", identifier).is_some());
        assert_eq!(states_of(&world, identifier).await, ["sent"]);
    }
}

#[tokio::test]
async fn promise_6_a_run_whose_message_was_lost_ends_at_its_deadline() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    world.resync().await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let target = format!("{}/{REGION}", world.organization.account("alpha"));
    lose_messages(&world, &target).await;
    // The hours until then are skipped: the deadline that the plan has is now.
    let run = answer["run"].as_str().unwrap_or_default().to_owned();
    let keys = world.organization.state_keys("runs/").await;
    let plan = keys.iter().find(|key| key.ends_with(&format!("{run}/plan.json"))).expect("the run has a plan");
    set_deadline(&world, plan, 0).await;

    world.pump().run().await;
    let summary = world.summary(&answer).await;
    assert_eq!(summary["outcome"], "completed-with-problems", "{summary:#}");
    let failed: BTreeSet<&str> = summary["failedTargets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|failure| failure["target"].as_str())
        .collect();
    assert!(failed.contains(target.as_str()), "{summary:#}");
    assert_eq!(current(&world).await["phase"], "ended");
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn promise_6_a_run_that_lost_all_of_its_messages_does_not_block_the_next_for_ever() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    world.schedule(json!({})).await.expect("a run starts");
    lose_messages(&world, "").await;
    assert_eq!(world.schedule(json!({})).await.expect("an answer")["outcome"], "refused");
    set_deadline(&world, &current_key(&world).await, -3600).await;
    assert_eq!(world.resync().await.summary["outcome"], "completed");
    assert_settled(&world, &[&topic]).await;
}

/// Takes messages that name something out of the queue.
async fn lose_messages(world: &World, named: &str) {
    let queue = world.organization.queue();
    let place = world.organization.place("integration", &queue.region);
    let order = json!({"QueueUrl": queue.url, "MaxNumberOfMessages": 10, "VisibilityTimeout": 1});
    world.organization.aws().advance_queue_to_the_end(queue).await;
    let received = place.call("sqs", "receive_message", order).await;
    for message in received["Messages"].as_array().into_iter().flatten() {
        if message["Body"].as_str().is_some_and(|body| body.contains(named)) {
            let order = json!({"QueueUrl": queue.url, "ReceiptHandle": message["ReceiptHandle"]});
            place.call("sqs", "delete_message", order).await;
        }
    }
}

/// Moves the deadline in a plan or in `current` to so many seconds from now.
async fn set_deadline(world: &World, key: &str, seconds: i64) {
    let object = world.organization.read_state(key).await.unwrap_or_default();
    let mut object: Value = serde_json::from_slice(&object).expect("the object is JSON");
    let deadline = time::OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
    object["deadline"] = json!(deadline.format(&time::format_description::well_known::Rfc3339).expect("a time"));
    world.organization.write_state(key, object.to_string().as_bytes()).await;
}

#[tokio::test]
async fn promise_5_messages_that_the_queue_did_not_take_are_sent_again() {
    let (mut world, queue) = world_with_faulty_queue().await;
    world.redeploy(&[("AWS_ENDPOINT_URL_SQS", &queue)]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    FaultyQueue::order(&queue, Refusal::EverySecondOnce).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let messages = world.organization.aws().queue_messages(world.organization.queue()).await;
    let bodies: BTreeSet<&str> = messages.iter().map(|message| message.body.as_str()).collect();
    assert_eq!((messages.len(), bodies.len()), (4, 4), "three targets and the sweep, each once");
    world.pump().run().await;
    assert_eq!(world.summary(&answer).await["outcome"], "completed");
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn a_run_that_could_not_send_its_messages_is_aborted() {
    let (mut world, queue) = world_with_faulty_queue().await;
    world.redeploy(&[("AWS_ENDPOINT_URL_SQS", &queue)]).await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    FaultyQueue::order(&queue, Refusal::TheLastForEver).await;
    let event = json!({"scheduledTime": "2026-11-21T06:00:00Z"});
    match world.schedule(event.clone()).await {
        Err(InvocationFailure::Failed { error_type, message }) => {
            assert_eq!(error_type, "State");
            assert!(message.contains("aborted") && message.contains("InternalError"), "{message}");
        }
        other => panic!("a failure was expected: {other:?}"),
    }
    assert_eq!(current(&world).await["phase"], "aborted");
    FaultyQueue::order(&queue, Refusal::Nothing).await;
    let report = world.pump().run().await;
    assert!(report.invocations() > 0 && report.failures().is_empty());
    assert_eq!(world.writes_to_port(), 0);
    assert!(world.ledgers().await.is_empty());

    // The same event again is no repetition: its run has no effect.
    assert_eq!(world.resync_by(event).await.summary["outcome"], "completed");
    assert_settled(&world, &[&topic]).await;
}

async fn world_with_faulty_queue() -> (World, String) {
    let world = small_world(&[TOPIC]).await;
    let queue = FaultyQueue::start(world.organization.aws().endpoint()).await;
    (world, queue)
}

/// SQS before the emulated one: passes everything on, but refuses some entries of `SendMessageBatch` as real SQS now
/// and then does.
struct FaultyQueue {
    endpoint: String,
    refusal: std::sync::Mutex<Refusal>,
    http: reqwest::Client,
}

#[derive(Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
enum Refusal {
    Nothing,
    EverySecondOnce,
    TheLastForEver,
}

impl FaultyQueue {
    /// The URL to send calls to.
    async fn start(endpoint: &str) -> String {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let queue = Self { endpoint: endpoint.to_owned(), refusal: Refusal::Nothing.into(), http };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = Router::new().fallback(pass_on).with_state(std::sync::Arc::new(queue));
        tokio::spawn(axum::serve(listener, router).into_future());
        url
    }

    async fn order(url: &str, refusal: Refusal) {
        let body = json!({"refusal": refusal}).to_string();
        let sent = reqwest::Client::new().post(url).header("x-amz-target", "order").body(body).send().await;
        sent.expect("the queue answers");
    }

    /// The ids of the entries to refuse.
    fn refused(&self, batch: &Value) -> BTreeSet<String> {
        let entries = batch["Entries"].as_array().into_iter().flatten();
        let ids: Vec<String> = entries.map(|entry| entry["Id"].as_str().unwrap_or_default().to_owned()).collect();
        let mut refusal = self.refusal.lock().expect("nobody panics");
        match *refusal {
            Refusal::Nothing => BTreeSet::new(),
            Refusal::EverySecondOnce => {
                *refusal = Refusal::Nothing;
                ids.into_iter().step_by(2).collect()
            }
            Refusal::TheLastForEver => ids.into_iter().last().into_iter().collect(),
        }
    }
}

async fn pass_on(
    State(queue): State<std::sync::Arc<FaultyQueue>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let mut call: Value = serde_json::from_slice(&body).unwrap_or_default();
    if target == "order" {
        let refusal = serde_json::from_value(call["refusal"].clone()).expect("a refusal");
        *queue.refusal.lock().expect("nobody panics") = refusal;
        return "ordered".into_response();
    }
    let mut refused = BTreeSet::new();
    if target.ends_with("SendMessageBatch") {
        refused = queue.refused(&call);
        let entries = call["Entries"].as_array_mut().expect("a batch has entries");
        entries.retain(|entry| !refused.contains(entry["Id"].as_str().unwrap_or_default()));
    }
    let mut answer = json!({"Successful": [], "Failed": []});
    if call["Entries"].as_array().is_none_or(|entries| !entries.is_empty()) {
        let mut headers = headers.clone();
        headers.remove("content-length");
        headers.remove("host");
        let request = queue.http.request(method, format!("{}{uri}", queue.endpoint)).headers(headers);
        let answered = request.body(call.to_string()).send().await.expect("the emulated AWS answers");
        let status = answered.status();
        let bytes = answered.bytes().await.expect("the answer is complete");
        if refused.is_empty() {
            return (status, [("content-type", "application/x-amz-json-1.0")], bytes).into_response();
        }
        answer = serde_json::from_slice(&bytes).expect("the answer is JSON");
    }
    let failed = refused.iter().map(|id| json!({"Id": id, "SenderFault": false, "Code": "InternalError"}));
    answer["Failed"] = failed.collect();
    ([("content-type", "application/x-amz-json-1.0")], answer.to_string()).into_response()
}
