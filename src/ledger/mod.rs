//! The ledger of a target: which resource produced which entities, and what Port is known to hold of them.
//!
//! It hangs entries on resources and not on entities, because a resource whose details could not be read must keep its
//! entities, and only its key, which the listing itself gives, is known then. Only `Sent` suppresses an upsert, only
//! `Stale` and `Unmapped` may be deleted, and every other entry is a claim: nobody deletes that entity.

mod entry;
mod file;
mod format;
mod hash;
mod progress;

use std::collections::BTreeMap;

pub use entry::{Entry, Relation, State};
pub use file::{LedgerError, LedgerFile, Ledgers};
pub use format::{FormatError, decode, encode};
pub use hash::EntityHash;
pub use progress::{Progress, UnitProgress};

use crate::seams::EntityKey;
use crate::shared_text::{SharedText, SharedTexts};

/// What one target has put into Port, by kind.
///
/// Of a target with hundreds of thousands of resources it takes most of a worker's memory: texts that are equal are
/// held once.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub units: BTreeMap<String, Unit>,
    /// Where an unfinished reading of the target goes on.
    pub progress: Option<Progress>,
    /// The ledger before this one was damaged or lost, and the target was not completely read since: there may be
    /// claims that it does not know.
    pub claims_incomplete: bool,
    texts: SharedTexts,
}

/// The resources of one kind in one target, by resource key.
pub type Unit = BTreeMap<SharedText, KnownResource>;

/// A resource that gave entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownResource {
    pub entries: Vec<Entry>,
    /// Whether the listing that is under way gave it. Written with [`Ledger::progress`] only, and never behind its cursor:
    /// a resource that counts as not seen at the end of the listing is stale.
    pub is_seen: bool,
}

impl Ledger {
    /// The entries of a resource.
    pub fn of_resource(&self, kind: &str, resource: &str) -> &[Entry] {
        let known = self.units.get(kind).and_then(|unit| unit.get(resource));
        known.map(|known| known.entries.as_slice()).unwrap_or_default()
    }

    /// The entry of one entity of a resource.
    pub fn entry_mut(&mut self, kind: &str, resource: &str, entity: &EntityKey) -> Option<&mut Entry> {
        let known = self.units.get_mut(kind)?.get_mut(resource)?;
        known.entries.iter_mut().find(|entry| entry.entity == *entity)
    }

    /// Sets what is known of an entity that a resource just gave, adding its entry where there is none. Tells whether
    /// that changed anything.
    pub fn record(&mut self, kind: &str, resource: &str, entry: Entry) -> bool {
        if !self.units.contains_key(kind) {
            self.units.insert(kind.to_owned(), Unit::new());
        }
        let Some(unit) = self.units.get_mut(kind) else { return false };
        let key = unit.get_key_value(resource).map_or_else(|| SharedText::from(resource), |(key, _)| key.clone());
        let entry = shared(entry, &key, &mut self.texts);
        let known = unit.entry(key).or_default();
        known.is_seen = true;
        match known.entries.iter_mut().find(|known| known.entity == entry.entity) {
            Some(found) if *found == entry => return false,
            Some(found) => *found = entry,
            None => {
                // Most resources give one entity, and a vector would make room for four.
                if known.entries.is_empty() {
                    known.entries.reserve_exact(1);
                }
                known.entries.push(entry);
            }
        }
        true
    }

    /// Notes whether the listing under way gave a resource.
    pub fn set_seen(&mut self, kind: &str, resource: &str, is_seen: bool) {
        if let Some(known) = self.units.get_mut(kind).and_then(|unit| unit.get_mut(resource)) {
            known.is_seen = is_seen;
        }
    }

    /// Forgets what the listing of a kind has given so far.
    pub fn forget_seen(&mut self, kind: &str) {
        let resources = self.units.get_mut(kind).into_iter().flat_map(|unit| unit.values_mut());
        resources.for_each(|known| known.is_seen = false);
    }

    /// All entries with their kind and resource key.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &str, &Entry)> {
        self.units.iter().flat_map(|(kind, unit)| {
            unit.iter().flat_map(move |(resource, known)| {
                known.entries.iter().map(move |entry| (kind.as_str(), &**resource, entry))
            })
        })
    }

    /// The same, to change them.
    pub fn entries_mut(&mut self) -> impl Iterator<Item = (&str, &str, &mut Entry)> {
        self.units.iter_mut().flat_map(|(kind, unit)| {
            unit.iter_mut().flat_map(move |(resource, known)| {
                known.entries.iter_mut().map(move |entry| (kind.as_str(), &**resource, entry))
            })
        })
    }

    /// Removes the entries for which `is_gone` holds, and what is empty after that. Gives how many there were.
    pub fn remove(&mut self, mut is_gone: impl FnMut(&str, &str, &Entry) -> bool) -> usize {
        let mut removed = 0;
        for (kind, unit) in &mut self.units {
            for (resource, known) in unit.iter_mut() {
                let before = known.entries.len();
                known.entries.retain(|entry| !is_gone(kind, resource, entry));
                removed += before - known.entries.len();
            }
            unit.retain(|_, known| !known.entries.is_empty());
        }
        self.units.retain(|_, unit| !unit.is_empty());
        removed
    }

    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty() && self.progress.is_none() && !self.claims_incomplete
    }
}

/// The same entry, holding the one copy of each of its texts. An identifier is often the resource's key.
fn shared(entry: Entry, resource: &SharedText, texts: &mut SharedTexts) -> Entry {
    let EntityKey { blueprint, identifier } = entry.entity;
    let identifier = if identifier == *resource { resource.clone() } else { identifier };
    let relates_to = entry
        .relates_to
        .iter()
        .map(|relation| Relation { name: texts.get(&relation.name), identifier: texts.get(&relation.identifier) });
    Entry {
        relates_to: relates_to.collect(),
        entity: EntityKey { blueprint: texts.get(&blueprint), identifier },
        state: entry.state,
    }
}
