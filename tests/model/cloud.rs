//! AWS in memory: listings of the world, one resource a page, and everything that AWS does wrong.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use portolan::kinds::{Failure, Page, ReadError, Resource};
use portolan::run::Plan;
use portolan::seams::{Cloud, EnterError, ListRequest, Standing};
use portolan::target::{AccountId, Target};
use serde_json::{Map, json};

use super::chaos::{Chaos, Fate, turn};
use super::world::{MODEL_KINDS, World};

const PAGE: usize = 1;
/// A call that takes longer than a short invocation has.
const SLOW_TURNS: usize = 120;

#[derive(Clone)]
pub struct SimulatedCloud {
    pub world: Arc<Mutex<World>>,
    pub chaos: Chaos,
}

impl SimulatedCloud {
    fn world(&self) -> std::sync::MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn error(&self, what: &str) -> ReadError {
        let failure = Failure { call: "model:List", code: "Story".to_owned(), message: String::new() };
        let error = match self.chaos.choose(4) {
            0 => ReadError::Failed(failure),
            1 => ReadError::Denied(failure),
            2 => ReadError::Throttled(failure),
            _ => ReadError::NotHere(failure),
        };
        self.chaos.tell(format!("      cloud: {what} is {}", error.class()));
        error
    }
}

#[async_trait]
impl Cloud for SimulatedCloud {
    async fn enter(&self, _plan: &Plan, target: &Target) -> Result<(), EnterError> {
        turn().await;
        if self.chaos.fate() != Fate::Done || !self.world().exists(target) {
            self.chaos.tell(format!("      cloud: {target} cannot be entered"));
            return Err(EnterError { reason: "as the story goes".to_owned(), check: "the story".to_owned() });
        }
        turn().await;
        Ok(())
    }

    async fn list(
        &self,
        _plan: &Plan,
        target: &Target,
        request: &ListRequest,
        cursor: Option<String>,
    ) -> Result<Page, ReadError> {
        turn().await;
        if self.chaos.happens(50) {
            self.chaos.tell(format!("      cloud: {} in {target} takes its time", request.kind));
            for _ in 0..SLOW_TURNS {
                turn().await;
            }
        }
        if self.chaos.fate() != Fate::Done || !self.world().exists(target) {
            return Err(self.error(&format!("{} in {target}", request.kind)));
        }
        let kind = MODEL_KINDS.iter().find(|kind| kind.name == request.kind).expect("a kind of the model");
        let resources = self.world().resources.get(&(target.clone(), kind.name)).cloned().unwrap_or_default();
        let mut names = resources.iter().filter(|(name, _)| cursor.as_ref().is_none_or(|cursor| *name > cursor));
        let mut page = Page::default();
        for (name, version) in names.by_ref().take(PAGE) {
            let mut properties = Map::new();
            properties.insert("Name".to_owned(), json!(name));
            properties.insert("Place".to_owned(), json!(target.to_string()));
            properties.insert("Version".to_owned(), json!(version));
            let mut resource = Resource::new(name.as_str(), properties);
            if self.chaos.happens(16) {
                resource.lacks("Detail", &self.error(&format!("the detail of {name}")));
            } else {
                resource.properties.insert("Detail".to_owned(), json!(format!("detail of {version}")));
            }
            page.resources.push(resource);
        }
        if names.next().is_some() {
            page.next = page.resources.last().map(|resource| resource.key.clone());
        }
        if self.chaos.happens(24) {
            page.gaps.push(self.error("a part of the listing"));
            page.resources.pop();
        }
        turn().await;
        Ok(page)
    }

    async fn standing(&self, plan: &Plan, account: &AccountId) -> Standing {
        turn().await;
        if plan.strategy.excluded_accounts.contains(account) {
            return Standing::Gone { evidence: "it is left out".to_owned() };
        }
        if self.chaos.fate() != Fate::Done {
            return Standing::Unknown { reason: "as the story goes".to_owned() };
        }
        match self.world().accounts.get(account) {
            Some(state) if !state.is_closed => Standing::Present,
            _ => Standing::Gone { evidence: "it is closed".to_owned() },
        }
    }
}
