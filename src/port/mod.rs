//! Port: client, entities, the integration record, and what is installed on the first run.

mod body;
mod catalog;
mod client;
mod credentials;
mod defaults;
mod integration;
mod limits;
mod metrics;

pub use catalog::PortCatalog;
pub use client::PortClient;
pub use credentials::{CredentialSource, PortCredentials};
pub use integration::{IntegrationError, IntegrationRecord, ensure_integration};
