//! How often a run is tried because a user asked Port for one. One small object remembers it.
//!
//! It is written before a try begins, and only if no other invocation has written it meanwhile. So of several
//! invocations that find the same request one tries, also while it is still finding the accounts and there is no run
//! yet. What fails is tried again ever more seldom. Another request is tried at once, because what was wrong may be
//! mended. But should Port ever make a request of what runs write themselves, each run would be the reason for the
//! next: so after several tries in a row there is one an hour.

use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::events;
use crate::run::{Place, StateError, read_json, write_json};
use crate::seams::{Condition, Store, StoreError};

/// The scheduler's own timeout: a try that has started no run by then never will.
const FIRST_PAUSE: Duration = Duration::minutes(15);
const LONGEST_PAUSE: Duration = Duration::hours(1);
/// More than somebody needs who saves a mapping, looks at the result and saves it again.
const MOST_IN_A_ROW: u32 = 6;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attempts {
    /// When the request was made, by Port's clock. It is compared with nothing but times of other requests.
    #[serde(with = "time::serde::rfc3339")]
    requested_at: OffsetDateTime,
    /// When the last try began, by ours.
    #[serde(with = "time::serde::rfc3339")]
    attempted_at: OffsetDateTime,
    /// Tries for this request.
    of_request: u32,
    /// Tries for any request; every hour without one takes one away.
    in_a_row: u32,
}

impl Attempts {
    /// From when on the request may be tried.
    fn next_at(&self, requested_at: OffsetDateTime) -> OffsetDateTime {
        let pause = if self.in_a_row >= MOST_IN_A_ROW {
            LONGEST_PAUSE
        } else if self.requested_at == requested_at {
            let doublings = self.of_request.saturating_sub(1).min(8);
            (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)
        } else {
            Duration::ZERO
        };
        self.attempted_at + pause
    }

    fn after(previous: Option<&Self>, requested_at: OffsetDateTime, now: OffsetDateTime) -> Self {
        let Some(previous) = previous else {
            return Self { requested_at, attempted_at: now, of_request: 1, in_a_row: 1 };
        };
        let before = if previous.requested_at == requested_at { previous.of_request } else { 0 };
        let hours = u32::try_from((now - previous.attempted_at).whole_hours()).unwrap_or(0);
        let in_a_row = previous.in_a_row.saturating_sub(hours) + 1;
        Self { requested_at, attempted_at: now, of_request: before.saturating_add(1), in_a_row }
    }
}

/// Notes that a run is tried for the request; else the time from which on it may be.
///
/// # Errors
/// [`StateError`] where the object cannot be read or written; then nothing may be tried.
pub(super) async fn begin_attempt(
    store: &dyn Store,
    place: &Place,
    requested_at: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<Option<OffsetDateTime>, StateError> {
    let key = place.resync_request();
    let (previous, condition) = match read_json::<Attempts>(store, &key).await? {
        Some((previous, version)) => (Some(previous), Condition::Unchanged(version)),
        None => (None, Condition::Absent),
    };
    let next_at = previous.as_ref().map(|previous| previous.next_at(requested_at));
    if let Some(next_at) = next_at.filter(|next_at| now < *next_at) {
        return Ok(Some(next_at));
    }
    let attempts = Attempts::after(previous.as_ref(), requested_at, now);
    match write_json(store, &key, &attempts, condition).await {
        Ok(_) => {}
        // Another invocation tries, unless it was our own write, whose answer was lost and which was repeated.
        Err(StateError::Store(StoreError::Conflict { .. })) => return Ok(Some(now + FIRST_PAUSE)),
        Err(error) => return Err(error),
    }
    if attempts.in_a_row >= MOST_IN_A_ROW {
        events::many_resync_requests(attempts.in_a_row, attempts.next_at(requested_at));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: OffsetDateTime = time::macros::datetime!(2026-11-21 06:00 UTC);

    fn at(minutes: i64) -> OffsetDateTime {
        BEGIN + Duration::minutes(minutes)
    }

    /// The minutes at which a run is tried, where it is asked every five minutes and every try ends at once.
    /// `requested_at` is the newest request at such a minute.
    fn tried(minutes: i64, requested_at: impl Fn(i64) -> OffsetDateTime) -> Vec<i64> {
        let mut attempts: Option<Attempts> = None;
        let mut tried = Vec::new();
        for minute in (0..minutes).step_by(5) {
            let requested_at = requested_at(minute);
            if attempts.as_ref().is_none_or(|attempts| attempts.next_at(requested_at) <= at(minute)) {
                attempts = Some(Attempts::after(attempts.as_ref(), requested_at, at(minute)));
                tried.push(minute);
            }
        }
        tried
    }

    #[test]
    fn one_request_is_tried_ever_more_seldom() {
        assert_eq!(tried(6 * 60, |_| BEGIN), [0, 15, 45, 105, 165, 225, 285, 345]);
    }

    #[test]
    fn another_request_is_tried_at_once() {
        let mended = |minute| if minute < 50 { BEGIN } else { at(49) };
        assert_eq!(tried(120, mended), [0, 15, 45, 50, 65, 95]);
    }

    #[test]
    fn requests_without_end_have_a_run_an_hour() {
        assert_eq!(tried(3 * 60 + 30, at), [0, 5, 10, 15, 20, 25, 85, 145, 205]);
    }

    #[test]
    fn after_quiet_hours_there_are_as_many_tries_as_at_first() {
        let mut attempts =
            Attempts { requested_at: BEGIN, attempted_at: BEGIN, of_request: 1, in_a_row: MOST_IN_A_ROW };
        attempts = Attempts::after(Some(&attempts), at(300), at(300));
        assert_eq!((attempts.of_request, attempts.in_a_row), (1, 2));
        attempts = Attempts::after(Some(&attempts), at(301), at(60 * 24 * 30));
        assert_eq!(attempts.in_a_row, 1);
        // Of two invocations, the later one may have the earlier time.
        assert_eq!(Attempts::after(Some(&attempts), at(302), at(0)).in_a_row, 2);
    }
}
