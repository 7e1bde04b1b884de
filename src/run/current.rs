//! `current`: the one object that says which run is going on. It is changed only conditionally, which is what makes two
//! runs at once impossible.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Mode, Place, RunId, StateError, read_json, write_json};
use crate::seams::{Condition, Store, StoreError, Version};

/// The run that is going on, or the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Current {
    /// Grows by one with every run. Messages carry it; those of another epoch have no effect.
    pub epoch: u64,
    pub run: RunId,
    pub mode: Mode,
    pub phase: Phase,
    #[serde(default)]
    pub pass: Pass,
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    /// From then on targets that are not done count as failed, and another run may start.
    #[serde(with = "time::serde::rfc3339")]
    pub deadline: OffsetDateTime,
    /// The time for which a schedule started the run: a repeated invocation for the same time finds its run here.
    pub scheduled_time: Option<String>,
    /// The newest resync request of Port that needs no other run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<AnsweredRequest>,
}

/// A resync request of Port, and the run that is the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredRequest {
    pub run: RunId,
    /// When it was made, by Port's clock. It is compared with nothing but times of other requests.
    #[serde(with = "time::serde::rfc3339")]
    pub requested_at: OffsetDateTime,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The scheduler sends messages, and workers may take the first ones already.
    Starting,
    /// All messages are sent; workers read targets.
    Running,
    /// The sweep has begun; no worker changes anything any more.
    Sweeping,
    /// It ended and reported.
    Ended,
    /// It could not be started completely, or a person ended it: what is left of it has no effect.
    Aborted,
}

/// A run goes over all of its targets, and at most once more over some of them. A step of the first pass has no effect
/// in the second one, although the phases are the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pass {
    #[default]
    First,
    /// Targets are read again of which Port has lost entities.
    Repair,
}

impl Current {
    /// Whether both are of one run, and of one pass of it.
    pub fn is_same_pass(&self, other: &Self) -> bool {
        self.run == other.run && self.pass == other.pass
    }

    /// Whether the run is still entitled to change something.
    pub fn is_going(&self, now: OffsetDateTime) -> bool {
        match self.phase {
            // A scheduler that died while it sent messages must not block the next run for hours.
            Phase::Starting => now < self.started + LONGEST_START,
            Phase::Running | Phase::Sweeping => now < self.deadline + SWEEP_GRACE,
            Phase::Ended | Phase::Aborted => false,
        }
    }

    /// The answered request, as the next run or the next question finds it. A run that did not come to its end, because
    /// its scheduler died, its messages got lost or another run took its place, was no answer. One that a person
    /// aborted was: it is not to start again.
    pub fn settled_request(&self) -> Option<&AnsweredRequest> {
        let is_over = matches!(self.phase, Phase::Ended | Phase::Aborted);
        self.answered.as_ref().filter(|answered| answered.run != self.run || is_over)
    }

    /// The same run, as one that is the answer to nothing.
    pub fn without_answer(self) -> Self {
        let answered = self.answered.filter(|answered| answered.run != self.run);
        Self { answered, ..self }
    }
}

impl Phase {
    /// Whether workers may still change something for targets of the run.
    pub fn is_before_sweep(self) -> bool {
        matches!(self, Self::Starting | Self::Running)
    }
}

/// The scheduler's own timeout: whatever it has not sent by then it never will.
const LONGEST_START: time::Duration = time::Duration::minutes(15);

/// How long after its deadline a run may still be sweeping before another one may start.
const SWEEP_GRACE: time::Duration = time::Duration::minutes(30);

/// `current` was not as expected.
#[derive(Debug, thiserror::Error)]
pub enum CurrentError {
    #[error(
        "another run was started at the same moment, or the one before moved on; look what is going before another try"
    )]
    Lost,
    #[error(transparent)]
    State(#[from] StateError),
}

/// The run that is current; none before the first one.
pub async fn load_current(store: &dyn Store, place: &Place) -> Result<Option<(Current, Version)>, StateError> {
    read_json(store, &place.current()).await
}

/// Makes `current` the current run, if nobody else did meanwhile. `previous` is the version that was looked at before.
pub async fn claim(
    store: &dyn Store,
    place: &Place,
    current: &Current,
    previous: Option<Version>,
) -> Result<(), CurrentError> {
    let condition = previous.map_or(Condition::Absent, Condition::Unchanged);
    write_current(store, place, current, condition).await
}

/// Moves the run to another phase, if it still is the one that `version` was read with.
pub async fn set_phase(
    store: &dyn Store,
    place: &Place,
    current: &Current,
    version: Version,
    phase: Phase,
) -> Result<(), CurrentError> {
    let moved = Current { phase, ..current.clone() };
    write_current(store, place, &moved, Condition::Unchanged(version)).await
}

/// Lets workers read again what Port has lost, if the run still is the one that `version` was read with.
pub async fn begin_repair(
    store: &dyn Store,
    place: &Place,
    current: &Current,
    version: Version,
) -> Result<(), CurrentError> {
    let moved = Current { phase: Phase::Running, pass: Pass::Repair, ..current.clone() };
    write_current(store, place, &moved, Condition::Unchanged(version)).await
}

async fn write_current(
    store: &dyn Store,
    place: &Place,
    current: &Current,
    condition: Condition,
) -> Result<(), CurrentError> {
    let error = match write_json(store, &place.current(), current, condition).await {
        Ok(_) => return Ok(()),
        Err(error) => error,
    };
    if !matches!(error, StateError::Store(StoreError::Conflict { .. })) {
        return Err(error.into());
    }
    // SDKs repeat a write whose answer was lost, and the repetition then conflicts with the first try: what lies there
    // tells.
    match load_current(store, place).await? {
        Some((found, _)) if found == *current => Ok(()),
        _ => Err(CurrentError::Lost),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn current(phase: Phase, answered_by: &RunId) -> Current {
        let run: RunId = "0f8b6d1e-5a3c-4c1f-9d2e-7b64a1c0e935".to_owned().try_into().expect("an id");
        let started = OffsetDateTime::UNIX_EPOCH;
        Current {
            epoch: 7,
            run,
            mode: Mode::Incremental,
            phase,
            pass: Pass::First,
            started,
            deadline: started,
            scheduled_time: None,
            answered: Some(AnsweredRequest { run: answered_by.clone(), requested_at: started }),
        }
    }

    #[test]
    fn a_run_of_a_release_before_resync_requests_has_answered_none() {
        let mut before = serde_json::to_value(current(Phase::Ended, &RunId::new())).expect("JSON");
        before.as_object_mut().expect("an object").remove("answered");
        let before: Current = serde_json::from_value(before).expect("it is understood");
        assert_eq!(before.answered, None);
        assert_eq!(serde_json::to_value(&before).expect("JSON").get("answered"), None);
        assert_eq!(json!(before.phase), json!("ended"));
    }

    #[test]
    fn a_request_is_settled_when_its_run_is_over() {
        let other = RunId::new();
        for (phase, is_over) in [
            (Phase::Starting, false),
            (Phase::Running, false),
            (Phase::Sweeping, false),
            (Phase::Ended, true),
            (Phase::Aborted, true),
        ] {
            let own = current(phase, &other).run;
            assert_eq!(current(phase, &own).settled_request().is_some(), is_over, "{phase:?}");
            assert!(current(phase, &other).settled_request().is_some(), "{phase:?}");
            assert_eq!(current(phase, &own).without_answer().answered, None);
            assert!(current(phase, &other).without_answer().answered.is_some());
        }
    }
}
