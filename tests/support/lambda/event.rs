//! SQS messages in the form in which Lambda hands them to a function, and the answer.

use serde_json::{Map, Value, json};

use crate::support::aws::Queue;

/// The event for one message, which is given as boto3 received it.
pub(super) fn sqs_event(queue: &Queue, message: &Value) -> Value {
    let attributes = message["MessageAttributes"].as_object();
    let attributes: Map<String, Value> = attributes
        .into_iter()
        .flatten()
        .map(|(name, attribute)| (name.clone(), message_attribute(attribute)))
        .collect();
    json!({"Records": [{
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": attributes,
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn(),
        "awsRegion": queue.region,
    }]})
}

/// Whether the answer of a function lets Lambda delete the only message of the event. Any entry among the failures
/// keeps it: it names this message, or one that Lambda does not know, and then the whole event counts as failed.
pub(super) fn is_success(answer: &Value) -> bool {
    let failures = &answer["batchItemFailures"];
    failures.is_null() || failures.as_array().is_some_and(Vec::is_empty)
}

fn message_attribute(attribute: &Value) -> Value {
    let mut converted = json!({
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": attribute["DataType"],
    });
    if let Some(text) = attribute["StringValue"].as_str() {
        converted["stringValue"] = json!(text);
    }
    if let Some(bytes) = attribute["BinaryValue"]["$base64"].as_str() {
        converted["binaryValue"] = json!(bytes);
    }
    converted
}
