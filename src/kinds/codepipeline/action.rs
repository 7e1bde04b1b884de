//! Actions, out of the definitions of their pipelines.

use serde_json::{Map, Value};

use super::definitions::{Definition, GET_PIPELINE, definition, pipelines};
use crate::kinds::fields::{Field, Form};
use crate::kinds::json::{objects_of, properties_of, required_text, with_pascal_case_names};
use crate::kinds::{Kind, Page, ReadError, Reading, Resource, Scope, nested};

pub const ACTION: Kind = Kind {
    name: "AWS::CodePipeline::Action",
    scope: Scope::Regional,
    calls: "p/1000 ListPipelines, p GetPipeline for p pipelines (both shared by the kinds of CodePipeline)",
    iam_actions: &["codepipeline:ListPipelines", "codepipeline:GetPipeline"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(list_actions(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ActionTypeId", Form::Object),
    ("Configuration", Form::Object),
    ("Commands", Form::Texts),
    ("EnvironmentVariables", Form::Objects),
    ("InputArtifacts", Form::Objects),
    ("Name", Form::Text),
    ("Namespace", Form::Text),
    ("OutputArtifacts", Form::Objects),
    ("OutputVariables", Form::Texts),
    ("PipelineName", Form::Text),
    ("PipelineArn", Form::Text),
    ("PipelineVersion", Form::Integer),
    // Where the action runs, if the pipeline says so. The pipeline's own region is in the context.
    ("Region", Form::Text),
    ("RoleArn", Form::Text),
    ("RunOrder", Form::Integer),
    ("StageName", Form::Text),
    ("TimeoutInMinutes", Form::Integer),
];

async fn list_actions(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let listed = pipelines(reading).await?;
    nested::page(reading, &listed.names, cursor, |pipeline, _| actions_of(reading, pipeline)).await
}

/// The actions of a pipeline; none when it was deleted in between.
async fn actions_of(reading: &Reading, pipeline: String) -> Result<Page, ReadError> {
    let Some(mut defined) = definition(reading, &pipeline).await? else { return Ok(Page::default()) };
    let mut actions = Vec::new();
    for mut stage in defined.take_stages()? {
        let stage_name = required_text(GET_PIPELINE, &stage, "name")?;
        for action in objects_of(GET_PIPELINE, &mut stage, "actions")? {
            let name = required_text(GET_PIPELINE, &action, "name")?;
            let properties = action_properties(action, &defined, &pipeline, &stage_name);
            actions.push(Resource::new(format!("{pipeline}/{stage_name}/{name}"), properties));
        }
    }
    Ok(Page::new(actions, None))
}

fn action_properties(
    action: Map<String, Value>,
    defined: &Definition,
    pipeline: &str,
    stage: &str,
) -> Map<String, Value> {
    let mut properties = properties_of(action, &[], FIELDS);
    // The one object below the first level whose names mappings know in Pascal case.
    if let Some(Value::Object(type_id)) = properties.get_mut("ActionTypeId") {
        *type_id = with_pascal_case_names(std::mem::take(type_id), &[]);
    }
    let version = defined.pipeline.get("version").cloned().unwrap_or(Value::from(0));
    properties.insert("PipelineName".to_owned(), Value::from(pipeline));
    properties.insert("PipelineArn".to_owned(), Value::from(defined.arn()));
    properties.insert("PipelineVersion".to_owned(), version);
    properties.insert("StageName".to_owned(), Value::from(stage));
    properties
}
