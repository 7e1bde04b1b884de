//! Reading entities.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::entities::StoredEntity;
use super::pages::{page, read_cursor};
use super::rules::{self, NotEmulated};
use super::{Answer, Effect, Incoming, State};

/// Page of a blueprint's search that asks for none.
const DEFAULT_PAGE: f64 = 200.0;

pub fn get(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let key = (incoming.parameter(0).to_owned(), incoming.parameter(1).to_owned());
    match state.entities.get(&key) {
        Some(entity) => Answer::ok(json!({"ok": true, "entity": full(state, entity)})),
        None => Answer::not_found("entity", &key.1),
    }
}

pub fn list(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let blueprint = incoming.parameter(0);
    if !state.blueprints.contains_key(blueprint) {
        return Answer::not_found("blueprint", blueprint);
    }
    let include = incoming.query_values("include");
    let entities = of_blueprint(state, blueprint).map(|entity| selected(state, entity, &include));
    Answer::ok(json!({"ok": true, "entities": entities.collect::<Vec<_>>()}))
}

pub fn count(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let blueprint = incoming.parameter(0);
    if !state.blueprints.contains_key(blueprint) {
        return Answer::not_found("blueprint", blueprint);
    }
    Answer::ok(json!({"ok": true, "count": of_blueprint(state, blueprint).count()}))
}

/// Across blueprints, without pages.
pub fn search(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let matching = match filtered(state.entities.values(), &incoming.body) {
        Ok(matching) => matching,
        Err(error) => return not_emulated(state, error),
    };
    let include = incoming.query_values("include");
    let blueprints: BTreeSet<&str> = matching.iter().map(|entity| entity.blueprint.as_str()).collect();
    let entities = matching.iter().map(|entity| selected(state, entity, &include));
    Answer::ok(json!({
        "ok": true,
        "matchingBlueprints": blueprints,
        "failedBlueprints": [],
        "entities": entities.collect::<Vec<_>>(),
    }))
}

/// Within one blueprint, page by page. Here includes are bare names, with a `$` for meta properties.
pub fn blueprint_search(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let blueprint = incoming.parameter(0);
    if !state.blueprints.contains_key(blueprint) {
        return Answer::not_found("blueprint", blueprint);
    }
    let behind = incoming.body["from"].as_str().map(read_cursor);
    if behind == Some(None) {
        return Answer::invalid("from is not a cursor");
    }
    let behind = behind.flatten();
    let following = of_blueprint(state, blueprint);
    let following = following.filter(|entity| behind.as_ref().is_none_or(|behind| entity.key() > *behind));
    let matching = match filtered(following, &incoming.body["query"]) {
        Ok(matching) => matching,
        Err(error) => return not_emulated(state, error),
    };
    let limit = incoming.body["limit"].as_f64().unwrap_or(DEFAULT_PAGE);
    // The schema has it between 1 and 1000.
    let limit = (limit as usize).min(state.page_limit);
    let (entities, next) = page(matching, limit);
    let include = incoming.body["include"].as_array().into_iter().flatten();
    let include: Vec<String> = include.filter_map(Value::as_str).map(path_of_bare_name(state, blueprint)).collect();
    let include: Vec<&str> = include.iter().map(String::as_str).collect();
    let entities = entities.into_iter().map(|entity| selected(state, entity, &include));
    let mut body = json!({"ok": true, "entities": entities.collect::<Vec<_>>()});
    if let Some(next) = next {
        body["next"] = json!(next);
    }
    Answer::ok(body)
}

fn not_emulated(state: &mut State, error: NotEmulated) -> Answer {
    state.violations.push(format!("search: the emulator lacks {}", error.0));
    Answer::error(501, "not_emulated", error.0)
}

fn of_blueprint<'a>(state: &'a State, blueprint: &str) -> impl Iterator<Item = &'a StoredEntity> {
    state.entities.values().filter(move |entity| entity.blueprint == blueprint)
}

/// A missing query matches everything.
fn filtered<'a>(
    entities: impl Iterator<Item = &'a StoredEntity>,
    query: &Value,
) -> Result<Vec<&'a StoredEntity>, NotEmulated> {
    let mut matching = Vec::new();
    for entity in entities {
        if query.is_null() || rules::matches(entity, query)? {
            matching.push(entity);
        }
    }
    Ok(matching)
}

fn path_of_bare_name<'a>(state: &'a State, blueprint: &'a str) -> impl Fn(&str) -> String + 'a {
    let definition = state.blueprints.get(blueprint);
    move |name| {
        if let Some(meta_property) = name.strip_prefix('$') {
            return meta_property.to_owned();
        }
        let is_relation = definition.is_some_and(|definition| definition.relation(name).is_some());
        if is_relation {
            return format!("relations.{name}");
        }
        format!("properties.{name}")
    }
}

fn full(state: &State, entity: &StoredEntity) -> Value {
    if state.unset_properties_as_null {
        return entity.to_value_with_nulls(state.blueprints.get(&entity.blueprint));
    }
    entity.to_value()
}

/// The fields that are asked for, or all. An included field that the entity has not is left out, as in the whole.
fn selected(state: &State, entity: &StoredEntity, include: &[&str]) -> Value {
    let full = full(state, entity);
    if include.is_empty() {
        return full;
    }
    let mut selected = Map::new();
    for path in include {
        let (field, name) = path.split_once('.').unwrap_or((path, ""));
        let Some(value) = full.get(field) else {
            continue;
        };
        if name.is_empty() {
            selected.insert(field.to_owned(), value.clone());
            continue;
        }
        let group = selected.entry(field).or_insert_with(|| json!({}));
        if let Some(value) = value.get(name) {
            group[name] = value.clone();
        }
    }
    Value::Object(selected)
}
