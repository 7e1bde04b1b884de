//! AWS CodeDeploy. The emulated service has no `BatchGetDeploymentGroups`, `ListDeploymentTargets` and
//! `BatchGetDeploymentTargets`: their answers are given.

mod applications;
mod deployments;
mod targets;

use serde_json::{Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION};

const APPLICATION: &str = "AWS::CodeDeploy::Application";
const GROUP: &str = "AWS::CodeDeploy::DeploymentGroup";
const DEPLOYMENT: &str = "AWS::CodeDeploy::Deployment";
const TARGET: &str = "AWS::CodeDeploy::DeploymentTarget";

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: APPLICATION,
        service: "codedeploy",
        listing: "ListApplications",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(create_applications(bench, names)),
        page: Some(application_page),
        calls: &[
            ("codedeploy:ListApplications", 1),
            ("codedeploy:BatchGetApplications", 1),
            ("codedeploy:ListTagsForResource", 3),
        ],
        calls_of_options: &[],
        enrichments: &[Enrichment {
            service: "codedeploy",
            operation: "ListTagsForResource",
            name: "ListTagsForResource",
            is_option: false,
            not_found: NotFound::IsGone((400, "ApplicationDoesNotExistException")),
        }],
    },
    Contract {
        kind: GROUP,
        service: "codedeploy",
        listing: "ListApplications",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(create_groups(bench, names)),
        page: None,
        calls: &[
            ("codedeploy:ListApplications", 1),
            ("codedeploy:ListDeploymentGroups", 1),
            ("codedeploy:BatchGetDeploymentGroups", 1),
        ],
        calls_of_options: &[("codedeploy:ListTagsForResource", 3)],
        enrichments: &[Enrichment {
            service: "codedeploy",
            operation: "ListTagsForResource",
            name: "GetDeploymentGroupTags",
            is_option: true,
            not_found: NotFound::IsGone((400, "DeploymentGroupDoesNotExistException")),
        }],
    },
    Contract {
        kind: DEPLOYMENT,
        service: "codedeploy",
        listing: "ListDeployments",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(create_deployments(bench, names)),
        page: Some(deployment_page),
        calls: &[("codedeploy:ListDeployments", 1), ("codedeploy:BatchGetDeployments", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: TARGET,
        service: "codedeploy",
        listing: "ListDeployments",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(give_targets(bench, names)),
        page: None,
        calls: &[
            ("codedeploy:ListDeployments", 1),
            ("codedeploy:ListDeploymentTargets", 1),
            ("codedeploy:BatchGetDeploymentTargets", 1),
        ],
        calls_of_options: &[],
        enrichments: &[],
    },
];

async fn create_applications(bench: &Bench, names: &[&str]) {
    for name in names {
        let tags = json!([{"Key": "team", "Value": "sea"}]);
        let order = json!({"applicationName": name, "computePlatform": "Server", "tags": tags});
        bench.alpha_in(REGION).call("codedeploy", "create_application", order).await;
    }
}

/// The application `web`, which may be there already.
async fn create_web(bench: &Bench) {
    let order = json!({"applicationName": "web", "computePlatform": "Server"});
    let (aws, alpha) = (bench.organization.aws(), bench.alpha());
    match aws.call(alpha, REGION, "codedeploy", "create_application", order).await {
        Err(error) if error.code != "ApplicationAlreadyExistsException" => panic!("the application: {error}"),
        _ => {}
    }
}

async fn create_group(bench: &Bench, application: &str, name: &str) {
    let order = json!({
        "applicationName": application,
        "deploymentGroupName": name,
        "serviceRoleArn": format!("arn:aws:iam::{}:role/deploy", bench.alpha()),
        "tags": [{"Key": "team", "Value": "sea"}],
    });
    bench.alpha_in(REGION).call("codedeploy", "create_deployment_group", order).await;
}

async fn create_groups(bench: &Bench, names: &[&str]) {
    create_web(bench).await;
    for name in names {
        create_group(bench, "web", name).await;
    }
    let groups = names.iter().map(|name| json!({"applicationName": "web", "deploymentGroupName": name}));
    let answer = json!({"deploymentGroupsInfo": groups.collect::<Vec<_>>(), "errorMessage": ""}).to_string();
    bench.answer(GROUP, "codedeploy", "BatchGetDeploymentGroups", "web", &answer).await;
}

async fn create_deployments(bench: &Bench, names: &[&str]) {
    create_web(bench).await;
    create_group(bench, "web", "blue").await;
    for name in names {
        let location = json!({"bucket": "b", "key": name, "bundleType": "zip"});
        let order = json!({
            "applicationName": "web",
            "deploymentGroupName": "blue",
            "revision": {"revisionType": "S3", "s3Location": location},
            "description": name,
        });
        bench.alpha_in(REGION).call("codedeploy", "create_deployment", order).await;
    }
}

/// The targets of one deployment, as the service answers about them.
async fn give_targets(bench: &Bench, names: &[&str]) {
    let deployments = json!({"deployments": ["d-1"]}).to_string();
    bench.answer(TARGET, "codedeploy", "ListDeployments", "", &deployments).await;
    bench.answer(TARGET, "codedeploy", "ListDeploymentTargets", "d-1", &json!({"targetIds": names}).to_string()).await;
    let targets: Vec<_> = names.iter().map(|name| instance_target("d-1", name)).collect();
    let answer = json!({"deploymentTargets": targets}).to_string();
    bench.answer(TARGET, "codedeploy", "BatchGetDeploymentTargets", "d-1", &answer).await;
}

fn instance_target(deployment: &str, id: &str) -> Value {
    let target = json!({"deploymentId": deployment, "targetId": id, "status": "Succeeded"});
    json!({"deploymentTargetType": "InstanceTarget", "instanceTarget": target})
}

fn application_page(name: &str, token: &str) -> String {
    json!({"applications": [name], "nextToken": token}).to_string()
}

fn deployment_page(id: &str, token: &str) -> String {
    json!({"deployments": [id], "nextToken": token}).to_string()
}
