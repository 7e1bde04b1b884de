//! Writing entities, one or many.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::entities::{StoredEntity, merge_without_nulls, team_list};
use super::faults::RefusedItem;
use super::rules;
use super::state::{RelationDefinition, StoredBlueprint};
use super::{Answer, Effect, EntityKey, Incoming, State};

/// Most entities that a relation's search query may find.
const RELATION_SEARCH_LIMIT: usize = 100;

/// What Port documents for queries in the place of an identifier; the published schema has more.
const IDENTIFIER_OPERATORS: &[&str] = &["=", "in"];

/// Stands for an item that is addressed by a search query which finds no entity.
const UNKNOWN_IDENTIFIER: &str = "unknown";

pub fn single(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let blueprint = incoming.parameter(0);
    if !state.blueprints.contains_key(blueprint) {
        return Answer::not_found("blueprint", blueprint);
    }
    match write(state, &Order::read(incoming, now), &incoming.body) {
        Ok(written) => Answer::new(201, json!({"ok": true, "entity": written.entity.to_value()})),
        Err(refused) => Answer::error(refused.status, &refused.error, refused.message),
    }
}

/// Items are written one after the other, each on its own: one may refer to an earlier one, and of two with the same
/// identifier the later wins.
pub fn bulk(state: &mut State, incoming: &Incoming, effect: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let blueprint = incoming.parameter(0);
    if !state.blueprints.contains_key(blueprint) {
        return Answer::not_found("blueprint", blueprint);
    }
    let order = Order::read(incoming, now);
    let mut entities = Vec::new();
    let mut errors = Vec::new();
    let items = incoming.body["entities"].as_array().into_iter().flatten();
    for (index, item) in items.enumerate() {
        if is_forgotten(item, effect) {
            continue;
        }
        let refused_by_fault = refusal_of(item, effect);
        let outcome = refused_by_fault.map_or_else(|| write(state, &order, item), Err);
        match outcome {
            Ok(written) => entities.push(json!({
                "index": index,
                "identifier": written.entity.identifier,
                "created": written.created,
            })),
            Err(refused) => errors.push(json!({
                "index": index,
                "identifier": refused.identifier,
                "statusCode": refused.status,
                "error": refused.error,
                "message": refused.message,
            })),
        }
    }
    // What Port answers when all items fail is not known; here it is 207 as well.
    let status = if errors.is_empty() { 200 } else { 207 };
    Answer::new(status, json!({"ok": true, "entities": entities, "errors": errors}))
}

fn is_forgotten(item: &Value, effect: Option<&Effect>) -> bool {
    let (Some(Effect::Forget(identifiers)), Some(identifier)) = (effect, item["identifier"].as_str()) else {
        return false;
    };
    identifiers.contains(identifier)
}

fn refusal_of(item: &Value, effect: Option<&Effect>) -> Option<RefusedItem> {
    let Some(Effect::Refuse(refused)) = effect else {
        return None;
    };
    refused.iter().find(|refused| item["identifier"] == refused.identifier.as_str()).cloned()
}

/// How the items of one request are to be written, and by whom.
struct Order<'a> {
    blueprint: &'a str,
    datasource: &'a str,
    now: OffsetDateTime,
    upsert: bool,
    merge: bool,
    create_missing_related_entities: bool,
    validation_only: bool,
}

impl<'a> Order<'a> {
    fn read(incoming: &'a Incoming, now: OffsetDateTime) -> Self {
        let upsert = incoming.flag("upsert");
        Self {
            blueprint: incoming.parameter(0),
            datasource: &incoming.user_agent,
            now,
            upsert,
            merge: upsert && incoming.flag("merge"),
            create_missing_related_entities: incoming.flag("create_missing_related_entities"),
            validation_only: incoming.flag("validation_only"),
        }
    }
}

struct Written {
    entity: StoredEntity,
    created: bool,
}

fn write(state: &mut State, order: &Order<'_>, item: &Value) -> Result<Written, RefusedItem> {
    let identifier = resolve_identifier(state, order, item)?;
    let refuse = |(status, error, message): Refusal| RefusedItem {
        identifier: identifier.clone(),
        status,
        error: error.to_owned(),
        message,
    };
    let planned = plan(state, order, item, &identifier).map_err(refuse)?;
    let written = Written { created: !state.entities.contains_key(&planned.entity.key()), entity: planned.entity };
    if order.validation_only {
        return Ok(written);
    }
    for (blueprint, missing) in planned.missing_targets {
        let target = StoredEntity::bare(&blueprint, &missing, order.datasource, order.now);
        state.entities.insert(target.key(), target);
    }
    state.entities.insert(written.entity.key(), written.entity.clone());
    Ok(written)
}

/// Status, error and message.
type Refusal = (u16, &'static str, String);

fn invalid(message: impl Into<String>) -> Refusal {
    (422, "invalid_request", message.into())
}

fn resolve_identifier(state: &State, order: &Order<'_>, item: &Value) -> Result<String, RefusedItem> {
    let unresolved = |status, error: &str, message: String| RefusedItem {
        identifier: UNKNOWN_IDENTIFIER.to_owned(),
        status,
        error: error.to_owned(),
        message,
    };
    match &item["identifier"] {
        Value::String(identifier) => Ok(identifier.clone()),
        // The schema lets it be missing; Port then makes one up.
        Value::Null => Ok(format!("e_{}", Uuid::new_v4().simple())),
        query => {
            if let Some(operator) =
                operators(query).into_iter().find(|operator| !IDENTIFIER_OPERATORS.contains(operator))
            {
                let message = format!("the operator {operator} is not possible for identifiers");
                return Err(unresolved(422, "invalid_request", message));
            }
            let found = find_all(state, order.blueprint, query);
            let found = found.map_err(|message| unresolved(422, "invalid_request", message))?;
            match found.as_slice() {
                [identifier] => Ok(identifier.clone()),
                [] => Err(unresolved(404, "not_found", "no entity matches the query".to_owned())),
                _ => Err(unresolved(422, "invalid_request", "several entities match the query".to_owned())),
            }
        }
    }
}

/// All operators of a query.
fn operators(query: &Value) -> Vec<&str> {
    match query["rules"].as_array() {
        Some(rules) => rules.iter().flat_map(operators).collect(),
        None => query["operator"].as_str().into_iter().collect(),
    }
}

fn find_all(state: &State, blueprint: &str, query: &Value) -> Result<Vec<String>, String> {
    let mut identifiers = Vec::new();
    for entity in state.entities.values().filter(|entity| entity.blueprint == blueprint) {
        let matches = rules::matches(entity, query).map_err(|error| format!("not emulated: {}", error.0))?;
        if matches {
            identifiers.push(entity.identifier.clone());
        }
    }
    Ok(identifiers)
}

/// An entity that may be written, and the targets that have to be created with it.
struct Planned {
    entity: StoredEntity,
    missing_targets: BTreeSet<EntityKey>,
}

fn plan(state: &State, order: &Order<'_>, item: &Value, identifier: &str) -> Result<Planned, Refusal> {
    if let Some(named) = item.get("blueprint")
        && named != order.blueprint
    {
        let message = format!("the entity is of blueprint {named}, the path of \"{}\"", order.blueprint);
        return Err(invalid(message));
    }
    let blueprint = state.blueprints.get(order.blueprint).ok_or_else(|| invalid("no such blueprint"))?;
    let key = (order.blueprint.to_owned(), identifier.to_owned());
    let earlier = state.entities.get(&key);
    if earlier.is_some() && !order.upsert {
        let message = format!("an entity with identifier \"{identifier}\" exists already");
        return Err((409, "identifier_taken", message));
    }

    let mut entity = StoredEntity::bare(order.blueprint, identifier, order.datasource, order.now);
    if let Some(earlier) = earlier {
        entity.created_at = earlier.created_at;
        if order.merge {
            entity.title.clone_from(&earlier.title);
            entity.icon.clone_from(&earlier.icon);
            entity.team.clone_from(&earlier.team);
            entity.properties.clone_from(&earlier.properties);
            entity.relations.clone_from(&earlier.relations);
        }
    }
    if let Some(title) = item.get("title") {
        entity.title = title.as_str().map(str::to_owned);
    }
    if let Some(icon) = item.get("icon") {
        entity.icon = icon.as_str().map(str::to_owned);
    }
    if let Some(team) = item.get("team") {
        entity.team = resolve_team(state, team)?;
    }
    check_properties(blueprint, &item["properties"])?;
    merge_without_nulls(&mut entity.properties, &item["properties"]);
    let relations = resolve_relations(state, blueprint, &item["relations"])?;
    merge_without_nulls(&mut entity.relations, &Value::Object(relations));

    check_required(blueprint, &entity)?;
    let missing_targets = missing_targets(state, order, blueprint, &entity)?;
    Ok(Planned { entity, missing_targets })
}

fn resolve_team(state: &State, team: &Value) -> Result<Vec<Value>, Refusal> {
    if !team.is_object() {
        return Ok(team_list(team));
    }
    let found = find_all(state, "_team", team).map_err(invalid)?;
    Ok(found.into_iter().map(Value::String).collect())
}

fn check_properties(blueprint: &StoredBlueprint, properties: &Value) -> Result<(), Refusal> {
    for (name, value) in properties.as_object().into_iter().flatten() {
        // Null clears a property, so any existing one takes it.
        if value.is_null() && blueprint.properties.contains(name) {
            continue;
        }
        if let Some(problem) = blueprint.properties.problem(name, value) {
            return Err(invalid(problem));
        }
    }
    Ok(())
}

/// Checks names and cardinality, and puts the results in the place of search queries.
fn resolve_relations(
    state: &State,
    blueprint: &StoredBlueprint,
    relations: &Value,
) -> Result<Map<String, Value>, Refusal> {
    let mut resolved = Map::new();
    for (name, value) in relations.as_object().into_iter().flatten() {
        let Some(definition) = blueprint.relation(name) else {
            return Err(invalid(format!("the blueprint has no relation \"{name}\"")));
        };
        resolved.insert(name.clone(), resolve_relation(state, name, &definition, value)?);
    }
    Ok(resolved)
}

fn resolve_relation(
    state: &State,
    name: &str,
    definition: &RelationDefinition<'_>,
    value: &Value,
) -> Result<Value, Refusal> {
    match (value, definition.many) {
        (Value::Null, _) | (Value::String(_), false) | (Value::Array(_), true) => Ok(value.clone()),
        (Value::Object(_), many) => {
            let found = find_all(state, definition.target, value).map_err(invalid)?;
            if found.len() > RELATION_SEARCH_LIMIT {
                return Err(invalid(format!("the query of relation \"{name}\" finds too many entities")));
            }
            match (found.as_slice(), many) {
                (_, true) => Ok(json!(found)),
                ([], false) => Ok(Value::Null),
                ([identifier], false) => Ok(json!(identifier)),
                (_, false) => Err(invalid(format!("relation \"{name}\" is single, its query finds several"))),
            }
        }
        (_, true) => Err(invalid(format!("relation \"{name}\" takes an array of identifiers"))),
        (_, false) => Err(invalid(format!("relation \"{name}\" takes one identifier"))),
    }
}

fn check_required(blueprint: &StoredBlueprint, entity: &StoredEntity) -> Result<(), Refusal> {
    for name in blueprint.required_properties() {
        if !entity.properties.contains_key(name) {
            return Err(invalid(format!("property \"{name}\" is required")));
        }
    }
    for (name, relation) in blueprint.relations() {
        if relation.required && !entity.points_at(name, |_| true) {
            return Err(invalid(format!("relation \"{name}\" is required")));
        }
    }
    Ok(())
}

/// The targets that do not exist: to be created where the request allows it, a reason to refuse otherwise. Those of
/// Port's own blueprints (users, teams) are never created.
fn missing_targets(
    state: &State,
    order: &Order<'_>,
    blueprint: &StoredBlueprint,
    entity: &StoredEntity,
) -> Result<BTreeSet<EntityKey>, Refusal> {
    let mut missing = BTreeSet::new();
    for (name, relation) in blueprint.relations() {
        let Some(value) = entity.relations.get(name) else {
            continue;
        };
        let identifiers = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        for identifier in identifiers.iter().filter_map(Value::as_str) {
            let key = (relation.target.to_owned(), identifier.to_owned());
            if key == entity.key() || state.entities.contains_key(&key) {
                continue;
            }
            if !order.create_missing_related_entities || relation.target.starts_with('_') {
                let message = format!("entity \"{identifier}\" of blueprint \"{}\" was not found", relation.target);
                return Err((404, "not_found", format!("relation \"{name}\": {message}")));
            }
            missing.insert(key);
        }
    }
    Ok(missing)
}
