//! The limiter against services that refuse calls, in simulated time.

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::aws::limits::{KNOWN_QUOTAS, USUAL, quota_of};

const CALLERS: usize = 8;
/// From the beginning of a call to its answer.
const LATENCY: Duration = Duration::from_millis(50);
/// As the SDK is configured. It waits for one second after the first try, twice as long after each, and half of that on
/// average.
const TRIES: u32 = 5;
const FIRST_BACKOFF: Duration = Duration::from_millis(500);

/// What a number of calls came to.
#[derive(Debug, PartialEq)]
struct Outcome {
    refused: usize,
    /// Calls of which no try was taken.
    failed: usize,
    lasted: Duration,
}

/// One of several callers, each of which makes one call after the other.
enum Caller {
    Waiting { since: Instant, tries: u32 },
    InFlight { until: Instant, tries: u32, begun: Begun, is_taken: bool },
    Done,
}

/// Makes calls to a service that takes one or not, by the time and the number of calls in flight.
fn simulate(quota: Quota, mut calls: usize, mut takes: impl FnMut(Instant, usize) -> bool) -> Outcome {
    let mut pace = Pace::new(&quota);
    let start = Instant::now();
    let mut now = start;
    let mut outcome = Outcome { refused: 0, failed: 0, lasted: Duration::ZERO };
    let mut callers: Vec<Caller> = (0..CALLERS).map(|_| Caller::Done).collect();
    loop {
        for caller in callers.iter_mut().filter(|caller| matches!(caller, Caller::Done)).take(calls) {
            calls -= 1;
            *caller = Caller::Waiting { since: now, tries: 0 };
        }
        let mut not_before = None;
        while let Some((caller, tries)) = whose_turn(&mut callers, now) {
            match pace.begin(now) {
                Next::Begun(begun) => {
                    let is_taken = takes(now, pace.in_flight);
                    *caller = Caller::InFlight { until: now + LATENCY, tries: tries + 1, begun, is_taken };
                }
                Next::NotBefore(moment) => {
                    not_before = Some(moment);
                    break;
                }
                Next::WhenOneEnds => break,
            }
        }
        let Some(next) = callers.iter().filter_map(|caller| next_moment(caller, now)).chain(not_before).min() else {
            outcome.lasted = now - start;
            return outcome;
        };
        now = next;
        for caller in &mut callers {
            let Caller::InFlight { until, tries, begun, is_taken } = *caller else { continue };
            if until > now {
                continue;
            }
            pace.ended();
            if is_taken {
                pace.answered();
                *caller = Caller::Done;
                continue;
            }
            pace.refused(begun, now);
            outcome.refused += 1;
            outcome.failed += usize::from(tries == TRIES);
            *caller = match tries {
                TRIES => Caller::Done,
                _ => Caller::Waiting { since: now + FIRST_BACKOFF * 2_u32.pow(tries - 1), tries },
            };
        }
    }
}

/// The caller that has waited longest.
fn whose_turn(callers: &mut [Caller], now: Instant) -> Option<(&mut Caller, u32)> {
    let waiting = callers.iter_mut().filter_map(|caller| match *caller {
        Caller::Waiting { since, tries } if since <= now => Some((since, tries, caller)),
        _ => None,
    });
    waiting.min_by_key(|(since, ..)| *since).map(|(_, tries, caller)| (caller, tries))
}

/// When something happens to a caller by itself.
fn next_moment(caller: &Caller, now: Instant) -> Option<Instant> {
    match *caller {
        Caller::Waiting { since, .. } if since > now => Some(since),
        Caller::InFlight { until, .. } => Some(until),
        _ => None,
    }
}

/// A service that takes so many calls a second, and this many at once after a rest.
fn token_bucket(per_second: f64, burst: f64) -> impl FnMut(Instant, usize) -> bool {
    let (mut tokens, mut last) = (burst, None::<Instant>);
    move |now, _| {
        tokens += last.map_or(0.0, |last| (now - last).as_secs_f64() * per_second);
        tokens = tokens.min(burst);
        last = Some(now);
        let takes = tokens >= 1.0;
        tokens -= f64::from(u8::from(takes));
        takes
    }
}

#[test]
fn without_a_refusal_nothing_is_slower() {
    let outcome = simulate(USUAL, 800, |_, _| true);
    assert_eq!(outcome, Outcome { refused: 0, failed: 0, lasted: LATENCY * 100 });
}

#[test]
fn a_service_that_bears_few_calls_at_once_gets_few() {
    for most in [1, 2, 3, 5] {
        let calls = 2_000;
        let outcome = simulate(USUAL, calls, |_, in_flight| in_flight <= most);
        assert_eq!(outcome.failed, 0, "{most} at once: {outcome:?}");
        assert!(outcome.refused <= calls / 12, "{most} at once: {outcome:?}");
    }
}

#[test]
fn a_slow_service_is_waited_for() {
    for (per_second, burst) in [(0.5, 1.0), (1.0, 1.0), (1.0, 5.0), (5.0, 20.0), (20.0, 20.0), (100.0, 100.0)] {
        let calls = 1_000;
        let outcome = simulate(USUAL, calls, token_bucket(per_second, burst));
        let least = Duration::from_secs_f64((calls as f64 - burst) / per_second);
        assert_eq!(outcome.failed, 0, "{per_second} a second: {outcome:?}");
        assert!(outcome.refused <= calls / 7, "{per_second} a second: {outcome:?}");
        assert!(outcome.lasted < least * 3, "{per_second} a second: {outcome:?}, at least {least:?}");
    }
}

#[test]
fn a_service_that_is_known_to_be_slow_is_not_asked_faster() {
    let quota = quota_of(std::any::TypeId::of::<aws_sdk_sesv2::Client>(), KNOWN_QUOTAS);
    let outcome = simulate(quota, 200, token_bucket(1.0, 1.0));
    assert_eq!((outcome.failed, outcome.refused), (0, 1), "{outcome:?}");
    assert!(outcome.lasted < Duration::from_secs(203), "{outcome:?}");
    // A place with little to read does not wait for what nobody demands.
    let outcome = simulate(quota, 8, |_, _| true);
    assert_eq!(outcome, Outcome { refused: 0, failed: 0, lasted: LATENCY * 8 });
}

#[test]
fn what_is_refused_together_counts_once() {
    let now = Instant::now();
    let mut pace = Pace::new(&USUAL);
    let together: Vec<Begun> = (0..8)
        .map(|_| match pace.begin(now) {
            Next::Begun(begun) => begun,
            next => panic!("{next:?}"),
        })
        .collect();
    assert!(matches!(pace.begin(now), Next::WhenOneEnds));
    for begun in together {
        pace.ended();
        pace.refused(begun, now);
    }
    assert_eq!((pace.limit, pace.interval), (4, Duration::ZERO));
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_its_place_to_the_next() {
    let limiter = Arc::new(Limiter::new(&Quota { most_in_flight: 1, ..USUAL }));
    let first = limiter.clone().begin().await;
    let mut second = Box::pin(limiter.clone().begin());
    let mut third = Box::pin(limiter.clone().begin());
    assert!(futures::poll!(&mut second).is_pending());
    assert!(futures::poll!(&mut third).is_pending());
    drop(second);
    drop(first);
    third.await.answered();
    assert_eq!(limiter.pace().in_flight, 0);
}
