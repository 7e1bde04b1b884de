//! Port in memory. It also holds what must never happen: a deletion that the model forbids.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use portolan::run::RunId;
use portolan::seams::{
    Catalog, CatalogError, DeleteOutcome, EntityKey, OwnedPage, RunReport, UpsertOptions, UpsertOutcome,
};
use serde_json::{Value, json};

use super::chaos::{Chaos, Fate, turn};
use super::world::{ACCOUNT, Protected};

pub const ORGANIZATION: &str = "org_model";
/// So few that even a small list has pages.
const OWNED_PAGE: usize = 3;

#[derive(Clone)]
pub struct MemoryCatalog {
    state: Arc<Mutex<State>>,
    page: usize,
    chaos: Chaos,
}

#[derive(Default)]
pub struct State {
    pub entities: BTreeMap<EntityKey, Record>,
    /// From where each entity was sent, whether or not Port said that it has it.
    pub sent_from: BTreeMap<EntityKey, BTreeSet<String>>,
    /// What each run that has a sweep under way must not delete, and the places that make it so.
    pub sweeping: BTreeMap<RunId, Protected>,
    pub deleted: usize,
    /// How many deletions from now on are answered with a rate limit.
    pub throttled_deletions: usize,
    pub violations: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Record {
    pub body: Value,
    pub is_ours: bool,
}

impl MemoryCatalog {
    pub fn new(chaos: Chaos) -> Self {
        let catalog = Self::with_pages_of(OWNED_PAGE, chaos);
        for blueprint in ["bucket", "queue"] {
            let key = EntityKey { blueprint: blueprint.into(), identifier: format!("{blueprint}-of-others").into() };
            catalog.lock().entities.insert(key, Record { body: json!({}), is_ours: false });
        }
        catalog
    }

    /// An empty catalog, with so many entities on a page of its list.
    pub fn with_pages_of(page: usize, chaos: Chaos) -> Self {
        Self { state: Arc::default(), page, chaos }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn unavailable(&self, what: &str) -> CatalogError {
        self.chaos.tell(format!("      port: {what} fails"));
        CatalogError::Unavailable("as the story goes".to_owned())
    }
}

impl State {
    /// Port empties relations to what goes.
    pub fn remove(&mut self, key: &EntityKey) {
        self.entities.remove(key);
        if key.blueprint != ACCOUNT.blueprint {
            return;
        }
        for record in self.entities.values_mut() {
            if *related_account(record) == key.identifier.as_str() {
                record.body["relations"]["account"] = Value::Null;
            }
        }
    }

    fn dependents(&self, key: &EntityKey) -> Vec<&EntityKey> {
        if key.blueprint != ACCOUNT.blueprint {
            return Vec::new();
        }
        let relates = |record: &Record| *related_account(record) == key.identifier.as_str();
        self.entities.iter().filter(|(_, record)| relates(record)).map(|(key, _)| key).collect()
    }

    fn judge_deletion(&mut self, key: &EntityKey) {
        let Some(record) = self.entities.get(key) else { return };
        if !record.is_ours {
            self.violations.push(format!("{key:?} belongs to others and was deleted"));
        }
        // Nobody knows which of the sweeps under way asks: what one of them may delete is no violation.
        let is_forbidden = self.sweeping.values().all(|protected| self.is_protected(key, protected));
        if is_forbidden {
            self.violations.push(format!("{key:?} was deleted, although it is in AWS where it was sent from"));
        }
    }

    fn is_protected(&self, key: &EntityKey, protected: &Protected) -> bool {
        let is_live = |key: &EntityKey| match (protected.get(key), self.sent_from.get(key)) {
            (Some(places), Some(sent_from)) => !places.is_disjoint(sent_from),
            _ => false,
        };
        is_live(key) || self.dependents(key).into_iter().any(is_live)
    }

    fn write(&mut self, key: &EntityKey, body: &Value, options: UpsertOptions) {
        if let Some(account) = body["relations"]["account"].as_str()
            && options.create_missing_related
        {
            let related = EntityKey { blueprint: ACCOUNT.blueprint.into(), identifier: account.into() };
            self.entities.entry(related).or_insert(Record { body: json!({}), is_ours: true });
        }
        let record = self.entities.entry(key.clone()).or_insert(Record { body: json!({}), is_ours: true });
        record.is_ours = true;
        if !options.merge {
            record.body = body.clone();
            return;
        }
        let known = record.body.as_object_mut().expect("an object");
        for (name, value) in body.as_object().into_iter().flatten() {
            match (known.get_mut(name), value) {
                (Some(Value::Object(members)), Value::Object(more)) => {
                    members.extend(more.iter().map(|(name, value)| (name.clone(), value.clone())));
                }
                _ => {
                    known.insert(name.clone(), value.clone());
                }
            }
        }
    }
}

#[async_trait]
impl Catalog for MemoryCatalog {
    async fn organization(&self) -> Result<String, CatalogError> {
        turn().await;
        if self.chaos.fate() != Fate::Done {
            return Err(self.unavailable("organization"));
        }
        Ok(ORGANIZATION.to_owned())
    }

    async fn upsert(
        &self,
        blueprint: &str,
        entities: &[Value],
        options: UpsertOptions,
    ) -> Result<Vec<UpsertOutcome>, CatalogError> {
        turn().await;
        let mut outcomes = Vec::new();
        for body in entities {
            let identifier = body["identifier"].as_str().expect("an identifier").to_owned();
            let key = EntityKey { blueprint: blueprint.into(), identifier: identifier.into() };
            let place = body["properties"]["place"].as_str().unwrap_or_default().to_owned();
            self.lock().sent_from.entry(key.clone()).or_default().insert(place);
            let related = body["relations"]["account"]
                .as_str()
                .map(|account| EntityKey { blueprint: ACCOUNT.blueprint.into(), identifier: account.into() });
            let is_related_missing = related.is_some_and(|related| !self.lock().entities.contains_key(&related));
            if is_related_missing && !options.create_missing_related {
                outcomes.push(UpsertOutcome::RelatedMissing { reason: "no such account".to_owned() });
                continue;
            }
            let outcome = match self.chaos.fate() {
                Fate::Done => UpsertOutcome::Accepted,
                Fate::AnswerLost => UpsertOutcome::Unanswered { reason: "as the story goes".to_owned() },
                Fate::Failed => match self.chaos.choose(3) {
                    0 => UpsertOutcome::Unanswered { reason: "as the story goes".to_owned() },
                    1 => UpsertOutcome::Refused { status: 422, reason: "as the story goes".to_owned() },
                    _ => UpsertOutcome::Throttled { retry_after: Duration::from_secs(60) },
                },
            };
            let is_written = outcome == UpsertOutcome::Accepted || self.chaos.choose(2) == 1;
            if outcome != UpsertOutcome::Accepted {
                self.chaos.tell(format!("      port: {key:?} is {outcome:?}"));
            }
            let may_be_written = matches!(outcome, UpsertOutcome::Accepted | UpsertOutcome::Unanswered { .. });
            if is_written && may_be_written {
                self.lock().write(&key, body, options);
            }
            outcomes.push(outcome);
            turn().await;
        }
        Ok(outcomes)
    }

    async fn delete(
        &self,
        blueprint: &str,
        identifiers: &[String],
        with_dependents: bool,
    ) -> Result<DeleteOutcome, CatalogError> {
        turn().await;
        let fate = self.chaos.fate();
        if fate == Fate::Failed {
            return Err(self.unavailable("delete"));
        }
        if self.lock().throttled_deletions > 0 {
            self.lock().throttled_deletions -= 1;
            return Err(CatalogError::Throttled { retry_after: Duration::from_secs(60) });
        }
        let keys: Vec<EntityKey> = identifiers
            .iter()
            .map(|identifier| EntityKey { blueprint: blueprint.into(), identifier: identifier.as_str().into() })
            .collect();
        {
            let mut state = self.lock();
            let is_in_use = keys.iter().any(|key| !state.dependents(key).is_empty());
            if is_in_use && !with_dependents {
                return Ok(DeleteOutcome::Refused { reason: "it has dependents".to_owned() });
            }
            for key in &keys {
                state.judge_deletion(key);
                state.remove(key);
                state.deleted += 1;
            }
        }
        self.chaos.tell(format!("      port: deletes {keys:?}"));
        turn().await;
        if fate == Fate::AnswerLost {
            return Err(self.unavailable("delete, although done,"));
        }
        Ok(DeleteOutcome::Deleted)
    }

    async fn still_owned(&self, blueprint: &str, identifiers: &[String]) -> Result<BTreeSet<String>, CatalogError> {
        turn().await;
        if self.chaos.fate() != Fate::Done {
            return Err(self.unavailable("search"));
        }
        let state = self.lock();
        let is_ours = |identifier: &&String| {
            let key = EntityKey { blueprint: blueprint.into(), identifier: identifier.as_str().into() };
            state.entities.get(&key).is_some_and(|record| record.is_ours)
        };
        Ok(identifiers.iter().filter(is_ours).cloned().collect())
    }

    async fn owned(&self, cursor: Option<String>) -> Result<OwnedPage, CatalogError> {
        turn().await;
        if self.chaos.fate() != Fate::Done {
            return Err(self.unavailable("listing"));
        }
        let state = self.lock();
        let first: usize = cursor.map_or(0, |cursor| cursor.parse().expect("our own cursor"));
        let ours: Vec<EntityKey> =
            state.entities.iter().filter(|(_, record)| record.is_ours).map(|(key, _)| key.clone()).collect();
        let next = first + self.page;
        Ok(OwnedPage {
            entities: ours.iter().skip(first).take(self.page).cloned().collect(),
            next: (next < ours.len()).then(|| next.to_string()),
        })
    }

    async fn relations(&self, blueprint: &str) -> Result<Option<Vec<(String, String)>>, CatalogError> {
        turn().await;
        if self.chaos.fate() != Fate::Done {
            return Err(self.unavailable("blueprint"));
        }
        Ok(Some(match blueprint == ACCOUNT.blueprint {
            true => Vec::new(),
            false => vec![("account".to_owned(), ACCOUNT.blueprint.to_owned())],
        }))
    }

    async fn report(&self, _report: RunReport<'_>) {
        turn().await;
    }
}

/// A property of an entity of Port; null where it has none.
pub fn property<'a>(record: &'a Record, name: &str) -> &'a Value {
    record.body.get("properties").and_then(|properties| properties.get(name)).unwrap_or(&Value::Null)
}

/// The account that an entity of Port relates to; null where it relates to none.
pub fn related_account(record: &Record) -> &Value {
    record.body.get("relations").and_then(|relations| relations.get("account")).unwrap_or(&Value::Null)
}
