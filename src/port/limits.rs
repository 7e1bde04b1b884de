//! Port's rate limit, from the headers of its answers.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use time::OffsetDateTime;

/// When less than this share of the window's calls is left, the rest is spread over the window.
const LOW_SHARE: u64 = 10;
/// A slowed call waits at most this long; the answer to it tells anew.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the last answers said about the limit.
#[derive(Default)]
pub struct RateLimit {
    last: Mutex<Option<Window>>,
    /// Until then Port takes no calls of anybody: it said so to one of the callers.
    closed_until: Mutex<Option<Instant>>,
}

#[derive(Clone, Copy)]
struct Window {
    limit: u64,
    remaining: u64,
    /// UTC epoch seconds.
    reset: i64,
}

impl RateLimit {
    pub fn note(&self, headers: &HeaderMap) {
        let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let (Some(limit), Some(remaining), Some(reset)) =
            (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"))
        else {
            return;
        };
        let window = Window { limit: limit.max(0).unsigned_abs(), remaining: remaining.max(0).unsigned_abs(), reset };
        *self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(window);
    }

    /// Keeps all callers from calling for so long.
    pub fn close_for(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut closed = self.closed_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *closed = Some(closed.map_or(until, |known| known.max(until)));
    }

    /// How long no call is of use.
    pub fn closed_for(&self) -> Duration {
        let closed = *self.closed_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        closed.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }

    /// How long the next call should wait, so that a low rest lasts until the window ends.
    pub fn pause(&self) -> Duration {
        let Some(window) = *self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) else {
            return Duration::ZERO;
        };
        pause_within(window, OffsetDateTime::now_utc().unix_timestamp())
    }
}

fn pause_within(window: Window, now: i64) -> Duration {
    let left = window.reset.saturating_sub(now).max(0).unsigned_abs();
    if left == 0 || window.remaining.saturating_mul(LOW_SHARE) > window.limit {
        return Duration::ZERO;
    }
    Duration::from_secs_f64(left as f64 / (window.remaining.saturating_add(1)) as f64).min(LONGEST_PAUSE)
}

/// What an answer asks for beyond this is a mistake of somebody's clock: no window of a rate limit is that long.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// How long an answer of 429 asks to wait.
pub fn wait_asked_for(headers: &HeaderMap) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(1);
    /// Larger numbers are points in time, smaller ones are seconds.
    const FIRST_EPOCH: i64 = 10_000;
    let named = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
    let seconds = match named("retry-after").or_else(|| named("x-ratelimit-reset")) {
        Some(epoch) if epoch > FIRST_EPOCH => epoch.saturating_sub(OffsetDateTime::now_utc().unix_timestamp()),
        Some(seconds) => seconds,
        None => return DEFAULT,
    };
    Duration::from_secs(seconds.max(0).unsigned_abs()).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_low_rest_slows_down_and_never_for_long() {
        let window = |remaining| Window { limit: 1000, remaining, reset: 1060 };
        assert_eq!(pause_within(window(900), 1000), Duration::ZERO);
        assert_eq!(pause_within(window(100), 1000), Duration::from_secs_f64(60.0 / 101.0));
        assert_eq!(pause_within(window(0), 1000), LONGEST_PAUSE);
        assert_eq!(pause_within(window(0), 1060), Duration::ZERO);
    }
}
