//! What a person can ask the scheduler for beside an ordinary run: aborting, confirming, sending again, removing.

use portolan::run::RunId;
use serde_json::{Value, json};

use super::small::{
    DELETE, REGION, TOPIC, assert_settled, calls_of, current, current_key, mapping_of, only_alpha, small_world,
    wait_until,
};
use crate::support::port::Fault;
use crate::support::relay::{Moment, Relay};
use crate::support::world::World;

const TIME: &str = "2026-11-21T06:00:00Z";

pub async fn answer_to(world: &World, event: Value) -> Value {
    world.schedule(event.clone()).await.unwrap_or_else(|failure| panic!("{event} fails: {failure:?}"))
}

/// The event is answered with a refusal that has these words, and nothing has happened.
async fn assert_refused(world: &World, event: Value, words: &[&str]) {
    let before = state(world).await;
    let messages = queued(world).await;
    let told = world.port.resync_states();
    let answer = answer_to(world, event.clone()).await;
    assert_eq!(answer["outcome"], "refused", "{event}: {answer}");
    let reason = answer["reason"].as_str().unwrap_or_default();
    for word in words {
        assert!(reason.contains(word), "{event}: `{reason}` should say `{word}`");
    }
    assert_eq!(state(world).await, before, "{event}");
    assert_eq!(queued(world).await, messages, "{event}");
    assert_eq!(world.port.resync_states(), told, "{event}");
}

/// Every message on the queue, whether its delay is over or not.
pub async fn queued(world: &World) -> Vec<String> {
    let messages = world.organization.aws().queue_messages(world.organization.queue()).await;
    let mut bodies: Vec<String> = messages.into_iter().map(|message| message.body).collect();
    bodies.sort();
    bodies
}

/// Every object in the state bucket.
pub async fn state(world: &World) -> Vec<(String, Option<Vec<u8>>)> {
    let mut objects = Vec::new();
    for key in world.organization.state_keys("").await {
        let bytes = world.organization.read_state(&key).await;
        objects.push((key, bytes));
    }
    objects
}

/// EventBridge may deliver an event twice, and a person may invoke while a schedule does.
#[tokio::test]
async fn promise_5_of_two_events_at_the_same_time_one_starts_a_run_and_the_other_is_refused() {
    let relay = Relay::default();
    let mut world = small_world(&[TOPIC]).await;
    let way = relay.way_to(world.organization.aws().endpoint()).await;
    world.redeploy_scheduler(&[("AWS_ENDPOINT_URL", way.url())], 2).await;
    // The first one has looked who is going, and found its accounts.
    let is_claim = |name: &str| name.starts_with("PUT ") && name.contains("/current.json");
    let second = async {
        let claim = relay.hold(1, is_claim, Moment::Before).await;
        let started = answer_to(&world, json!({})).await;
        claim.pass();
        started
    };
    let (refused, started) = tokio::join!(answer_to(&world, json!({})), second);
    assert_eq!(started["outcome"], "started", "{started}");
    assert_eq!((&refused["outcome"], &refused["run"]), (&json!("refused"), &started["run"]), "{refused}");
    assert_eq!(world.pump().run().await.dead_letters.len(), 0);
    assert_eq!(current(&world).await["phase"], "ended");
}

pub async fn plan_of(world: &World, answer: &Value) -> Value {
    let end = format!("{}/plan.json", answer["run"].as_str().unwrap_or_default());
    let keys = world.organization.state_keys("runs/").await;
    let key = keys.into_iter().find(|key| key.ends_with(&end)).unwrap_or_else(|| panic!("no plan of {answer}"));
    serde_json::from_slice(&world.organization.read_state(&key).await.unwrap_or_default()).expect("a plan is JSON")
}

#[tokio::test]
async fn promise_6_an_aborted_run_sends_nothing_more_and_the_next_one_works() {
    let world = small_world(&[TOPIC]).await;
    let mut topics = Vec::new();
    for account in ["integration", "alpha"] {
        topics.push(world.organization.place(account, REGION).create_topic("alerts", &[]).await);
    }
    let started = answer_to(&world, json!({"scheduledTime": TIME})).await;
    world.pump().concurrency(1).until(|report| report.deliveries.len() == 1).run().await;
    let sent = world.writes_to_port();
    assert!(sent <= 1, "at most one of two targets has something to send");

    let aborted = json!({"outcome": "aborted", "run": started["run"]});
    assert_eq!(answer_to(&world, json!({"abort": started["run"]})).await, aborted);
    assert_eq!(current(&world).await["phase"], "aborted");
    assert_eq!(world.summary(&started).await["outcome"], "aborted");
    let told = world.port.resync_states();
    assert_eq!(told.last().map(|state| &state["status"]), Some(&json!("aborted")), "{told:#?}");
    let last = world.port.metrics().pop().expect("Port is told of the run");
    assert_eq!((&last["kindIdentifier"], &last["syncState"]), (&json!("__runtime__"), &json!("aborted")));
    // An answer may get lost, and the abort be repeated.
    assert_eq!(answer_to(&world, json!({"abort": started["run"]})).await, aborted);
    // So may the schedule's own invocation: it is not to start again what a person has ended.
    let repeated = answer_to(&world, json!({"scheduledTime": TIME})).await;
    assert_eq!((&repeated["run"], &repeated["outcome"]), (&started["run"], &json!("aborted")));

    let report = world.pump().run().await;
    assert_eq!((report.invocations(), report.failures().len(), report.dead_letters.len()), (3, 0, 0));
    assert_eq!(world.writes_to_port(), sent);

    assert_eq!(world.resync().await.summary["outcome"], "completed");
    assert_settled(&world, &[&topics[0], &topics[1]]).await;
}

#[tokio::test]
async fn promise_1_an_aborted_sweep_deletes_nothing_more() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    let kept = place.create_topic("kept", &[]).await;
    let deleted = place.create_topic("deleted", &[]).await;
    world.resync().await;
    place.delete_topic(&deleted).await;
    let started = answer_to(&world, json!({})).await;
    world.clear_calls().await;
    // The sweep is about to delete, and dies: its message comes back.
    world.port.fail(Fault::delay(DELETE, std::time::Duration::from_secs(200)));
    let kill = async {
        wait_until(async || !calls_of(&world, DELETE).is_empty()).await;
        world.worker.kill().await;
    };
    tokio::join!(world.pump().until(|report| !report.failures().is_empty()).run(), kill);
    assert_eq!(current(&world).await["phase"], "sweeping");

    assert_eq!(answer_to(&world, json!({"abort": started["run"]})).await["outcome"], "aborted");
    world.clear_calls().await;
    let report = world.pump().run().await;
    assert_eq!((report.invocations(), report.failures().len()), (1, 0));
    assert_eq!(calls_of(&world, DELETE).len(), 0);
    assert!(world.port.entity("snsTopic", &deleted).is_some());
    assert_eq!(
        (&current(&world).await["phase"], &world.summary(&started).await["outcome"]),
        (&json!("aborted"), &json!("aborted"))
    );

    assert_eq!(world.resync().await.summary["deletions"]["deleted"], 1);
    assert_eq!(world.port.entity("snsTopic", &deleted), None);
    assert_settled(&world, &[&kept]).await;
}

#[tokio::test]
async fn a_run_that_is_not_going_cannot_be_aborted() {
    let world = small_world(&[TOPIC]).await;
    let nobody = RunId::new();
    assert_refused(&world, json!({"abort": nobody}), &[nobody.as_str(), "never"]).await;
    let ended = world.resync().await.answer;
    assert_refused(&world, json!({"abort": ended["run"]}), &["has ended"]).await;
    let going = answer_to(&world, json!({})).await;
    let going_run = going["run"].as_str().unwrap_or_default();
    assert_refused(&world, json!({"abort": ended["run"]}), &[going_run, "is going"]).await;
    assert_refused(&world, json!({"abort": nobody}), &[going_run, "is going"]).await;
    assert_refused(&world, json!({}), &["{\"force\":true}", &format!("{{\"abort\":\"{going_run}\"}}")]).await;
    world.pump().run().await;
    assert_eq!(world.summary(&going).await["outcome"], "completed");
}

#[tokio::test]
async fn promise_1_only_what_the_latest_run_held_back_can_be_confirmed() {
    let world = small_world(&[TOPIC]).await;
    let place = world.organization.place("alpha", REGION);
    let mut topics = Vec::new();
    for name in ["kept", "gone"] {
        topics.push(place.create_topic(name, &[]).await);
    }
    let nobody = RunId::new();
    assert_refused(&world, json!({"confirm": nobody}), &["there is no run"]).await;
    let quiet = world.resync().await.answer;
    assert_refused(&world, json!({"confirm": quiet["run"]}), &["held nothing back"]).await;
    assert_refused(&world, json!({"confirm": nobody}), &["there is no run", nobody.as_str()]).await;

    let mut mapping = mapping_of(&[TOPIC]);
    mapping["entityDeletionThreshold"] = json!(0.1);
    world.set_mapping(mapping);
    place.delete_topic(&topics[1]).await;
    let first = world.resync().await;
    assert!(first.summary["deletions"]["heldBack"].to_string().contains("entityDeletionThreshold"));
    let going = answer_to(&world, json!({})).await;
    assert_refused(&world, json!({"confirm": first.answer["run"]}), &["still going"]).await;
    assert_eq!(answer_to(&world, json!({"abort": going["run"]})).await["outcome"], "aborted");
    world.pump().run().await;
    assert_refused(&world, json!({"confirm": going["run"]}), &["was aborted"]).await;
    let aborted = going["run"].as_str().unwrap_or_default();
    assert_refused(&world, json!({"confirm": first.answer["run"]}), &["only the latest run", aborted]).await;

    let latest = world.resync().await.answer;
    let key = current_key(&world).await;
    let as_it_is = world.organization.read_state(&key).await.unwrap_or_default();
    let mut old: Value = serde_json::from_slice(&as_it_is).expect("the current run is JSON");
    old["started"] = json!("2026-01-01T06:00:00Z");
    world.organization.write_state(&key, old.to_string().as_bytes()).await;
    assert_refused(&world, json!({"confirm": latest["run"]}), &["30 days"]).await;
    world.organization.write_state(&key, &as_it_is).await;

    let confirming = answer_to(&world, json!({"confirm": latest["run"]})).await;
    assert_eq!(confirming["outcome"], "started", "{confirming}");
    let plan = plan_of(&world, &confirming).await;
    assert_eq!((&plan["confirms"], &plan["mode"]), (&latest["run"], &json!("incremental")));
    assert_eq!(plan["targets"].as_array().map(Vec::len), Some(3), "a whole run");
}

#[tokio::test]
async fn what_is_asked_for_is_in_the_plan_and_makes_another_run_of_the_same_time() {
    let world = small_world(&[TOPIC]).await;
    let event = json!({"mode": "full", "resend": true, "removeUnknown": true, "scheduledTime": TIME});
    let whole = answer_to(&world, event.clone()).await;
    let plan = plan_of(&world, &whole).await;
    assert_eq!(
        (&plan["resend"], &plan["removeUnknown"], &plan["confirms"]),
        (&json!(true), &json!(true), &json!(null))
    );
    assert_eq!(answer_to(&world, event).await["run"], whole["run"]);
    let run = whole["run"].as_str().unwrap_or_default();
    assert_refused(&world, json!({"mode": "full", "resend": true, "scheduledTime": TIME}), &[run, "still going"]).await;
    assert_refused(&world, json!({"scheduledTime": TIME}), &[run, "still going"]).await;

    let mut narrowed = only_alpha(&world);
    narrowed["resend"] = json!(true);
    narrowed["force"] = json!(true);
    let plan = plan_of(&world, &answer_to(&world, narrowed).await).await;
    assert_eq!((&plan["resend"], &plan["removeUnknown"]), (&json!(true), &json!(false)));
    assert_eq!(plan["narrowing"]["accounts"], json!([world.organization.account("alpha")]));
}
