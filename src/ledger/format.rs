//! How a ledger lies in the state bucket: lines of JSON.
//!
//! The first line says what it is and what the checksum of the rest is, the second how far a reading came. Then each
//! kind has a line, `{"kind":"AWS::S3::Bucket"}`, and each of its resources one after it: `["key",[entries],seen]`. A
//! line at a time, a ledger of hundreds of thousands of entries is read and written without a second copy in memory.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{EntityHash, Entry, Ledger, Progress, Relation, State};
use crate::run::RunId;
use crate::seams::EntityKey;

/// The format that this version writes. One that is newer is not touched.
pub const LEDGER_VERSION: u32 = 2;

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
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Standing {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    progress: Option<Progress>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    claims_incomplete: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindLine {
    kind: String,
}

/// Blueprint, identifier (none where it is the resource's key), relations (name and identifier), state.
#[derive(Serialize, Deserialize)]
struct WrittenEntry(String, Option<String>, Vec<(String, String)>, String);

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

/// About what an entry takes beyond its resource's key. A buffer that grows by doubling would take twice the memory.
const BYTES_PER_ENTRY: usize = 150;

/// The bytes of a ledger, marked with an id of this one write.
pub fn encode(ledger: &Ledger, writer: &str) -> Vec<u8> {
    let resources = ledger.units.values().flatten();
    let expected = resources.map(|(key, known)| key.len() + 8 + BYTES_PER_ENTRY * known.entries.len()).sum();
    let mut bytes = Vec::with_capacity(expected);
    // Its length does not depend on the checksum, which is known when the rest is.
    write_line(&mut bytes, &header("0".repeat(CHECKSUM_LETTERS), writer));
    let start = bytes.len();
    let standing = Standing { progress: ledger.progress.clone(), claims_incomplete: ledger.claims_incomplete };
    write_line(&mut bytes, &standing);
    for (kind, unit) in &ledger.units {
        write_line(&mut bytes, &KindLine { kind: kind.clone() });
        for (key, known) in unit {
            let entries: Vec<WrittenEntry> = known.entries.iter().map(|entry| write_entry(entry, key)).collect();
            // Without a listing under way it says nothing, and an unchanged ledger has the same bytes.
            write_line(&mut bytes, &(key, entries, known.is_seen && ledger.progress.is_some()));
        }
    }
    let mut first = Vec::with_capacity(start);
    write_line(&mut first, &header(checksum(&bytes[start..]), writer));
    bytes[..start].copy_from_slice(&first);
    bytes
}

const CHECKSUM_LETTERS: usize = 64;

fn header(checksum: String, writer: &str) -> Header {
    Header { version: LEDGER_VERSION, checksum, writer: writer.to_owned() }
}

fn write_line(bytes: &mut Vec<u8>, line: &impl Serialize) {
    serde_json::to_writer(&mut *bytes, line)
        .expect("a ledger holds strings, numbers and flags only, which JSON cannot refuse, and memory takes them");
    bytes.push(b'\n');
}

/// A ledger from its bytes.
///
/// # Errors
/// [`FormatError`], when it was changed or cut by whatever hand, or when a newer release wrote it.
pub fn decode(bytes: &[u8]) -> Result<Ledger, FormatError> {
    let (header, body) = split(bytes)?;
    if header.version > LEDGER_VERSION {
        return Err(FormatError::Newer(header.version));
    }
    if header.version < LEDGER_VERSION {
        return Err(FormatError::Damaged(format!(
            "it has the format version {}, which was never released",
            header.version
        )));
    }
    if checksum(body) != header.checksum {
        return Err(FormatError::Damaged(
            "its content does not have the checksum that its first line gives".to_owned(),
        ));
    }
    let Some(body) = body.strip_suffix(b"\n") else {
        return Err(FormatError::Damaged("its last line has no end".to_owned()));
    };
    let mut lines = body.split(|byte| *byte == b'\n');
    let Standing { progress, claims_incomplete } = read_line(lines.next().unwrap_or_default())?;
    let mut ledger = Ledger { progress, claims_incomplete, ..Ledger::default() };
    let mut kind = None;
    for line in lines {
        if line.first() == Some(&b'{') {
            let KindLine { kind: next } = read_line(line)?;
            kind = Some(next);
            continue;
        }
        let Some(kind) = &kind else {
            return Err(FormatError::Damaged("a resource stands before any kind".to_owned()));
        };
        let (key, entries, is_seen): (String, Vec<WrittenEntry>, bool) = read_line(line)?;
        for entry in entries {
            ledger.record(kind, &key, read_entry(entry, &key)?);
        }
        ledger.set_seen(kind, &key, is_seen);
    }
    Ok(ledger)
}

fn read_line<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, FormatError> {
    serde_json::from_slice(line).map_err(|error| FormatError::Damaged(error.to_string()))
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

fn write_entry(entry: &Entry, key: &str) -> WrittenEntry {
    let state = match &entry.state {
        State::Sent(hash) => format!("{SENT}{hash}"),
        State::Unsure => UNSURE.to_owned(),
        State::Stale(run) => format!("{STALE}{run}"),
        State::Unmapped(run) => format!("{UNMAPPED}{run}"),
        State::Addressed => ADDRESSED.to_owned(),
    };
    let relations =
        entry.relates_to.iter().map(|relation| (relation.name.to_string(), relation.identifier.to_string())).collect();
    let identifier = (entry.entity.identifier != *key).then(|| entry.entity.identifier.to_string());
    WrittenEntry(entry.entity.blueprint.to_string(), identifier, relations, state)
}

fn read_entry(
    WrittenEntry(blueprint, identifier, relations, state): WrittenEntry,
    key: &str,
) -> Result<Entry, FormatError> {
    let relates_to =
        relations.into_iter().map(|(name, identifier)| Relation { name: name.into(), identifier: identifier.into() });
    let identifier = identifier.unwrap_or_else(|| key.to_owned());
    let entity = EntityKey { blueprint: blueprint.into(), identifier: identifier.into() };
    Ok(Entry { entity, relates_to: relates_to.collect(), state: read_state(&state)? })
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
    use crate::ledger::UnitProgress;

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for (identifier, state) in [
            ("a", State::Unsure),
            ("b", State::Sent(EntityHash::of(&json!({"x": 1}), true))),
            ("c", State::Stale(RunId::new())),
            ("d", State::Unmapped(RunId::new())),
            ("bucket-1", State::Addressed),
        ] {
            let entity = EntityKey { blueprint: "s3Bucket".into(), identifier: identifier.into() };
            let relates_to = Box::new([Relation { name: "account".into(), identifier: "111111111111".into() }]);
            ledger.record("AWS::S3::Bucket", "bucket-1", Entry { entity, relates_to, state });
        }
        ledger
    }

    fn entries(ledger: &Ledger) -> Vec<(String, String, Entry)> {
        let owned = |(kind, key, entry): (&str, &str, &Entry)| (kind.to_owned(), key.to_owned(), entry.clone());
        ledger.entries().map(owned).collect()
    }

    #[test]
    fn a_ledger_survives_the_bucket() {
        let mut ledger = ledger();
        let mut progress = Progress::new(RunId::new());
        progress.units.insert("AWS::S3::Bucket".to_owned(), UnitProgress::new("AWS::S3::Bucket"));
        ledger.progress = Some(progress);
        let bytes = encode(&ledger, "writer-1");
        let read = decode(&bytes).unwrap();
        assert_eq!(entries(&read), entries(&ledger));
        assert_eq!((read.progress.as_ref(), read.claims_incomplete), (ledger.progress.as_ref(), false));
        assert!(read.units["AWS::S3::Bucket"]["bucket-1"].is_seen);
        assert_eq!(encode(&read, "writer-1"), bytes);
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
        let of_version = |version: &str| text.replacen("\"portolan-ledger\":2", version, 1);
        assert_eq!(decode(of_version("\"portolan-ledger\":3").as_bytes()).unwrap_err(), FormatError::Newer(3));
        let older = decode(of_version("\"portolan-ledger\":1").as_bytes()).unwrap_err();
        assert!(matches!(older, FormatError::Damaged(_)));
    }
}
