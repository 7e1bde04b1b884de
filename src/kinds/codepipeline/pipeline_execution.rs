//! Executions of pipelines: a history of at most twelve months.

use aws_sdk_codepipeline::Client;
use serde_json::{Map, Value};

use super::definitions::pipelines;
use super::says_that_pipeline_is_gone;
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of, required_text, text_of};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope, history, nested};

const LIST_EXECUTIONS: &str = "codepipeline:ListPipelineExecutions";
const GET_EXECUTION: &str = "codepipeline:GetPipelineExecution";

pub const PIPELINE_EXECUTION: Kind = Kind {
    name: "AWS::CodePipeline::PipelineExecution",
    scope: Scope::Regional,
    calls: "p/1000 ListPipelines, at most p + n/100 ListPipelineExecutions for p pipelines, n GetPipelineExecution",
    iam_actions: &[
        "codepipeline:ListPipelines",
        "codepipeline:ListPipelineExecutions",
        "codepipeline:GetPipelineExecution",
    ],
    include_actions: &[],
    is_history: true,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(list_executions(reading, cursor)),
};

/// Each pipeline gives up to a hundred executions, and each of these takes a call: a page must be read well within an
/// invocation.
const PIPELINES_AT_ONCE: usize = 2;

const FIELDS: &[Field] = &[
    ("ArtifactRevisions", Form::Objects),
    ("ExecutionMode", Form::Text),
    ("ExecutionType", Form::Text),
    ("LastUpdateTime", Form::Time),
    ("PipelineExecutionId", Form::Text),
    ("PipelineName", Form::Text),
    ("PipelineVersion", Form::Integer),
    ("RollbackMetadata", Form::Object),
    ("SourceRevisions", Form::Objects),
    ("StartTime", Form::Time),
    ("Status", Form::Text),
    ("StatusSummary", Form::Text),
    ("StopTrigger", Form::Object),
    ("Trigger", Form::Object),
    ("Variables", Form::Objects),
    ("ArtifactRevisions[].created", Form::Time),
];

async fn list_executions(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let listed = pipelines(reading).await?;
    let mut page = nested::page_of(PIPELINES_AT_ONCE, reading, &listed.names, cursor, |pipeline, cursor| {
        executions_of(reading, &client, pipeline, cursor)
    })
    .await?;
    let executions = std::mem::take(&mut page.resources);
    let enriched = reading.for_each(executions, |execution| with_details(&client, execution)).await;
    page.resources = enriched.into_iter().flatten().collect();
    Ok(page)
}

/// A page of a pipeline's executions; none when the pipeline was deleted in between.
async fn executions_of(
    reading: &Reading,
    client: &Client,
    pipeline: String,
    cursor: Option<String>,
) -> Result<Page, ReadError> {
    let mut position = history::Position::parse(cursor)?;
    let body = ResponseBody::default();
    let call = client
        .list_pipeline_executions()
        .pipeline_name(&pipeline)
        .max_results(position.page_size(reading))
        .set_next_token(position.token.take());
    let answer = call.customize().interceptor(body.keeper()).send().await;
    let output = match answer.map_err(ReadError::of(LIST_EXECUTIONS)) {
        Ok(output) => output,
        Err(error) if says_that_pipeline_is_gone(&error) => return Ok(Page::default()),
        Err(error) => return Err(error),
    };
    let mut executions = Vec::new();
    for summary in body.objects(LIST_EXECUTIONS, "pipelineExecutionSummaries")? {
        let id = required_text(LIST_EXECUTIONS, &summary, "pipelineExecutionId")?;
        let mut properties = properties_of(summary, &[], FIELDS);
        properties.insert("PipelineName".to_owned(), Value::from(pipeline.as_str()));
        executions.push(Resource::new(format!("{pipeline}/{id}"), properties));
    }
    Ok(history::page(reading, &position, executions, output.next_token))
}

/// The execution with what only the call for it alone says; none when its pipeline was deleted in between.
async fn with_details(client: &Client, mut execution: Resource) -> Option<Resource> {
    match details(client, &execution.properties).await {
        Ok(details) => execution.properties.extend(properties_of(details, &[], FIELDS)),
        Err(error) if says_that_pipeline_is_gone(&error) => return None,
        Err(error) => execution.lacks("GetPipelineExecution", &error),
    }
    Some(execution)
}

async fn details(client: &Client, listed: &Map<String, Value>) -> Result<Map<String, Value>, ReadError> {
    let body = ResponseBody::default();
    let call = client
        .get_pipeline_execution()
        .set_pipeline_name(text_of(listed, "PipelineName").map(str::to_owned))
        .set_pipeline_execution_id(text_of(listed, "PipelineExecutionId").map(str::to_owned));
    let answer = call.customize().interceptor(body.keeper()).send().await;
    answer.map_err(ReadError::of(GET_EXECUTION))?;
    body.object_in(GET_EXECUTION, "pipelineExecution")
}
