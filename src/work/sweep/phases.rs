//! How a run comes into its sweep, and to its end.

use std::time::Duration;

use crate::events;
use crate::message::{Message, Step};
use crate::run::{CurrentError, Phase, Summary, load_current, set_phase, write_json};
use crate::seams::{Condition, RunReport};
use crate::work::{StepContext, StepError};

/// The sweep looks again after this long, doubled each time.
const FIRST_WAIT_SECONDS: u64 = 1;
const LONGEST_WAIT_SECONDS: u64 = 300;

/// Whether targets are still missing and the deadline is not reached: then the sweep has sent itself again.
pub async fn waits(context: &StepContext<'_>, polls: u32) -> Result<bool, StepError> {
    let plan = &context.snapshot.plan;
    // Nothing is read again before everything else was done.
    let targets = context.snapshot.repair.as_ref().map_or(&plan.targets, |repair| &repair.targets);
    let done = context.worker.store.list(&context.place.done_marks(&plan.run, context.current.pass)).await?.len();
    let missing = targets.len().saturating_sub(done);
    if missing == 0 || context.worker.clock.now() >= plan.deadline {
        return Ok(false);
    }
    let seconds = FIRST_WAIT_SECONDS.checked_shl(polls).unwrap_or(LONGEST_WAIT_SECONDS).min(LONGEST_WAIT_SECONDS);
    let message = Message::of_run(plan, Step::Sweep { polls: polls.saturating_add(1) });
    context.worker.queue.send(vec![message.to_body()], Duration::from_secs(seconds)).await?;
    say_that_it_runs(context).await;
    // Port takes a sync without a sign of life for aborted, after some ten minutes.
    if seconds >= LONGEST_WAIT_SECONDS / 2 {
        context.worker.catalog.report(RunReport::StillRunning(plan)).await;
    }
    events::sweep_waits(plan, missing, seconds);
    Ok(true)
}

/// The message of the sweep is the last that the scheduler sends. Where the scheduler could not write that all are sent,
/// the run would soon pass for one that never started.
async fn say_that_it_runs(context: &StepContext<'_>) {
    if context.current.phase != Phase::Starting {
        return;
    }
    let (store, version) = (context.worker.store.as_ref(), context.current_version.clone());
    match set_phase(store, &context.place, &context.current, version, Phase::Running).await {
        // The scheduler was first, or somebody has aborted the run.
        Ok(()) | Err(CurrentError::Lost) => {}
        Err(error) => events::phase_not_written(&context.current.run, &error),
    }
}

/// From here on no worker sends anything for this run.
pub async fn begin(context: &StepContext<'_>) -> Result<(), StepError> {
    if context.current.phase == Phase::Sweeping {
        return Ok(());
    }
    let store = context.worker.store.as_ref();
    set_phase(store, &context.place, &context.current, context.current_version.clone(), Phase::Sweeping)
        .await
        .map_err(moved_on)
}

pub fn moved_on(error: CurrentError) -> StepError {
    StepError::Retry(format!("the run changed while it was being swept: {error}"))
}

pub async fn end(context: &StepContext<'_>, summary: &Summary) -> Result<(), StepError> {
    let plan = &context.snapshot.plan;
    let store = context.worker.store.as_ref();
    let (current, version) = match load_current(store, &context.place).await? {
        // What a person has aborted meanwhile stays so, what was superseded has nothing to report, and a slower sweep
        // must not end what another one has begun anew.
        Some((current, version)) if current.is_same_pass(&context.current) && current.phase == Phase::Sweeping => {
            (current, version)
        }
        _ => return Err(StepError::Overtaken),
    };
    write_json(store, &context.place.summary(&plan.run), summary, Condition::Always).await?;
    context.worker.catalog.report(RunReport::Ended(plan, summary)).await;
    set_phase(store, &context.place, &current, version, Phase::Ended).await.map_err(moved_on)?;
    // Only now: until then the step may fail and be tried again, or a person may abort the run.
    let took = Duration::try_from(context.worker.clock.now() - plan.started).unwrap_or_default();
    events::run_ended(plan, summary, took);
    Ok(())
}
