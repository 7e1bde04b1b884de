//! What one run leaves for the next to compare itself with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Strategy;
use crate::target::Target;

/// The organization as the last complete run knew it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// How accounts were found. Accounts that are missing because this changed are not gone.
    pub strategy: Strategy,
    /// The targets that had a ledger. One that lost its ledger has claims that nobody knows.
    pub ledgers: BTreeSet<Target>,
}
