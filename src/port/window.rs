//! What an answer of Port says about its rate limit.

use std::time::{Duration, Instant};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// What Port asks for beyond this is somebody's mistake: no window of a rate limit is that long.
pub const LONGEST_WAIT_FOR_LIMIT: Duration = Duration::from_secs(15 * 60);
/// Port tells whole seconds. An answer cannot belong to a window that is over already.
const SHORTEST_WINDOW: Duration = Duration::from_secs(1);

/// A window of time, of which Port takes a limited number of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub limit: u64,
    /// Calls of anybody that Port still takes.
    pub remaining: u64,
    /// UTC epoch seconds, by Port's clock. Tells one window from another.
    pub reset: i64,
    pub ends: Instant,
}

impl Window {
    /// The window that an answer, which came just now, tells of.
    pub fn of_answer(headers: &HeaderMap, now: Instant) -> Option<Self> {
        let limit = u64::try_from(number(headers, "x-ratelimit-limit")?).ok().filter(|limit| *limit > 0)?;
        let remaining = u64::try_from(number(headers, "x-ratelimit-remaining")?).unwrap_or_default();
        let port_time = port_time(headers);
        let seconds = seconds_left(number(headers, "x-ratelimit-reset")?, port_time);
        let period = number(headers, "x-ratelimit-period").and_then(|period| u64::try_from(period).ok());
        let period = period.map_or(LONGEST_WAIT_FOR_LIMIT, Duration::from_secs);
        let longest = period.clamp(SHORTEST_WINDOW, LONGEST_WAIT_FOR_LIMIT);
        let left = Duration::from_secs(seconds).clamp(SHORTEST_WINDOW, longest);
        let reset = port_time.unix_timestamp().saturating_add_unsigned(seconds);
        Some(Self { limit, remaining, reset, ends: now + left })
    }

    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.ends
    }

    /// Calls that we may begin before the window is spent for us.
    pub fn left_for_us(&self) -> u64 {
        let ours = (self.limit / 2).max(1);
        let for_others = self.limit - ours;
        self.remaining.saturating_sub(for_others).min(ours)
    }
}

/// How long an answer of 429 asks to wait, if it says so.
pub fn wait_asked_for(headers: &HeaderMap) -> Option<Duration> {
    let port_time = port_time(headers);
    let until_date = || Some((date(headers, RETRY_AFTER.as_str())? - port_time).whole_seconds());
    let retry_after = number(headers, RETRY_AFTER.as_str()).or_else(until_date);
    let asked = retry_after.or_else(|| number(headers, "x-ratelimit-reset"))?;
    Some(Duration::from_secs(seconds_left(asked, port_time)))
}

/// Port's documentation has had it both ways: a point in time, and the seconds until then.
fn seconds_left(number: i64, port_time: OffsetDateTime) -> u64 {
    /// Larger numbers are points in time, smaller ones are seconds.
    const FIRST_EPOCH: i64 = 10_000;
    let seconds = match number > FIRST_EPOCH {
        true => number.saturating_sub(port_time.unix_timestamp()),
        false => number,
    };
    u64::try_from(seconds).unwrap_or_default()
}

/// When an answer was given by the clock that its other headers go by; by ours where it does not say.
fn port_time(headers: &HeaderMap) -> OffsetDateTime {
    date(headers, DATE.as_str()).unwrap_or_else(OffsetDateTime::now_utc)
}

fn number(headers: &HeaderMap, name: &str) -> Option<i64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

fn date(headers: &HeaderMap, name: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(headers.get(name)?.to_str().ok()?, &Rfc2822).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    /// 1994-11-15 08:12:31 UTC
    const PORT_DATE: (&str, &str) = ("date", "Tue, 15 Nov 1994 08:12:31 GMT");
    const PORT_TIME: i64 = 784_887_151;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        };
        pairs.iter().map(header).collect()
    }

    /// Seconds that the window of an answer with this reset and period lasts.
    fn seconds_of_window(reset: &str, period: &str) -> u64 {
        let now = Instant::now();
        let window = Window::of_answer(
            &headers(&[
                PORT_DATE,
                ("x-ratelimit-limit", "100"),
                ("x-ratelimit-remaining", "7"),
                ("x-ratelimit-reset", reset),
                ("x-ratelimit-period", period),
            ]),
            now,
        );
        let window = window.expect("an answer with all headers");
        assert_eq!((window.limit, window.remaining), (100, 7));
        (window.ends - now).as_secs()
    }

    #[test]
    fn a_window_ends_by_the_clock_of_the_answer() {
        // Our own clock is decades away from that.
        assert_eq!(seconds_of_window(&(PORT_TIME + 40).to_string(), "60"), 40);
        assert_eq!(seconds_of_window("40", "60"), 40, "the seconds until then");
        assert_eq!(seconds_of_window(&(PORT_TIME - 500).to_string(), "60"), 1, "in the past");
        assert_eq!(seconds_of_window(&(PORT_TIME + 86_400).to_string(), "60"), 60, "far beyond the period");
        assert_eq!(seconds_of_window(&(PORT_TIME + 86_400).to_string(), "soon"), 900, "absurdly far");
        assert_eq!(seconds_of_window(&i64::MAX.to_string(), "-1"), 900);
    }

    #[test]
    fn without_all_headers_there_is_no_window() {
        let now = Instant::now();
        let all = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "60")];
        assert!(Window::of_answer(&headers(&all), now).is_some());
        for missing in 0..all.len() {
            let mut some = all.to_vec();
            some.remove(missing);
            assert_eq!(Window::of_answer(&headers(&some), now), None);
        }
        let nothing = [("x-ratelimit-limit", "0"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")];
        assert_eq!(Window::of_answer(&headers(&nothing), now), None, "a limit of 0 is none");
        let words = [("x-ratelimit-limit", "many"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "60")];
        assert_eq!(Window::of_answer(&headers(&words), now), None);
    }

    #[test]
    fn half_of_a_window_is_ours_whoever_used_it() {
        let left = |limit, remaining| Window { limit, remaining, reset: 0, ends: Instant::now() }.left_for_us();
        assert_eq!((left(100, 100), left(100, 51), left(100, 50), left(100, 0)), (50, 1, 0, 0));
        assert_eq!((left(101, 101), left(101, 51)), (50, 0));
        assert_eq!((left(1, 1), left(1, 0)), (1, 0));
        assert_eq!((left(3, 3), left(3, 2)), (1, 0));
        assert_eq!(left(100, 5000), 50, "more left than there is");
    }

    #[test]
    fn a_refusal_asks_in_one_of_several_ways() {
        let asked = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs.iter().copied().chain([PORT_DATE]).collect();
            wait_asked_for(&headers(&pairs)).map(|wait| wait.as_secs())
        };
        assert_eq!(asked(&[("retry-after", "7"), ("x-ratelimit-reset", "50")]), Some(7));
        assert_eq!(asked(&[("retry-after", "Tue, 15 Nov 1994 08:13:01 GMT")]), Some(30));
        assert_eq!(asked(&[("x-ratelimit-reset", &(PORT_TIME + 50).to_string())]), Some(50));
        assert_eq!(asked(&[("x-ratelimit-reset", "50")]), Some(50));
        assert_eq!(asked(&[("x-ratelimit-reset", &(PORT_TIME - 50).to_string())]), Some(0));
        assert_eq!(asked(&[("retry-after", "later")]), None);
        assert_eq!(asked(&[]), None);
    }
}
