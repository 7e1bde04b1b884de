//! The target step: read, map, compare with the ledger, announce, send, confirm. Where its invocation ends first,
//! another one goes on from what the ledger says.

mod pace;
mod sending;
mod unit;

use std::collections::BTreeSet;
use std::time::Duration;

use super::{StepContext, StepError};
use crate::events;
use crate::kinds::Scope;
use crate::ledger::{EntityHash, LedgerFile, Ledgers, Progress, UnitProgress};
use crate::mapping::Entity;
use crate::message::{Message, Step};
use crate::run::{DoneMark, Listing, UnitReport, read_json, write_json};
use crate::seams::{Condition, ListRequest};
use crate::target::Target;
use pace::Pace;

pub(super) use sending::Deferred;

/// Invocations that may follow each other without getting any further, before what they are stuck in counts as failed.
const MOST_HOPS_WITHOUT_PROGRESS: u32 = 4;
/// A kind that AWS throttled is tried again after this long, doubled with each time.
const FIRST_WAIT_FOR_AWS: Duration = Duration::from_secs(15);

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
    /// Invocations before this one that did not get any further.
    hops_without_progress: u32,
    ledgers: Ledgers<'a>,
    file: LedgerFile,
    /// Whether the ledger says anything that the state bucket does not.
    is_changed: bool,
    pace: Pace,
    progress: Progress,
    /// The last progress after which nothing waited to be sent: an invocation that goes on from there misses nothing.
    checkpoint: Progress,
    /// The kinds of which `progress` says something else than `checkpoint`.
    since_checkpoint: BTreeSet<String>,
    /// Whether this invocation got any further than the one before.
    has_moved: bool,
    outgoing: Vec<Outgoing>,
    outgoing_bytes: usize,
    deferred: Vec<Deferred>,
}

/// Brings Port up to date with one target, or as far as this invocation's time allows.
pub(super) async fn sync(
    context: &StepContext<'_>,
    target: &Target,
    hops_without_progress: u32,
) -> Result<(), StepError> {
    let store = context.worker.store.as_ref();
    let plan = &context.snapshot.plan;
    if read_json::<DoneMark>(store, &context.place.done_mark(&plan.run, target)).await?.is_some() {
        events::message_without_effect(&format!("sync {target}"), "its target is done already");
        return Ok(());
    }
    let ledgers = Ledgers { store, place: &context.place };
    let mut file = ledgers.load_for_reading(target, context.snapshot.expects_ledger(target)).await?;
    context
        .worker
        .cloud
        .enter(plan, target)
        .await
        .map_err(|error| StepError::Retry(format!("{target} cannot be entered: {error}")))?;
    // What takes the place of a damaged or lost ledger is written even where the target has nothing.
    let is_new = file.ledger.claims_incomplete;
    let left = file.ledger.progress.take();
    let is_changed = is_new || left.is_some();
    let left = left.filter(|progress| progress.run == plan.run);
    let progress = left.unwrap_or_else(|| Progress::new(plan.run.clone()));
    let deferred = match progress.units.is_empty() {
        true => Vec::new(),
        false => sending::load_deferred(context, target).await?,
    };
    let sync = TargetSync {
        context,
        target,
        hops_without_progress,
        ledgers,
        file,
        is_changed,
        pace: Pace::new(context.deadline),
        checkpoint: progress.clone(),
        progress,
        since_checkpoint: BTreeSet::new(),
        has_moved: false,
        outgoing: Vec::new(),
        outgoing_bytes: 0,
        deferred,
    };
    sync.run().await
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
    async fn run(mut self) -> Result<(), StepError> {
        match self.read().await {
            Ok(throttled) if throttled.is_empty() => self.finish().await,
            Ok(throttled) => {
                let delay = FIRST_WAIT_FOR_AWS * 2u32.pow(self.hops_without_progress.min(MOST_HOPS_WITHOUT_PROGRESS));
                self.hand_on(throttled, "AWS throttles it", delay).await
            }
            Err(Interruption::OutOfTime { kind, what }) => {
                let tries = MOST_HOPS_WITHOUT_PROGRESS + 1;
                let reason = format!("{what}, in {tries} invocations that followed each other");
                self.hand_on(vec![(kind, Listing::Failed(reason))], what, Duration::ZERO).await
            }
            Err(Interruption::Failed(error)) => {
                // Whoever tries again need not do all of it again. Where this fails too, it does.
                let may_keep = !matches!(error, StepError::Overtaken) && (self.is_changed || self.has_moved);
                if may_keep && let Err(second) = self.keep_checkpoint().await {
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
            let is_finished = self.progress.units.get(&kind).is_some_and(|unit| unit.is_finished);
            if is_finished || !snapshot.plan.narrowing.covers_kind(&kind) {
                continue;
            }
            let entries = snapshot.mapping.entries_for(&kind, self.target.region());
            let request = ListRequest { kind, options };
            if let Some(listing) = self.read_unit(&request, &entries).await? {
                throttled.push((request.kind, listing));
            }
        }
        self.flush().await?;
        self.set_checkpoint();
        Ok(throttled)
    }

    /// Every kind was read: what is known of the target is written, and then that it is done.
    async fn finish(mut self) -> Result<(), StepError> {
        self.file.ledger.progress = None;
        if self.is_changed {
            self.save().await?;
        }
        self.write_deferred().await?;
        let mut units: Vec<UnitReport> = self.progress.units.into_values().map(|unit| unit.report).collect();
        for unit in &mut units {
            tell_rewritten_identifiers(unit);
            events::unit_done(self.target, unit);
        }
        let store = self.context.worker.store.as_ref();
        let done_key = self.context.place.done_mark(&self.context.snapshot.plan.run, self.target);
        let mark = DoneMark { target: self.target.clone(), units, failure: None };
        write_json(store, &done_key, &mark, Condition::Always).await?;
        Ok(())
    }

    /// Leaves the rest to another invocation. `stuck` are the kinds that keep the target from being finished, with what
    /// to say of them when trying again is of no use any more: then they fail by themselves, and the others go on.
    async fn hand_on(mut self, stuck: Vec<(String, Listing)>, reason: &str, delay: Duration) -> Result<(), StepError> {
        let mut hops = if self.has_moved { 0 } else { self.hops_without_progress + 1 };
        if hops > MOST_HOPS_WITHOUT_PROGRESS {
            hops = 0;
            for (kind, listing) in stuck {
                let unit = self.checkpoint.units.entry(kind.clone()).or_insert_with(|| UnitProgress::new(&kind));
                unit.is_finished = true;
                unit.report.listing = listing;
            }
        }
        self.keep_checkpoint().await?;
        events::target_continues(self.target, reason, hops, delay.as_secs());
        let step = Step::Sync { target: self.target.clone(), hops_without_progress: hops };
        let message = Message::of_run(&self.context.snapshot.plan, step);
        self.context.worker.queue.send(vec![message.to_body()], delay).await?;
        Ok(())
    }

    /// How far a kind came; to change it.
    fn unit(&mut self, kind: &str) -> &mut UnitProgress {
        if !self.since_checkpoint.contains(kind) {
            self.since_checkpoint.insert(kind.to_owned());
        }
        self.progress.units.entry(kind.to_owned()).or_insert_with(|| UnitProgress::new(kind))
    }

    fn report(&mut self, kind: &str) -> &mut UnitReport {
        &mut self.unit(kind).report
    }

    /// Notes that nothing waits to be sent.
    fn set_checkpoint(&mut self) {
        for kind in std::mem::take(&mut self.since_checkpoint) {
            let Some(unit) = self.progress.units.get(&kind) else { continue };
            let known = self.checkpoint.units.get(&kind);
            let is_further =
                known.is_none_or(|known| known.cursor != unit.cursor || known.is_finished != unit.is_finished);
            self.has_moved |= is_further && (unit.is_finished || unit.cursor.is_some());
            self.checkpoint.units.insert(kind, unit.clone());
        }
    }

    /// Writes how far the target came, for whoever goes on with it.
    async fn keep_checkpoint(&mut self) -> Result<(), StepError> {
        self.write_deferred().await?;
        self.save_unfinished().await
    }

    /// Writes the ledger with the last checkpoint.
    async fn save_unfinished(&mut self) -> Result<(), StepError> {
        let has_begun = !self.checkpoint.units.is_empty();
        self.file.ledger.progress = has_begun.then(|| self.checkpoint.clone());
        self.save().await?;
        // It says that the target is not finished.
        self.is_changed = true;
        Ok(())
    }

    async fn save(&mut self) -> Result<(), StepError> {
        let clock = self.context.worker.clock.as_ref();
        let begun = clock.now();
        self.ledgers.save(&mut self.file).await?;
        self.pace.note_save(Duration::try_from(clock.now() - begun).unwrap_or_default());
        self.is_changed = false;
        Ok(())
    }
}
