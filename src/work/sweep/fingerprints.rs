//! Numbers that stand for texts: 8 bytes each, so that an organization of millions of entities can be compared with
//! Port in the memory of a worker.
//!
//! Two of `n` texts have the same number with a probability of about `n * n / 2^65`: one in a million for five million
//! entities. What then goes wrong is that a missing entity is overlooked until one of the two goes, or that something
//! is sent once more than needed. Nothing is deleted by a fingerprint: claims are compared by full keys.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::parts::Numbers;
use crate::ledger::EntityHash;
use crate::seams::EntityKey;
use crate::work::{StepContext, StepError};

/// Stands for an entity. The same in every release: a sweep may be continued by a newer one.
pub fn of_entity(entity: &EntityKey) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update((entity.blueprint.len() as u64).to_be_bytes());
    hasher.update(entity.blueprint.as_bytes());
    hasher.update(entity.identifier.as_bytes());
    first_number(&hasher.finalize()[..])
}

/// Stands for an identifier, of whatever blueprint.
pub fn of_identifier(identifier: &str) -> u64 {
    first_number(&Sha256::digest(identifier)[..])
}

/// Stands for the content of an entity.
pub fn of_content(hash: &EntityHash) -> u64 {
    first_number(&Sha256::digest(hash.to_string())[..])
}

fn first_number(digest: &[u8]) -> u64 {
    digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What is remembered of all entries of all ledgers.
#[derive(Default, Serialize, Deserialize)]
pub struct Fingerprints {
    /// Our own entities that an entry claims.
    pub claimed: Numbers<1>,
    /// Our own entities that an entry has as stale.
    pub stale: Numbers<1>,
    /// Entities that a search query led to.
    pub addressed: Numbers<1>,
    /// Identifiers that any entry relates to.
    pub related: Numbers<1>,
    /// What Port is known to hold: entity, its identifier, its content.
    pub sent: Numbers<3>,
}

impl Fingerprints {
    pub async fn load(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        let lists = [&mut self.claimed, &mut self.stale, &mut self.addressed, &mut self.related];
        for list in lists {
            list.load(context).await?;
        }
        self.sent.load(context).await
    }

    pub async fn save(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        let lists = [&mut self.claimed, &mut self.stale, &mut self.addressed, &mut self.related];
        for list in lists {
            list.save(context, "fingerprints").await?;
        }
        self.sent.save(context, "fingerprints").await
    }

    /// Whether any ledger has the entity.
    pub fn knows(&self, entity: u64) -> bool {
        self.claimed.contains(entity) || self.stale.contains(entity) || self.addressed.contains(entity)
    }

    /// Whether an entry of any ledger claims the entity.
    pub fn claims(&self, entity: u64) -> bool {
        self.claimed.contains(entity) || self.addressed.contains(entity)
    }

    /// How many entities are our own.
    pub fn count_own(&self) -> usize {
        let only_stale = self.stale.all().iter().filter(|[entity]| !self.claimed.contains(*entity));
        self.claimed.all().len() + only_stale.count()
    }

    /// Entities that were sent with more than one content.
    pub fn collisions(&self) -> Vec<u64> {
        let differs = |pair: &[[u64; 3]]| pair[0][0] == pair[1][0] && pair[0][2] != pair[1][2];
        let mut entities: Vec<u64> =
            self.sent.all().windows(2).filter(|pair| differs(pair)).map(|pair| pair[0][0]).collect();
        entities.dedup();
        entities
    }
}
