//! Changing ledgers: going through them, and writing those that are changed several at once. One after the other, those
//! of tens of thousands of targets would take hours.

use futures::future::try_join_all;

use super::Flow;
use super::judge::{Judge, TargetJudge};
use super::ledgers::{Found, LedgerStream, LedgerTarget, Looked};
use super::pace::Pace;
use crate::ledger::{Ledger, LedgerFile, Ledgers};
use crate::run::Phase;
use crate::target::Target;
use crate::work::{StepContext, StepError};

const WRITES_AT_ONCE: usize = 16;
/// Resources that ledgers which wait to be written may have together, about: they are in memory.
const MOST_RESOURCES: usize = 100_000;

/// Goes through the ledgers of those targets that come after one, and writes those of which `change` says that they are
/// to be written. What cannot be read is left alone. `after` is the last target that this is through with.
///
/// # Errors
/// When the state bucket fails, or somebody else has a ledger now: then the stage is repeated.
pub async fn rewrite<'a>(
    judge: &'a Judge<'a>,
    pace: &mut Pace,
    targets: &[LedgerTarget],
    after: &mut Option<Target>,
    mut change: impl FnMut(&Target, &mut Ledger, &TargetJudge<'a>) -> bool,
) -> Result<Flow, StepError> {
    let context = judge.context;
    let mut ledgers = LedgerStream::new(judge, targets, after.as_ref());
    let mut changed = Changed::default();
    while let Some(looked) = ledgers.next().await {
        let Looked { target, ledger, judge } = looked?;
        if let Found::Ledger(mut file) = ledger
            && change(&target, &mut file.ledger, &judge)
        {
            changed.add(context, file).await?;
        }
        *after = Some(target);
        if pace.is_over(context) {
            changed.write(context).await?;
            return Ok(Flow::TimeIsOver);
        }
    }
    changed.write(context).await?;
    Ok(Flow::GoesOn)
}

/// Changed ledgers that are not written yet.
#[derive(Default)]
struct Changed {
    waiting: Vec<LedgerFile>,
    resources: usize,
}

impl Changed {
    /// Takes a ledger, and writes it as soon as there are enough.
    async fn add(&mut self, context: &StepContext<'_>, file: LedgerFile) -> Result<(), StepError> {
        self.resources += file.ledger.units.values().map(|unit| unit.len()).sum::<usize>();
        self.waiting.push(file);
        if self.waiting.len() < WRITES_AT_ONCE && self.resources < MOST_RESOURCES {
            return Ok(());
        }
        self.write(context).await
    }

    /// Writes all that wait.
    async fn write(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        // What was loaded may have been written by a newer run already.
        context.check_current(|phase| phase == Phase::Sweeping).await?;
        let ledgers = Ledgers { store: context.worker.store.as_ref(), place: &context.place };
        let writes = self.waiting.iter_mut().map(|file| ledgers.save(file));
        try_join_all(writes).await?;
        *self = Self::default();
        Ok(())
    }
}
