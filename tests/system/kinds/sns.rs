//! Amazon SNS.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_shape};

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::SNS::Topic",
    service: "sns",
    listing: "ListTopics",
    denied: (403, "AuthorizationError"),
    throttled: (400, "Throttling"),
    seed: |bench, names| Box::pin(create_topics(bench, names)),
    page: Some(topic_page),
    calls: &[("sns:ListTopics", 1), ("sns:GetTopicAttributes", 3)],
    calls_of_options: &[("sns:ListTagsForResource", 3)],
    enrichments: &[
        Enrichment {
            service: "sns",
            operation: "GetTopicAttributes",
            name: "GetTopicAttributes",
            is_option: false,
            not_found: NotFound::IsGone((404, "NotFound")),
        },
        Enrichment {
            service: "sns",
            operation: "ListTagsForResource",
            name: "GetTopicTagsAction",
            is_option: true,
            not_found: NotFound::DecidesNothing((404, "ResourceNotFound")),
        },
    ],
}];

async fn create_topics(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).create_topic(name, &[]).await;
    }
}

fn topic_page(arn: &str, token: &str) -> String {
    format!(
        r#"<ListTopicsResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListTopicsResult><Topics><member>
        <TopicArn>{arn}</TopicArn></member></Topics><NextToken>{token}</NextToken></ListTopicsResult></ListTopicsResponse>"#
    )
}

#[tokio::test]
async fn topics_with_parsed_attributes() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let order = json!({
        "Name": "alerts.fifo",
        "Attributes": {"FifoTopic": "true", "KmsMasterKeyId": "alias/aws/sns"},
        "Tags": [{"Key": "team", "Value": "sea"}],
    });
    place.call("sns", "create_topic", order).await;
    let kind = "AWS::SNS::Topic";
    let arn = format!("arn:aws:sns:{REGION}:{}:alerts.fifo", bench.alpha());
    let plain = json!({
        "TopicArn": arn,
        "Owner": bench.alpha(),
        "DisplayName": "",
        "Policy": "<text>",
        "DeliveryPolicy": "",
        "EffectiveDeliveryPolicy": "<text>",
        "SubscriptionsConfirmed": 0,
        "SubscriptionsDeleted": 0,
        "SubscriptionsPending": 0,
        "KmsMasterKeyId": "alias/aws/sns",
        "FifoTopic": true,
        "ContentBasedDeduplication": false,
    });
    let topic = bench.read_one(kind, &[]).await;
    assert_eq!(topic.key, arn);
    assert_shape(&Value::Object(topic.properties), &plain);

    let mut with_tags = plain;
    with_tags["Tags"] = json!([{"Key": "team", "Value": "sea"}]);
    let topic = bench.read_one(kind, &all_options(kind)).await;
    assert_shape(&Value::Object(topic.properties), &with_tags);
    assert_eq!(topic.context, Map::new());
}
