//! What starts a run: a schedule, or a person who writes an event into the console.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use crate::kinds;
use crate::run::{Mode, Narrowing};
use crate::target::{AccountId, TargetError, validate_region};

/// What a run is asked to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunRequest {
    pub mode: Mode,
    pub narrowing: Narrowing,
    /// Supersede a run that is still going.
    pub force: bool,
    /// The time for which a schedule asks: the same time again is the same run.
    pub scheduled_time: Option<String>,
}

/// An event that cannot be understood. Nothing has happened.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error(
        "the event is malformed: {0}; possible are mode (incremental or full), accounts, regions, kinds, force and scheduledTime"
    )]
    Form(#[from] serde_json::Error),
    #[error("the event is {0}; an object is expected, {{}} for a run of everything")]
    NoObject(String),
    #[error("the event is malformed: {0}")]
    Target(#[from] TargetError),
    #[error("the event names the kind `{0}`, which is no kind that can be read")]
    Kind(String),
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ManualEvent {
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    accounts: BTreeSet<AccountId>,
    #[serde(default)]
    regions: BTreeSet<String>,
    #[serde(default)]
    kinds: BTreeSet<String>,
    #[serde(default)]
    force: bool,
    scheduled_time: Option<String>,
}

impl RunRequest {
    /// Reads an event: nothing, an envelope of EventBridge, or what a person wrote.
    ///
    /// # Errors
    /// [`EventError`] names the field that is wrong.
    pub fn parse(event: &Value) -> Result<Self, EventError> {
        let fields = match event {
            Value::Null => return Ok(Self::default()),
            Value::Object(fields) => fields,
            other => return Err(EventError::NoObject(other.to_string())),
        };
        // EventBridge user guide: every envelope has these members; what a rule's author adds is in `detail`.
        if fields.contains_key("detail-type") && fields.contains_key("source") {
            let detail = fields.get("detail").cloned().unwrap_or_default();
            let mut request = Self::parse(&detail)?;
            let time = fields.get("time").and_then(Value::as_str).map(str::to_owned);
            request.scheduled_time = request.scheduled_time.or(time);
            return Ok(request);
        }
        let manual = ManualEvent::deserialize(event)?;
        for region in &manual.regions {
            validate_region(region)?;
        }
        if let Some(unknown) = manual.kinds.iter().find(|kind| kinds::find(kind).is_none()) {
            return Err(EventError::Kind(unknown.clone()));
        }
        let narrowing = Narrowing { accounts: manual.accounts, regions: manual.regions, kinds: manual.kinds };
        Ok(Self { mode: manual.mode, narrowing, force: manual.force, scheduled_time: manual.scheduled_time })
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
            (json!([]), "[]"),
            (json!("full"), "full"),
        ] {
            let text = RunRequest::parse(&event).unwrap_err().to_string();
            assert!(text.contains(named), "{text} should name {named}");
        }
    }
}
