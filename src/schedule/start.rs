//! Starting a run: what workers will need is written first, then the run becomes the current one, then its messages go
//! out.

use std::time::Duration;

use serde_json::Value;

use super::targets;
use crate::events;
use crate::mapping::Mapping;
use crate::message::{Message, Step};
use crate::run::{
    AnsweredRequest, Current, CurrentError, Pass, Phase, Place, Plan, RunId, StateError, Summary, claim, load_current,
    set_phase, write_json,
};
use crate::seams::{Catalog, Condition, Queue, QueueError, RunReport, Store, Version};

/// The sweep first looks when small runs are through already.
const FIRST_SWEEP_DELAY: Duration = Duration::from_secs(1);

/// A run that is about to start.
pub struct RunStart<'a> {
    pub catalog: &'a dyn Catalog,
    pub store: &'a dyn Store,
    pub queue: &'a dyn Queue,
    pub place: &'a Place,
    pub plan: &'a Plan,
}

/// A run that was planned and did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error("the run {run} was aborted, because its messages could not be sent: {source}")]
    Enqueue {
        run: RunId,
        #[source]
        source: QueueError,
    },
    #[error(
        "not all messages of the run {run} could be sent ({source}), and it goes on, or was aborted meanwhile; what it does not read by its \
         deadline stays as it is"
    )]
    EnqueueInPart {
        run: RunId,
        #[source]
        source: QueueError,
    },
}

impl RunStart<'_> {
    /// Starts the run in place of the one that `previous` is the version of. Plan and mapping first, then the claim,
    /// then the messages: whoever reads a message finds all of it.
    ///
    /// # Errors
    /// [`StartError::Current`] when another run was started meanwhile; then this one has had no effect.
    pub async fn start(
        &self,
        summary: Summary,
        scheduled_time: Option<String>,
        answered: Option<AnsweredRequest>,
        config: &Value,
        previous: Option<Version>,
    ) -> Result<Summary, StartError> {
        let Self { store, place, plan, .. } = *self;
        write_json(store, &place.plan(&plan.run), plan, Condition::Always).await?;
        write_json(store, &place.mapping(&plan.run), config, Condition::Always).await?;
        write_json(store, &place.summary(&plan.run), &summary, Condition::Always).await?;
        let current = Current {
            epoch: plan.epoch,
            run: plan.run.clone(),
            mode: plan.mode,
            phase: Phase::Starting,
            pass: Pass::First,
            started: plan.started,
            deadline: plan.deadline,
            scheduled_time,
            answered,
        };
        claim(store, place, &current, previous).await?;
        // Before the messages: a small run may have ended by the time they are all sent.
        self.catalog.report(RunReport::Started(plan)).await;
        if let Err(source) = self.send_messages().await {
            return Err(self.give_up(&current, summary, source).await);
        }
        if let Err(error) = self.change_phase(&current, Phase::Running).await {
            // It works all the same, and its sweep says it again.
            events::phase_not_written(&plan.run, &error);
        }
        for problem in &summary.mapping_problems {
            events::mapping_problem(problem);
        }
        for warning in &summary.mapping_warnings {
            events::mapping_warning(warning);
        }
        events::run_started(&summary);
        Ok(summary)
    }

    async fn send_messages(&self) -> Result<(), QueueError> {
        let body = |step| Message::of_run(self.plan, step).to_body();
        let targets = self.plan.targets.iter().map(|target| body(Step::Sync { target: target.clone() }));
        self.queue.send(targets.collect(), Duration::ZERO).await?;
        self.queue.send(vec![body(Step::Sweep { polls: 0 })], FIRST_SWEEP_DELAY).await
    }

    /// Aborts the run, and says so, unless it has begun to work or a person was first.
    async fn give_up(&self, current: &Current, summary: Summary, source: QueueError) -> StartError {
        let run = self.plan.run.clone();
        match self.change_phase(current, Phase::Aborted).await {
            Ok(true) => {}
            Ok(false) => return StartError::EnqueueInPart { run, source },
            Err(error) => return error,
        }
        let failed = Summary { outcome: "failed".to_owned(), ..summary };
        let written = write_json(self.store, &self.place.summary(&run), &failed, Condition::Always).await;
        self.catalog.report(RunReport::Ended(self.plan, &failed)).await;
        match written {
            Ok(_) => StartError::Enqueue { run, source },
            Err(error) => error.into(),
        }
    }

    /// Moves the run out of its start, and tells whether that was of use: the run may have moved on, or was aborted.
    /// After an abort, what of it is on the queue has no effect.
    async fn change_phase(&self, current: &Current, phase: Phase) -> Result<bool, StartError> {
        let Some((found, version)) = load_current(self.store, self.place).await? else { return Ok(false) };
        if found != *current {
            return Ok(false);
        }
        // What could not send its messages is tried again, also where it was to answer a request.
        let moved = if phase == Phase::Aborted { found.without_answer() } else { found };
        match set_phase(self.store, self.place, &moved, version, phase).await {
            Ok(()) => Ok(true),
            Err(CurrentError::Lost) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What is known of a run before any of its targets was read.
pub fn first_summary(plan: &Plan, mapping: &Mapping) -> Summary {
    Summary {
        run: plan.run.clone(),
        mode: plan.mode,
        outcome: "started".to_owned(),
        accounts: plan.accounts.len(),
        targets: plan.targets.len(),
        messages: plan.targets.len() + 1,
        inaccessible_accounts: plan.inaccessible.values().cloned().collect(),
        mapping_problems: mapping_problems(plan, mapping),
        mapping_warnings: mapping.warnings.clone(),
        failed_targets: Vec::new(),
        more_failed_targets: 0,
        kinds: Default::default(),
        collisions: Default::default(),
        deletions: None,
    }
}

fn mapping_problems(plan: &Plan, mapping: &Mapping) -> Vec<String> {
    let mut problems: Vec<String> = mapping.disabled.iter().map(ToString::to_string).collect();
    problems.extend(targets::unreachable_kinds(mapping, &plan.strategy));
    problems
}
