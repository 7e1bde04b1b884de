//! ECS task definitions: every active revision of every family.

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{TaskDefinitionField, TaskDefinitionStatus};
use serde_json::{Map, Value};

use super::super::fields::{Field, Form};
use super::super::json::{ResponseBody, properties_of};
use super::super::{Kind, Page, ReadError, Reading, Resource, Scope};

pub const TASK_DEFINITION: Kind = Kind {
    name: "AWS::ECS::TaskDefinition",
    scope: Scope::Regional,
    calls: "n/100 ListTaskDefinitions (the service's page), n DescribeTaskDefinition",
    iam_actions: &["ecs:ListTaskDefinitions", "ecs:DescribeTaskDefinition"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(task_definitions(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("TaskDefinitionArn", Form::Text),
    ("Family", Form::Text),
    ("Revision", Form::Integer),
    ("Status", Form::Text),
    ("ContainerDefinitions", Form::Objects),
    ("Cpu", Form::Text),
    ("Memory", Form::Text),
    ("NetworkMode", Form::Text),
    ("Compatibilities", Form::Texts),
    ("RequiresCompatibilities", Form::Texts),
    ("RequiresAttributes", Form::Objects),
    ("TaskRoleArn", Form::Text),
    ("ExecutionRoleArn", Form::Text),
    ("Volumes", Form::Objects),
    ("EphemeralStorage", Form::Object),
    ("PlacementConstraints", Form::Objects),
    ("RuntimePlatform", Form::Object),
    ("PidMode", Form::Text),
    ("IpcMode", Form::Text),
    ("ProxyConfiguration", Form::Object),
    ("InferenceAccelerators", Form::Objects),
    ("EnableFaultInjection", Form::Boolean),
    ("Tags", Form::Objects),
    ("RegisteredAt", Form::Time),
    ("RegisteredBy", Form::Text),
    ("DeregisteredAt", Form::Time),
    ("DeleteRequestedAt", Form::Time),
];

async fn task_definitions(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let call = client.list_task_definitions().status(TaskDefinitionStatus::Active).set_next_token(cursor);
    let output = call.send().await.map_err(ReadError::of("ecs:ListTaskDefinitions"))?;
    let arns = output.task_definition_arns.unwrap_or_default();
    let read = reading.for_each(arns, |arn| read_task_definition(&client, arn)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), output.next_token))
}

/// A task definition with its description; none when it was deleted in between.
async fn read_task_definition(client: &Client, arn: String) -> Option<Resource> {
    let properties = Map::from_iter([("TaskDefinitionArn".to_owned(), Value::from(arn.as_str()))]);
    let mut task_definition = Resource::new(arn, properties);
    match description(client, &task_definition.key).await {
        Ok(properties) => task_definition.properties.extend(properties),
        Err(error) if is_gone(&error) => return None,
        Err(error) => task_definition.lacks("DescribeTaskDefinition", &error),
    }
    Some(task_definition)
}

/// ECS has no code for it: `ClientException` says that a right is missing, too.
fn is_gone(error: &ReadError) -> bool {
    error.code() == "ClientException" && error.failure().message.contains("Unable to describe task definition")
}

async fn description(client: &Client, arn: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "ecs:DescribeTaskDefinition";
    let body = ResponseBody::default();
    let call = client.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
    call.customize().interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut answer = body.object(CALL)?;
    let Some(Value::Object(described)) = answer.remove("taskDefinition") else {
        return Err(ReadError::undecodable(CALL, "`taskDefinition` is no object"));
    };
    let mut properties = properties_of(described, &[], FIELDS);
    // Tags were asked for: without any in the answer it is known that there are none.
    let tags = answer.remove("tags").unwrap_or_else(|| Value::Array(Vec::new()));
    properties.insert("Tags".to_owned(), tags);
    Ok(properties)
}
