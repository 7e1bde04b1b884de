//! The journal: what a run deleted, in that order, and why.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::run::{read_json, write_json};
use crate::seams::{Condition, EntityKey};
use crate::work::{StepContext, StepError};

/// What was deleted by this try of the sweep and by those before, and what is just being deleted.
#[derive(Debug, Default)]
pub struct Journal {
    lines: Vec<Line>,
    entities: HashSet<EntityKey>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    entity: EntityKey,
    reason: String,
}

impl Journal {
    /// What an earlier try of this very sweep left.
    pub async fn read(context: &StepContext<'_>) -> Result<Self, StepError> {
        let key = context.place.journal(&context.snapshot.plan.run);
        let found = read_json(context.worker.store.as_ref(), &key).await?;
        let lines: Vec<Line> = found.map(|(lines, _)| lines).unwrap_or_default();
        Ok(Self { entities: lines.iter().map(|line| line.entity.clone()).collect(), lines })
    }

    /// To be written before the entity goes, so that what was deleted is on record whatever happens next.
    pub fn add(&mut self, entity: &EntityKey, reason: &str) {
        if self.entities.insert(entity.clone()) {
            self.lines.push(Line { entity: entity.clone(), reason: reason.to_owned() });
        }
    }

    /// Takes back an entity that Port would not delete.
    pub fn remove(&mut self, entity: &EntityKey) {
        self.entities.remove(entity);
        self.lines.retain(|line| line.entity != *entity);
    }

    pub async fn write(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        let key = context.place.journal(&context.snapshot.plan.run);
        write_json(context.worker.store.as_ref(), &key, &self.lines, Condition::Always).await?;
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.lines.len()
    }
}
