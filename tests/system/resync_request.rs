//! Port's Resync button and the saving of a mapping there, as the schedule of every five minutes finds them.

use serde_json::{Value, json};

use super::by_hand::{answer_to, plan_of, queued, state};
use super::small::{
    INSTANCE, REGION, TOKEN, TOPIC, calls_of, current, mapping_of, only_alpha, small_plan, small_world, wait_until,
};
use crate::support::port::Fault;
use crate::support::world::{IDENTIFIER, World};

const QUESTION: &str = "GET /integration/{identifier}/resync-request";
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

fn count_of_log(world: &World, words: &str) -> usize {
    world.scheduler.log_lines().iter().filter(|line| line.contains(words)).count()
}

#[tokio::test]
async fn what_nobody_asked_for_is_one_call() {
    let world = small_world(&[TOPIC]).await;
    assert_not_requested(&world, &["nobody has asked"]).await;
    assert_eq!(routes(&world), [TOKEN, QUESTION], "a process that was just started");
    world.clear_calls().await;
    assert_not_requested(&world, &["nobody has asked"]).await;
    assert_eq!(routes(&world), [QUESTION]);

    // The same after a request that was answered.
    world.resync().await;
    press(&world);
    let answer = assert_answered(&world).await;
    world.clear_calls().await;
    assert_not_requested(&world, &[run_of(&answer), "was answered"]).await;
    assert_eq!(routes(&world), [QUESTION]);
    let read = world.organization.calls().await;
    let of_function = read.iter().filter(|call| call.name() == "s3:PutObject" || call.name().starts_with("sqs:"));
    assert_eq!(of_function.count(), 0);
    assert_eq!(world.port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_request_is_answered_by_one_incremental_run_of_everything() {
    let world = small_world(&[TOPIC]).await;
    world.resync().await;
    let topic = world.organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    press(&world);
    let answer = assert_started(&world).await;
    let plan = plan_of(&world, &answer).await;
    assert_eq!(
        (&plan["mode"], &plan["resend"], &plan["confirms"]),
        (&json!("incremental"), &json!(false), &Value::Null)
    );
    assert_eq!(plan["targets"].as_array().map(Vec::len), Some(3), "a whole run");
    // The same invocation once more, while the run is going and when it is over.
    assert_not_requested(&world, &["is being answered", run_of(&answer)]).await;
    end(&world, &answer).await;
    assert!(world.port.entity("snsTopic", &topic).is_some());
    assert_not_requested(&world, &["was answered", run_of(&answer)]).await;
    assert_eq!(count_of_log(&world, "resync requested in Port"), 1);
    // Each request is answered.
    press(&world);
    let next = assert_answered(&world).await;
    assert_ne!(next["run"], answer["run"]);
    assert_not_requested(&world, &["was answered", run_of(&next)]).await;
}

#[tokio::test]
async fn without_any_run_before_a_request_starts_the_first() {
    let world = small_world(&[TOPIC]).await;
    press(&world);
    assert_answered(&world).await;
    assert_not_requested(&world, &[]).await;
}

#[tokio::test]
async fn a_request_while_a_run_is_going_is_answered_after_it() {
    let world = small_world(&[TOPIC]).await;
    let going = start(&world, json!({})).await;
    press(&world);
    assert_quiet(&world, "waiting", &[run_of(&going), "is answered after it"]).await;
    assert_eq!(count_of_log(&world, "run refused"), 0);
    end(&world, &going).await;
    let answer = assert_answered(&world).await;
    assert_ne!(answer["run"], going["run"]);
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

#[tokio::test]
async fn a_run_for_another_reason_answers_what_was_asked_for_before_it() {
    let world = small_world(&[TOPIC]).await;
    press(&world);
    let going = start(&world, json!({"mode": "full"})).await;
    assert_not_requested(&world, &["is being answered", run_of(&going)]).await;
    end(&world, &going).await;
    assert_not_requested(&world, &["was answered", run_of(&going)]).await;
}

#[tokio::test]
async fn two_schedules_of_the_same_minute_have_one_run() {
    let world = small_world(&[TOPIC]).await;
    let incremental = json!({"mode": "incremental", "scheduledTime": TIME});
    press(&world);
    let first = start(&world, incremental.clone()).await;
    assert_not_requested(&world, &[run_of(&first)]).await;
    end(&world, &first).await;
    assert_not_requested(&world, &[run_of(&first)]).await;

    // A request that comes after it is not lost, and the incremental schedule finds the run that there is.
    press(&world);
    let requested = assert_started(&world).await;
    assert_ne!(requested["run"], first["run"]);
    assert_eq!(answer_to(&world, incremental.clone()).await["run"], requested["run"]);
    end(&world, &requested).await;
    assert_eq!(answer_to(&world, incremental).await["run"], requested["run"]);
    assert_eq!(queued(&world).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_saved_mapping_is_that_of_the_run_that_answers() {
    let world = small_world(&[TOPIC]).await;
    world.resync().await;
    let saved = mapping_of(&[TOPIC, INSTANCE]);
    world.set_mapping(saved.clone());
    let answer = assert_answered(&world).await;
    assert_eq!(mapping_of_run(&world, &answer).await, saved);
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

#[tokio::test]
async fn the_first_start_is_no_reason_for_another_run() {
    let world = World::create_empty(small_plan(), &[]).await;
    // There is no record yet.
    assert_quiet(&world, "unknown", &["404"]).await;
    let first = start(&world, json!({})).await;
    assert_eq!(calls_of(&world, UPDATE).len(), 1);
    let own = world.port.resync_request(IDENTIFIER);
    assert!(own.is_some(), "Port takes it for a request");
    end(&world, &first).await;
    assert_not_requested(&world, &[run_of(&first)]).await;
    assert_eq!(world.port.resync_request(IDENTIFIER), own, "nothing else was written");

    // A user's own request is answered, by a run that writes nothing.
    world.clear_calls().await;
    press(&world);
    let pressed = world.port.resync_request(IDENTIFIER);
    let answer = assert_answered(&world).await;
    assert_eq!((calls_of(&world, UPDATE).len(), calls_of(&world, QUESTION).len()), (0, 1));
    assert_eq!(world.port.resync_request(IDENTIFIER), pressed);
    assert_not_requested(&world, &[run_of(&answer)]).await;
    assert_eq!(world.port.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_requested_first_start_is_no_reason_for_another_run() {
    let world = World::create_empty(small_plan(), &[]).await;
    world.port.put_integration(json!({
        "installationId": IDENTIFIER,
        "installationAppType": "aws-v3",
        "version": "0.1.0",
        "changelogDestination": {},
        "config": {},
    }));
    press(&world);
    let answer = assert_answered(&world).await;
    assert_eq!(calls_of(&world, UPDATE).len(), 1);
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

/// The worst that Port could be: it keeps nothing of what is written, and makes a request of it when the run that wrote
/// is over.
#[tokio::test]
async fn a_port_that_forgets_and_asks_later_does_not_keep_runs_going() {
    let world = small_world(&[TOPIC]).await;
    let forget = || {
        let mut record = world.port.integration(IDENTIFIER).expect("the record");
        record["processingMode"] = json!("dsp");
        world.port.put_integration(record);
    };
    forget();
    let first = start(&world, json!({})).await;
    assert_eq!(calls_of(&world, UPDATE).len(), 1);
    end(&world, &first).await;
    forget();
    press(&world);

    world.clear_calls().await;
    let answer = assert_answered(&world).await;
    assert_eq!(calls_of(&world, UPDATE).len(), 0);
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

#[tokio::test]
async fn a_mapping_that_is_saved_while_a_run_writes_the_record_is_not_lost() {
    let world = small_world(&[TOPIC]).await;
    let mut record = world.port.integration(IDENTIFIER).expect("the record");
    record["processingMode"] = json!("dsp");
    world.port.put_integration(record);
    // The run has read the mapping, and has not been told yet that what it wrote is there.
    world.port.fail(Fault::slow_answer(UPDATE, std::time::Duration::from_secs(1)));
    let saved = mapping_of(&[TOPIC, INSTANCE]);
    let save = async {
        wait_until(async || !calls_of(&world, UPDATE).is_empty()).await;
        world.set_mapping(saved.clone());
    };
    let (answer, ()) = tokio::join!(start(&world, json!({})), save);
    end(&world, &answer).await;
    if mapping_of_run(&world, &answer).await == saved {
        return assert_not_requested(&world, &[run_of(&answer)]).await;
    }
    let next = assert_answered(&world).await;
    assert_eq!(mapping_of_run(&world, &next).await, saved);
}

#[tokio::test]
async fn a_narrowed_run_answers_nothing_and_forgets_nothing() {
    let world = small_world(&[TOPIC]).await;
    press(&world);
    let narrowed = start(&world, only_alpha(&world)).await;
    assert_quiet(&world, "waiting", &[run_of(&narrowed)]).await;
    end(&world, &narrowed).await;
    let answer = assert_answered(&world).await;
    let narrowed = start(&world, only_alpha(&world)).await;
    assert_not_requested(&world, &[run_of(&answer)]).await;
    end(&world, &narrowed).await;
    assert_not_requested(&world, &[run_of(&answer)]).await;

    // What takes the place of the answer before that is there is none.
    press(&world);
    assert_started(&world).await;
    let mut superseding = only_alpha(&world);
    superseding["force"] = json!(true);
    let superseding = start(&world, superseding).await;
    end(&world, &superseding).await;
    let answer = assert_answered(&world).await;
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

#[tokio::test]
async fn a_requested_run_that_a_person_aborts_stays_so_and_one_that_could_not_start_does_not() {
    let world = small_world(&[TOPIC]).await;
    press(&world);
    let fault = json!({
        "account": world.organization.integration_account(), "service": "sqs", "operation": "SendMessageBatch",
        "effect": {"status": 403, "code": "AccessDenied", "message": "not now"},
    });
    world.organization.aws().fault(fault).await;
    assert!(world.schedule(question()).await.is_err());
    assert_eq!(current(&world).await["phase"], "aborted");
    world.organization.clear_faults().await;
    let answer = assert_started(&world).await;
    answer_to(&world, json!({"abort": answer["run"]})).await;
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

#[tokio::test]
async fn a_port_that_does_not_say_starts_nothing_and_fails_nothing() {
    let world = small_world(&[TOPIC]).await;
    let answer = world.resync().await.answer;
    press(&world);
    let mut warnings = 0;
    let faults = [
        (Fault::answer(QUESTION, 404, "not_found", "no such route"), "404 not_found"),
        (Fault::answer(QUESTION, 403, "forbidden", "a viewer cannot do that"), "a viewer cannot do that"),
        (Fault::answer(QUESTION, 401, "unauthorized", "who is it").times(2), "who is it"),
        (Fault::answer(QUESTION, 500, "internal", "no"), "status 500"),
        (Fault::rate_limited(QUESTION, &[("retry-after", "300")]), "rate limit"),
    ];
    for (fault, words) in faults {
        world.clear_calls().await;
        world.port.fail(fault);
        assert_quiet(&world, "unknown", &[words]).await;
        assert!(calls_of(&world, QUESTION).len() <= 2, "it is not asked again and again");
        warnings += 1;
        assert_eq!(count_of_log(&world, "Port does not say whether a resync was requested"), warnings);
    }
    // Another process, to which Port has refused nothing.
    world.scheduler.kill().await;
    let as_it_is = world.port.resync_request(IDENTIFIER).expect("it was pressed");
    for (request, outcome, words) in [
        (json!([]), "unknown", "no object"),
        (json!({"id": "1"}), "unknown", "no updatedAt"),
        (json!({"updatedAt": "soon"}), "unknown", "no point in time"),
        (json!({}), "not-requested", "nobody"),
        (Value::Null, "not-requested", "nobody"),
    ] {
        world.port.put_resync_request(IDENTIFIER, request);
        assert_quiet(&world, outcome, &[words]).await;
    }
    assert_eq!(current(&world).await["run"], answer["run"]);
    assert_eq!(count_of_log(&world, "no run started or aborted"), 0);
    world.port.put_resync_request(IDENTIFIER, as_it_is);
    assert_answered(&world).await;
}

#[tokio::test]
async fn a_run_starts_also_where_port_does_not_say_what_was_requested() {
    let world = small_world(&[TOPIC]).await;
    press(&world);
    world.port.put_resync_request(IDENTIFIER, json!("soon"));
    let first = start(&world, json!({})).await;
    end(&world, &first).await;
    assert_eq!(count_of_log(&world, "Port does not say"), 1);
    press(&world);
    assert_answered(&world).await;
}
