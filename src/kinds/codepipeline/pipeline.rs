//! Pipelines, with their definitions and tags.

use aws_sdk_codepipeline::Client;
use serde_json::{Map, Value};

use super::definitions::{definition, pipelines};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of};
use crate::kinds::{Kind, Page, PageToken, ReadError, Reading, Resource, Scope, nested};

const LIST_TAGS: &str = "codepipeline:ListTagsForResource";

pub const PIPELINE: Kind = Kind {
    name: "AWS::CodePipeline::Pipeline",
    scope: Scope::Regional,
    calls: "n/1000 ListPipelines, n GetPipeline (both shared by the kinds of CodePipeline), n ListTagsForResource",
    iam_actions: &["codepipeline:ListPipelines", "codepipeline:GetPipeline", "codepipeline:ListTagsForResource"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(list_pipelines(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ArtifactStore", Form::Object),
    ("ArtifactStores", Form::Object),
    ("Created", Form::Time),
    ("ExecutionMode", Form::Text),
    ("Name", Form::Text),
    ("PipelineArn", Form::Text),
    ("PipelineType", Form::Text),
    ("PollingDisabledAt", Form::Time),
    ("RoleArn", Form::Text),
    ("Stages", Form::Objects),
    ("Tags", Form::Objects),
    ("Triggers", Form::Objects),
    ("Updated", Form::Time),
    ("Variables", Form::Objects),
    ("Version", Form::Integer),
];

/// A few pipelines a page, so that a page's enrichments are few.
async fn list_pipelines(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let listed = pipelines(reading).await?;
    nested::page(reading, &listed.names, cursor, |name, _| {
        let pipeline = read_pipeline(reading, &client, listed.summary(&name), name);
        async { Ok(Page::new(pipeline.await.into_iter().collect(), None)) }
    })
    .await
}

/// A pipeline with its definition and tags; none when it was deleted in between.
///
/// Where listing and definition differ, the listing's word counts, as mappings know it.
async fn read_pipeline(
    reading: &Reading,
    client: &Client,
    summary: Map<String, Value>,
    name: String,
) -> Option<Resource> {
    let defined = match definition(reading, &name).await {
        Ok(defined) => defined?,
        Err(error) => {
            let mut pipeline = Resource::new(name, properties_of(summary, &[], FIELDS));
            pipeline.lacks("GetPipeline", &error);
            return Some(pipeline);
        }
    };
    let tags = list_tags(client, &reading.arn("codepipeline", &name)).await;
    let mut members = defined.metadata;
    members.extend(defined.pipeline);
    members.extend(summary);
    let mut pipeline = Resource::new(name, properties_of(members, &[], FIELDS));
    match tags {
        Ok(tags) => {
            pipeline.properties.insert("Tags".to_owned(), Value::Array(tags));
        }
        // API reference: its "not found" may also mean an ARN that it does not understand.
        Err(error) => pipeline.lacks("ListTagsForResource", &error),
    }
    Some(pipeline)
}

async fn list_tags(client: &Client, arn: &str) -> Result<Vec<Value>, ReadError> {
    let mut tags = Vec::new();
    let mut token = PageToken::first(LIST_TAGS);
    loop {
        let body = ResponseBody::default();
        let call = client.list_tags_for_resource().resource_arn(arn).set_next_token(token.to_send());
        let answer = call.customize().interceptor(body.keeper()).send().await;
        let output = answer.map_err(ReadError::of(LIST_TAGS))?;
        tags.extend(body.objects(LIST_TAGS, "tags")?.into_iter().map(Value::Object));
        if !token.go_on(output.next_token)? {
            return Ok(tags);
        }
    }
}
