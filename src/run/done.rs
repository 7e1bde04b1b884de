//! Done marks: what became of each unit (a kind in a target) of a run. The sweep waits for them and judges by them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::target::Target;

/// What a worker says about its target when it is through with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneMark {
    pub target: Target,
    pub units: Vec<UnitReport>,
    /// Why the target as a whole could not be read, after the last try. Its entries all stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// How far the listing of a unit came. Only a complete one says anything about what is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "reason")]
pub enum Listing {
    Complete,
    /// The service does not exist in the region.
    NotHere(String),
    /// The service says that it is not for the account: mostly it never was, but AWS says so too of accounts that it does
    /// not let work for the time being.
    NotForAccount(String),
    Denied(String),
    Throttled(String),
    /// AWS has no such type in the region.
    TypeNotFound(String),
    Failed(String),
}

impl Listing {
    pub fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Whether there is mostly nothing to read. Many services are not in every region, and that is no failure.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::NotHere(_) | Self::NotForAccount(_))
    }

    /// What kept the listing from being complete.
    pub fn problem(&self) -> Option<&str> {
        match self {
            Self::Complete => None,
            Self::NotHere(reason)
            | Self::NotForAccount(reason)
            | Self::Denied(reason)
            | Self::Throttled(reason)
            | Self::TypeNotFound(reason)
            | Self::Failed(reason) => Some(reason),
        }
    }
}

/// What became of one kind in one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnitReport {
    pub kind: String,
    pub listing: Listing,
    /// Resources that the listing gave.
    pub resources: u64,
    /// Entities that mapping gave.
    pub entities: u64,
    /// Entities that Port accepted in this run.
    pub accepted: u64,
    /// Entities that did not differ from what Port is known to hold.
    pub unchanged: u64,
    /// Entities that Port refused or did not answer for.
    pub refused: u64,
    /// Those of the accepted ones that Port refused at first, and that the sweep sent again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub accepted_late: u64,
    /// Entities that no single entity in Port was found for, by the search query that addresses them.
    #[serde(default)]
    pub unresolved: u64,
    /// Resources of which no mapping entry selects anything.
    pub filtered_out: u64,
    /// Resources whose entities were left as they are, because an enrichment failed or the mapping gave no identifier.
    pub held: u64,
    /// Entities that became stale.
    pub stale: u64,
    /// What each field of the mapping gave, by entry and path.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, FieldNote>,
    /// Identifiers with letters that Port rejects, by the mapping entry that gave them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rewritten_identifiers: BTreeMap<usize, u64>,
    /// A few of the things that went wrong, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
}

/// What a field of the mapping gave over many resources. One that never gives a value is a mistake more often than not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldNote {
    /// Whether any resource gave a value other than null.
    pub has_value: bool,
    /// The first error of the expression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl FieldNote {
    /// Adds what another resource, or another target, gave.
    pub fn add(&mut self, other: FieldNote) {
        self.has_value |= other.has_value;
        if self.failure.is_none() {
            self.failure = other.failure;
            self.failure.iter_mut().for_each(shorten);
        }
    }

    /// What is wrong with the field, if anything is.
    pub fn problem(&self) -> Option<String> {
        match (&self.failure, self.has_value) {
            (Some(failure), _) => Some(failure.clone()),
            (None, false) => Some("gave null for every resource".to_owned()),
            (None, true) => None,
        }
    }
}

/// How many problems of a unit are told in words; the rest is in the counts and in the log.
const PROBLEMS_TOLD: usize = 5;

/// Letters of a problem that are told: an expression may put a whole resource into its error.
const LONGEST_PROBLEM: usize = 500;

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn shorten(problem: &mut String) {
    if let Some((end, _)) = problem.char_indices().nth(LONGEST_PROBLEM) {
        problem.truncate(end);
        problem.push('…');
    }
}

impl UnitReport {
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            listing: Listing::Complete,
            resources: 0,
            entities: 0,
            accepted: 0,
            unchanged: 0,
            refused: 0,
            accepted_late: 0,
            unresolved: 0,
            filtered_out: 0,
            held: 0,
            stale: 0,
            fields: BTreeMap::new(),
            rewritten_identifiers: BTreeMap::new(),
            problems: Vec::new(),
        }
    }

    /// Keeps a problem in words, if it is not told already and there is room.
    pub fn tell(&mut self, mut problem: String) {
        shorten(&mut problem);
        if self.problems.len() < PROBLEMS_TOLD && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Sets how many of the entities that Port refused at first it accepted when the sweep sent them again.
    pub fn set_accepted_late(&mut self, count: u64) {
        let refused_at_first = self.refused + self.accepted_late;
        let accepted_at_first = self.accepted.saturating_sub(self.accepted_late);
        self.accepted_late = count.min(refused_at_first);
        self.refused = refused_at_first - self.accepted_late;
        self.accepted = accepted_at_first + self.accepted_late;
    }

    /// Whether Port has entities of this unit.
    pub fn gave_entities(&self) -> bool {
        self.accepted + self.unchanged > 0
    }

    /// Whether what this unit no longer has may be deleted: it was read to the end, and Port has all of what it gave.
    pub fn counts_for_deletion(&self) -> bool {
        self.listing.is_complete() && self.refused == 0
    }
}
