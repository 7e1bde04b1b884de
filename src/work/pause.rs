//! The pause that Port's rate limit asks for, told by the worker that was asked to all others.

use std::fmt::Display;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::StepError;
use crate::events;
use crate::message::Step;
use crate::port::LONGEST_WAIT_FOR_LIMIT;
use crate::run::{Place, StateError, write_json};
use crate::seams::{Condition, Store, StoreError};

/// By how much the clocks of two workers may differ.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);
/// Targets come back within so many seconds, each at its own.
const SPREAD_SECONDS: u64 = 10;

/// The state object: until then no worker begins anything that needs Port.
#[derive(Debug, Serialize, Deserialize)]
struct Pause {
    #[serde(with = "time::serde::rfc3339")]
    until: OffsetDateTime,
    reason: String,
}

impl Pause {
    /// # Errors
    /// Why it cannot be one that a worker wrote: bad state must not stop runs.
    fn parse(bytes: &[u8], now: OffsetDateTime) -> Result<Self, String> {
        let pause: Self = serde_json::from_slice(bytes).map_err(|error| format!("it cannot be understood: {error}"))?;
        if pause.until > now + LONGEST_WAIT_FOR_LIMIT + CLOCK_DIFFERENCE {
            return Err("no limit of Port lasts that long".to_owned());
        }
        Ok(pause)
    }
}

/// Looked at before a step reads AWS: what it reads could not be sent.
///
/// # Errors
/// [`StepError::RetryAfter`] while a pause lasts.
pub(super) async fn heed(store: &dyn Store, place: &Place, now: OffsetDateTime) -> Result<(), StepError> {
    let key = place.port_pause();
    let ignore = |reason: &dyn Display| events::pause_ignored(&key, &reason);
    let object = match store.get(&key).await {
        Ok(Some(object)) => object,
        Ok(None) => return Ok(()),
        Err(error) => {
            ignore(&error);
            return Ok(());
        }
    };
    match Pause::parse(&object.bytes, now) {
        // Negative when it is over.
        Ok(pause) => match Duration::try_from(pause.until - now) {
            Ok(delay) if !delay.is_zero() => Err(StepError::RetryAfter { reason: pause.reason, delay }),
            _ => Ok(()),
        },
        Err(reason) => {
            ignore(&reason);
            Ok(())
        }
    }
}

/// Tells all workers that Port takes no calls for so long. If that fails, each of them finds out by itself.
pub(super) async fn announce(store: &dyn Store, place: &Place, now: OffsetDateTime, reason: &str, delay: Duration) {
    let pause = Pause { until: now + delay.min(LONGEST_WAIT_FOR_LIMIT), reason: reason.to_owned() };
    if let Err(error) = write(store, &place.port_pause(), &pause, now).await {
        events::pause_not_written(&error);
    }
}

async fn write(store: &dyn Store, key: &str, pause: &Pause, now: OffsetDateTime) -> Result<(), StateError> {
    let condition = match store.get(key).await? {
        None => Condition::Absent,
        Some(object) if Pause::parse(&object.bytes, now).is_ok_and(|known| known.until >= pause.until) => return Ok(()),
        Some(object) => Condition::Unchanged(object.version),
    };
    match write_json(store, key, pause, condition).await {
        // Another worker was told the same.
        Err(StateError::Store(StoreError::Conflict { .. })) => Ok(()),
        written => written.map(drop),
    }
}

/// When a step that is told to wait comes again: not before, and the targets one after the other. The sweep comes
/// first, or the targets of a run that is past its deadline would begin the next pause before it.
pub(super) fn spread(delay: Duration, step: &Step) -> Duration {
    let whole_seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    let extra = match step {
        Step::Sweep { .. } => 0,
        Step::Sync { target, .. } => {
            let mut hasher = DefaultHasher::new();
            target.hash(&mut hasher);
            hasher.finish() % SPREAD_SECONDS
        }
    };
    Duration::from_secs(whole_seconds + extra)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::target::Target;

    fn parse(text: &str) -> Result<OffsetDateTime, String> {
        let now = OffsetDateTime::from_unix_timestamp(1_790_000_000).expect("a time");
        Pause::parse(text.as_bytes(), now).map(|pause| pause.until)
    }

    #[test]
    fn only_a_pause_that_a_worker_may_have_written_is_believed() {
        let at = |seconds: i64| {
            let until = OffsetDateTime::from_unix_timestamp(1_790_000_000 + seconds).expect("a time");
            serde_json::to_string(&Pause { until, reason: "a limit".to_owned() }).expect("a pause")
        };
        assert!(parse(&at(-5)).is_ok());
        assert!(parse(&at(900)).is_ok());
        assert!(parse(&at(961)).is_err());
        assert!(parse(&at(86_400)).is_err());
        assert!(parse(&at(60)[..20]).is_err());
        assert!(parse("{\"until\": 5, \"reason\": \"a limit\"}").is_err());
        assert!(parse("{}").is_err());
    }

    #[test]
    fn targets_come_back_at_their_own_second_and_never_early() {
        let asked = Duration::from_millis(30_500);
        let region = |number: u32| Target::Region {
            account: format!("1111111111{number:02}").parse().expect("an account"),
            region: "eu-west-1".to_owned(),
        };
        let sync = |target| Step::Sync { target };
        let delays: BTreeSet<Duration> = (0..50).map(|number| spread(asked, &sync(region(number)))).collect();
        assert!(delays.len() > 5, "{delays:?}");
        assert!(delays.iter().all(|delay| (31..=40).contains(&delay.as_secs())), "{delays:?}");
        assert_eq!(spread(asked, &sync(region(1))), spread(asked, &sync(region(1))));
        assert_eq!(spread(asked, &Step::Sweep { polls: 3 }), Duration::from_secs(31));
    }
}
