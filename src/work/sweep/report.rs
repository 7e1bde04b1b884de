//! The summary at the end of a run: the counts of all targets, and everything that an operator should look at.

use std::collections::BTreeMap;

use super::judge::Judge;
use super::told::Told;
use super::{Progress, Sweep};
use crate::events;
use crate::run::{Deletions, KindSummary, Summary, TargetFailure, read_json};
use crate::work::{StepContext, StepError};

pub async fn summarize(sweep: &mut Sweep<'_>) -> Result<Summary, StepError> {
    let context = sweep.context;
    let plan = &context.snapshot.plan;
    let first = read_json::<Summary>(context.worker.store.as_ref(), &context.place.summary(&plan.run)).await?;
    sweep.progress.survey.fingerprints.load(context).await?;
    let progress = &mut sweep.progress;
    let deletions = deletions(context, progress);
    for reason in &deletions.held_back {
        events::deletion_held_back(&plan.run, reason);
    }
    let (failed_targets, more_failed_targets) = failures(progress);
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
        failed_targets,
        more_failed_targets,
        kinds: kinds(progress),
        collisions: progress.collisions.summary(context),
        deletions: Some(deletions),
    };
    summary.outcome = outcome(context, &summary, progress).to_owned();
    Ok(summary)
}

fn kinds(progress: &Progress) -> BTreeMap<String, KindSummary> {
    let mut kinds = progress.tally.kinds.clone();
    for (kind, units) in &progress.survey.missed_units {
        kinds.entry(kind.clone()).or_default().incomplete_units += units;
    }
    for (kind, fields) in &progress.tally.fields {
        let misconfigured = fields.iter().filter_map(|(path, note)| Some((path.clone(), note.problem()?)));
        let misconfigured: BTreeMap<String, String> = misconfigured.collect();
        for (path, problem) in &misconfigured {
            events::field_misconfigured(kind, path, problem);
        }
        kinds.entry(kind.clone()).or_default().misconfigured = misconfigured;
    }
    kinds
}

fn failures(progress: &mut Progress) -> (Vec<TargetFailure>, usize) {
    let mut failures = std::mem::take(&mut progress.tally.failures);
    failures.extend(std::mem::take(&mut progress.survey.missed));
    let more = failures.untold();
    let mut failures = failures.into_items();
    failures.sort_by(|one, other| (&one.target, &one.kind).cmp(&(&other.target, &other.kind)));
    (failures, more)
}

fn deletions(context: &StepContext<'_>, progress: &mut Progress) -> Deletions {
    let held_back = held_back(context, progress);
    let more = held_back.untold();
    let mut held_back = held_back.into_items();
    if more > 0 {
        held_back.push(format!("and {more} more reasons"));
    }
    let Progress { survey, port, claims, deletion, .. } = progress;
    // Unless all is clear, nothing is known to be unclaimed.
    let kept_claimed = if survey.is_clear() { claims.claimed.count() + claims.related } else { 0 };
    let repair = context.snapshot.repair.as_ref();
    Deletions {
        candidates: claims.count_deletable(),
        deleted: deletion.deleted,
        unknown_deleted: deletion.unknown_deleted,
        kept_claimed,
        kept_refused: deletion.kept_refused,
        held_back,
        not_verified: port.problem.clone(),
        lost_in_port: repair.map_or(0, |repair| repair.lost),
        repaired_targets: repair.map_or(0, |repair| repair.targets.len()),
        missing_in_port: port.missing,
        unknown_in_port: port.unknown,
    }
}

/// Why something stays that looks as if it should go.
fn held_back(context: &StepContext<'_>, progress: &Progress) -> Told<String> {
    let Progress { tally, retirement, survey, decision, deletion, port, .. } = progress;
    let mut reasons = Told::default();
    let stale = survey.fingerprints.stale.all().len();
    let asked_for = if context.snapshot.plan.remove_unknown { port.unknown } else { 0 };
    if stale + asked_for > 0 {
        for unclear in survey.unclear.items() {
            reasons.tell(format!("{} stale or unknown entities stay: {unclear}", stale + asked_for));
        }
        for target in &survey.lost {
            reasons.tell(format!(
                "{} stale or unknown entities stay: the ledger of {target} is missing in the state bucket; a complete run of the target \
                 makes it anew",
                stale + asked_for
            ));
        }
    }
    reasons.extend(tally.kept.clone());
    if survey.in_doubt > 0
        && let Some(doubt) = Judge::new(context, tally, retirement).doubt
    {
        reasons.tell(format!("{} entities that the mapping no longer gives stay: {doubt}", survey.in_doubt));
    }
    decision.held_back.iter().for_each(|reason| reasons.tell(reason.clone()));
    reasons.extend(deletion.kept.clone());
    reasons.extend(retirement.held_back.clone());
    reasons
}

fn outcome(context: &StepContext<'_>, summary: &Summary, progress: &Progress) -> &'static str {
    if summary.targets > 0 && progress.tally.failed_targets == summary.targets {
        return "failed";
    }
    let deletions = summary.deletions.as_ref();
    let held_back =
        deletions.is_some_and(|deletions| !deletions.held_back.is_empty() || deletions.not_verified.is_some());
    let kinds_have_problems = summary.kinds.values().any(|kind| kind.refused > 0 || kind.held > 0);
    // Where Port merges, several resources may give one entity on purpose.
    let collide = summary.collisions.count > 0 && !context.snapshot.mapping.settings.upsert.merge;
    let has_problems = !summary.inaccessible_accounts.is_empty()
        || !summary.mapping_problems.is_empty()
        || !summary.failed_targets.is_empty()
        || held_back
        || collide
        || kinds_have_problems;
    if has_problems { "completed-with-problems" } else { "completed" }
}
