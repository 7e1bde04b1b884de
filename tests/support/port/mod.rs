//! An in-process Port: the routes an exporter calls, over HTTP, with the published schema and limits enforced.
//!
//! `openapi.json` is the published contract and `unpublished.json` the known form of the routes that it leaves out.
//! A request that breaks either is answered as Port would and kept in [`PortEmulator::violations`], so that a test
//! can assert that its subject never strayed. What the server then does is decided in `routes`.
//!
//! Where nobody outside Port knows what happens, the choice made here is written at its place.

// Two test binaries share the test support, and each uses another part of it.
#![allow(dead_code, unused_imports)]

mod calls;
mod entities;
mod exchange;
mod faults;
mod limits;
mod routes;
mod rules;
mod schema;
mod server;
mod state;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use calls::Call;
pub use faults::{Fault, RefusedItem, Storm};
pub use state::Credentials;

use entities::StoredEntity;
use server::{RunningServer, Shared};
use state::State;

/// The longest time that every call can be made to take: tests count, they do not wait.
const LONGEST_LATENCY: Duration = Duration::from_secs(1);

/// Key of an entity: blueprint and identifier.
pub type EntityKey = (String, String);

/// A running emulator. It serves on a thread of its own, so that it also answers while the test itself blocks,
/// and it stops when dropped.
pub struct PortEmulator {
    shared: Arc<Shared>,
    running: Option<RunningServer>,
    port: u16,
}

impl PortEmulator {
    /// Client `portolan-id` with secret `portolan-secret` in the organization `org_portolan`.
    pub async fn start() -> Self {
        let credentials =
            Credentials { client_id: "portolan-id".to_owned(), client_secret: "portolan-secret".to_owned() };
        Self::start_with(credentials, "org_portolan").await
    }

    pub async fn start_with(credentials: Credentials, organization: &str) -> Self {
        let (listener, port) = server::bind(0).await;
        let base_url = format!("http://127.0.0.1:{port}");
        let shared = Arc::new(Shared::new(State::new(credentials, organization, base_url)));
        let running = RunningServer::start(listener, Arc::clone(&shared));
        Self { shared, running: Some(running), port }
    }

    /// Without the `/v1` below which the API lies.
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// An outage begins: open connections break and new ones are refused. The state is kept.
    pub async fn stop(&mut self) {
        self.running = None;
    }

    /// Ends an outage, on the same port.
    pub async fn restart(&mut self) {
        self.running = None;
        let (listener, _) = server::bind(self.port).await;
        self.running = Some(RunningServer::start(listener, Arc::clone(&self.shared)));
    }

    /// The whole catalog. `$datasource`, `$createdAt` and `$updatedAt` stand beside the published fields.
    pub fn entities(&self) -> BTreeMap<EntityKey, Value> {
        let state = self.shared.lock();
        let entities = state.entities.iter();
        entities.map(|(key, entity)| (key.clone(), entity.with_meta_fields())).collect()
    }

    pub fn entity(&self, blueprint: &str, identifier: &str) -> Option<Value> {
        let state = self.shared.lock();
        let entity = state.entities.get(&(blueprint.to_owned(), identifier.to_owned()))?;
        Some(entity.with_meta_fields())
    }

    /// A hand in the UI, or another exporter: writes an entity past all checks. `entity` names its `identifier` and
    /// `blueprint`; an `$updatedAt` in it is kept.
    pub fn put_entity(&self, datasource: &str, entity: Value) {
        let mut state = self.shared.lock();
        let now = state.clock.now();
        let entity =
            StoredEntity::from_value(&entity, datasource, now).expect("an entity has an identifier and a blueprint");
        state.entities.insert(entity.key(), entity);
    }

    /// Past all checks too; relations to it are emptied, as by any deletion. Tells whether there was such an entity.
    pub fn delete_entity(&self, blueprint: &str, identifier: &str) -> bool {
        let key = (blueprint.to_owned(), identifier.to_owned());
        let mut state = self.shared.lock();
        let existed = state.entities.remove(&key).is_some();
        routes::deletion::clear_relations_to(&mut state, &BTreeSet::from([key]));
        existed
    }

    /// Creates or replaces a blueprint. It has to obey the published schema, and its relation targets have to exist.
    pub fn put_blueprint(&self, blueprint: Value) {
        let problem = schema::request_problem("POST", "/blueprints", &[], &blueprint);
        assert_eq!(problem, None, "the blueprint breaks the published schema");
        let mut state = self.shared.lock();
        let now = state.clock.now();
        let refused = routes::blueprints::store(&mut state, blueprint, now).err();
        let refused = refused.map(|answer| answer.body);
        assert_eq!(refused, None, "the blueprint was refused");
    }

    pub fn blueprints(&self) -> BTreeMap<String, Value> {
        let state = self.shared.lock();
        let blueprints = state.blueprints.iter();
        blueprints.map(|(identifier, blueprint)| (identifier.clone(), blueprint.definition.clone())).collect()
    }

    /// The integration record with this installation id.
    pub fn integration(&self, identifier: &str) -> Option<Value> {
        self.shared.lock().integrations.get(identifier).cloned()
    }

    /// Stores a record as it is; fields that Port itself would set are added when they are missing.
    pub fn put_integration(&self, record: Value) {
        let mut state = self.shared.lock();
        routes::integrations::store(&mut state, record).expect("a record has an installationId");
    }

    /// A user saves another mapping; as in the UI this asks for a resync as well.
    pub fn set_mapping(&self, identifier: &str, config: Value) {
        let mut state = self.shared.lock();
        let record = state.integrations.get_mut(identifier);
        record.expect("no such integration")["config"] = config;
        routes::integrations::request_resync(&mut state, identifier);
    }

    /// A user presses *Resync*.
    pub fn request_resync(&self, identifier: &str) {
        routes::integrations::request_resync(&mut self.shared.lock(), identifier);
    }

    /// From now on a resync request is made of everything that is written of the record, also where the caller asks
    /// for none.
    pub fn request_resync_always(&self) {
        self.shared.lock().requests_resync_always = true;
    }

    /// What is told in the place of the newest resync request, whatever it is.
    pub fn put_resync_request(&self, identifier: &str, request: Value) {
        self.shared.lock().resync_requests.insert(identifier.to_owned(), request);
    }

    /// The newest resync request of an integration.
    pub fn resync_request(&self, identifier: &str) -> Option<Value> {
        self.shared.lock().resync_requests.get(identifier).cloned()
    }

    /// Bodies of the resync-state calls, in order.
    pub fn resync_states(&self) -> Vec<Value> {
        self.shared.lock().resync_states.clone()
    }

    /// Metrics records, in order, each call's records one by one.
    pub fn metrics(&self) -> Vec<Value> {
        self.shared.lock().metrics.clone()
    }

    /// Event ids of the heartbeats, in order.
    pub fn heartbeats(&self) -> Vec<String> {
        self.shared.lock().heartbeats.clone()
    }

    /// Event log records, in order.
    pub fn logs(&self) -> Vec<Value> {
        self.shared.lock().logs.clone()
    }

    /// Raw samples by kind.
    pub fn kind_examples(&self) -> BTreeMap<String, Vec<Value>> {
        self.shared.lock().kind_examples.clone()
    }

    /// Every request, in the order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.all()
    }

    /// Number of calls by method and route template, as in `POST /blueprints/{blueprint}/entities/bulk`.
    pub fn call_counts(&self) -> BTreeMap<String, usize> {
        self.shared.lock().calls.counts()
    }

    pub fn clear_calls(&self) {
        self.shared.lock().calls.clear();
    }

    /// What broke the published schema, an unpublished route's known form, or called what does not exist. Tests
    /// assert that it is empty.
    pub fn violations(&self) -> Vec<String> {
        self.shared.lock().violations.clone()
    }

    pub fn clear_violations(&self) {
        self.shared.lock().violations.clear();
    }

    /// Adds a fault; earlier ones come first.
    pub fn fail(&self, rule: Fault) {
        let route = rule.route();
        assert!(routes::names().any(|name| name == route), "there is no route {route}");
        self.shared.lock().faults.add(rule);
    }

    /// Every route as faults and call counts name it.
    pub fn route_names() -> Vec<String> {
        routes::names().collect()
    }

    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Life of the tokens that are handed out from now on. At first 10800 seconds.
    pub fn set_token_life(&self, seconds: u64) {
        self.shared.lock().tokens.set_life(seconds);
    }

    /// Makes every token given out so far invalid.
    pub fn revoke_tokens(&self) {
        self.shared.lock().tokens.revoke();
    }

    /// Calls allowed in one window. At first far more than a test makes.
    pub fn set_rate_limit(&self, limit: u64, period_seconds: u64) {
        let mut state = self.shared.lock();
        let now = state.clock.now();
        state.rate.set(limit, period_seconds, now);
    }

    /// Calls of each window since the rate limit was set, the refused ones included.
    pub fn calls_by_window(&self) -> Vec<u64> {
        self.shared.lock().rate.used_by_window()
    }

    /// From now on every call is refused, until the storm or [`PortEmulator::end_storm`] ends it.
    pub fn begin_storm(&self, storm: Storm) {
        self.shared.lock().storm = Some(storm);
    }

    pub fn end_storm(&self) {
        self.shared.lock().storm = None;
    }

    /// How long every call takes from now on, at most a second.
    pub fn set_latency(&self, latency: Duration) {
        self.shared.lock().latency = latency.min(LONGEST_LATENCY);
    }

    /// Upper bound of a page of entities, whatever the request asks for.
    pub fn set_page_limit(&self, limit: usize) {
        self.shared.lock().page_limit = limit.max(1);
    }

    /// Whether reads show unset properties of the blueprint as null (at first they are left out). Nobody outside
    /// Port knows which it is, so a client has to live with both.
    pub fn set_unset_properties_as_null(&self, as_null: bool) {
        self.shared.lock().unset_properties_as_null = as_null;
    }

    /// Moves the emulator's clock on: tokens age and rate windows end without waiting. Entities written later carry
    /// the moved time.
    pub fn advance_clock(&self, by: Duration) {
        self.shared.lock().clock.advance(by);
    }
}
