//! The pipelines of a target and their definitions: what several kinds build upon, asked for once.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_codepipeline::Client;
use serde_json::{Map, Value};

use super::says_that_pipeline_is_gone;
use crate::kinds::json::{ResponseBody, object_of, objects_of, required_text, text_of};
use crate::kinds::shared::Shareable;
use crate::kinds::{PageToken, ReadError, Reading};

const LIST_PIPELINES: &str = "codepipeline:ListPipelines";
pub const GET_PIPELINE: &str = "codepipeline:GetPipeline";

/// Pipelines of one listing call, the most that the service gives.
const PAGE_SIZE: i32 = 1000;

/// About what a summary takes in memory: six members, of which only the name can be long.
const BYTES_PER_SUMMARY: usize = 1000;

/// The pipelines of a target, as the listing has them.
pub struct Pipelines {
    pub names: Vec<String>,
    summaries: BTreeMap<String, Map<String, Value>>,
}

impl Pipelines {
    /// What the listing says of a pipeline; nothing where it does not have it.
    pub fn summary(&self, name: &str) -> Map<String, Value> {
        self.summaries.get(name).cloned().unwrap_or_default()
    }
}

impl Shareable for Pipelines {
    fn weight(&self) -> usize {
        self.names.weight() + self.summaries.len() * BYTES_PER_SUMMARY
    }
}

/// All pipelines of the target.
pub async fn pipelines(reading: &Reading) -> Result<Arc<Pipelines>, ReadError> {
    reading.shared(LIST_PIPELINES, || list_pipelines(reading)).await
}

async fn list_pipelines(reading: &Reading) -> Result<Pipelines, ReadError> {
    let client = reading.client(Client::new);
    let mut summaries = BTreeMap::new();
    let mut token = PageToken::first(LIST_PIPELINES);
    loop {
        let body = ResponseBody::default();
        let call = client.list_pipelines().max_results(PAGE_SIZE).set_next_token(token.to_send());
        let answer = call.customize().interceptor(body.keeper()).send().await;
        let output = answer.map_err(ReadError::of(LIST_PIPELINES))?;
        for summary in body.objects(LIST_PIPELINES, "pipelines")? {
            summaries.insert(required_text(LIST_PIPELINES, &summary, "name")?, summary);
        }
        if !token.go_on(output.next_token)? {
            let names = summaries.keys().cloned().collect();
            return Ok(Pipelines { names, summaries });
        }
    }
}

/// What GetPipeline answers about a pipeline, as it came. Parsed, it would take several times the memory.
struct Answer {
    body: Vec<u8>,
}

impl Shareable for Answer {
    fn weight(&self) -> usize {
        self.body.len()
    }
}

/// A pipeline as it is defined.
pub struct Definition {
    pub pipeline: Map<String, Value>,
    pub metadata: Map<String, Value>,
}

impl Definition {
    /// The pipeline's ARN; empty where the metadata has none.
    pub fn arn(&self) -> &str {
        text_of(&self.metadata, "pipelineArn").unwrap_or_default()
    }

    /// Takes the stages out, in their order.
    ///
    /// # Errors
    /// [`ReadError::Failed`] when the answer cannot be understood.
    pub fn take_stages(&mut self) -> Result<Vec<Map<String, Value>>, ReadError> {
        objects_of(GET_PIPELINE, &mut self.pipeline, "stages")
    }
}

/// The definition of a pipeline; none when it was deleted in between.
pub async fn definition(reading: &Reading, name: &str) -> Result<Option<Definition>, ReadError> {
    let shared_name = format!("{GET_PIPELINE} {name}");
    let answer = match reading.shared(&shared_name, || get_pipeline(reading, name)).await {
        Ok(answer) => answer,
        Err(error) if says_that_pipeline_is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut object = object_of(GET_PIPELINE, &answer.body)?;
    let Some(Value::Object(pipeline)) = object.remove("pipeline") else {
        return Err(ReadError::undecodable(GET_PIPELINE, "`pipeline` is no object"));
    };
    let metadata = match object.remove("metadata") {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    Ok(Some(Definition { pipeline, metadata }))
}

async fn get_pipeline(reading: &Reading, name: &str) -> Result<Answer, ReadError> {
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let answer = client.get_pipeline().name(name).customize().interceptor(body.keeper()).send().await;
    answer.map_err(ReadError::of(GET_PIPELINE))?;
    Ok(Answer { body: body.bytes() })
}
