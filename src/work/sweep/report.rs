//! The summary at the end of a run: the counts of all targets, and everything that an operator should look at.

use std::collections::BTreeMap;

use super::evidence::Evidence;
use crate::events;
use crate::run::{Deletions, FieldNote, KindSummary, Listing, Summary, TargetFailure, UnitReport, read_json};
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// Problems that are told per kind; all of them are in the done marks.
const PROBLEMS_PER_KIND: usize = 20;

pub async fn summarize(
    context: &StepContext<'_>,
    evidence: &Evidence,
    deletions: Deletions,
) -> Result<Summary, StepError> {
    let plan = &context.snapshot.plan;
    let first = read_json::<Summary>(context.worker.store.as_ref(), &context.place.summary(&plan.run)).await?;
    let mut summary = Summary {
        run: plan.run.clone(),
        mode: plan.mode,
        outcome: String::new(),
        accounts: plan.accounts.len(),
        targets: plan.targets.len(),
        messages: plan.targets.len() + 1,
        inaccessible_accounts: plan.inaccessible.values().cloned().collect(),
        mapping_problems: first.as_ref().map(|(summary, _)| summary.mapping_problems.clone()).unwrap_or_default(),
        mapping_warnings: first.map(|(summary, _)| summary.mapping_warnings).unwrap_or_default(),
        failed_targets: failures(context, evidence),
        kinds: BTreeMap::new(),
        deletions: Some(deletions),
    };
    let mut fields: BTreeMap<String, BTreeMap<String, FieldNote>> = BTreeMap::new();
    let units = evidence.done.iter().flat_map(|(target, mark)| mark.units.iter().map(move |unit| (target, unit)));
    for (target, unit) in units {
        let is_merely_absent = is_merely_absent(evidence, target, unit);
        add(summary.kinds.entry(unit.kind.clone()).or_default(), unit, is_merely_absent);
        let of_kind = fields.entry(unit.kind.clone()).or_default();
        for (path, note) in &unit.fields {
            of_kind.entry(path.clone()).or_default().add(note.clone());
        }
    }
    for (kind, of_kind) in fields {
        let misconfigured =
            of_kind.into_iter().filter_map(|(path, note)| note.problem().map(|problem| (path, problem)));
        let misconfigured: BTreeMap<String, String> = misconfigured.collect();
        for (path, problem) in &misconfigured {
            events::field_misconfigured(&kind, path, problem);
        }
        summary.kinds.entry(kind).or_default().misconfigured = misconfigured;
    }
    summary.outcome = outcome(&summary, evidence).to_owned();
    Ok(summary)
}

fn failures(context: &StepContext<'_>, evidence: &Evidence) -> Vec<TargetFailure> {
    let mut failures = Vec::new();
    for target in &context.snapshot.plan.targets {
        let Some(mark) = evidence.done.get(target) else {
            let reason = "it was not done when the run's deadline came".to_owned();
            failures.push(TargetFailure { target: target.clone(), kind: None, reason });
            continue;
        };
        if let Some(reason) = &mark.failure {
            failures.push(TargetFailure { target: target.clone(), kind: None, reason: reason.clone() });
        }
        for unit in mark.units.iter().filter(|unit| !is_merely_absent(evidence, target, unit)) {
            if let Some(reason) = unit.listing.problem() {
                failures.push(TargetFailure {
                    target: target.clone(),
                    kind: Some(unit.kind.clone()),
                    reason: reason.to_owned(),
                });
            }
        }
    }
    failures
}

/// Not every service is in every region. One that Port has something of was there, and is missed.
fn is_merely_absent(evidence: &Evidence, target: &Target, unit: &UnitReport) -> bool {
    let ledger = evidence.ledgers.get(target).map(|file| &file.ledger);
    let has_entries = ledger.is_some_and(|ledger| ledger.units.contains_key(&unit.kind));
    matches!(unit.listing, Listing::NotHere(_)) && !has_entries
}

fn add(sum: &mut KindSummary, unit: &UnitReport, is_merely_absent: bool) {
    sum.resources += unit.resources;
    sum.entities += unit.entities;
    sum.accepted += unit.accepted;
    sum.unchanged += unit.unchanged;
    sum.refused += unit.refused;
    sum.unresolved += unit.unresolved;
    sum.filtered_out += unit.filtered_out;
    sum.held += unit.held;
    sum.incomplete_units += u64::from(!unit.listing.is_complete() && !is_merely_absent);
    for problem in &unit.problems {
        if sum.problems.len() < PROBLEMS_PER_KIND && !sum.problems.contains(problem) {
            sum.problems.push(problem.clone());
        }
    }
}

fn outcome(summary: &Summary, evidence: &Evidence) -> &'static str {
    if evidence.done.values().all(|mark| mark.failure.is_some()) {
        return "failed";
    }
    let held_back = summary
        .deletions
        .as_ref()
        .is_some_and(|deletions| !deletions.held_back.is_empty() || deletions.not_verified.is_some());
    let kinds_have_problems = summary.kinds.values().any(|kind| kind.refused > 0 || kind.held > 0);
    let has_problems = !summary.inaccessible_accounts.is_empty()
        || !summary.mapping_problems.is_empty()
        || !summary.failed_targets.is_empty()
        || held_back
        || kinds_have_problems;
    if has_problems { "completed-with-problems" } else { "completed" }
}
