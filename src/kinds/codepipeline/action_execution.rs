//! Executions of actions: a history of at most twelve months.

use aws_sdk_codepipeline::Client;
use serde_json::Value;

use super::definitions::pipelines;
use super::says_that_pipeline_is_gone;
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{ResponseBody, properties_of, required_text};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope, history, nested};

const LIST_EXECUTIONS: &str = "codepipeline:ListActionExecutions";

pub const ACTION_EXECUTION: Kind = Kind {
    name: "AWS::CodePipeline::ActionExecution",
    scope: Scope::Regional,
    calls: "p/1000 ListPipelines, at most p + n/100 ListActionExecutions for p pipelines",
    iam_actions: &["codepipeline:ListPipelines", "codepipeline:ListActionExecutions"],
    include_actions: &[],
    is_history: true,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(list_executions(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ActionExecutionId", Form::Text),
    ("ActionName", Form::Text),
    ("Input", Form::Object),
    ("LastUpdateTime", Form::Time),
    ("Output", Form::Object),
    ("PipelineExecutionId", Form::Text),
    ("PipelineName", Form::Text),
    ("PipelineVersion", Form::Integer),
    ("StageName", Form::Text),
    ("StartTime", Form::Time),
    ("Status", Form::Text),
    ("UpdatedBy", Form::Text),
];

async fn list_executions(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let listed = pipelines(reading).await?;
    nested::page(reading, &listed.names, cursor, |pipeline, cursor| executions_of(reading, &client, pipeline, cursor))
        .await
}

/// A page of the executions of a pipeline's actions; none when the pipeline was deleted in between.
async fn executions_of(
    reading: &Reading,
    client: &Client,
    pipeline: String,
    cursor: Option<String>,
) -> Result<Page, ReadError> {
    let position = history::Position::parse(cursor)?;
    let body = ResponseBody::default();
    let call = client
        .list_action_executions()
        .pipeline_name(&pipeline)
        .max_results(position.page_size(reading))
        .set_next_token(position.token.clone());
    let answer = call.customize().interceptor(body.keeper()).send().await;
    let output = match answer.map_err(ReadError::of(LIST_EXECUTIONS)) {
        Ok(output) => output,
        Err(error) if says_that_pipeline_is_gone(&error) => return Ok(Page::default()),
        Err(error) => return Err(error),
    };
    let mut executions = Vec::new();
    for details in body.objects(LIST_EXECUTIONS, "actionExecutionDetails")? {
        let id = required_text(LIST_EXECUTIONS, &details, "actionExecutionId")?;
        let mut properties = properties_of(details, &[], FIELDS);
        // The answer is about one pipeline, and does not say again which.
        properties.insert("PipelineName".to_owned(), Value::from(pipeline.as_str()));
        executions.push(Resource::new(id, properties));
    }
    history::page(LIST_EXECUTIONS, reading, &position, executions, output.next_token)
}
