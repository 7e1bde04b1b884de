//! Which run answers a request.

use super::*;

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
    let_pass(&world, 15).await;
    let answer = assert_answered(&world).await;
    assert_not_requested(&world, &[run_of(&answer)]).await;
}
