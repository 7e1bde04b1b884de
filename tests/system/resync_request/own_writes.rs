//! What runs write themselves is no reason for further runs.

use super::*;

#[tokio::test]
async fn the_first_start_is_no_reason_for_another_run() {
    let world = World::create_empty(small_plan(), &[]).await;
    // There is no record yet.
    assert_not_requested(&world, &["404", "before the first run"]).await;
    assert_eq!(count_of_log(&world, "Port does not say"), 0);
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

/// Port keeps nothing of what is written, and makes a request of it when the run that wrote is over.
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

/// The worst that Port could be: whatever a run writes is a request, so that each run is the reason for the next.
#[tokio::test]
async fn a_port_that_makes_a_request_of_every_write_has_at_last_a_run_an_hour() {
    let world = small_world(&[TOPIC]).await;
    world.resync().await;
    assert_not_requested(&world, &["nobody has asked"]).await;
    world.port.request_resync_always();
    press(&world);
    for _ in 0..6 {
        assert_answered(&world).await;
    }
    assert_quiet(&world, "waiting", &["was tried not long ago", "is answered from"]).await;
    assert_eq!(count_of_log(&world, "again and again"), 1);
    let_pass(&world, 55).await;
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    let_pass(&world, 5).await;
    assert_answered(&world).await;
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    // Other runs are not held up, and answer as always.
    let going = start(&world, json!({})).await;
    world.pump().run().await;
    assert_quiet(&world, "waiting", &["was tried not long ago"]).await;
    assert_eq!(current(&world).await["run"], going["run"]);
    assert_eq!(world.port.violations(), Vec::<String>::new());
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
    assert_eq!(mapping_of_run(&world, &answer).await, saved);
    assert_not_requested(&world, &[run_of(&answer)]).await;
}
