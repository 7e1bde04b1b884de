//! How much of an invocation is left.

use time::{Duration, OffsetDateTime};

use crate::work::StepContext;

/// Writing down where the sweep is takes time, too.
const LEAST_RESERVE: Duration = Duration::seconds(10);

/// Watches the deadline of an invocation by how long its steps take.
pub struct Pace {
    deadline: OffsetDateTime,
    last: OffsetDateTime,
    longest: Duration,
}

impl Pace {
    pub fn of(context: &StepContext<'_>) -> Self {
        Self { deadline: context.deadline, last: context.worker.clock.now(), longest: Duration::ZERO }
    }

    /// Takes note that a step is done, and tells whether another one might not come to its end. It is asked after each
    /// step and never before the first, so that every invocation gets on.
    pub fn is_over(&mut self, context: &StepContext<'_>) -> bool {
        let now = context.worker.clock.now();
        self.longest = self.longest.max(now - self.last);
        self.last = now;
        now + (self.longest + self.longest).max(LEAST_RESERVE) > self.deadline
    }
}
