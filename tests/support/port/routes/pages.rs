//! Pages of entities, with cursors that stay right while entities come and go.

use super::EntityKey;
use super::entities::StoredEntity;

const CURSOR_PREFIX: &str = "cursor-";

/// The first `limit` of the entities, which come in the order of their keys, and the cursor of the next page.
pub fn page(entities: Vec<&StoredEntity>, limit: usize) -> (Vec<&StoredEntity>, Option<String>) {
    let has_more = entities.len() > limit;
    let entities: Vec<&StoredEntity> = entities.into_iter().take(limit).collect();
    let last = entities.last().filter(|_| has_more);
    let next = last.map(|entity| cursor_behind(&entity.key()));
    (entities, next)
}

fn cursor_behind(key: &EntityKey) -> String {
    let text = format!("{}\n{}", key.0, key.1);
    let hex = text.bytes().map(|byte| format!("{byte:02x}"));
    format!("{CURSOR_PREFIX}{}", hex.collect::<String>())
}

/// The key behind which a page starts. None for a cursor that was not given out.
pub fn read_cursor(cursor: &str) -> Option<EntityKey> {
    let hex = cursor.strip_prefix(CURSOR_PREFIX)?;
    let pairs = hex.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
    let text = String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()?;
    let (blueprint, identifier) = text.split_once('\n')?;
    Some((blueprint.to_owned(), identifier.to_owned()))
}
