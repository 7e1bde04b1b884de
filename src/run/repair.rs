//! What a run reads again because Port had lost something of it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// Written once, before the second pass begins, and never changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Repair {
    /// The targets that gave what was lost, or something that relates to it.
    pub targets: BTreeSet<Target>,
    /// Entities that Port had accepted and that were not there.
    pub lost: usize,
}
