//! A run as most tests want it, with the system tests and the model alike.

use std::collections::{BTreeMap, BTreeSet};

use portolan::run::{FoundBy, Mode, Narrowing, Plan, PlannedAccount, RunId, Strategy, UnrememberedLedgers};
use portolan::target::AccountId;
use time::{Duration, OffsetDateTime};

/// An incremental first run over the accounts of a list, with five hours of time. It has no targets yet.
pub fn plan_over(started: OffsetDateTime, accounts: BTreeMap<AccountId, PlannedAccount>) -> Plan {
    Plan {
        run: RunId::new(),
        epoch: 1,
        mode: Mode::Incremental,
        resend: false,
        remove_unknown: false,
        confirms: None,
        started,
        deadline: started + Duration::hours(5),
        narrowing: Narrowing::default(),
        strategy: found_by(FoundBy::RoleList),
        port_organization: "org_test".to_owned(),
        metrics_url: None,
        partition: "aws".to_owned(),
        session_policy: "{}".to_owned(),
        accounts,
        inaccessible: BTreeMap::new(),
        targets: BTreeSet::new(),
        unremembered: UnrememberedLedgers::default(),
    }
}

/// Accounts that are found so, and none of them left out.
pub fn found_by(found_by: FoundBy) -> Strategy {
    Strategy { found_by, excluded_accounts: BTreeSet::new() }
}
