//! Builds of all projects.

use aws_sdk_codebuild::Client;
use aws_sdk_codebuild::types::SortOrderType;
use serde_json::{Map, Value};

use crate::kinds::batch::{BatchCall, Descriptions};
use crate::kinds::fields::{Field, Form};
use crate::kinds::history::{self, Position};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope};

const LIST_BUILDS: &str = "codebuild:ListBuilds";

/// One call takes what is also the service's own page of the listing.
const BATCH_GET_BUILDS: BatchCall =
    BatchCall { call: "codebuild:BatchGetBuilds", most: 100, id: "Id", one_is_gone: &[] };

pub const BUILD_RUN: Kind = Kind {
    name: "AWS::CodeBuild::BuildRun",
    scope: Scope::Regional,
    calls: "n/100 ListBuilds (the service's page), n/100 BatchGetBuilds",
    iam_actions: &["codebuild:ListBuilds", "codebuild:BatchGetBuilds"],
    include_actions: &[],
    is_history: true,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(build_runs(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("Arn", Form::Text),
    ("Artifacts", Form::Object),
    ("AutoRetryConfig", Form::Object),
    ("BuildBatchArn", Form::Text),
    ("BuildComplete", Form::Boolean),
    ("BuildNumber", Form::Integer),
    ("BuildStatus", Form::Text),
    ("Cache", Form::Object),
    ("CurrentPhase", Form::Text),
    ("DebugSession", Form::Object),
    ("EncryptionKey", Form::Text),
    ("EndTime", Form::Time),
    ("Environment", Form::Object),
    ("ExportedEnvironmentVariables", Form::Objects),
    ("FileSystemLocations", Form::Objects),
    ("Id", Form::Text),
    ("Initiator", Form::Text),
    ("Logs", Form::Object),
    ("NetworkInterface", Form::Object),
    ("Phases", Form::Objects),
    ("ProjectName", Form::Text),
    ("QueuedTimeoutInMinutes", Form::Integer),
    ("ReportArns", Form::Texts),
    ("ResolvedSourceVersion", Form::Text),
    ("SecondaryArtifacts", Form::Objects),
    ("SecondarySources", Form::Objects),
    ("SecondarySourceVersions", Form::Objects),
    ("ServiceRole", Form::Text),
    ("Source", Form::Object),
    ("SourceVersion", Form::Text),
    ("StartTime", Form::Time),
    ("TimeoutInMinutes", Form::Integer),
    ("VpcConfig", Form::Object),
    ("Phases[].startTime", Form::Time),
    ("Phases[].endTime", Form::Time),
];

async fn build_runs(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let position = Position::parse(cursor)?;
    // Newest first, so that a bound ends the listing.
    let call = client.list_builds().sort_order(SortOrderType::Descending).set_next_token(position.token.clone());
    let output = call.send().await.map_err(ReadError::of(LIST_BUILDS))?;
    let ids = output.ids.unwrap_or_default().into_iter().take(position.wanted(reading));
    let builds = BATCH_GET_BUILDS.describe(ids.map(listed_build).collect(), |ids| describe(&client, ids)).await;
    history::page(LIST_BUILDS, reading, &position, builds, output.next_token)
}

/// A build as the listing gives it.
fn listed_build(id: String) -> Resource {
    let properties = Map::from_iter([("Id".to_owned(), Value::from(id.as_str()))]);
    Resource::new(id, properties)
}

async fn describe(client: &Client, ids: Vec<String>) -> Result<Descriptions, ReadError> {
    let call = BATCH_GET_BUILDS.call;
    let body = ResponseBody::default();
    let answer = client.batch_get_builds().set_ids(Some(ids)).customize().interceptor(body.keeper()).send().await;
    let output = answer.map_err(ReadError::of(call))?;
    let described = body.objects(call, "builds")?.into_iter().map(|build| properties_of(build, &[], FIELDS));
    let gone = output.builds_not_found.unwrap_or_default();
    Ok(Descriptions::by(BATCH_GET_BUILDS.id, described).without(gone))
}
