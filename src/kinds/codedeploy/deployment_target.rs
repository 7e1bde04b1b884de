//! What deployments deploy to: instances, functions, services, stacks.

use aws_sdk_codedeploy::Client;
use serde_json::{Map, Value};

use super::listing::deployment_ids;
use crate::kinds::batch::{BatchCall, Descriptions};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope, nested};

const BATCH_GET_TARGETS: BatchCall = BatchCall {
    call: "codedeploy:BatchGetDeploymentTargets",
    most: 25,
    id: "TargetId",
    one_is_gone: &["DeploymentTargetDoesNotExistException"],
};

/// Says of a deployment that it is not there.
const NO_DEPLOYMENT: &str = "DeploymentDoesNotExistException";

/// Says of a deployment that it has no targets yet.
const NOT_STARTED: &str = "DeploymentNotStartedException";

/// The bounds of histories are those of the deployments: the targets of the newest so many, or of those that were
/// created in the last so many days.
pub const DEPLOYMENT_TARGET: Kind = Kind {
    name: "AWS::CodeDeploy::DeploymentTarget",
    scope: Scope::Regional,
    calls: "ListDeployments (the service's page; shared with deployments that have the same bounds), and for each \
            deployment with t targets: ListDeploymentTargets (the service's page), t/25 BatchGetDeploymentTargets",
    iam_actions: &[
        "codedeploy:ListDeployments",
        "codedeploy:ListDeploymentTargets",
        "codedeploy:BatchGetDeploymentTargets",
    ],
    include_actions: &[],
    is_history: true,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(deployment_targets(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("DeploymentId", Form::Text),
    ("TargetId", Form::Text),
    ("DeploymentTargetType", Form::Text),
    ("InstanceTarget", Form::Object),
    ("LambdaTarget", Form::Object),
    ("EcsTarget", Form::Object),
    ("CloudFormationTarget", Form::Object),
    ("InstanceTarget.lastUpdatedAt", Form::Time),
    ("InstanceTarget.lifecycleEvents[].startTime", Form::Time),
    ("InstanceTarget.lifecycleEvents[].endTime", Form::Time),
    ("LambdaTarget.lastUpdatedAt", Form::Time),
    ("LambdaTarget.lifecycleEvents[].startTime", Form::Time),
    ("LambdaTarget.lifecycleEvents[].endTime", Form::Time),
    ("EcsTarget.lastUpdatedAt", Form::Time),
    ("EcsTarget.lifecycleEvents[].startTime", Form::Time),
    ("EcsTarget.lifecycleEvents[].endTime", Form::Time),
    ("CloudFormationTarget.lastUpdatedAt", Form::Time),
    ("CloudFormationTarget.lifecycleEvents[].startTime", Form::Time),
    ("CloudFormationTarget.lifecycleEvents[].endTime", Form::Time),
];

async fn deployment_targets(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let deployments = deployment_ids(reading, &client).await?;
    let list_targets = |deployment, token| targets_of(&client, deployment, token);
    nested::page(reading, &deployments, cursor, list_targets).await
}

/// A page of a deployment's targets; none when it has not begun, or was deleted in between.
async fn targets_of(client: &Client, deployment: String, token: Option<String>) -> Result<Page, ReadError> {
    let request = client.list_deployment_targets().deployment_id(&deployment).set_next_token(token);
    let output = match request.send().await.map_err(ReadError::of("codedeploy:ListDeploymentTargets")) {
        Ok(output) => output,
        Err(error) if matches!(error.code(), NOT_STARTED | NO_DEPLOYMENT) => return Ok(Page::default()),
        Err(error) => return Err(error),
    };
    let ids = output.target_ids.unwrap_or_default();
    let listed = ids.iter().map(|id| listed_target(&deployment, id)).collect();
    let targets = BATCH_GET_TARGETS.describe(listed, |ids| describe(client, &deployment, ids)).await;
    Ok(Page::new(targets, output.next_token))
}

/// A target as the listing gives it. Its description has the id in another place for each type of target.
fn listed_target(deployment: &str, id: &str) -> Resource {
    let properties = [("DeploymentId", deployment), ("TargetId", id)];
    let properties = properties.map(|(member, text)| (member.to_owned(), Value::from(text)));
    Resource::new(format!("{deployment}/{id}"), Map::from_iter(properties))
}

async fn describe(client: &Client, deployment: &str, ids: Vec<String>) -> Result<Descriptions, ReadError> {
    let call = BATCH_GET_TARGETS.call;
    let body = ResponseBody::default();
    let request = client.batch_get_deployment_targets().deployment_id(deployment).set_target_ids(Some(ids.clone()));
    let answer = request.customize().interceptor(body.keeper()).send().await;
    match answer.map_err(ReadError::of(call)) {
        Ok(_) => {}
        Err(error) if error.code() == NO_DEPLOYMENT => return Ok(Descriptions::default().without(ids)),
        Err(error) => return Err(error),
    }
    let targets = body.objects(call, "deploymentTargets")?.into_iter();
    let described = targets.map(|target| with_id(properties_of(target, &[], FIELDS)));
    Ok(Descriptions::by(BATCH_GET_TARGETS.id, described))
}

/// The target with its id at the first level. It has one member of its type's name, with the id in it.
fn with_id(mut target: Map<String, Value>) -> Map<String, Value> {
    let id = target.values().find_map(|member| member.get("targetId").cloned());
    if let Some(id) = id {
        target.insert("TargetId".to_owned(), id);
    }
    target
}
