//! How a ledger lies in the state bucket: a line that says what it is and what its checksum is, then the content as
//! compact JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EntityHash, Entry, Ledger, Progress, Relation, State};
use crate::run::RunId;
use crate::seams::EntityKey;

/// The format that this version writes. One that is newer is not touched.
pub const LEDGER_VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "portolan-ledger")]
    version: u32,
    /// SHA-256 of everything after the line, in hexadecimal.
    checksum: String,
    /// Who wrote it: an id of this one write.
    writer: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    /// kind → resource key → entries.
    units: BTreeMap<String, BTreeMap<String, Vec<WrittenEntry>>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    claims_incomplete: bool,
}

/// blueprint, identifier, relations (name and identifier), state. An array, because a ledger may have hundreds of
/// thousands of them.
#[derive(Serialize, Deserialize)]
struct WrittenEntry(String, String, Vec<(String, String)>, String);

const UNSURE: &str = "unsure";
const SENT: &str = "sent:";
const STALE: &str = "stale:";
const UNMAPPED: &str = "unmapped:";
const ADDRESSED: &str = "addressed";

/// A ledger that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormatError {
    /// It says something, but what it says cannot be trusted. It is replaced once its target has been completely read.
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
    /// A newer release wrote it.
    #[error(
        "the ledger has format version {0}, this release understands {LEDGER_VERSION}: deploy the newer release again"
    )]
    Newer(u32),
}

/// The bytes of a ledger, marked with an id of this one write.
pub fn encode(ledger: &Ledger, writer: &str) -> Vec<u8> {
    let units = ledger
        .units
        .iter()
        .map(|(kind, unit)| {
            let resources =
                unit.iter().map(|(key, entries)| (key.clone(), entries.iter().map(write_entry).collect())).collect();
            (kind.clone(), resources)
        })
        .collect();
    let body = Body { units, progress: ledger.progress.clone(), claims_incomplete: ledger.claims_incomplete };
    let body = serde_json::to_vec(&body).expect("a ledger holds strings and numbers only, which JSON cannot refuse");
    let header = Header { version: LEDGER_VERSION, checksum: checksum(&body), writer: writer.to_owned() };
    let mut bytes =
        serde_json::to_vec(&header).expect("a header holds strings and numbers only, which JSON cannot refuse");
    bytes.push(b'\n');
    bytes.extend(body);
    bytes
}

/// A ledger from its bytes.
pub fn decode(bytes: &[u8]) -> Result<Ledger, FormatError> {
    let (header, body) = split(bytes)?;
    if header.version > LEDGER_VERSION {
        return Err(FormatError::Newer(header.version));
    }
    if checksum(body) != header.checksum {
        return Err(FormatError::Damaged(
            "its content does not have the checksum that its first line gives".to_owned(),
        ));
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| FormatError::Damaged(error.to_string()))?;
    let mut ledger =
        Ledger { units: BTreeMap::new(), progress: body.progress, claims_incomplete: body.claims_incomplete };
    for (kind, resources) in body.units {
        let unit = ledger.units.entry(kind).or_default();
        for (key, entries) in resources {
            let entries = entries.into_iter().map(read_entry).collect::<Result<Vec<_>, _>>()?;
            unit.insert(key, entries);
        }
    }
    Ok(ledger)
}

/// The id of the write that a ledger's bytes come from.
pub fn writer_of(bytes: &[u8]) -> Option<String> {
    split(bytes).ok().map(|(header, _)| header.writer)
}

fn split(bytes: &[u8]) -> Result<(Header, &[u8]), FormatError> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return Err(FormatError::Damaged("it has no first line".to_owned()));
    };
    let header = serde_json::from_slice(&bytes[..end])
        .map_err(|error| FormatError::Damaged(format!("its first line is unreadable: {error}")))?;
    Ok((header, &bytes[end + 1..]))
}

fn checksum(body: &[u8]) -> String {
    Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn write_entry(entry: &Entry) -> WrittenEntry {
    let state = match &entry.state {
        State::Sent(hash) => format!("{SENT}{hash}"),
        State::Unsure => UNSURE.to_owned(),
        State::Stale(run) => format!("{STALE}{run}"),
        State::Unmapped(run) => format!("{UNMAPPED}{run}"),
        State::Addressed => ADDRESSED.to_owned(),
    };
    let relations =
        entry.relates_to.iter().map(|relation| (relation.name.clone(), relation.identifier.clone())).collect();
    WrittenEntry(entry.entity.blueprint.clone(), entry.entity.identifier.clone(), relations, state)
}

fn read_entry(WrittenEntry(blueprint, identifier, relations, state): WrittenEntry) -> Result<Entry, FormatError> {
    let relates_to = relations.into_iter().map(|(name, identifier)| Relation { name, identifier }).collect();
    Ok(Entry { entity: EntityKey { blueprint, identifier }, relates_to, state: read_state(&state)? })
}

fn read_state(text: &str) -> Result<State, FormatError> {
    let unknown = || FormatError::Damaged(format!("`{text}` is no state of an entity"));
    if text == UNSURE {
        return Ok(State::Unsure);
    }
    if text == ADDRESSED {
        return Ok(State::Addressed);
    }
    if let Some(hash) = text.strip_prefix(SENT) {
        return EntityHash::parse(hash).map(State::Sent).ok_or_else(unknown);
    }
    let read_run = |run: &str| RunId::try_from(run.to_owned()).map_err(|_| unknown());
    if let Some(run) = text.strip_prefix(UNMAPPED) {
        return read_run(run).map(State::Unmapped);
    }
    let run = text.strip_prefix(STALE).ok_or_else(unknown)?;
    read_run(run).map(State::Stale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for (identifier, state) in [
            ("a", State::Unsure),
            ("b", State::Sent(EntityHash::of(&json!({"x": 1}), true))),
            ("c", State::Stale(RunId::new())),
            ("d", State::Unmapped(RunId::new())),
            ("d", State::Addressed),
        ] {
            let entity = EntityKey { blueprint: "s3Bucket".to_owned(), identifier: identifier.to_owned() };
            let relates_to = vec![Relation { name: "account".to_owned(), identifier: "111111111111".to_owned() }];
            ledger.record("AWS::S3::Bucket", "bucket-1", Entry { entity, relates_to, state });
        }
        ledger
    }

    #[test]
    fn a_ledger_survives_the_bucket() {
        let ledger = ledger();
        let bytes = encode(&ledger, "writer-1");
        assert_eq!(decode(&bytes).unwrap(), ledger);
        assert_eq!(writer_of(&bytes).as_deref(), Some("writer-1"));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let bytes = encode(&ledger(), "writer-1");
        for end in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..end]), Err(FormatError::Damaged(_))), "cut at {end}");
        }
        let body = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for position in body..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 1;
            assert!(matches!(decode(&changed), Err(FormatError::Damaged(_))), "byte {position}");
        }
    }

    #[test]
    fn a_newer_format_is_told_apart_from_damage() {
        let text = String::from_utf8(encode(&ledger(), "writer-1")).unwrap();
        let newer = text.replacen("\"portolan-ledger\":1", "\"portolan-ledger\":2", 1);
        assert_eq!(decode(newer.as_bytes()), Err(FormatError::Newer(2)));
    }
}
