//! How many calls go to a service at once, and how fast one follows the other: as many as the service bears.
//!
//! A refusal halves the number of calls in flight, and at one call makes the interval between calls longer. A row of
//! answers takes a step back. Nobody knows the quotas of all services, and others use them up too: so this follows what
//! the service says.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::quotas::Quota;

/// Answers in a row after which one more call may be in flight.
const ANSWERS_FOR_ANOTHER_CALL: u32 = 20;
/// Answers in a row after which the interval gets shorter. Fewer, since they come more slowly: what slowed a service down
/// may be over.
const ANSWERS_FOR_A_SHORTER_INTERVAL: u32 = 8;
/// Between calls to a service that refuses them even one at a time.
const FIRST_INTERVAL: Duration = Duration::from_millis(100);

/// The limit of one service, for one identity in one region.
#[derive(Debug)]
pub struct Limiter {
    pace: Mutex<Pace>,
    /// Whose turn it is to begin: in the order in which they came.
    turn: tokio::sync::Mutex<()>,
    /// Told to the one whose turn it is.
    ended: Notify,
}

/// A call in flight. It ends when this is dropped.
#[derive(Debug)]
pub struct InFlight {
    limiter: Arc<Limiter>,
    begun: Begun,
}

impl Limiter {
    pub fn new(quota: &Quota) -> Self {
        Self { pace: Mutex::new(Pace::new(quota)), turn: tokio::sync::Mutex::default(), ended: Notify::new() }
    }

    /// Waits until another call may begin.
    pub async fn begin(self: Arc<Self>) -> InFlight {
        let begun = {
            let _turn = self.turn.lock().await;
            loop {
                let next = self.pace().begin(Instant::now());
                match next {
                    Next::Begun(begun) => break begun,
                    Next::NotBefore(moment) => tokio::time::sleep_until(moment).await,
                    Next::WhenOneEnds => self.ended.notified().await,
                }
            }
        };
        InFlight { limiter: self, begun }
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl InFlight {
    /// The service took the call, whatever it answered.
    pub fn answered(self) {
        self.limiter.pace().answered();
    }

    /// The service had too many calls to take this one.
    pub fn refused(self) {
        self.limiter.pace().refused(self.begun, Instant::now());
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.limiter.pace().ended();
        self.limiter.ended.notify_one();
    }
}

/// The arithmetic of a limit, without waiting.
#[derive(Debug)]
struct Pace {
    /// What is never exceeded.
    quota: Quota,
    /// Calls that may be in flight now.
    limit: usize,
    in_flight: usize,
    /// Between the beginnings of two calls; zero where nothing but `limit` counts.
    interval: Duration,
    /// Calls that need not keep to the interval, before the first refusal.
    unpaced: usize,
    next_beginning: Option<Instant>,
    /// Since the limit was last changed.
    answers: u32,
    /// How often the limit was lowered.
    cuts: u64,
}

/// What a caller may do.
#[derive(Debug)]
enum Next {
    Begun(Begun),
    NotBefore(Instant),
    WhenOneEnds,
}

/// How often the limit had been lowered when a call began. Calls that were in flight together are refused together, and
/// that is one sign and not many.
#[derive(Clone, Copy, Debug)]
struct Begun {
    cuts: u64,
}

impl Pace {
    fn new(quota: &Quota) -> Self {
        Self {
            quota: *quota,
            limit: quota.most_in_flight,
            in_flight: 0,
            interval: quota.shortest_interval,
            unpaced: quota.unpaced,
            next_beginning: None,
            answers: 0,
            cuts: 0,
        }
    }

    fn begin(&mut self, now: Instant) -> Next {
        if self.in_flight >= self.limit {
            return Next::WhenOneEnds;
        }
        if self.unpaced > 0 {
            self.unpaced -= 1;
        } else if !self.interval.is_zero() {
            if let Some(moment) = self.next_beginning.filter(|moment| *moment > now) {
                return Next::NotBefore(moment);
            }
            self.next_beginning = Some(now + self.interval);
        }
        self.in_flight += 1;
        Next::Begun(Begun { cuts: self.cuts })
    }

    fn ended(&mut self) {
        self.in_flight -= 1;
    }

    fn answered(&mut self) {
        self.answers += 1;
        if self.interval > self.quota.shortest_interval {
            if self.answers >= ANSWERS_FOR_A_SHORTER_INTERVAL {
                self.answers = 0;
                let shorter = self.interval * 3 / 4;
                let shorter = if shorter < FIRST_INTERVAL { Duration::ZERO } else { shorter };
                self.interval = shorter.max(self.quota.shortest_interval);
            }
            return;
        }
        if self.limit < self.quota.most_in_flight && self.answers >= ANSWERS_FOR_ANOTHER_CALL {
            self.answers = 0;
            self.limit += 1;
        }
    }

    fn refused(&mut self, begun: Begun, now: Instant) {
        self.answers = 0;
        if begun.cuts < self.cuts {
            return;
        }
        self.cuts += 1;
        if self.limit > 1 {
            self.limit /= 2;
        } else if self.unpaced == 0 {
            self.interval = (self.interval * 2).max(FIRST_INTERVAL).min(self.quota.longest_interval);
        }
        self.unpaced = 0;
        self.next_beginning = Some(now + self.interval);
    }
}

#[cfg(test)]
mod tests;
