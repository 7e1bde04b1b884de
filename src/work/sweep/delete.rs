//! Deleting: dependents first, and never more than what is still ours.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::fingerprints::of_entity;
use super::journal::Journal;
use super::pace::Pace;
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
    /// Whether an earlier invocation began with the chunk that is next.
    #[serde(default)]
    is_chunk_begun: bool,
    /// Whether Port was asked to delete anything.
    pub has_begun: bool,
    /// Whether the list of what is ours in Port is of after the deletions.
    pub is_list_of_after: bool,
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
            let flow = sweep.progress.deletion.delete_chunk(context, &mut sweep.pace, &blueprint, chunk).await?;
            if flow == Flow::TimeIsOver || sweep.pace.is_over(context) {
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
        pace: &mut Pace,
        blueprint: &str,
        candidates: &[Candidate],
    ) -> Result<Flow, StepError> {
        let identifiers: Vec<String> =
            candidates.iter().map(|candidate| candidate.entity.identifier.to_string()).collect();
        // Deleted by hand already, or taken over by somebody: not ours to delete.
        let ours = context.worker.catalog.still_owned(blueprint, &identifiers).await?;
        let (ours, others): (Vec<&Candidate>, Vec<&Candidate>) =
            candidates.iter().partition(|candidate| ours.contains(candidate.entity.identifier.as_str()));
        let mut journal = Journal::of_chunk(context, self.chunk);
        // Or deleted by an earlier try of this very sweep: then it counts.
        if !others.is_empty() || self.is_chunk_begun {
            journal.read(context).await?;
        }
        let mut refused = journal.refused();
        let open: Vec<&Candidate> =
            ours.into_iter().filter(|candidate| !refused.contains_key(candidate.entity.identifier.as_str())).collect();
        if !open.is_empty() {
            journal.announce(context, open.iter().copied()).await?;
            (self.has_begun, self.is_chunk_begun) = (true, true);
            let known = refused.len();
            let identifiers = open.iter().map(|candidate| candidate.entity.identifier.to_string());
            let mut halving = Halving { context, pace, blueprint, refused: &mut refused };
            let flow = halving.delete(identifiers.collect()).await?;
            if refused.len() > known {
                journal.note_refused(context, &refused).await?;
            }
            if flow == Flow::TimeIsOver {
                return Ok(flow);
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
        self.is_chunk_begun = false;
        self.entity += candidates.len();
        Ok(Flow::GoesOn)
    }
}

/// Port refuses a chunk as a whole; halving it finds the one that is meant.
struct Halving<'a> {
    context: &'a StepContext<'a>,
    pace: &'a mut Pace,
    blueprint: &'a str,
    /// Why Port would not delete some, by their identifiers.
    refused: &'a mut BTreeMap<String, String>,
}

impl Halving<'_> {
    fn delete(&mut self, identifiers: Vec<String>) -> BoxFuture<'_, Result<Flow, StepError>> {
        Box::pin(async move {
            let reason = match self.call(&identifiers, false).await? {
                DeleteOutcome::Deleted => return Ok(Flow::GoesOn),
                DeleteOutcome::Refused { reason } => reason,
            };
            if self.pace.is_over(self.context) {
                return Ok(Flow::TimeIsOver);
            }
            if identifiers.len() > 1 {
                let mut first = identifiers;
                let second = first.split_off(first.len() / 2);
                return match self.delete(first).await? {
                    Flow::GoesOn => self.delete(second).await,
                    flow => Ok(flow),
                };
            }
            let reason = match self.context.snapshot.mapping.settings.delete_dependents {
                false => {
                    format!("{reason}; the mapping's deleteDependentEntities would delete it with what depends on it")
                }
                true => match self.call(&identifiers, true).await? {
                    DeleteOutcome::Deleted => return Ok(Flow::GoesOn),
                    DeleteOutcome::Refused { reason } => reason,
                },
            };
            self.refused.extend(identifiers.into_iter().map(|identifier| (identifier, reason.clone())));
            Ok(Flow::GoesOn)
        })
    }

    /// Each call by itself: there may be some hundred for a chunk, and a person may abort the run meanwhile.
    async fn call(&self, identifiers: &[String], with_dependents: bool) -> Result<DeleteOutcome, StepError> {
        self.context.check_current(|phase| phase == Phase::Sweeping).await?;
        Ok(self.context.worker.catalog.delete(self.blueprint, identifiers, with_dependents).await?)
    }
}
