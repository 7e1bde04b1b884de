//! Amazon ECS.

use serde_json::{Map, Value, json};

use super::contract::Contract;
use super::{Bench, REGION, assert_shape};

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::ECS::Cluster",
    service: "ecs",
    listing: "ListClusters",
    denied: (400, "AccessDeniedException"),
    throttled: (400, "ThrottlingException"),
    seed: |bench, names| Box::pin(create_clusters(bench, names)),
    page: Some(cluster_page),
    calls: &[("ecs:ListClusters", 1), ("ecs:DescribeClusters", 1)],
    calls_of_options: &[],
    enrichments: &[],
}];

async fn create_clusters(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).create_ecs_cluster(name, &[]).await;
    }
}

fn cluster_page(arn: &str, token: &str) -> String {
    json!({"clusterArns": [arn], "nextToken": token}).to_string()
}

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
    let cluster = bench.read_one("AWS::ECS::Cluster", &[]).await;
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
    let kind = "AWS::ECS::Cluster";
    let place = bench.alpha_in(REGION);
    let there = place.create_ecs_cluster("there", &[]).await;
    let gone = there.replace("there", "gone");
    let failed = there.replace("there", "failed");
    let list = json!({"clusterArns": [there, gone, failed]}).to_string();
    let described = json!({
        "clusters": [{"clusterArn": there, "clusterName": "there"}],
        "failures": [{"arn": gone, "reason": "MISSING"}, {"arn": failed, "reason": "INTERNAL", "detail": "try again"}],
    });
    bench.answer_once(kind, "ecs", "ListClusters", "", &list).await;
    bench.answer_once(kind, "ecs", "DescribeClusters", "", &described.to_string()).await;
    let clusters = bench.read(kind, &[]).await;
    assert_eq!(clusters.keys().collect::<Vec<_>>(), [&failed, &there]);
    assert_eq!(clusters[&there].incomplete, []);
    assert!(clusters[&failed].incomplete[0].reason.contains("INTERNAL (try again)"), "{:?}", clusters[&failed]);

    bench.fault(kind, "ecs", "DescribeClusters", json!({"status": 400, "code": "AccessDeniedException"})).await;
    let cluster = bench.read_one(kind, &[]).await;
    assert_eq!((cluster.incomplete[0].action, cluster.incomplete[0].optional), ("DescribeClusters", false));
    assert_eq!(Value::Object(cluster.properties), json!({"ClusterArn": there}));
}
