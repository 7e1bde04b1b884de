//! What the next run compares itself with.

use super::survey::Survey;
use super::{Flow, Stage, Sweep};
use crate::run::{Known, Phase, read_json, write_json};
use crate::seams::Condition;
use crate::target::Target;
use crate::work::StepError;

/// Written before emptied ledgers are removed: one that is removed, and still known after a crash, would pass for lost.
/// Not written where nothing changed; of how accounts are found, nothing is said by a run that saw only a part.
pub async fn remember(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let plan = &context.snapshot.plan;
    let targets = sweep.ledger_targets().await?;
    context.check_current(|phase| phase == Phase::Sweeping).await?;
    let store = context.worker.store.as_ref();
    let key = context.place.known();
    let found = read_json::<Known>(store, &key).await?;
    let condition = found.as_ref().map_or(Condition::Absent, |(_, version)| Condition::Unchanged(version.clone()));
    let before = found.map(|(known, _)| known);
    let retirement = &sweep.progress.retirement;
    let is_doubted = !retirement.held_back.is_empty() && !retirement.is_confirmed;
    let is_in_doubt = plan.narrowing.is_narrowed() || is_doubted;
    let strategy = match before.as_ref().and_then(|known| known.strategy.clone()) {
        Some(strategy) if is_in_doubt => Some(strategy),
        // Where AWS is asked for evidence, one run of doubt is enough; a setting must not become its own evidence.
        None if plan.narrowing.is_narrowed() || (is_doubted && !plan.strategy.is_whole_organization()) => None,
        _ => Some(plan.strategy.clone()),
    };
    let emptied = &sweep.progress.settling.emptied;
    let Survey { without_claims, without_ledger, .. } = &sweep.progress.survey;
    let is_gone = |target: &Target| [emptied, without_claims, without_ledger].iter().any(|gone| gone.contains(target));
    // A ledger that is missing stays known until its target was read again.
    let ledgers = targets.iter().filter(|item| !is_gone(&item.target)).map(|item| item.target.clone());
    let now = Known { written_by: Some(plan.run.clone()), strategy, ledgers: ledgers.collect() };
    let says_the_same = |before: &Known| before.strategy == now.strategy && before.ledgers == now.ledgers;
    if !emptied.is_empty() {
        // Or a sweep that dies while it removes them would take them for lost.
        sweep.secure().await?;
    }
    // Where ledgers were begun, that they were looked at is news, too.
    if !before.as_ref().is_some_and(says_the_same) || targets.iter().any(|item| item.is_new) {
        // What was in doubt by what was known must not be judged anew by what is known now.
        sweep.secure().await?;
        write_json(store, &key, &now, condition).await?;
    }
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Remove))
}
