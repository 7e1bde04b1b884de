//! Bad input loses nothing: it is refused with a reason, and nothing has happened.

use serde_json::{Value, json};

use super::small::{
    TOKEN, TOPIC, assert_settled, current, dead_letters, message_of, only_alpha, small_plan, small_world,
};
use crate::support::lambda::InvocationFailure;
use crate::support::world::{IDENTIFIER, World};

/// The type and the words of a failed invocation.
async fn refusal(world: &World, event: Value) -> (String, String) {
    match world.schedule(event).await {
        Err(InvocationFailure::Failed { error_type, message }) => (error_type, message),
        other => panic!("a failure was expected: {other:?}"),
    }
}

fn account_numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{number:012}")).collect()
}

async fn assert_no_trace(world: &World) {
    assert_eq!(world.organization.state_keys("").await, Vec::<String>::new());
    assert!(world.organization.aws().queue_counts(world.organization.queue()).await.is_empty());
}

#[tokio::test]
async fn promise_6_a_message_that_is_not_ours_goes_to_the_dead_letters_with_its_reason() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", "us-east-1").create_topic("alerts", &[]).await;
    let answer = world.schedule(only_alpha(&world)).await.expect("a run starts");
    let good = message_of(&world, "us-east-1").await;
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        good.replace(from, to)
    };
    let alpha = world.organization.account("alpha").to_owned();
    let bad = [
        ("hello".to_owned(), "not JSON"),
        ("{\"run\":1}".to_owned(), "version"),
        (changed("\"version\":1", "\"version\":7"), "version 7"),
        (changed("\"epoch\"", "\"surprise\":1,\"epoch\""), "surprise"),
        // SQS takes no control characters, in reasons neither.
        (changed("\"epoch\"", "\"bell\\u0007\":1,\"epoch\""), "bell"),
        (changed(&format!("{alpha}/us-east-1"), "999999999999/us-east-1"), "not in the plan"),
        (changed(&format!("{alpha}/us-east-1"), "999999999999/../../x"), "region"),
        (changed("org_portolan", "../org_portolan"), "organization"),
        (changed("org_portolan", "org_other"), "no run"),
    ];
    for (body, _) in &bad {
        world.organization.send_message(body, 0).await;
    }
    let other_epoch = changed("\"epoch\":1", "\"epoch\":9");
    world.organization.send_message(&other_epoch, 0).await;

    let report = world.pump().run().await;
    // One of a newer release may be understood after a deployment: it is given up only on the last receive.
    assert!(report.failures().iter().all(|delivery| delivery.body == bad[2].0), "{:#?}", report.failures());
    assert_eq!(report.failures().len(), 4);
    assert_eq!(report.deliveries_by_body().get(other_epoch.as_str()), Some(&1));
    let letters = dead_letters(&world).await;
    assert_eq!(letters.len(), bad.len(), "{letters:#?}");
    for (body, named) in &bad {
        let reason = letters.get(body).unwrap_or_else(|| panic!("{body} is no dead letter"));
        assert!(reason.contains(named), "{reason} should name {named}");
        assert!(!reason.contains(|letter: char| letter.is_control()), "{reason:?}");
    }
    let keys = world.organization.state_keys("").await;
    assert!(keys.iter().all(|key| key.contains("/org_portolan/") && !key.contains("999999999999")), "{keys:#?}");
    assert_eq!(world.summary(&answer).await["outcome"], "completed");
    assert_settled(&world, &[&topic]).await;
}

#[tokio::test]
async fn a_malformed_event_is_refused_by_name_before_anything_is_called() {
    let world = small_world(&[TOPIC]).await;
    world.clear_calls().await;
    for (event, named) in [
        (json!({"mod": "full"}), "mod"),
        (json!({"mode": "partial"}), "partial"),
        (json!({"accounts": ["123"]}), "`123`"),
        (json!({"regions": ["Ireland"]}), "Ireland"),
        (json!({"kinds": ["s3-bucket"]}), "s3-bucket"),
        (json!({"force": "yes"}), "yes"),
        (json!({"removeUnknown": true, "accounts": ["111111111111"]}), "removeUnknown takes a whole run"),
        (json!({"confirm": "yesterday"}), "the id of a run"),
        (json!({"abort": true}), "abort"),
        (json!(["full"]), "full"),
        (json!({"accounts": account_numbers(10_001)}), "`accounts` has 10001 members; at most 10000"),
        (json!({"accounts": account_numbers(20_000)}), "at most 262144"),
    ] {
        let (error_type, message) = refusal(&world, event).await;
        assert_eq!(error_type, "MalformedEvent");
        assert!(message.contains(named), "{message} should name {named}");
    }
    assert_eq!(world.port.calls().len(), 0);
    assert_eq!(world.organization.calls().await.len(), 0);
    assert_no_trace(&world).await;
}

#[tokio::test]
async fn promise_1_an_unusable_mapping_starts_nothing() {
    let world = small_world(&[TOPIC]).await;
    let misspelt = json!({"resources": [{"kind": "sns-topic", "selector": {"query": "true"}, "port": {}}]});
    for (mapping, named) in [
        (json!("resources: []"), "object"),
        (json!({}), "no mapping"),
        (json!({"resources": []}), "no mapping"),
        (json!({"resources": {"kind": TOPIC}}), "resources"),
        (misspelt, "sns-topic"),
        (json!({"resources": [{}], "entityDeletionThreshold": 7}), "entityDeletionThreshold"),
        (json!({"resources": vec![json!({}); 1001]}), "1001 entries; at most 1000"),
        (json!({"resources": [{"kind": "x".repeat(1 << 20)}]}), "bytes; at most 1048576"),
    ] {
        world.set_mapping(mapping.clone());
        let (error_type, message) = refusal(&world, json!({})).await;
        assert_eq!(error_type, "Mapping", "{message}");
        assert!(message.contains(named), "{message} should name {named}");
        // What the user wrote is left as it is.
        assert_eq!(world.port.integration(IDENTIFIER).expect("the record")["config"], mapping);
    }
    assert_no_trace(&world).await;
}

#[tokio::test]
async fn a_malformed_mapping_is_not_replaced_by_the_default_one() {
    let world = World::create_empty(small_plan(), &[]).await;
    let config = json!("resources: []");
    world.port.put_integration(json!({
        "installationId": IDENTIFIER, "installationAppType": "aws-v3", "version": "0.1.0", "config": config,
    }));
    let (error_type, message) = refusal(&world, json!({})).await;
    assert_eq!(error_type, "Mapping", "{message}");
    assert_eq!(world.port.integration(IDENTIFIER).expect("the record")["config"], config);
    assert_no_trace(&world).await;
}

#[tokio::test]
async fn wrong_credentials_fail_at_once_and_never_reach_the_log() {
    let world = small_world(&[TOPIC]).await;
    let home = world.organization.place("integration", world.organization.home_region());
    let arn = world.organization.port_secret_arn();
    let put = async |secret: &str| {
        let order = json!({"SecretId": arn, "SecretString": secret});
        home.call("secretsmanager", "put_secret_value", order).await;
    };
    for wrong in ["hush-hush", r#"{"id": "hush-hush"}"#, r#"["hush-hush"]"#] {
        put(wrong).await;
        let (_, message) = refusal(&world, json!({})).await;
        assert!(message.contains(arn) && message.contains("clientSecret"), "{message}");
    }
    assert_eq!(world.port.calls().len(), 0);

    put(r#"{"id": "portolan-id", "clientSecret": "hush-hush"}"#).await;
    let (error_type, message) = refusal(&world, json!({})).await;
    assert_eq!(error_type, "Port");
    assert!(message.contains("credentials"), "{message}");
    assert_eq!(world.port.call_counts().into_iter().collect::<Vec<_>>(), [(TOKEN.to_owned(), 1)]);

    home.call("secretsmanager", "delete_secret", json!({"SecretId": arn, "ForceDeleteWithoutRecovery": true})).await;
    world.organization.clear_calls().await;
    let (_, message) = refusal(&world, json!({})).await;
    assert!(message.contains(arn) && message.contains("ResourceNotFoundException"), "{message}");
    assert_eq!(world.organization.call_counts().await.get("secretsmanager:GetSecretValue"), Some(&1));

    assert_no_trace(&world).await;
    let log = world.scheduler.log_lines().join("\n");
    assert!(!log.contains("hush-hush"), "{log}");
}

#[tokio::test]
async fn a_bad_environment_stops_both_functions_and_names_every_variable_without_secrets() {
    let external_id = "hush-hush".repeat(200);
    let settings = [
        ("OCEAN__PORT__BASE_URL", "http://portolan:hush-hush@proxy.example?key=hush-hush"),
        ("PORTOLAN_PORT_SECRET_ARN", "hush-hush"),
        ("OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID", &external_id),
        ("OCEAN__INITIALIZE_PORT_RESOURCES", "perhaps"),
        ("PORTOLAN_DEFAULT_RESOURCES", "some"),
        ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", "PortOceanReadRole"),
        ("OCEAN__INTEGRATION__CONFIG__OU_ID", "Workloads"),
        ("PORTOLAN_QUEUE_URL", ""),
        ("PORTOLAN_STATE_BUCKET", " "),
    ];
    let world = World::create_empty(small_plan(), &settings).await;
    let told = world.scheduler.invoke(json!({})).await.expect_err("no run starts").to_string();
    for (name, _) in settings {
        assert!(told.contains(name), "{told} should name {name}");
    }
    assert!(!told.contains("hush-hush"), "{told}");
    for function in [&world.scheduler, &world.worker] {
        function.invoke(json!({"Records": []})).await.expect_err("nothing is done");
        let line = function.wait_for_log_line("start failed", std::time::Duration::from_secs(10)).await;
        let line = line.expect("the log says why");
        for (name, _) in settings {
            assert!(line.contains(name), "{line} should name {name}");
        }
        let log = function.log_lines().join("\n");
        assert!(!log.contains("hush-hush"), "{log}");
    }
    // The process of the scheduler lives on: who looks at an alarm looks at the last lines.
    let log = world.scheduler.all_log_lines().await;
    assert_eq!(log.iter().filter(|line| line.contains("start failed")).count(), 1, "{log:#?}");
    let failures: Vec<_> = log.iter().filter(|line| line.contains("no run started or aborted")).collect();
    assert_eq!(failures.len(), 2, "one for each invocation: {log:#?}");
    for (name, _) in settings {
        assert!(failures.iter().all(|line| line.contains(name)), "{failures:?} should name {name}");
    }
    assert_eq!(world.port.calls().len(), 0);
}

#[tokio::test]
async fn variables_without_meaning_are_named_once_and_never_with_their_values() {
    let settings = [
        ("OCEAN__EVENT_LISTENER", r#"{"type":"hush-hush"}"#),
        ("OCEAN__INTEGRATION__SECRETS__AWS_SECRET_ACCESS_KEY", "hush-hush"),
        ("PORTOLAN_EXCLUDE_ACCOUNTS", "hush-hush"),
    ];
    let world = World::create_with(small_plan(), &settings).await;
    for _ in 0..2 {
        world.resync().await;
    }
    let log = world.scheduler.log_lines();
    let warnings: Vec<_> = log.iter().filter(|line| line.contains("settings ignored")).collect();
    let [warning] = warnings.as_slice() else { panic!("one warning is expected: {warnings:?}") };
    for (name, _) in settings {
        assert!(warning.contains(name), "{warning} should name {name}");
    }
    for advice in ["IncrementalSchedule", "static keys", "is PORTOLAN_EXCLUDED_ACCOUNTS meant?"] {
        assert!(warning.contains(advice), "{warning} should say {advice}");
    }
    assert!(!log.join("\n").contains("hush-hush"));
}

#[tokio::test]
async fn promise_1_a_record_of_the_hosted_runtime_is_refused() {
    let world = small_world(&[TOPIC]).await;
    let mut record = world.port.integration(IDENTIFIER).expect("the record");
    record["installationType"] = json!("SaasOAuth2");
    world.port.put_integration(record.clone());
    let (error_type, message) = refusal(&world, json!({})).await;
    assert_eq!(error_type, "Port");
    assert!(message.contains("SaasOAuth2") && message.contains(IDENTIFIER), "{message}");
    assert_eq!(world.port.integration(IDENTIFIER), Some(record));
    assert_no_trace(&world).await;
}

#[tokio::test]
async fn a_record_of_another_type_is_refused_before_it_is_changed() {
    let world = World::create_empty(small_plan(), &[]).await;
    let record = json!({"installationId": IDENTIFIER, "installationAppType": "gitlab", "version": "1.0.0",
        "changelogDestination": {}, "config": {"resources": []}});
    world.port.put_integration(record);
    let before = world.port.integration(IDENTIFIER);
    let (_, message) = refusal(&world, json!({})).await;
    assert!(message.contains("gitlab") && message.contains("OCEAN__INTEGRATION__TYPE"), "{message}");
    assert_eq!(world.port.integration(IDENTIFIER), before);
    assert!(world.port.blueprints().is_empty());
}

#[tokio::test]
async fn promise_5_one_run_at_a_time() {
    let world = small_world(&[TOPIC]).await;
    let event = json!({"scheduledTime": "2026-11-21T06:00:00Z"});
    let first = world.schedule(event.clone()).await.expect("a run starts");
    let messages = world.organization.aws().queue_counts(world.organization.queue()).await;

    let repeated = world.schedule(event.clone()).await.expect("the run that exists");
    assert_eq!(repeated["run"], first["run"]);
    let second = world.schedule(json!({})).await.expect("an answer");
    assert_eq!(second["outcome"], "refused");
    let reason = second["reason"].as_str().unwrap_or_default();
    assert!(reason.contains(first["run"].as_str().unwrap_or_default()) && reason.contains("force"), "{reason}");
    assert_eq!(world.organization.aws().queue_counts(world.organization.queue()).await, messages);

    world.pump().run().await;
    let late = world.schedule(event).await.expect("the run that was");
    assert_eq!((&late["run"], &late["outcome"]), (&first["run"], &json!("completed")));
}

#[tokio::test]
async fn promise_6_messages_of_a_superseded_run_have_no_effect() {
    let world = small_world(&[TOPIC]).await;
    let topic = world.organization.place("alpha", "us-east-1").create_topic("alerts", &[]).await;
    let first = world.schedule(json!({})).await.expect("a run starts");
    let second = world.schedule(json!({"force": true})).await.expect("it is superseded");
    assert_ne!(first["run"], second["run"]);
    let report = world.pump().run().await;
    assert_eq!((report.failures().len(), report.dead_letters.len()), (0, 0));
    assert_eq!(world.summary(&first).await["outcome"], "started");
    assert_eq!(world.summary(&second).await["outcome"], "completed");
    let keys = world.organization.state_keys("runs/").await;
    let of_first = format!("{}/done/", first["run"].as_str().unwrap_or_default());
    assert!(!keys.iter().any(|key| key.contains(&of_first)), "{keys:#?}");
    assert_eq!(current(&world).await["run"], second["run"]);
    assert_settled(&world, &[&topic]).await;
}
