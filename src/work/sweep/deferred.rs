//! Second stage: entities that Port refused because one that they relate to did not exist yet. By now it may.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Flow, Stage, Sweep};
use crate::events;
use crate::ledger::{EntityHash, Ledger, Ledgers, State};
use crate::run::{DoneMark, Phase, read_json, write_json};
use crate::seams::{CatalogError, Condition, UpsertOutcome};
use crate::target::Target;
use crate::work::target::Deferred;
use crate::work::{StepContext, StepError};

/// An entity that waits may itself be waited for; more rounds than this are not a chain but a mistake.
const ROUNDS: usize = 3;

/// How far sending again came.
#[derive(Default, Serialize, Deserialize)]
pub struct Rounds {
    done: usize,
    /// What Port took in the round that is under way.
    accepted: usize,
    /// What it did not take.
    open: usize,
}

/// Sends them target by target, in rounds, as long as a round makes progress.
pub async fn send_again(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    loop {
        let targets: Vec<Target> = sweep.progress.tally.refused.iter().cloned().collect();
        let after = sweep.progress.after.clone();
        for target in targets.into_iter().filter(|target| after.as_ref().is_none_or(|after| target > after)) {
            let (accepted, open) = send_target(context, &target).await?;
            let rounds = &mut sweep.progress.deferred;
            rounds.accepted += accepted;
            rounds.open += open;
            sweep.progress.after = Some(target);
            if sweep.pace.is_over(context) {
                return Ok(Flow::TimeIsOver);
            }
        }
        let Rounds { done, accepted, open } = std::mem::take(&mut sweep.progress.deferred);
        if accepted == 0 || open == 0 || done + 1 >= ROUNDS {
            return Ok(sweep.enter_after(Flow::GoesOn, Stage::RefusedMarks));
        }
        sweep.progress.deferred.done = done + 1;
        sweep.progress.after = None;
    }
}

/// Sends each entity of a target that still waits once. Gives how many Port took, and how many it did not.
///
/// The ledger is written first, and the done mark corrected by what it says: repeated after a crash, that gives the
/// same.
async fn send_target(context: &StepContext<'_>, target: &Target) -> Result<(usize, usize), StepError> {
    let ledgers = Ledgers { store: context.worker.store.as_ref(), place: &context.place };
    // A ledger that cannot be read has nothing that could be settled in it.
    let mut file = match ledgers.load(target).await {
        Ok(file) => file,
        Err(crate::ledger::LedgerError::Format { .. }) => return Ok((0, 0)),
        Err(error) => return Err(error.into()),
    };
    let items = waiting_at_first(context, target, &file.ledger).await?;
    if items.is_empty() {
        return Ok((0, 0));
    }
    let settings = context.snapshot.mapping.settings.upsert;
    let mut by_blueprint: BTreeMap<&str, Vec<&Deferred>> = BTreeMap::new();
    for item in items.iter().filter(|item| is_unsure(&file.ledger, item)) {
        by_blueprint.entry(&item.entity.blueprint).or_default().push(item);
    }
    let (mut accepted, mut open, mut throttled) = (0, 0, None);
    for (blueprint, items) in by_blueprint {
        context.check_current(|phase| phase == Phase::Sweeping).await?;
        let bodies: Vec<_> = items.iter().map(|item| item.body.clone()).collect();
        let outcomes = context.worker.catalog.upsert(blueprint, &bodies, settings).await?;
        for (item, outcome) in items.into_iter().zip(outcomes) {
            match outcome {
                UpsertOutcome::Accepted => {
                    accepted += 1;
                    settle(&mut file.ledger, item, EntityHash::of(&item.body, settings.merge));
                }
                UpsertOutcome::Throttled { retry_after } => throttled = throttled.max(Some(retry_after)),
                _ => open += 1,
            }
        }
    }
    if accepted > 0 {
        ledgers.save(&mut file).await?;
    }
    correct_mark(context, target, &file.ledger, &items).await?;
    match throttled {
        Some(retry_after) => Err(CatalogError::Throttled { retry_after }.into()),
        None => Ok((accepted, open)),
    }
}

/// What waited when the sweep first looked. It is kept: what an earlier try of it sent is among it and counts, and what
/// a later try of the target sent is not and does not.
async fn waiting_at_first(
    context: &StepContext<'_>,
    target: &Target,
    ledger: &Ledger,
) -> Result<Vec<Deferred>, StepError> {
    let store = context.worker.store.as_ref();
    let run = &context.snapshot.plan.run;
    let kept_key = context.place.waiting(run, context.snapshot.pass_of(target), target);
    if let Some((kept, _)) = read_json::<Vec<Deferred>>(store, &kept_key).await? {
        return Ok(kept);
    }
    let found = read_json::<Vec<Deferred>>(store, &context.deferred_key(target)).await?;
    let mut items = found.map(|(items, _)| items).unwrap_or_default();
    // A later try of the target may have sent a newer content since.
    items.retain(|item| is_unsure(ledger, item));
    if !items.is_empty() {
        write_json(store, &kept_key, &items, Condition::Absent).await?;
    }
    Ok(items)
}

fn is_unsure(ledger: &Ledger, item: &Deferred) -> bool {
    let entries = ledger.of_resource(&item.kind, &item.resource);
    entries.iter().any(|entry| entry.entity == item.entity && entry.state == State::Unsure)
}

fn settle(ledger: &mut Ledger, item: &Deferred, hash: EntityHash) {
    if let Some(entry) = ledger.entry_mut(&item.kind, &item.resource, &item.entity)
        && entry.state == State::Unsure
    {
        entry.state = State::Sent(hash);
    }
}

/// Sets what the done mark says of what was sent late to what the ledger says.
async fn correct_mark(
    context: &StepContext<'_>,
    target: &Target,
    ledger: &Ledger,
    items: &[Deferred],
) -> Result<(), StepError> {
    let store = context.worker.store.as_ref();
    let key = context.done_mark_key(target);
    let Some((mut mark, version)) = read_json::<DoneMark>(store, &key).await? else { return Ok(()) };
    let before = mark.clone();
    let accepted = settle_mark(&mut mark, ledger, items, context.snapshot.mapping.settings.upsert.merge);
    if mark != before {
        write_json(store, &key, &mark, Condition::Unchanged(version)).await?;
    }
    if accepted > 0 {
        events::entities_accepted_late(&context.snapshot.plan.run, target, accepted);
    }
    Ok(())
}

/// Gives how many entities Port accepted that the mark did not count yet. One that it counted may be open again, where
/// a late try of the target has announced it anew: Port accepted it all the same.
fn settle_mark(mark: &mut DoneMark, ledger: &Ledger, items: &[Deferred], merge: bool) -> u64 {
    let mut newly_accepted = 0;
    for unit in &mut mark.units {
        let is_settled = |item: &&Deferred| {
            let sent = State::Sent(EntityHash::of(&item.body, merge));
            let mut entries = ledger.of_resource(&item.kind, &item.resource).iter();
            item.kind == unit.kind && entries.any(|entry| entry.entity == item.entity && entry.state == sent)
        };
        let late = items.iter().filter(is_settled).count() as u64;
        let accepted_before = unit.accepted;
        unit.set_accepted_late(late);
        newly_accepted += unit.accepted.saturating_sub(accepted_before);
    }
    newly_accepted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ledger::Entry;
    use crate::run::UnitReport;
    use crate::seams::EntityKey;

    fn item(kind: &str, name: &str) -> Deferred {
        let entity = EntityKey { blueprint: "blueprint".into(), identifier: name.into() };
        Deferred { kind: kind.to_owned(), resource: name.to_owned(), entity, body: json!({"identifier": name}) }
    }

    fn set(ledger: &mut Ledger, item: &Deferred, is_sent: bool) {
        let state = if is_sent { State::Sent(EntityHash::of(&item.body, true)) } else { State::Unsure };
        let entry = Entry { entity: item.entity.clone(), relates_to: Box::default(), state };
        ledger.record(&item.kind, &item.resource, entry);
    }

    #[test]
    fn an_entity_that_port_accepts_counts_once_whatever_becomes_of_others() {
        let items = [item("A", "one"), item("A", "two"), item("B", "three")];
        let target = Target::Global { account: "111111111111".parse().expect("an account") };
        let units = [("A", 2), ("B", 1)].map(|(kind, refused)| UnitReport { refused, ..UnitReport::new(kind) });
        let mut mark = DoneMark { target, units: units.to_vec(), failure: None };
        let mut ledger = Ledger::default();
        // Which of them are sent, how many of those are new, and what the mark then says is accepted.
        let steps = [
            ([false, false, false], 0, [0, 0]),
            ([true, true, false], 2, [2, 0]),
            ([true, true, false], 0, [2, 0]),
            ([true, false, false], 0, [1, 0]),
            ([false, false, true], 1, [0, 1]),
            ([true, true, true], 2, [2, 1]),
        ];
        for (are_sent, new, accepted) in steps {
            for (item, is_sent) in items.iter().zip(are_sent) {
                set(&mut ledger, item, is_sent);
            }
            assert_eq!(settle_mark(&mut mark, &ledger, &items, true), new, "{are_sent:?}");
            let [first, second] = mark.units.as_slice() else { panic!("{mark:?}") };
            assert_eq!([first.accepted, second.accepted], accepted, "{are_sent:?}");
            assert_eq!([first.refused, second.refused], [2 - accepted[0], 1 - accepted[1]], "{are_sent:?}");
        }
    }
}
