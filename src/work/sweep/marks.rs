//! First stage: what became of each unit, summed up over all targets.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};

use super::told::Told;
use super::{Flow, Stage, Sweep};
use crate::run::{DoneMark, FieldNote, KindSummary, TargetFailure, UnitReport, read_json};
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// Done marks that are read at the same time: they are small, and an organization has tens of thousands.
const MARKS_AT_ONCE: usize = 32;
/// Problems that are told per kind; all of them are in the done marks.
const PROBLEMS_PER_KIND: usize = 20;

/// What the done marks say together.
#[derive(Default, Serialize, Deserialize)]
pub struct Tally {
    pub kinds: BTreeMap<String, KindSummary>,
    /// By kind, what each field of the mapping gave.
    pub fields: BTreeMap<String, BTreeMap<String, FieldNote>>,
    pub failures: Told<TargetFailure>,
    /// Targets of which nothing was read.
    pub failed_targets: usize,
    /// Kinds that were completely listed anywhere.
    pub listed: BTreeSet<String>,
    /// Kinds of which something was not read, not accepted, or held, anywhere.
    pub imperfect: BTreeSet<String>,
    /// Kinds, with regions in which any account has no such service.
    absent: BTreeSet<(String, Option<String>)>,
    /// What stays of what is stale, because Port did not take something else.
    pub kept: Told<String>,
    /// Targets that gave entities which Port has: each must have a ledger that says so.
    pub with_entities: BTreeSet<Target>,
    /// Targets of which Port refused something; they are summed up after it was sent again.
    pub refused: BTreeSet<Target>,
}

/// Reads the done marks of all targets but those of which Port refused something.
pub async fn read(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let targets = context.snapshot.plan.targets.iter();
    let flow = add_marks(sweep, targets.cloned().collect(), |tally, target, mark| match mark {
        Some(mark) if mark.units.iter().any(|unit| unit.refused > 0) => {
            tally.refused.insert(target);
        }
        mark => tally.add(target, mark),
    });
    let flow = flow.await?;
    Ok(sweep.enter_after(flow, Stage::Deferred))
}

/// Reads the marks of those.
pub async fn read_refused(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let targets = sweep.progress.tally.refused.iter().cloned().collect();
    let flow = add_marks(sweep, targets, |tally, target, mark| tally.add(target, mark)).await?;
    Ok(sweep.enter_after(flow, Stage::Missing))
}

async fn add_marks(
    sweep: &mut Sweep<'_>,
    targets: Vec<Target>,
    add: impl Fn(&mut Tally, Target, Option<DoneMark>),
) -> Result<Flow, StepError> {
    let context = sweep.context;
    let after = sweep.progress.after.clone();
    let open = targets.into_iter().filter(|target| after.as_ref().is_none_or(|after| target > after));
    let read = |target: Target| async move {
        let mark = read_mark(context, &target).await?;
        Ok::<_, StepError>((target, mark))
    };
    let mut marks = stream::iter(open).map(read).buffered(MARKS_AT_ONCE);
    while let Some(read) = marks.next().await {
        let (target, mark) = read?;
        add(&mut sweep.progress.tally, target.clone(), mark);
        sweep.progress.after = Some(target);
        if sweep.pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    Ok(Flow::GoesOn)
}

/// What became of a target in this pass of the run; none while it is not done.
pub async fn read_mark(context: &StepContext<'_>, target: &Target) -> Result<Option<DoneMark>, StepError> {
    let key = context.done_mark_key(target);
    Ok(read_json(context.worker.store.as_ref(), &key).await?.map(|(mark, _)| mark))
}

impl Tally {
    fn add(&mut self, target: Target, mark: Option<DoneMark>) {
        let Some(mark) = mark else {
            let reason = "it was not done when the run's deadline came".to_owned();
            self.failed_targets += 1;
            return self.failures.tell(TargetFailure { target, kind: None, reason });
        };
        if let Some(reason) = mark.failure {
            self.failed_targets += 1;
            self.failures.tell(TargetFailure { target: target.clone(), kind: None, reason });
        }
        if mark.units.iter().any(UnitReport::gave_entities) {
            self.with_entities.insert(target.clone());
        }
        for unit in mark.units {
            self.add_unit(&target, unit);
        }
    }

    fn add_unit(&mut self, target: &Target, unit: UnitReport) {
        // Whether anything of the kind was there before, the ledgers tell.
        let is_absent = unit.listing.is_absent();
        if is_absent {
            self.absent.insert((unit.kind.clone(), target.region().map(str::to_owned)));
        } else if let Some(reason) = unit.listing.problem() {
            let (kind, reason) = (Some(unit.kind.clone()), reason.to_owned());
            self.failures.tell(TargetFailure { target: target.clone(), kind, reason });
        }
        if unit.listing.is_complete() {
            self.listed.insert(unit.kind.clone());
        }
        // A service that an account may not use looks like one that the region does not have.
        let is_perfect = unit.counts_for_deletion() && unit.held == 0 && unit.unresolved == 0;
        if !is_perfect {
            self.imperfect.insert(unit.kind.clone());
        }
        if unit.stale > 0 && !unit.counts_for_deletion() {
            self.kept.tell(format!(
                "{} stale entities of {} in {target} stay, because Port did not take {} others of it",
                unit.stale, unit.kind, unit.refused
            ));
        }
        let sum = self.kinds.entry(unit.kind.clone()).or_default();
        sum.resources += unit.resources;
        sum.entities += unit.entities;
        sum.accepted += unit.accepted;
        sum.unchanged += unit.unchanged;
        sum.refused += unit.refused;
        sum.unresolved += unit.unresolved;
        sum.filtered_out += unit.filtered_out;
        sum.held += unit.held;
        sum.incomplete_units += u64::from(!unit.listing.is_complete() && !is_absent);
        for problem in unit.problems {
            if sum.problems.len() < PROBLEMS_PER_KIND && !sum.problems.contains(&problem) {
                sum.problems.push(problem);
            }
        }
        let of_kind = self.fields.entry(unit.kind).or_default();
        for (path, note) in unit.fields {
            of_kind.entry(path).or_default().add(note);
        }
    }

    /// Whether some account does not have the service of a kind where a target lies.
    pub fn is_absent_somewhere(&self, kind: &str, target: &Target) -> bool {
        let region = target.region().map(str::to_owned);
        !self.absent.is_empty() && self.absent.contains(&(kind.to_owned(), region))
    }
}
