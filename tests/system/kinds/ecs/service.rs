//! `AWS::ECS::Service`.

use std::collections::BTreeMap;

use portolan::kinds::ReadError;
use portolan::seams::Cloud;
use serde_json::{Value, json};

use super::super::contract::counts;
use super::super::{Bench, REGION, assert_every_field, assert_fields, assert_shape};
use super::create_services;

const KIND: &str = "AWS::ECS::Service";

fn cluster_arn(bench: &Bench, name: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{}:cluster/{name}", bench.alpha())
}

fn service_arn(bench: &Bench, name: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{}:service/{name}", bench.alpha())
}

async fn give_clusters(bench: &Bench, names: &[&str]) {
    let arns: Vec<_> = names.iter().map(|name| cluster_arn(bench, name)).collect();
    bench.answer(KIND, "ecs", "ListClusters", "", &json!({"clusterArns": arns}).to_string()).await;
}

#[tokio::test]
async fn services_of_a_cluster() {
    let bench = Bench::create().await;
    create_services(&bench, &["web"]).await;
    let service = bench.read_one(KIND, &[]).await;
    let (arn, cluster) = (service_arn(&bench, "main/web"), cluster_arn(&bench, "main"));
    let task_definition = format!("arn:aws:ecs:{REGION}:{}:task-definition/web:1", bench.alpha());
    assert_eq!(service.key, arn);
    assert_eq!(Value::Object(service.context), json!({"ClusterArn": cluster}));
    assert_shape(
        &Value::Object(service.properties),
        &json!({
            "ServiceArn": arn,
            "ServiceName": "web",
            "ClusterArn": cluster,
            "LoadBalancers": [],
            "ServiceRegistries": [],
            "Status": "ACTIVE",
            "DesiredCount": 0,
            "RunningCount": 0,
            "PendingCount": 0,
            "LaunchType": "EC2",
            "TaskDefinition": task_definition,
            "TaskSets": [],
            "Deployments": [{
                "id": "<text>",
                "status": "PRIMARY",
                "taskDefinition": task_definition,
                "desiredCount": 0,
                "pendingCount": 0,
                "runningCount": 0,
                "failedTasks": 0,
                "createdAt": "<time>",
                "updatedAt": "<time>",
                "launchType": "EC2",
                "platformFamily": "EC2",
                "rolloutState": "<text>",
                "rolloutStateReason": "<text>",
            }],
            "Events": [],
            "NetworkConfiguration": {},
            "SchedulingStrategy": "REPLICA",
            "DeploymentController": {"type": "ECS"},
            "Tags": [{"key": "team", "value": "sea"}],
            "PropagateTags": "NONE",
            "UpdatedAt": "<time>",
        }),
    );
}

/// As the API reference of DescribeServices has it.
#[tokio::test]
async fn a_service_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let (arn, cluster) = (service_arn(&bench, "main/web"), cluster_arn(&bench, "main"));
    let wire = json!({
        "serviceArn": arn, "serviceName": "web", "clusterArn": cluster, "status": "ACTIVE", "desiredCount": 2, "runningCount": 1,
        "pendingCount": 1, "launchType": "FARGATE", "platformVersion": "1.4.0", "platformFamily": "Linux", "taskDefinition": "arn:t",
        "roleArn": "arn:r", "createdBy": "arn:u", "healthCheckGracePeriodSeconds": 60, "schedulingStrategy": "REPLICA",
        "enableECSManagedTags": true, "enableExecuteCommand": false, "propagateTags": "SERVICE", "availabilityZoneRebalancing": "ENABLED",
        "resourceManagementType": "CUSTOMER", "currentServiceDeployment": "arn:d", "createdAt": 1_704_164_645,
        "currentServiceRevisions": [{"arn": "arn:v", "requestedTaskCount": 2, "runningTaskCount": 1, "pendingTaskCount": 1}],
        "loadBalancers": [{"targetGroupArn": "arn:g", "containerName": "main", "containerPort": 80}],
        "serviceRegistries": [{"registryArn": "arn:s", "port": 80}],
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true}, "maximumPercent": 200, "strategy": "ROLLING"},
        "deploymentController": {"type": "ECS"},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": [], "assignPublicIp": "DISABLED"}},
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}],
        "placementStrategy": [{"type": "spread", "field": "attribute:ecs.availability-zone"}],
        "tags": [{"key": "team", "value": "sea"}],
        "deployments": [
            {"id": "ecs-svc/1", "status": "ACTIVE", "createdAt": 1_704_164_000, "updatedAt": 1_704_164_001},
            {"id": "ecs-svc/2", "status": "PRIMARY", "createdAt": 1_704_164_645.123, "updatedAt": 1_704_164_646, "launchType": null},
        ],
        "taskSets": [{"id": "ecs-svc/3", "externalId": null, "createdAt": 1_704_164_645.5, "updatedAt": 1_704_164_645, "stabilityStatusAt": 1_704_164_647}],
        "events": [{"id": "e", "createdAt": 1_704_164_645.25, "message": "(service web) has reached a steady state."}],
        "brandNew": {"a": [1]}, "brandNewNull": null,
    });
    give_clusters(&bench, &["main"]).await;
    bench.answer(KIND, "ecs", "ListServices", "\"maxResults\":100", &json!({"serviceArns": [arn]}).to_string()).await;
    let described = json!({"services": [wire]}).to_string();
    bench.answer(KIND, "ecs", "DescribeServices", "\"include\":[\"TAGS\"]", &described).await;
    let service = bench.read_one(KIND, &[]).await;
    assert_every_field(KIND, &service.properties);
    assert_shape(
        &Value::Object(service.properties),
        &json!({
            "ServiceArn": arn, "ServiceName": "web", "ClusterArn": cluster, "Status": "ACTIVE", "DesiredCount": 2, "RunningCount": 1,
            "PendingCount": 1, "LaunchType": "FARGATE", "PlatformVersion": "1.4.0", "PlatformFamily": "Linux", "TaskDefinition": "arn:t",
            "RoleArn": "arn:r", "CreatedBy": "arn:u", "HealthCheckGracePeriodSeconds": 60, "SchedulingStrategy": "REPLICA",
            "EnableECSManagedTags": true, "EnableExecuteCommand": false, "PropagateTags": "SERVICE", "AvailabilityZoneRebalancing": "ENABLED",
            "ResourceManagementType": "CUSTOMER", "CurrentServiceDeployment": "arn:d", "CreatedAt": "2024-01-02T03:04:05Z",
            "UpdatedAt": "2024-01-02T03:04:06Z",
            "CurrentServiceRevisions": wire["currentServiceRevisions"],
            "LoadBalancers": wire["loadBalancers"],
            "ServiceRegistries": wire["serviceRegistries"],
            "CapacityProviderStrategy": wire["capacityProviderStrategy"],
            "DeploymentConfiguration": wire["deploymentConfiguration"],
            "DeploymentController": {"type": "ECS"},
            "NetworkConfiguration": wire["networkConfiguration"],
            "PlacementConstraints": wire["placementConstraints"],
            "PlacementStrategy": wire["placementStrategy"],
            "Tags": [{"key": "team", "value": "sea"}],
            "Deployments": [
                {"id": "ecs-svc/1", "status": "ACTIVE", "createdAt": "2024-01-02T02:53:20Z", "updatedAt": "2024-01-02T02:53:21Z"},
                {"id": "ecs-svc/2", "status": "PRIMARY", "createdAt": "2024-01-02T03:04:05.123000Z", "updatedAt": "2024-01-02T03:04:06Z"},
            ],
            "TaskSets": [{
                "id": "ecs-svc/3", "createdAt": "2024-01-02T03:04:05.500000Z", "updatedAt": "2024-01-02T03:04:05Z",
                "stabilityStatusAt": "2024-01-02T03:04:07Z",
            }],
            "Events": [{"id": "e", "createdAt": "2024-01-02T03:04:05.250000Z", "message": "(service web) has reached a steady state."}],
            "BrandNew": {"a": [1]},
        }),
    );
}

#[tokio::test]
async fn clusters_and_services_of_a_target_share_one_listing() {
    let bench = Bench::create().await;
    let names: Vec<_> = (0..12).map(|index| format!("service-{index}")).collect();
    create_services(&bench, &names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bench.take_calls().await;
    bench.reader.enter(&bench.plan, &bench.target_of(KIND)).await.expect("the target can be entered");
    assert_eq!(bench.page("AWS::ECS::Cluster", &[], None).await.expect("clusters").resources.len(), 1);
    assert_eq!(bench.page(KIND, &[], None).await.expect("services").resources.len(), 12);
    let calls =
        [("ecs:ListClusters", 1), ("ecs:DescribeClusters", 1), ("ecs:ListServices", 1), ("ecs:DescribeServices", 2)];
    assert_eq!(bench.take_calls().await, counts(&calls));
}

#[tokio::test]
async fn services_of_one_cluster_go_on_and_those_of_a_denied_one_are_a_gap() {
    let bench = Bench::create().await;
    give_clusters(&bench, &["denied", "gone", "large"]).await;
    let place = |name: &str| cluster_arn(&bench, name);
    let denied = json!({"status": 400, "code": "AccessDeniedException"});
    let fault = json!({"service": "ecs", "operation": "ListServices", "resource": place("denied"), "effect": denied});
    bench.order_fault(KIND, fault).await;
    let gone = json!({"status": 400, "code": "ClusterNotFoundException"});
    let fault = json!({"service": "ecs", "operation": "ListServices", "resource": place("gone"), "effect": gone});
    bench.order_fault(KIND, fault).await;
    let (first, second) = (service_arn(&bench, "large/first"), service_arn(&bench, "large/second"));
    let page = json!({"serviceArns": [first], "nextToken": "token-of-page-2"}).to_string();
    bench.answer_once(KIND, "ecs", "ListServices", &place("large"), &page).await;
    let page = json!({"serviceArns": [second]}).to_string();
    bench.answer_once(KIND, "ecs", "ListServices", "token-of-page-2", &page).await;
    let described = json!({"services": [{"serviceArn": second}, {"serviceArn": first}]}).to_string();
    bench.answer(KIND, "ecs", "DescribeServices", &place("large"), &described).await;

    let (mut keys, mut gaps, mut cursor) = (Vec::new(), Vec::new(), None);
    loop {
        let page = bench.page(KIND, &[], cursor).await.expect("a page");
        keys.extend(page.resources.into_iter().map(|resource| resource.key));
        gaps.extend(page.gaps);
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(matches!(gaps.as_slice(), [ReadError::Denied(_)]), "{gaps:?}");
    assert_eq!(keys, [first, second]);
}

#[tokio::test]
async fn descriptions_find_their_services_and_those_without_one_are_incomplete() {
    let bench = Bench::create().await;
    let place = service_arn(&bench, "main/");
    let arns = ["a", "b", "failed", "gone"].map(|name| format!("{place}{name}"));
    give_clusters(&bench, &["main"]).await;
    bench.answer(KIND, "ecs", "ListServices", "", &json!({"serviceArns": arns}).to_string()).await;
    let [a, b, failed, gone] = arns;
    let described = json!({
        "services": [{"serviceArn": b, "serviceName": "b"}, {"serviceArn": a, "serviceName": "a"}],
        "failures": [{"arn": gone, "reason": "MISSING"}, {"arn": failed, "reason": "INTERNAL", "detail": "try again"}],
    });
    bench.answer_once(KIND, "ecs", "DescribeServices", "", &described.to_string()).await;
    let services = bench.read(KIND, &[]).await;
    assert_eq!(services.keys().collect::<Vec<_>>(), [&a, &b, &failed]);
    for (arn, name) in [(&a, "a"), (&b, "b")] {
        assert_eq!((&services[arn].properties["ServiceName"], services[arn].incomplete.len()), (&json!(name), 0));
    }
    assert!(services[&failed].incomplete[0].reason.contains("INTERNAL (try again)"), "{:?}", services[&failed]);

    bench.fault(KIND, "ecs", "DescribeServices", json!({"status": 400, "code": "AccessDeniedException"})).await;
    let services = bench.read(KIND, &[]).await;
    assert_eq!(services.len(), 4);
    for (arn, service) in services {
        assert_eq!((service.incomplete[0].action, service.incomplete[0].optional), ("DescribeServices", false));
        assert_eq!(Value::Object(service.properties), json!({"ServiceArn": arn}));
        assert_eq!(Value::Object(service.context), json!({"ClusterArn": cluster_arn(&bench, "main")}));
    }
}

#[tokio::test]
async fn a_cluster_that_vanishes_before_its_services_are_described_has_none() {
    let bench = Bench::create().await;
    create_services(&bench, &["web"]).await;
    bench.fault(KIND, "ecs", "DescribeServices", json!({"status": 400, "code": "ClusterNotFoundException"})).await;
    assert_eq!(bench.read(KIND, &[]).await, BTreeMap::new());
}

/// Until 2018 ARNs of services had no cluster in them, and services with such ARNs live on:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-account-settings.html>.
#[tokio::test]
async fn services_with_arns_of_the_old_form_are_asked_for_in_the_cluster_that_listed_them() {
    let bench = Bench::create().await;
    let arn = service_arn(&bench, "web");
    give_clusters(&bench, &["east", "west"]).await;
    bench.answer(KIND, "ecs", "ListServices", "", &json!({"serviceArns": [arn]}).to_string()).await;
    for name in ["east", "west"] {
        let cluster = cluster_arn(&bench, name);
        let described = json!({"services": [{"serviceArn": arn, "clusterArn": cluster}]}).to_string();
        bench.answer(KIND, "ecs", "DescribeServices", &cluster, &described).await;
    }
    let services = bench.page(KIND, &[], None).await.expect("a page").resources;
    assert_eq!(services.len(), 2);
    for (service, name) in services.iter().zip(["east", "west"]) {
        let cluster = cluster_arn(&bench, name);
        assert_fields(KIND, service);
        assert_eq!(service.key, format!("{cluster} {arn}"));
        assert_eq!(Value::Object(service.properties.clone()), json!({"ServiceArn": arn, "ClusterArn": cluster}));
        assert_eq!(Value::Object(service.context.clone()), json!({"ClusterArn": cluster}));
    }
}
