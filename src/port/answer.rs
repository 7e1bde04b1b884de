//! What Port answers to a call, and what it means where it is not what was asked for.

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::seams::CatalogError;

/// How much of an answer's text goes into a message.
const LONGEST_REASON: usize = 300;

/// An answer, whatever its status, except for those that concern every call alike.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
    pub trace_id: String,
}

impl Answer {
    pub fn json(&self) -> Result<Value, CatalogError> {
        serde_json::from_slice(&self.body)
            .map_err(|error| CatalogError::Unavailable(format!("an answer that is no JSON: {error}")))
    }

    /// Port's words about what is wrong, with the id by which its support finds the call.
    pub fn reason(&self) -> String {
        #[derive(Deserialize)]
        struct Problem {
            #[serde(default)]
            error: Option<Value>,
            #[serde(default)]
            message: Option<Value>,
        }
        let as_text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let text = match serde_json::from_slice::<Problem>(&self.body) {
            Ok(Problem { error: Some(error), message: Some(message) }) => {
                format!("{}: {}", as_text(error), as_text(message))
            }
            Ok(Problem { error: Some(text), .. } | Problem { message: Some(text), .. }) => as_text(text),
            _ => String::from_utf8_lossy(&self.body).into_owned(),
        };
        let text: String = text.chars().take(LONGEST_REASON).collect();
        match self.trace_id.is_empty() {
            true => text,
            false => format!("{text} (trace id {})", self.trace_id),
        }
    }

    /// The answer, if its status says that the call succeeded.
    pub fn success(self) -> Result<Self, CatalogError> {
        if self.status.is_success() {
            return Ok(self);
        }
        Err(self.into_error())
    }

    pub fn into_error(self) -> CatalogError {
        let reason = self.reason();
        match self.status {
            StatusCode::UNAUTHORIZED => CatalogError::Credentials(reason),
            StatusCode::FORBIDDEN => CatalogError::Denied(reason),
            status if status.is_server_error() => {
                CatalogError::Unavailable(format!("status {}: {reason}", status.as_u16()))
            }
            status => CatalogError::Rejected { status: status.as_u16(), reason },
        }
    }
}
