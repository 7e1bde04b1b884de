//! Clock, tokens and the rate limit.

use std::time::Duration;

use time::OffsetDateTime;
use time::macros::format_description;
use uuid::Uuid;

/// Largest request body, on all routes.
pub const BODY_LIMIT: usize = 1_048_576;

/// Wall clock that a test can move on. It never gives the same instant twice, so that two writes always differ.
#[derive(Default)]
pub struct Clock {
    moved_by: Duration,
    last: Option<OffsetDateTime>,
}

impl Clock {
    pub fn now(&mut self) -> OffsetDateTime {
        let mut now = OffsetDateTime::now_utc() + self.moved_by;
        if let Some(last) = self.last {
            now = now.max(last + Duration::from_micros(1));
        }
        self.last = Some(now);
        now
    }

    pub fn advance(&mut self, by: Duration) {
        self.moved_by += by;
    }
}

/// As the `Date` header has it.
pub fn http_date(instant: OffsetDateTime) -> String {
    let format =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    instant.to_offset(time::UtcOffset::UTC).format(format).expect("the format fits every instant")
}

pub fn iso(instant: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z");
    instant.to_offset(time::UtcOffset::UTC).format(format).expect("the format fits every instant")
}

/// The token in force. Like Port it hands out the same one to everybody until it expires.
pub struct Tokens {
    life_seconds: u64,
    active: Option<(String, OffsetDateTime)>,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { life_seconds: 10_800, active: None }
    }
}

impl Tokens {
    /// The token and the seconds it has left.
    pub fn current(&mut self, now: OffsetDateTime) -> (String, u64) {
        if let Some((token, expires)) = &self.active
            && *expires > now
        {
            let left = (*expires - now).whole_seconds();
            return (token.clone(), left.max(0).unsigned_abs());
        }
        let token = format!("token-{}", Uuid::new_v4());
        self.active = Some((token.clone(), now + Duration::from_secs(self.life_seconds)));
        (token, self.life_seconds)
    }

    pub fn accepts(&self, authorization: Option<&str>, now: OffsetDateTime) -> bool {
        let Some((token, expires)) = &self.active else {
            return false;
        };
        let given = authorization.and_then(|value| value.strip_prefix("Bearer "));
        given == Some(token.as_str()) && *expires > now
    }

    pub fn set_life(&mut self, seconds: u64) {
        self.life_seconds = seconds;
        self.active = None;
    }

    pub fn revoke(&mut self) {
        self.active = None;
    }
}

/// Fixed windows, for the whole organization.
pub struct RateLimit {
    limit: u64,
    period: Duration,
    used: u64,
    window_ends: OffsetDateTime,
    /// Calls of the windows that are over, the refused ones included.
    used_before: Vec<u64>,
}

impl RateLimit {
    pub fn new(now: OffsetDateTime) -> Self {
        let period = Duration::from_secs(60);
        Self { limit: 1_000_000, period, used: 0, window_ends: now + period, used_before: Vec::new() }
    }

    pub fn set(&mut self, limit: u64, period_seconds: u64, now: OffsetDateTime) {
        self.limit = limit;
        self.period = Duration::from_secs(period_seconds);
        self.used = 0;
        self.window_ends = now + self.period;
        self.used_before.clear();
    }

    /// Calls of every window since the limit was set, the refused ones included.
    pub fn used_by_window(&self) -> Vec<u64> {
        self.used_before.iter().copied().chain([self.used]).collect()
    }

    /// Counts a call; false when it is over the limit.
    pub fn admit(&mut self, now: OffsetDateTime) -> bool {
        if now >= self.window_ends {
            self.used_before.push(self.used);
            self.used = 0;
            self.window_ends = now + self.period;
        }
        self.used += 1;
        self.used <= self.limit
    }

    pub fn headers(&self) -> [(&'static str, String); 4] {
        let remaining = self.limit.saturating_sub(self.used);
        // Rounded up: whoever waits until then finds a new window.
        let reset = self.window_ends.unix_timestamp() + i64::from(self.window_ends.nanosecond() > 0);
        [
            ("x-ratelimit-period", self.period.as_secs().to_string()),
            ("x-ratelimit-limit", self.limit.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
        ]
    }
}
