//! Amazon SNS. Speaks XML: the SDK's types are projected, and attributes, which it answers as texts, are parsed.

use std::collections::HashMap;

use aws_sdk_sns::Client;
use serde_json::{Map, Value};

use super::attributes::add_attributes;
use super::fields::{Field, Form};
use super::projection::Members;
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const TAGS: &str = "GetTopicTagsAction";

pub const TOPIC: Kind = Kind {
    name: "AWS::SNS::Topic",
    scope: Scope::Regional,
    calls: "n/100 ListTopics (the service's page), n GetTopicAttributes",
    iam_actions: &["sns:ListTopics", "sns:GetTopicAttributes"],
    include_actions: &[IncludeAction {
        name: TAGS,
        calls: "n ListTagsForResource",
        iam_actions: &["sns:ListTagsForResource"],
    }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(topics(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("TopicArn", Form::Text),
    ("Owner", Form::Text),
    ("DisplayName", Form::Text),
    ("Policy", Form::Document),
    ("DeliveryPolicy", Form::Document),
    ("EffectiveDeliveryPolicy", Form::Document),
    ("SubscriptionsConfirmed", Form::Integer),
    ("SubscriptionsDeleted", Form::Integer),
    ("SubscriptionsPending", Form::Integer),
    ("SignatureVersion", Form::Text),
    ("TracingConfig", Form::Text),
    ("KmsMasterKeyId", Form::Text),
    ("FifoTopic", Form::Boolean),
    ("ContentBasedDeduplication", Form::Boolean),
    ("ArchivePolicy", Form::Document),
    ("BeginningArchiveTime", Form::Text),
    ("FifoThroughputScope", Form::Text),
    ("HTTPSuccessFeedbackRoleArn", Form::Text),
    ("HTTPSuccessFeedbackSampleRate", Form::Integer),
    ("HTTPFailureFeedbackRoleArn", Form::Text),
    ("FirehoseSuccessFeedbackRoleArn", Form::Text),
    ("FirehoseSuccessFeedbackSampleRate", Form::Integer),
    ("FirehoseFailureFeedbackRoleArn", Form::Text),
    ("LambdaSuccessFeedbackRoleArn", Form::Text),
    ("LambdaSuccessFeedbackSampleRate", Form::Integer),
    ("LambdaFailureFeedbackRoleArn", Form::Text),
    ("ApplicationSuccessFeedbackRoleArn", Form::Text),
    ("ApplicationSuccessFeedbackSampleRate", Form::Integer),
    ("ApplicationFailureFeedbackRoleArn", Form::Text),
    ("SQSSuccessFeedbackRoleArn", Form::Text),
    ("SQSSuccessFeedbackSampleRate", Form::Integer),
    ("SQSFailureFeedbackRoleArn", Form::Text),
    ("MaximumMessageSize", Form::Integer),
    ("Tags", Form::Objects),
];

async fn topics(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "sns:ListTopics";
    let client = reading.client(Client::new);
    let output = client.list_topics().set_next_token(cursor).send().await.map_err(ReadError::of(CALL))?;
    let mut arns = Vec::new();
    for topic in output.topics.unwrap_or_default() {
        let Some(arn) = topic.topic_arn else {
            return Err(ReadError::undecodable(CALL, "a topic has no `TopicArn`"));
        };
        arns.push(arn);
    }
    let read = reading.for_each(arns, |arn| read_topic(reading, &client, arn)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), output.next_token))
}

/// A topic with its attributes and tags; none when it was deleted in between.
async fn read_topic(reading: &Reading, client: &Client, arn: String) -> Option<Resource> {
    let properties = topic_properties(&arn, HashMap::new());
    let topic = with_attributes(client, Resource::new(arn, properties)).await?;
    if !reading.wants(TAGS) {
        return Some(topic);
    }
    Some(with_tags(client, topic).await)
}

async fn with_attributes(client: &Client, mut topic: Resource) -> Option<Resource> {
    let answer = client.get_topic_attributes().topic_arn(&topic.key).send().await;
    match answer.map_err(ReadError::of("sns:GetTopicAttributes")) {
        Ok(output) => {
            topic.properties = topic_properties(&topic.key, output.attributes.unwrap_or_default());
        }
        Err(error) if error.code() == "NotFound" => return None,
        Err(error) => topic.lacks("GetTopicAttributes", &error),
    }
    Some(topic)
}

async fn with_tags(client: &Client, mut topic: Resource) -> Resource {
    let answer = client.list_tags_for_resource().resource_arn(&topic.key).send().await;
    match answer.map_err(ReadError::of("sns:ListTagsForResource")) {
        Ok(output) => {
            let tags =
                output.tags.iter().flatten().map(|tag| Value::from(Members::tag(Some(&tag.key), Some(&tag.value))));
            topic.properties.insert("Tags".to_owned(), tags.collect());
        }
        Err(error) => topic.lacks_option(TAGS, &error),
    }
    topic
}

fn topic_properties(arn: &str, attributes: HashMap<String, String>) -> Map<String, Value> {
    let mut properties = Map::from_iter([("TopicArn".to_owned(), Value::from(arn))]);
    add_attributes(&mut properties, attributes, FIELDS);
    properties
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn topic_attributes_are_parsed_and_unknown_ones_are_kept() {
        let attributes = [
            ("Brand", "new"),
            ("Policy", "{\"Version\":\"2012-10-17\"}"),
            ("SubscriptionsConfirmed", "3"),
            ("SubscriptionsPending", ""),
            ("SignatureVersion", "2"),
            ("FifoTopic", "true"),
            ("DisplayName", ""),
            ("TopicArn", "arn:aws:sns:eu-west-1:123456789012:t.fifo"),
        ];
        let attributes = attributes.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let properties = topic_properties("arn:aws:sns:eu-west-1:123456789012:t.fifo", attributes);
        assert_eq!(
            Value::Object(properties).to_string(),
            json!({
                "TopicArn": "arn:aws:sns:eu-west-1:123456789012:t.fifo",
                "DisplayName": "",
                "Policy": "{\"Version\":\"2012-10-17\"}",
                "SubscriptionsConfirmed": 3,
                "SubscriptionsPending": "",
                "SignatureVersion": "2",
                "FifoTopic": true,
                "Brand": "new",
            })
            .to_string()
        );
    }
}
