//! Deleting: decided once for the run as a whole, dependents first, and never more than what is still ours.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::candidates::{Candidates, Source};
use super::evidence::Evidence;
use super::journal::Journal;
use crate::run::{Deletions, Phase, read_json, write_json};
use crate::seams::{Condition, DeleteOutcome, EntityKey};
use crate::work::{StepContext, StepError};

/// Port's API: a bulk deletion has at most 100 identifiers.
const CHUNK: usize = 100;

/// Whether this run may delete, decided before the first deletion and kept: a sweep that is begun again must not decide
/// anew, because its own deletions changed the shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Decision {
    is_allowed: bool,
    candidates: BTreeSet<EntityKey>,
    known_entities: usize,
    threshold: f64,
}

/// Deletes what may go. Gives those entities that are no longer there, or no longer ours, as far as Port's answers tell.
pub async fn delete(
    context: &StepContext<'_>,
    evidence: &mut Evidence,
    candidates: &Candidates,
) -> Result<(Deletions, BTreeSet<EntityKey>), StepError> {
    // What an earlier try of this very sweep deleted counts too.
    let journal = Journal::read(context).await?;
    let mut deletions = Deletions {
        deleted: journal.len(),
        candidates: candidates.deletable.len(),
        kept_claimed: candidates.claimed.len() + candidates.related.len(),
        held_back: candidates.held_back.iter().chain(&candidates.kept).cloned().collect(),
        ..Deletions::default()
    };
    release_claimed(evidence, candidates);
    if candidates.deletable.is_empty() {
        return Ok((deletions, BTreeSet::new()));
    }
    let decision = decide(context, evidence, candidates).await?;
    if !decision.is_allowed {
        deletions.held_back.push(format!(
            "{} of {} known entities would be deleted, more than the mapping's entityDeletionThreshold of {} allows; if that is meant, raise it \
             for one run",
            decision.candidates.len(),
            decision.known_entities,
            decision.threshold
        ));
        return Ok((deletions, BTreeSet::new()));
    }
    let mut deleter = Deleter { context, settled: BTreeSet::new(), journal, kept: Vec::new() };
    for blueprint in dependents_first(candidates) {
        let identifiers = candidates
            .deletable
            .keys()
            // What only a later try of this sweep found was not part of the decision: it waits for the next run.
            .filter(|entity| entity.blueprint == blueprint && decision.candidates.contains(*entity))
            .map(|entity| entity.identifier.to_string());
        let identifiers: Vec<String> = identifiers.collect();
        for chunk in identifiers.chunks(CHUNK) {
            deleter.delete_chunk(&blueprint, chunk, &candidates.deletable).await?;
        }
    }
    deletions.deleted = deleter.journal.len();
    deletions.kept_refused = deleter.kept.len();
    deletions.held_back.extend(deleter.kept);
    Ok((deletions, deleter.settled))
}

/// Where somebody else still claims an entity, only the stale entry goes. What Port holds may be the stale one's
/// content, so the claimant sends its own again.
fn release_claimed(evidence: &mut Evidence, candidates: &Candidates) {
    forget(evidence, candidates, &candidates.claimed);
    evidence.make_unsure(&candidates.claimed);
}

/// Takes the stale entries of entities out of the ledgers that they lie in.
pub fn forget(evidence: &mut Evidence, candidates: &Candidates, entities: &BTreeSet<EntityKey>) {
    if entities.is_empty() {
        return;
    }
    evidence.remove_entries(|target, kind, resource, entry| {
        let is_source = |sources: &BTreeSet<Source>| sources.iter().any(|source| source.is(target, kind, resource));
        entities.contains(&entry.entity) && candidates.sources.get(&entry.entity).is_some_and(is_source)
    });
}

async fn decide(
    context: &StepContext<'_>,
    evidence: &Evidence,
    candidates: &Candidates,
) -> Result<Decision, StepError> {
    let store = context.worker.store.as_ref();
    let key = context.place.sweep_decision(&context.snapshot.plan.run);
    if let Some((decision, _)) = read_json::<Decision>(store, &key).await? {
        return Ok(decision);
    }
    let own = evidence.entries().filter(|located| located.entry.may_become_stale());
    let known: BTreeSet<&EntityKey> = own.map(|located| &located.entry.entity).collect();
    let threshold = context.snapshot.mapping.settings.deletion_threshold;
    let share = candidates.deletable.len() as f64 / known.len().max(1) as f64;
    let decision = Decision {
        is_allowed: share <= threshold,
        candidates: candidates.deletable.keys().cloned().collect(),
        known_entities: known.len(),
        threshold,
    };
    write_json(store, &key, &decision, Condition::Always).await?;
    Ok(decision)
}

/// The blueprints of what is to be deleted, each before those that it relates to. A circle is broken anywhere: Port
/// refuses what it must.
fn dependents_first(candidates: &Candidates) -> Vec<String> {
    let mut open: BTreeSet<&str> = candidates.deletable.keys().map(|entity| entity.blueprint.as_str()).collect();
    let mut order = Vec::new();
    while !open.is_empty() {
        let is_pointed_at = |blueprint: &str| {
            open.iter().any(|other| {
                *other != blueprint
                    && candidates
                        .relations
                        .get(*other)
                        .is_some_and(|targets| targets.values().any(|target| target == blueprint))
            })
        };
        let next = open.iter().find(|blueprint| !is_pointed_at(blueprint)).or_else(|| open.iter().next()).copied();
        let Some(next) = next else { break };
        open.remove(next);
        order.push(next.to_owned());
    }
    order
}

struct Deleter<'a> {
    context: &'a StepContext<'a>,
    /// Entities that are no longer there, or no longer ours.
    settled: BTreeSet<EntityKey>,
    journal: Journal,
    kept: Vec<String>,
}

impl Deleter<'_> {
    async fn delete_chunk(
        &mut self,
        blueprint: &str,
        identifiers: &[String],
        reasons: &BTreeMap<EntityKey, String>,
    ) -> Result<(), StepError> {
        // Deleted by hand already, or taken over by somebody: not ours to delete.
        let ours = self.context.worker.catalog.still_owned(blueprint, identifiers).await?;
        let (ours, others): (Vec<String>, Vec<String>) =
            identifiers.iter().cloned().partition(|identifier| ours.contains(identifier));
        self.settle(blueprint, others);
        if ours.is_empty() {
            return Ok(());
        }
        self.context.check_current(|phase| phase == Phase::Sweeping).await?;
        for identifier in &ours {
            let entity = EntityKey { blueprint: blueprint.into(), identifier: identifier.as_str().into() };
            self.journal.add(&entity, reasons.get(&entity).map_or("", String::as_str));
        }
        self.journal.write(self.context).await?;
        let kept_before = self.kept.len();
        self.delete_or_halve(blueprint, ours).await?;
        if self.kept.len() > kept_before {
            self.journal.write(self.context).await?;
        }
        Ok(())
    }

    fn settle(&mut self, blueprint: &str, identifiers: Vec<String>) {
        let of_blueprint =
            |identifier: String| EntityKey { blueprint: blueprint.into(), identifier: identifier.into() };
        self.settled.extend(identifiers.into_iter().map(of_blueprint));
    }

    /// Port refuses a chunk as a whole; halving it finds the one that is meant.
    fn delete_or_halve<'b>(
        &'b mut self,
        blueprint: &'b str,
        identifiers: Vec<String>,
    ) -> BoxFuture<'b, Result<(), StepError>> {
        Box::pin(async move {
            let reason = match self.context.worker.catalog.delete(blueprint, &identifiers, false).await? {
                DeleteOutcome::Deleted => {
                    self.settle(blueprint, identifiers);
                    return Ok(());
                }
                DeleteOutcome::Refused { reason } => reason,
            };
            if identifiers.len() > 1 {
                let mut first = identifiers;
                let second = first.split_off(first.len() / 2);
                self.delete_or_halve(blueprint, first).await?;
                return self.delete_or_halve(blueprint, second).await;
            }
            if !self.context.snapshot.mapping.settings.delete_dependents {
                let hint = "; the mapping's deleteDependentEntities would delete it with what depends on it";
                self.keep(blueprint, identifiers, &format!("{reason}{hint}"));
                return Ok(());
            }
            match self.context.worker.catalog.delete(blueprint, &identifiers, true).await? {
                DeleteOutcome::Deleted => self.settle(blueprint, identifiers),
                DeleteOutcome::Refused { reason } => self.keep(blueprint, identifiers, &reason),
            }
            Ok(())
        })
    }

    fn keep(&mut self, blueprint: &str, identifiers: Vec<String>, reason: &str) {
        for identifier in identifiers {
            self.kept.push(format!("{blueprint} {identifier} was not deleted, Port refused it: {reason}"));
            self.journal.remove(&EntityKey { blueprint: blueprint.into(), identifier: identifier.into() });
        }
    }
}
