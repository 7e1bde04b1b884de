//! A step of a run: how it may fail, and what it has at hand.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;

use super::Worker;
use super::snapshot::RunSnapshot;
use crate::ledger::LedgerError;
use crate::run::{Current, Phase, Place, StateError, has_begun_ledger, load_current};
use crate::seams::{CatalogError, QueueError, StoreError, Version};
use crate::target::Target;

/// A step that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The message is not one of ours, or names what its run does not have. Trying again is of no use.
    #[error("{0}")]
    Rejected(String),
    /// Something outside failed; the message goes back to the queue.
    #[error("{0}")]
    Retry(String),
    /// The same, and the other side said how long to wait.
    #[error("{reason}")]
    RetryAfter { reason: String, delay: Duration },
    /// Another invocation has the target: a message came twice. It goes on there, and this one is no failure.
    #[error("{0}")]
    Fenced(String),
    /// The run was superseded, or has moved on to another phase, while the step worked for it. There is nothing left to
    /// do.
    #[error("its run was superseded, or has moved on, while it was under way")]
    Overtaken,
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<StateError> for StepError {
    fn from(error: StateError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<QueueError> for StepError {
    fn from(error: QueueError) -> Self {
        Self::Retry(error.to_string())
    }
}

impl From<LedgerError> for StepError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Fenced { .. } => Self::Fenced(error.to_string()),
            error => Self::Retry(error.to_string()),
        }
    }
}

impl From<CatalogError> for StepError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Throttled { retry_after } => {
                Self::RetryAfter { reason: error.to_string(), delay: retry_after }
            }
            error => Self::Retry(error.to_string()),
        }
    }
}

/// A step with what it needs: the run it belongs to, and when its invocation ends.
pub(crate) struct StepContext<'a> {
    pub worker: &'a Worker,
    pub place: Place,
    pub current: Current,
    pub current_version: Version,
    pub snapshot: Arc<RunSnapshot>,
    pub deadline: OffsetDateTime,
}

impl StepContext<'_> {
    pub fn done_mark_key(&self, target: &Target) -> String {
        self.place.done_mark(&self.snapshot.plan.run, self.snapshot.pass_of(target), target)
    }

    pub fn deferred_key(&self, target: &Target) -> String {
        self.place.deferred(&self.snapshot.plan.run, self.snapshot.pass_of(target), target)
    }

    /// Whether an earlier run has left a ledger of the target: one that is not there is lost.
    pub async fn expects_ledger(&self, target: &Target) -> Result<bool, StepError> {
        if self.snapshot.remembers_ledger(target) {
            return Ok(true);
        }
        match &self.snapshot.plan.unremembered.run {
            Some(run) => Ok(has_begun_ledger(self.worker.store.as_ref(), &self.place, run, target).await?),
            None => Ok(false),
        }
    }

    /// Whether this run has begun the ledger of the target already.
    pub async fn has_begun_ledger(&self, target: &Target) -> Result<bool, StepError> {
        let run = &self.snapshot.plan.run;
        Ok(has_begun_ledger(self.worker.store.as_ref(), &self.place, run, target).await?)
    }

    /// A step sends and deletes only while its run is current and in the pass and the phase of such steps: it may be
    /// slow, and a newer run fast.
    pub async fn check_current(&self, allows: impl Fn(Phase) -> bool) -> Result<(), StepError> {
        match load_current(self.worker.store.as_ref(), &self.place).await? {
            Some((current, _)) if current.is_same_pass(&self.current) && allows(current.phase) => Ok(()),
            _ => Err(StepError::Overtaken),
        }
    }

    /// State and credentials must be of the same Port organization, or a stranger's catalog would be changed.
    pub async fn check_organization(&self) -> Result<(), StepError> {
        let organization = self.worker.catalog.organization().await?;
        let expected = &self.snapshot.plan.port_organization;
        if organization == *expected {
            return Ok(());
        }
        // Not rejected: a target that only leaves the queue would keep its run waiting.
        Err(StepError::Retry(format!(
            "the credentials belong to the Port organization {organization}, the run to {expected}: they were changed while it was going"
        )))
    }
}
