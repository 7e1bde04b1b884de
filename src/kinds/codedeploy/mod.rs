//! AWS CodeDeploy. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

mod application;
mod deployment;
mod deployment_group;
mod deployment_target;
mod listing;

pub use application::APPLICATION;
pub use deployment::DEPLOYMENT;
pub use deployment_group::DEPLOYMENT_GROUP;
pub use deployment_target::DEPLOYMENT_TARGET;
