//! Whether the run may delete: decided for the run as a whole, once, before the first deletion. A sweep that is
//! continued must not decide anew, because its own deletions changed the shares.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::claims::Claims;
use super::held_back::HeldBack;
use super::parts::{Records, each_of_parts};
use super::{Flow, Progress, Relations, Stage, Sweep};
use crate::work::{StepContext, StepError};

/// Entities in memory at once while they are compared with those of a confirmed run.
const COMPARED_AT_ONCE: usize = 50_000;

/// Whether the run may delete.
#[derive(Default, Serialize, Deserialize)]
pub struct Decision {
    pub is_allowed: bool,
    /// Why not, and how to let it through.
    pub held_back: Option<String>,
    /// The blueprints of what goes, dependents first.
    pub blueprints: Vec<String>,
}

pub async fn decide(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let Sweep { progress, relations, .. } = sweep;
    let Progress { survey, claims, decision, .. } = progress;
    let deletable = claims.count_deletable();
    if deletable == 0 {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Announce));
    }
    survey.fingerprints.load(context).await?;
    let mut unknown = 0;
    survey.candidates.each(context, |candidate| unknown += usize::from(candidate.is_unknown)).await?;
    let known = survey.fingerprints.count_own() + unknown;
    let threshold = context.snapshot.mapping.settings.deletion_threshold;
    let share = deletable as f64 / known.max(1) as f64;
    let is_allowed = share <= threshold || is_confirmed(context, claims).await?;
    if is_allowed {
        let blueprints = dependents_first(context, claims, relations).await?;
        *decision = Decision { is_allowed, held_back: None, blueprints };
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Announce));
    }
    claims.save(context).await?;
    let parts = claims.deletable.iter().map(|(blueprint, records)| (blueprint.clone(), records.parts().to_vec()));
    HeldBack::of_this_run(context).await?.with_deletable(parts.collect()).write(context).await?;
    let but_confirmed = match &context.snapshot.plan.confirms {
        Some(run) => format!(" (not all of them are among what the confirmed run {run} held back)"),
        None => String::new(),
    };
    decision.held_back = Some(format!(
        "{deletable} of {known} known entities would be deleted, more than the mapping's entityDeletionThreshold of {threshold} \
         allows{but_confirmed}; if that is meant, raise it for one run, or invoke the scheduler with {{\"confirm\":\"{}\"}}",
        context.snapshot.plan.run
    ));
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Announce))
}

/// Whether a person confirmed a run that held back all of what is to go now.
async fn is_confirmed(context: &StepContext<'_>, claims: &Claims) -> Result<bool, StepError> {
    let Some(confirmed) = HeldBack::confirmed(context).await? else { return Ok(false) };
    for (blueprint, records) in &claims.deletable {
        let Some(keys) = confirmed.deletable.get(blueprint) else { return Ok(false) };
        if !is_among(context, records, keys).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn is_among(context: &StepContext<'_>, records: &Records<Candidate>, keys: &[String]) -> Result<bool, StepError> {
    let mut identifiers: BTreeSet<String> = BTreeSet::new();
    let mut position = 0;
    loop {
        let part = records.part(context, position).await?;
        let is_last = part.is_none();
        let part = part.iter().flat_map(|part| part.iter());
        identifiers.extend(part.map(|candidate| candidate.entity.identifier.to_string()));
        position += 1;
        if identifiers.len() < COMPARED_AT_ONCE && !is_last {
            continue;
        }
        let take = |candidate: &Candidate| {
            identifiers.remove(candidate.entity.identifier.as_str());
        };
        each_of_parts(context, keys, take).await?;
        if !identifiers.is_empty() || is_last {
            return Ok(identifiers.is_empty());
        }
    }
}

/// The blueprints of what is to be deleted, each before those that it relates to. A circle is broken anywhere: Port
/// refuses what it must.
async fn dependents_first(
    context: &StepContext<'_>,
    claims: &Claims,
    relations: &mut Relations,
) -> Result<Vec<String>, StepError> {
    let mut relates_to: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for blueprint in claims.deletable.keys() {
        relates_to.insert(blueprint, relations.of(context, blueprint).await?.values().cloned().collect());
    }
    let mut order = Vec::new();
    while !relates_to.is_empty() {
        let is_pointed_at = |blueprint: &str| {
            relates_to.iter().any(|(other, targets)| *other != blueprint && targets.contains(blueprint))
        };
        let next = relates_to.keys().find(|blueprint| !is_pointed_at(blueprint)).or_else(|| relates_to.keys().next());
        let Some(next) = next.copied() else { break };
        relates_to.remove(next);
        order.push(next.to_owned());
    }
    Ok(order)
}
