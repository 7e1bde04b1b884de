//! Before the deletions: of what may go, no ledger says any longer that Port has it.
//!
//! Mostly a worker has said so already, when its listing no longer gave the resource. Where nobody looked, because the
//! account is gone or the mapping no longer reads the kind, ledgers still call it accepted. If the sweep died after the
//! deletion, and the account or the kind came back, nobody would send it again.

use super::judge::{Judge, TargetJudge, Verdict};
use super::ledgers::{Found, LedgerStream, Looked};
use super::rewriting::Rewriting;
use super::{Flow, Progress, Stage, Sweep};
use crate::ledger::{Ledger, State};
use crate::work::StepError;

pub async fn announce(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    if !sweep.progress.decision.is_allowed {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Delete));
    }
    let targets = sweep.listed(&sweep.progress.survey.with_accepted_candidates.clone()).await?;
    if !targets.is_empty() {
        // From here on nothing is decided anew: the ledgers are about to say something else.
        sweep.secure().await?;
    }
    let Sweep { pace, progress, .. } = sweep;
    let Progress { tally, retirement, after, .. } = progress;
    let judge = Judge::new(context, tally, retirement);
    let mut changed = Rewriting::default();
    let mut ledgers = LedgerStream::new(&judge, &targets, after.as_ref());
    while let Some(looked) = ledgers.next().await {
        let Looked { target, ledger, judge } = looked?;
        if let Found::Ledger(mut file) = ledger
            && make_stale_unsure(&mut file.ledger, &judge)
        {
            changed.add(context, file).await?;
        }
        *after = Some(target);
        if pace.is_over(context) {
            changed.write(context).await?;
            return Ok(Flow::TimeIsOver);
        }
    }
    changed.write(context).await?;
    drop(ledgers);
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Delete))
}

/// Whether that changed the ledger.
fn make_stale_unsure(ledger: &mut Ledger, judge: &TargetJudge<'_>) -> bool {
    let mut is_changed = false;
    for (kind, resource, entry) in ledger.entries_mut() {
        let is_stale = matches!(judge.judge(kind, resource, entry), Verdict::Stale { .. });
        if is_stale && matches!(entry.state, State::Sent(_)) {
            entry.state = State::Unsure;
            is_changed = true;
        }
    }
    is_changed
}
