//! Amazon SQS.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_shape};

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::SQS::Queue",
    service: "sqs",
    listing: "ListQueues",
    denied: (403, "AccessDenied"),
    throttled: (403, "RequestThrottled"),
    seed: |bench, names| Box::pin(create_queues(bench, names)),
    page: Some(queue_page),
    calls: &[("sqs:ListQueues", 1), ("sqs:GetQueueAttributes", 3)],
    calls_of_options: &[("sqs:ListQueueTags", 3)],
    enrichments: &[
        Enrichment {
            service: "sqs",
            operation: "GetQueueAttributes",
            name: "GetQueueAttributes",
            is_option: false,
            not_found: NotFound::DecidesNothing((400, "AWS.SimpleQueueService.NonExistentQueue")),
        },
        Enrichment {
            service: "sqs",
            operation: "ListQueueTags",
            name: "ListQueueTagsAction",
            is_option: true,
            not_found: NotFound::DecidesNothing((400, "QueueDoesNotExist")),
        },
    ],
}];

async fn create_queues(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).create_queue(name, &[]).await;
    }
}

fn queue_page(url: &str, token: &str) -> String {
    json!({"QueueUrls": [url], "NextToken": token}).to_string()
}

#[tokio::test]
async fn queues_with_parsed_attributes() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let attributes = json!({"FifoQueue": "true", "VisibilityTimeout": "45", "KmsMasterKeyId": "alias/jobs"});
    place.call("sqs", "create_queue", json!({"QueueName": "jobs.fifo", "Attributes": attributes})).await;
    let kind = "AWS::SQS::Queue";
    let queue = bench.read_one(kind, &[]).await;
    let url = queue.key.clone();
    let plain = json!({
        "QueueName": "jobs.fifo",
        "QueueUrl": url,
        "QueueArn": format!("arn:aws:sqs:{REGION}:{}:jobs.fifo", bench.alpha()),
        "ApproximateNumberOfMessages": 0,
        "ApproximateNumberOfMessagesNotVisible": 0,
        "ApproximateNumberOfMessagesDelayed": 0,
        "CreatedTimestamp": "<text>",
        "LastModifiedTimestamp": "<text>",
        "VisibilityTimeout": 45,
        "MaximumMessageSize": 1_048_576,
        "MessageRetentionPeriod": 345_600,
        "DelaySeconds": 0,
        "ReceiveMessageWaitTimeSeconds": 0,
        "KmsMasterKeyId": "alias/jobs",
        "KmsDataKeyReusePeriodSeconds": 300,
        "SqsManagedSseEnabled": true,
        "FifoQueue": true,
        "ContentBasedDeduplication": false,
        "DeduplicationScope": "queue",
        "FifoThroughputLimit": "perQueue",
    });
    assert_shape(&Value::Object(queue.properties), &plain);

    // Without a tag, the answer is an empty object: that the queue has none is known.
    let mut with_tags = plain;
    with_tags["Tags"] = json!({});
    let options = all_options(kind);
    assert_shape(&Value::Object(bench.read_one(kind, &options).await.properties), &with_tags);
    place.call("sqs", "tag_queue", json!({"QueueUrl": url, "Tags": {"team": "sea", "cost": "42"}})).await;
    with_tags["Tags"] = json!({"team": "sea", "cost": "42"});
    let queue = bench.read_one(kind, &options).await;
    assert_shape(&Value::Object(queue.properties), &with_tags);
    assert_eq!(queue.context, Map::new());
}
