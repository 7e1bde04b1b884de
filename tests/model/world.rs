//! The organization that a story plays in, and what its catalog ought to be: a model so simple that it can be believed.

use std::collections::{BTreeMap, BTreeSet};

use portolan::seams::EntityKey;
use portolan::target::{AccountId, Target};
use serde_json::{Value, json};

pub const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// A kind of the model: what mappings call it, the blueprint of its entities, and whether it lies in regions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelKind {
    pub name: &'static str,
    pub blueprint: &'static str,
    pub is_regional: bool,
}

pub const ACCOUNT: ModelKind = ModelKind { name: "AWS::Account::Info", blueprint: "account", is_regional: false };
pub const BUCKET: ModelKind = ModelKind { name: "AWS::S3::Bucket", blueprint: "bucket", is_regional: false };
pub const QUEUE: ModelKind = ModelKind { name: "AWS::SQS::Queue", blueprint: "queue", is_regional: true };
pub const TOPIC: ModelKind = ModelKind { name: "AWS::SNS::Topic", blueprint: "topic", is_regional: true };
pub const MODEL_KINDS: [ModelKind; 4] = [ACCOUNT, BUCKET, QUEUE, TOPIC];

/// What there is in AWS.
#[derive(Clone, Debug)]
pub struct World {
    pub accounts: BTreeMap<AccountId, AccountState>,
    /// By target and kind, the resources by name, with the version of their content.
    pub resources: BTreeMap<(Target, &'static str), BTreeMap<String, u64>>,
    pub versions: u64,
}

#[derive(Clone, Debug, Default)]
pub struct AccountState {
    pub is_closed: bool,
    pub disabled_regions: BTreeSet<&'static str>,
}

impl World {
    /// Four accounts, each with a bucket, three queues and a topic.
    pub fn new() -> Self {
        let mut world = Self { accounts: BTreeMap::new(), resources: BTreeMap::new(), versions: 0 };
        for index in 1..=4 {
            let account: AccountId = format!("{index}").repeat(12).parse().expect("twelve digits");
            world.accounts.insert(account.clone(), AccountState::default());
            world.set(&ACCOUNT, &place(&account, &ACCOUNT, 0), account.as_str());
            for kind in [BUCKET, QUEUE, TOPIC] {
                world.set(&kind, &place(&account, &kind, index), &format!("{}-{index}", kind.blueprint));
            }
            // A listing of several pages, which may be cut anywhere.
            for name in ["a", "b"] {
                world.set(&QUEUE, &place(&account, &QUEUE, index), &format!("queue-{index}-{name}"));
            }
        }
        world
    }

    /// Makes a resource, or changes its content.
    pub fn set(&mut self, kind: &ModelKind, place: &Target, name: &str) {
        self.versions += 1;
        let resources = self.resources.entry((place.clone(), kind.name)).or_default();
        resources.insert(name.to_owned(), self.versions);
    }

    /// All resources but those that are the accounts themselves.
    pub fn all(&self) -> Vec<(Target, &'static str, String)> {
        let of_place = |((place, kind), resources): (&(Target, &'static str), &BTreeMap<String, u64>)| {
            let (place, kind) = (place.clone(), *kind);
            resources.keys().map(move |name| (place.clone(), kind, name.clone())).collect::<Vec<_>>()
        };
        self.resources.iter().filter(|((_, kind), _)| *kind != ACCOUNT.name).flat_map(of_place).collect()
    }

    pub fn remove(&mut self, place: &Target, kind: &'static str, name: &str) {
        if let Some(resources) = self.resources.get_mut(&(place.clone(), kind)) {
            resources.remove(name);
        }
    }

    /// Whether the target can be read by anybody at all.
    pub fn exists(&self, place: &Target) -> bool {
        let Some(account) = place.account().and_then(|account| self.accounts.get(account)) else { return false };
        !account.is_closed && place.region().is_none_or(|region| !account.disabled_regions.contains(region))
    }
}

/// Where resources of a kind lie in an account.
pub fn place(account: &AccountId, kind: &ModelKind, region: usize) -> Target {
    match kind.is_regional {
        true => Target::Region { account: account.clone(), region: REGIONS[region % REGIONS.len()].to_owned() },
        false => Target::Global { account: account.clone() },
    }
}

/// A mapping of the model.
#[derive(Clone, Debug)]
pub struct MappingSpec {
    pub kinds: BTreeSet<&'static str>,
    /// The entry of this kind cannot be compiled.
    pub broken: Option<&'static str>,
    pub denied_region: Option<&'static str>,
    pub is_merging: bool,
    pub creates_related: bool,
}

impl MappingSpec {
    pub fn whole() -> Self {
        Self {
            kinds: MODEL_KINDS.iter().map(|kind| kind.name).collect(),
            broken: None,
            denied_region: None,
            is_merging: false,
            creates_related: true,
        }
    }

    pub fn document(&self) -> Value {
        let entry = |kind: &ModelKind| {
            let query = if self.broken == Some(kind.name) { ".x [" } else { "true" };
            let mut mappings = json!({
                "identifier": ".Properties.Name",
                "blueprint": format!("\"{}\"", kind.blueprint),
                "properties": {
                    "place": ".Properties.Place", "version": ".Properties.Version", "detail": ".Properties.Detail",
                },
            });
            if *kind != ACCOUNT {
                mappings["relations"] = json!({"account": ".__AccountId"});
            }
            let denied: Vec<&str> = self.denied_region.into_iter().collect();
            json!({
                "kind": kind.name,
                "selector": {"query": query, "regionPolicy": {"deny": denied}},
                "port": {"entity": {"mappings": mappings}},
            })
        };
        let kinds = MODEL_KINDS.iter().filter(|kind| self.kinds.contains(kind.name));
        json!({
            "enableMergeEntity": self.is_merging,
            "createMissingRelatedEntities": self.creates_related,
            "entityDeletionThreshold": 1.0,
            "resources": kinds.map(entry).collect::<Vec<_>>(),
        })
    }

    fn maps(&self, place: &Target, kind: &str) -> bool {
        self.kinds.contains(kind) && place.region().is_none_or(|region| self.denied_region != Some(region))
    }
}

/// What an entity is to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    pub place: String,
    pub version: u64,
}

/// The catalog that a run with nothing going wrong leaves.
pub fn catalog_of(world: &World, spec: &MappingSpec) -> BTreeMap<EntityKey, Expected> {
    let mut entities = BTreeMap::new();
    for (key, place, version) in entities_of(world, |place, kind| spec.maps(place, kind)) {
        entities.insert(key, Expected { place: place.to_string(), version });
    }
    entities
}

/// Entities that must not be deleted, with the places that make it so.
pub type Protected = BTreeMap<EntityKey, BTreeSet<String>>;

/// What no run that starts now may delete.
pub fn protected(world: &World, spec: &MappingSpec) -> Protected {
    // While an entry cannot be used, nothing counts as having left the mapping.
    let has_broken = spec.broken.is_some_and(|kind| spec.kinds.contains(kind));
    let is_mapped = |place: &Target, kind: &str| has_broken || spec.maps(place, kind);
    let mut entities = Protected::new();
    for (key, place, _) in entities_of(world, is_mapped) {
        entities.entry(key).or_default().insert(place.to_string());
    }
    entities
}

fn entities_of(world: &World, is_mapped: impl Fn(&Target, &str) -> bool) -> Vec<(EntityKey, Target, u64)> {
    let mut entities = Vec::new();
    for ((place, kind), resources) in &world.resources {
        if !world.exists(place) || !is_mapped(place, kind) {
            continue;
        }
        let kind = MODEL_KINDS.iter().find(|model| model.name == *kind).expect("a kind of the model");
        for (name, version) in resources {
            let key = EntityKey { blueprint: kind.blueprint.into(), identifier: name.as_str().into() };
            entities.push((key, place.clone(), *version));
        }
    }
    entities
}
