//! The target step: read, map, compare with the ledger, announce, send, confirm. Where its invocation ends first,
//! another one goes on from what the ledger says.

mod headway;
mod pace;
mod sending;
mod unit;

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use time::OffsetDateTime;

use super::{StepContext, StepError};
use crate::events;
use crate::kinds::Scope;
use crate::ledger::{EntityHash, LedgerFile, Ledgers, Progress};
use crate::mapping::Entity;
use crate::message::{Message, Step};
use crate::run::{DoneMark, Listing, StateError, UnitReport, mark_begun_ledger, read_json, write_json};
use crate::seams::{Clock, Condition, ListRequest, StoreError};
use crate::target::Target;
use headway::Headway;
use pace::Pace;

pub(super) use sending::Deferred;

/// Invocations that may follow each other without getting any further, before what they are stuck in counts as failed.
const MOST_HOPS_WITHOUT_PROGRESS: u32 = 4;
/// A kind that AWS throttled is tried again after this long, doubled with each time.
const FIRST_WAIT_FOR_AWS: Duration = Duration::from_secs(15);

/// What failed after the target had got further is tried again after this long.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(10);

/// An entity that differs from what Port is known to hold.
struct Outgoing {
    kind: String,
    resource: String,
    entity: Entity,
    hash: EntityHash,
}

/// What kept a target from being finished in this invocation.
enum Interruption {
    /// The invocation ends before more can be done of the kind; in words, what there was no time for.
    OutOfTime {
        kind: String,
        what: &'static str,
    },
    Failed(StepError),
}

impl<E: Into<StepError>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

struct TargetSync<'a> {
    context: &'a StepContext<'a>,
    target: &'a Target,
    ledgers: Ledgers<'a>,
    file: LedgerFile,
    /// Whether the ledger says anything that the state bucket does not.
    is_changed: bool,
    /// Whether everybody knows that the target must have a ledger from now on.
    is_expected: bool,
    /// Whether this invocation wrote the ledger, and so has the target.
    has_saved: bool,
    pace: Pace,
    headway: Headway,
    outgoing: Vec<Outgoing>,
    outgoing_bytes: usize,
    deferred: Vec<Deferred>,
    has_new_deferred: bool,
}

/// Brings Port up to date with one target, or as far as this invocation's time allows.
pub(super) async fn sync(context: &StepContext<'_>, target: &Target) -> Result<(), StepError> {
    let store = context.worker.store.as_ref();
    let clock = context.worker.clock.as_ref();
    if read_json::<DoneMark>(store, &context.done_mark_key(target)).await?.is_some() {
        events::message_without_effect(&format!("sync {target}"), "its target is done already");
        return Ok(());
    }
    let begun = clock.now();
    let outcome = work_on(context, target, begun).await;
    let mark = outcome.as_ref().ok().and_then(Option::as_ref);
    events::target_worked_on(&context.snapshot.plan.run, target, took_since(clock, begun), mark);
    outcome.map(drop)
}

/// Gives the done mark, if the target is done and nobody else was through with it first.
async fn work_on(
    context: &StepContext<'_>,
    target: &Target,
    invocation_began: OffsetDateTime,
) -> Result<Option<DoneMark>, StepError> {
    let store = context.worker.store.as_ref();
    let clock = context.worker.clock.as_ref();
    let plan = &context.snapshot.plan;
    let ledgers = Ledgers { store, place: &context.place };
    let mut file = ledgers.load_for_reading(target).await?;
    let loading_took = took_since(clock, invocation_began);
    context
        .worker
        .cloud
        .enter(plan, target)
        .await
        .map_err(|error| StepError::Retry(format!("{target} cannot be entered: {error}")))?;
    let left = file.ledger.progress.take();
    // What takes the place of a damaged ledger is written even where the target has nothing, and one without a mark is
    // written once more, to get it.
    let is_expected = context.snapshot.remembers_ledger(target);
    let is_unmarked = !is_expected && !file.ledger.units.is_empty();
    let is_changed = file.ledger.claims_incomplete || left.is_some() || is_unmarked;
    let left = left.filter(|progress| progress.run == plan.run);
    let deferred = match &left {
        Some(_) => sending::load_deferred(context, target).await?,
        None => Vec::new(),
    };
    let headway = Headway::from(left.unwrap_or_else(|| Progress::new(plan.run.clone())));
    let mut pace = Pace::new(invocation_began, context.deadline, headway.hops_before());
    // Writing it will take about as long.
    pace.note_save(loading_took);
    let mut sync = TargetSync {
        context,
        target,
        ledgers,
        file,
        is_changed,
        is_expected,
        has_saved: false,
        pace,
        headway,
        outgoing: Vec::new(),
        outgoing_bytes: 0,
        deferred,
        has_new_deferred: false,
    };
    if !sync.file.is_there() && context.expects_ledger(target).await? {
        sync.note_lost_ledger();
    }
    sync.run().await
}

fn took_since(clock: &dyn Clock, begun: OffsetDateTime) -> Duration {
    // A clock that was set back took no time.
    Duration::try_from(clock.now() - begun).unwrap_or_default()
}

fn tell_rewritten_identifiers(unit: &mut UnitReport) {
    for (index, count) in std::mem::take(&mut unit.rewritten_identifiers) {
        unit.tell(format!("resources[{index}]: {count} identifiers with characters that Port rejects were rewritten"));
    }
}

/// The scope of the kinds that a target has.
pub(super) fn scope_of(target: &Target) -> Scope {
    match target {
        Target::Organization => Scope::Organization,
        Target::Global { .. } => Scope::Global,
        Target::Region { .. } => Scope::Regional,
    }
}

impl TargetSync<'_> {
    async fn run(mut self) -> Result<Option<DoneMark>, StepError> {
        match self.read().await {
            Ok(throttled) if throttled.is_empty() => self.finish().await,
            Ok(throttled) => {
                let delay = FIRST_WAIT_FOR_AWS * 2u32.pow(self.headway.hops_before().min(MOST_HOPS_WITHOUT_PROGRESS));
                self.hand_on(throttled, "AWS throttles it", delay).await
            }
            Err(Interruption::OutOfTime { kind, what }) => {
                let tries = MOST_HOPS_WITHOUT_PROGRESS + 1;
                let reason = format!("{what}, in {tries} invocations that followed each other");
                self.hand_on(vec![(kind, Listing::Failed(reason))], what, Duration::ZERO).await
            }
            // It got further, and so this is no failure of the message: a new one is received for the first time.
            Err(Interruption::Failed(StepError::Retry(reason))) if self.headway.has_moved => {
                self.hand_on(Vec::new(), &reason, WAIT_AFTER_FAILURE).await
            }
            Err(Interruption::Failed(error)) => {
                // Whoever tries again need not do all of it again. Where this fails too, it does.
                let has_target = !matches!(error, StepError::Overtaken | StepError::Fenced(_));
                if has_target
                    && (self.is_changed || self.headway.has_moved)
                    && let Err(second) = self.save_unfinished(self.headway.hops_before()).await
                {
                    events::progress_not_kept(self.target, &second);
                }
                Err(error)
            }
        }
    }

    /// Reads all kinds. Gives those that AWS throttled and that are to be tried again later, with what to say of them
    /// when that is of no use either.
    async fn read(&mut self) -> Result<Vec<(String, Listing)>, Interruption> {
        let snapshot = self.context.snapshot.clone();
        let kinds = snapshot.mapping.kinds_of(scope_of(self.target), self.target.region());
        let mut throttled = Vec::new();
        for (kind, options) in kinds {
            if self.headway.is_finished(&kind) || !snapshot.plan.narrowing.covers_kind(&kind) {
                continue;
            }
            let entries = snapshot.mapping.entries_for(&kind, self.target.region());
            let request = ListRequest { kind, options };
            if let Some(listing) = self.read_unit(&request, &entries).await? {
                throttled.push((request.kind, listing));
            }
        }
        self.flush().await?;
        self.headway.keep();
        Ok(throttled)
    }

    /// Every kind was read: what is known of the target is written, and then that it is done.
    async fn finish(mut self) -> Result<Option<DoneMark>, StepError> {
        self.file.ledger.progress = None;
        if self.is_changed {
            self.save().await?;
        }
        self.write_deferred().await?;
        let mut units: Vec<UnitReport> = self.headway.into_units().map(|unit| unit.report).collect();
        for unit in &mut units {
            tell_rewritten_identifiers(unit);
            events::unit_done(self.target, unit);
        }
        let store = self.context.worker.store.as_ref();
        let key = self.context.done_mark_key(self.target);
        let mark = DoneMark { target: self.target.clone(), units, failure: None };
        // Who wrote nothing was not fenced off either: another worker may have found more, and its word stands.
        let condition = if self.has_saved { Condition::Always } else { Condition::Absent };
        match write_json(store, &key, &mark, condition).await {
            Ok(_) => Ok(Some(mark)),
            Err(StateError::Store(StoreError::Conflict { .. })) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves the rest to another invocation. `stuck` are the kinds that keep the target from being finished, with what
    /// to say of them when trying again is of no use any more: then they fail by themselves, and the others go on.
    async fn hand_on(
        mut self,
        stuck: Vec<(String, Listing)>,
        reason: &str,
        delay: Duration,
    ) -> Result<Option<DoneMark>, StepError> {
        let mut hops = self.headway.hops_without_progress();
        if hops > MOST_HOPS_WITHOUT_PROGRESS {
            hops = 0;
            for (kind, listing) in stuck {
                self.headway.give_up(&kind, listing);
            }
        }
        self.save_unfinished(hops).await?;
        events::target_continues(self.target, reason, hops, delay.as_secs());
        let message = Message::of_run(&self.context.snapshot.plan, Step::Sync { target: self.target.clone() });
        self.context.worker.queue.send(vec![message.to_body()], delay).await?;
        Ok(None)
    }

    /// What takes the place of a lost ledger says so, even where the target has nothing.
    fn note_lost_ledger(&mut self) {
        events::ledger_lost(self.target);
        self.file.ledger.claims_incomplete = true;
        self.is_changed = true;
    }

    fn report(&mut self, kind: &str) -> &mut UnitReport {
        &mut self.headway.unit_mut(kind).report
    }

    /// Writes the ledger, with where whoever gets the target next goes on.
    async fn save_unfinished(&mut self, hops_without_progress: u32) -> Result<(), StepError> {
        self.file.ledger.progress = self.headway.written(hops_without_progress);
        self.save().await?;
        // It says that the target is not finished.
        self.is_changed = true;
        // After it: only who has the target may.
        self.write_deferred().await
    }

    async fn save(&mut self) -> Result<(), StepError> {
        let clock = self.context.worker.clock.as_ref();
        let begun = clock.now();
        let begins = !self.is_expected && !self.file.ledger.units.is_empty();
        if begins && !self.file.is_there() && self.context.has_begun_ledger(self.target).await? {
            self.note_lost_ledger();
        }
        self.ledgers.save(&mut self.file).await?;
        // After the ledger, or one that could not be written would pass for lost; and nothing was sent yet.
        if begins {
            let run = &self.context.snapshot.plan.run;
            mark_begun_ledger(self.ledgers.store, self.ledgers.place, run, self.target).await?;
            self.is_expected = true;
        }
        self.pace.note_save(took_since(clock, begun));
        self.is_changed = false;
        self.has_saved |= !self.file.ledger.is_empty();
        Ok(())
    }

    /// Does something for as long as there is time. None where that was not enough.
    async fn within<T>(&self, time: Duration, work: impl Future<Output = T>) -> Option<T> {
        match select(pin!(work), pin!(self.context.worker.clock.sleep(time))).await {
            Either::Left((result, _)) => Some(result),
            Either::Right(_) => None,
        }
    }
}
