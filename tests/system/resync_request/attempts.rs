//! Requests that cannot be answered at once, and a Port that does not say whether there are any.

use super::*;

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
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    let_pass(&world, 15).await;
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
    world.port.fail(Fault::answer(QUESTION, 404, "not_found", "no such route"));
    assert_not_requested(&world, &["404", "does not tell"]).await;
    assert_eq!(count_of_log(&world, "Port does not say"), warnings, "it may be so for ever");
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

#[tokio::test]
async fn a_request_that_cannot_be_answered_is_tried_ever_more_seldom_until_it_is_mended() {
    let world = small_world(&[TOPIC]).await;
    world.resync().await;
    world.set_mapping(json!({"resources": "none"}));
    for pause in [15, 30, 60, 60] {
        let failure = world.schedule(question()).await.expect_err("no run can start");
        let failure = format!("{failure:?}");
        assert!(failure.contains("Mapping"), "{failure}");
        assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
        let_pass(&world, pause - 5).await;
        assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
        let_pass(&world, 5).await;
    }
    world.schedule(question()).await.expect_err("no run can start");
    assert_eq!(count_of_log(&world, "no run started or aborted"), 5);
    // Nobody who has mended it waits.
    world.set_mapping(mapping_of(&[TOPIC]));
    let answer = assert_answered(&world).await;
    assert_not_requested(&world, &[run_of(&answer)]).await;
}

#[tokio::test]
async fn of_several_invocations_one_tries() {
    let world = small_world(&[TOPIC]).await;
    world.resync().await;
    press(&world);
    // It has noted that it tries, and is killed before there is a run.
    world.port.fail(Fault::slow_answer(RECORD, std::time::Duration::from_secs(60)));
    let kill = async {
        wait_until(async || attempts_key(&world).await.is_some()).await;
        world.scheduler.kill().await;
    };
    let (killed, ()) = tokio::join!(world.schedule(question()), kill);
    assert!(killed.is_err(), "{killed:?}");
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    let_pass(&world, 10).await;
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    let_pass(&world, 5).await;

    // Another one was faster.
    let conflict = json!({"status": 412, "code": "PreconditionFailed"});
    state_fault(&world, "PutObject", "resync-request.json", conflict).await;
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    assert_answered(&world).await;
}
