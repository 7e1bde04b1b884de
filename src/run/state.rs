//! Where state objects lie, and how the small ones are read and written.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Pass, RunId};
use crate::seams::{Condition, Store, StoreError, Version};
use crate::target::Target;

/// Where all state of one integration of one Port organization lies.
///
/// Other credentials, another type or another identifier find other state, and so can never delete what is not theirs.
/// What only one run needs lies apart from what every run needs, so that a lifecycle rule can expire the one and never
/// touches the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    integration: String,
}

impl Place {
    /// All three are checked to be path segments where they come in: configuration, message, Port's answer.
    pub fn new(port_organization: &str, integration_type: &str, integration_identifier: &str) -> Self {
        Self { integration: format!("{port_organization}/{integration_type}/{integration_identifier}") }
    }

    pub fn current(&self) -> String {
        format!("state/{}/current.json", self.integration)
    }

    /// What the last run that ended knew of the organization.
    pub fn known(&self) -> String {
        format!("state/{}/known.json", self.integration)
    }

    /// Until when Port takes no calls, as the worker that was told last has it.
    pub fn port_pause(&self) -> String {
        format!("state/{}/port-pause.json", self.integration)
    }

    /// When runs were tried for requests that users made in Port.
    pub fn resync_request(&self) -> String {
        format!("state/{}/resync-request.json", self.integration)
    }

    pub fn ledgers(&self) -> String {
        format!("state/{}/ledgers/", self.integration)
    }

    pub fn ledger(&self, target: &Target) -> String {
        format!("{}{target}.json", self.ledgers())
    }

    /// The target of a ledger's key; none for a key that is no ledger's.
    pub fn ledger_target(&self, key: &str) -> Option<Target> {
        key.strip_prefix(&self.ledgers())?.strip_suffix(".json")?.parse().ok()
    }

    pub fn plan(&self, run: &RunId) -> String {
        format!("runs/{}/{run}/plan.json", self.integration)
    }

    pub fn mapping(&self, run: &RunId) -> String {
        format!("runs/{}/{run}/mapping.json", self.integration)
    }

    pub fn summary(&self, run: &RunId) -> String {
        format!("runs/{}/{run}/summary.json", self.integration)
    }

    /// The marks of the ledgers that a run began.
    pub fn begun_ledgers(&self, run: &RunId) -> String {
        format!("runs/{}/{run}/begun-ledgers/", self.integration)
    }

    pub fn begun_ledger(&self, run: &RunId, target: &Target) -> String {
        format!("{}{target}", self.begun_ledgers(run))
    }

    /// What is read again, once that is known.
    pub fn repair(&self, run: &RunId) -> String {
        format!("runs/{}/{run}/repair/targets.json", self.integration)
    }

    pub fn done_marks(&self, run: &RunId, pass: Pass) -> String {
        format!("{}done/", self.of_pass(run, pass))
    }

    pub fn done_mark(&self, run: &RunId, pass: Pass, target: &Target) -> String {
        format!("{}{target}.json", self.done_marks(run, pass))
    }

    /// The entities of a target that Port refused for a missing relation, for the sweep to send again.
    pub fn deferred(&self, run: &RunId, pass: Pass, target: &Target) -> String {
        format!("{}deferred/{target}.json", self.of_pass(run, pass))
    }

    /// Those of them that waited when the sweep first looked.
    pub fn waiting(&self, run: &RunId, pass: Pass, target: &Target) -> String {
        format!("{}sweep/waiting/{target}", self.of_pass(run, pass))
    }

    /// Where the sweep of a pass is.
    pub fn sweep_progress(&self, run: &RunId, pass: Pass) -> String {
        format!("{}sweep/progress.json", self.of_pass(run, pass))
    }

    /// What a pass leaves behind is never changed by the other: who is late with the first one harms nobody.
    fn of_pass(&self, run: &RunId, pass: Pass) -> String {
        match pass {
            Pass::First => format!("runs/{}/{run}/", self.integration),
            Pass::Repair => format!("runs/{}/{run}/repair/", self.integration),
        }
    }

    /// A part of what the sweep has found so far.
    pub fn sweep_part(&self, run: &RunId, name: &str, part: &str) -> String {
        format!("runs/{}/{run}/sweep/{name}/{part}", self.integration)
    }

    /// What a run would have deleted and did not, for a person to confirm.
    pub fn held_back(&self, run: &RunId) -> String {
        format!("runs/{}/{run}/held-back.json", self.integration)
    }

    /// What was deleted of one chunk, in the order of deletions. Their names have an order, too.
    pub fn journal(&self, run: &RunId, chunk: usize) -> String {
        format!("runs/{}/{run}/journal/{chunk:06}.json", self.integration)
    }
}

/// A state object that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the state object `{key}` cannot be understood: {source}")]
    Form {
        key: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("the state object `{key}` is missing")]
    Missing { key: String },
}

/// Reads a JSON state object; none where there is none.
pub async fn read_json<T: DeserializeOwned>(store: &dyn Store, key: &str) -> Result<Option<(T, Version)>, StateError> {
    let Some(object) = store.get(key).await? else {
        return Ok(None);
    };
    let value =
        serde_json::from_slice(&object.bytes).map_err(|source| StateError::Form { key: key.to_owned(), source })?;
    Ok(Some((value, object.version)))
}

/// Writes a JSON state object.
pub async fn write_json<T: Serialize>(
    store: &dyn Store,
    key: &str,
    value: &T,
    condition: Condition,
) -> Result<Version, StateError> {
    let bytes = serde_json::to_vec(value).map_err(|source| StateError::Form { key: key.to_owned(), source })?;
    Ok(store.put(key, bytes, condition).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_key_names_its_target() {
        let place = Place::new("org_1", "aws-v3", "mine");
        for text in ["organization", "111111111111/global", "111111111111/eu-west-1"] {
            let target: Target = text.parse().unwrap();
            assert_eq!(place.ledger_target(&place.ledger(&target)), Some(target));
        }
        assert_eq!(place.ledger_target("state/org_1/aws-v3/mine/current.json"), None);
    }
}
