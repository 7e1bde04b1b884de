//! Amazon SQS. Speaks JSON, but answers attributes as texts: they are parsed.

use std::collections::HashMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Map, Value};

use super::attributes::{add_attributes, sorted_texts};
use super::fields::{Field, Form};
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const TAGS: &str = "ListQueueTagsAction";

/// Queues of one listing call. Without a size SQS answers the first thousand and gives no token for the rest.
const PAGE_SIZE: i32 = 1000;

pub const QUEUE: Kind = Kind {
    name: "AWS::SQS::Queue",
    scope: Scope::Regional,
    calls: "n/1000 ListQueues, n GetQueueAttributes",
    iam_actions: &["sqs:ListQueues", "sqs:GetQueueAttributes"],
    include_actions: &[IncludeAction { name: TAGS, calls: "n ListQueueTags", iam_actions: &["sqs:ListQueueTags"] }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(queues(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("QueueName", Form::Text),
    ("QueueUrl", Form::Text),
    ("QueueArn", Form::Text),
    ("ApproximateNumberOfMessages", Form::Integer),
    ("ApproximateNumberOfMessagesNotVisible", Form::Integer),
    ("ApproximateNumberOfMessagesDelayed", Form::Integer),
    ("CreatedTimestamp", Form::Text),
    ("LastModifiedTimestamp", Form::Text),
    ("VisibilityTimeout", Form::Integer),
    ("MaximumMessageSize", Form::Integer),
    ("MessageRetentionPeriod", Form::Integer),
    ("DelaySeconds", Form::Integer),
    ("ReceiveMessageWaitTimeSeconds", Form::Integer),
    ("Policy", Form::Document),
    ("RedrivePolicy", Form::Document),
    ("RedriveAllowPolicy", Form::Document),
    ("KmsMasterKeyId", Form::Text),
    ("KmsDataKeyReusePeriodSeconds", Form::Integer),
    ("SqsManagedSseEnabled", Form::Boolean),
    ("FifoQueue", Form::Boolean),
    ("ContentBasedDeduplication", Form::Boolean),
    ("DeduplicationScope", Form::Text),
    ("FifoThroughputLimit", Form::Text),
    ("Tags", Form::Object),
];

async fn queues(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let call = client.list_queues().max_results(PAGE_SIZE).set_next_token(cursor);
    let output = call.send().await.map_err(ReadError::of("sqs:ListQueues"))?;
    let urls = output.queue_urls.unwrap_or_default();
    let read = reading.for_each(urls, |url| read_queue(reading, &client, url)).await;
    Ok(Page::new(read, output.next_token))
}

/// A queue with its attributes and tags.
///
/// SQS developer guide, "Troubleshoot Amazon SQS API errors": that a queue does not exist is also what SQS says to those
/// who may not see it. So whether it is gone, only the next listing tells.
async fn read_queue(reading: &Reading, client: &Client, url: String) -> Resource {
    let properties = queue_properties(&url, HashMap::new());
    let mut queue = Resource::new(url, properties);
    add_attributes_of(client, &mut queue).await;
    if reading.wants(TAGS) {
        add_tags(client, &mut queue).await;
    }
    queue
}

async fn add_attributes_of(client: &Client, queue: &mut Resource) {
    let call = client.get_queue_attributes().queue_url(&queue.key);
    let answer = call.attribute_names(QueueAttributeName::All).send().await;
    match answer.map_err(ReadError::of("sqs:GetQueueAttributes")) {
        Ok(output) => {
            let attributes = output.attributes.unwrap_or_default().into_iter();
            let attributes = attributes.map(|(name, text)| (name.as_str().to_owned(), text));
            queue.properties = queue_properties(&queue.key, attributes.collect());
        }
        Err(error) => queue.lacks("GetQueueAttributes", &error),
    }
}

async fn add_tags(client: &Client, queue: &mut Resource) {
    let answer = client.list_queue_tags().queue_url(&queue.key).send().await;
    match answer.map_err(ReadError::of("sqs:ListQueueTags")) {
        Ok(output) => {
            let tags = sorted_texts(output.tags.unwrap_or_default());
            queue.properties.insert("Tags".to_owned(), Value::Object(tags));
        }
        Err(error) => queue.lacks_option(TAGS, &error),
    }
}

fn queue_properties(url: &str, attributes: HashMap<String, String>) -> Map<String, Value> {
    let mut properties = Map::new();
    if let Some((_, name)) = url.rsplit_once('/') {
        properties.insert("QueueName".to_owned(), Value::from(name));
    }
    properties.insert("QueueUrl".to_owned(), Value::from(url));
    add_attributes(&mut properties, attributes, FIELDS);
    properties
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queue_attributes_are_parsed_and_unknown_ones_are_kept() {
        let attributes = [
            ("Brand", "new"),
            ("SqsManagedSseEnabled", "false"),
            ("FifoQueue", "true"),
            ("RedrivePolicy", "{\"maxReceiveCount\":5}"),
            ("VisibilityTimeout", "30"),
            ("DelaySeconds", ""),
            ("CreatedTimestamp", "1704164645"),
            ("QueueArn", "arn:aws:sqs:eu-west-1:123456789012:q.fifo"),
        ];
        let attributes = attributes.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/q.fifo";
        assert_eq!(
            Value::Object(queue_properties(url, attributes)).to_string(),
            json!({
                "QueueName": "q.fifo",
                "QueueUrl": url,
                "QueueArn": "arn:aws:sqs:eu-west-1:123456789012:q.fifo",
                "CreatedTimestamp": "1704164645",
                "VisibilityTimeout": 30,
                "DelaySeconds": "",
                "RedrivePolicy": "{\"maxReceiveCount\":5}",
                "SqsManagedSseEnabled": false,
                "FifoQueue": true,
                "Brand": "new",
            })
            .to_string()
        );
    }
}
