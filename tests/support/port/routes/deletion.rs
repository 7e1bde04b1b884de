//! Deleting entities, and what becomes of those that refer to them.

use std::collections::BTreeSet;

use serde_json::json;
use time::OffsetDateTime;

use super::{Answer, Effect, EntityKey, Incoming, State};

pub fn single(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let key = (incoming.parameter(0).to_owned(), incoming.parameter(1).to_owned());
    if !state.entities.contains_key(&key) {
        return Answer::not_found("entity", &key.1);
    }
    match delete(state, BTreeSet::from([key]), incoming.flag("delete_dependents")) {
        Ok(()) => Answer::ok(json!({"ok": true})),
        Err(refusal) => refusal,
    }
}

/// All or nothing. Identifiers that do not exist are passed over.
pub fn bulk(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let blueprint = incoming.parameter(0);
    if !state.blueprints.contains_key(blueprint) {
        return Answer::not_found("blueprint", blueprint);
    }
    let identifiers = incoming.body["entities"].as_array().into_iter().flatten();
    let keys = identifiers.filter_map(|identifier| Some((blueprint.to_owned(), identifier.as_str()?.to_owned())));
    let existing: BTreeSet<EntityKey> = keys.filter(|key| state.entities.contains_key(key)).collect();
    let deleted: Vec<String> = existing.iter().map(|(_, identifier)| identifier.clone()).collect();
    match delete(state, existing, incoming.flag("delete_dependents")) {
        Ok(()) => Answer::ok(json!({"ok": true, "deletedEntities": deleted})),
        Err(refusal) => refusal,
    }
}

fn delete(state: &mut State, requested: BTreeSet<EntityKey>, delete_dependents: bool) -> Result<(), Answer> {
    let mut doomed = requested;
    loop {
        let dependents = dependents_of(state, &doomed);
        let Some((blueprint, identifier)) = dependents.first() else {
            break;
        };
        if !delete_dependents {
            let message =
                format!("entity \"{identifier}\" of blueprint \"{blueprint}\" depends on an entity to be deleted");
            return Err(Answer::error(422, "has_dependents", message));
        }
        doomed.extend(dependents);
    }
    state.entities.retain(|key, _| !doomed.contains(key));
    clear_relations_to(state, &doomed);
    Ok(())
}

/// Entities outside of `doomed` with a required relation into it.
fn dependents_of(state: &State, doomed: &BTreeSet<EntityKey>) -> BTreeSet<EntityKey> {
    let mut dependents = BTreeSet::new();
    for (key, entity) in state.entities.iter().filter(|(key, _)| !doomed.contains(key)) {
        let Some(blueprint) = state.blueprints.get(&entity.blueprint) else {
            continue;
        };
        let mut required = blueprint.relations().filter(|(_, relation)| relation.required);
        let depends = required.any(|(name, relation)| {
            entity.points_at(name, |target| doomed.contains(&(relation.target.to_owned(), target.to_owned())))
        });
        if depends {
            dependents.insert(key.clone());
        }
    }
    dependents
}

pub fn clear_relations_to(state: &mut State, deleted: &BTreeSet<EntityKey>) {
    for entity in state.entities.values_mut() {
        let Some(blueprint) = state.blueprints.get(&entity.blueprint) else {
            continue;
        };
        for (name, relation) in blueprint.relations() {
            entity.clear_relation(name, |target| deleted.contains(&(relation.target.to_owned(), target.to_owned())));
        }
    }
}
