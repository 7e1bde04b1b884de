//! The function host and the pump, with a function made for it.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use super::small_organization;
use crate::support::aws::{Organization, python};
use crate::support::lambda::{Function, InvocationFailure, Pump, PumpEnd};

const TIMEOUT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_function_answers_fails_and_is_kept_between_invocations() {
    let function = start(TIMEOUT, 1, &[]).await;
    let first = function.invoke(json!({"do": "work"})).await.expect("it works");
    let failed = function.invoke(json!({"do": "fail"})).await;
    let failure = InvocationFailure::Failed { error_type: "TestError".to_owned(), message: "as ordered".to_owned() };
    assert_eq!(failed, Err(failure));
    let second = function.invoke(json!({"do": "work"})).await.expect("it works");
    assert_eq!(first["process"], second["process"]);
    let line = function.wait_for_log_line("asked to fail", TIMEOUT).await;
    assert_eq!(line.as_deref(), Some("asked to fail"));
}

#[tokio::test]
async fn a_function_sees_what_lambda_shows_it_and_nothing_else() {
    let function = start(TIMEOUT, 1, &[("AWS_REGION", "eu-west-1"), ("SETTING", "value")]).await;
    let environment = function.invoke(json!({"do": "show environment"})).await.expect("it works");
    assert_eq!(environment["SETTING"], "value");
    assert_eq!(environment["AWS_REGION"], "eu-west-1");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "tested");
    assert_eq!(environment["AWS_LAMBDA_LOG_GROUP_NAME"], "/aws/lambda/tested");
    assert_eq!(environment.get("CARGO_MANIFEST_DIR"), None);
    assert_eq!(environment.get("HOME"), None);

    let headers = function.invoke(json!({"do": "show headers"})).await.expect("it works");
    let header = |name: &str| {
        let headers = headers.as_object().expect("headers by name");
        let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.and_then(|(_, value)| value.as_str()).expect("Lambda sends it").to_owned()
    };
    let deadline: u64 = header("Lambda-Runtime-Deadline-Ms").parse().expect("a number");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let remaining = Duration::from_millis(deadline) - now;
    assert!(remaining > TIMEOUT / 2 && remaining <= TIMEOUT, "{remaining:?}");
    let function_arn = "arn:aws:lambda:eu-west-1:000000000000:function:tested";
    assert_eq!(header("Lambda-Runtime-Invoked-Function-Arn"), function_arn);
    assert!(header("Lambda-Runtime-Trace-Id").starts_with("Root=1-"));
}

#[tokio::test]
async fn processes_that_die_or_hang_are_replaced() {
    let function = start(Duration::from_secs(1), 1, &[]).await;
    let work = json!({"do": "work"});
    let first = function.invoke(work.clone()).await.expect("it works");
    let died = function.invoke(json!({"do": "die"})).await;
    assert_eq!(died, Err(InvocationFailure::ProcessDied));
    let second = function.invoke(work.clone()).await.expect("it works again");
    assert_ne!(first["process"], second["process"]);
    let hung = function.invoke(json!({"do": "hang"})).await;
    assert_eq!(hung, Err(InvocationFailure::TimedOut));
    function.invoke(work).await.expect("it works again");

    let broken = start(TIMEOUT, 1, &[("FAIL_TO_START", "yes")]).await;
    let failed = broken.invoke(json!({"do": "work"})).await;
    assert_eq!(failed, Err(InvocationFailure::ProcessDied));
}

#[tokio::test]
async fn killing_a_function_fails_what_runs_and_no_more() {
    let function = start(TIMEOUT, 2, &[]).await;
    let hang = function.invoke(json!({"do": "hang"}));
    let kill = async {
        function.wait_for_log_line("asked to hang", TIMEOUT).await.expect("it hangs");
        function.kill().await;
    };
    let (hung, ()) = tokio::join!(hang, kill);
    assert_eq!(hung, Err(InvocationFailure::ProcessDied));
    function.invoke(json!({"do": "work"})).await.expect("it works again");
}

#[tokio::test]
async fn a_dropped_function_leaves_no_process() {
    let function = start(TIMEOUT, 1, &[]).await;
    let answer = function.invoke(json!({"do": "work"})).await.expect("it works");
    let process = format!("/proc/{}/cmdline", answer["process"]);
    assert!(is_alive(&process));
    drop(function);
    let gone = async {
        while is_alive(&process) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, gone).await.expect("it is killed");
}

#[tokio::test]
async fn the_pump_hands_over_events_and_deletes_what_succeeded() {
    let organization = small_organization().await;
    let function = start(TIMEOUT, 2, &[]).await;
    send(&organization, json!({"do": "show event"}), 0).await;
    send(&organization, json!({"do": "work"}), 900).await;
    send(&organization, json!({"do": "refuse", "times": 2}), 0).await;
    let start = Instant::now();
    let report = pump(&organization, &function).concurrency(2).run().await;
    assert!(start.elapsed() < TIMEOUT, "delays cost no time");
    assert_eq!(report.end, PumpEnd::QueueEmpty);
    assert_eq!(report.invocations(), 5);
    assert_eq!(report.failures().len(), 2);
    assert_eq!(report.deliveries_by_body()[r#"{"do":"refuse","times":2}"#], 3);
    assert!(report.dead_letters.is_empty());

    let is_shown = |body: &str| body == r#"{"do":"show event"}"#;
    let shown = report.deliveries.iter().find(|delivery| is_shown(&delivery.body));
    let event = shown.expect("it was delivered").outcome.as_ref().expect("it works");
    let record = &event["Records"][0];
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["eventSourceARN"], organization.queue().arn());
    assert_eq!(record["awsRegion"], "us-east-1");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    assert!(record["attributes"]["SentTimestamp"].is_string());
    assert!(record["md5OfBody"].is_string());
    let parsed: aws_lambda_events::event::sqs::SqsEvent =
        serde_json::from_value(event.clone()).expect("it is an SQS event");
    assert_eq!(parsed.records.len(), 1);
    assert!(organization.call_counts().await.is_empty(), "the pump leaves no trace in the call log");
}

#[tokio::test]
async fn the_pump_leaves_failed_messages_until_they_are_dead() {
    let organization = small_organization().await;
    let function = start(Duration::from_millis(300), 3, &[]).await;
    for order in ["fail", "die", "hang"] {
        send(&organization, json!({"do": order}), 0).await;
    }
    let report = pump(&organization, &function).concurrency(3).run().await;
    assert_eq!(report.end, PumpEnd::QueueEmpty);
    assert_eq!(report.invocations(), 9);
    let mut dead_letters = report.dead_letters.clone();
    dead_letters.sort_unstable();
    assert_eq!(dead_letters, [r#"{"do":"die"}"#, r#"{"do":"fail"}"#, r#"{"do":"hang"}"#]);
}

#[tokio::test]
async fn the_pump_stops_on_demand_and_at_its_limit() {
    let organization = small_organization().await;
    let function = start(TIMEOUT, 1, &[]).await;
    for _ in 0..4 {
        send(&organization, json!({"do": "work"}), 0).await;
    }
    let report = pump(&organization, &function).until(|report| report.invocations() == 2).run().await;
    assert_eq!(report.end, PumpEnd::ConditionHeld);
    assert_eq!(report.invocations(), 2);

    send(&organization, json!({"do": "hang"}), 0).await;
    let report = pump(&organization, &function).limit(Duration::from_secs(2)).run().await;
    assert_eq!(report.end, PumpEnd::LimitReached);
    assert_eq!(report.invocations(), 2);
}

async fn start(timeout: Duration, processes: usize, environment: &[(&str, &str)]) -> Function {
    let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/lambda/function_for_tests.py");
    let python = python();
    let python_directory = python.parent().expect("python is in a directory").display();
    let mut variables = vec![("PATH".to_owned(), format!("{python_directory}:/usr/bin:/bin"))];
    variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Function::start("tested", &binary, &variables, timeout, processes).await
}

async fn send(organization: &Organization<'_>, order: Value, delay_seconds: u32) {
    organization.send_message(&order.to_string(), delay_seconds).await;
}

fn pump<'a>(organization: &'a Organization<'static>, function: &'a Function) -> Pump<'a> {
    Pump::new(organization.aws(), organization.queue(), organization.dead_letter_queue(), function)
}

/// Whether a process runs: one that ended but is not yet waited for has no command line.
fn is_alive(command_line: &str) -> bool {
    std::fs::read(command_line).is_ok_and(|content| !content.is_empty())
}
