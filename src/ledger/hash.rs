//! The hash by which a later run knows that an entity did not change.

use std::fmt;

use serde_json::Value;
use sha2::{Digest, Sha256};

/// Part of every hash: a change of how entities are sent changes it, and everything is sent once more.
const HASH_VERSION: &str = "1";
/// 128 bits: collisions are out of reach, and ledgers stay half as large.
const HASH_BYTES: usize = 16;

/// A hash over an entity as it is sent, and over how it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EntityHash([u8; HASH_BYTES]);

impl EntityHash {
    /// The hash of an entity. The order of an object's keys does not count; the order in an array does.
    pub fn of(entity: &Value, merge: bool) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(HASH_VERSION);
        hasher.update([u8::from(merge)]);
        feed(&mut hasher, entity);
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(&hasher.finalize()[..HASH_BYTES]);
        Self(hash)
    }

    /// A hash as it was written, in hexadecimal; none for a text that cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != HASH_BYTES * 2 || !text.is_ascii() {
            return None;
        }
        let mut hash = [0; HASH_BYTES];
        for (index, byte) in hash.iter_mut().enumerate() {
            let digits = &text[index * 2..index * 2 + 2];
            // `from_str_radix` takes a sign, too.
            let is_hexadecimal = digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
            *byte = is_hexadecimal.then(|| u8::from_str_radix(digits, 16).ok())??;
        }
        Some(Self(hash))
    }
}

impl fmt::Display for EntityHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Feeds a value in one canonical form. Every part is framed, so that two different values cannot give the same bytes.
fn feed(hasher: &mut Sha256, value: &Value) {
    match value {
        Value::Array(items) => {
            hasher.update([b'[']);
            for item in items {
                feed(hasher, item);
            }
            hasher.update([b']']);
        }
        Value::Object(members) => {
            hasher.update([b'{']);
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            for name in names {
                feed_text(hasher, b'k', name);
                feed(hasher, &members[name]);
            }
            hasher.update([b'}']);
        }
        Value::String(text) => feed_text(hasher, b's', text),
        Value::Number(number) => feed_text(hasher, b'n', &number.to_string()),
        Value::Bool(true) => hasher.update([b't']),
        Value::Bool(false) => hasher.update([b'f']),
        Value::Null => hasher.update([b'0']),
    }
}

fn feed_text(hasher: &mut Sha256, tag: u8, text: &str) {
    hasher.update([tag]);
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_sent_counts() {
        let one = EntityHash::of(&json!({"a": 1, "b": [1, 2]}), true);
        assert_eq!(one, EntityHash::of(&json!({"b": [1, 2], "a": 1}), true));
        for other in [
            json!({"a": 1, "b": [2, 1]}),
            json!({"a": "1", "b": [1, 2]}),
            json!({"a": 1, "b": [1, 2], "c": null}),
            json!({"a": 1}),
        ] {
            assert_ne!(one, EntityHash::of(&other, true), "{other}");
        }
        assert_ne!(one, EntityHash::of(&json!({"a": 1, "b": [1, 2]}), false));
    }

    #[test]
    fn a_written_hash_is_read_back() {
        let hash = EntityHash::of(&json!({}), true);
        assert_eq!(EntityHash::parse(&hash.to_string()), Some(hash));
        for other in
            ["short", "0123456789ABCDEF0123456789ABCDEF", "+1234567890123456789012345678901", "äöüäöüäöüäöüäöüä"]
        {
            assert_eq!(EntityHash::parse(other), None, "{other}");
        }
    }
}
