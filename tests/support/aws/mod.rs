//! An emulated AWS: moto behind a thin layer (see the README beside this file), and organizations to read in it.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

mod account;
mod cloud_control;
mod organization;
mod plan;
mod queue;
mod server;
mod stack;
mod web_identity;

pub use account::AccountInRegion;
pub use organization::{Organization, READ_ROLE, credentials, sdk_config};
pub use plan::OrganizationPlan;
pub use queue::{Queue, QueueCounts, QueuedMessage};
pub use server::{Aws, AwsCall, AwsCallError, AwsOrder, FaultId, python};
pub use stack::{Stack, expand};
pub use web_identity::{OidcIssuer, STS_AUDIENCE};
