//! Comparing Port with the ledgers: what we claim must be there, and what is there should be known.

use std::collections::BTreeSet;

use super::evidence::Evidence;
use crate::ledger::State;
use crate::run::Deletions;
use crate::seams::{CatalogError, EntityKey};
use crate::shared_text::SharedText;
use crate::work::StepContext;

/// Lists all entities of this integration in Port. A claimed one that is missing becomes unsure, whatever the reason,
/// and the next run sends it. One that no ledger knows is counted. One that a search query led to, and that somebody
/// else has written or deleted since, is forgotten.
///
/// Gives those of the settled entities that really are no longer ours in Port. Without a listing none of them is known
/// to be, and nothing else changes: the run ends all the same, and says so.
pub async fn verify(
    context: &StepContext<'_>,
    evidence: &mut Evidence,
    settled: BTreeSet<EntityKey>,
    deletions: &mut Deletions,
) -> BTreeSet<EntityKey> {
    let mut missing: BTreeSet<EntityKey> = BTreeSet::new();
    let mut known: BTreeSet<EntityKey> = BTreeSet::new();
    let mut related: BTreeSet<SharedText> = BTreeSet::new();
    let mut no_longer_marked: BTreeSet<EntityKey> = BTreeSet::new();
    for located in evidence.entries() {
        known.insert(located.entry.entity.clone());
        related.extend(located.entry.relates_to.iter().map(|relation| relation.identifier.clone()));
        match located.entry.state {
            State::Sent(_) => missing.insert(located.entry.entity.clone()),
            State::Addressed => no_longer_marked.insert(located.entry.entity.clone()),
            State::Unsure | State::Stale(_) | State::Unmapped(_) => false,
        };
    }
    let mut gone = settled;
    let mut unknown = 0;
    let listed = each_owned(context, |entity| {
        missing.remove(&entity);
        gone.remove(&entity);
        no_longer_marked.remove(&entity);
        // An entity that Port made because ours relates to it carries our mark too.
        if !known.contains(&entity) && !related.contains(&entity.identifier) {
            unknown += 1;
        }
    });
    if let Err(error) = listed.await {
        deletions.not_verified = Some(format!("Port's list of our entities could not be read: {error}"));
        return BTreeSet::new();
    }
    deletions.missing_in_port = missing.len();
    deletions.unknown_in_port = unknown;
    let to_send = with_what_relates_to(evidence, missing);
    evidence.make_unsure(&to_send);
    evidence.remove_entries(|_, _, _, entry| !entry.may_become_stale() && no_longer_marked.contains(&entry.entity));
    gone
}

async fn each_owned(context: &StepContext<'_>, mut look_at: impl FnMut(EntityKey)) -> Result<(), CatalogError> {
    let mut cursor: Option<String> = None;
    loop {
        let page = context.worker.catalog.owned(cursor.clone()).await?;
        page.entities.into_iter().for_each(&mut look_at);
        match page.next {
            None => return Ok(()),
            next if next == cursor => {
                return Err(CatalogError::Unavailable("the listing does not get any further".to_owned()));
            }
            next => cursor = next,
        }
    }
}

/// Port empties the relations to an entity that goes: whatever related to it must be sent again, too.
fn with_what_relates_to(evidence: &Evidence, missing: BTreeSet<EntityKey>) -> BTreeSet<EntityKey> {
    let identifiers: BTreeSet<&str> = missing.iter().map(|entity| entity.identifier.as_str()).collect();
    let relates = evidence.entries().filter(|located| {
        let mut relations = located.entry.relates_to.iter();
        relations.any(|relation| identifiers.contains(relation.identifier.as_str()))
    });
    let relating: BTreeSet<EntityKey> = relates.map(|located| located.entry.entity.clone()).collect();
    missing.union(&relating).cloned().collect()
}
