//! Plan and compiled mapping of a run, loaded once per process: reading and compiling them costs more than a small
//! target does.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::Mutex;

use super::StepError;
use crate::mapping::Mapping;
use crate::run::{Current, Known, Listing, Pass, Place, Plan, Repair, RunId, StateError, UnitReport, read_json};
use crate::seams::Store;
use crate::target::Target;

/// What a run was started with.
pub struct RunSnapshot {
    pub plan: Plan,
    pub mapping: Mapping,
    /// What the run before left; it changes only when this run is swept.
    known: Option<Known>,
    /// What is read again; none in the first pass.
    pub repair: Option<Repair>,
}

impl RunSnapshot {
    /// The pass that has the last word about a target.
    pub fn pass_of(&self, target: &Target) -> Pass {
        match &self.repair {
            Some(repair) if repair.targets.contains(target) => Pass::Repair,
            _ => Pass::First,
        }
    }

    /// Whether it was written down, before this run, that the target has a ledger.
    pub fn remembers_ledger(&self, target: &Target) -> bool {
        self.known.as_ref().is_some_and(|known| known.ledgers.contains(target))
            || self.plan.unremembered.targets.contains(target)
    }

    /// Whether the run before found its accounts in the same way.
    pub fn is_found_as_before(&self) -> bool {
        self.known.as_ref().is_some_and(|known| known.strategy.as_ref() == Some(&self.plan.strategy))
    }

    /// Whether reports of all units of a target tell everything that the target claims: nothing of it was left out,
    /// failed or held. Whether the mapping names all kinds as AWS does is not in them.
    pub fn tells_all_claims<'a>(&self, mut units: impl Iterator<Item = &'a UnitReport>) -> bool {
        let is_whole = self.plan.narrowing.kinds.is_empty() && self.mapping.disabled.is_empty();
        // A service that the region does not have claims nothing there.
        let is_absent = |unit: &UnitReport| matches!(unit.listing, Listing::NotHere(_));
        is_whole && units.all(|unit| is_absent(unit) || (unit.counts_for_deletion() && unit.held == 0))
    }
}

/// The snapshot of the run that this process last worked for.
#[derive(Default)]
pub struct Snapshots {
    last: Mutex<Option<(RunId, Pass, Arc<RunSnapshot>)>>,
}

impl Snapshots {
    pub async fn of_run(
        &self,
        store: &dyn Store,
        place: &Place,
        current: &Current,
    ) -> Result<Arc<RunSnapshot>, StepError> {
        let mut last = self.last.lock().await;
        if let Some((run, pass, snapshot)) = last.as_ref()
            && *run == current.run
            && *pass == current.pass
        {
            return Ok(snapshot.clone());
        }
        let plan: Plan = required(store, place.plan(&current.run)).await?;
        let document: Value = required(store, place.mapping(&current.run)).await?;
        let mapping = Mapping::parse(&document)
            .map_err(|error| StepError::Retry(format!("the mapping of run {}: {error}", current.run)))?;
        let known = read_json::<Known>(store, &place.known()).await?.map(|(known, _)| known);
        let repair = match current.pass {
            Pass::First => None,
            Pass::Repair => Some(required(store, place.repair(&current.run)).await?),
        };
        let snapshot = Arc::new(RunSnapshot { plan, mapping, known, repair });
        *last = Some((current.run.clone(), current.pass, snapshot.clone()));
        Ok(snapshot)
    }
}

async fn required<T: serde::de::DeserializeOwned>(store: &dyn Store, key: String) -> Result<T, StateError> {
    match read_json(store, &key).await? {
        Some((value, _)) => Ok(value),
        None => Err(StateError::Missing { key }),
    }
}
