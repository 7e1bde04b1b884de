//! The plan of a run: which targets it covers, and what was known of the organization when it started. Written once,
//! never changed.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{RunId, UnrememberedLedgers};
use crate::target::{AccountId, Target};

/// What a run does beyond reading and comparing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Sends what differs from what Port is known to hold.
    #[default]
    Incremental,
    /// The same, and deletes what is ours in Port and in no ledger, if it saw everything.
    Full,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Incremental => "incremental",
            Self::Full => "full",
        }
    }
}

/// What a run started by hand leaves out. Empty sets leave nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowing {
    pub accounts: BTreeSet<AccountId>,
    pub regions: BTreeSet<String>,
    pub kinds: BTreeSet<String>,
}

impl Narrowing {
    /// A narrowed run says nothing about what it did not look at: it retires nothing.
    pub fn is_narrowed(&self) -> bool {
        !(self.accounts.is_empty() && self.regions.is_empty() && self.kinds.is_empty())
    }

    pub fn covers_account(&self, account: &AccountId) -> bool {
        self.accounts.is_empty() || self.accounts.contains(account)
    }

    pub fn covers_region(&self, region: &str) -> bool {
        self.regions.is_empty() || self.regions.contains(region)
    }

    pub fn covers_kind(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.contains(kind)
    }
}

/// How the accounts of a run were found. A change of it must not look like accounts that went away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Strategy {
    #[serde(flatten)]
    pub found_by: FoundBy,
    /// Accounts that are left out by configuration.
    #[serde(default)]
    pub excluded_accounts: BTreeSet<AccountId>,
}

impl Strategy {
    /// Whether no setting names the accounts or their units, so that only AWS can tell which of them are gone. Of
    /// accounts that are left out it says nothing: these need to be confirmed, each time.
    pub fn is_whole_organization(&self) -> bool {
        matches!(&self.found_by, FoundBy::Organization { organizational_units, .. } if organizational_units.is_empty())
    }
}

/// Where the accounts of a run come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "strategy")]
pub enum FoundBy {
    /// AWS Organizations through the management role; the whole organization where no units are named.
    Organization {
        #[serde(rename = "managementRole")]
        management_role: String,
        #[serde(rename = "organizationalUnits")]
        organizational_units: BTreeSet<String>,
    },
    /// The accounts of an explicit list of role ARNs.
    RoleList,
    /// The account of the base identity.
    SingleAccount,
}

/// An account that the run can enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedAccount {
    /// The name that AWS Organizations gives, else `Account <id>`.
    pub name: String,
    /// The role to assume; none when the base identity itself reads its own account.
    pub role: Option<String>,
    /// The regions that are enabled, in the order of their names.
    pub enabled_regions: Vec<String>,
    /// The regions that AWS reported as disabled: evidence, unlike a mere absence.
    pub disabled_regions: Vec<String>,
    /// The regions that are just being enabled or disabled: not read, and no evidence either.
    #[serde(default)]
    pub changing_regions: Vec<String>,
}

/// The plan of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    pub run: RunId,
    pub epoch: u64,
    pub mode: Mode,
    /// Send everything, whatever Port is known to hold.
    #[serde(default)]
    pub resend: bool,
    /// Delete entities of this integration that no ledger knows.
    #[serde(default)]
    pub remove_unknown: bool,
    /// The earlier run whose held-back deletions a person has looked at and confirmed.
    #[serde(default)]
    pub confirms: Option<RunId>,
    #[serde(with = "time::serde::rfc3339")]
    pub started: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    pub deadline: OffsetDateTime,
    pub narrowing: Narrowing,
    pub strategy: Strategy,
    /// Port's organization id.
    pub port_organization: String,
    /// Where Port takes metrics of runs, from the integration record; none where the record has no such place.
    pub metrics_url: Option<String>,
    /// `aws`, `aws-us-gov` or `aws-cn`.
    pub partition: String,
    /// What workers narrow every assumed role to: the read actions of the mapping's kinds.
    pub session_policy: String,
    pub accounts: BTreeMap<AccountId, PlannedAccount>,
    /// Accounts that were found but could not be entered, with the reason. Everything of theirs stays.
    pub inaccessible: BTreeMap<AccountId, super::InaccessibleAccount>,
    pub targets: BTreeSet<Target>,
    /// Ledgers that there must be besides those that the last run wrote down.
    #[serde(default)]
    pub unremembered: UnrememberedLedgers,
}

impl Plan {
    /// Whether the account was found, entered or not.
    pub fn knows_account(&self, account: &AccountId) -> bool {
        self.accounts.contains_key(account) || self.inaccessible.contains_key(account)
    }
}
