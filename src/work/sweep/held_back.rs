//! What a run would have deleted and did not, for a person to confirm: `runs/<run>/held-back.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::run::{Strategy, read_json, write_json};
use crate::seams::Condition;
use crate::target::AccountId;
use crate::work::{StepContext, StepError};

#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// How the run found its accounts.
    pub strategy: Strategy,
    /// Accounts that were missing, and not asked for because that they went away was in doubt.
    #[serde(default)]
    pub missing_accounts: BTreeSet<AccountId>,
    /// By blueprint, the keys of the lists of what the threshold kept.
    #[serde(default)]
    pub deletable: BTreeMap<String, Vec<String>>,
}

impl HeldBack {
    /// What the run held back whose deletions a person confirmed for this one.
    pub async fn confirmed(context: &StepContext<'_>) -> Result<Option<Self>, StepError> {
        let Some(run) = &context.snapshot.plan.confirms else { return Ok(None) };
        let found = read_json(context.worker.store.as_ref(), &context.place.held_back(run)).await?;
        Ok(found.map(|(held_back, _)| held_back))
    }

    /// What this run has held back so far.
    pub async fn of_this_run(context: &StepContext<'_>) -> Result<Self, StepError> {
        let plan = &context.snapshot.plan;
        let found = read_json(context.worker.store.as_ref(), &context.place.held_back(&plan.run)).await?;
        let nothing =
            || Self { strategy: plan.strategy.clone(), missing_accounts: BTreeSet::new(), deletable: BTreeMap::new() };
        Ok(found.map_or_else(nothing, |(held_back, _)| held_back))
    }

    pub fn with_missing_accounts(self, missing_accounts: BTreeSet<AccountId>) -> Self {
        Self { missing_accounts, ..self }
    }

    pub fn with_deletable(self, deletable: BTreeMap<String, Vec<String>>) -> Self {
        Self { deletable, ..self }
    }

    pub async fn write(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        let key = context.place.held_back(&context.snapshot.plan.run);
        write_json(context.worker.store.as_ref(), &key, self, Condition::Always).await?;
        Ok(())
    }
}
