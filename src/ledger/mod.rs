//! The ledger of a target: which resource produced which entities, and what Port is known to hold of them.
//!
//! It hangs entries on resources and not on entities, because a resource whose details could not be read must keep its
//! entities, and only its key, which the listing itself gives, is known then. Only `Sent` suppresses an upsert, only
//! `Stale` and `Unmapped` may be deleted, and every other entry is a claim: nobody deletes that entity.

mod file;
mod format;
mod hash;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use file::{LedgerError, LedgerFile, Ledgers};
pub use format::{FormatError, decode, encode};
pub use hash::EntityHash;

use crate::run::RunId;
use crate::seams::EntityKey;

/// What one target has put into Port, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    pub units: BTreeMap<String, Unit>,
    /// Where an unfinished reading of the target goes on.
    pub progress: Option<Progress>,
    /// The ledger before this one was damaged or lost, and the target was not completely read since: there may be
    /// claims that it does not know.
    pub claims_incomplete: bool,
}

/// The resources of one kind in one target, by resource key.
pub type Unit = BTreeMap<String, Vec<Entry>>;

/// One entity that a resource produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub entity: EntityKey,
    /// The entities that it relates to.
    pub relates_to: Vec<Relation>,
    pub state: State,
}

/// That an entity points to another. The blueprint it leads to is Port's knowledge, under the relation's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relation {
    pub name: String,
    pub identifier: String,
}

/// What is known of an entity in Port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Port accepted exactly this content.
    Sent(EntityHash),
    /// It may or may not be there, and may have any content: it is sent again.
    Unsure,
    /// A complete listing of this run no longer has the resource.
    Stale(RunId),
    /// The resource is there in this run, and the mapping no longer makes the entity of it.
    Unmapped(RunId),
    /// A search query led to it. It was there before and may be anybody's: it is sent in every run, and never becomes
    /// stale. It is known here so that nobody takes it for an entity that was left behind.
    Addressed,
}

/// How far the reading of a target came before its time ran out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub epoch: u64,
    /// Reports of the kinds that are finished.
    pub finished: Vec<crate::run::UnitReport>,
    /// The kind that was being read.
    pub kind: Option<String>,
    /// Where its listing goes on; opaque.
    pub cursor: Option<String>,
}

impl Ledger {
    /// The entries of one entity of a resource.
    pub fn entry_mut(&mut self, kind: &str, resource: &str, entity: &EntityKey) -> Option<&mut Entry> {
        self.units.get_mut(kind)?.get_mut(resource)?.iter_mut().find(|entry| entry.entity == *entity)
    }

    /// Sets what is known of an entity, adding its entry where there is none. Tells whether that changed anything.
    pub fn record(&mut self, kind: &str, resource: &str, entry: Entry) -> bool {
        let entries = self.units.entry(kind.to_owned()).or_default().entry(resource.to_owned()).or_default();
        match entries.iter_mut().find(|known| known.entity == entry.entity) {
            Some(known) if *known == entry => return false,
            Some(known) => *known = entry,
            None => entries.push(entry),
        }
        true
    }

    /// All entries with their kind and resource key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str, &Entry)> {
        self.units.iter().flat_map(|(kind, unit)| {
            unit.iter().flat_map(move |(resource, entries)| {
                entries.iter().map(move |entry| (kind.as_str(), resource.as_str(), entry))
            })
        })
    }

    /// All entries, to change them.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.units.values_mut().flat_map(|unit| unit.values_mut().flatten())
    }

    /// Removes the entries for which `is_gone` holds, and what is empty after that. Gives how many there were.
    pub fn remove(&mut self, mut is_gone: impl FnMut(&str, &str, &Entry) -> bool) -> usize {
        let mut removed = 0;
        for (kind, unit) in &mut self.units {
            for (resource, entries) in unit.iter_mut() {
                let before = entries.len();
                entries.retain(|entry| !is_gone(kind, resource, entry));
                removed += before - entries.len();
            }
            unit.retain(|_, entries| !entries.is_empty());
        }
        self.units.retain(|_, unit| !unit.is_empty());
        removed
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty() && self.progress.is_none() && !self.claims_incomplete
    }
}

impl Entry {
    pub fn is_claim(&self) -> bool {
        !matches!(self.state, State::Stale(_) | State::Unmapped(_))
    }

    /// Whether the entity is the integration's own, and goes with its resource.
    pub fn may_become_stale(&self) -> bool {
        self.state != State::Addressed
    }

    /// Whether this run found that nothing gives the entity any more.
    pub fn is_stale_of(&self, run: &RunId) -> bool {
        matches!(&self.state, State::Stale(of) | State::Unmapped(of) if of == run)
    }
}
