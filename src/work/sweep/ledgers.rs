//! Going through the ledgers, each with what the run says about its target, and a few at once.

use std::collections::VecDeque;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;

use super::READS_AT_ONCE;
use super::judge::{Judge, TargetJudge};
use super::marks::read_mark;
use crate::ledger::{Ledger, LedgerError, LedgerFile, Ledgers};
use crate::target::Target;
use crate::work::StepError;

/// Resources that ledgers in memory may have together, about; a worker has memory for some hundred thousand.
const RESOURCES_AT_ONCE: usize = 300_000;
/// What a ledger is taken for before any was read.
const FIRST_GUESS: usize = RESOURCES_AT_ONCE / 4;

/// A target that has a ledger, or should have one.
#[derive(Clone)]
pub struct LedgerTarget {
    pub target: Target,
    pub has_ledger: bool,
    /// Whether its ledger was begun since the last run wrote down which there are.
    pub is_new: bool,
}

/// What was found of a target.
pub struct Looked<'a> {
    pub target: Target,
    pub ledger: Found,
    pub judge: TargetJudge<'a>,
}

pub enum Found {
    Ledger(LedgerFile),
    /// It is damaged, or newer.
    Unreadable(LedgerError),
    /// The last run left one, or this one made one, and it is not there.
    Lost,
}

/// The ledgers of some targets, in their order.
pub struct LedgerStream<'a> {
    judge: &'a Judge<'a>,
    waiting: VecDeque<LedgerTarget>,
    in_flight: FuturesOrdered<BoxFuture<'a, Result<Looked<'a>, StepError>>>,
    largest: usize,
}

impl<'a> LedgerStream<'a> {
    /// The ledgers of those targets that come after one.
    pub fn new(judge: &'a Judge<'a>, targets: &[LedgerTarget], after: Option<&Target>) -> Self {
        let open = targets.iter().filter(|item| after.is_none_or(|after| item.target > *after));
        Self { judge, waiting: open.cloned().collect(), in_flight: FuturesOrdered::new(), largest: FIRST_GUESS }
    }

    /// The next one; none after the last.
    ///
    /// # Errors
    /// When the state bucket fails. A ledger that cannot be understood is no error.
    pub async fn next(&mut self) -> Option<Result<Looked<'a>, StepError>> {
        // As many as memory takes, if all were as large as the largest so far.
        let at_once = (RESOURCES_AT_ONCE / self.largest.max(1)).clamp(1, READS_AT_ONCE);
        while self.in_flight.len() < at_once
            && let Some(item) = self.waiting.pop_front()
        {
            self.in_flight.push_back(Box::pin(look(self.judge, item)));
        }
        let looked = self.in_flight.next().await?;
        if let Ok(Looked { ledger: Found::Ledger(file), .. }) = &looked {
            let resources = file.ledger.units.values().map(|unit| unit.len()).sum();
            self.largest = if self.largest == FIRST_GUESS { resources } else { self.largest.max(resources) };
        }
        Some(looked)
    }
}

async fn look<'a>(judge: &'a Judge<'a>, item: LedgerTarget) -> Result<Looked<'a>, StepError> {
    let context = judge.context;
    let target = item.target;
    let ledgers = Ledgers { store: context.worker.store.as_ref(), place: &context.place };
    let file = match ledgers.load(&target).await {
        Ok(file) => file,
        Err(error @ LedgerError::Format { .. }) => {
            let judge = judge.target(target.clone(), &Ledger::default(), None);
            return Ok(Looked { target, ledger: Found::Unreadable(error), judge });
        }
        Err(error) => return Err(error.into()),
    };
    // It was expected and not listed, or vanished since.
    if !file.is_there() {
        let mark = read_mark(context, &target).await?;
        let judge = judge.target(target.clone(), &Ledger::default(), mark);
        return Ok(Looked { target, ledger: Found::Lost, judge });
    }
    let mark = match judge.needs_mark(&target, &file.ledger) {
        true => read_mark(context, &target).await?,
        false => None,
    };
    let judge = judge.target(target.clone(), &file.ledger, mark);
    Ok(Looked { target, ledger: Found::Ledger(file), judge })
}
