//! Stages, out of the definitions of their pipelines.

use serde_json::Value;

use super::definitions::{GET_PIPELINE, definition, pipelines};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{properties_of, required_text};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope, nested};

pub const STAGE: Kind = Kind {
    name: "AWS::CodePipeline::Stage",
    scope: Scope::Regional,
    calls: "p/1000 ListPipelines, p GetPipeline for p pipelines (both shared by the kinds of CodePipeline)",
    iam_actions: &["codepipeline:ListPipelines", "codepipeline:GetPipeline"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(list_stages(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("Actions", Form::Objects),
    ("BeforeEntry", Form::Object),
    ("Blockers", Form::Objects),
    ("Name", Form::Text),
    ("OnFailure", Form::Object),
    ("OnSuccess", Form::Object),
    ("Order", Form::Integer),
    ("PipelineArn", Form::Text),
    ("PipelineName", Form::Text),
];

async fn list_stages(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let listed = pipelines(reading).await?;
    nested::page(reading, &listed.names, cursor, |pipeline, _| stages_of(reading, pipeline)).await
}

/// The stages of a pipeline; none when it was deleted in between.
async fn stages_of(reading: &Reading, pipeline: String) -> Result<Page, ReadError> {
    let Some(mut defined) = definition(reading, &pipeline).await? else { return Ok(Page::default()) };
    let mut stages = Vec::new();
    for (index, stage) in defined.take_stages()?.into_iter().enumerate() {
        let name = required_text(GET_PIPELINE, &stage, "name")?;
        let mut properties = properties_of(stage, &[], FIELDS);
        properties.insert("Order".to_owned(), Value::from(index + 1));
        properties.insert("PipelineArn".to_owned(), Value::from(defined.arn()));
        properties.insert("PipelineName".to_owned(), Value::from(pipeline.as_str()));
        stages.push(Resource::new(format!("{pipeline}/{name}"), properties));
    }
    Ok(Page::new(stages, None))
}
