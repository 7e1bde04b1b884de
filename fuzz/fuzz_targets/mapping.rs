//! A mapping document: each entry works or is named as disabled, and what the entries make of a resource is such that
//! Port takes it, within the limits of the engine. That nothing takes longer than they allow is libFuzzer's timeout.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portolan::mapping::jq::Input;
use portolan::mapping::{Address, Entity, Mapped, Mapping, MappingNotes};
use regex::Regex;
use serde_json::Value;

static RAW: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../resource.json")).expect("the resource is JSON"));
/// Port's API, without its look-ahead: `.` and `..` are none. At most 1,000 characters.
static IDENTIFIER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\p{L}0-9@_.+:\\/=-]+$").expect("a pattern"));

fuzz_target!(|text: &[u8]| {
    let Ok(document) = serde_json::from_slice::<Value>(text) else { return };
    let Ok(mapping) = Mapping::parse(&document) else { return };
    check_entries(&document, &mapping);
    let input = Input::new(&RAW);
    for entry in &mapping.entries {
        let mut notes = MappingNotes::default();
        let mut ended = false;
        entry.map_all(&input, &mut notes, |mapped| {
            assert!(!ended, "nothing comes after the end of the budget");
            match mapped {
                Mapped::Entity(entity) => check_entity(&entity),
                Mapped::Faulty { .. } => ended = input.exhausted().is_some(),
                Mapped::FilteredOut => {}
            }
        });
        // They go into a report that is kept.
        assert!(notes.fields.values().filter_map(|note| note.problem()).all(|problem| problem.len() < 4096));
    }
});

fn check_entries(document: &Value, mapping: &Mapping) {
    let resources = document["resources"].as_array().expect("a mapping has resources");
    assert!(!mapping.entries.is_empty(), "a mapping without an entry that works is none");
    for (index, resource) in resources.iter().enumerate() {
        let working = mapping.entries.iter().filter(|entry| entry.index == index).count();
        let disabled = mapping.disabled.iter().filter(|entry| entry.index == index).count();
        let mappings = resource["port"]["entity"]["mappings"].as_array().map_or(1, Vec::len);
        let (expected_working, expected_disabled) = if disabled > 0 { (0, 1) } else { (mappings, 0) };
        assert_eq!((working, disabled), (expected_working, expected_disabled), "resources[{index}]");
    }
    assert!((0.0..=1.0).contains(&mapping.settings.deletion_threshold));
}

fn check_entity(entity: &Entity) {
    assert!(!entity.blueprint().is_empty());
    match &entity.address {
        Address::Key(key) => {
            check_identifier(&key.identifier);
            assert_eq!(entity.body["identifier"], key.identifier.as_str());
        }
        Address::Query { query, .. } => assert!(query["rules"].as_array().is_some_and(|rules| !rules.is_empty())),
    }
    assert_eq!(entity.body["blueprint"], entity.blueprint());
    entity.relates_to.iter().for_each(|relation| check_identifier(&relation.identifier));
}

fn check_identifier(identifier: &str) {
    let is_good = IDENTIFIER.is_match(identifier) && !matches!(identifier, "." | "..");
    assert!(is_good && identifier.chars().count() <= 1000, "{identifier:?}");
}
