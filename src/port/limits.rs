//! Port's rate limits, as its answers tell them, and when a call may begin.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::sync::Notify;

use super::window::{LONGEST_WAIT_FOR_LIMIT, Window, wait_asked_for};
use crate::events;

/// Workers that call at the same time, as the template has it.
const WORKERS: u64 = 20;
const FIRST_BACKOFF: Duration = Duration::from_millis(300);

/// The parts of the API that have limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Api {
    SignIn,
    Entities,
    /// Reports about a run, which go to another host.
    Reports,
    Other,
}

impl Api {
    /// The part that a path, or a whole URL, belongs to.
    pub fn of(path: &str) -> Self {
        match path {
            path if path.starts_with("http") => Self::Reports,
            path if path.contains("/entities") => Self::Entities,
            _ => Self::Other,
        }
    }
}

/// Decides when a call may begin: we use at most half of each window of Port's limit, the other half is for the people
/// and tools of the organization.
///
/// An answer says how many calls of its window are left, and everybody's calls count in it. **A call begins only while
/// more than half of the limit is left.** Otherwise the window is spent for us, whoever used it, and nothing is begun
/// until it ends. So processes that know nothing of each other keep the rule together.
///
/// - Calls that others have in flight show in no answer yet. Each process therefore has no more in flight than its
///   share of what is left for us, one in [`WORKERS`] of it, and at least one. What the half may be exceeded by is
///   what the processes have in flight when it is reached: one call each as a rule, and never more than each has in
///   flight at most.
/// - When nothing is known, before the first answer and after a window has ended, one call goes alone, and its answer
///   tells. So every process gets one call in a window at least (one for each [`Api`] that it uses), even where others
///   have used it up.
/// - Half of a limit is rounded down, but is never less than one call.
/// - An answer without the headers, or with a limit of 0, says that there is no limit.
/// - The end of a window is measured by the clock of the answer itself, and believed up to the period that it names, or
///   15 minutes.
/// - A 429 stops all callers, for as long as it asks and at least for a backoff that grows with every one in a row.
///   Then one call goes alone, until one is answered otherwise.
#[derive(Default)]
pub struct RateLimit {
    state: Mutex<State>,
    answered: Notify,
}

#[derive(Default)]
struct State {
    /// What the last answer said, by part of the API; none where it named no limit.
    windows: BTreeMap<Api, Option<Window>>,
    in_flight: u64,
    /// Until then Port takes no calls of anybody: it said so to one of the callers.
    closed_until: Option<Instant>,
    /// Times in a row that Port said so.
    refusals: u32,
}

#[derive(Debug, PartialEq, Eq)]
enum Gate {
    Open,
    /// Nothing begins for so long.
    After(Duration),
    /// Nothing begins until one of the calls in flight is answered.
    AfterAnswer,
}

/// A call that may begin, and is in flight until this is dropped.
pub struct Admission<'a> {
    limit: &'a RateLimit,
    api: Api,
}

impl RateLimit {
    /// Waits until a call may begin. What it waits for a limit is taken from `patience`.
    ///
    /// # Errors
    /// How long no call may begin, if that is more than `patience`.
    pub async fn admit(&self, api: Api, patience: &mut Duration) -> Result<Admission<'_>, Duration> {
        loop {
            // Before the state is looked at: an answer that comes in between is not missed.
            let answered = self.answered.notified();
            let gate = self.lock().begin(api, Instant::now());
            match gate {
                Gate::Open => return Ok(Admission { limit: self, api }),
                Gate::AfterAnswer => answered.await,
                Gate::After(wait) if wait > *patience => return Err(wait),
                Gate::After(wait) => {
                    *patience -= wait;
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// Learns from an answer. Its call still counts as in flight.
    pub fn note(&self, api: Api, status: StatusCode, headers: &HeaderMap) {
        let now = Instant::now();
        let mut state = self.lock();
        state.learn(api, Window::of_answer(headers, now), now);
        if status == StatusCode::TOO_MANY_REQUESTS {
            events::port_call_refused();
            state.refuse(wait_asked_for(headers), now);
        } else if !state.is_closed(now) {
            // While it is closed, answers are those of calls that began before.
            state.refusals = 0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.limit.lock().end(self.api, Instant::now());
        self.limit.answered.notify_waiters();
    }
}

impl State {
    /// Counts a call as in flight, if it may begin.
    fn begin(&mut self, api: Api, now: Instant) -> Gate {
        let gate = self.gate(api, now);
        if gate == Gate::Open {
            self.in_flight += 1;
        }
        gate
    }

    fn gate(&self, api: Api, now: Instant) -> Gate {
        if let Some(until) = self.closed_until.filter(|until| *until > now) {
            return Gate::After(until - now);
        }
        let most_in_flight = match self.windows.get(&api) {
            None => 1,
            Some(None) => u64::MAX,
            Some(Some(window)) if window.is_over(now) => 1,
            Some(Some(window)) => match window.left_for_us() {
                0 => return Gate::After(window.ends - now),
                left => (left / WORKERS).max(1),
            },
        };
        let most_in_flight = if self.refusals > 0 { 1 } else { most_in_flight };
        if self.in_flight < most_in_flight { Gate::Open } else { Gate::AfterAnswer }
    }

    fn end(&mut self, api: Api, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        // A call that brought no news of the limit, because no answer came, must not keep the others waiting.
        let window = self.windows.entry(api).or_default();
        if window.is_some_and(|window| window.is_over(now)) {
            *window = None;
        }
    }

    fn learn(&mut self, api: Api, window: Option<Window>, now: Instant) {
        // Not every answer comes from Port itself: one of a gateway does not open a window that is spent.
        let Some(mut window) = window else { return };
        let is_spent = |known: Window| !known.is_over(now) && known.left_for_us() == 0;
        let was_spent = self.windows.get(&api).copied().flatten().is_some_and(is_spent);
        // Answers overtake each other, and several parts of the API may have one limit.
        let going = self.windows.values_mut().flatten().filter(|known| !known.is_over(now));
        for known in going.filter(|known| known.limit == window.limit && known.reset == window.reset) {
            window.remaining = window.remaining.min(known.remaining);
            window.ends = window.ends.min(known.ends);
            *known = window;
        }
        self.windows.insert(api, Some(window));
        if is_spent(window) && !was_spent {
            events::port_limit_half_used(window.limit, window.remaining, (window.ends - now).as_secs_f64());
        }
    }

    fn refuse(&mut self, asked: Option<Duration>, now: Instant) {
        let is_first = !self.is_closed(now);
        if is_first {
            self.refusals = self.refusals.saturating_add(1);
        }
        let wait = asked.unwrap_or_default().max(backoff(self.refusals)).min(LONGEST_WAIT_FOR_LIMIT);
        self.closed_until = self.closed_until.max(Some(now + wait));
        if is_first {
            events::port_refuses_calls(self.refusals, wait.as_secs_f64());
        }
    }

    fn is_closed(&self, now: Instant) -> bool {
        self.closed_until.is_some_and(|until| until > now)
    }
}

/// Doubling, with some randomness, so that workers which failed together do not come back together.
pub fn backoff(tries: u32) -> Duration {
    let random = uuid::Uuid::new_v4().as_bytes()[0];
    let factor = 0.75 + f64::from(random) / 512.0;
    (FIRST_BACKOFF * 2u32.pow(tries.min(8))).mul_f64(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn window(limit: u64, remaining: u64, now: Instant) -> Window {
        Window { limit, remaining, reset: 1060, ends: now + MINUTE }
    }

    /// What a state says that knows this window and has so many calls in flight.
    fn gate(limit: u64, remaining: u64, in_flight: u64) -> Gate {
        let now = Instant::now();
        let mut state = State { in_flight, ..State::default() };
        state.learn(Api::Entities, Some(window(limit, remaining, now)), now);
        state.gate(Api::Entities, now)
    }

    #[test]
    fn calls_begin_only_while_more_than_half_of_the_limit_is_left() {
        assert_eq!(gate(1000, 1000, 4), Gate::Open);
        assert_eq!(gate(1000, 501, 0), Gate::Open);
        assert_eq!(gate(1000, 500, 0), Gate::After(MINUTE));
        assert_eq!(gate(1000, 0, 0), Gate::After(MINUTE));
        // Others have used it up before we began.
        assert_eq!(gate(1000, 3, 0), Gate::After(MINUTE));
    }

    #[test]
    fn near_the_half_there_is_one_call_in_flight() {
        assert_eq!(gate(1000, 600, 4), Gate::Open);
        assert_eq!(gate(1000, 600, 5), Gate::AfterAnswer);
        assert_eq!(gate(1000, 539, 1), Gate::AfterAnswer);
        assert_eq!(gate(1000, 501, 1), Gate::AfterAnswer);
    }

    #[test]
    fn a_tiny_limit_allows_one_call_at_least() {
        for limit in 1..=4 {
            assert_eq!(gate(limit, limit, 0), Gate::Open, "{limit}");
            assert_eq!(gate(limit, limit - (limit / 2).max(1), 0), Gate::After(MINUTE), "{limit}");
        }
        assert_eq!(gate(4, 3, 0), Gate::Open);
    }

    #[test]
    fn when_nothing_is_known_one_call_goes_alone() {
        let now = Instant::now();
        let mut state = State::default();
        assert_eq!(state.begin(Api::Entities, now), Gate::Open);
        assert_eq!(state.begin(Api::Entities, now), Gate::AfterAnswer);
        state.learn(Api::Entities, Some(window(1000, 999, now)), now);
        assert_eq!(state.begin(Api::Entities, now), Gate::Open);
        state.end(Api::Entities, now);
        state.end(Api::Entities, now);

        // The same after a window that was spent.
        state.learn(Api::Entities, Some(window(1000, 500, now)), now);
        assert_eq!(state.begin(Api::Entities, now + MINUTE / 2), Gate::After(MINUTE / 2));
        assert_eq!(state.begin(Api::Entities, now + MINUTE), Gate::Open);
        assert_eq!(state.begin(Api::Entities, now + MINUTE), Gate::AfterAnswer);
        // No answer came: nothing is known, and nobody has to wait for it.
        state.end(Api::Entities, now + MINUTE);
        for _ in 0..5 {
            assert_eq!(state.begin(Api::Entities, now + MINUTE), Gate::Open);
        }
    }

    #[test]
    fn without_headers_there_is_no_limit() {
        let now = Instant::now();
        let mut state = State::default();
        state.begin(Api::Other, now);
        state.learn(Api::Other, None, now);
        state.end(Api::Other, now);
        for _ in 0..100 {
            assert_eq!(state.begin(Api::Other, now), Gate::Open);
        }
    }

    #[test]
    fn an_answer_without_headers_opens_no_window_that_is_spent() {
        let now = Instant::now();
        let mut state = State::default();
        state.learn(Api::Other, Some(window(10, 5, now)), now);
        state.learn(Api::Other, None, now);
        state.end(Api::Other, now);
        assert_eq!(state.gate(Api::Other, now), Gate::After(MINUTE));
    }

    #[test]
    fn answers_that_overtake_each_other_leave_the_smaller_rest() {
        let now = Instant::now();
        let mut state = State::default();
        state.learn(Api::Other, Some(window(100, 50, now)), now);
        state.learn(Api::Other, Some(window(100, 53, now)), now);
        assert_eq!(state.gate(Api::Other, now), Gate::After(MINUTE));
        // The next window, another limit.
        let next = Window { reset: 1120, ..window(100, 99, now) };
        state.learn(Api::Other, Some(next), now);
        assert_eq!(state.gate(Api::Other, now), Gate::Open);
        state.learn(Api::Other, Some(window(200, 100, now)), now);
        assert_eq!(state.gate(Api::Other, now), Gate::After(MINUTE));
        state.learn(Api::Other, Some(window(400, 399, now)), now);
        assert_eq!(state.gate(Api::Other, now), Gate::Open);
    }

    #[test]
    fn parts_of_the_api_have_limits_of_their_own_or_share_one() {
        let now = Instant::now();
        let mut state = State::default();
        state.learn(Api::Other, Some(window(15_000, 7_500, now)), now);
        state.learn(Api::Entities, Some(window(35_000, 34_000, now)), now);
        assert_eq!(state.gate(Api::Other, now), Gate::After(MINUTE));
        assert_eq!(state.gate(Api::Entities, now), Gate::Open);

        state.learn(Api::Other, Some(window(35_000, 17_500, now)), now);
        assert_eq!(state.gate(Api::Entities, now), Gate::After(MINUTE));

        assert_eq!(Api::of("/blueprints/x/entities/bulk"), Api::Entities);
        assert_eq!(Api::of("/blueprints/x"), Api::Other);
        assert_eq!(Api::of("https://ingest.example.com/syncMetrics"), Api::Reports);
    }

    #[test]
    fn refusals_close_for_longer_each_time_and_then_let_one_call_try() {
        let now = Instant::now();
        let mut state = State { in_flight: 5, ..State::default() };
        for _ in 0..5 {
            state.refuse(None, now);
            state.end(Api::Entities, now);
        }
        assert_eq!(state.refusals, 1, "five that were under way together");
        let mut at = now;
        let mut waits = Vec::new();
        for _ in 0..4 {
            let Gate::After(wait) = state.gate(Api::Entities, at) else { panic!("it is closed") };
            waits.push(wait);
            at += wait;
            assert_eq!(state.begin(Api::Entities, at), Gate::Open);
            assert_eq!(state.begin(Api::Entities, at), Gate::AfterAnswer, "one tries");
            state.refuse(None, at);
            state.end(Api::Entities, at);
        }
        assert!(waits.windows(2).all(|pair| pair[1] > pair[0]), "{waits:?}");
    }

    #[test]
    fn a_refusal_is_obeyed_as_it_asks_within_reason() {
        let now = Instant::now();
        let closed = |asked| {
            let mut state = State::default();
            state.refuse(Some(Duration::from_secs(asked)), now);
            state.gate(Api::Other, now)
        };
        assert_eq!(closed(120), Gate::After(Duration::from_secs(120)));
        assert_eq!(closed(u64::MAX), Gate::After(LONGEST_WAIT_FOR_LIMIT));
        assert!(matches!(closed(0), Gate::After(wait) if wait > FIRST_BACKOFF));
    }

    #[tokio::test]
    async fn a_wait_beyond_the_patience_is_told_instead() {
        let limit = RateLimit::default();
        limit.lock().refuse(Some(MINUTE), Instant::now());
        let mut patience = Duration::from_secs(15);
        let asked = limit.admit(Api::Other, &mut patience).await.err().expect("it is closed");
        assert!(asked > MINUTE - Duration::from_secs(15), "{asked:?}");
        assert_eq!(patience, Duration::from_secs(15));
    }

    #[tokio::test]
    async fn whoever_waits_for_an_answer_goes_on_with_it() {
        let limit = RateLimit::default();
        let mut patience = Duration::ZERO;
        let first = limit.admit(Api::Other, &mut patience).await.expect("it is open");
        let mut also = Duration::ZERO;
        let second = limit.admit(Api::Other, &mut also);
        let (second, ()) = tokio::join!(second, async { drop(first) });
        assert!(second.is_ok());
    }
}
