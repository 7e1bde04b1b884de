//! What Port has lost, by whatever hand, is sent again by the run that finds it, before anything is deleted: the targets
//! that gave it are read once more, and the sweep begins anew when they are done.
//!
//! The second pass has done marks and a progress of its own, and `current` says which pass it is: whoever is late with
//! the first one changes nothing of the second. That `current` moves on is what begins it. A sweep that dies before is
//! continued and makes the same entries unsure; one that dies after it finds a run whose targets are waited for.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::judge::{Judge, TargetJudge};
use super::missing::Missing;
use super::phases::moved_on;
use super::rewriting::rewrite;
use super::{Flow, Progress, Stage, Sweep};
use crate::events;
use crate::ledger::{Ledger, State};
use crate::message::{Message, Step};
use crate::run::{Pass, Phase, Repair, StateError, begin_repair, load_current, write_json};
use crate::seams::{Condition, StoreError};
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// With less time before the run's deadline nothing is read again: what is not done by then counts as failed.
const LEAST_TIME: time::Duration = time::Duration::minutes(30);

/// What is to be read again, as far as the ledgers were looked through.
#[derive(Default, Serialize, Deserialize)]
pub struct Reopening {
    targets: BTreeSet<Target>,
}

/// Begins the second pass, if something is missing that it can bring back.
pub async fn reopen(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    if !is_called_for(sweep) {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Claims));
    }
    // What is missing must not be asked anew: the ledgers are about to say something else.
    sweep.secure().await?;
    if let Flow::TimeIsOver = make_unsure(sweep).await? {
        return Ok(Flow::TimeIsOver);
    }
    let targets = std::mem::take(&mut sweep.progress.reopening.targets);
    // Perhaps all of it is of accounts that this run could not enter.
    if targets.is_empty() {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Claims));
    }
    begin(sweep.context, Repair { targets, lost: sweep.progress.port.missing }).await?;
    Ok(Flow::IsOver)
}

fn is_called_for(sweep: &Sweep<'_>) -> bool {
    let plan = &sweep.context.snapshot.plan;
    let port = &sweep.progress.port;
    sweep.context.current.pass == Pass::First
        && port.is_known()
        && port.missing > 0
        && !plan.narrowing.is_narrowed()
        && sweep.context.worker.clock.now() + LEAST_TIME < plan.deadline
}

async fn make_unsure(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let targets = sweep.ledger_targets().await?;
    let Sweep { pace, progress, .. } = sweep;
    let Progress { tally, retirement, survey, port, reopening, after, .. } = progress;
    survey.fingerprints.load(context).await?;
    port.owned.load(context).await?;
    let missing = Missing::of(&survey.fingerprints, port);
    let judge = Judge::new(context, tally, retirement);
    let planned = &context.snapshot.plan.targets;
    let planned: Vec<_> =
        targets.iter().filter(|item| item.has_ledger && planned.contains(&item.target)).cloned().collect();
    let change = |target: &Target, ledger: &mut Ledger, _: &TargetJudge<'_>| {
        let doubt = Doubt::cast_on(ledger, &missing);
        if doubt.is_any {
            reopening.targets.insert(target.clone());
        }
        doubt.is_new
    };
    rewrite(&judge, pace, &planned, after, change).await
}

/// What a ledger has of what is missing.
struct Doubt {
    is_any: bool,
    /// Whether the ledger did not say so already.
    is_new: bool,
}

impl Doubt {
    fn cast_on(ledger: &mut Ledger, missing: &Missing) -> Self {
        let mut doubt = Self { is_any: false, is_new: false };
        for entry in ledger.entries_mut().map(|(.., entry)| entry).filter(|entry| missing.concerns(entry)) {
            // An earlier try of this very sweep may have made it unsure.
            doubt.is_any |= matches!(entry.state, State::Sent(_) | State::Unsure);
            if matches!(entry.state, State::Sent(_)) {
                entry.state = State::Unsure;
                doubt.is_new = true;
            }
        }
        // A target that was given up must be read from its beginning.
        if doubt.is_any && ledger.progress.take().is_some() {
            doubt.is_new = true;
        }
        doubt
    }
}

async fn begin(context: &StepContext<'_>, repair: Repair) -> Result<(), StepError> {
    let plan = &context.snapshot.plan;
    let store = context.worker.store.as_ref();
    match write_json(store, &context.place.repair(&plan.run), &repair, Condition::Absent).await {
        // Another try of this sweep found the same.
        Ok(_) | Err(StateError::Store(StoreError::Conflict { .. })) => {}
        Err(error) => return Err(error.into()),
    }
    match load_current(store, &context.place).await? {
        Some((current, version)) if current.is_same_pass(&context.current) && current.phase == Phase::Sweeping => {
            begin_repair(store, &context.place, &current, version).await.map_err(moved_on)?;
        }
        _ => return Err(StepError::Overtaken),
    }
    events::run_repairs(plan, repair.lost, repair.targets.len());
    let message = Message::of_run(plan, Step::Sweep { polls: 0 });
    context.worker.queue.send(vec![message.to_body()], Duration::ZERO).await?;
    Ok(())
}

/// Sends the messages of the targets that are read again, if nobody has done so. That there is a progress of the second
/// pass says that they were sent.
pub async fn send_messages(context: &StepContext<'_>) -> Result<(), StepError> {
    let Some(repair) = &context.snapshot.repair else { return Ok(()) };
    if Progress::load(context).await?.is_some() {
        return Ok(());
    }
    let plan = &context.snapshot.plan;
    let body = |target: &Target| Message::of_run(plan, Step::Sync { target: target.clone() }).to_body();
    context.worker.queue.send(repair.targets.iter().map(body).collect(), Duration::ZERO).await?;
    Progress::default().save(context, None).await?;
    Ok(())
}
