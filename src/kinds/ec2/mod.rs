//! Amazon EC2. Speaks XML: the SDK's types are projected.

mod instance;
mod instance_members;

pub use instance::INSTANCE;
