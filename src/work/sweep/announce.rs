//! Before the deletions: of what may go, no ledger says any longer that Port has it.
//!
//! Mostly a worker has said so already, when its listing no longer gave the resource. Where nobody looked, because the
//! account is gone or the mapping no longer reads the kind, ledgers still call it accepted. If the sweep died after the
//! deletion, and the account or the kind came back, nobody would send it again.

use super::judge::{Judge, TargetJudge, Verdict};
use super::rewriting::rewrite;
use super::{Flow, Progress, Stage, Sweep};
use crate::ledger::{Ledger, State};
use crate::target::Target;
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
    let change = |_: &Target, ledger: &mut Ledger, judge: &TargetJudge<'_>| make_stale_unsure(ledger, judge);
    let flow = rewrite(&judge, pace, &targets, after, change).await?;
    Ok(sweep.enter_after(flow, Stage::Delete))
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
