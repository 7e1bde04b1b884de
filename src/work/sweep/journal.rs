//! The journal: what a run deleted, in that order, and why. One object for each chunk of deletions, written before it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use crate::run::{StateError, read_json, write_json};
use crate::seams::{Condition, EntityKey, StoreError};
use crate::work::{StepContext, StepError};

/// What was deleted of one chunk, or is just being deleted.
#[derive(Default)]
pub struct Journal {
    key: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    #[serde(flatten)]
    entity: EntityKey,
    reason: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_unknown: bool,
    /// Why Port would not delete it; then it is still there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
}

impl Journal {
    pub fn of_chunk(context: &StepContext<'_>, number: usize) -> Self {
        Self { key: context.place.journal(&context.snapshot.plan.run, number), lines: Vec::new() }
    }

    /// Adds what an earlier try of the chunk left.
    pub async fn read(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        let found = read_json::<Vec<Line>>(context.worker.store.as_ref(), &self.key).await?;
        for line in found.map(|(lines, _)| lines).unwrap_or_default() {
            if !self.lines.iter().any(|known| known.entity == line.entity) {
                self.lines.push(line);
            }
        }
        Ok(())
    }

    /// Puts on record what is about to go, so that it is known whatever happens next.
    pub async fn announce(
        &mut self,
        context: &StepContext<'_>,
        candidates: impl Iterator<Item = &Candidate>,
    ) -> Result<(), StepError> {
        for Candidate { entity, reason, is_unknown } in candidates {
            let line = Line { entity: entity.clone(), reason: reason.clone(), is_unknown: *is_unknown, refused: None };
            match self.lines.iter_mut().find(|known| known.entity == *entity) {
                Some(known) => *known = line,
                None => self.lines.push(line),
            }
        }
        match self.write(context, Condition::Absent).await {
            Err(StateError::Store(StoreError::Conflict { .. })) => {}
            written => return Ok(written?),
        }
        // An earlier try of the sweep had the chunk, or another one has it now.
        self.read(context).await?;
        Ok(self.write(context, Condition::Always).await?)
    }

    /// Notes what Port would not delete.
    pub async fn note_refused(
        &mut self,
        context: &StepContext<'_>,
        refused: &BTreeMap<String, String>,
    ) -> Result<(), StepError> {
        for line in &mut self.lines {
            if let Some(reason) = refused.get(line.entity.identifier.as_str()) {
                line.refused = Some(reason.clone());
            }
        }
        Ok(self.write(context, Condition::Always).await?)
    }

    /// Why Port would not delete some, by their identifiers, as far as that is known.
    pub fn refused(&self) -> BTreeMap<String, String> {
        let refused =
            self.lines.iter().filter_map(|line| Some((line.entity.identifier.to_string(), line.refused.clone()?)));
        refused.collect()
    }

    /// How many entities were deleted, and how many of them no ledger knew.
    pub fn count(&self) -> (usize, usize) {
        let deleted = self.lines.iter().filter(|line| line.refused.is_none());
        let unknown = deleted.clone().filter(|line| line.is_unknown);
        (deleted.count(), unknown.count())
    }

    async fn write(&self, context: &StepContext<'_>, condition: Condition) -> Result<(), StateError> {
        write_json(context.worker.store.as_ref(), &self.key, &self.lines, condition).await?;
        Ok(())
    }
}
