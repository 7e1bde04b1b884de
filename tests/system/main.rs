//! Everything that runs against real parts: an emulated AWS, the built functions.

#[path = "../support/mod.rs"]
mod support;

mod aws_testbed;
