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
/// An entry that would see an incomplete resource is left out where Port is known to have its entities: it would
/// overwrite good properties with nothing. Any other is mapped from what there is, and where Port merges, what came out
/// empty is left out: another installation may have written the entity before.
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
        let failure = resource.failure_for(&entry.options.include_actions);
        if is_in_port && let Some(failure) = failure {
            production.held = Some(failure.reason.clone());
            production.is_filtered_out = false;
            continue;
        }
        let notes = notes.entry(entry.index).or_default();
        entry.map_all(&input, notes, |mapped| match mapped {
            Mapped::FilteredOut => {}
            Mapped::Entity(mut entity) => {
                production.is_filtered_out = false;
                if failure.is_some() && merge {
                    leave_out_nulls(&mut entity.body);
                }
                combine(&mut production.entities, &mut positions, *entity, merge);
            }
            Mapped::Faulty { field, reason } => {
                production.is_filtered_out = false;
                production.held.get_or_insert_with(|| format!("resources[{}] {field}: {reason}", entry.index));
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

/// Takes properties and relations that are null out of an upsert.
fn leave_out_nulls(body: &mut Value) {
    for group in ["properties", "relations"] {
        if let Some(Value::Object(members)) = body.get_mut(group) {
            members.retain(|_, value| !value.is_null());
        }
    }
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
    if let Some(identifier) = resource.identifier.take() {
        raw.insert("Identifier".to_owned(), Value::String(identifier));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::FailedEnrichment;
    use crate::mapping::Mapping;

    fn produced(port: Value, resource: &Resource, raw: &Value, is_in_port: bool) -> Production {
        let entry = json!({"kind": "AWS::S3::Bucket", "selector": {"query": "true"}, "port": port});
        let mapping = Mapping::parse(&json!({"resources": [entry]})).unwrap();
        let entries: Vec<&MappingEntry> = mapping.entries.iter().collect();
        produce(raw, resource, &entries, is_in_port, true, &mut NotesByEntry::new())
    }

    fn rule(value: &str) -> Value {
        json!({"combinator": "'and'", "rules": [{"property": "'p'", "operator": "'='", "value": value}]})
    }

    #[test]
    fn thousands_of_items_are_put_together_by_what_they_are() {
        let items: Vec<Value> = (0..10_000).map(|number| json!({"id": number % 5_000, "number": number})).collect();
        let raw = json!({"items": items});
        for (identifier, first) in [(json!("\"i\\(.item.id)\""), json!("i0")), (rule("\"i\\(.item.id)\""), json!(null))]
        {
            let mappings = json!({
                "identifier": identifier, "blueprint": "'b'",
                "properties": {"number": ".item.number"}, "relations": {"account": "\"a\\(.item.number)\""},
            });
            let port = json!({"itemsToParse": ".items", "entity": {"mappings": mappings}});
            let production = produced(port, &Resource::new("r", Map::new()), &raw, false);
            assert_eq!((production.entities.len(), production.held, production.is_filtered_out), (5_000, None, false));
            let entity = &production.entities[0];
            assert_eq!(entity.body["properties"]["number"], 5_000, "the later one stands");
            assert_eq!(entity.relates_to.len(), 2);
            assert_eq!(entity.key().map(|key| json!(key.identifier)).unwrap_or_default(), first);
        }
    }

    #[test]
    fn items_that_cannot_be_told_hold_the_resource_and_none_do_not() {
        let port = |list: &str| {
            let mappings = json!({"identifier": ".item", "blueprint": "'b'"});
            json!({"itemsToParse": list, "entity": {"mappings": mappings}})
        };
        let resource = Resource::new("r", Map::new());
        let raw = json!({"some": ["a", null, "b", ""], "none": []});
        let some = produced(port(".some"), &resource, &raw, true);
        assert_eq!(some.entities.len(), 2);
        assert!(some.held.is_some_and(|reason| reason.contains("resources[0] identifier")));
        let none = produced(port(".none"), &resource, &raw, true);
        assert_eq!((none.entities.len(), none.held), (0, None));
        let absent = produced(port(".absent"), &resource, &raw, true);
        assert_eq!(absent.entities.len(), 0);
        assert!(absent.held.is_some_and(|reason| reason.contains("port.itemsToParse")));
    }

    #[test]
    fn what_an_incomplete_resource_leaves_empty_is_not_sent_where_port_merges() {
        let mut resource = Resource::new("r", Map::new());
        let denied = FailedEnrichment { action: "GetBucketTagging", optional: false, reason: "denied".to_owned() };
        let mappings = json!({
            "identifier": ".id", "blueprint": "'b'", "properties": {"id": ".id", "tags": ".tags"},
            "relations": {"team": ".tags.team"},
        });
        let port = json!({"entity": {"mappings": mappings}});
        let raw = json!({"id": "x"});
        let whole = produced(port.clone(), &resource, &raw, false);
        assert_eq!(whole.entities[0].body["properties"], json!({"id": "x", "tags": null}));
        resource.incomplete.push(denied);
        let incomplete = produced(port, &resource, &raw, false);
        assert_eq!(incomplete.entities[0].body["properties"], json!({"id": "x"}));
        assert_eq!(incomplete.entities[0].body["relations"], json!({}));
        assert!(incomplete.held.is_some());
    }

    #[test]
    fn an_incomplete_resource_overwrites_nothing_that_a_query_finds() {
        let mut resource = Resource::new("r", Map::new());
        let denied = FailedEnrichment { action: "GetBucketTagging", optional: false, reason: "denied".to_owned() };
        resource.incomplete.push(denied);
        let raw = json!({"id": "x"});
        let port = |identifier: Value| json!({"entity": {"mappings": {"identifier": identifier, "blueprint": "'b'"}}});
        assert_eq!(produced(port(rule(".id")), &resource, &raw, false).entities.len(), 0);
        assert_eq!(produced(port(json!(".id")), &resource, &raw, false).entities.len(), 1);
        assert_eq!(produced(port(json!(".id")), &resource, &raw, true).entities.len(), 0);
    }
}
