//! The listing of what one data source wrote.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::entities::StoredEntity;
use super::pages::{page, read_cursor};
use super::rules::moment;
use super::{Answer, Effect, Incoming, State};

/// Answers identifier and blueprint only; what more Port answers is not known.
pub fn list(state: &mut State, incoming: &Incoming, _: Option<&Effect>, _: OffsetDateTime) -> Answer {
    let body = &incoming.body;
    let prefix = body["datasource_prefix"].as_str().unwrap_or_default();
    let suffix = body["datasource_suffix"].as_str().unwrap_or_default();
    let before = body["before"].as_str().map(moment);
    if before == Some(None) {
        return Answer::invalid("before has to be a moment with an offset");
    }
    let before = before.flatten();
    let behind = body["from"].as_str().map(read_cursor);
    if behind == Some(None) {
        return Answer::invalid("from is not a cursor");
    }
    let behind = behind.flatten();

    let is_listed = |entity: &&StoredEntity| {
        entity.datasource.starts_with(prefix)
            && entity.datasource.ends_with(suffix)
            && before.is_none_or(|before| entity.updated_at < before)
            && behind.as_ref().is_none_or(|behind| entity.key() > *behind)
    };
    let listed = state.entities.values().filter(is_listed).collect();
    let limit = body["limit"].as_u64().and_then(|limit| usize::try_from(limit).ok());
    let (entities, next) = page(listed, limit.unwrap_or(usize::MAX).min(state.page_limit));
    let entities: Vec<Value> = entities
        .into_iter()
        .map(|entity| json!({"identifier": entity.identifier, "blueprint": entity.blueprint}))
        .collect();
    Answer::ok(json!({"ok": true, "entities": entities, "next": next}))
}
