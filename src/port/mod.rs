//! Port: client, entities, the integration record, and what is installed on the first run.

mod address;
mod answer;
mod body;
mod catalog;
mod client;
mod credentials;
mod defaults;
mod integration;
mod limits;
mod metrics;
mod resync_request;
mod sign_in;
mod window;

pub use catalog::PortCatalog;
pub use client::PortClient;
pub use credentials::{CredentialSource, PortCredentials};
pub use integration::{IntegrationError, IntegrationRecord, RecordUpdates, ensure_integration, read_mapping};
pub use resync_request::newest_resync_request;
pub use window::LONGEST_WAIT_FOR_LIMIT;
