//! From a resource to the entities that it stands for.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};

use crate::kinds::Resource;
use crate::ledger::EntityHash;
use crate::mapping::jq::Input;
use crate::mapping::{Entity, Mapped, MappingEntry, MappingNotes};
use crate::target::Target;

/// What the mapping makes of one resource.
#[derive(Debug, Default)]
pub struct Production {
    pub entities: Vec<Entity>,
    /// Whether any entry selects the resource, as far as that is known.
    pub is_filtered_out: bool,
    /// Why what the resource produced before must stay as it is: something of it could not be read or mapped.
    pub held: Option<String>,
}

/// Notes of each mapping entry, by its index in the document.
pub type NotesByEntry = BTreeMap<usize, MappingNotes>;

/// Maps a resource by all entries of its kind.
///
/// An entry that would see an incomplete resource is left out where Port has its entities already: it would overwrite
/// good properties with nothing. Any other is mapped from what there is.
pub fn produce(
    raw: &Value,
    resource: &Resource,
    entries: &[&MappingEntry],
    is_in_port: bool,
    merge: bool,
    notes: &mut NotesByEntry,
) -> Production {
    let input = Input::new(raw);
    let mut production = Production { is_filtered_out: true, ..Production::default() };
    let mut positions = Positions::new();
    for entry in entries {
        // An entity that a search query addresses is in Port, or it is not written at all.
        let is_in_port = is_in_port || entry.template.is_addressed_by_query();
        if is_in_port && let Some(failure) = resource.failure_for(&entry.options.include_actions) {
            production.held = Some(failure.reason.clone());
            production.is_filtered_out = false;
            continue;
        }
        let notes = notes.entry(entry.index).or_default();
        entry.map_all(&input, notes, |mapped| match mapped {
            Mapped::FilteredOut => {}
            Mapped::Entity(entity) => {
                production.is_filtered_out = false;
                combine(&mut production.entities, &mut positions, *entity, merge);
            }
            Mapped::Faulty { field, reason } => {
                production.is_filtered_out = false;
                production.held = Some(format!("resources[{}] {field}: {reason}", entry.index));
            }
        });
    }
    if production.held.is_none()
        && let Some(failure) = resource.incomplete.first()
        && !is_in_port
    {
        // Sent from what there is; told all the same.
        production.held = Some(failure.reason.clone());
    }
    production
}

/// Where an entity stands among those of its resource, by its blueprint and identifier as JSON.
type Positions = HashMap<(String, String), usize>;

/// Two entries may give parts of one entity. Where Port merges, so do they, before anything is sent; else the later one
/// stands.
fn combine(entities: &mut Vec<Entity>, positions: &mut Positions, entity: Entity, merge: bool) {
    let name = (entity.blueprint().to_owned(), entity.body["identifier"].to_string());
    let position = *positions.entry(name).or_insert(entities.len());
    let Some(known) = entities.get_mut(position) else {
        entities.push(entity);
        return;
    };
    if !merge {
        *known = entity;
        return;
    }
    if let (Value::Object(body), Value::Object(more)) = (&mut known.body, entity.body) {
        for (name, value) in more {
            merge_member(body, name, value);
        }
    }
    known.relates_to.extend(entity.relates_to);
    known.needs_search |= entity.needs_search;
}

fn merge_member(body: &mut Map<String, Value>, name: String, value: Value) {
    match (body.get_mut(&name), value) {
        (Some(Value::Object(members)), Value::Object(more)) => members.extend(more),
        (_, value) => {
            body.insert(name, value);
        }
    }
}

/// The hash by which an entity is recognised in a later run.
pub fn hash_of(entity: &Entity, merge: bool) -> EntityHash {
    EntityHash::of(&entity.body, merge)
}

/// What jq sees. The three members with two underscores are read by mappings that Port ships.
pub fn raw_resource(kind: &str, target: &Target, resource: &mut Resource) -> Value {
    let region = resource.region.clone().or_else(|| target.region().map(str::to_owned));
    let mut raw = Map::new();
    raw.insert("Type".to_owned(), json!(kind));
    raw.insert("Properties".to_owned(), Value::Object(std::mem::take(&mut resource.properties)));
    if let Some(context) = extra_context(target, resource) {
        raw.insert("__ExtraContext".to_owned(), Value::Object(context));
    }
    if let Some(account) = target.account() {
        raw.insert("__AccountId".to_owned(), json!(account));
    }
    if let Some(region) = region {
        raw.insert("__Region".to_owned(), json!(region));
    }
    raw.insert("__Kind".to_owned(), json!(kind));
    Value::Object(raw)
}

/// Account and region of the target, then what the kind adds; the organization has neither.
fn extra_context(target: &Target, resource: &mut Resource) -> Option<Map<String, Value>> {
    let account = target.account()?;
    if !resource.has_context {
        return None;
    }
    let mut context = Map::new();
    context.insert("AccountId".to_owned(), json!(account));
    if let Some(region) = target.region() {
        context.insert("Region".to_owned(), json!(region));
    }
    context.extend(std::mem::take(&mut resource.context));
    Some(context)
}
