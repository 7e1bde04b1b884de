//! How long the steps of this invocation take, and so when it must end.

use std::time::Duration;

use time::OffsetDateTime;

use crate::seams::Clock;

/// The next step of a kind may take this much longer than the longest so far.
const SLACK: u32 = 2;
/// To write the last message, and for whatever is not measured.
const ALWAYS_KEPT: Duration = Duration::from_secs(3);
/// Before anything was measured: a bulk of 20 entities in half a second, five at a time.
const FIRST_GUESS_PER_ENTITY: Duration = Duration::from_millis(5);
const FIRST_GUESS_PER_SAVE: Duration = Duration::from_secs(1);

/// What steps took, and when the invocation ends.
pub struct Pace {
    deadline: OffsetDateTime,
    longest_page: Duration,
    longest_save: Option<Duration>,
    longest_per_entity: Option<Duration>,
}

impl Pace {
    pub fn new(deadline: OffsetDateTime) -> Self {
        Self { deadline, longest_page: Duration::ZERO, longest_save: None, longest_per_entity: None }
    }

    pub fn note_page(&mut self, took: Duration) {
        self.longest_page = self.longest_page.max(took);
    }

    pub fn note_save(&mut self, took: Duration) {
        self.longest_save = self.longest_save.max(Some(took));
    }

    pub fn note_sent(&mut self, entities: usize, took: Duration) {
        let per_entity = took / u32::try_from(entities.max(1)).unwrap_or(u32::MAX);
        self.longest_per_entity = self.longest_per_entity.max(Some(per_entity));
    }

    /// How long the next page may take at most, if there is time to begin one at all: what it gives, and what waits to
    /// be sent already, must still be sent and written after it.
    pub fn time_for_page(&self, clock: &dyn Clock, waiting: usize) -> Option<Duration> {
        let left = self.left_after(clock, self.to_send(waiting) + 2 * self.to_save());
        (left > self.longest_page * SLACK).then_some(left)
    }

    /// How long the next call to Port may take at most, if there is time to begin one: what it says must still be
    /// written.
    pub fn time_to_send(&self, clock: &dyn Clock, entities: usize) -> Option<Duration> {
        let left = self.left_after(clock, self.to_save());
        (left > self.to_send(entities)).then_some(left)
    }

    fn left_after(&self, clock: &dyn Clock, kept: Duration) -> Duration {
        let left = Duration::try_from(self.deadline - clock.now()).unwrap_or_default();
        left.saturating_sub(kept + ALWAYS_KEPT)
    }

    fn to_send(&self, entities: usize) -> Duration {
        let per_entity = self.longest_per_entity.unwrap_or(FIRST_GUESS_PER_ENTITY);
        per_entity * u32::try_from(entities).unwrap_or(u32::MAX) * SLACK
    }

    fn to_save(&self) -> Duration {
        self.longest_save.unwrap_or(FIRST_GUESS_PER_SAVE) * SLACK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stopped;

    #[async_trait::async_trait]
    impl Clock for Stopped {
        fn now(&self) -> OffsetDateTime {
            OffsetDateTime::UNIX_EPOCH
        }

        async fn sleep(&self, _duration: Duration) {}
    }

    fn pace(seconds: i64) -> Pace {
        Pace::new(OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds))
    }

    #[test]
    fn what_was_measured_decides_what_is_begun() {
        let mut pace = pace(30);
        assert_eq!(pace.time_for_page(&Stopped, 0), Some(Duration::from_secs(23)));
        pace.note_save(Duration::from_secs(3));
        assert_eq!(pace.time_for_page(&Stopped, 0), Some(Duration::from_secs(15)));
        pace.note_page(Duration::from_secs(8));
        assert_eq!(pace.time_for_page(&Stopped, 0), None);
        assert_eq!(pace.time_to_send(&Stopped, 100), Some(Duration::from_secs(21)));
        pace.note_sent(100, Duration::from_secs(11));
        assert_eq!(pace.time_to_send(&Stopped, 100), None);
        assert_eq!(pace.time_to_send(&Stopped, 50), Some(Duration::from_secs(21)));
    }

    #[test]
    fn without_time_nothing_is_begun() {
        for seconds in [-5, 0, 3] {
            assert_eq!(pace(seconds).time_for_page(&Stopped, 0), None, "{seconds}");
            assert_eq!(pace(seconds).time_to_send(&Stopped, 1), None, "{seconds}");
        }
    }
}
