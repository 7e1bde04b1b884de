//! Amazon ECS. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

mod cluster;
mod description;
mod service;
mod task_definition;

pub use cluster::CLUSTER;
pub use service::SERVICE;
pub use task_definition::TASK_DEFINITION;
