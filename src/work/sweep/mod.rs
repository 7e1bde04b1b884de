//! The sweep: the last step of a run, and the only one that deletes.
//!
//! It waits for all targets (or the deadline), gathers what they found, decides what may go, deletes it, compares Port
//! with the ledgers, and reports. Every part can be repeated: a sweep that dies is begun again from its start and comes
//! to the same end.

mod candidates;
mod deferred;
mod delete;
mod evidence;
mod journal;
mod report;
mod retired;
mod verify;

use std::time::Duration;

use super::{StepContext, StepError};
use crate::events;
use crate::message::{Message, Step};
use crate::run::{CurrentError, Known, Phase, Summary, load_current, read_json, set_phase, write_json};
use crate::seams::{Condition, RunReport};
use evidence::Evidence;

/// The sweep looks again after this long, doubled each time.
const FIRST_WAIT_SECONDS: u64 = 1;
const LONGEST_WAIT_SECONDS: u64 = 300;

/// Ends a run, or looks again later.
pub(super) async fn sweep(context: &StepContext<'_>, polls: u32) -> Result<(), StepError> {
    if context.current.phase.is_before_sweep() && waits(context, polls).await? {
        return Ok(());
    }
    context.check_organization().await?;
    begin(context).await?;
    let mut evidence = Evidence::gather(context).await?;
    deferred::send_again(context, &mut evidence).await?;
    let retirement = retired::judge(context, &evidence).await?;
    let candidates = candidates::find(context, &evidence, &retirement).await?;
    let (mut deletions, settled) = delete::delete(context, &mut evidence, &candidates).await?;
    deletions.held_back.extend(retirement.held_back.clone());
    let gone = verify::verify(context, &mut evidence, settled, &mut deletions).await;
    delete::forget(&mut evidence, &candidates, &gone);
    // Before the ledgers: one that is removed, and still known after a crash, would pass for lost.
    remember(context, &evidence, &retirement).await?;
    evidence.save_changed_ledgers(context).await?;
    for reason in &deletions.held_back {
        events::deletion_held_back(&context.snapshot.plan.run, reason);
    }
    let summary = report::summarize(context, &evidence, deletions).await?;
    end(context, &summary).await
}

/// Whether targets are still missing and the deadline is not reached: then the sweep has sent itself again.
async fn waits(context: &StepContext<'_>, polls: u32) -> Result<bool, StepError> {
    let plan = &context.snapshot.plan;
    let done = context.worker.store.list(&context.place.done_marks(&plan.run)).await?.len();
    let missing = plan.targets.len().saturating_sub(done);
    if missing == 0 || context.worker.clock.now() >= plan.deadline {
        return Ok(false);
    }
    let seconds = FIRST_WAIT_SECONDS.checked_shl(polls).unwrap_or(LONGEST_WAIT_SECONDS).min(LONGEST_WAIT_SECONDS);
    let message = Message::of_run(plan, Step::Sweep { polls: polls.saturating_add(1) });
    context.worker.queue.send(vec![message.to_body()], Duration::from_secs(seconds)).await?;
    // Port takes a sync without a sign of life for aborted, after some ten minutes.
    if seconds >= LONGEST_WAIT_SECONDS / 2 {
        context.worker.catalog.report(RunReport::StillRunning(plan)).await;
    }
    events::sweep_waits(plan, missing, seconds);
    Ok(true)
}

/// From here on no worker sends anything for this run.
async fn begin(context: &StepContext<'_>) -> Result<(), StepError> {
    if context.current.phase == Phase::Sweeping {
        return Ok(());
    }
    let store = context.worker.store.as_ref();
    set_phase(store, &context.place, &context.current, context.current_version.clone(), Phase::Sweeping)
        .await
        .map_err(moved_on)
}

fn moved_on(error: CurrentError) -> StepError {
    StepError::Retry(format!("the run changed while it was being swept: {error}"))
}

/// What the next run compares itself with. Not written where nothing changed, nor by a run that saw only a part.
async fn remember(
    context: &StepContext<'_>,
    evidence: &Evidence,
    retirement: &retired::Retirement,
) -> Result<(), StepError> {
    let plan = &context.snapshot.plan;
    let store = context.worker.store.as_ref();
    let key = context.place.known();
    context.check_current(|phase| phase == Phase::Sweeping).await?;
    let found = read_json::<Known>(store, &key).await?;
    let condition = found.as_ref().map_or(Condition::Absent, |(_, version)| Condition::Unchanged(version.clone()));
    let before = found.map(|(known, _)| known);
    let may_change_strategy = !plan.narrowing.is_narrowed() && retirement.held_back.is_empty();
    let strategy = match &before {
        Some(known) if !may_change_strategy => known.strategy.clone(),
        _ => plan.strategy.clone(),
    };
    let mut ledgers = evidence.targets_with_ledger();
    // A ledger that is missing stays known until its target was read again.
    let lost = evidence.lost_ledgers.iter().filter(|target| !retirement.targets.contains_key(*target));
    ledgers.extend(lost.cloned());
    let now = Known { strategy, ledgers };
    if before.as_ref() != Some(&now) {
        write_json(store, &key, &now, condition).await?;
    }
    Ok(())
}

async fn end(context: &StepContext<'_>, summary: &Summary) -> Result<(), StepError> {
    let plan = &context.snapshot.plan;
    let store = context.worker.store.as_ref();
    write_json(store, &context.place.summary(&plan.run), summary, Condition::Always).await?;
    context.worker.catalog.report(RunReport::Ended(plan, summary)).await;
    events::run_ended(summary);
    match load_current(store, &context.place).await? {
        Some((current, version)) if current.run == plan.run => {
            set_phase(store, &context.place, &current, version, Phase::Ended).await.map_err(moved_on)
        }
        // A newer run superseded this one while it was swept.
        _ => Ok(()),
    }
}
