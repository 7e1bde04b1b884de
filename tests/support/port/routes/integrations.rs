//! The integration record and what hangs on it.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::limits::iso;
use super::{Answer, Effect, INGEST, Incoming, State};

pub fn list(state: &mut State, _: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let integrations: Vec<&Value> = state.integrations.values().collect();
    Answer::ok(json!({"ok": true, "integrations": integrations}))
}

/// No type has resources that Port itself provisions.
pub fn provision_enabled(_: &mut State, _: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    Answer::ok(json!({"ok": true, "integrations": []}))
}

pub fn get(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    with_record(state, incoming, |_| {})
}

pub fn create(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let identifier = incoming.body["installationId"].as_str().unwrap_or_default();
    if state.integrations.contains_key(identifier) {
        let message = format!("an integration with identifier \"{identifier}\" exists already");
        return Answer::error(409, "identifier_taken", message);
    }
    match store(state, incoming.body.clone()) {
        Some(record) => {
            if state.requests_resync_always {
                request_resync(state, identifier);
            }
            Answer::new(201, json!({"ok": true, "integration": record}))
        }
        None => Answer::invalid("installationId is required"),
    }
}

/// Any writing of the record makes a resync request, for a caller who wants none as well: nobody outside Port knows
/// better, and a client has to live with it.
pub fn patch(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let changes = incoming.body.as_object().cloned().unwrap_or_default();
    let answer = with_record(state, incoming, |record| change(record, &changes, now));
    if answer.status == 200 {
        request_resync(state, incoming.parameter(0));
    }
    answer
}

pub fn patch_config(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let changes = incoming.body.as_object().cloned().unwrap_or_default();
    let answer = with_record(state, incoming, |record| change(record, &changes, now));
    if answer.status == 200 {
        request_resync_unless_skipped(state, incoming);
    }
    answer
}

pub fn delete(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let identifier = incoming.parameter(0);
    if state.integrations.remove(identifier).is_none() {
        return Answer::not_found("integration", identifier);
    }
    Answer::ok(json!({"ok": true}))
}

pub fn resync_state(state: &mut State, incoming: &Incoming, _: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let answer = with_record(state, incoming, |record| {
        let mut resync_state = record["resyncState"].as_object().cloned().unwrap_or_default();
        for (name, value) in incoming.body.as_object().into_iter().flatten() {
            resync_state.insert(name.clone(), value.clone());
        }
        resync_state.insert("updatedAt".to_owned(), json!(iso(now)));
        record["resyncState"] = Value::Object(resync_state);
    });
    if answer.status == 200 {
        state.resync_states.push(incoming.body.clone());
        request_resync_unless_skipped(state, incoming);
    }
    answer
}

pub fn resync_request(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let identifier = incoming.parameter(0);
    if !state.integrations.contains_key(identifier) {
        return Answer::not_found("integration", identifier);
    }
    let request = state.resync_requests.get(identifier);
    Answer::ok(json!({"ok": true, "request": request}))
}

pub fn kind_examples(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let answer = with_record(state, incoming, |_| {});
    if answer.status == 200 {
        let examples = incoming.body["examples"].as_array().cloned().unwrap_or_default();
        let kind = incoming.parameter(1).to_owned();
        state.kind_examples.entry(kind).or_default().extend(examples);
        return Answer::ok(json!({"ok": true}));
    }
    answer
}

/// Stores a record with the fields that Port sets. None without an installation id.
pub fn store(state: &mut State, given: Value) -> Option<Value> {
    let identifier = given["installationId"].as_str()?.to_owned();
    let now = state.clock.now();
    let ingest_url = format!("{}{INGEST}", state.base_url);
    let mut record = json!({
        "_id": format!("integration_{}", Uuid::new_v4().simple()),
        "installationType": "OnPrem",
        "processingMode": "dsp",
        "createdAt": iso(now),
        "updatedAt": iso(now),
        "logAttributes": {"ingestId": Uuid::new_v4().to_string(), "ingestUrl": format!("{ingest_url}/logs")},
        "metricAttributes": {"ingestId": Uuid::new_v4().to_string(), "ingestUrl": ingest_url},
    });
    for (name, value) in given.as_object().into_iter().flatten() {
        record[name] = value.clone();
    }
    state.integrations.insert(identifier, record.clone());
    Some(record)
}

pub fn request_resync(state: &mut State, identifier: &str) {
    let now = state.clock.now();
    let request = json!({"id": Uuid::new_v4().to_string(), "updatedAt": iso(now)});
    state.resync_requests.insert(identifier.to_owned(), request);
}

fn request_resync_unless_skipped(state: &mut State, incoming: &Incoming) {
    if state.requests_resync_always || !incoming.skips_resync {
        request_resync(state, incoming.parameter(0));
    }
}

fn with_record(state: &mut State, incoming: &Incoming, action: impl FnOnce(&mut Value)) -> Answer {
    let identifier = incoming.parameter(0);
    let Some(record) = state.integrations.get_mut(identifier) else {
        return Answer::not_found("integration", identifier);
    };
    action(record);
    Answer::ok(json!({"ok": true, "integration": record}))
}

fn change(record: &mut Value, changes: &Map<String, Value>, now: OffsetDateTime) {
    for (name, value) in changes {
        record[name] = value.clone();
    }
    record["updatedAt"] = json!(iso(now));
}
