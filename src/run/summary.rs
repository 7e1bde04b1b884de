//! The summary of a run: what an operator reads first.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mode, RunId};
use crate::target::{AccountId, Target};

/// What a run did, kept beside its plan and returned by a manual invoke.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub run: RunId,
    pub mode: Mode,
    /// `started`, `completed`, `completed-with-problems`, `failed` or `aborted`.
    pub outcome: String,
    /// Accounts that the run could enter.
    pub accounts: usize,
    pub targets: usize,
    pub messages: usize,
    pub inaccessible_accounts: Vec<InaccessibleAccount>,
    /// Default blueprints that Port refused, mapping entries that take no part, and kinds that cannot be read, in
    /// words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapping_problems: Vec<String>,
    /// What in the mapping has no effect and disables nothing, such as misspelt keys.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mapping_warnings: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_targets: Vec<TargetFailure>,
    /// How many there are beyond those that are named.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_failed_targets: usize,
    /// By kind, over all targets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, KindSummary>,
    #[serde(default, skip_serializing_if = "Collisions::is_none")]
    pub collisions: Collisions,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletions: Option<Deletions>,
}

/// An account that was found but could not be entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InaccessibleAccount {
    pub account: AccountId,
    pub name: String,
    /// What happened.
    pub reason: String,
    /// What to look at.
    pub check: String,
}

/// A target that was not read, or a unit of it that was not read to the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFailure {
    pub target: Target,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    pub reason: String,
}

/// The counts of one kind over all targets of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KindSummary {
    pub resources: u64,
    pub entities: u64,
    pub accepted: u64,
    pub unchanged: u64,
    pub refused: u64,
    #[serde(default)]
    pub unresolved: u64,
    pub filtered_out: u64,
    pub held: u64,
    pub incomplete_units: u64,
    /// Fields of the mapping that fail, or that never gave a value, by entry and path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub misconfigured: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// Entities that several resources give, with different contents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collisions {
    pub count: usize,
    /// A few of them in words, each with two of its sources.
    pub examples: Vec<String>,
}

impl Collisions {
    fn is_none(&self) -> bool {
        self.count == 0
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What the sweep deleted and what it held back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Deletions {
    /// Entities that were found stale in this run and that nothing claims.
    pub candidates: usize,
    pub deleted: usize,
    /// Those of the deleted ones that no ledger knew.
    #[serde(default)]
    pub unknown_deleted: usize,
    /// Stale for one source, but still claimed by another or related to by something live.
    pub kept_claimed: usize,
    /// Refused by Port, mostly because something else depends on them.
    pub kept_refused: usize,
    /// Why nothing was deleted although there was something to delete, and how to let it through.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_back: Vec<String>,
    /// Why Port was not compared with the ledgers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_verified: Option<String>,
    /// Entities that Port had accepted and had lost before the run, by whatever hand. The targets that gave them were
    /// read again, and have sent them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost_in_port: usize,
    /// How many targets those were, with what relates to the entities.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub repaired_targets: usize,
    /// Entities that Port had accepted and that are not there at the end; the next run sends them.
    pub missing_in_port: usize,
    /// Entities in Port that carry this integration's mark and that no ledger knows, and that were left there.
    pub unknown_in_port: usize,
}
