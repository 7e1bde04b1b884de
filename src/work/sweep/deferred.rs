//! Entities that Port refused because one that they relate to did not exist yet: by now it may.

use std::collections::BTreeMap;

use crate::ledger::{EntityHash, State};
use crate::run::{Phase, read_json};
use crate::seams::UpsertOutcome;
use crate::target::Target;
use crate::work::target::Deferred;
use crate::work::{StepContext, StepError};

use super::evidence::Evidence;

/// An entity that waits may itself be waited for; more rounds than this are not a chain but a mistake.
const ROUNDS: usize = 3;

pub async fn send_again(context: &StepContext<'_>, evidence: &mut Evidence) -> Result<(), StepError> {
    let mut open = load(context, evidence).await?;
    for _ in 0..ROUNDS {
        let before = open.len();
        if before == 0 {
            return Ok(());
        }
        context.check_current(|phase| phase == Phase::Sweeping).await?;
        open = send_round(context, evidence, open).await?;
        if open.len() == before {
            return Ok(());
        }
        evidence.save_changed_ledgers(context).await?;
    }
    Ok(())
}

async fn load(context: &StepContext<'_>, evidence: &Evidence) -> Result<Vec<(Target, Deferred)>, StepError> {
    // Only a target with refusals can have such an object; asking for all would cost a call per target.
    let with_refusals = evidence.done.values().filter(|mark| mark.units.iter().any(|unit| unit.refused > 0));
    let mut all = Vec::new();
    for mark in with_refusals {
        let key = context.place.deferred(&context.snapshot.plan.run, &mark.target);
        let found = read_json::<Vec<Deferred>>(context.worker.store.as_ref(), &key).await?;
        let found = found.into_iter().flat_map(|(items, _)| items);
        // A later try of the target may have sent a newer content since.
        let open = found.filter(|item| is_unsure(evidence, &mark.target, item));
        all.extend(open.map(|item| (mark.target.clone(), item)));
    }
    Ok(all)
}

fn is_unsure(evidence: &Evidence, target: &Target, item: &Deferred) -> bool {
    let entries = evidence.ledgers.get(target).map(|file| file.ledger.of_resource(&item.kind, &item.resource));
    entries.unwrap_or_default().iter().any(|entry| entry.entity == item.entity && entry.state == State::Unsure)
}

/// Sends each once; gives those that still wait.
async fn send_round(
    context: &StepContext<'_>,
    evidence: &mut Evidence,
    items: Vec<(Target, Deferred)>,
) -> Result<Vec<(Target, Deferred)>, StepError> {
    let settings = context.snapshot.mapping.settings.upsert;
    let mut open = Vec::new();
    let mut by_blueprint: BTreeMap<String, Vec<(Target, Deferred)>> = BTreeMap::new();
    for (target, item) in items {
        by_blueprint.entry(item.entity.blueprint.to_string()).or_default().push((target, item));
    }
    for (blueprint, items) in by_blueprint {
        let bodies: Vec<_> = items.iter().map(|(_, item)| item.body.clone()).collect();
        let outcomes = context.worker.catalog.upsert(&blueprint, &bodies, settings).await?;
        for ((target, item), outcome) in items.into_iter().zip(outcomes) {
            if outcome != UpsertOutcome::Accepted {
                open.push((target, item));
                continue;
            }
            settle(evidence, &target, &item, EntityHash::of(&item.body, settings.merge));
        }
    }
    Ok(open)
}

fn settle(evidence: &mut Evidence, target: &Target, item: &Deferred, hash: EntityHash) {
    let Some(file) = evidence.ledgers.get_mut(target) else { return };
    let Some(entry) = file.ledger.entry_mut(&item.kind, &item.resource, &item.entity) else { return };
    // A sweep that is repeated finds it sent already.
    if entry.state != State::Unsure {
        return;
    }
    entry.state = State::Sent(hash);
    evidence.note_change(target);
    let unit = evidence.done.get_mut(target).and_then(|mark| mark.units.iter_mut().find(|unit| unit.kind == item.kind));
    if let Some(unit) = unit {
        unit.refused = unit.refused.saturating_sub(1);
        unit.accepted += 1;
    }
}
