//! Deployment groups of all applications.

use aws_sdk_codedeploy::Client;
use serde_json::{Map, Value};

use super::listing::{NO_APPLICATION, application_names, tags};
use crate::kinds::batch::{BatchCall, Descriptions};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope, nested};

const TAGS: &str = "GetDeploymentGroupTags";

const BATCH_GET_GROUPS: BatchCall =
    BatchCall { call: "codedeploy:BatchGetDeploymentGroups", most: 100, id: "DeploymentGroupName", one_is_gone: &[] };

pub const DEPLOYMENT_GROUP: Kind = Kind {
    name: "AWS::CodeDeploy::DeploymentGroup",
    scope: Scope::Regional,
    calls: "ListApplications (the service's page; shared with applications), and for each application with g groups: \
            ListDeploymentGroups (the service's page), g/100 BatchGetDeploymentGroups",
    iam_actions: &[
        "codedeploy:ListApplications",
        "codedeploy:ListDeploymentGroups",
        "codedeploy:BatchGetDeploymentGroups",
    ],
    include_actions: &[IncludeAction {
        name: TAGS,
        calls: "n ListTagsForResource, more where a deployment group has pages of tags",
        iam_actions: &["codedeploy:ListTagsForResource"],
    }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(deployment_groups(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("AlarmConfiguration", Form::Object),
    ("ApplicationName", Form::Text),
    ("AutoRollbackConfiguration", Form::Object),
    ("AutoScalingGroups", Form::Objects),
    ("BlueGreenDeploymentConfiguration", Form::Object),
    ("ComputePlatform", Form::Text),
    ("DeploymentConfigName", Form::Text),
    ("DeploymentGroupId", Form::Text),
    ("DeploymentGroupName", Form::Text),
    ("DeploymentStyle", Form::Object),
    ("Ec2DeploymentOptions", Form::Object),
    ("Ec2TagFilters", Form::Objects),
    ("Ec2TagSet", Form::Object),
    ("EcsServices", Form::Objects),
    ("LastAttemptedDeployment", Form::Object),
    ("LastSuccessfulDeployment", Form::Object),
    ("LoadBalancerInfo", Form::Object),
    ("OnPremisesInstanceTagFilters", Form::Objects),
    ("OnPremisesTagSet", Form::Object),
    ("OutdatedInstancesStrategy", Form::Text),
    ("ServiceRoleArn", Form::Text),
    ("Tags", Form::Objects),
    ("TargetRevision", Form::Object),
    ("TerminationHookEnabled", Form::Boolean),
    ("TriggerConfigurations", Form::Objects),
    ("LastAttemptedDeployment.createTime", Form::Time),
    ("LastAttemptedDeployment.endTime", Form::Time),
    ("LastSuccessfulDeployment.createTime", Form::Time),
    ("LastSuccessfulDeployment.endTime", Form::Time),
];

async fn deployment_groups(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let applications = application_names(reading, &client).await?;
    let list_groups = |application, token| groups_of(&client, application, token);
    let mut page = nested::page(reading, &applications, cursor, list_groups).await?;
    if reading.wants(TAGS) {
        let read = reading.for_each(page.resources, |group| with_tags(reading, &client, group)).await;
        page.resources = read.into_iter().flatten().collect();
    }
    Ok(page)
}

/// A page of an application's groups; none when the application was deleted in between.
async fn groups_of(client: &Client, application: String, token: Option<String>) -> Result<Page, ReadError> {
    let request = client.list_deployment_groups().application_name(&application).set_next_token(token);
    let output = match request.send().await.map_err(ReadError::of("codedeploy:ListDeploymentGroups")) {
        Ok(output) => output,
        Err(error) if error.code() == NO_APPLICATION => return Ok(Page::default()),
        Err(error) => return Err(error),
    };
    let names = output.deployment_groups.unwrap_or_default();
    let listed = names.iter().map(|name| listed_group(&application, name)).collect();
    let groups = BATCH_GET_GROUPS.describe(listed, |names| describe(client, &application, names)).await;
    Ok(Page::new(groups, output.next_token))
}

/// A group as the listing gives it.
fn listed_group(application: &str, name: &str) -> Resource {
    let properties = [("ApplicationName", application), ("DeploymentGroupName", name)];
    let properties = properties.map(|(member, text)| (member.to_owned(), Value::from(text)));
    Resource::new(format!("{application}/{name}"), Map::from_iter(properties))
}

async fn describe(client: &Client, application: &str, names: Vec<String>) -> Result<Descriptions, ReadError> {
    let call = BATCH_GET_GROUPS.call;
    let body = ResponseBody::default();
    let request = client
        .batch_get_deployment_groups()
        .application_name(application)
        .set_deployment_group_names(Some(names.clone()));
    let answer = request.customize().interceptor(body.keeper()).send().await;
    let output = match answer.map_err(ReadError::of(call)) {
        Ok(output) => output,
        Err(error) if error.code() == NO_APPLICATION => return Ok(Descriptions::default().without(names)),
        Err(error) => return Err(error),
    };
    let groups = body.objects(call, "deploymentGroupsInfo")?.into_iter();
    let described = groups.map(|group| properties_of(group, &[], FIELDS));
    let mut descriptions = Descriptions::by(BATCH_GET_GROUPS.id, described);
    descriptions.message = output.error_message;
    Ok(descriptions)
}

/// The group with its tags; none when it was deleted in between.
async fn with_tags(reading: &Reading, client: &Client, mut group: Resource) -> Option<Resource> {
    let arn = reading.arn("codedeploy", &format!("deploymentgroup:{}", group.key));
    match tags(client, &arn).await {
        Ok(tags) => {
            group.properties.insert("Tags".to_owned(), tags);
        }
        Err(error) if is_gone(&error) => return None,
        Err(error) => group.lacks_option(TAGS, &error),
    }
    Some(group)
}

fn is_gone(error: &ReadError) -> bool {
    matches!(error.code(), NO_APPLICATION | "DeploymentGroupDoesNotExistException")
}
