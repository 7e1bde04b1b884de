//! Entities that are ours in Port and that no ledger knows: left behind by an installation before, or by a state that
//! was lost. Whether they may go.

use std::collections::BTreeSet;

use super::Progress;
use super::judge::Judge;
use crate::run::Mode;
use crate::work::StepContext;

/// Which of them may go.
pub enum UnknownRule {
    /// None: they are counted.
    Keep,
    /// All, because a person asked for it.
    RemoveAll,
    /// Those of all blueprints but some: a resource that was not read may be what gives them.
    RemoveBut(KeptBlueprints),
}

/// Blueprints whose unknown entities stay.
pub enum KeptBlueprints {
    /// A kind that was not completely read may give any blueprint.
    All,
    These(BTreeSet<String>),
}

impl UnknownRule {
    /// The rule of a run, once all ledgers were looked at.
    pub fn of(context: &StepContext<'_>, progress: &Progress) -> Self {
        let plan = &context.snapshot.plan;
        if plan.narrowing.is_narrowed() || !progress.survey.is_clear() {
            return Self::Keep;
        }
        if plan.remove_unknown {
            return Self::RemoveAll;
        }
        // Accounts and regions that the run did not look at have no ledger where nothing was known before.
        let saw_everything = plan.mode == Mode::Full
            && context.snapshot.is_found_as_before()
            && plan.strategy.excluded_accounts.is_empty()
            && plan.accounts.values().all(|account| account.changing_regions.is_empty())
            && plan.inaccessible.is_empty()
            && context.snapshot.mapping.disabled.is_empty()
            && progress.tally.failed_targets == 0
            && progress.retirement.held_back.is_empty()
            && Judge::new(context, &progress.tally, &progress.retirement).all_kinds_are_confirmed();
        match saw_everything {
            true => Self::RemoveBut(kept_blueprints(context, progress)),
            false => Self::Keep,
        }
    }

    pub fn allows(&self, blueprint: &str) -> bool {
        match self {
            Self::Keep | Self::RemoveBut(KeptBlueprints::All) => false,
            Self::RemoveAll => true,
            Self::RemoveBut(KeptBlueprints::These(kept)) => !kept.contains(blueprint),
        }
    }

    /// For the journal.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::RemoveAll => "no resource gives it; the removal of such entities was asked for",
            Self::Keep | Self::RemoveBut(_) => "no resource gives it; found by a full run",
        }
    }
}

/// What kinds may give of which not every unit was completely read, and what a search query may have led to: that is
/// never deleted.
fn kept_blueprints(context: &StepContext<'_>, progress: &Progress) -> KeptBlueprints {
    let mut kept = BTreeSet::new();
    for entry in &context.snapshot.mapping.entries {
        let kind = entry.kind.name();
        let is_complete = progress.tally.listed.contains(kind)
            && !progress.tally.imperfect.contains(kind)
            && !progress.survey.missed_units.contains_key(kind);
        if is_complete && !entry.template.is_addressed_by_query() {
            continue;
        }
        match entry.template.constant_blueprint() {
            Some(blueprint) => kept.insert(blueprint),
            None => return KeptBlueprints::All,
        };
    }
    KeptBlueprints::These(kept)
}
