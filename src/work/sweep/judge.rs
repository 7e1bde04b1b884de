//! What is stale by the rules of deletion. Whatever is in doubt claims.
//!
//! Several stages go through the ledgers, and all of them judge an entry here: what was no claim when deletions were
//! decided is none when entries are forgotten.

use std::collections::BTreeSet;

use super::marks::Tally;
use super::retired::Retirement;
use crate::kinds::Reader;
use crate::ledger::{Entry, Ledger, State};
use crate::run::{DoneMark, Listing, UnitReport};
use crate::target::Target;
use crate::work::StepContext;
use crate::work::target::scope_of;

/// What the entries of all ledgers are judged by.
pub struct Judge<'a> {
    pub context: &'a StepContext<'a>,
    tally: &'a Tally,
    retirement: &'a Retirement,
    unconfirmed_kinds: Vec<&'a str>,
    /// Why it is in doubt that the mapping reads all that it should; none when it is not.
    pub doubt: Option<String>,
}

/// What the entries of one ledger are judged by.
pub struct TargetJudge<'a> {
    judge: &'a Judge<'a>,
    target: Target,
    mark: Option<DoneMark>,
    /// Why the target is gone for good.
    pub retired: Option<String>,
    /// The kinds that the mapping reads in the target; none where nothing counts as having left it.
    kinds: Option<BTreeSet<String>>,
    /// Kinds of which Port took something only in the sweep, and of which something still is not known to be there.
    unsettled_kinds: BTreeSet<String>,
}

/// What an entry says about its entity.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody may delete it.
    Claim,
    /// The same, only because it is in doubt whether the mapping meant it to go.
    InDoubt,
    /// As far as this entry is concerned, it may go.
    Stale { reason: String },
}

impl<'a> Judge<'a> {
    pub fn new(context: &'a StepContext<'a>, tally: &'a Tally, retirement: &'a Retirement) -> Self {
        let unconfirmed_kinds = unconfirmed_kinds(context, tally);
        let doubt = doubt_of_mapping(context, &unconfirmed_kinds);
        Self { context, tally, retirement, unconfirmed_kinds, doubt }
    }

    /// Whether a ledger cannot be judged without the done mark of its target.
    pub fn needs_mark(&self, target: &Target, ledger: &Ledger) -> bool {
        let run = &self.context.snapshot.plan.run;
        ledger.claims_incomplete
            || ledger.units.keys().any(|kind| self.tally.is_absent_somewhere(kind, target))
            || ledger.entries().any(|(_, _, entry)| entry.is_stale_of(run))
    }

    pub fn target(&'a self, target: Target, ledger: &Ledger, mark: Option<DoneMark>) -> TargetJudge<'a> {
        let unsettled = mark.iter().flat_map(|mark| &mark.units).filter(|unit| {
            let known = ledger.units.get(&unit.kind).into_iter().flat_map(|unit| unit.values());
            unit.accepted_late > 0 && known.flat_map(|known| &known.entries).any(|entry| entry.state == State::Unsure)
        });
        TargetJudge {
            judge: self,
            retired: self.retirement.reason(&self.context.snapshot.plan, &target),
            kinds: self.kinds_read_in(&target),
            unsettled_kinds: unsettled.map(|unit| unit.kind.clone()).collect(),
            mark,
            target,
        }
    }

    fn kinds_read_in(&self, target: &Target) -> Option<BTreeSet<String>> {
        let plan = &self.context.snapshot.plan;
        if plan.narrowing.is_narrowed() {
            return None;
        }
        // Only where the run was: an account that could not be entered keeps everything, and so does a region of
        // unknown standing.
        let account = target.account();
        let is_accessible = account.is_none_or(|account| plan.accounts.contains_key(account));
        let is_enabled = match (account.and_then(|account| plan.accounts.get(account)), target.region()) {
            (Some(planned), Some(region)) => planned.enabled_regions.iter().any(|enabled| enabled == region),
            _ => true,
        };
        if !is_accessible || !is_enabled {
            return None;
        }
        let kinds = self.context.snapshot.mapping.kinds_of(scope_of(target), target.region());
        Some(kinds.into_keys().collect())
    }

    /// Whether all kinds of the mapping are known to be named as AWS names them.
    pub fn all_kinds_are_confirmed(&self) -> bool {
        self.unconfirmed_kinds.is_empty()
    }
}

/// Kinds of the mapping that may be misspelt: without a reader of their own, and listed nowhere in this run. What they
/// should have been is not read, and has not left the mapping.
///
/// That AWS says so (type not found) is not asked for: where the role may not list, it says nothing. Nor does it tell
/// against a kind that was listed elsewhere: some types are in a few regions only.
fn unconfirmed_kinds<'a>(context: &'a StepContext<'_>, tally: &Tally) -> Vec<&'a str> {
    let readers = context.snapshot.mapping.entries.iter().map(|entry| &entry.kind);
    let others = readers.filter(|reader| matches!(reader, Reader::CloudControl(_)));
    let unconfirmed: BTreeSet<&str> = others.map(Reader::name).filter(|kind| !tally.listed.contains(*kind)).collect();
    unconfirmed.into_iter().collect()
}

fn doubt_of_mapping(context: &StepContext<'_>, unconfirmed_kinds: &[&str]) -> Option<String> {
    let disabled = context.snapshot.mapping.disabled.len();
    if disabled > 0 {
        return Some(format!("{disabled} entries of the mapping are disabled, and may be what gave them"));
    }
    if unconfirmed_kinds.is_empty() {
        return None;
    }
    Some(format!(
        "AWS listed nothing under the name {}, which may be misspelt and have been another kind before",
        unconfirmed_kinds.join(", ")
    ))
}

/// An entry that nothing gives any more.
struct Stale {
    reason: String,
    /// Whether it is the mapping that no longer gives it, and not AWS.
    is_by_mapping: bool,
}

impl TargetJudge<'_> {
    pub fn judge(&self, kind: &str, resource: &str, entry: &Entry) -> Verdict {
        match self.stale_because(kind, resource, entry) {
            Some(Stale { is_by_mapping: true, .. }) if self.judge.doubt.is_some() => Verdict::InDoubt,
            Some(Stale { reason, .. }) => Verdict::Stale { reason },
            // Whatever is in doubt claims: also what an earlier run found stale and this one could not look at.
            None => Verdict::Claim,
        }
    }

    /// Why an entry is stale in this run; none when it is not, or when that is in doubt.
    fn stale_because(&self, kind: &str, resource: &str, entry: &Entry) -> Option<Stale> {
        if !entry.may_become_stale() {
            return None;
        }
        if let Some(words) = &self.retired {
            return Some(Stale { reason: words.clone(), is_by_mapping: false });
        }
        let target = &self.target;
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(kind)) {
            let reason = format!("the mapping no longer reads {kind} in {target}");
            return Some(Stale { reason, is_by_mapping: true });
        }
        if !entry.is_stale_of(&self.judge.context.snapshot.plan.run) {
            return None;
        }
        let unit = self.unit(kind)?;
        if !unit.counts_for_deletion() || self.unsettled_kinds.contains(kind) {
            return None;
        }
        let is_by_mapping = matches!(entry.state, State::Unmapped(_));
        let reason = match is_by_mapping {
            true => format!("the mapping no longer makes it of the resource {resource} ({kind} in {target})"),
            false => format!("the complete listing of {kind} in {target} no longer gives it (resource {resource})"),
        };
        Some(Stale { reason, is_by_mapping })
    }

    /// The report of a unit, if its target came that far.
    pub fn unit(&self, kind: &str) -> Option<&UnitReport> {
        self.mark.as_ref()?.units.iter().find(|unit| unit.kind == kind)
    }

    /// Whether it is known that nothing is claimed by a target without a ledger. One that gave entities in this very
    /// run had one, whatever became of it since.
    pub fn claims_nothing(&self) -> bool {
        let mut units = self.mark.iter().flat_map(|mark| &mark.units);
        self.retired.is_some() || (!units.any(UnitReport::gave_entities) && self.why_claims_are_unknown().is_none())
    }

    /// Why the run has not seen everything that the target can claim; none when it has.
    pub fn why_claims_are_unknown(&self) -> Option<String> {
        let Judge { context, unconfirmed_kinds, doubt, .. } = self.judge;
        // Nothing is read there on purpose, and so nothing is claimed there either.
        if doubt.is_none() && self.kinds.as_ref().is_some_and(BTreeSet::is_empty) {
            return None;
        }
        let Some(mark) = &self.mark else { return Some("this run did not read it".to_owned()) };
        if let Some(failure) = &mark.failure {
            return Some(format!("this run could not read it: {failure}"));
        }
        if !unconfirmed_kinds.is_empty() {
            return Some(format!("AWS listed nothing under the name {}", unconfirmed_kinds.join(", ")));
        }
        if context.snapshot.tells_all_claims(mark.units.iter()) {
            return None;
        }
        let of_unit = mark.units.iter().find_map(|unit| Some(format!("{}: {}", unit.kind, problem_of(unit)?)));
        Some(
            of_unit.unwrap_or_else(|| {
                "this run did not read all kinds, or an entry of its mapping is disabled".to_owned()
            }),
        )
    }
}

/// What kept a unit from telling all that it claims.
fn problem_of(unit: &UnitReport) -> Option<String> {
    if matches!(unit.listing, Listing::NotHere(_)) {
        return None;
    }
    if let Some(problem) = unit.listing.problem() {
        return Some(problem.to_owned());
    }
    let example = unit.problems.first().map_or_else(String::new, |problem| format!(", such as {problem}"));
    match (unit.held, unit.refused) {
        (0, 0) => None,
        (0, refused) => Some(format!("Port did not take {refused} entities{example}")),
        (held, _) => Some(format!("{held} resources could not be read or mapped as a whole{example}")),
    }
}
