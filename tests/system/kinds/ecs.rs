//! Amazon ECS.

mod cluster;
mod service;
mod task_definition;

use serde_json::json;

use super::contract::Contract;
use super::{Bench, REGION};

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: "AWS::ECS::Cluster",
        service: "ecs",
        listing: "ListClusters",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(create_clusters(bench, names)),
        page: Some(|arn, token| json!({"clusterArns": [arn], "nextToken": token}).to_string()),
        calls: &[("ecs:ListClusters", 1), ("ecs:DescribeClusters", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: "AWS::ECS::Service",
        service: "ecs",
        listing: "ListClusters",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(create_services(bench, names)),
        page: None,
        calls: &[("ecs:ListClusters", 1), ("ecs:ListServices", 1), ("ecs:DescribeServices", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: "AWS::ECS::TaskDefinition",
        service: "ecs",
        listing: "ListTaskDefinitions",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(register_task_definitions(bench, names)),
        page: Some(|arn, token| json!({"taskDefinitionArns": [arn], "nextToken": token}).to_string()),
        calls: &[("ecs:ListTaskDefinitions", 1), ("ecs:DescribeTaskDefinition", 3)],
        calls_of_options: &[],
        // A description that fails or is gone has no code of its own: tests of the kind show it.
        enrichments: &[],
    },
];

async fn create_clusters(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).create_ecs_cluster(name, &[]).await;
    }
}

/// Services in a cluster `main`.
async fn create_services(bench: &Bench, names: &[&str]) {
    let place = bench.alpha_in(REGION);
    place.create_ecs_cluster("main", &[]).await;
    register_task_definitions(bench, &["web"]).await;
    for name in names {
        let order = json!({
            "cluster": "main", "serviceName": name, "taskDefinition": "web", "desiredCount": 0,
            "tags": [{"key": "team", "value": "sea"}],
        });
        place.call("ecs", "create_service", order).await;
    }
}

async fn register_task_definitions(bench: &Bench, families: &[&str]) {
    for family in families {
        let order = json!({
            "family": family,
            "containerDefinitions": [{"name": "main", "image": "nginx", "cpu": 10, "memory": 64, "essential": true}],
            "cpu": "256",
            "memory": "512",
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "tags": [{"key": "team", "value": "sea"}],
        });
        bench.alpha_in(REGION).call("ecs", "register_task_definition", order).await;
    }
}
