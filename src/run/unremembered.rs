//! Ledgers that `known` does not tell of, because the runs that began them did not come to their end.
//!
//! A run that is aborted or superseded leaves ledgers behind. If one of those is lost, nobody else knows what it claimed,
//! and what another ledger calls stale might be deleted although it only moved. So workers leave a mark when the ledger
//! of a target begins to claim something, and the runs that follow ask for these marks until one of them has written
//! down what there is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Current, Known, Phase, Place, Plan, RunId, StateError, read_json};
use crate::seams::{Condition, Store, StoreError};
use crate::target::Target;

/// The ledgers begun by runs that did not come so far that they wrote `known`, since the last that did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnrememberedLedgers {
    /// The run before, if it is one of them. Its marks are asked for as late as possible: its workers may still be at
    /// work while the next run is planned.
    pub run: Option<RunId>,
    /// The targets of the ledgers that the runs before that one began.
    pub targets: BTreeSet<Target>,
}

impl UnrememberedLedgers {
    /// Those that a run must expect which takes the place of `previous`.
    ///
    /// # Errors
    /// When the state bucket fails, or what lies there cannot be understood.
    pub async fn before(store: &dyn Store, place: &Place, previous: Option<&Current>) -> Result<Self, StateError> {
        let Some(previous) = previous.filter(|previous| previous.phase != Phase::Ended) else {
            return Ok(Self::default());
        };
        let known = read_json::<Known>(store, &place.known()).await?;
        if known.is_some_and(|(known, _)| known.written_by.as_ref() == Some(&previous.run)) {
            return Ok(Self::default());
        }
        // A plan expires with its run's marks, some weeks after the run.
        let plan = read_json::<Plan>(store, &place.plan(&previous.run)).await?;
        let earlier = plan.map(|(plan, _)| plan.unremembered).unwrap_or_default();
        Ok(Self { run: Some(previous.run.clone()), targets: earlier.all(store, place).await? })
    }

    /// All of their targets.
    ///
    /// # Errors
    /// When the state bucket fails.
    pub async fn all(&self, store: &dyn Store, place: &Place) -> Result<BTreeSet<Target>, StoreError> {
        let mut targets = self.targets.clone();
        if let Some(run) = &self.run {
            targets.extend(ledgers_begun_by(store, place, run).await?);
        }
        Ok(targets)
    }
}

/// Marks that the ledger of a target begins to claim something. To be called when the ledger says so, and before
/// anything of it is sent.
///
/// # Errors
/// When the state bucket fails.
pub async fn mark_begun_ledger(
    store: &dyn Store,
    place: &Place,
    run: &RunId,
    target: &Target,
) -> Result<(), StoreError> {
    store.put(&place.begun_ledger(run, target), Vec::new(), Condition::Always).await.map(drop)
}

/// Whether a run began the ledger of a target.
///
/// # Errors
/// When the state bucket fails.
pub async fn has_begun_ledger(
    store: &dyn Store,
    place: &Place,
    run: &RunId,
    target: &Target,
) -> Result<bool, StoreError> {
    Ok(store.get(&place.begun_ledger(run, target)).await?.is_some())
}

/// The targets whose ledgers a run began.
///
/// # Errors
/// When the state bucket fails.
pub async fn ledgers_begun_by(store: &dyn Store, place: &Place, run: &RunId) -> Result<BTreeSet<Target>, StoreError> {
    let marks = place.begun_ledgers(run);
    let keys = store.list(&marks).await?;
    Ok(keys.iter().filter_map(|key| key.strip_prefix(&marks)?.parse().ok()).collect())
}
