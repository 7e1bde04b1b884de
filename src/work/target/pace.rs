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
    /// Grows with each invocation in a row that got no further: what one did not know in time, the next one allows for.
    caution: u32,
    deadline: OffsetDateTime,
    /// A page is never expected to take longer: what the first one took may never come again.
    longest_expected_page: Duration,
    longest_page: Duration,
    most_of_a_page: usize,
    longest_save: Option<Duration>,
    longest_per_entity: Option<Duration>,
}

impl Pace {
    pub fn new(now: OffsetDateTime, deadline: OffsetDateTime, hops_without_progress: u32) -> Self {
        let all = Duration::try_from(deadline - now).unwrap_or_default();
        Self {
            caution: 1 + hops_without_progress,
            deadline,
            longest_expected_page: all / 4,
            longest_page: Duration::ZERO,
            most_of_a_page: 0,
            longest_save: None,
            longest_per_entity: None,
        }
    }

    /// A page was read and mapped, and so many entities of it are to be sent.
    pub fn note_page(&mut self, took: Duration, outgoing: usize) {
        self.longest_page = self.longest_page.max(took);
        self.most_of_a_page = self.most_of_a_page.max(outgoing);
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
        let left = self.left_after(clock, self.to_send(waiting + self.most_of_a_page) + 2 * self.to_save());
        (left > (self.longest_page * SLACK).min(self.longest_expected_page)).then_some(left)
    }

    /// How long the next call to Port may take at most, if there is time to begin one: what it says must still be
    /// written.
    pub fn time_to_send(&self, clock: &dyn Clock, entities: usize) -> Option<Duration> {
        let left = self.left_after(clock, self.to_save());
        (left > self.to_send(entities)).then_some(left)
    }

    /// Whether there is more time than what waits to be sent will take.
    pub fn is_time_left(&self, clock: &dyn Clock, waiting: usize) -> bool {
        self.time_to_send(clock, waiting).is_some()
    }

    fn left_after(&self, clock: &dyn Clock, kept: Duration) -> Duration {
        let left = Duration::try_from(self.deadline - clock.now()).unwrap_or_default();
        left.saturating_sub((kept + ALWAYS_KEPT) * self.caution)
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
        Pace::new(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds), 0)
    }

    #[test]
    fn what_was_measured_decides_what_is_begun() {
        let mut pace = pace(40);
        assert_eq!(pace.time_for_page(&Stopped, 0), Some(Duration::from_secs(33)));
        pace.note_save(Duration::from_secs(6));
        assert_eq!(pace.time_for_page(&Stopped, 0), Some(Duration::from_secs(13)));
        assert_eq!(pace.time_for_page(&Stopped, 500), Some(Duration::from_secs(8)));
        pace.note_page(Duration::from_secs(4), 500);
        assert_eq!(pace.time_for_page(&Stopped, 0), None);
        assert_eq!(pace.time_to_send(&Stopped, 100), Some(Duration::from_secs(25)));
        pace.note_sent(100, Duration::from_secs(13));
        assert_eq!(pace.time_to_send(&Stopped, 100), None);
        assert_eq!(pace.time_to_send(&Stopped, 50), Some(Duration::from_secs(25)));
    }

    #[test]
    fn promise_4_what_got_no_further_keeps_more_in_reserve() {
        let pace = Pace::new(OffsetDateTime::UNIX_EPOCH, OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(40), 3);
        assert_eq!(pace.time_for_page(&Stopped, 0), Some(Duration::from_secs(12)));
    }

    #[test]
    fn one_slow_page_does_not_keep_all_others_from_being_read() {
        let mut pace = pace(40);
        pace.note_page(Duration::from_secs(30), 0);
        assert_eq!(pace.time_for_page(&Stopped, 0), Some(Duration::from_secs(33)));
    }

    #[test]
    fn without_time_nothing_is_begun() {
        for seconds in [-5, 0, 3] {
            assert_eq!(pace(seconds).time_for_page(&Stopped, 0), None, "{seconds}");
            assert_eq!(pace(seconds).time_to_send(&Stopped, 1), None, "{seconds}");
        }
    }
}
