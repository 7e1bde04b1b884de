//! What Port had accepted, is claimed, and is not there any more.

use super::fingerprints::{Fingerprints, of_entity, of_identifier};
use super::parts::Numbers;
use super::port_list::PortList;
use crate::ledger::Entry;

/// Entity, identifier, content, in the order of entities.
pub fn missing(fingerprints: &Fingerprints, owned: &Numbers<1>) -> impl Iterator<Item = [u64; 3]> {
    fingerprints.sent.all().iter().copied().filter(|[entity, ..]| !owned.contains(*entity))
}

/// All of it, to be looked up. Each list is in order.
pub struct Missing {
    entities: Vec<u64>,
    identifiers: Vec<u64>,
}

impl Missing {
    /// Nothing, where Port's list could not be read.
    pub fn of(fingerprints: &Fingerprints, port: &PortList) -> Self {
        let (mut entities, mut identifiers) = (Vec::new(), Vec::new());
        if port.is_known() {
            for [entity, identifier, _] in missing(fingerprints, &port.owned) {
                entities.push(entity);
                identifiers.push(identifier);
            }
        }
        identifiers.sort_unstable();
        Self { entities, identifiers }
    }

    /// Whether Port may not have what the entry says. Port empties the relations to an entity that goes: whatever
    /// related to it must be sent again, too.
    pub fn concerns(&self, entry: &Entry) -> bool {
        let is_missing = |identifier: &str| self.identifiers.binary_search(&of_identifier(identifier)).is_ok();
        !self.entities.is_empty()
            && (self.entities.binary_search(&of_entity(&entry.entity)).is_ok()
                || entry.relates_to.iter().any(|relation| is_missing(&relation.identifier)))
    }
}
