//! What a target of very many resources needs and moto is too slow for: a service to list, and a bucket for state.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

mod bucket;
mod functions;

pub use bucket::{Bucket, Traffic};
pub use functions::{BLUEPRINT, KIND, ManyFunctions, Shape, functions_mapping};
