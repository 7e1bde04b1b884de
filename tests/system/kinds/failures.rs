//! Calls that fail in ways that no one service has to itself.

use portolan::kinds::ReadError;
use serde_json::json;

use super::Bench;

#[tokio::test]
async fn a_region_that_is_not_for_the_account_is_told_apart() {
    let bench = Bench::create().await;
    let kind = "AWS::EC2::Instance";
    bench.fault(kind, "ec2", "DescribeInstances", json!({"status": 401, "code": "OptInRequired"})).await;
    let error = bench.page(kind, &[], None).await.expect_err("the region is not enabled");
    assert!(matches!(error, ReadError::NotHere(_)), "{error:?}");
}

#[tokio::test]
async fn a_broken_connection_is_a_failure_with_its_cause() {
    let bench = Bench::create().await;
    let kind = "AWS::SNS::Topic";
    bench.fault(kind, "sns", "ListTopics", json!("reset")).await;
    let error = bench.page(kind, &[], None).await.expect_err("there is no answer");
    assert!(matches!(error, ReadError::Failed(_)), "{error:?}");
    let words = error.to_string();
    assert!(words.starts_with("failed: sns:ListTopics gave no answer ("), "{words}");
    assert!(words.contains("reset") || words.contains("closed"), "{words}");
}
