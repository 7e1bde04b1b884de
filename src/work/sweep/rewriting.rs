//! Writing the ledgers that a stage of the sweep has changed, several at once: one after the other, those of tens of
//! thousands of targets would take hours.

use futures::future::try_join_all;

use crate::ledger::{LedgerFile, Ledgers};
use crate::run::Phase;
use crate::work::{StepContext, StepError};

const WRITES_AT_ONCE: usize = 16;
/// Resources that ledgers which wait to be written may have together, about: they are in memory.
const MOST_RESOURCES: usize = 100_000;

/// Changed ledgers that are not written yet.
#[derive(Default)]
pub struct Rewriting {
    waiting: Vec<LedgerFile>,
    resources: usize,
}

impl Rewriting {
    /// Takes a ledger, and writes it as soon as there are enough. Whoever is through writes the rest.
    pub async fn add(&mut self, context: &StepContext<'_>, file: LedgerFile) -> Result<(), StepError> {
        self.resources += file.ledger.units.values().map(|unit| unit.len()).sum::<usize>();
        self.waiting.push(file);
        if self.waiting.len() < WRITES_AT_ONCE && self.resources < MOST_RESOURCES {
            return Ok(());
        }
        self.write(context).await
    }

    /// Writes all that wait. Where one cannot be written, the stage is repeated.
    pub async fn write(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
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
