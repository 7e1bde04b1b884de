//! Objects that keep the order of their keys.

use super::meter::{Charge, check_depth};
use super::value::{Text, Value};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::rc::Rc;

/// Searching fewer entries one by one is faster than hashing.
const ENTRIES_WITHOUT_INDEX: usize = 12;
const BYTES_PER_ENTRY: usize = 96;

/// A name in an index, which plain strings are looked up in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Name(Rc<Text>);

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.0.as_str()
    }
}

/// Names and values in the order in which the names were first set.
#[derive(Debug, Default)]
pub(super) struct Object {
    entries: Vec<(Rc<Text>, Value)>,
    // Empty as long as there are few entries.
    index: HashMap<Name, usize>,
    depth: u16,
    charge: Charge,
}

impl Clone for Object {
    fn clone(&self) -> Self {
        Self {
            charge: Charge::new(self.entries.len() * BYTES_PER_ENTRY),
            entries: self.entries.clone(),
            index: self.index.clone(),
            depth: self.depth,
        }
    }
}

impl Object {
    fn position(&self, name: &str) -> Option<usize> {
        if self.entries.len() > ENTRIES_WITHOUT_INDEX {
            return self.index.get(name).copied();
        }
        self.entries.iter().position(|(key, _)| key.as_str() == name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.position(name).map(|position| &self.entries[position].1)
    }

    /// Sets a value and returns the one it replaces, at whose place it stands.
    pub(super) fn insert(&mut self, name: Rc<Text>, value: Value) -> Option<Value> {
        self.depth = self.depth.max(value.depth());
        check_depth(self.depth + 1);
        if let Some(position) = self.position(name.as_str()) {
            return Some(std::mem::replace(&mut self.entries[position].1, value));
        }
        self.charge.grow(BYTES_PER_ENTRY);
        self.entries.push((Rc::clone(&name), value));
        match self.entries.len() {
            length if length <= ENTRIES_WITHOUT_INDEX => {}
            length if length == ENTRIES_WITHOUT_INDEX + 1 => self.rebuild_index(),
            length => {
                self.index.insert(Name(name), length - 1);
            }
        }
        None
    }

    /// Takes the value of a name, leaving null in its place.
    pub(super) fn take(&mut self, name: &str) -> Value {
        let Some(position) = self.position(name) else {
            return Value::Null;
        };
        std::mem::take(&mut self.entries[position].1)
    }

    /// Removes a name. The others keep their order.
    pub(super) fn remove(&mut self, name: &str) {
        let Some(position) = self.position(name) else {
            return;
        };
        super::meter::step(self.entries.len() as u64 / 16);
        self.entries.remove(position);
        self.rebuild_index();
    }

    fn rebuild_index(&mut self) {
        self.index.clear();
        if self.entries.len() <= ENTRIES_WITHOUT_INDEX {
            return;
        }
        let names = self.entries.iter().enumerate();
        self.index = names.map(|(position, (name, _))| (Name(Rc::clone(name)), position)).collect();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The depth of the deepest value within.
    pub(super) fn depth(&self) -> u16 {
        self.depth
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Rc<Text>, &Value)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    pub(super) fn into_entries(mut self) -> Vec<(Rc<Text>, Value)> {
        std::mem::take(&mut self.entries)
    }

    /// The entries ordered by name, as comparisons of objects see them.
    pub(super) fn sorted(&self) -> Vec<(&Rc<Text>, &Value)> {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by(|(left, _), (right, _)| left.as_str().cmp(right.as_str()));
        entries
    }
}
