//! Build projects.

use aws_sdk_codebuild::Client;
use serde_json::{Map, Value};

use crate::kinds::batch::{BatchCall, Descriptions};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope};

/// One call takes what is also the service's own page of the listing.
const BATCH_GET_PROJECTS: BatchCall =
    BatchCall { call: "codebuild:BatchGetProjects", most: 100, id: "Name", one_is_gone: &[] };

pub const PROJECT: Kind = Kind {
    name: "AWS::CodeBuild::Project",
    scope: Scope::Regional,
    calls: "n/100 ListProjects (the service's page), n/100 BatchGetProjects",
    iam_actions: &["codebuild:ListProjects", "codebuild:BatchGetProjects"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(projects(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("Arn", Form::Text),
    ("Artifacts", Form::Object),
    ("AutoRetryLimit", Form::Integer),
    ("Badge", Form::Object),
    ("BuildBatchConfig", Form::Object),
    ("Cache", Form::Object),
    ("ConcurrentBuildLimit", Form::Integer),
    ("Created", Form::Time),
    ("Description", Form::Text),
    ("EncryptionKey", Form::Text),
    ("Environment", Form::Object),
    ("FileSystemLocations", Form::Objects),
    ("LastModified", Form::Time),
    ("LogsConfig", Form::Object),
    ("Name", Form::Text),
    ("ProjectVisibility", Form::Text),
    ("PublicProjectAlias", Form::Text),
    ("QueuedTimeoutInMinutes", Form::Integer),
    ("ResourceAccessRole", Form::Text),
    ("SecondaryArtifacts", Form::Objects),
    ("SecondarySources", Form::Objects),
    ("SecondarySourceVersions", Form::Objects),
    ("ServiceRole", Form::Text),
    ("Source", Form::Object),
    ("SourceVersion", Form::Text),
    ("Tags", Form::Objects),
    ("TimeoutInMinutes", Form::Integer),
    ("VpcConfig", Form::Object),
    ("Webhook", Form::Object),
    ("Webhook.lastModifiedSecret", Form::Time),
];

async fn projects(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let answer = client.list_projects().set_next_token(cursor).send().await;
    let output = answer.map_err(ReadError::of("codebuild:ListProjects"))?;
    let listed = output.projects.unwrap_or_default().into_iter().map(listed_project).collect();
    let projects = BATCH_GET_PROJECTS.describe(listed, |names| describe(&client, names)).await;
    Ok(Page::new(projects, output.next_token))
}

/// A project as the listing gives it.
fn listed_project(name: String) -> Resource {
    let properties = Map::from_iter([("Name".to_owned(), Value::from(name.as_str()))]);
    Resource::new(name, properties)
}

async fn describe(client: &Client, names: Vec<String>) -> Result<Descriptions, ReadError> {
    let call = BATCH_GET_PROJECTS.call;
    let body = ResponseBody::default();
    let answer = client.batch_get_projects().set_names(Some(names)).customize().interceptor(body.keeper()).send().await;
    let output = answer.map_err(ReadError::of(call))?;
    let projects = body.objects(call, "projects")?.into_iter();
    let described = projects.map(|project| properties_of(project, &[], FIELDS));
    let gone = output.projects_not_found.unwrap_or_default();
    Ok(Descriptions::by(BATCH_GET_PROJECTS.id, described).without(gone))
}
