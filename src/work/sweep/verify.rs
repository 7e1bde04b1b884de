//! Comparing Port with the ledgers: what we claim must be there, and what is there should be known.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use crate::ledger::State;
use crate::run::Deletions;
use crate::seams::EntityKey;
use crate::work::{StepContext, StepError};

/// Lists all entities of this integration in Port. A claimed one that is missing becomes unsure, whatever the reason,
/// and the next run sends it. One that no ledger knows is counted.
pub async fn verify(
    context: &StepContext<'_>,
    evidence: &mut Evidence,
    deletions: &mut Deletions,
) -> Result<(), StepError> {
    let mut missing: BTreeSet<EntityKey> = BTreeSet::new();
    let mut known: BTreeSet<EntityKey> = BTreeSet::new();
    let mut related: BTreeSet<String> = BTreeSet::new();
    for located in evidence.entries() {
        known.insert(located.entry.entity.clone());
        related.extend(located.entry.relates_to.iter().map(|relation| relation.identifier.clone()));
        if located.entry.is_claim() {
            missing.insert(located.entry.entity.clone());
        }
    }
    let mut cursor = None;
    loop {
        let page = context.worker.catalog.owned(cursor).await?;
        for entity in page.entities {
            missing.remove(&entity);
            // An entity that Port made because ours relates to it carries our mark too.
            if !known.contains(&entity) && !related.contains(&entity.identifier) {
                deletions.unknown_in_port += 1;
            }
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    deletions.missing_in_port = missing.len();
    evidence.change_entries(&missing, |entry| {
        let is_sent = matches!(entry.state, State::Sent(_));
        if is_sent {
            entry.state = State::Unsure;
        }
        is_sent
    });
    Ok(())
}
