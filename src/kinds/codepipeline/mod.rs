//! AWS CodePipeline. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

mod action;
mod action_execution;
mod definitions;
mod pipeline;
mod pipeline_execution;
mod stage;

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
