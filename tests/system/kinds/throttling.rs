//! Services that take only so many calls: everything is read all the same, and few calls are refused.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use portolan::aws::KNOWN_QUOTAS;
use portolan::seams::Cloud;
use serde_json::{Value, json};

use super::contract::contracts;
use super::{Bench, REGION, all_options};

const QUEUE: &str = "AWS::SQS::Queue";
const ACCOUNT: &str = "AWS::Organizations::Account";
const QUEUES: usize = 60;

/// As in the functions, but for waits that are shorter.
fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(5).with_initial_backoff(Duration::from_millis(50))
}

/// How many calls were refused as too many since the last time.
async fn take_refused(bench: &Bench) -> usize {
    let calls = bench.organization.calls().await;
    bench.organization.clear_calls().await;
    calls.iter().filter(|call| call.error_code.as_deref() == Some("ThrottlingException")).count()
}

/// Reads a kind from a service that refuses what goes beyond.
async fn read_beyond(bench: &Bench, kind: &str, service: &str, beyond: Value) -> usize {
    let throttled = json!({"status": 400, "code": "ThrottlingException"});
    bench.order_fault(kind, json!({"service": service, "beyond": beyond, "effect": throttled})).await;
    // Long enough for calls to be in flight together.
    bench.order_fault(kind, json!({"service": service, "effect": {"delay_ms": 20}})).await;
    let resources = bench.read(kind, &all_options(kind)).await;
    bench.organization.clear_faults().await;
    for (key, resource) in &resources {
        assert_eq!(resource.incomplete, [], "{key}");
    }
    resources.len()
}

#[tokio::test]
async fn promise_2_a_service_that_bears_few_calls_at_once_is_read_completely() {
    for most in [1, 3] {
        let bench = bench_with_queues().await;
        let resources = read_beyond(&bench, QUEUE, "sqs", json!({"in_flight": most})).await;
        assert_eq!(resources, QUEUES, "{most} in flight");
        let refused = take_refused(&bench).await;
        assert!(refused > 0 && refused <= QUEUES / 3, "{most} in flight: {refused} calls were refused");
    }
}

#[tokio::test]
async fn a_service_that_bears_few_calls_in_a_time_is_read_completely() {
    let bench = bench_with_queues().await;
    let resources = read_beyond(&bench, QUEUE, "sqs", json!({"calls": 4, "ms": 100})).await;
    assert_eq!(resources, QUEUES);
    let refused = take_refused(&bench).await;
    // On a slow machine there may be none.
    assert!(refused <= QUEUES / 3, "{refused} calls were refused");
}

#[tokio::test]
async fn the_organization_is_asked_one_thing_after_the_other() {
    let bench = Bench::create_patient(retries(), KNOWN_QUOTAS).await;
    assert_eq!(read_beyond(&bench, ACCOUNT, "organizations", json!({"in_flight": 1})).await, 3);
    assert_eq!(take_refused(&bench).await, 0);
}

/// What is behind a page that comes again would look as if it were gone.
#[tokio::test]
async fn promise_1_a_listing_that_goes_in_circles_is_an_error() {
    for contract in contracts() {
        let (kind, Some(page)) = (contract.kind, contract.page) else { continue };
        let bench = Bench::create().await;
        (contract.seed)(&bench, &["first"]).await;
        let key = bench.read(kind, &[]).await.into_keys().next().expect("one");
        // What was read for it is not read again while a target lasts.
        bench.reader.enter(&bench.plan, &bench.target_of(kind)).await.expect("the role is there");
        for _ in 0..2 {
            bench.answer_once(kind, contract.service, contract.listing, "", &page(&key, "again")).await;
        }
        let first = bench.page(kind, &[], None).await;
        let again = match first {
            Ok(first) => bench.page(kind, &[], first.next).await,
            Err(error) => Err(error),
        };
        let error = again.err().unwrap_or_else(|| panic!("{kind}: the same page came twice")).to_string();
        assert!(error.contains("the token of a page that was listed already"), "{kind}: {error}");
    }
}

async fn bench_with_queues() -> Bench {
    let bench = Bench::create_patient(retries(), &[]).await;
    for number in 0..QUEUES {
        bench.alpha_in(REGION).create_queue(&format!("queue-{number}"), &[]).await;
    }
    bench
}
