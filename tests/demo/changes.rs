//! The difference between two states of the catalog.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

type Entities = BTreeMap<(String, String), Value>;

/// Entities by what happened to them, as `blueprint identifier`.
#[derive(Debug, Default, PartialEq)]
pub struct Changes {
    pub added: BTreeSet<String>,
    pub changed: BTreeSet<String>,
    pub removed: BTreeSet<String>,
}

impl Changes {
    pub fn between(before: &Entities, after: &Entities) -> Self {
        let mut changes = Self::default();
        for (key, entity) in after {
            match before.get(key) {
                None => changes.added.insert(name(key)),
                Some(known) if content(known) != content(entity) => changes.changed.insert(name(key)),
                Some(_) => continue,
            };
        }
        changes.removed.extend(before.keys().filter(|key| !after.contains_key(*key)).map(name));
        changes
    }

    /// Prints the difference, with accounts by their names.
    pub fn print(&self, account_names: &BTreeMap<String, String>) {
        let with_names = |line: &str| {
            let named = account_names.iter().find(|(id, _)| line.contains(id.as_str()));
            named.map_or_else(|| line.to_owned(), |(id, account)| format!("{} ({account})", line.replace(id, account)))
        };
        for (sign, lines) in [("+", &self.added), ("~", &self.changed), ("-", &self.removed)] {
            lines.iter().for_each(|line| println!("  {sign} {}", with_names(line)));
        }
    }
}

fn name((blueprint, identifier): &(String, String)) -> String {
    format!("{blueprint} {identifier}")
}

/// What a user sees of an entity: without who wrote it and when.
fn content(entity: &Value) -> Value {
    let mut content = entity.clone();
    if let Some(members) = content.as_object_mut() {
        members.retain(|member, _| {
            !member.starts_with('$')
                && !matches!(member.as_str(), "updatedAt" | "createdAt" | "updatedBy" | "createdBy")
        });
    }
    content
}
