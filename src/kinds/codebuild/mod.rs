//! AWS CodeBuild. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

mod build_run;
mod project;

pub use build_run::BUILD_RUN;
pub use project::PROJECT;
