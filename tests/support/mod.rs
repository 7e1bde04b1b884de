//! What the system tests and the demo share.

pub mod aws;
pub mod lambda;
pub mod port;
pub mod world;
