//! Reading the mapping document. Each entry is read by itself: what is wrong with one disables that one, with its path
//! and what to write.

use serde_json::{Map, Value};

use super::{DisabledEntry, EntityTemplate, ItemsToParse, Mapping, MappingEntry, MappingSettings, selector, warnings};
use crate::kinds;
use crate::seams::UpsertOptions;

/// Port's own default.
const DEFAULT_DELETION_THRESHOLD: f64 = 0.9;
/// Every process of a run compiles the document. The default mapping of all kinds has 34 KiB.
const LARGEST_DOCUMENT_BYTES: usize = 1024 * 1024;
/// Bounds what an edited document can make a run do. An item of `resources` counts as often as it has mappings.
const MOST_ENTRIES: usize = 1000;
/// Entries that an error names; one mistake is often made many times.
const MOST_TOLD: usize = 20;

/// A mapping that as a whole cannot be used. The run ends before anything is changed.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum MappingError {
    #[error("the integration has no mapping; write one under Data sources in Port")]
    Empty,
    #[error("the mapping's `{path}` is {found}; {expected} is expected")]
    Form { path: String, found: String, expected: &'static str },
    #[error("the mapping has {bytes} bytes; at most {LARGEST_DOCUMENT_BYTES} are possible")]
    TooLarge { bytes: usize },
    #[error("the mapping's `resources` have {entries} entries; at most {MOST_ENTRIES} are possible")]
    TooMany { entries: usize },
    #[error("no entry of the mapping can be used: {}", .0.join("; "))]
    NothingUsable(Vec<String>),
}

pub(super) fn parse(document: &Value) -> Result<Mapping, MappingError> {
    let bytes = document.to_string().len();
    if bytes > LARGEST_DOCUMENT_BYTES {
        return Err(MappingError::TooLarge { bytes });
    }
    let document = match document {
        Value::Null => return Err(MappingError::Empty),
        Value::Object(document) if document.is_empty() => return Err(MappingError::Empty),
        Value::Object(document) => document,
        other => return Err(form("mapping", other, "an object")),
    };
    let settings = parse_settings(document)?;
    let resources = match document.get("resources") {
        None | Some(Value::Null) => return Err(MappingError::Empty),
        Some(Value::Array(resources)) if resources.is_empty() => return Err(MappingError::Empty),
        Some(Value::Array(resources)) => resources,
        Some(other) => return Err(form("resources", other, "a list")),
    };
    let entries = resources.iter().map(entries_of).sum();
    if entries > MOST_ENTRIES {
        return Err(MappingError::TooMany { entries });
    }
    let warnings = warnings::of_document(document, resources);
    let mut mapping = Mapping { settings, entries: Vec::new(), disabled: Vec::new(), warnings };
    for (index, resource) in resources.iter().enumerate() {
        match parse_entry(index, resource) {
            Ok(entries) => mapping.entries.extend(entries),
            Err(reason) => {
                let kind = resource.get("kind").and_then(Value::as_str).unwrap_or("no kind").to_owned();
                mapping.disabled.push(DisabledEntry { index, kind, reason });
            }
        }
    }
    if mapping.entries.is_empty() {
        let some = mapping.disabled.iter().take(MOST_TOLD).map(ToString::to_string);
        return Err(MappingError::NothingUsable(some.collect()));
    }
    Ok(mapping)
}

/// How many entries an item of `resources` stands for.
fn entries_of(resource: &Value) -> usize {
    resource["port"]["entity"]["mappings"].as_array().map_or(1, |mappings| mappings.len().max(1))
}

fn form(path: &str, found: &Value, expected: &'static str) -> MappingError {
    MappingError::Form { path: path.to_owned(), found: brief(found), expected }
}

/// A value for a message: short, whatever it is.
pub(crate) fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn parse_settings(document: &Map<String, Value>) -> Result<MappingSettings, MappingError> {
    let deletion_threshold = match document.get("entityDeletionThreshold") {
        None => DEFAULT_DELETION_THRESHOLD,
        Some(value) => {
            let number = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
            let number = number.filter(|number| (0.0..=1.0).contains(number));
            number.ok_or_else(|| form("entityDeletionThreshold", value, "a number from 0 to 1"))?
        }
    };
    Ok(MappingSettings {
        upsert: UpsertOptions {
            merge: flag(document, "enableMergeEntity", true)?,
            create_missing_related: flag(document, "createMissingRelatedEntities", true)?,
        },
        delete_dependents: flag(document, "deleteDependentEntities", false)?,
        deletion_threshold,
    })
}

fn flag(document: &Map<String, Value>, name: &str, default: bool) -> Result<bool, MappingError> {
    match document.get(name) {
        None => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => Err(form(name, other, "true or false")),
    }
}

/// The entries of one item of `resources`; `mappings` may be one mapping or a list of them.
fn parse_entry(index: usize, resource: &Value) -> Result<Vec<MappingEntry>, String> {
    let name = text(resource, "kind")?;
    let Some(kind) = kinds::find(name) else {
        return Err(format!("`{name}` is no kind that can be read; check its spelling (for example AWS::S3::Bucket)"));
    };
    let selector = resource.get("selector").filter(|selector| selector.is_object()).ok_or("`selector` is missing")?;
    let port = resource.get("port").ok_or("`port` is missing")?;
    let mappings =
        port.get("entity").and_then(|entity| entity.get("mappings")).ok_or("`port.entity.mappings` is missing")?;
    let mappings = match mappings {
        Value::Array(mappings) if mappings.is_empty() => return Err("`port.entity.mappings` is empty".to_owned()),
        Value::Array(mappings) => mappings.iter().collect(),
        mapping => vec![mapping],
    };
    let mut entries = Vec::new();
    for mapping in mappings {
        entries.push(MappingEntry {
            index,
            kind: kind.clone(),
            selector: selector::parse_query(selector)?,
            region_policy: selector::parse_region_policy(selector)?,
            options: selector::parse_options(selector, &kind)?,
            items: ItemsToParse::parse(port)?,
            template: EntityTemplate::parse(mapping)?,
        });
    }
    Ok(entries)
}

pub(super) fn text<'a>(object: &'a Value, name: &str) -> Result<&'a str, String> {
    match object.get(name) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text),
        Some(other) => Err(format!("`{name}` is {}; a text is expected", brief(other))),
        None => Err(format!("`{name}` is missing")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(kind: &str, selector: Value, mappings: Value) -> Value {
        json!({"kind": kind, "selector": selector, "port": {"entity": {"mappings": mappings}}})
    }

    fn bucket() -> Value {
        entry(
            "AWS::S3::Bucket",
            json!({"query": "true"}),
            json!({"identifier": ".Properties.Arn", "blueprint": "\"s3Bucket\""}),
        )
    }

    #[test]
    fn a_document_without_entries_is_refused_as_a_whole() {
        for document in [
            json!(null),
            json!({}),
            json!({"resources": []}),
            json!({"resources": null}),
            json!({"deleteDependentEntities": true}),
        ] {
            assert_eq!(Mapping::parse(&document).err(), Some(MappingError::Empty), "{document}");
        }
        assert!(matches!(Mapping::parse(&json!({"resources": 5})), Err(MappingError::Form { .. })));
        assert!(matches!(Mapping::parse(&json!([])), Err(MappingError::Form { .. })));
    }

    #[test]
    fn a_document_that_is_too_large_is_refused_as_a_whole() {
        let mut long = bucket();
        long["port"]["entity"]["mappings"]["title"] = json!("x".repeat(LARGEST_DOCUMENT_BYTES));
        let document = json!({"resources": [long]});
        let bytes = document.to_string().len();
        assert_eq!(Mapping::parse(&document).err(), Some(MappingError::TooLarge { bytes }));
        let told = MappingError::TooLarge { bytes }.to_string();
        assert!(told.contains(&bytes.to_string()) && told.contains("1048576"), "{told}");

        let resources = |count: usize| Value::Array((0..count).map(|_| bucket()).collect());
        assert!(Mapping::parse(&json!({"resources": resources(MOST_ENTRIES)})).is_ok());
        let too_many = Mapping::parse(&json!({"resources": resources(MOST_ENTRIES + 1)})).err();
        assert_eq!(too_many, Some(MappingError::TooMany { entries: 1001 }));
        let mappings = json!({"identifier": ".a", "blueprint": "'b'"});
        let list = Value::Array((0..600).map(|_| mappings.clone()).collect());
        let twice = entry("AWS::S3::Bucket", json!({"query": "true"}), list);
        let too_many = Mapping::parse(&json!({"resources": [twice, twice]})).err();
        assert_eq!(too_many, Some(MappingError::TooMany { entries: 1200 }));
    }

    #[test]
    fn an_expression_that_is_too_long_is_named() {
        let mut long = bucket();
        long["port"]["entity"]["mappings"]["identifier"] = json!(".a".repeat(10_000));
        let mapping = Mapping::parse(&json!({"resources": [bucket(), long]})).unwrap();
        let told = mapping.disabled[0].to_string();
        assert!(told.contains("resources[1]") && told.contains("`identifier`"), "{told}");
        assert!(told.contains("20000 bytes; at most 16384"), "{told}");
    }

    #[test]
    fn a_document_that_nests_too_deeply_is_refused_where_it_is_read() {
        let nested = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
        let error = serde_json::from_str::<Value>(&nested).unwrap_err();
        assert!(error.to_string().contains("recursion limit"), "{error}");
    }

    #[test]
    fn a_broken_entry_is_named_and_spoils_no_other() {
        let good = json!({"identifier": ".Properties.Arn", "blueprint": "\"b\""});
        let broken = [
            (entry("s3-bucket", json!({"query": "true"}), good.clone()), "s3-bucket"),
            (entry("AWS::S3::Bucket", json!({"query": ".x ["}), good.clone()), "selector.query"),
            (entry("AWS::S3::Bucket", json!({}), good.clone()), "selector.query"),
            (
                entry(
                    "AWS::S3::Bucket",
                    json!({"query": "true", "regionPolicy": {"allow": "eu-west-1"}}),
                    good.clone(),
                ),
                "regionPolicy.allow",
            ),
            (entry("AWS::S3::Bucket", json!({"query": "true"}), json!({"blueprint": "\"b\""})), "identifier"),
            (
                entry(
                    "AWS::S3::Bucket",
                    json!({"query": "true"}),
                    json!({"identifier": {"combinator": "\"and\"", "rules": []}, "blueprint": "\"b\""}),
                ),
                "identifier",
            ),
            (
                entry(
                    "AWS::S3::Bucket",
                    json!({"query": "true"}),
                    json!({"identifier": ".a", "blueprint": "\"b\"", "team": ["t"]}),
                ),
                "team",
            ),
            (
                entry(
                    "AWS::S3::Bucket",
                    json!({"query": "true"}),
                    json!({"identifier": ".a", "blueprint": "\"b\"", "relations": {"r": {"rules": [{}]}}}),
                ),
                "relations.r.combinator",
            ),
            (
                json!({"kind": "AWS::S3::Bucket", "selector": {"query": "true"}, "port": {"itemsToParse": ".x [", "entity": {"mappings": good}}}),
                "port.itemsToParse",
            ),
            (
                entry("AWS::S3::Bucket", json!({"query": "true"}), json!({"identifier": ".a", "blueprint": "b |"})),
                "blueprint",
            ),
            (
                entry(
                    "AWS::S3::Bucket",
                    json!({"query": "true"}),
                    json!({"identifier": ".a", "blueprint": "\"b\"", "properties": {"p": {"x": 1}}}),
                ),
                "properties.p",
            ),
            (json!({"kind": 7}), "kind"),
        ];
        for (entry, named) in broken {
            let mapping = Mapping::parse(&json!({"resources": [entry, bucket()]})).unwrap();
            assert_eq!(mapping.entries.len(), 1);
            assert_eq!(mapping.disabled.len(), 1);
            assert!(mapping.disabled[0].to_string().contains(named), "{} should name {named}", mapping.disabled[0]);
        }
        assert!(matches!(Mapping::parse(&json!({"resources": [{"kind": "x"}]})), Err(MappingError::NothingUsable(_))));
    }

    #[test]
    fn flags_have_ports_defaults_but_dependents_are_never_deleted_unasked() {
        let settings = Mapping::parse(&json!({"resources": [bucket()]})).unwrap().settings;
        assert!(settings.upsert.merge && settings.upsert.create_missing_related && !settings.delete_dependents);
        assert_eq!(settings.deletion_threshold, 0.9);
        let set = json!({"resources": [bucket()], "enableMergeEntity": false, "deleteDependentEntities": true, "entityDeletionThreshold": "0.25"});
        let settings = Mapping::parse(&set).unwrap().settings;
        assert!(!settings.upsert.merge && settings.delete_dependents);
        assert_eq!(settings.deletion_threshold, 0.25);
        for wrong in [json!(null), json!(2), json!("many")] {
            assert!(Mapping::parse(&json!({"resources": [bucket()], "entityDeletionThreshold": wrong})).is_err());
        }
    }

    #[test]
    fn a_boolean_query_and_a_list_of_mappings_are_taken() {
        let mappings = json!([{"identifier": ".Properties.Arn", "blueprint": "\"a\""}, {"identifier": ".Properties.Arn", "blueprint": "\"b\""}]);
        let mapping =
            Mapping::parse(&json!({"resources": [entry("AWS::S3::Bucket", json!({"query": true}), mappings)]}))
                .unwrap();
        assert_eq!(mapping.entries.len(), 2);
    }

    #[test]
    fn the_examples_for_users_are_good_mappings() {
        let page = include_str!("../../docs/mapping.md");
        let blocks: Vec<&str> = page.split("```json\n").skip(1).filter_map(|block| block.split("```").next()).collect();
        assert_eq!(blocks.len(), 3);
        for block in blocks {
            let document: Value = serde_json::from_str(block).unwrap();
            let mapping = Mapping::parse(&document).unwrap();
            assert_eq!((mapping.disabled, mapping.warnings), (Vec::new(), Vec::new()), "{block}");
        }
    }
}
