//! Port's Resync button: every few minutes a schedule asks whether a user wants a run.
//!
//! Which request was answered is kept with the current run, as Port's own time of it, so that no clock is compared with
//! another. A request is answered by the first run of everything whose mapping is read after the request: the time of
//! the newest request is always read first, and the mapping then. What is asked for later, and so what is asked for
//! while a run is going, is answered by another run after it. A narrowed run answers nothing.
//!
//! Port may take it for a request that a run writes the integration record itself, and then a run could be the reason
//! for the next one, for ever. Against that:
//! - what is written asks Port to make no request of it;
//! - a run that has written something reads the newest request once more, and its mapping after that. So a mapping that
//!   a user saves just then is in the run, and nothing is lost;
//! - a run that starts for a request, and is not the first of all, writes nothing of the record but how far the run is,
//!   and a mapping where there is none at all;
//! - should Port make its requests of all that nevertheless, requested runs follow each other ever more slowly
//!   ([`super::attempts`]).

use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::attempts::begin_attempt;
use super::{Answer, RunRequest, ScheduleError, Scheduler, StartError};
use crate::config::IntegrationSettings;
use crate::events;
use crate::port::{
    IntegrationError, IntegrationRecord, PortClient, RecordUpdates, ensure_integration, newest_resync_request,
    read_mapping,
};
use crate::run::{AnsweredRequest, Current, CurrentError, Place, RunId, load_current};
use crate::seams::CatalogError;

/// How long one of the calls waits for Port's rate limit. The next invocation asks again.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long asking takes at most: less than the five minutes until the next invocation.
const LONGEST_QUESTION: Duration = Duration::from_secs(2 * 60);

impl Scheduler {
    /// Starts a run if a user has asked Port for one that no run has answered. Where Port does not say, the answer
    /// tells so, and nothing fails: an alarm every few minutes helps nobody, and what is wrong with Port or the
    /// credentials makes the scheduled runs fail too. A run that was asked for and cannot start is an error like any
    /// other.
    pub(super) async fn start_if_requested(
        &self,
        request: RunRequest,
        deadline: OffsetDateTime,
    ) -> Result<Answer, ScheduleError> {
        let port = self.port.with_patience(PATIENCE);
        let integration = &self.settings.integration;
        let asked = match tokio::time::timeout(LONGEST_QUESTION, ask(&port, integration)).await {
            Ok(Ok(asked)) => asked,
            Ok(Err(error)) => return Ok(unknown(error.to_string())),
            Err(_) => return Ok(unknown(format!("no answer within {} seconds", LONGEST_QUESTION.as_secs()))),
        };
        let (requested_at, port_organization) = match asked {
            Asked::For { requested_at, port_organization } => (requested_at, port_organization),
            Asked::Nothing(reason) => return Ok(not_requested(reason.to_owned())),
        };
        let place = Place::new(&port_organization, &integration.kind, &integration.identifier);
        let previous = load_current(self.store.as_ref(), &place).await?;
        let latest = previous.as_ref().map(|(current, _)| current);
        if let Some(answer) = latest.and_then(|current| answer_without_run(current, requested_at, self.clock.now())) {
            return Ok(answer);
        }
        if let Some(next_at) = begin_attempt(self.store.as_ref(), &place, requested_at, self.clock.now()).await? {
            return Ok(waiting(format!(
                "a run for a resync request was tried not long ago; the request of {} is answered from {} on",
                in_words(requested_at),
                in_words(next_at)
            )));
        }
        events::resync_requested(requested_at);
        let started = self.begin_run(request, place, port_organization, deadline, previous, Some(requested_at)).await;
        match started {
            // By a schedule of the same minute, or by a person.
            Err(ScheduleError::Start(StartError::Current(CurrentError::Lost))) => {
                let reason =
                    "another run was started at the same moment; a later question finds whether it is the answer";
                Ok(waiting(reason.to_owned()))
            }
            started => started,
        }
    }

    /// The integration record, and the newest request that a run with its mapping answers.
    pub(super) async fn read_record(
        &self,
        request: &RunRequest,
        latest: Option<&Current>,
        requested_at: Option<OffsetDateTime>,
    ) -> Result<(IntegrationRecord, Option<OffsetDateTime>), IntegrationError> {
        if request.narrowing.is_narrowed() {
            let record = ensure_integration(&self.port, &self.settings, RecordUpdates::Allowed).await?;
            return Ok((record, None));
        }
        let updates = match requested_at.is_some() && latest.is_some() {
            true => RecordUpdates::Left,
            false => RecordUpdates::Allowed,
        };
        let mut answered_at = match requested_at {
            Some(requested_at) => Some(requested_at),
            None => self.newest_request().await,
        };
        let mut record = ensure_integration(&self.port, &self.settings, updates).await?;
        if record.was_written {
            answered_at = answered_at.max(self.newest_request().await);
            if let Some(mapping) = read_mapping(&self.port, &self.settings.integration).await? {
                record.config = mapping;
            }
        }
        Ok((record, answered_at))
    }

    /// The newest request, where Port says so. A run does without: at worst another one follows it.
    async fn newest_request(&self) -> Option<OffsetDateTime> {
        match newest_resync_request(&self.port, &self.settings.integration).await {
            Ok(requested_at) => requested_at,
            Err(error) if is_missing(&error) => None,
            Err(error) => {
                events::resync_request_unknown(&error);
                None
            }
        }
    }
}

/// What Port says of requests.
enum Asked {
    Nothing(&'static str),
    /// A user's request, and whose state says whether it was answered.
    For {
        requested_at: OffsetDateTime,
        port_organization: String,
    },
}

/// One call, and where there is a request at all one more per token, for the organization.
async fn ask(port: &PortClient, integration: &IntegrationSettings) -> Result<Asked, CatalogError> {
    match newest_resync_request(port, integration).await {
        Ok(Some(requested_at)) => Ok(Asked::For { requested_at, port_organization: port.organization().await? }),
        Ok(None) => Ok(Asked::Nothing("nobody has asked Port for a resync")),
        Err(error) if is_missing(&error) => Ok(Asked::Nothing(
            "Port knows of no resync requests (404): there is no integration before the first run, or Port does not tell \
             of them any more",
        )),
        Err(error) => Err(error),
    }
}

/// Whether Port has no such record, as before the first run, or no such route any more: it is not published.
fn is_missing(error: &CatalogError) -> bool {
    matches!(error, CatalogError::Rejected { status: 404, .. })
}

/// The answer where the request needs no run, or none yet.
fn answer_without_run(current: &Current, requested_at: OffsetDateTime, now: OffsetDateTime) -> Option<Answer> {
    let is_going = current.is_going(now);
    let answered = if is_going { current.answered.as_ref() } else { current.settled_request() };
    let time = in_words(requested_at);
    if let Some(answered) = answered.filter(|answered| answered.requested_at >= requested_at) {
        let verb = if is_going && answered.run == current.run { "is being" } else { "was" };
        return Some(not_requested(format!(
            "the resync request of {time} {verb} answered by the run {}",
            answered.run
        )));
    }
    is_going.then(|| {
        waiting(format!("the run {} is still going; the resync request of {time} is answered after it", current.run))
    })
}

/// What is known to be answered once the run has started, if a run with what it has read answers the requests up to
/// `answered_at`.
pub(super) fn answered_request(
    run: &RunId,
    answered_at: Option<OffsetDateTime>,
    previous: Option<&Current>,
) -> Option<AnsweredRequest> {
    let before = previous.and_then(Current::settled_request);
    match answered_at {
        Some(requested_at) if before.is_none_or(|before| before.requested_at < requested_at) => {
            Some(AnsweredRequest { run: run.clone(), requested_at })
        }
        _ => before.cloned(),
    }
}

fn in_words(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_else(|_| time.to_string())
}

fn not_requested(reason: String) -> Answer {
    Answer::NotStarted { outcome: "not-requested", reason }
}

fn waiting(reason: String) -> Answer {
    Answer::NotStarted { outcome: "waiting", reason }
}

fn unknown(reason: String) -> Answer {
    events::resync_request_unknown(&reason);
    Answer::NotStarted { outcome: "unknown", reason }
}
