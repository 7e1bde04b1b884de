//! How far the reading of a target came before its invocation ended.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::run::{RunId, UnitReport};

/// Where whoever gets the target's next message goes on. It lies in the ledger, and so whoever writes it has the target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The run that it belongs to; in any other it says nothing.
    pub run: RunId,
    /// The kinds that were begun.
    pub units: BTreeMap<String, UnitProgress>,
    /// Invocations in a row, up to this one, that got no further; a ceiling on it ends what never will.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops_without_progress: u32,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// How far the listing of one kind came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnitProgress {
    pub report: UnitReport,
    /// Where the listing goes on; opaque. None at its beginning.
    pub cursor: Option<String>,
    pub is_finished: bool,
    /// AWS did not accept the cursor of an earlier invocation, and the listing began once more.
    pub is_second_try: bool,
}

impl Progress {
    pub fn new(run: RunId) -> Self {
        Self { run, units: BTreeMap::new(), hops_without_progress: 0 }
    }
}

impl UnitProgress {
    pub fn new(kind: &str) -> Self {
        Self { report: UnitReport::new(kind), cursor: None, is_finished: false, is_second_try: false }
    }
}
