//! Aborting a run: from then on nothing of it has an effect, wherever it stands.

use crate::events;
use crate::run::{
    CurrentError, Phase, Place, Plan, RunId, StateError, Summary, load_current, read_json, set_phase, write_json,
};
use crate::seams::{Catalog, Condition, RunReport, Store};

/// A run that a person wants to end.
pub struct RunAbort<'a> {
    pub catalog: &'a dyn Catalog,
    pub store: &'a dyn Store,
    pub place: &'a Place,
    pub run: &'a RunId,
}

/// What an abort came to.
#[derive(Debug, PartialEq, Eq)]
pub enum AbortOutcome {
    Aborted,
    /// There was nothing to abort, and nothing was changed.
    NotGoing {
        reason: String,
    },
}

/// An abort that did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum AbortError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(
        "the run {run} was aborted and has no effect any more, but its summary, or Port, may not say so: {source}; abort it once more"
    )]
    Untold {
        run: RunId,
        #[source]
        source: StateError,
    },
}

impl RunAbort<'_> {
    /// Ends the run at once. What of it is on the queue has no effect, and whoever works for it stops before the next
    /// thing that would be sent or deleted. An abort that is repeated comes to the same.
    ///
    /// # Errors
    /// [`AbortError::Untold`] after the run was aborted; before that, nothing was changed.
    pub async fn abort(&self) -> Result<AbortOutcome, AbortError> {
        if let Some(reason) = self.end().await? {
            return Ok(AbortOutcome::NotGoing { reason });
        }
        events::run_aborted(self.run);
        self.tell().await.map_err(|source| AbortError::Untold { run: self.run.clone(), source })?;
        Ok(AbortOutcome::Aborted)
    }

    /// Moves the run to its end. Gives the reason where it is not going.
    async fn end(&self) -> Result<Option<String>, StateError> {
        let run = self.run;
        // Who loses finds the run a phase further, or another run: it is no endless loop.
        loop {
            let Some((current, version)) = load_current(self.store, self.place).await? else {
                return Ok(Some(format!("there is no run {run}, and never was any here")));
            };
            let is_over = matches!(current.phase, Phase::Ended | Phase::Aborted);
            if current.run != *run {
                let stands = if is_over { "is over too" } else { "is going" };
                return Ok(Some(format!("the run {run} is not going: {} came after it, and {stands}", current.run)));
            }
            match current.phase {
                Phase::Ended => return Ok(Some(format!("the run {run} is not going: it has ended"))),
                Phase::Aborted => return Ok(None),
                Phase::Starting | Phase::Running | Phase::Sweeping => {}
            }
            match set_phase(self.store, self.place, &current, version, Phase::Aborted).await {
                Ok(()) => return Ok(None),
                Err(CurrentError::Lost) => {}
                Err(CurrentError::State(error)) => return Err(error),
            }
        }
    }

    /// Writes how the run ended, and tells Port.
    async fn tell(&self) -> Result<(), StateError> {
        let key = self.place.summary(self.run);
        let Some((mut summary, version)) = read_json::<Summary>(self.store, &key).await? else {
            return Ok(());
        };
        // A sweep that was through when the abort came has written its own end.
        if summary.outcome == "started" {
            summary.outcome = "aborted".to_owned();
            write_json(self.store, &key, &summary, Condition::Unchanged(version)).await?;
        }
        if let Some((plan, _)) = read_json::<Plan>(self.store, &self.place.plan(self.run)).await? {
            self.catalog.report(RunReport::Ended(&plan, &summary)).await;
        }
        Ok(())
    }
}
