//! Deleting: dependents first, and never more than what is still ours.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::fingerprints::of_entity;
use super::journal::Journal;
use super::parts::Numbers;
use super::told::Told;
use super::{Flow, Stage, Sweep};
use crate::run::Phase;
use crate::seams::DeleteOutcome;
use crate::work::{StepContext, StepError};

/// Port's API: a bulk deletion has at most 100 identifiers.
const CHUNK: usize = 100;

/// How far deleting came.
#[derive(Default, Serialize, Deserialize)]
pub struct Deletion {
    /// The chunk that is next: the position of its blueprint in the decision, of the part in the blueprint's list, and
    /// of its first entity in the part.
    blueprint: usize,
    part: usize,
    entity: usize,
    /// How many chunks there were before it.
    chunk: usize,
    /// Whether Port was asked to delete anything.
    pub has_begun: bool,
    /// Whether the list of what is ours in Port is of after the deletions.
    pub is_list_outdated: bool,
    pub deleted: usize,
    pub unknown_deleted: usize,
    pub kept: Told<String>,
    pub kept_refused: usize,
    /// Entities that are no longer there, or no longer ours, as far as Port's answers tell.
    pub settled: Numbers<1>,
}

pub async fn delete(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    if !sweep.progress.decision.is_allowed {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::ListAgain));
    }
    // From here on nothing is decided anew.
    sweep.secure().await?;
    while let Some(blueprint) = sweep.progress.decision.blueprints.get(sweep.progress.deletion.blueprint).cloned() {
        let position = sweep.progress.deletion.part;
        let part = match sweep.progress.claims.deletable.get(&blueprint) {
            Some(records) => records.part(context, position).await?,
            None => None,
        };
        let Some(part) = part else {
            let deletion = &mut sweep.progress.deletion;
            (deletion.blueprint, deletion.part, deletion.entity) = (deletion.blueprint + 1, 0, 0);
            continue;
        };
        let first = sweep.progress.deletion.entity.min(part.len());
        for chunk in part[first..].chunks(CHUNK) {
            sweep.progress.deletion.delete_chunk(context, &blueprint, chunk).await?;
            if sweep.pace.is_over(context) {
                return Ok(Flow::TimeIsOver);
            }
        }
        let deletion = &mut sweep.progress.deletion;
        (deletion.part, deletion.entity) = (deletion.part + 1, 0);
    }
    Ok(sweep.enter_after(Flow::GoesOn, Stage::ListAgain))
}

impl Deletion {
    async fn delete_chunk(
        &mut self,
        context: &StepContext<'_>,
        blueprint: &str,
        candidates: &[Candidate],
    ) -> Result<(), StepError> {
        let identifiers: Vec<String> =
            candidates.iter().map(|candidate| candidate.entity.identifier.to_string()).collect();
        // Deleted by hand already, or taken over by somebody: not ours to delete.
        let ours = context.worker.catalog.still_owned(blueprint, &identifiers).await?;
        let (ours, others): (Vec<&Candidate>, Vec<&Candidate>) =
            candidates.iter().partition(|candidate| ours.contains(candidate.entity.identifier.as_str()));
        let mut journal = Journal::of_chunk(context, self.chunk);
        // Or deleted by an earlier try of this very sweep: then it counts.
        if !others.is_empty() {
            journal.read(context).await?;
        }
        let mut refused = BTreeMap::new();
        if !ours.is_empty() {
            context.check_current(|phase| phase == Phase::Sweeping).await?;
            journal.announce(context, ours.iter().copied()).await?;
            self.has_begun = true;
            let identifiers = ours.iter().map(|candidate| candidate.entity.identifier.to_string());
            delete_or_halve(context, blueprint, identifiers.collect(), &mut refused).await?;
            if !refused.is_empty() {
                journal.note_refused(context, &refused).await?;
            }
        }
        for candidate in
            candidates.iter().filter(|candidate| !refused.contains_key(candidate.entity.identifier.as_str()))
        {
            self.settled.add([of_entity(&candidate.entity)]);
        }
        for (identifier, reason) in refused {
            self.kept_refused += 1;
            self.kept.tell(format!("{blueprint} {identifier} was not deleted, Port refused it: {reason}"));
        }
        let (deleted, unknown) = journal.count();
        self.deleted += deleted;
        self.unknown_deleted += unknown;
        // An earlier try may have deleted what this one finds gone.
        self.has_begun |= deleted > 0;
        self.chunk += 1;
        self.entity += candidates.len();
        Ok(())
    }
}

/// Port refuses a chunk as a whole; halving it finds the one that is meant.
fn delete_or_halve<'a>(
    context: &'a StepContext<'_>,
    blueprint: &'a str,
    identifiers: Vec<String>,
    refused: &'a mut BTreeMap<String, String>,
) -> BoxFuture<'a, Result<(), StepError>> {
    Box::pin(async move {
        let reason = match context.worker.catalog.delete(blueprint, &identifiers, false).await? {
            DeleteOutcome::Deleted => return Ok(()),
            DeleteOutcome::Refused { reason } => reason,
        };
        if identifiers.len() > 1 {
            let mut first = identifiers;
            let second = first.split_off(first.len() / 2);
            delete_or_halve(context, blueprint, first, refused).await?;
            return delete_or_halve(context, blueprint, second, refused).await;
        }
        let reason = match context.snapshot.mapping.settings.delete_dependents {
            false => format!("{reason}; the mapping's deleteDependentEntities would delete it with what depends on it"),
            true => match context.worker.catalog.delete(blueprint, &identifiers, true).await? {
                DeleteOutcome::Deleted => return Ok(()),
                DeleteOutcome::Refused { reason } => reason,
            },
        };
        refused.extend(identifiers.into_iter().map(|identifier| (identifier, reason.clone())));
        Ok(())
    })
}
