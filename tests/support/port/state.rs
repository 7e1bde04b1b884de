//! Everything the emulator remembers.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::EntityKey;
use super::calls::CallRecord;
use super::entities::StoredEntity;
use super::faults::{Faults, Storm};
use super::limits::{Clock, RateLimit, Tokens};
use super::schema::PropertyValidators;

/// Client credentials of the organization.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub client_id: String,
    pub client_secret: String,
}

pub struct StoredBlueprint {
    /// As it is read back.
    pub definition: Value,
    pub properties: PropertyValidators,
}

/// One side of a relation, as its blueprint defines it.
pub struct RelationDefinition<'a> {
    pub target: &'a str,
    pub required: bool,
    pub many: bool,
}

impl StoredBlueprint {
    pub fn relation(&self, name: &str) -> Option<RelationDefinition<'_>> {
        let definition = self.definition["relations"].get(name)?;
        Some(RelationDefinition {
            target: definition["target"].as_str().unwrap_or_default(),
            required: definition["required"] == true,
            many: definition["many"] == true,
        })
    }

    pub fn relations(&self) -> impl Iterator<Item = (&str, RelationDefinition<'_>)> {
        let names = self.definition["relations"].as_object().into_iter().flat_map(|all| all.keys());
        names.filter_map(|name| Some((name.as_str(), self.relation(name)?)))
    }

    pub fn required_properties(&self) -> impl Iterator<Item = &str> {
        let names = self.definition["schema"]["required"].as_array().into_iter().flatten();
        names.filter_map(Value::as_str)
    }
}

pub struct State {
    pub credentials: Credentials,
    pub organization: String,
    pub base_url: String,
    pub clock: Clock,
    pub tokens: Tokens,
    pub rate: RateLimit,
    pub page_limit: usize,
    pub unset_properties_as_null: bool,
    pub blueprints: BTreeMap<String, StoredBlueprint>,
    /// In the order of their keys, which is also the order of pages.
    pub entities: BTreeMap<EntityKey, StoredEntity>,
    pub integrations: BTreeMap<String, Value>,
    pub resync_requests: BTreeMap<String, Value>,
    /// A resync request is made of every writing of the record, whatever the caller asks for.
    pub requests_resync_always: bool,
    pub resync_states: Vec<Value>,
    pub metrics: Vec<Value>,
    pub heartbeats: Vec<String>,
    pub logs: Vec<Value>,
    pub kind_examples: BTreeMap<String, Vec<Value>>,
    pub calls: CallRecord,
    pub violations: Vec<String>,
    pub faults: Faults,
    pub storm: Option<Storm>,
    /// How long every call takes.
    pub latency: Duration,
}

impl State {
    pub fn new(credentials: Credentials, organization: &str, base_url: String) -> Self {
        let mut clock = Clock::default();
        let now = clock.now();
        Self {
            credentials,
            organization: organization.to_owned(),
            base_url,
            clock,
            tokens: Tokens::default(),
            rate: RateLimit::new(now),
            page_limit: usize::MAX,
            unset_properties_as_null: false,
            blueprints: BTreeMap::new(),
            entities: BTreeMap::new(),
            integrations: BTreeMap::new(),
            resync_requests: BTreeMap::new(),
            requests_resync_always: false,
            resync_states: Vec::new(),
            metrics: Vec::new(),
            heartbeats: Vec::new(),
            logs: Vec::new(),
            kind_examples: BTreeMap::new(),
            calls: CallRecord::default(),
            violations: Vec::new(),
            faults: Faults::default(),
            storm: None,
            latency: Duration::ZERO,
        }
    }
}
