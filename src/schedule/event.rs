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
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_way_to_start_a_run() {
        assert_eq!(RunRequest::parse(&json!({})).unwrap(), RunRequest::default());
        assert_eq!(RunRequest::parse(&Value::Null).unwrap(), RunRequest::default());
        let envelope = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "111111111111",
            "time": "2026-11-21T06:00:00Z", "region": "eu-west-1", "resources": [], "detail": {}});
        assert_eq!(RunRequest::parse(&envelope).unwrap().scheduled_time.as_deref(), Some("2026-11-21T06:00:00Z"));
        let full = json!({"mode": "full", "scheduledTime": "2026-11-21T06:00:00Z"});
        assert_eq!(RunRequest::parse(&full).unwrap().mode, Mode::Full);
        let narrow = json!({"mode": "full", "accounts": ["111111111111"], "regions": ["eu-west-1"], "kinds": ["AWS::S3::Bucket"], "force": true});
        let narrow = RunRequest::parse(&narrow).unwrap();
        assert!(narrow.force && narrow.narrowing.is_narrowed());
    }

    const RUN: &str = "0f8b6d1e-5a3c-4c1f-9d2e-7b64a1c0e935";

    #[test]
    fn what_a_person_can_ask_for() {
        let parse = |event| RunRequest::parse(&event).unwrap();
        let resend = parse(json!({"resend": true, "kinds": ["AWS::S3::Bucket"], "force": true}));
        assert!(resend.resend && resend.narrowing.is_narrowed() && resend.mode == Mode::Incremental);
        let remove = parse(json!({"removeUnknown": true, "mode": "full", "resend": true}));
        assert!(remove.remove_unknown && remove.resend && remove.mode == Mode::Full);
        let confirm = parse(json!({"confirm": RUN.to_uppercase(), "mode": "full", "removeUnknown": true}));
        assert_eq!((confirm.confirms.as_ref().map(RunId::as_str), confirm.abort.is_none()), (Some(RUN), true));
        let abort = parse(json!({"abort": RUN}));
        assert_eq!(abort.abort.as_ref().map(RunId::as_str), Some(RUN));
        let requested = parse(json!({"onlyIfRequested": true, "scheduledTime": "2026-11-21T06:00:00Z"}));
        assert!(requested.only_if_requested && requested.mode == Mode::Incremental);
        assert!(!parse(json!({"onlyIfRequested": false, "mode": "full"})).only_if_requested);
        let nothing = json!({"removeUnknown": false, "accounts": ["111111111111"]});
        assert!(!parse(nothing).remove_unknown);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (event, words) in [
            (json!({"abort": RUN, "force": false}), "abort starts no run"),
            (json!({"abort": RUN, "mode": "incremental"}), "abort starts no run"),
            (json!({"abort": RUN, "confirm": RUN}), "abort starts no run"),
            (json!({"removeUnknown": true, "accounts": ["111111111111"]}), "removeUnknown takes a whole run"),
            (json!({"removeUnknown": true, "regions": ["eu-west-1"]}), "removeUnknown takes a whole run"),
            (json!({"removeUnknown": true, "kinds": ["AWS::S3::Bucket"]}), "removeUnknown takes a whole run"),
            (json!({"confirm": RUN, "kinds": ["AWS::S3::Bucket"]}), "confirm takes a whole run"),
            (json!({"confirm": RUN, "force": true}), "confirm goes without force"),
            (json!({"onlyIfRequested": true, "mode": "full"}), "onlyIfRequested goes with nothing but"),
            (
                json!({"onlyIfRequested": true, "force": false, "scheduledTime": "x"}),
                "onlyIfRequested goes with nothing but",
            ),
            (json!({"onlyIfRequested": true, "accounts": ["111111111111"]}), "onlyIfRequested goes with nothing but"),
            (json!({"onlyIfRequested": true, "abort": RUN}), "abort starts no run"),
        ] {
            match RunRequest::parse(&event) {
                Err(EventError::Combination(problem)) => assert!(problem.contains(words), "{event}: {problem}"),
                other => panic!("{event} gives {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_too_large_is_told_with_its_size() {
        let accounts: Vec<String> = (0..10_001).map(|number| format!("{number:012}")).collect();
        let regions: Vec<String> = (0..101).map(|number| format!("eu-west-{number}")).collect();
        let kinds: Vec<String> = (0..1001).map(|number| format!("AWS::A{number}::B")).collect();
        let time = "2".repeat(65);
        let envelope = json!({"detail-type": "x", "source": "y", "time": time});
        let large = json!({"accounts": "x".repeat(256 * 1024)});
        let size = large.to_string().len().to_string();
        for (event, told) in [
            (large, ["event", size.as_str(), "262144"]),
            (json!({"accounts": accounts}), ["accounts", "10001", "10000"]),
            (json!({"regions": regions}), ["regions", "101", "100"]),
            (json!({"kinds": kinds}), ["kinds", "1001", "1000"]),
            (json!({"scheduledTime": time}), ["scheduledTime", "65", "64"]),
            (envelope, ["time", "65", "64"]),
        ] {
            let text = RunRequest::parse(&event).unwrap_err().to_string();
            assert!(told.iter().all(|part| text.contains(part)), "{text} should tell {told:?}");
        }
        let all: Vec<String> = (0..10_000).map(|number| format!("{number:012}")).collect();
        assert_eq!(RunRequest::parse(&json!({"accounts": all})).unwrap().narrowing.accounts.len(), 10_000);
    }

    #[test]
    fn an_envelope_holds_no_other() {
        let inner = json!({"detail-type": "x", "source": "y", "detail": {}});
        let outer = json!({"detail-type": "x", "source": "y", "detail": inner});
        let text = RunRequest::parse(&outer).unwrap_err().to_string();
        assert!(text.contains("detail-type"), "{text}");
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (event, named) in [
            (json!({"mod": "full"}), "mod"),
            (json!({"mode": "partial"}), "partial"),
            (json!({"accounts": ["1"]}), "`1`"),
            (json!({"accounts": "111111111111"}), "sequence"),
            (json!({"regions": ["Ireland"]}), "Ireland"),
            (json!({"kinds": ["s3-bucket"]}), "s3-bucket"),
            (json!({"force": "yes"}), "boolean"),
            (json!({"resend": 1}), "boolean"),
            (json!({"onlyIfRequested": "true"}), "boolean"),
            (json!({"onlyIfRequested": null}), "null"),
            (json!({"mod": "full"}), "onlyIfRequested, scheduledTime"),
            (json!({"confirm": "yesterday"}), "the id of a run"),
            (json!({"abort": ""}), "the id of a run"),
            (json!({"abort": true}), "expected a string"),
            (json!({"abort": null}), "null"),
            (json!([]), "[]"),
            (json!("full"), "full"),
        ] {
            let text = RunRequest::parse(&event).unwrap_err().to_string();
            assert!(text.contains(named), "{text} should name {named}");
        }
    }
}
