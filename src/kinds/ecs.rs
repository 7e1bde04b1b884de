//! Amazon ECS. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

use std::collections::HashMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{ClusterField, Failure as ClusterFailure};
use serde_json::{Map, Value};

use super::fields::{Field, Form};
use super::json::{ResponseBody, with_pascal_case_names};
use super::{Failure, Kind, Page, ReadError, Reading, Resource, Scope};

const DESCRIBE_CLUSTERS: &str = "ecs:DescribeClusters";

/// Clusters that one call describes, which is also the service's own page of the listing.
const CLUSTERS_PER_CALL: usize = 100;

pub const CLUSTER: Kind = Kind {
    name: "AWS::ECS::Cluster",
    scope: Scope::Regional,
    calls: "n/100 ListClusters (the service's page), n/100 DescribeClusters",
    iam_actions: &["ecs:ListClusters", "ecs:DescribeClusters"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    list: |reading, cursor| Box::pin(clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ClusterName", Form::Text),
    ("CapacityProviders", Form::Texts),
    ("ClusterSettings", Form::Objects),
    ("Configuration", Form::Object),
    ("DefaultCapacityProviderStrategy", Form::Objects),
    ("ServiceConnectDefaults", Form::Object),
    ("Tags", Form::Objects),
    ("Attachments", Form::Objects),
    ("AttachmentsStatus", Form::Text),
    ("Statistics", Form::Objects),
    ("Status", Form::Text),
    ("RunningTasksCount", Form::Integer),
    ("ActiveServicesCount", Form::Integer),
    ("PendingTasksCount", Form::Integer),
    ("RegisteredContainerInstancesCount", Form::Integer),
    ("ClusterArn", Form::Text),
];

async fn clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let listed = list_cluster_arns(&client, cursor).await?;
    // No cluster, no call: ECS takes an empty list for the default cluster.
    let groups = listed.arns.chunks(CLUSTERS_PER_CALL).map(<[String]>::to_vec);
    let read = reading.for_each(groups, |arns| describe_clusters(&client, arns)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), listed.next))
}

/// A page of the clusters' listing, on which the kinds within clusters build too.
struct ClusterArns {
    arns: Vec<String>,
    next: Option<String>,
}

async fn list_cluster_arns(client: &Client, cursor: Option<String>) -> Result<ClusterArns, ReadError> {
    let answer = client.list_clusters().set_next_token(cursor).send().await;
    let output = answer.map_err(ReadError::of("ecs:ListClusters"))?;
    Ok(ClusterArns { arns: output.cluster_arns.unwrap_or_default(), next: output.next_token })
}

/// The clusters of these ARNs. The listing has said that they are there: without a description, they are known by ARN
/// alone.
async fn describe_clusters(client: &Client, arns: Vec<String>) -> Vec<Resource> {
    match descriptions(client, &arns).await {
        Ok((described, failures)) => join(&arns, described, &failures),
        Err(error) => arns.iter().map(|arn| undescribed(arn, &error)).collect(),
    }
}

async fn descriptions(
    client: &Client,
    arns: &[String],
) -> Result<(Vec<Map<String, Value>>, Vec<ClusterFailure>), ReadError> {
    let body = ResponseBody::default();
    let call = client
        .describe_clusters()
        .set_clusters(Some(arns.to_vec()))
        .include(ClusterField::Attachments)
        .include(ClusterField::Configurations)
        .include(ClusterField::Settings)
        .include(ClusterField::Statistics)
        .include(ClusterField::Tags);
    let answer = call.customize().interceptor(body.keeper()).send().await;
    let output = answer.map_err(ReadError::of(DESCRIBE_CLUSTERS))?;
    Ok((body.objects(DESCRIBE_CLUSTERS, "clusters")?, output.failures.unwrap_or_default()))
}

/// Brings clusters and descriptions together by ARN: the answer has an order of its own, and leaves out what it has no
/// description of.
fn join(listed: &[String], described: Vec<Map<String, Value>>, failures: &[ClusterFailure]) -> Vec<Resource> {
    let mut by_arn = HashMap::new();
    for cluster in described {
        let properties = with_pascal_case_names(cluster, &[("settings", "ClusterSettings")]);
        if let Some(arn) = properties.get("ClusterArn").and_then(Value::as_str) {
            by_arn.insert(arn.to_owned(), properties);
        }
    }
    let mut clusters = Vec::with_capacity(listed.len());
    for arn in listed {
        if let Some(properties) = by_arn.remove(arn) {
            clusters.push(Resource::new(arn, properties));
            continue;
        }
        let failure = failures.iter().find(|failure| failure.arn.as_ref() == Some(arn));
        let reason = failure.and_then(|failure| failure.reason.as_deref());
        let deleted_in_between = reason == Some("MISSING");
        if deleted_in_between {
            continue;
        }
        clusters.push(undescribed(arn, &why_undescribed(failure)));
    }
    clusters
}

fn why_undescribed(failure: Option<&ClusterFailure>) -> ReadError {
    let Some(failure) = failure else {
        return ReadError::undecodable(DESCRIBE_CLUSTERS, "it says nothing of this cluster");
    };
    ReadError::Failed(Failure {
        call: DESCRIBE_CLUSTERS,
        code: failure.reason.clone().unwrap_or_default(),
        message: failure.detail.clone().unwrap_or_default(),
    })
}

fn undescribed(arn: &str, error: &ReadError) -> Resource {
    let properties = Map::from_iter([("ClusterArn".to_owned(), Value::from(arn))]);
    let mut cluster = Resource::new(arn, properties);
    cluster.lacks("DescribeClusters", error);
    cluster
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn described(clusters: Value) -> Vec<Map<String, Value>> {
        serde_json::from_value(clusters).unwrap()
    }

    fn listed(arns: &[&str]) -> Vec<String> {
        arns.iter().map(|arn| (*arn).to_owned()).collect()
    }

    fn failure(arn: &str, reason: &str) -> ClusterFailure {
        ClusterFailure::builder().arn(arn).reason(reason).build()
    }

    #[test]
    fn descriptions_in_another_order_find_their_clusters() {
        let answer = described(json!([
            {"clusterArn": "arn:b", "clusterName": "b", "settings": [{"name": "containerInsights", "value": "enabled"}]},
            {"clusterArn": "arn:a", "clusterName": "a", "tags": [{"key": "k", "value": "v"}], "runningTasksCount": 0},
        ]));
        let clusters = join(&listed(&["arn:a", "arn:b"]), answer, &[]);
        assert_eq!(clusters.iter().map(|cluster| cluster.key.as_str()).collect::<Vec<_>>(), ["arn:a", "arn:b"]);
        assert_eq!(
            Value::Object(clusters[0].properties.clone()),
            json!({"ClusterArn": "arn:a", "ClusterName": "a", "Tags": [{"key": "k", "value": "v"}], "RunningTasksCount": 0})
        );
        assert_eq!(
            Value::Object(clusters[1].properties.clone()),
            json!({"ClusterArn": "arn:b", "ClusterName": "b", "ClusterSettings": [{"name": "containerInsights", "value": "enabled"}]})
        );
        assert!(clusters.iter().all(|cluster| cluster.incomplete.is_empty()));
    }

    #[test]
    fn a_missing_cluster_is_gone_and_one_that_failed_is_incomplete() {
        let answer = described(json!([{"clusterArn": "arn:c"}]));
        let failures = [failure("arn:a", "MISSING"), failure("arn:b", "INTERNAL")];
        let clusters = join(&listed(&["arn:a", "arn:b", "arn:c", "arn:d"]), answer, &failures);
        assert_eq!(
            clusters.iter().map(|cluster| cluster.key.as_str()).collect::<Vec<_>>(),
            ["arn:b", "arn:c", "arn:d"]
        );

        assert_eq!(Value::Object(clusters[0].properties.clone()), json!({"ClusterArn": "arn:b"}));
        assert_eq!(clusters[0].incomplete[0].action, "DescribeClusters");
        assert!(!clusters[0].incomplete[0].optional);
        assert!(clusters[0].incomplete[0].reason.contains("INTERNAL"));

        assert!(clusters[1].incomplete.is_empty());

        // Neither described nor excused: as likely an answer of ours that was misread as a deletion.
        assert_eq!(clusters[2].incomplete.len(), 1);
    }

    #[test]
    fn descriptions_that_nobody_asked_for_are_left_out() {
        let answer = described(json!([{"clusterArn": "arn:x"}, {"clusterName": "without an arn"}]));
        assert!(join(&[], answer, &[]).is_empty());
    }
}
