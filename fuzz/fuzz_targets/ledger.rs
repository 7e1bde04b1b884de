//! A ledger: whatever is written is read again, and nothing else is ever read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan::ledger::{EntityHash, Entry, Ledger, Relation, State, decode, encode};
use portolan::run::RunId;
use portolan::seams::EntityKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    check(&sealed(bytes));
    let written = encode(&ledger_of(bytes), "writer");
    assert_eq!(encode(&decode(&written).expect("what was written is read"), "writer"), written);
    check_change(&written, bytes);
});

fn check(bytes: &[u8]) {
    let Ok(ledger) = decode(bytes) else { return };
    let written = encode(&ledger, "writer");
    assert_eq!(encode(&decode(&written).expect("what was read is written"), "writer"), written);
    check_change(bytes, bytes);
}

/// One changed bit, wherever the input says: it is noticed, or it is none of the content.
fn check_change(written: &[u8], input: &[u8]) {
    let Some(position) = input.iter().map(|byte| usize::from(*byte)).reduce(|sum, byte| sum * 31 % 65_521 + byte)
    else {
        return;
    };
    let mut changed = written.to_vec();
    let position = position % changed.len();
    changed[position] ^= 1 << (input.len() % 8);
    if let Ok(ledger) = decode(&changed) {
        let before = decode(written).expect("it was read before");
        assert_eq!(encode(&ledger, "writer"), encode(&before, "writer"), "bit of byte {position}");
    }
}

/// The same with the checksum that its first line should have: what comes after it is read at all.
fn sealed(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (first, rest) = (&bytes[..end], bytes.get(end + 1..).unwrap_or_default());
    let Ok(mut header) = serde_json::from_slice::<Value>(first) else { return bytes.to_vec() };
    if let Some(checksum) = header.get_mut("checksum") {
        let digest: String = Sha256::digest(rest).iter().map(|byte| format!("{byte:02x}")).collect();
        *checksum = json!(digest);
    }
    [header.to_string().as_bytes(), b"\n", rest].concat()
}

/// A ledger made of what stands between bars: kind, resource, blueprint, identifier, relation, state, and so on.
fn ledger_of(bytes: &[u8]) -> Ledger {
    let text = String::from_utf8_lossy(bytes);
    let words: Vec<String> = text.split('|').map(str::to_owned).collect();
    let mut ledger = Ledger::default();
    for words in words.chunks_exact(6) {
        let [kind, resource, blueprint, identifier, relation, state] = words else { continue };
        let run = || RunId::try_from("0f8b6d1e-5a3c-4c1f-9d2e-7b64a1c0e935".to_owned()).expect("an id");
        let state = match state.trim() {
            "stale" => State::Stale(run()),
            "unmapped" => State::Unmapped(run()),
            "addressed" => State::Addressed,
            "unsure" => State::Unsure,
            content => State::Sent(EntityHash::of(&json!(content), true)),
        };
        let relates_to = match relation.split_once('=') {
            Some((name, identifier)) => vec![Relation { name: name.into(), identifier: identifier.into() }],
            None => Vec::new(),
        };
        let entity = EntityKey { blueprint: blueprint.as_str().into(), identifier: identifier.as_str().into() };
        ledger.record(kind, resource, Entry { entity, relates_to: relates_to.into(), state });
    }
    ledger.claims_incomplete = text.starts_with('!');
    ledger
}
