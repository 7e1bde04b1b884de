//! The sweep: the last step of a run, and the only one that deletes.
//!
//! It waits for all targets (or the deadline), and then goes through stages: sums up what became of the targets, sends
//! again what waited for something, finds what may go, decides, deletes, brings the ledgers in line with Port, and
//! reports. An organization may have tens of thousands of targets and millions of entities: each stage streams over
//! them with bounded memory, and goes on in another invocation where the time of one does not suffice.
//!
//! Every part can be repeated: a sweep that dies is continued from where it last wrote down that it was, and comes to
//! the same end. It writes that before the first thing that would make it judge differently. Of two sweeps at the same
//! time, one finds that the other wrote, and stops.

mod announce;
mod candidates;
mod claims;
mod collisions;
mod decide;
mod deferred;
mod delete;
mod fingerprints;
mod held_back;
mod journal;
mod judge;
mod ledgers;
mod marks;
mod missing;
mod pace;
mod parts;
mod phases;
mod port_list;
mod progress;
mod remember;
mod repair;
mod report;
mod retired;
mod rewriting;
mod settle;
mod survey;
mod told;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{StepContext, StepError};
use crate::events;
use crate::ledger::Ledgers;
use crate::message::{Message, Step};
use crate::run::{Known, ledgers_begun_by, read_json};
use crate::seams::{RunReport, Version};
use crate::target::Target;
use ledgers::LedgerTarget;
use pace::Pace;
use progress::{Progress, Stage};

/// State objects that are read at the same time: an organization has tens of thousands of them.
const READS_AT_ONCE: usize = 16;

/// Whether a stage goes on, to its end or to the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    GoesOn,
    /// The invocation is nearly over.
    TimeIsOver,
    /// The pass has come to its end.
    IsOver,
}

/// A sweep at work in one invocation.
struct Sweep<'a> {
    context: &'a StepContext<'a>,
    pace: Pace,
    progress: Progress,
    /// What the progress lies in the state bucket as; none while it is only in memory.
    saved: Option<(Version, Stage)>,
    relations: Relations,
    targets: Option<Arc<Vec<LedgerTarget>>>,
    known: Option<Option<Known>>,
}

/// Blueprints with the blueprints that they relate to by the relations' names, as far as they were needed.
#[derive(Default)]
struct Relations(BTreeMap<String, BTreeMap<String, String>>);

impl Relations {
    async fn of(&mut self, context: &StepContext<'_>, blueprint: &str) -> Result<&BTreeMap<String, String>, StepError> {
        if !self.0.contains_key(blueprint) {
            let found = context.worker.catalog.relations(blueprint).await?.unwrap_or_default();
            self.0.insert(blueprint.to_owned(), found.into_iter().collect());
        }
        Ok(self.0.entry(blueprint.to_owned()).or_default())
    }
}

/// Ends a run, or goes on later.
pub(super) async fn sweep(context: &StepContext<'_>, polls: u32) -> Result<(), StepError> {
    if context.current.phase.is_before_sweep() {
        repair::send_messages(context).await?;
        if phases::waits(context, polls).await? {
            return Ok(());
        }
    }
    context.check_organization().await?;
    phases::begin(context).await?;
    let mut sweep = Sweep::resume(context).await?;
    match sweep.run().await {
        Ok(Flow::TimeIsOver) => sweep.hand_on(polls).await,
        Ok(Flow::GoesOn | Flow::IsOver) => Ok(()),
        // A limit of Port: what was done until then is not done again.
        Err(error @ StepError::RetryAfter { .. }) => {
            sweep.save().await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

impl<'a> Sweep<'a> {
    async fn resume(context: &'a StepContext<'a>) -> Result<Self, StepError> {
        // Also where this one has only just begun: another sweep may have begun at the same moment.
        let (progress, saved) = match Progress::load(context).await? {
            Some((progress, version)) => {
                let stage = progress.stage;
                (progress, Some((version, stage)))
            }
            None => (Progress::default(), None),
        };
        let (relations, targets, known) = (Relations::default(), None, None);
        Ok(Self { context, pace: Pace::of(context), progress, saved, relations, targets, known })
    }

    async fn run(&mut self) -> Result<Flow, StepError> {
        loop {
            let flow = match self.progress.stage {
                Stage::Marks => marks::read(self).await?,
                Stage::Deferred => deferred::send_again(self).await?,
                Stage::RefusedMarks => marks::read_refused(self).await?,
                Stage::Missing => retired::find_missing(self).await?,
                Stage::Standing => retired::judge(self).await?,
                Stage::Survey => survey::look(self).await?,
                Stage::Collisions => collisions::find(self).await?,
                Stage::List => port_list::read_before(self).await?,
                Stage::Repair => repair::reopen(self).await?,
                Stage::Claims => claims::compare(self).await?,
                Stage::Decide => decide::decide(self).await?,
                Stage::Announce => announce::announce(self).await?,
                Stage::Delete => delete::delete(self).await?,
                Stage::ListAgain => port_list::read_after(self).await?,
                Stage::Settle => settle::settle(self).await?,
                Stage::Remember => remember::remember(self).await?,
                Stage::Remove => settle::remove_emptied(self).await?,
                Stage::Report => {
                    let summary = report::summarize(self).await?;
                    phases::end(self.context, &summary).await?;
                    Flow::IsOver
                }
            };
            if flow != Flow::GoesOn {
                return Ok(flow);
            }
            if self.pace.is_over(self.context) {
                return Ok(Flow::TimeIsOver);
            }
        }
    }

    /// Enters the next stage, if the one before came to its end.
    fn enter_after(&mut self, flow: Flow, next: Stage) -> Flow {
        if flow == Flow::GoesOn {
            self.progress.stage = next;
            self.progress.after = None;
        }
        flow
    }

    /// Writes down where the sweep is, unless it has done so in this stage: what comes next changes what it would find
    /// if it began anew.
    async fn secure(&mut self) -> Result<(), StepError> {
        let is_secured = self.saved.as_ref().is_some_and(|(_, stage)| *stage == self.progress.stage);
        if is_secured { Ok(()) } else { self.save().await }
    }

    async fn save(&mut self) -> Result<(), StepError> {
        let before = self.saved.as_ref().map(|(version, _)| version);
        let version = self.progress.save(self.context, before).await?;
        self.saved = Some((version, self.progress.stage));
        Ok(())
    }

    /// Goes on in another invocation.
    async fn hand_on(&mut self, polls: u32) -> Result<(), StepError> {
        self.save().await?;
        let plan = &self.context.snapshot.plan;
        let message = Message::of_run(plan, Step::Sweep { polls });
        self.context.worker.queue.send(vec![message.to_body()], Duration::ZERO).await?;
        // Port takes a sync without a sign of life for aborted, after some ten minutes; an invocation has five.
        self.context.worker.catalog.report(RunReport::StillRunning(plan)).await;
        events::sweep_continues(plan, &format!("{:?}", self.progress.stage));
        Ok(())
    }

    /// The targets that have a ledger, or should have one, in their order. Not to be asked for before all done marks
    /// are summed up.
    async fn ledger_targets(&mut self) -> Result<Arc<Vec<LedgerTarget>>, StepError> {
        if let Some(targets) = &self.targets {
            return Ok(targets.clone());
        }
        let (store, place) = (self.context.worker.store.as_ref(), &self.context.place);
        let plan = &self.context.snapshot.plan;
        let mut begun = plan.unremembered.all(store, place).await?;
        begun.extend(ledgers_begun_by(store, place, &plan.run).await?);
        let mut expected = self.known().await?.map(|known| known.ledgers.clone()).unwrap_or_default();
        let new: BTreeSet<Target> = begun.difference(&expected).cloned().collect();
        expected.extend(begun);
        expected.extend(self.progress.tally.with_entities.iter().cloned());
        let ledgers = Ledgers { store, place };
        let found: BTreeSet<Target> = ledgers.targets().await?.into_iter().collect();
        let all = found.union(&expected);
        let all = all.map(|target| LedgerTarget {
            target: target.clone(),
            has_ledger: found.contains(target),
            is_new: new.contains(target),
        });
        let targets = Arc::new(all.collect::<Vec<_>>());
        self.targets = Some(targets.clone());
        Ok(targets)
    }

    /// Those of some targets that have a ledger.
    async fn listed(&mut self, targets: &BTreeSet<Target>) -> Result<Vec<LedgerTarget>, StepError> {
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let all = self.ledger_targets().await?;
        Ok(all.iter().filter(|item| item.has_ledger && targets.contains(&item.target)).cloned().collect())
    }

    /// What the last run left for this one.
    async fn known(&mut self) -> Result<Option<&Known>, StepError> {
        if self.known.is_none() {
            let found = read_json::<Known>(self.context.worker.store.as_ref(), &self.context.place.known()).await?;
            self.known = Some(found.map(|(known, _)| known));
        }
        Ok(self.known.as_ref().and_then(Option::as_ref))
    }
}
