//! Entities on their way to be deleted.

use serde::{Deserialize, Serialize};

use crate::seams::EntityKey;

/// What the rules may let go, if nothing claims it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Candidate {
    #[serde(flatten)]
    pub entity: EntityKey,
    /// For the journal.
    pub reason: String,
    /// No ledger knows it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unknown: bool,
}
