//! Deployments of all applications.

use aws_sdk_codedeploy::Client;
use serde_json::{Map, Value};

use super::listing::{deployment_ids, portion};
use crate::kinds::batch::{BatchCall, Descriptions};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope};

/// Deployments of one page: as many as are described with calls side by side.
const DEPLOYMENTS_PER_PAGE: usize = 200;

const BATCH_GET_DEPLOYMENTS: BatchCall =
    BatchCall { call: "codedeploy:BatchGetDeployments", most: 25, id: "DeploymentId", one_is_gone: &[] };

pub const DEPLOYMENT: Kind = Kind {
    name: "AWS::CodeDeploy::Deployment",
    scope: Scope::Regional,
    calls: "ListDeployments (the service's page; shared with deployment targets that have the same bounds), \
            n/25 BatchGetDeployments",
    iam_actions: &["codedeploy:ListDeployments", "codedeploy:BatchGetDeployments"],
    include_actions: &[],
    is_history: true,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(deployments(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("AdditionalDeploymentStatusInfo", Form::Text),
    ("ApplicationName", Form::Text),
    ("AutoRollbackConfiguration", Form::Object),
    ("BlueGreenDeploymentConfiguration", Form::Object),
    ("CompleteTime", Form::Time),
    ("ComputePlatform", Form::Text),
    ("CreateTime", Form::Time),
    ("Creator", Form::Text),
    ("DeploymentConfigName", Form::Text),
    ("DeploymentGroupName", Form::Text),
    ("DeploymentId", Form::Text),
    ("DeploymentMode", Form::Text),
    ("DeploymentOverview", Form::Object),
    ("DeploymentStatusMessages", Form::Texts),
    ("DeploymentStyle", Form::Object),
    ("Description", Form::Text),
    ("Ec2DeploymentOptions", Form::Object),
    ("ErrorInformation", Form::Object),
    ("ExternalId", Form::Text),
    ("FileExistsBehavior", Form::Text),
    ("IgnoreApplicationStopFailures", Form::Boolean),
    ("InstanceTerminationWaitTimeStarted", Form::Boolean),
    ("LoadBalancerInfo", Form::Object),
    ("OverrideAlarmConfiguration", Form::Object),
    ("PreviousRevision", Form::Object),
    ("RelatedDeployments", Form::Object),
    ("Revision", Form::Object),
    ("RollbackInfo", Form::Object),
    ("StartTime", Form::Time),
    ("Status", Form::Text),
    ("TargetInstances", Form::Object),
    ("UpdateOutdatedInstancesOnly", Form::Boolean),
];

async fn deployments(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let ids = deployment_ids(reading, &client).await?;
    let (ids, next) = portion(&ids, cursor, DEPLOYMENTS_PER_PAGE);
    let listed = ids.iter().map(|id| listed_deployment(id)).collect();
    let batches = BATCH_GET_DEPLOYMENTS.batches(listed);
    let ask = |ids| describe(&client, ids);
    let read = reading.for_each(batches, |batch| BATCH_GET_DEPLOYMENTS.describe(batch, ask)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), next))
}

/// A deployment as the listing gives it.
fn listed_deployment(id: &str) -> Resource {
    Resource::new(id, Map::from_iter([("DeploymentId".to_owned(), Value::from(id))]))
}

async fn describe(client: &Client, ids: Vec<String>) -> Result<Descriptions, ReadError> {
    let call = BATCH_GET_DEPLOYMENTS.call;
    let body = ResponseBody::default();
    let request = client.batch_get_deployments().set_deployment_ids(Some(ids));
    request.customize().interceptor(body.keeper()).send().await.map_err(ReadError::of(call))?;
    let deployments = body.objects(call, "deploymentsInfo")?.into_iter();
    let described = deployments.map(|deployment| properties_of(deployment, &[], FIELDS));
    Ok(Descriptions::by(BATCH_GET_DEPLOYMENTS.id, described))
}
