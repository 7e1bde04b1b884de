//! Steps that tests of whole runs share: small mappings, a first run, and what is asserted after the next one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::aws::{AccountInRegion, OrganizationPlan};
use crate::support::port::EntityKey;
use crate::support::world::{Resync, World, all_kinds_mapping};

pub const ACCOUNT: &str = "AWS::Account::Info";
pub const BUCKET: &str = "AWS::S3::Bucket";
pub const QUEUE: &str = "AWS::SQS::Queue";
pub const TOPIC: &str = "AWS::SNS::Topic";

pub const REGION: &str = "us-east-1";

/// The mapping entry of a kind, as in the mapping of all kinds.
pub fn entry(kind: &str) -> Value {
    let mapping = all_kinds_mapping();
    let entries = mapping["resources"].as_array().expect("a list of entries");
    let entry = entries.iter().find(|entry| entry["kind"] == kind);
    entry.unwrap_or_else(|| panic!("no entry for {kind}")).clone()
}

pub fn mapping_of(entries: impl IntoIterator<Item = Value>) -> Value {
    json!({"createMissingRelatedEntities": true, "resources": entries.into_iter().collect::<Vec<_>>()})
}

/// The usual entries of some kinds.
pub fn mapping(kinds: &[&str]) -> Value {
    mapping_of(kinds.iter().map(|kind| entry(kind)))
}

/// The entry with another value at a JSON pointer.
pub fn changed(mut entry: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').expect("a JSON pointer");
    let parent = entry.pointer_mut(parent).unwrap_or_else(|| panic!("no {pointer}"));
    parent[name] = value;
    entry
}

/// A member `alpha` in one region, beside the management and the integration account.
pub fn one_member() -> OrganizationPlan {
    OrganizationPlan::new().member("alpha", "Workloads").regions(&[REGION])
}

/// A world with the usual entries of some kinds as its mapping.
pub async fn world_with(plan: OrganizationPlan, kinds: &[&str]) -> World {
    let mut world = World::create_empty(plan, &[]).await;
    world.install_catalog(mapping(kinds));
    world
}

pub fn alpha(world: &World) -> AccountInRegion<'static> {
    world.organization.place("alpha", REGION)
}

pub fn bucket_key(bucket: &str) -> EntityKey {
    ("s3Bucket".to_owned(), format!("arn:aws:s3:::{bucket}"))
}

pub fn queue_key(place: &AccountInRegion<'_>, name: &str) -> EntityKey {
    ("sqsQueue".to_owned(), format!("arn:aws:sqs:{}:{}:{name}", place.region(), place.account()))
}

pub fn account_key(account: &str) -> EntityKey {
    ("awsAccount".to_owned(), account.to_owned())
}

pub type Catalog = BTreeMap<EntityKey, Value>;

/// A run that must come to its end without any problem; gives the catalog after it.
pub async fn complete_run(world: &World) -> Catalog {
    let run = world.resync().await;
    assert_eq!(run.summary["outcome"], "completed", "{:#}", run.summary);
    assert_eq!(world.port.violations(), Vec::<String>::new());
    world.port.entities()
}

/// A run of which something is expected to go wrong.
pub async fn troubled_run(world: &World) -> Resync {
    let run = world.resync().await;
    assert_eq!(run.summary["outcome"], "completed-with-problems", "{:#}", run.summary);
    assert_eq!(world.port.violations(), Vec::<String>::new());
    run
}

/// Nothing that was there before is missing, and no deletion was tried.
pub fn assert_all_stay(world: &World, before: &Catalog, run: &Resync) {
    assert_gone(world, before, &[]);
    assert_eq!(run.summary["deletions"]["deleted"], 0, "{:#}", run.summary);
    assert_eq!(deletion_calls(world), 0, "{:#?}", world.port.call_counts());
}

/// Exactly these of the entities from before are missing.
pub fn assert_gone(world: &World, before: &Catalog, gone: &[EntityKey]) {
    let now = world.port.entities();
    let missing: BTreeSet<&EntityKey> = before.keys().filter(|key| !now.contains_key(*key)).collect();
    assert_eq!(missing, gone.iter().collect(), "missing in Port (left), and expected to be (right)");
    assert_eq!(world.port.violations(), Vec::<String>::new());
}

pub fn assert_there(world: &World, key: &EntityKey) {
    let catalog = world.port.entities();
    assert!(catalog.contains_key(key), "{key:?} is not among {:#?}", catalog.keys().collect::<Vec<_>>());
}

/// The summary has all of these words.
pub fn assert_says(run: &Resync, words: &[&str]) {
    let text = run.summary.to_string();
    for word in words {
        assert!(text.contains(word), "the summary does not say `{word}`: {:#}", run.summary);
    }
}

/// What the summary says of why deletions were held back.
pub fn held_back(run: &Resync) -> String {
    run.summary["deletions"]["heldBack"].to_string()
}

pub fn assert_held_back(run: &Resync, words: &[&str]) {
    let text = held_back(run);
    for word in words {
        assert!(text.contains(word), "it was not held back for `{word}`: {:#}", run.summary);
    }
}

pub fn deletion_calls(world: &World) -> usize {
    let counts = world.port.call_counts();
    counts.iter().filter(|(route, _)| route.starts_with("DELETE")).map(|(_, count)| count).sum()
}

pub fn denied() -> Value {
    json!({"status": 403, "code": "AccessDenied", "message": "not authorized to perform this action"})
}

/// The ledger of a target: its key in the state bucket.
pub async fn ledger_key(world: &World, target: &str) -> String {
    let keys = world.organization.state_keys("state/").await;
    let key = keys.into_iter().find(|key| key.ends_with(&format!("/ledgers/{target}.json")));
    key.unwrap_or_else(|| panic!("no ledger of {target}"))
}

/// Flips a bit in the content of a ledger.
pub async fn damage_ledger(world: &World, target: &str) {
    let key = ledger_key(world, target).await;
    let mut bytes = world.organization.read_state(&key).await.expect("the ledger is there");
    let last_quarter = bytes.len() * 3 / 4;
    bytes[last_quarter] ^= 1;
    world.organization.write_state(&key, &bytes).await;
}

/// The lines of the journal of a run.
pub async fn journal(world: &World, run: &Resync) -> Vec<Value> {
    let run = run.answer["run"].as_str().expect("a run").to_owned();
    let keys = world.organization.state_keys("runs/").await;
    let mut lines: Vec<Value> = Vec::new();
    for key in keys.into_iter().filter(|key| key.contains(&format!("{run}/journal/"))) {
        let bytes = world.organization.read_state(&key).await.expect("the journal is there");
        let of_chunk: Vec<Value> = serde_json::from_slice(&bytes).expect("a journal is a list");
        lines.extend(of_chunk);
    }
    lines
}
