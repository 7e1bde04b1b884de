//! Metrics, heartbeats and the event log, at the URLs that the integration record names.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Answer, Effect, Incoming, State};

pub fn logs(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let logs = incoming.body["logs"].as_array().into_iter().flatten();
    state.logs.extend(logs.cloned());
    Answer::ok(json!({"ok": true}))
}

pub fn sync_metrics(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let records = incoming.body["syncKindsMetrics"].as_array().cloned().unwrap_or_default();
    for record in records {
        if let Some(refusal) = keep(state, record) {
            return refusal;
        }
    }
    Answer::ok(json!({"ok": true}))
}

pub fn kind_metrics(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let record = incoming.body["syncKindMetrics"].clone();
    let addressed = (incoming.parameter(0), incoming.parameter(1));
    if record["eventId"] != addressed.0 || record["kindIdentifier"] != addressed.1 {
        return refuse(state, format!("the record is not of the path's event and kind: {record}"));
    }
    keep(state, record).unwrap_or_else(|| Answer::ok(json!({"ok": true})))
}

pub fn heartbeat(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let event = incoming.body["eventId"].as_str().unwrap_or_default();
    state.heartbeats.push(event.to_owned());
    Answer::ok(json!({"ok": true}))
}

/// What the schema cannot say: the record is of a known integration, and its kind is that of its identifier.
fn keep(state: &mut State, record: Value) -> Option<Answer> {
    let integration = record["integrationIdentifier"].as_str().unwrap_or_default();
    if !state.integrations.contains_key(integration) {
        return Some(refuse(state, format!("metrics of the unknown integration \"{integration}\"")));
    }
    let identifier = record["kindIdentifier"].as_str().unwrap_or_default();
    let (kind, index) = match identifier.rsplit_once('-') {
        Some((kind, index)) => (kind, index.parse().unwrap_or_default()),
        None => (identifier, 0),
    };
    if record["kind"] != kind || record["kindIndex"].as_u64() != Some(index) {
        return Some(refuse(state, format!("kind and kindIndex do not fit to \"{identifier}\"")));
    }
    state.metrics.push(record);
    None
}

fn refuse(state: &mut State, message: String) -> Answer {
    state.violations.push(format!("metrics: {message}"));
    Answer::invalid(message)
}
