//! Port's app config: which kinds are read, which resources of them are taken, and what entity each becomes.

mod apostrophes;
mod document;
mod entity;
mod entry;
mod field;
mod identifier;
mod items;
pub mod jq;
mod query;
mod reference;
mod region_policy;
mod selector;
mod template;
mod warnings;

use std::collections::BTreeMap;

use serde_json::Value;

pub use document::MappingError;
pub(crate) use document::brief;
pub use entity::{Address, Entity, Mapped, MappingNotes};
pub use identifier::to_port_identifier;
pub use items::ItemsToParse;
pub use region_policy::RegionPolicy;
pub use template::EntityTemplate;

use crate::kinds::{Options, Reader, Scope};
use crate::seams::UpsertOptions;

/// A mapping, compiled. Entries that cannot work are set aside with the reason; they spoil no other.
pub struct Mapping {
    pub settings: MappingSettings,
    pub entries: Vec<MappingEntry>,
    pub disabled: Vec<DisabledEntry>,
    /// What in the document has no effect, in words: mostly misspelt. It disables nothing.
    pub warnings: Vec<String>,
}

/// The flags at the top of the document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MappingSettings {
    pub upsert: UpsertOptions,
    /// Whether an entity that Port refuses to delete may be deleted with its dependents: only where the document says
    /// so itself.
    pub delete_dependents: bool,
    /// The share of all known entities, 0 to 1, that one run may delete.
    pub deletion_threshold: f64,
}

/// One item of `resources`.
pub struct MappingEntry {
    /// Its position in the document, from 0.
    pub index: usize,
    pub kind: Reader,
    pub selector: jq::Expression,
    pub region_policy: RegionPolicy,
    pub options: Options,
    /// How a resource is taken apart, where each item of it is an entity.
    pub items: Option<ItemsToParse>,
    pub template: EntityTemplate,
}

/// An entry that takes no part in the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisabledEntry {
    pub index: usize,
    /// As written, where there is any.
    pub kind: String,
    pub reason: String,
}

impl std::fmt::Display for DisabledEntry {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "resources[{}] ({}) is disabled: {}", self.index, self.kind, self.reason)
    }
}

impl Mapping {
    /// Reads and compiles the document that Port's integration record has as `config`.
    ///
    /// # Errors
    /// [`MappingError`] when the document as a whole is unusable: empty, of another form, or without a single entry
    /// that works.
    pub fn parse(document: &Value) -> Result<Self, MappingError> {
        document::parse(document)
    }

    /// The kinds that are read in a place of a scope, with the options that any entry asks for.
    pub fn kinds_of(&self, scope: Scope, region: Option<&str>) -> BTreeMap<String, Options> {
        together(self.entries.iter().filter(|entry| entry.kind.scope() == scope && entry.applies_in(region)))
    }

    /// All kinds of the mapping with their options, wherever they are read.
    pub fn all_kinds(&self) -> BTreeMap<String, Options> {
        together(self.entries.iter())
    }

    /// The entries of a kind that apply in a region; the region counts for regional kinds only.
    pub fn entries_for(&self, kind: &str, region: Option<&str>) -> Vec<&MappingEntry> {
        self.entries.iter().filter(|entry| entry.kind.name() == kind && entry.applies_in(region)).collect()
    }
}

/// The kinds of some entries, each with what its entries ask for together.
fn together<'a>(entries: impl Iterator<Item = &'a MappingEntry>) -> BTreeMap<String, Options> {
    let mut kinds: BTreeMap<String, Options> = BTreeMap::new();
    for entry in entries {
        match kinds.get_mut(entry.kind.name()) {
            Some(options) => options.widen(&entry.options),
            None => {
                kinds.insert(entry.kind.name().to_owned(), entry.options.clone());
            }
        }
    }
    kinds
}

impl MappingEntry {
    /// Global kinds are read once per account, whatever the region policy says.
    fn applies_in(&self, region: Option<&str>) -> bool {
        match (self.kind.scope(), region) {
            (Scope::Regional, Some(region)) => self.region_policy.allows(region),
            (Scope::Regional, None) => false,
            (Scope::Global | Scope::Organization, _) => true,
        }
    }
}
