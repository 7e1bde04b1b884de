//! Faults arrive as the SDK expects them from each service.

use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_s3::error::SdkError;
use serde_json::{Value, json};

use super::{error_code, small_organization, without_retries};
use crate::support::aws::{Aws, Organization};

#[tokio::test]
async fn error_codes_arrive_in_every_protocol() {
    let organization = small_organization().await;
    let config = without_retries(&organization.sdk_config());
    let effect = json!({"status": 400, "code": "OrderedFault", "message": "as ordered <&>"});
    order(&organization, json!({"effect": effect})).await;

    let json_1_1 = aws_sdk_ecs::Client::new(&config).list_clusters().send().await;
    assert_eq!(error_code!(json_1_1), "OrderedFault");
    let json_1_0 = aws_sdk_sqs::Client::new(&config).list_queues().send().await;
    assert_eq!(error_code!(json_1_0), "OrderedFault");
    let query = aws_sdk_sns::Client::new(&config).list_topics().send().await;
    assert_eq!(error_code!(query), "OrderedFault");
    let ec2 = aws_sdk_ec2::Client::new(&config).describe_instances().send().await;
    assert_eq!(error_code!(ec2), "OrderedFault");
    let rest_json = aws_sdk_lambda::Client::new(&config).list_functions().send().await;
    assert_eq!(error_code!(rest_json), "OrderedFault");
    let regions = aws_sdk_account::Client::new(&config).list_regions().send().await;
    assert_eq!(error_code!(regions), "OrderedFault");
    let rest_xml = aws_sdk_s3::Client::new(&config).list_buckets().send().await;
    let rest_xml = rest_xml.expect_err("the fault is ordered").into_service_error();
    assert_eq!(rest_xml.meta().code(), Some("OrderedFault"));
    assert_eq!(rest_xml.meta().message(), Some("as ordered <&>"));

    let calls = organization.calls().await;
    assert_eq!(calls.len(), 7);
    assert!(calls.iter().all(|call| call.status == Some(400)));
    assert!(calls.iter().all(|call| call.error_code.as_deref() == Some("OrderedFault")));

    organization.clear_faults().await;
    aws_sdk_ecs::Client::new(&config).list_clusters().send().await.expect("no fault is left");
}

#[tokio::test]
async fn modeled_errors_are_recognized() {
    let organization = small_organization().await;
    let config = without_retries(&organization.sdk_config());
    let effect = json!({"status": 400, "code": "AWS.SimpleQueueService.NonExistentQueue"});
    order(&organization, json!({"service": "sqs", "effect": effect})).await;
    let sent = aws_sdk_sqs::Client::new(&config)
        .send_message()
        .queue_url(&organization.queue().url)
        .message_body("lost")
        .send()
        .await;
    let error = sent.expect_err("the fault is ordered").into_service_error();
    assert_eq!(error.meta().code(), Some("AWS.SimpleQueueService.NonExistentQueue"));

    let effect = json!({"status": 404, "code": "NoSuchKey"});
    order(&organization, json!({"service": "s3", "operation": "GetObject", "effect": effect})).await;
    let read =
        aws_sdk_s3::Client::new(&config).get_object().bucket(organization.state_bucket()).key("any").send().await;
    assert!(read.expect_err("the fault is ordered").into_service_error().is_no_such_key());
}

#[tokio::test]
async fn faults_hit_only_what_they_name_and_so_often() {
    let organization = small_organization().await;
    let config = without_retries(&organization.sdk_config());
    let effect = json!({"status": 503, "code": "SlowDown"});
    let fault =
        json!({"service": "s3", "operation": "PutObject", "resource": "state/first", "times": 1, "effect": effect});
    order(&organization, fault).await;

    put(&config, &organization, "state/second").await.expect("another key");
    let slowed = put(&config, &organization, "state/first").await;
    assert_eq!(error_code!(slowed), "SlowDown");
    put(&config, &organization, "state/first").await.expect("once only");

    let fault = json!({"region": "eu-west-1", "effect": effect});
    order(&organization, fault).await;
    put(&config, &organization, "state/first").await.expect("another region");
}

#[tokio::test]
async fn calls_can_stay_without_an_answer() {
    let organization = small_organization().await;
    let config = without_retries(&organization.sdk_config());
    order(&organization, json!({"operation": "PutObject", "times": 1, "effect": "reset"})).await;
    let reset = put(&config, &organization, "reset").await;
    assert!(matches!(reset, Err(SdkError::DispatchFailure(_))), "{reset:?}");
    assert_eq!(organization.read_state("reset").await, None);

    order(&organization, json!({"operation": "PutObject", "times": 1, "effect": "answer_lost"})).await;
    let lost = put(&config, &organization, "lost").await;
    assert!(matches!(lost, Err(SdkError::DispatchFailure(_))), "{lost:?}");
    assert!(organization.read_state("lost").await.is_some());

    let short = aws_config::timeout::TimeoutConfig::builder().operation_timeout(Duration::from_millis(200));
    let hasty = config.to_builder().timeout_config(short.build()).build();
    order(&organization, json!({"operation": "PutObject", "times": 1, "effect": "timeout"})).await;
    let silent = put(&hasty, &organization, "silent").await;
    assert!(matches!(silent, Err(SdkError::TimeoutError(_))), "{silent:?}");

    order(&organization, json!({"operation": "PutObject", "times": 1, "effect": {"delay_ms": 300}})).await;
    let start = Instant::now();
    put(&config, &organization, "late").await.expect("late is not never");
    assert!(start.elapsed() >= Duration::from_millis(300));
}

async fn order(organization: &Organization<'_>, mut fault: Value) {
    fault["account"] = json!(organization.integration_account());
    Aws::shared().await.fault(fault).await;
}

async fn put(
    config: &SdkConfig,
    organization: &Organization<'_>,
    key: &str,
) -> Result<
    aws_sdk_s3::operation::put_object::PutObjectOutput,
    SdkError<aws_sdk_s3::operation::put_object::PutObjectError>,
> {
    aws_sdk_s3::Client::new(config)
        .put_object()
        .bucket(organization.state_bucket())
        .key(key)
        .body(b"content".to_vec().into())
        .send()
        .await
}
