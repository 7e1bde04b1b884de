//! What starts a run, or aborts one: a schedule, or a person who writes an event into the console.

use std::collections::BTreeSet;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::kinds;
use crate::mapping::brief;
use crate::run::{Mode, Narrowing, Plan, RunId};
use crate::target::{AccountId, TargetError, validate_region};

/// What EventBridge delivers at most, and room for the numbers of all accounts that an organization can have.
const LARGEST_EVENT_BYTES: usize = 256 * 1024;
/// AWS Organizations: the largest quota of accounts that is granted.
const MOST_ACCOUNTS: usize = 10_000;
/// Three times what AWS has.
const MOST_REGIONS: usize = 100;
/// As many as a mapping may have entries.
const MOST_KINDS: usize = 1000;
/// A point in time with everything that ISO 8601 allows to be said about it.
const LONGEST_TIME: usize = 64;

/// What a run is asked to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunRequest {
    pub mode: Mode,
    /// Send everything again, whatever Port is known to hold.
    pub resend: bool,
    /// Delete entities of this integration that no ledger knows.
    pub remove_unknown: bool,
    /// The run whose held-back deletions a person has looked at.
    pub confirms: Option<RunId>,
    /// End this run, and start none. Nothing else goes with it.
    pub abort: Option<RunId>,
    pub narrowing: Narrowing,
    /// Supersede a run that is still going.
    pub force: bool,
    /// Start a run only if a user has asked Port for one since the last.
    pub only_if_requested: bool,
    /// The time for which a schedule asks: the same time again is the same run.
    pub scheduled_time: Option<String>,
}

/// An event that cannot be understood. Nothing has happened.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error(
        "the event is malformed: {0}; possible are mode (incremental or full), resend, removeUnknown, accounts, regions, kinds, force, \
         onlyIfRequested, scheduledTime, and with the id of a run confirm or abort"
    )]
    Form(#[from] serde_json::Error),
    #[error("the event has {bytes} bytes; at most {LARGEST_EVENT_BYTES} are possible")]
    TooLarge { bytes: usize },
    #[error("the event's `{field}` has {found} {unit}; at most {allowed} are possible")]
    TooMany { field: &'static str, found: usize, unit: &'static str, allowed: usize },
    #[error("the event is {0}; an object is expected, {{}} for a run of everything")]
    NoObject(String),
    #[error("the event is malformed: {0}")]
    Target(#[from] TargetError),
    #[error("the event names the kind {0}, which is no kind that can be read")]
    Kind(String),
    #[error("the event asks for what does not go together: {0}")]
    Combination(&'static str),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ManualEvent {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    resend: bool,
    #[serde(default)]
    remove_unknown: bool,
    #[serde(default, deserialize_with = "run_id")]
    confirm: Option<RunId>,
    #[serde(default, deserialize_with = "run_id")]
    abort: Option<RunId>,
    #[serde(default)]
    accounts: BTreeSet<AccountId>,
    #[serde(default)]
    regions: BTreeSet<String>,
    #[serde(default)]
    kinds: BTreeSet<String>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    only_if_requested: bool,
    scheduled_time: Option<String>,
}

/// A key that is there has a value: `null` would start a run where somebody meant to abort one.
fn run_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RunId>, D::Error> {
    let run = RunId::try_from(String::deserialize(deserializer)?);
    run.map(Some).map_err(|error| D::Error::custom(format!("`confirm` and `abort` take the id of a run: {error}")))
}

impl RunRequest {
    /// Reads an event: nothing, an envelope of EventBridge, or what a person wrote.
    ///
    /// # Errors
    /// [`EventError`] names the field that is wrong.
    pub fn parse(event: &Value) -> Result<Self, EventError> {
        let bytes = event.to_string().len();
        if bytes > LARGEST_EVENT_BYTES {
            return Err(EventError::TooLarge { bytes });
        }
        let Value::Object(fields) = event else {
            return Self::parse_manual(event);
        };
        // EventBridge user guide: every envelope has these members; what a rule's author adds is in `detail`.
        if fields.contains_key("detail-type") && fields.contains_key("source") {
            let detail = fields.get("detail").cloned().unwrap_or_default();
            let mut request = Self::parse_manual(&detail)?;
            let time = fields.get("time").and_then(Value::as_str).map(str::to_owned);
            request.scheduled_time = request.scheduled_time.or(time);
            at_most(LONGEST_TIME, "bytes", "time", request.scheduled_time.as_ref().map_or(0, String::len))?;
            return Ok(request);
        }
        Self::parse_manual(event)
    }

    /// What a person wrote, or what a rule's author added.
    fn parse_manual(event: &Value) -> Result<Self, EventError> {
        match event {
            Value::Null => return Ok(Self::default()),
            Value::Object(_) => {}
            other => return Err(EventError::NoObject(brief(other))),
        }
        let manual = ManualEvent::deserialize(event)?;
        at_most(MOST_ACCOUNTS, "members", "accounts", manual.accounts.len())?;
        at_most(MOST_REGIONS, "members", "regions", manual.regions.len())?;
        at_most(MOST_KINDS, "members", "kinds", manual.kinds.len())?;
        at_most(LONGEST_TIME, "bytes", "scheduledTime", manual.scheduled_time.as_ref().map_or(0, String::len))?;
        for region in &manual.regions {
            validate_region(region)?;
        }
        if let Some(unknown) = manual.kinds.iter().find(|kind| kinds::find(kind).is_none()) {
            return Err(EventError::Kind(brief(&Value::from(unknown.as_str()))));
        }
        let narrowing = Narrowing { accounts: manual.accounts, regions: manual.regions, kinds: manual.kinds };
        let request = Self {
            mode: manual.mode,
            resend: manual.resend,
            remove_unknown: manual.remove_unknown,
            confirms: manual.confirm,
            abort: manual.abort,
            narrowing,
            force: manual.force,
            only_if_requested: manual.only_if_requested,
            scheduled_time: manual.scheduled_time,
        };
        request.check_combination(event.as_object().map_or(0, serde_json::Map::len))?;
        Ok(request)
    }

    /// What goes with what, in an event of so many members.
    fn check_combination(&self, members: usize) -> Result<(), EventError> {
        let is_narrowed = self.narrowing.is_narrowed();
        let other_members = members - usize::from(self.scheduled_time.is_some());
        let problem = if self.abort.is_some() && members > 1 {
            "abort starts no run, and goes with nothing else"
        } else if self.only_if_requested && other_members > 1 {
            "onlyIfRequested goes with nothing but scheduledTime: what a user asks Port for is an incremental run of everything"
        } else if self.remove_unknown && is_narrowed {
            "removeUnknown takes a whole run, without accounts, regions and kinds: a narrowed run does not know what it did not look at"
        } else if self.confirms.is_some() && is_narrowed {
            "confirm takes a whole run, without accounts, regions and kinds: it deletes only what that run finds gone too"
        } else if self.confirms.is_some() && self.force {
            "confirm goes without force: only the latest run can be confirmed, and only when it has ended"
        } else {
            return Ok(());
        };
        Err(EventError::Combination(problem))
    }

    /// Whether the plan is of a run that this request asks for.
    pub fn asks_for(&self, plan: &Plan) -> bool {
        (self.mode, self.resend, self.remove_unknown) == (plan.mode, plan.resend, plan.remove_unknown)
            && self.confirms == plan.confirms
            && self.narrowing == plan.narrowing
    }
}

fn at_most(allowed: usize, unit: &'static str, field: &'static str, found: usize) -> Result<(), EventError> {
    match found > allowed {
        true => Err(EventError::TooMany { field, found, unit, allowed }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
