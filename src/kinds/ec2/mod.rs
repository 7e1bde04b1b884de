//! Amazon EC2. Speaks XML: the SDK's types are projected.

mod instance;
mod instance_members;
mod members;
mod volume;

pub use instance::INSTANCE;
pub use volume::VOLUME;
