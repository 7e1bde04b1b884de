//! AWS Organizations: which accounts there are, and whether one that is missing is really gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus, ParentType};

use crate::kinds::ReadError;
use crate::seams::Standing;
use crate::target::AccountId;

/// What the management role's session is narrowed to while accounts are discovered.
pub const DISCOVERY_POLICY: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["organizations:ListAccounts","organizations:ListAccountsForParent","#,
    r#""organizations:ListOrganizationalUnitsForParent","organizations:DescribeAccount","organizations:ListParents"],"Resource":"*"}]}"#
);

/// AWS Organizations user guide: units nest five deep below a root. A walk upwards that takes longer goes in circles.
const DEEPEST_NESTING: usize = 10;

/// The active accounts of the whole organization, or of the given units and all units below them, with their names.
pub async fn active_accounts(
    client: &Client,
    organizational_units: &BTreeSet<String>,
) -> Result<BTreeMap<AccountId, String>, ReadError> {
    if organizational_units.is_empty() {
        return all_accounts(client).await;
    }
    accounts_below(client, organizational_units).await
}

async fn all_accounts(client: &Client) -> Result<BTreeMap<AccountId, String>, ReadError> {
    const CALL: &str = "organizations:ListAccounts";
    let mut accounts = BTreeMap::new();
    let mut pages = client.list_accounts().into_paginator().send();
    while let Some(page) = pages.next().await {
        keep_active(CALL, page.map_err(ReadError::of(CALL))?.accounts, &mut accounts)?;
    }
    Ok(accounts)
}

async fn accounts_below(
    client: &Client,
    organizational_units: &BTreeSet<String>,
) -> Result<BTreeMap<AccountId, String>, ReadError> {
    const ACCOUNTS: &str = "organizations:ListAccountsForParent";
    const UNITS: &str = "organizations:ListOrganizationalUnitsForParent";
    let mut accounts = BTreeMap::new();
    let mut seen = organizational_units.clone();
    let mut open: VecDeque<String> = organizational_units.iter().cloned().collect();
    while let Some(unit) = open.pop_front() {
        let mut pages = client.list_accounts_for_parent().parent_id(&unit).into_paginator().send();
        while let Some(page) = pages.next().await {
            keep_active(ACCOUNTS, page.map_err(ReadError::of(ACCOUNTS))?.accounts, &mut accounts)?;
        }
        let mut pages = client.list_organizational_units_for_parent().parent_id(&unit).into_paginator().send();
        while let Some(page) = pages.next().await {
            let children = page.map_err(ReadError::of(UNITS))?.organizational_units.unwrap_or_default();
            // One configured unit may lie below another: each is walked once.
            let new = children.into_iter().filter_map(|child| child.id).filter(|id| seen.insert(id.clone()));
            open.extend(new);
        }
    }
    Ok(accounts)
}

fn keep_active(
    call: &'static str,
    page: Option<Vec<Account>>,
    accounts: &mut BTreeMap<AccountId, String>,
) -> Result<(), ReadError> {
    for account in page.unwrap_or_default() {
        let id = account.id.clone().unwrap_or_default();
        let id: AccountId =
            id.parse().map_err(|error: crate::target::TargetError| ReadError::undecodable(call, error.to_string()))?;
        if is_active(&account) {
            accounts.insert(id.clone(), account.name.unwrap_or_else(|| format!("Account {id}")));
        }
    }
    Ok(())
}

/// `State` replaced `Status` in September 2026; the old member counts only where the new one is missing.
fn is_active(account: &Account) -> bool {
    match (&account.state, &account.status) {
        (Some(state), _) => *state == AccountState::Active,
        (None, Some(status)) => *status == AccountStatus::Active,
        (None, None) => false,
    }
}

/// Whether an account that discovery no longer found is gone: closed, outside of the organization, or outside of all
/// configured units.
pub async fn standing(client: &Client, account: &AccountId, organizational_units: &BTreeSet<String>) -> Standing {
    const DESCRIBE: &str = "organizations:DescribeAccount";
    let described =
        match client.describe_account().account_id(account.as_str()).send().await.map_err(ReadError::of(DESCRIBE)) {
            Ok(output) => output.account,
            Err(error) if error.code() == "AccountNotFoundException" => {
                return Standing::Gone { evidence: "the account is no longer a member of the organization".to_owned() };
            }
            Err(error) => return Standing::Unknown { reason: error.to_string() },
        };
    let Some(described) = described else {
        return Standing::Unknown { reason: format!("{DESCRIBE} answered without an account") };
    };
    if let Some(state) = closed_state(&described) {
        return Standing::Gone { evidence: format!("AWS Organizations reports the account as {state}") };
    }
    if organizational_units.is_empty() {
        return Standing::Present;
    }
    match lies_below(client, account, organizational_units).await {
        Ok(true) => Standing::Present,
        Ok(false) => {
            Standing::Gone { evidence: "the account was moved out of every configured organizational unit".to_owned() }
        }
        Err(error) => Standing::Unknown { reason: error.to_string() },
    }
}

/// The state of an account that nobody works in any more. One that is still being closed, or only just created, is not
/// among them.
fn closed_state(account: &Account) -> Option<&str> {
    if let Some(state) = &account.state {
        return matches!(state, AccountState::Suspended | AccountState::Closed).then(|| state.as_str());
    }
    let status = account.status.as_ref()?;
    (*status == AccountStatus::Suspended).then(|| status.as_str())
}

/// Walks from the account up to the root.
async fn lies_below(
    client: &Client,
    account: &AccountId,
    organizational_units: &BTreeSet<String>,
) -> Result<bool, ReadError> {
    const CALL: &str = "organizations:ListParents";
    let mut child = account.as_str().to_owned();
    for _ in 0..DEEPEST_NESTING {
        let output = client.list_parents().child_id(&child).send().await.map_err(ReadError::of(CALL))?;
        // An account or unit has exactly one parent.
        let Some(parent) = output.parents.unwrap_or_default().into_iter().next() else {
            return Err(ReadError::undecodable(CALL, format!("{child} has no parent")));
        };
        let Some(id) = parent.id else {
            return Err(ReadError::undecodable(CALL, format!("the parent of {child} has no id")));
        };
        if organizational_units.contains(&id) {
            return Ok(true);
        }
        if parent.r#type == Some(ParentType::Root) {
            return Ok(false);
        }
        child = id;
    }
    Err(ReadError::undecodable(CALL, format!("no root found above {account}")))
}
