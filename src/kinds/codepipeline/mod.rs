//! AWS CodePipeline. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

mod action;
mod action_execution;
mod definitions;
mod history;
mod pipeline;
mod pipeline_execution;
mod stage;

use serde_json::{Map, Value};

use super::ReadError;

pub use action::ACTION;
pub use action_execution::ACTION_EXECUTION;
pub use pipeline::PIPELINE;
pub use pipeline_execution::PIPELINE_EXECUTION;
pub use stage::STAGE;

/// Whether a call about a pipeline says that the pipeline is gone.
fn says_that_pipeline_is_gone(error: &ReadError) -> bool {
    error.code() == "PipelineNotFoundException"
}

fn text_of<'a>(object: &'a Map<String, Value>, member: &str) -> Option<&'a str> {
    object.get(member).and_then(Value::as_str)
}

/// A text without which a resource would have no key.
///
/// # Errors
/// [`ReadError::Failed`] when there is no such text.
fn required_text(call: &'static str, object: &Map<String, Value>, member: &str) -> Result<String, ReadError> {
    match text_of(object, member) {
        Some(text) => Ok(text.to_owned()),
        None => Err(ReadError::undecodable(call, format!("something listed has no `{member}`"))),
    }
}
