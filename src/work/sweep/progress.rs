//! Where a sweep is: kept in memory through one invocation, and in the state bucket from one to the next.

use serde::{Deserialize, Serialize};

use super::claims::Claims;
use super::collisions::Colliding;
use super::decide::Decision;
use super::deferred::Rounds;
use super::delete::Deletion;
use super::marks::Tally;
use super::port_list::PortList;
use super::repair::Reopening;
use super::retired::Retirement;
use super::settle::Settling;
use super::survey::Survey;
use crate::run::{StateError, read_json, write_json};
use crate::seams::{Condition, StoreError, Version};
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// The parts of a sweep, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    #[default]
    Marks,
    Deferred,
    RefusedMarks,
    Missing,
    Standing,
    Survey,
    Collisions,
    List,
    Repair,
    Claims,
    Decide,
    Announce,
    Delete,
    ListAgain,
    Settle,
    Remember,
    Remove,
    Report,
}

/// What the stages found, and where the one under way is. Whatever it leads to can be repeated from here.
#[derive(Default, Serialize, Deserialize)]
pub struct Progress {
    /// An id of the write that it comes from.
    writer: String,
    pub stage: Stage,
    /// The last target that the stage is through with.
    pub after: Option<Target>,
    pub tally: Tally,
    pub deferred: Rounds,
    pub retirement: Retirement,
    pub survey: Survey,
    pub collisions: Colliding,
    pub port: PortList,
    #[serde(default)]
    pub reopening: Reopening,
    pub claims: Claims,
    pub decision: Decision,
    pub deletion: Deletion,
    pub settling: Settling,
}

impl Progress {
    pub async fn load(context: &StepContext<'_>) -> Result<Option<(Self, Version)>, StepError> {
        let key = context.place.sweep_progress(&context.snapshot.plan.run, context.current.pass);
        Ok(read_json(context.worker.store.as_ref(), &key).await?)
    }

    /// Writes where the sweep is, if no other sweep of the run wrote it since `version`.
    ///
    /// # Errors
    /// [`StepError::Overtaken`] when one did: it goes on from there, and its message is on the queue or in its hands.
    pub async fn save(&mut self, context: &StepContext<'_>, version: Option<&Version>) -> Result<Version, StepError> {
        self.survey.save(context).await?;
        self.claims.save(context).await?;
        self.port.owned.save(context, "owned").await?;
        self.deletion.settled.save(context, "settled").await?;
        let store = context.worker.store.as_ref();
        let key = context.place.sweep_progress(&context.snapshot.plan.run, context.current.pass);
        self.writer = uuid::Uuid::new_v4().to_string();
        let condition = version.cloned().map_or(Condition::Absent, Condition::Unchanged);
        match write_json(store, &key, self, condition).await {
            Err(StateError::Store(StoreError::Conflict { .. })) => {}
            written => return Ok(written?),
        }
        // SDKs repeat a write whose answer was lost, and the repetition conflicts with the first try: then our own id
        // lies there.
        #[derive(Deserialize)]
        struct Written {
            writer: String,
        }
        match read_json::<Written>(store, &key).await? {
            Some((found, version)) if found.writer == self.writer => Ok(version),
            _ => Err(StepError::Overtaken),
        }
    }
}
