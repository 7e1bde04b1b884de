//! `AWS::ECS::TaskDefinition`.

use serde_json::{Map, Value, json};

use super::super::{Bench, REGION, assert_every_field, assert_shape};
use super::register_task_definitions;

const KIND: &str = "AWS::ECS::TaskDefinition";

fn arn(bench: &Bench, revision: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{}:task-definition/{revision}", bench.alpha())
}

#[tokio::test]
async fn every_active_revision_is_a_resource() {
    let bench = Bench::create().await;
    register_task_definitions(&bench, &["web", "web", "web"]).await;
    let order = json!({"taskDefinition": "web:2"});
    bench.alpha_in(REGION).call("ecs", "deregister_task_definition", order).await;
    let task_definitions = bench.read(KIND, &[]).await;
    assert_eq!(task_definitions.keys().collect::<Vec<_>>(), [&arn(&bench, "web:1"), &arn(&bench, "web:3")]);
    let task_definition = &task_definitions[&arn(&bench, "web:3")];
    assert_shape(
        &Value::Object(task_definition.properties.clone()),
        &json!({
            "TaskDefinitionArn": arn(&bench, "web:3"),
            "Family": "web",
            "Revision": 3,
            "Status": "ACTIVE",
            "ContainerDefinitions": [{
                "name": "main",
                "image": "nginx",
                "cpu": 10,
                "memory": 64,
                "essential": true,
                "environment": [],
                "mountPoints": [],
                "portMappings": [],
                "volumesFrom": [],
            }],
            "Cpu": "256",
            "Memory": "512",
            "NetworkMode": "awsvpc",
            "Compatibilities": ["EC2", "FARGATE"],
            "RequiresCompatibilities": ["FARGATE"],
            "Volumes": [],
            "PlacementConstraints": [],
            "Tags": [{"key": "team", "value": "sea"}],
        }),
    );
    assert_eq!(task_definition.context, Map::new());
}

/// As the API reference of DescribeTaskDefinition has it.
#[tokio::test]
async fn a_task_definition_in_which_everything_is_set() {
    let bench = Bench::create().await;
    register_task_definitions(&bench, &["web"]).await;
    let arn = arn(&bench, "web:1");
    let wire = json!({
        "taskDefinitionArn": arn, "family": "web", "revision": 1, "status": "ACTIVE", "cpu": "256", "memory": "512", "networkMode": "awsvpc",
        "taskRoleArn": "arn:r", "executionRoleArn": "arn:e", "pidMode": "task", "ipcMode": "none", "enableFaultInjection": false,
        "compatibilities": ["EC2", "FARGATE"], "requiresCompatibilities": ["FARGATE"], "registeredBy": "arn:u",
        "registeredAt": 1_704_164_645.123, "deregisteredAt": 1_704_164_646, "deleteRequestedAt": 1_704_164_647,
        "containerDefinitions": [{"name": "main", "image": "nginx", "environment": [{"name": "A", "value": "b"}], "user": null}],
        "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}],
        "requiresAttributes": [{"name": "ecs.capability.task-eni"}],
        "placementConstraints": [{"type": "memberOf", "expression": "attribute:a == b"}],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "inferenceAccelerators": [{"deviceName": "d", "deviceType": "eia2.medium"}],
        "proxyConfiguration": {"type": "APPMESH", "containerName": "envoy"},
        "ephemeralStorage": {"sizeInGiB": 21},
        "brandNew": {"a": [1]},
    });
    let answer = json!({"taskDefinition": wire, "tags": [{"key": "team", "value": "sea"}]}).to_string();
    bench.answer(KIND, "ecs", "DescribeTaskDefinition", "\"include\":[\"TAGS\"]", &answer).await;
    let task_definition = bench.read_one(KIND, &[]).await;
    assert_every_field(KIND, &task_definition.properties);
    assert_shape(
        &Value::Object(task_definition.properties),
        &json!({
            "TaskDefinitionArn": arn, "Family": "web", "Revision": 1, "Status": "ACTIVE", "Cpu": "256", "Memory": "512", "NetworkMode": "awsvpc",
            "TaskRoleArn": "arn:r", "ExecutionRoleArn": "arn:e", "PidMode": "task", "IpcMode": "none", "EnableFaultInjection": false,
            "Compatibilities": ["EC2", "FARGATE"], "RequiresCompatibilities": ["FARGATE"], "RegisteredBy": "arn:u",
            "RegisteredAt": "2024-01-02T03:04:05.123000Z", "DeregisteredAt": "2024-01-02T03:04:06Z", "DeleteRequestedAt": "2024-01-02T03:04:07Z",
            "ContainerDefinitions": [{"name": "main", "image": "nginx", "environment": [{"name": "A", "value": "b"}]}],
            "Volumes": wire["volumes"],
            "RequiresAttributes": wire["requiresAttributes"],
            "PlacementConstraints": wire["placementConstraints"],
            "RuntimePlatform": wire["runtimePlatform"],
            "InferenceAccelerators": wire["inferenceAccelerators"],
            "ProxyConfiguration": wire["proxyConfiguration"],
            "EphemeralStorage": wire["ephemeralStorage"],
            "Tags": [{"key": "team", "value": "sea"}],
            "BrandNew": {"a": [1]},
        }),
    );
}

/// Tags stand beside the description, and an answer without them says that there are none.
#[tokio::test]
async fn a_task_definition_without_tags_has_an_empty_list_of_them() {
    let bench = Bench::create().await;
    register_task_definitions(&bench, &["t"]).await;
    let arn = arn(&bench, "t:1");
    let answer = json!({"taskDefinition": {
        "taskDefinitionArn": arn, "containerDefinitions": [{"name": "c", "image": "i", "cpu": 0, "environment": []}], "family": "t",
        "executionRoleArn": null, "revision": 3, "volumes": [], "status": "ACTIVE", "requiresCompatibilities": ["FARGATE"], "cpu": "256",
        "registeredAt": 1_704_164_645.123,
    }});
    bench.answer(KIND, "ecs", "DescribeTaskDefinition", "", &answer.to_string()).await;
    assert_shape(
        &Value::Object(bench.read_one(KIND, &[]).await.properties),
        &json!({
            "TaskDefinitionArn": arn, "Family": "t", "Revision": 3, "Status": "ACTIVE",
            "ContainerDefinitions": [{"name": "c", "image": "i", "cpu": 0, "environment": []}], "Cpu": "256",
            "RequiresCompatibilities": ["FARGATE"], "Volumes": [], "Tags": [], "RegisteredAt": "2024-01-02T03:04:05.123000Z",
        }),
    );
}

/// ECS answers `ClientException` for a task definition that is not there and for others that it will not describe.
#[tokio::test]
async fn a_task_definition_that_is_gone_is_left_out_and_one_that_failed_is_incomplete() {
    let bench = Bench::create().await;
    register_task_definitions(&bench, &["first", "second"]).await;
    let keys = [arn(&bench, "first:1"), arn(&bench, "second:1")];
    for (code, message, is_gone) in [
        ("ClientException", "Unable to describe task definition.", true),
        ("ClientException", "The role may not do that.", false),
        ("ServerException", "Service Unavailable. Please try again later.", false),
        ("AccessDeniedException", "not authorized", false),
    ] {
        let effect = json!({"status": 400, "code": code, "message": message});
        let fault = json!({
            "service": "ecs", "operation": "DescribeTaskDefinition", "resource": "first", "effect": effect, "times": 1,
        });
        bench.order_fault(KIND, fault).await;
        let task_definitions = bench.read(KIND, &[]).await;
        assert_eq!(task_definitions[&keys[1]].incomplete, []);
        let Some(failed) = task_definitions.get(&keys[0]) else {
            assert!(is_gone, "{code}: {message}");
            continue;
        };
        assert!(!is_gone, "{code}: {message}");
        assert_eq!(Value::Object(failed.properties.clone()), json!({"TaskDefinitionArn": keys[0]}));
        let [failure] = failed.incomplete.as_slice() else { panic!("{:?}", failed.incomplete) };
        assert_eq!((failure.action, failure.optional), ("DescribeTaskDefinition", false));
        assert!(failure.reason.contains(&format!("{code} ({message})")), "{}", failure.reason);
    }
}

#[tokio::test]
async fn only_active_revisions_are_asked_for() {
    let bench = Bench::create().await;
    register_task_definitions(&bench, &["first", "second"]).await;
    let active = arn(&bench, "first:1");
    let listed = json!({"taskDefinitionArns": [active]}).to_string();
    bench.answer(KIND, "ecs", "ListTaskDefinitions", "\"status\":\"ACTIVE\"", &listed).await;
    assert_eq!(bench.read_one(KIND, &[]).await.key, active);
}
