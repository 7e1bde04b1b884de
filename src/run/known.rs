//! What one run leaves for the next to compare itself with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{RunId, Strategy};
use crate::target::Target;

/// The organization as the last complete run knew it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Known {
    /// The run that wrote it.
    #[serde(default)]
    pub written_by: Option<RunId>,
    /// How accounts were found. Accounts that are missing because this changed are not gone. None while no run that saw
    /// everything, and that nobody need confirm, has said it.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// The targets that had a ledger. One that lost its ledger has claims that nobody knows.
    pub ledgers: BTreeSet<Target>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::FoundBy;

    fn strategy(text: &str) -> Option<Strategy> {
        serde_json::from_str::<Known>(text).unwrap().strategy
    }

    #[test]
    fn what_an_earlier_version_left_is_read_as_a_run_that_left_no_account_out() {
        let units = r#"{"strategy":{"strategy":"organization","managementRole":"r","organizationalUnits":["ou-1"]},"ledgers":[]}"#;
        let units = strategy(units).unwrap();
        assert!(matches!(&units.found_by, FoundBy::Organization { management_role, .. } if management_role == "r"));
        assert!(units.excluded_accounts.is_empty());

        let mut list = strategy(r#"{"strategy":{"strategy":"roleList"},"ledgers":[]}"#).unwrap();
        assert_eq!(list.found_by, FoundBy::RoleList);
        list.excluded_accounts.insert("111111111111".parse().unwrap());
        for strategy in [Some(list), None] {
            let known = Known { written_by: None, strategy, ledgers: BTreeSet::new() };
            let written = serde_json::to_string(&known).unwrap();
            assert_eq!(serde_json::from_str::<Known>(&written).unwrap(), known);
        }
        assert_eq!(strategy(r#"{"ledgers":[]}"#), None);
    }
}
