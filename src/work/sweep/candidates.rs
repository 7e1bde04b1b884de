//! What may be deleted, by the rules of deletion. Whatever is in doubt stays.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Evidence, Located};
use super::retired::Retirement;
use crate::ledger::State;
use crate::run::Plan;
use crate::seams::EntityKey;
use crate::target::Target;
use crate::work::target::scope_of;
use crate::work::{StepContext, StepError};

/// What the rules leave of what is stale.
#[derive(Debug, Default)]
pub struct Candidates {
    /// Entities that may go, each with the reason for the journal.
    pub deletable: BTreeMap<EntityKey, String>,
    /// Stale from one source and claimed by another.
    pub claimed: BTreeSet<EntityKey>,
    /// Stale, but something live relates to it.
    pub related: BTreeSet<EntityKey>,
    /// The resources by which entities are stale.
    pub sources: BTreeMap<EntityKey, BTreeSet<Source>>,
    /// Why nothing may go.
    pub held_back: Vec<String>,
    /// What stays of what is stale, and why.
    pub kept: Vec<String>,
    /// Blueprints with the blueprints that they relate to, as far as they were needed.
    pub relations: BTreeMap<String, BTreeMap<String, String>>,
}

/// A resource, with where it was.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Source {
    target: Target,
    kind: String,
    resource: String,
}

impl Source {
    fn of(located: &Located<'_>) -> Self {
        Self { target: located.target.clone(), kind: located.kind.to_owned(), resource: located.resource.to_owned() }
    }

    pub fn is(&self, target: &Target, kind: &str, resource: &str) -> bool {
        self.target == *target && self.kind == kind && self.resource == resource
    }
}

pub async fn find(
    context: &StepContext<'_>,
    evidence: &Evidence,
    retirement: &Retirement,
) -> Result<Candidates, StepError> {
    let mut candidates = Candidates::default();
    let mut reasons: BTreeMap<EntityKey, String> = BTreeMap::new();
    let mut claims: BTreeSet<EntityKey> = BTreeSet::new();
    let doubt = doubt_of_mapping(context, evidence);
    let mut in_doubt = 0;
    for located in evidence.entries() {
        match stale_because(context, evidence, retirement, &located) {
            Some(Stale { is_by_mapping: true, .. }) if doubt.is_some() => {
                in_doubt += 1;
                claims.insert(located.entry.entity.clone());
            }
            Some(Stale { reason, .. }) => {
                reasons.entry(located.entry.entity.clone()).or_insert(reason);
                let source = Source::of(&located);
                candidates.sources.entry(located.entry.entity.clone()).or_default().insert(source);
            }
            // Whatever is in doubt claims: also what an earlier run found stale and this one could not look at.
            None => {
                claims.insert(located.entry.entity.clone());
            }
        }
    }
    candidates.kept = units_that_do_not_count(evidence);
    if let Some(doubt) = doubt.filter(|_| in_doubt > 0) {
        candidates.kept.push(format!("{in_doubt} entities that the mapping no longer gives stay: {doubt}"));
    }
    if reasons.is_empty() {
        return Ok(candidates);
    }
    candidates.held_back = reasons_to_hold_back(evidence, retirement, reasons.len());
    if !candidates.held_back.is_empty() {
        return Ok(candidates);
    }
    let related = related_to(context, evidence, &claims, &reasons, &mut candidates.relations).await?;
    for (entity, reason) in reasons {
        if claims.contains(&entity) {
            candidates.claimed.insert(entity);
        } else if related.contains(&entity) {
            candidates.related.insert(entity);
        } else {
            candidates.deletable.insert(entity, reason);
        }
    }
    Ok(candidates)
}

fn units_that_do_not_count(evidence: &Evidence) -> Vec<String> {
    let mut kept = Vec::new();
    for mark in evidence.done.values() {
        for unit in mark.units.iter().filter(|unit| unit.stale > 0 && !unit.counts_for_deletion()) {
            kept.push(format!(
                "{} stale entities of {} in {} stay, because Port did not take {} others of it",
                unit.stale, unit.kind, mark.target, unit.refused
            ));
        }
    }
    kept
}

/// Why it is in doubt that the mapping reads all that it should; none when it is not.
fn doubt_of_mapping(context: &StepContext<'_>, evidence: &Evidence) -> Option<String> {
    let disabled = context.snapshot.mapping.disabled.len();
    if disabled > 0 {
        return Some(format!("{disabled} entries of the mapping are disabled, and may be what gave them"));
    }
    let unconfirmed: Vec<&str> = evidence.unconfirmed_kinds(context).into_iter().collect();
    if unconfirmed.is_empty() {
        return None;
    }
    Some(format!(
        "AWS listed nothing under the name {}, which may be misspelt and have been another kind before",
        unconfirmed.join(", ")
    ))
}

/// An entry that nothing gives any more.
struct Stale {
    reason: String,
    /// Whether it is the mapping that no longer gives it, and not AWS.
    is_by_mapping: bool,
}

/// Why an entry is stale in this run; none when it is not, or when that is in doubt.
fn stale_because(
    context: &StepContext<'_>,
    evidence: &Evidence,
    retirement: &Retirement,
    located: &Located<'_>,
) -> Option<Stale> {
    let plan = &context.snapshot.plan;
    if !located.entry.may_become_stale() {
        return None;
    }
    if let Some(words) = retirement.targets.get(located.target) {
        return Some(Stale { reason: words.clone(), is_by_mapping: false });
    }
    if let Some(reason) = left_on_purpose(context, plan, located) {
        return Some(Stale { reason, is_by_mapping: true });
    }
    if !located.entry.is_stale_of(&plan.run) {
        return None;
    }
    let unit = evidence.unit(located.target, located.kind)?;
    if !unit.counts_for_deletion() {
        return None;
    }
    let Located { target, kind, resource, .. } = located;
    let is_by_mapping = matches!(located.entry.state, State::Unmapped(_));
    let reason = match is_by_mapping {
        true => format!("the mapping no longer makes it of the resource {resource} ({kind} in {target})"),
        false => format!("the complete listing of {kind} in {target} no longer gives it (resource {resource})"),
    };
    Some(Stale { reason, is_by_mapping })
}

/// A kind that the mapping no longer reads there.
fn left_on_purpose(context: &StepContext<'_>, plan: &Plan, located: &Located<'_>) -> Option<String> {
    let mapping = &context.snapshot.mapping;
    if plan.narrowing.is_narrowed() {
        return None;
    }
    // Only where the run was: an account that could not be entered keeps everything, and so does a region of unknown
    // standing.
    let account = located.target.account();
    let is_accessible = account.is_none_or(|account| plan.accounts.contains_key(account));
    let is_enabled = match (account.and_then(|account| plan.accounts.get(account)), located.target.region()) {
        (Some(planned), Some(region)) => planned.enabled_regions.iter().any(|enabled| enabled == region),
        _ => true,
    };
    if !is_accessible || !is_enabled {
        return None;
    }
    let is_read = mapping.kinds_of(scope_of(located.target), located.target.region()).contains_key(located.kind);
    (!is_read).then(|| format!("the mapping no longer reads {} in {}", located.kind, located.target))
}

/// Without all claims, nothing is known to be unclaimed. A retired target has none.
fn reasons_to_hold_back(evidence: &Evidence, retirement: &Retirement, count: usize) -> Vec<String> {
    let is_retired = |target: &Target| retirement.targets.contains_key(target);
    let unclear = evidence.unclear_ledgers.iter().filter(|(target, _)| !is_retired(target));
    let damaged = unclear.map(|(target, reason)| {
        format!("{count} stale entities stay: the ledger of {target} does not tell all that it claims ({reason}); a complete run of the target mends it")
    });
    let lost = evidence.lost_ledgers.iter().filter(|target| !is_retired(target)).map(|target| {
        format!("{count} stale entities stay: the ledger of {target} is missing in the state bucket; a complete run of the target makes it anew")
    });
    damaged.chain(lost).collect()
}

/// Those of the stale entities that a claimed entity relates to.
///
/// A ledger knows a relation's name and the identifier it points to; the blueprint is Port's knowledge. Where Port does
/// not say, any blueprint counts.
async fn related_to(
    context: &StepContext<'_>,
    evidence: &Evidence,
    claims: &BTreeSet<EntityKey>,
    stale: &BTreeMap<EntityKey, String>,
    relations: &mut BTreeMap<String, BTreeMap<String, String>>,
) -> Result<BTreeSet<EntityKey>, StepError> {
    let mut stale_by_identifier: BTreeMap<&str, Vec<&EntityKey>> = BTreeMap::new();
    for entity in stale.keys() {
        stale_by_identifier.entry(entity.identifier.as_str()).or_default().push(entity);
        load_relations(context, &entity.blueprint, relations).await?;
    }
    let mut related = BTreeSet::new();
    for located in evidence.entries().filter(|located| claims.contains(&located.entry.entity)) {
        for relation in &located.entry.relates_to {
            let Some(pointed_at) = stale_by_identifier.get(relation.identifier.as_str()) else { continue };
            load_relations(context, &located.entry.entity.blueprint, relations).await?;
            let blueprint = relations
                .get(located.entry.entity.blueprint.as_str())
                .and_then(|known| known.get(relation.name.as_str()));
            let matching =
                pointed_at.iter().filter(|entity| blueprint.is_none_or(|blueprint| entity.blueprint == *blueprint));
            related.extend(matching.map(|entity| (*entity).clone()));
        }
    }
    Ok(related)
}

async fn load_relations(
    context: &StepContext<'_>,
    blueprint: &str,
    relations: &mut BTreeMap<String, BTreeMap<String, String>>,
) -> Result<(), StepError> {
    if !relations.contains_key(blueprint) {
        let found = context.worker.catalog.relations(blueprint).await?.unwrap_or_default();
        relations.insert(blueprint.to_owned(), found.into_iter().collect());
    }
    Ok(())
}
