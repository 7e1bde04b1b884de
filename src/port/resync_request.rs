//! Resync requests: Port's Resync button, and the saving of a mapping there. Not published API.

use reqwest::Method;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::client::{Call, PortClient, Role};
use super::integration::path_of;
use crate::config::IntegrationSettings;
use crate::seams::CatalogError;

/// What Port's clock may be ahead of ours.
const CLOCK_DIFFERENCE: time::Duration = time::Duration::days(1);

/// When a resync was last asked for, by Port's clock; none where nobody ever did. The call is tried once: whoever wants
/// to know comes again soon anyway.
///
/// # Errors
/// Also where Port has no such record or route (404), and where its answer cannot be understood.
pub async fn newest_resync_request(
    client: &PortClient,
    integration: &IntegrationSettings,
) -> Result<Option<OffsetDateTime>, CatalogError> {
    let path = format!("{}/resync-request", path_of(integration));
    let call =
        Call { method: Method::GET, path: &path, query: &[], body: None, role: Role::Integration, repeatable: false };
    let answer = client.call(call).await?.success()?;
    requested_at(&answer.body, OffsetDateTime::now_utc()).map_err(|problem| {
        CatalogError::Unavailable(format!("an answer about resync requests that cannot be understood: {problem}"))
    })
}

fn requested_at(answer: &[u8], now: OffsetDateTime) -> Result<Option<OffsetDateTime>, &'static str> {
    // Without a request, Port's answer may be empty altogether.
    if answer.trim_ascii().is_empty() {
        return Ok(None);
    }
    let answer = match serde_json::from_slice(answer) {
        Ok(Value::Null) => return Ok(None),
        Ok(Value::Object(answer)) => answer,
        Ok(_) => return Err("it is no object"),
        Err(_) => return Err("it is no JSON"),
    };
    let request = match answer.get("request") {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(request)) if request.is_empty() => return Ok(None),
        Some(Value::Object(request)) => request,
        Some(_) => return Err("its request is no object"),
    };
    let updated_at = request.get("updatedAt").and_then(Value::as_str).ok_or("its request has no updatedAt")?;
    let updated_at = OffsetDateTime::parse(updated_at, &Rfc3339).map_err(|_| "its updatedAt is no point in time")?;
    // It would pass for the newest request until then, and nobody's request would be answered any more.
    if updated_at > now + CLOCK_DIFFERENCE {
        return Err("its updatedAt is in the future");
    }
    Ok(Some(updated_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = time::macros::datetime!(2026-11-22 00:00 UTC);

    #[test]
    fn a_request_has_a_time() {
        let requested = r#"{"ok": true, "request": {"id": "1", "updatedAt": "2026-11-21T06:00:00.5+01:00"}}"#;
        let time = time::macros::datetime!(2026-11-21 05:00:00.5 UTC);
        assert_eq!(requested_at(requested.as_bytes(), NOW), Ok(Some(time)));
    }

    #[test]
    fn there_may_be_no_request() {
        for answer in ["", " \n", "null", "{}", r#"{"ok": true, "request": null}"#, r#"{"request": {}}"#] {
            assert_eq!(requested_at(answer.as_bytes(), NOW), Ok(None), "{answer}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told_from_no_request() {
        for (answer, problem) in [
            ("<html>", "no JSON"),
            ("[]", "no object"),
            (r#""none""#, "no object"),
            (r#"{"request": []}"#, "request is no object"),
            (r#"{"request": true}"#, "request is no object"),
            (r#"{"request": {"id": "1"}}"#, "no updatedAt"),
            (r#"{"request": {"updatedAt": 1795240802}}"#, "no updatedAt"),
            (r#"{"request": {"updatedAt": "yesterday"}}"#, "no point in time"),
            (r#"{"request": {"updatedAt": "2026-11-21"}}"#, "no point in time"),
            (r#"{"request": {"updatedAt": "2126-11-21T06:00:00Z"}}"#, "in the future"),
        ] {
            let found = requested_at(answer.as_bytes(), NOW).expect_err("it is malformed");
            assert!(found.contains(problem), "{answer}: {found}");
        }
    }
}
