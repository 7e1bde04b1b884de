//! Confirming: a person has looked at the deletions that a run held back, and wants them done.

use time::{Duration, OffsetDateTime};

use crate::run::{Current, Phase, Place, RunId, StateError, Summary, read_json};
use crate::seams::Store;

/// The state bucket keeps what belongs to one run for so long (`ExpireRuns` in the template).
pub const STATE_KEPT: Duration = Duration::days(30);

/// Why the deletions that a run held back cannot be confirmed; none where they can.
pub async fn obstacle(
    store: &dyn Store,
    place: &Place,
    run: &RunId,
    latest: Option<&Current>,
    now: OffsetDateTime,
) -> Result<Option<String>, StateError> {
    let summary = read_json::<Summary>(store, &place.summary(run)).await?.map(|(summary, _)| summary);
    let (Some(summary), Some(latest)) = (summary, latest) else {
        return Ok(Some(format!("there is no run {run} any more, or never was: runs are kept for 30 days")));
    };
    Ok(obstacle_of(&summary, latest, now))
}

fn obstacle_of(summary: &Summary, latest: &Current, now: OffsetDateTime) -> Option<String> {
    let run = &summary.run;
    if latest.run != *run {
        return Some(format!(
            "only the latest run can be confirmed, because the organization may have changed since the run {run}: look at what the \
             run {} held back, and confirm that one",
            latest.run
        ));
    }
    match latest.phase {
        Phase::Ended => {}
        Phase::Aborted => {
            return Some(format!("the run {run} was aborted: start another, and look at what it holds back"));
        }
        Phase::Starting | Phase::Running | Phase::Sweeping => {
            return Some(format!(
                "the run {run} did not come to its end: start another, and look at what it holds back"
            ));
        }
    }
    if now - latest.started >= STATE_KEPT {
        return Some(format!(
            "the run {run} is of {}, and runs are kept for 30 days: start another, and look at what it holds back",
            latest.started
        ));
    }
    if summary.deletions.as_ref().is_none_or(|deletions| deletions.held_back.is_empty()) {
        return Some(format!("the run {run} held nothing back: there is nothing to confirm"));
    }
    None
}
