//! Blueprints.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::limits::iso;
use super::schema::{self, PropertyValidators};
use super::state::StoredBlueprint;
use super::{Answer, Effect, Incoming, State};

/// Fields that Port writes itself; a client that sends back what it read may include them.
const META_FIELDS: [&str; 4] = ["createdAt", "createdBy", "updatedAt", "updatedBy"];

pub fn list(state: &mut State, _: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let blueprints: Vec<&Value> = state.blueprints.values().map(|blueprint| &blueprint.definition).collect();
    Answer::ok(json!({"ok": true, "blueprints": blueprints}))
}

pub fn get(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let identifier = incoming.parameter(0);
    match state.blueprints.get(identifier) {
        Some(blueprint) => Answer::ok(json!({"ok": true, "blueprint": blueprint.definition})),
        None => Answer::not_found("blueprint", identifier),
    }
}

pub fn create(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let identifier = incoming.body["identifier"].as_str().unwrap_or_default();
    if state.blueprints.contains_key(identifier) {
        let message = format!("a blueprint with identifier \"{identifier}\" exists already");
        return Answer::error(409, "identifier_taken", message);
    }
    stored_or_refused(state, incoming.body.clone(), now, 201)
}

pub fn replace(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let identifier = incoming.parameter(0);
    if !state.blueprints.contains_key(identifier) {
        return Answer::not_found("blueprint", identifier);
    }
    if let Some(refusal) = renaming_refused(incoming) {
        return refusal;
    }
    let mut definition = incoming.body.clone();
    definition["identifier"] = json!(identifier);
    stored_or_refused(state, definition, now, 200)
}

/// Replaces the fields that are given, each as a whole.
pub fn patch(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let identifier = incoming.parameter(0);
    let Some(blueprint) = state.blueprints.get(identifier) else {
        return Answer::not_found("blueprint", identifier);
    };
    if let Some(refusal) = renaming_refused(incoming) {
        return refusal;
    }
    let mut definition = blueprint.definition.clone();
    for (name, value) in incoming.body.as_object().into_iter().flatten() {
        definition[name] = value.clone();
    }
    stored_or_refused(state, definition, now, 200)
}

pub fn delete(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let identifier = incoming.parameter(0);
    if !state.blueprints.contains_key(identifier) {
        return Answer::not_found("blueprint", identifier);
    }
    if state.entities.keys().any(|(blueprint, _)| blueprint == identifier) {
        return Answer::invalid(format!("blueprint \"{identifier}\" has entities"));
    }
    let others = state.blueprints.iter().filter(|(other, _)| *other != identifier);
    for (other, blueprint) in others {
        if blueprint.relations().any(|(_, relation)| relation.target == identifier) {
            return Answer::invalid(format!("blueprint \"{other}\" has a relation to \"{identifier}\""));
        }
    }
    state.blueprints.remove(identifier);
    Answer::ok(json!({"ok": true}))
}

/// The emulator does not rename.
fn renaming_refused(incoming: &Incoming) -> Option<Answer> {
    let identifier = incoming.body.get("identifier")?;
    let renamed = *identifier != incoming.parameter(0);
    renamed.then(|| Answer::invalid("the identifier of a blueprint is not changed by this emulator"))
}

fn stored_or_refused(state: &mut State, definition: Value, now: OffsetDateTime, status: u16) -> Answer {
    match store(state, definition, now) {
        Ok(definition) => Answer::new(status, json!({"ok": true, "blueprint": definition})),
        Err(refusal) => refusal,
    }
}

/// Stores a definition that obeys the published schema, unless its relations or types are impossible.
pub fn store(state: &mut State, mut definition: Value, now: OffsetDateTime) -> Result<Value, Answer> {
    let identifier = definition["identifier"].as_str().unwrap_or_default().to_owned();
    let earlier = state.blueprints.get(&identifier);
    check_relation_targets(state, &identifier, &definition)?;
    if let Some(earlier) = earlier {
        check_types_unchanged(&earlier.definition, &definition)?;
    }
    fill_defaults(&mut definition);
    for name in META_FIELDS {
        if let Some(fields) = definition.as_object_mut() {
            fields.shift_remove(name);
        }
    }
    let created_at = earlier.map(|earlier| earlier.definition["createdAt"].clone());
    definition["createdAt"] = created_at.unwrap_or_else(|| json!(iso(now)));
    definition["createdBy"] = json!(state.credentials.client_id);
    definition["updatedAt"] = json!(iso(now));
    definition["updatedBy"] = json!(state.credentials.client_id);
    if let Some(problem) = schema::request_problem("POST", "/blueprints", &[], &definition) {
        return Err(Answer::invalid(problem));
    }
    let properties = PropertyValidators::compile(&definition["schema"]["properties"]).map_err(Answer::invalid)?;
    let blueprint = StoredBlueprint { definition: definition.clone(), properties };
    state.blueprints.insert(identifier, blueprint);
    Ok(definition)
}

fn check_relation_targets(state: &State, identifier: &str, definition: &Value) -> Result<(), Answer> {
    for relation in definition["relations"].as_object().into_iter().flat_map(|all| all.values()) {
        let target = relation["target"].as_str().unwrap_or_default();
        if target != identifier && !state.blueprints.contains_key(target) {
            return Err(Answer::not_found("blueprint", target));
        }
    }
    Ok(())
}

fn check_types_unchanged(earlier: &Value, definition: &Value) -> Result<(), Answer> {
    for (name, property) in earlier["schema"]["properties"].as_object().into_iter().flatten() {
        let Some(changed) = definition["schema"]["properties"].get(name) else {
            continue;
        };
        if changed["type"] != property["type"] {
            return Err(Answer::invalid(format!("the type of property \"{name}\" cannot be changed")));
        }
    }
    Ok(())
}

fn fill_defaults(definition: &mut Value) {
    for name in ["relations", "mirrorProperties", "calculationProperties", "aggregationProperties"] {
        if definition.get(name).is_none() {
            definition[name] = json!({});
        }
    }
    if definition["schema"].get("required").is_none() {
        definition["schema"]["required"] = json!([]);
    }
}
