//! Port's Resync button and the saving of a mapping there, as the schedule of every five minutes finds them.

mod answers;
mod attempts;
mod own_writes;

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::by_hand::{answer_to, plan_of, queued, state};
use super::small::{
    INSTANCE, REGION, TOKEN, TOPIC, calls_of, current, mapping_of, only_alpha, small_plan, small_world, state_fault,
    wait_until,
};
use crate::support::port::Fault;
use crate::support::world::{IDENTIFIER, World};

const QUESTION: &str = "GET /integration/{identifier}/resync-request";
const RECORD: &str = "GET /integration/{identifier}";
const UPDATE: &str = "PATCH /integration/{identifier}";
const TIME: &str = "2026-11-21T06:00:00Z";

fn question() -> Value {
    json!({"onlyIfRequested": true, "scheduledTime": TIME})
}

/// The schedule asks, and no run starts: the outcome is this, the reason has these words, and nothing has happened.
async fn assert_quiet(world: &World, outcome: &str, words: &[&str]) {
    let before = state(world).await;
    let messages = queued(world).await;
    let told = world.port.resync_states();
    let record = world.port.integration(IDENTIFIER);
    let answer = answer_to(world, question()).await;
    assert_eq!(answer["outcome"], outcome, "{answer}");
    let reason = answer["reason"].as_str().unwrap_or_default();
    for word in words {
        assert!(reason.contains(word), "`{reason}` should say `{word}`");
    }
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2), "{answer}");
    assert_eq!(state(world).await, before);
    assert_eq!(queued(world).await, messages);
    assert_eq!(world.port.resync_states(), told);
    assert_eq!(world.port.integration(IDENTIFIER), record);
}

async fn assert_not_requested(world: &World, words: &[&str]) {
    assert_quiet(world, "not-requested", words).await;
}

/// The schedule asks, and a run starts.
async fn assert_started(world: &World) -> Value {
    let answer = answer_to(world, question()).await;
    assert_eq!(answer["outcome"], "started", "{answer}");
    answer
}

/// The same, and the run comes to its end.
async fn assert_answered(world: &World) -> Value {
    let answer = assert_started(world).await;
    end(world, &answer).await;
    answer
}

async fn end(world: &World, answer: &Value) {
    assert_eq!(world.pump().run().await.failures().len(), 0);
    assert_eq!(world.summary(answer).await["outcome"], "completed");
}

/// A schedule, or a person, starts a run.
async fn start(world: &World, event: Value) -> Value {
    let answer = answer_to(world, event).await;
    assert_eq!(answer["outcome"], "started", "{answer}");
    answer
}

fn press(world: &World) {
    world.port.request_resync(IDENTIFIER);
}

fn run_of(answer: &Value) -> &str {
    answer["run"].as_str().unwrap_or_default()
}

/// Routes that were called since the calls were cleared, in order.
fn routes(world: &World) -> Vec<String> {
    world.port.calls().into_iter().map(|call| format!("{} {}", call.method, call.route)).collect()
}

/// The mapping with which a run works.
async fn mapping_of_run(world: &World, answer: &Value) -> Value {
    let end = format!("{}/mapping.json", run_of(answer));
    let keys = world.organization.state_keys("runs/").await;
    let key = keys.into_iter().find(|key| key.ends_with(&end)).expect("the run has a mapping");
    serde_json::from_slice(&world.organization.read_state(&key).await.unwrap_or_default()).expect("a mapping is JSON")
}

/// Where it is kept when runs were tried for requests; none before the first.
async fn attempts_key(world: &World) -> Option<String> {
    let keys = world.organization.state_keys("state/").await;
    keys.into_iter().find(|key| key.ends_with("/resync-request.json"))
}

/// Makes the last try for a request that much older.
async fn let_pass(world: &World, minutes: i64) {
    let key = attempts_key(world).await.expect("a run was tried");
    let bytes = world.organization.read_state(&key).await.unwrap_or_default();
    let mut attempts: Value = serde_json::from_slice(&bytes).expect("it is JSON");
    let attempted_at = attempts["attemptedAt"].as_str().unwrap_or_default();
    let attempted_at = OffsetDateTime::parse(attempted_at, &Rfc3339).expect("a point in time");
    let earlier = attempted_at - time::Duration::minutes(minutes);
    attempts["attemptedAt"] = json!(earlier.format(&Rfc3339).expect("a point in time"));
    world.organization.write_state(&key, attempts.to_string().as_bytes()).await;
}

fn count_of_log(world: &World, words: &str) -> usize {
    world.scheduler.log_lines().iter().filter(|line| line.contains(words)).count()
}
