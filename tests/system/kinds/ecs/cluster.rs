//! `AWS::ECS::Cluster`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::contract::counts;
use super::super::{Bench, REGION, assert_every_field, assert_shape};

const KIND: &str = "AWS::ECS::Cluster";

#[tokio::test]
async fn a_cluster_has_its_first_level_in_pascal_case() {
    let bench = Bench::create().await;
    let order = json!({
        "clusterName": "main",
        "tags": [{"key": "team", "value": "sea"}],
        "settings": [{"name": "containerInsights", "value": "enabled"}],
        "capacityProviders": ["FARGATE"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
        "configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}},
    });
    bench.alpha_in(REGION).call("ecs", "create_cluster", order).await;
    let cluster = bench.read_one(KIND, &[]).await;
    let arn = format!("arn:aws:ecs:{REGION}:{}:cluster/main", bench.alpha());
    assert_eq!(cluster.key, arn);
    assert_shape(
        &Value::Object(cluster.properties),
        &json!({
            "ClusterName": "main",
            "CapacityProviders": ["FARGATE"],
            "ClusterSettings": [{"name": "containerInsights", "value": "enabled"}],
            "Configuration": {"executeCommandConfiguration": {"logging": "DEFAULT"}},
            "DefaultCapacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
            "Tags": [{"key": "team", "value": "sea"}],
            "Status": "ACTIVE",
            "RunningTasksCount": 0,
            "ActiveServicesCount": 0,
            "PendingTasksCount": 0,
            "RegisteredContainerInstancesCount": 0,
            "ClusterArn": arn,
        }),
    );
    assert_eq!(cluster.context, Map::new());
}

#[tokio::test]
async fn a_cluster_that_is_missing_is_left_out_and_one_that_failed_is_incomplete() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let there = place.create_ecs_cluster("there", &[]).await;
    let gone = there.replace("there", "gone");
    let failed = there.replace("there", "failed");
    let list = json!({"clusterArns": [there, gone, failed]}).to_string();
    let described = json!({
        "clusters": [{"clusterArn": there, "clusterName": "there"}],
        "failures": [{"arn": gone, "reason": "MISSING"}, {"arn": failed, "reason": "INTERNAL", "detail": "try again"}],
    });
    bench.answer_once(KIND, "ecs", "ListClusters", "", &list).await;
    bench.answer_once(KIND, "ecs", "DescribeClusters", "", &described.to_string()).await;
    let clusters = bench.read(KIND, &[]).await;
    assert_eq!(clusters.keys().collect::<Vec<_>>(), [&failed, &there]);
    assert_eq!(clusters[&there].incomplete, []);
    assert!(clusters[&failed].incomplete[0].reason.contains("INTERNAL (try again)"), "{:?}", clusters[&failed]);

    bench.fault(KIND, "ecs", "DescribeClusters", json!({"status": 400, "code": "AccessDeniedException"})).await;
    let cluster = bench.read_one(KIND, &[]).await;
    assert_eq!((cluster.incomplete[0].action, cluster.incomplete[0].optional), ("DescribeClusters", false));
    assert_eq!(Value::Object(cluster.properties), json!({"ClusterArn": there}));
}

/// As the API reference of DescribeClusters has it, with all of `include`.
#[tokio::test]
async fn a_cluster_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let arn = bench.alpha_in(REGION).create_ecs_cluster("main", &[]).await;
    let attachments = json!([{"id": "a-1", "type": "as_policy", "status": "CREATED", "details": [{"name": "capacityProviderName", "value": "cp"}]}]);
    let wire = json!({
        "clusterArn": arn, "clusterName": "main", "status": "ACTIVE", "registeredContainerInstancesCount": 1, "runningTasksCount": 2,
        "pendingTasksCount": 3, "activeServicesCount": 4, "statistics": [{"name": "runningFargateTasksCount", "value": "2"}],
        "tags": [{"key": "team", "value": "sea"}], "settings": [{"name": "containerInsights", "value": "enhanced"}],
        "configuration": {"executeCommandConfiguration": {"kmsKeyId": null, "logging": "NONE"}}, "capacityProviders": ["cp"],
        "defaultCapacityProviderStrategy": [{"capacityProvider": "cp", "weight": 1, "base": 0}], "attachments": attachments,
        "attachmentsStatus": "UPDATE_COMPLETE", "serviceConnectDefaults": {"namespace": "arn:n"}, "brandNew": {"a": [1]},
    });
    bench.answer(KIND, "ecs", "DescribeClusters", &arn, &json!({"clusters": [wire]}).to_string()).await;
    let cluster = bench.read_one(KIND, &[]).await;
    assert_every_field(KIND, &cluster.properties);
    assert_shape(
        &Value::Object(cluster.properties),
        &json!({
            "ClusterArn": arn, "ClusterName": "main", "Status": "ACTIVE", "RegisteredContainerInstancesCount": 1, "RunningTasksCount": 2,
            "PendingTasksCount": 3, "ActiveServicesCount": 4, "Statistics": [{"name": "runningFargateTasksCount", "value": "2"}],
            "Tags": [{"key": "team", "value": "sea"}], "ClusterSettings": [{"name": "containerInsights", "value": "enhanced"}],
            "Configuration": {"executeCommandConfiguration": {"logging": "NONE"}}, "CapacityProviders": ["cp"],
            "DefaultCapacityProviderStrategy": [{"capacityProvider": "cp", "weight": 1, "base": 0}], "Attachments": attachments,
            "AttachmentsStatus": "UPDATE_COMPLETE", "ServiceConnectDefaults": {"namespace": "arn:n"}, "BrandNew": {"a": [1]},
        }),
    );
}

#[tokio::test]
async fn many_clusters_are_described_a_hundred_at_a_time() {
    let bench = Bench::create().await;
    let arns: BTreeSet<_> =
        (0..250).map(|index| format!("arn:aws:ecs:{REGION}:{}:cluster/c{index}", bench.alpha())).collect();
    let (first, rest): (Vec<_>, Vec<_>) = arns.iter().partition(|arn| arn.ends_with('0'));
    let page = json!({"clusterArns": first, "nextToken": "token-of-page-2"});
    bench.answer_once(KIND, "ecs", "ListClusters", "", &page.to_string()).await;
    let page = json!({"clusterArns": rest});
    bench.answer_once(KIND, "ecs", "ListClusters", "token-of-page-2", &page.to_string()).await;
    // What is not in the answer stays known by its ARN: here it is the number of calls that counts.
    bench.answer(KIND, "ecs", "DescribeClusters", "", "{}").await;
    let clusters = bench.read(KIND, &[]).await;
    assert_eq!(clusters.into_keys().collect::<BTreeSet<_>>(), arns);
    assert_eq!(bench.take_calls().await, counts(&[("ecs:ListClusters", 2), ("ecs:DescribeClusters", 3)]));
}
