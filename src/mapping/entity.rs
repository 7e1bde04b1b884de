//! Entities, and what is known about how they came about.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ledger::Relation;
use crate::run::FieldNote;
use crate::seams::EntityKey;

/// An entity as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    pub address: Address,
    pub relates_to: Vec<Relation>,
    /// Whether Port searches for something each time that the entity is written. What it finds may be another thing
    /// although the entity is the same, so that it is sent in every run.
    pub needs_search: bool,
    /// The body of the upsert.
    pub body: Value,
}

/// Which entity in Port is meant.
#[derive(Clone, Debug, PartialEq)]
pub enum Address {
    Key(EntityKey),
    /// The one that a search query finds. It exists already, and may be anybody's.
    Query {
        blueprint: String,
        query: Value,
    },
}

impl Entity {
    /// None while only Port knows which entity is meant.
    pub fn key(&self) -> Option<&EntityKey> {
        match &self.address {
            Address::Key(key) => Some(key),
            Address::Query { .. } => None,
        }
    }

    pub fn blueprint(&self) -> &str {
        match &self.address {
            Address::Key(key) => &key.blueprint,
            Address::Query { blueprint, .. } => blueprint,
        }
    }
}

/// For messages.
impl std::fmt::Display for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(key) => formatter.write_str(&key.identifier),
            Self::Query { query, .. } => write!(formatter, "the entity that {query} finds"),
        }
    }
}

/// What an entry makes of a resource, or of an item of it.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    Entity(Box<Entity>),
    /// The selector says no.
    FilteredOut,
    /// The entry cannot tell what the resource becomes; whatever it became before stays.
    Faulty {
        field: &'static str,
        reason: String,
    },
}

/// What an operator should know about an entry's expressions, gathered over all resources and told once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingNotes {
    /// By the path of a field.
    pub fields: BTreeMap<String, FieldNote>,
    /// Identifiers that Port would reject were rewritten.
    pub rewritten_identifiers: u64,
}

impl Mapped {
    pub(super) fn faulty(field: &'static str, reason: String) -> Self {
        Self::Faulty { field, reason }
    }
}

impl MappingNotes {
    /// Keeps the first failure, and whether there ever was a value.
    pub(super) fn add(&mut self, path: &str, note: FieldNote) {
        if let Some(known) = self.fields.get_mut(path) {
            return known.add(note);
        }
        // Added and not inserted, which shortens a failure: an expression may put a whole resource into it.
        let mut known = FieldNote::default();
        known.add(note);
        self.fields.insert(path.to_owned(), known);
    }
}
