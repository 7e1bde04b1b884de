//! After the deletions: the ledgers are brought in line with what Port has.
//!
//! What is gone is forgotten; what is missing, or may have somebody else's content, becomes unsure, so that the next
//! run sends it. Only what the list of Port does not have any more is known to be gone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::fingerprints::of_entity;
use super::judge::{Judge, TargetJudge, Verdict};
use super::ledgers::LedgerTarget;
use super::missing::Missing;
use super::rewriting::rewrite;
use super::{Flow, Progress, Stage, Sweep};
use crate::ledger::{Entry, Ledger, State};
use crate::seams::EntityKey;
use crate::target::Target;
use crate::work::StepError;

/// How far settling came.
#[derive(Default, Serialize, Deserialize)]
pub struct Settling {
    /// The batch of claimed candidates that it is at.
    batch: usize,
    /// Targets of whose ledgers nothing is left. They are removed when it is noted that they no longer exist: one that
    /// is removed, and still known after a crash, would pass for lost.
    pub emptied: BTreeSet<Target>,
}

/// Goes through the ledgers that may have to change.
pub async fn settle(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let flow = go_through(sweep, false).await?;
    if let Flow::GoesOn = flow {
        sweep.progress.settling.batch = 0;
    }
    Ok(sweep.enter_after(flow, Stage::Remember))
}

/// Removes those of which nothing is left.
pub async fn remove_emptied(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let flow = go_through(sweep, true).await?;
    Ok(sweep.enter_after(flow, Stage::Report))
}

async fn go_through(sweep: &mut Sweep<'_>, removes: bool) -> Result<Flow, StepError> {
    let targets = match removes {
        true => sweep.listed(&sweep.progress.settling.emptied.clone()).await?,
        false => targets_to_settle(sweep).await?,
    };
    if targets.is_empty() {
        return Ok(Flow::GoesOn);
    }
    // What the ledgers are compared with must not be asked anew: they are about to say something else.
    if !removes {
        sweep.secure().await?;
    }
    loop {
        if let Flow::TimeIsOver = go_through_batch(sweep, &targets, removes).await? {
            return Ok(Flow::TimeIsOver);
        }
        sweep.progress.after = None;
        sweep.progress.settling.batch += 1;
        if sweep.progress.settling.batch >= sweep.progress.claims.batches {
            return Ok(Flow::GoesOn);
        }
    }
}

/// Everywhere, if something is missing in Port: whatever relates to it has lost its relation.
async fn targets_to_settle(sweep: &mut Sweep<'_>) -> Result<Vec<LedgerTarget>, StepError> {
    let Progress { port, survey, claims, deletion, .. } = &sweep.progress;
    if port.is_known() && (port.missing > 0 || port.lacks_addressed) {
        let all = sweep.ledger_targets().await?;
        return Ok(all.iter().filter(|item| item.has_ledger).cloned().collect());
    }
    let mut targets = survey.mended.clone();
    let has_claimed = claims.claimed.count() > 0;
    if has_claimed || !deletion.settled.is_empty() {
        targets.extend(survey.with_candidates.iter().cloned());
    }
    if has_claimed {
        targets.extend(claims.claimants.iter().cloned());
    }
    sweep.listed(&targets).await
}

/// What entries are compared with.
struct Settlement<'a> {
    progress: &'a Progress,
    /// Candidates that another entry claims.
    claimed: BTreeSet<EntityKey>,
    missing: Missing,
}

async fn go_through_batch(sweep: &mut Sweep<'_>, targets: &[LedgerTarget], removes: bool) -> Result<Flow, StepError> {
    let context = sweep.context;
    let Sweep { pace, progress, .. } = sweep;
    progress.survey.fingerprints.load(context).await?;
    progress.port.owned.load(context).await?;
    progress.deletion.settled.load(context).await?;
    let (mut after, mut emptied) = (progress.after.take(), std::mem::take(&mut progress.settling.emptied));
    let claimed = progress.claims.claimed_of(context, progress.settling.batch).await?;
    let settlement = Settlement::new(progress, claimed);
    let judge = Judge::new(context, &progress.tally, &progress.retirement);
    let change = |target: &Target, ledger: &mut Ledger, judge: &TargetJudge<'_>| {
        let is_changed = settlement.apply(target, ledger, judge);
        if is_changed && ledger.is_empty() && !removes {
            emptied.insert(target.clone());
            return false;
        }
        is_changed
    };
    let flow = rewrite(&judge, pace, targets, &mut after, change).await?;
    (progress.after, progress.settling.emptied) = (after, emptied);
    Ok(flow)
}

impl<'a> Settlement<'a> {
    fn new(progress: &'a Progress, claimed: BTreeSet<EntityKey>) -> Self {
        Self { progress, claimed, missing: Missing::of(&progress.survey.fingerprints, &progress.port) }
    }

    /// Whether that changed the ledger.
    fn apply(&self, target: &Target, ledger: &mut Ledger, judge: &TargetJudge<'_>) -> bool {
        let mut is_changed = false;
        let is_mended = self.progress.survey.mended.contains(target);
        // Looked at again: a worker that was late may have written it since.
        if is_mended && ledger.claims_incomplete && judge.why_claims_are_unknown().is_none() {
            ledger.claims_incomplete = false;
            is_changed = true;
        }
        // A retired target has no claims, and nobody will read it again.
        if judge.retired.is_some() && (ledger.claims_incomplete || ledger.progress.is_some()) {
            ledger.claims_incomplete = false;
            ledger.progress = None;
            is_changed = true;
        }
        let removed = ledger.remove(|kind, resource, entry| self.is_gone(kind, resource, entry, judge));
        is_changed |= removed > 0;
        for (.., entry) in ledger.entries_mut() {
            if matches!(entry.state, State::Sent(_)) && self.is_in_doubt(entry) {
                entry.state = State::Unsure;
                is_changed = true;
            }
        }
        is_changed
    }

    fn is_gone(&self, kind: &str, resource: &str, entry: &Entry, judge: &TargetJudge<'_>) -> bool {
        let port = &self.progress.port;
        let fingerprint = of_entity(&entry.entity);
        let is_not_ours = port.is_known() && !port.owned.contains(fingerprint);
        if !entry.may_become_stale() {
            // Somebody else has written or deleted it since.
            return is_not_ours && self.progress.survey.fingerprints.addressed.contains(fingerprint);
        }
        let is_settled = is_not_ours && self.progress.deletion.settled.contains(fingerprint);
        // Where somebody else still claims an entity, only the stale entry goes.
        (is_settled || self.claimed.contains(&entry.entity))
            && matches!(judge.judge(kind, resource, entry), Verdict::Stale { .. })
    }

    /// Whether Port may not have what the entry says. Of an entity that had two sources, it may have the other's
    /// content.
    fn is_in_doubt(&self, entry: &Entry) -> bool {
        self.claimed.contains(&entry.entity) || self.missing.concerns(entry)
    }
}
