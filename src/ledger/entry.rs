//! One entity that a resource produced, and what Port is known to hold of it.

use super::EntityHash;
use crate::run::RunId;
use crate::seams::EntityKey;
use crate::shared_text::SharedText;

/// One entity that a resource produced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub entity: EntityKey,
    /// The entities that it relates to.
    pub relates_to: Box<[Relation]>,
    pub state: State,
}

/// That an entity points to another. The blueprint it leads to is Port's knowledge, under the relation's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Relation {
    pub name: SharedText,
    pub identifier: SharedText,
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
