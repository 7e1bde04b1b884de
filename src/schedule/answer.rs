//! What an invocation of the scheduler comes to.

use serde::Serialize;

use super::{AbortError, DiscoveryError, EventError, StartError};
use crate::events;
use crate::mapping::MappingError;
use crate::port::IntegrationError;
use crate::run::{RunId, StateError, Summary};
use crate::seams::CatalogError;

/// What an invocation answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Started(Box<Summary>),
    /// Nothing was changed. The run is the one that is in the way, or that cannot be confirmed or aborted.
    Refused {
        outcome: &'static str,
        run: RunId,
        reason: String,
    },
    Aborted {
        outcome: &'static str,
        run: RunId,
    },
    /// A run was wanted only if a user had asked for one, and none was started.
    NotStarted {
        outcome: &'static str,
        reason: String,
    },
}

impl Answer {
    /// To an event that asks for a run.
    pub(super) fn refused(run: &RunId, reason: String) -> Self {
        events::run_refused(run, &reason);
        Self::Refused { outcome: "refused", run: run.clone(), reason }
    }
}

/// A run that did not start. Unless it says otherwise, nothing was changed but for what a first run installs in Port.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Port(#[from] CatalogError),
    #[error(transparent)]
    Integration(#[from] IntegrationError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Abort(#[from] AbortError),
    #[error(
        "no target is left to read; check the mapping's kinds and region policies, and what the event narrows the run to"
    )]
    NoTargets,
}

impl From<ScheduleError> for lambda_runtime::Diagnostic {
    fn from(error: ScheduleError) -> Self {
        let error_type = match &error {
            ScheduleError::Event(_) => "MalformedEvent",
            ScheduleError::Port(_) | ScheduleError::Integration(_) => "Port",
            ScheduleError::Mapping(_) | ScheduleError::NoTargets => "Mapping",
            ScheduleError::Discovery(_) => "Accounts",
            ScheduleError::State(_) | ScheduleError::Start(_) | ScheduleError::Abort(_) => "State",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}
