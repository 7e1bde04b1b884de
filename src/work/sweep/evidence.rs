//! What a run knows when it is swept: all ledgers, and what became of each unit.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt, stream};

use crate::kinds::Reader;
use crate::ledger::{Entry, LedgerError, LedgerFile, Ledgers, State};
use crate::run::{DoneMark, Known, UnitReport, read_json};
use crate::seams::EntityKey;
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// State objects that are read at the same time: an organization has thousands of them.
const READS_AT_ONCE: usize = 16;

/// What a run knows when it is swept.
pub struct Evidence {
    pub ledgers: BTreeMap<Target, LedgerFile>,
    pub done: BTreeMap<Target, DoneMark>,
    /// Targets whose ledger does not tell all of its claims: damaged or lost, and not completely read since.
    pub unclear_ledgers: Vec<(Target, String)>,
    /// Targets that had a ledger after the last run and have none now, although nobody emptied it.
    pub lost_ledgers: BTreeSet<Target>,
    changed: BTreeSet<Target>,
}

/// An entry, with where it lies.
pub struct Located<'a> {
    pub target: &'a Target,
    pub kind: &'a str,
    pub resource: &'a str,
    pub entry: &'a Entry,
}

impl Evidence {
    pub async fn gather(context: &StepContext<'_>) -> Result<Self, StepError> {
        let store = context.worker.store.as_ref();
        let ledgers = Ledgers { store, place: &context.place };
        let mut evidence = Self {
            ledgers: BTreeMap::new(),
            done: BTreeMap::new(),
            unclear_ledgers: Vec::new(),
            lost_ledgers: BTreeSet::new(),
            changed: BTreeSet::new(),
        };
        let found = ledgers.targets().await?;
        let load = |target: Target| async move {
            let file = ledgers.load(&target).await;
            (target, file)
        };
        let mut loaded = stream::iter(found).map(load).buffered(READS_AT_ONCE);
        while let Some((target, file)) = loaded.next().await {
            match file {
                Ok(file) => {
                    evidence.ledgers.insert(target, file);
                }
                Err(error @ LedgerError::Format { .. }) => evidence.unclear_ledgers.push((target, error.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        let run = &context.snapshot.plan.run;
        let keys: Vec<String> =
            context.snapshot.plan.targets.iter().map(|target| context.place.done_mark(run, target)).collect();
        let read = |key: String| async move { read_json::<DoneMark>(store, &key).await };
        let mut marks = stream::iter(keys).map(read).buffered(READS_AT_ONCE);
        while let Some(mark) = marks.next().await {
            if let Some((mark, _)) = mark? {
                evidence.done.insert(mark.target.clone(), mark);
            }
        }
        evidence.settle_damage(context);
        evidence.find_lost_ledgers(context).await?;
        Ok(evidence)
    }

    /// A ledger that was damaged or lost is whole again once everything that could be in it was read and accepted.
    fn settle_damage(&mut self, context: &StepContext<'_>) {
        let incomplete = self.ledgers.iter().filter(|(_, file)| file.ledger.claims_incomplete);
        let incomplete: Vec<Target> = incomplete.map(|(target, _)| target.clone()).collect();
        for target in incomplete {
            if !self.tells_all_claims(context, &target) {
                let reason = "it was damaged or lost, and its target was not completely read since".to_owned();
                self.unclear_ledgers.push((target, reason));
                continue;
            }
            if let Some(file) = self.ledgers.get_mut(&target) {
                file.ledger.claims_incomplete = false;
            }
            self.changed.insert(target);
        }
    }

    /// Whether the run has seen everything that a target can claim.
    fn tells_all_claims(&self, context: &StepContext<'_>, target: &Target) -> bool {
        let Some(mark) = self.done.get(target) else { return false };
        let is_whole = mark.failure.is_none() && self.unconfirmed_kinds(context).is_empty();
        is_whole && context.snapshot.tells_all_claims(mark.units.iter())
    }

    /// Kinds of the mapping that may be misspelt: without a reader of their own, and listed nowhere in this run. What
    /// they should have been is not read, and has not left the mapping.
    ///
    /// That AWS says so (type not found) is not asked for: where the role may not list, it says nothing. Nor does it
    /// tell against a kind that was listed elsewhere: some types are in a few regions only.
    pub fn unconfirmed_kinds<'a>(&self, context: &'a StepContext<'_>) -> BTreeSet<&'a str> {
        let units = self.done.values().flat_map(|mark| &mark.units);
        let listed: BTreeSet<&str> =
            units.filter(|unit| unit.listing.is_complete()).map(|unit| unit.kind.as_str()).collect();
        let readers = context.snapshot.mapping.entries.iter().map(|entry| &entry.kind);
        let others = readers.filter(|reader| matches!(reader, Reader::CloudControl(_)));
        others.map(Reader::name).filter(|kind| !listed.contains(kind)).collect()
    }

    /// A ledger that vanished has claims that nobody knows, until its target was read to the end.
    async fn find_lost_ledgers(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        let Some((known, _)) = read_json::<Known>(context.worker.store.as_ref(), &context.place.known()).await? else {
            return Ok(());
        };
        for target in known.ledgers {
            let is_unclear = self.unclear_ledgers.iter().any(|(unclear, _)| *unclear == target);
            let is_there = self.ledgers.contains_key(&target);
            if !is_there && !is_unclear && !self.tells_all_claims(context, &target) {
                self.lost_ledgers.insert(target);
            }
        }
        Ok(())
    }

    /// All targets that have a ledger with entities of ours, or should have one.
    pub fn targets(&self) -> BTreeSet<&Target> {
        let has_own = |file: &LedgerFile| file.ledger.entries().any(|(_, _, entry)| entry.may_become_stale());
        let with_own = self.ledgers.iter().filter(|(_, file)| has_own(file)).map(|(target, _)| target);
        let unclear = self.unclear_ledgers.iter().map(|(target, _)| target);
        with_own.chain(unclear).chain(&self.lost_ledgers).collect()
    }

    /// Every entry of every ledger.
    pub fn entries(&self) -> impl Iterator<Item = Located<'_>> {
        self.ledgers.iter().flat_map(|(target, file)| {
            file.ledger.entries().map(move |(kind, resource, entry)| Located { target, kind, resource, entry })
        })
    }

    /// The report of a unit, if its target came that far.
    pub fn unit(&self, target: &Target, kind: &str) -> Option<&UnitReport> {
        self.done.get(target)?.units.iter().find(|unit| unit.kind == kind)
    }

    pub fn targets_with_ledger(&self) -> BTreeSet<Target> {
        let with_entries =
            self.ledgers.iter().filter(|(_, file)| !file.ledger.is_empty()).map(|(target, _)| target.clone());
        with_entries.chain(self.unclear_ledgers.iter().map(|(target, _)| target.clone())).collect()
    }

    /// Lets the next run send entities again.
    pub fn make_unsure(&mut self, entities: &BTreeSet<EntityKey>) {
        for (target, file) in &mut self.ledgers {
            for entry in file.ledger.entries_mut() {
                if entities.contains(&entry.entity) && matches!(entry.state, State::Sent(_)) {
                    entry.state = State::Unsure;
                    self.changed.insert(target.clone());
                }
            }
        }
    }

    /// Removes entries from the ledgers.
    pub fn remove_entries(&mut self, mut is_gone: impl FnMut(&Target, &str, &str, &Entry) -> bool) {
        for (target, file) in &mut self.ledgers {
            if file.ledger.remove(|kind, resource, entry| is_gone(target, kind, resource, entry)) > 0 {
                self.changed.insert(target.clone());
            }
        }
    }

    pub fn note_change(&mut self, target: &Target) {
        self.changed.insert(target.clone());
    }

    /// Writes the ledgers that changed, and only those.
    pub async fn save_changed_ledgers(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        let ledgers = Ledgers { store: context.worker.store.as_ref(), place: &context.place };
        for target in std::mem::take(&mut self.changed) {
            if let Some(file) = self.ledgers.get_mut(&target) {
                ledgers.save(file).await?;
            }
        }
        Ok(())
    }
}
