//! The state of a run in the state bucket: which run is current, its plan, its mapping snapshot, what is done, and how
//! it ended.

mod current;
mod done;
mod known;
mod plan;
mod repair;
mod state;
mod summary;
mod unremembered;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use current::{AnsweredRequest, Current, CurrentError, Pass, Phase, begin_repair, claim, load_current, set_phase};
pub use done::{DoneMark, FieldNote, Listing, UnitReport};
pub use known::Known;
pub use plan::{FoundBy, Mode, Narrowing, Plan, PlannedAccount, Strategy};
pub use repair::Repair;
pub use state::{Place, StateError, read_json, write_json};
pub use summary::{Collisions, Deletions, InaccessibleAccount, KindSummary, Summary, TargetFailure};
pub use unremembered::{UnrememberedLedgers, has_begun_ledger, ledgers_begun_by, mark_begun_ledger};

/// The id of one run: a UUID, which Port also uses to join what it is told about the run.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(String);

impl RunId {
    /// A new, random id.
    #[expect(clippy::new_without_default, reason = "every call gives another id: it is no default")]
    pub fn new() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for RunId {
    type Error = uuid::Error;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Ok(Self(uuid::Uuid::try_parse(&text)?.to_string()))
    }
}

impl From<RunId> for String {
    fn from(run: RunId) -> Self {
        run.0
    }
}

/// Whether a text from outside may be one segment of an object key.
pub fn is_path_segment(text: &str) -> bool {
    let is_safe_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.len() <= 128 && !text.starts_with('.') && text.bytes().all(is_safe_byte)
}
