//! AWS Organizations: which accounts there are, and whether one that is missing is really gone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account, AccountState, AccountStatus, ParentType};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;

use crate::kinds::{PageToken, ReadError};
use crate::seams::Standing;
use crate::target::AccountId;

/// What the management role's session is narrowed to while accounts are discovered.
pub const DISCOVERY_POLICY: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["organizations:ListAccounts","organizations:ListAccountsForParent","#,
    r#""organizations:ListOrganizationalUnitsForParent","organizations:DescribeAccount","organizations:ListParents"],"Resource":"*"}]}"#
);

/// AWS Organizations user guide: units nest five deep below a root. A walk upwards that takes longer goes in circles.
const DEEPEST_NESTING: usize = 10;

/// After which a throttled call is tried again first; each time twice as long.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// How a call that AWS Organizations throttles is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub first_wait: Duration,
    /// When waiting has no more sense.
    pub until: Instant,
}

impl Patience {
    /// Waiting for as long as this from now.
    pub fn lasting(time: Duration) -> Self {
        Self { first_wait: FIRST_WAIT, until: Instant::now() + time }
    }
}

/// The accounts that AWS Organizations lists.
pub type ListedAccounts = BTreeMap<AccountId, ListedAccount>;

/// An account as AWS Organizations lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAccount {
    pub name: String,
    /// The state in which nobody can enter it, such as SUSPENDED; none when it is active. What is in it is still there.
    pub unusable: Option<String>,
}

/// AWS Organizations, asked one thing after the other. It throttles early, and half an answer is worse than a late one:
/// accounts that are not in it look as if they were gone.
pub struct Organizations {
    client: Client,
    patience: Patience,
}

impl Organizations {
    /// `client` has the rights of [`DISCOVERY_POLICY`].
    pub fn new(client: Client, patience: Patience) -> Self {
        Self { client, patience }
    }

    /// The accounts of the whole organization, or of the given units and all units below them, but for those that nobody
    /// works in: closed ones, and those that never were active.
    pub async fn accounts(&self, organizational_units: &BTreeSet<String>) -> Result<ListedAccounts, ReadError> {
        if organizational_units.is_empty() {
            return self.all_accounts().await;
        }
        self.accounts_below(organizational_units).await
    }

    async fn all_accounts(&self) -> Result<ListedAccounts, ReadError> {
        const CALL: &str = "organizations:ListAccounts";
        let mut accounts = ListedAccounts::new();
        let mut token = PageToken::first(CALL);
        loop {
            let send = || self.client.list_accounts().set_next_token(token.to_send()).send();
            let page = self.ask(CALL, send).await?;
            add_page(CALL, page.accounts, &mut accounts)?;
            if !token.go_on(page.next_token)? {
                return Ok(accounts);
            }
        }
    }

    async fn accounts_below(&self, organizational_units: &BTreeSet<String>) -> Result<ListedAccounts, ReadError> {
        let mut accounts = ListedAccounts::new();
        let mut seen = organizational_units.clone();
        let mut open: VecDeque<String> = organizational_units.iter().cloned().collect();
        while let Some(unit) = open.pop_front() {
            self.accounts_in(&unit, &mut accounts).await?;
            // One configured unit may lie below another: each is walked once.
            let new = self.units_in(&unit).await?.into_iter().filter(|id| seen.insert(id.clone()));
            open.extend(new);
        }
        Ok(accounts)
    }

    /// Adds the accounts that lie in a unit itself.
    async fn accounts_in(&self, unit: &str, accounts: &mut ListedAccounts) -> Result<(), ReadError> {
        const CALL: &str = "organizations:ListAccountsForParent";
        let mut token = PageToken::first(CALL);
        loop {
            let send = || self.client.list_accounts_for_parent().parent_id(unit).set_next_token(token.to_send()).send();
            let page = self.ask(CALL, send).await?;
            add_page(CALL, page.accounts, accounts)?;
            if !token.go_on(page.next_token)? {
                return Ok(());
            }
        }
    }

    /// The ids of the units that lie in a unit itself.
    async fn units_in(&self, unit: &str) -> Result<Vec<String>, ReadError> {
        const CALL: &str = "organizations:ListOrganizationalUnitsForParent";
        let mut units = Vec::new();
        let mut token = PageToken::first(CALL);
        loop {
            let call = || self.client.list_organizational_units_for_parent().parent_id(unit);
            let page = self.ask(CALL, || call().set_next_token(token.to_send()).send()).await?;
            units.extend(page.organizational_units.unwrap_or_default().into_iter().filter_map(|child| child.id));
            if !token.go_on(page.next_token)? {
                return Ok(units);
            }
        }
    }

    /// Whether an account that discovery no longer found is gone: closed, outside of the organization, or outside of all
    /// configured units.
    ///
    /// `asking` is the account of the management role. API reference, DescribeAccount: that an account is not found may
    /// also mean that the one that asks is no member of an organization.
    pub async fn standing(
        &self,
        account: &AccountId,
        asking: &AccountId,
        organizational_units: &BTreeSet<String>,
    ) -> Standing {
        let described = match self.describe(account).await {
            Ok(described) => described,
            Err(error) if error.code() == "AccountNotFoundException" => {
                return match self.describe(asking).await {
                    Ok(_) => {
                        Standing::Gone { evidence: "the account is no longer a member of the organization".to_owned() }
                    }
                    Err(error) => Standing::Unknown { reason: error.to_string() },
                };
            }
            Err(error) => return Standing::Unknown { reason: error.to_string() },
        };
        // Not the old `Status`: it says the same of accounts that are closed and of those that AWS has suspended.
        if described.state == Some(AccountState::Closed) {
            return Standing::Gone { evidence: "AWS Organizations reports the account as CLOSED".to_owned() };
        }
        if organizational_units.is_empty() {
            return Standing::Present;
        }
        match self.lies_below(account, organizational_units).await {
            Ok(true) => Standing::Present,
            Ok(false) => Standing::Gone {
                evidence: "the account was moved out of every configured organizational unit".to_owned(),
            },
            Err(error) => Standing::Unknown { reason: error.to_string() },
        }
    }

    async fn describe(&self, account: &AccountId) -> Result<Account, ReadError> {
        const CALL: &str = "organizations:DescribeAccount";
        let output = self.ask(CALL, || self.client.describe_account().account_id(account.as_str()).send()).await?;
        output.account.ok_or_else(|| ReadError::undecodable(CALL, "an answer without an account"))
    }

    /// Walks from the account up to the root.
    async fn lies_below(
        &self,
        account: &AccountId,
        organizational_units: &BTreeSet<String>,
    ) -> Result<bool, ReadError> {
        const CALL: &str = "organizations:ListParents";
        let mut child = account.as_str().to_owned();
        for _ in 0..DEEPEST_NESTING {
            let output = self.ask(CALL, || self.client.list_parents().child_id(&child).send()).await?;
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

    /// Makes a call, and makes it again while it is throttled and there is time. The SDK has tried several times on its
    /// own by then.
    async fn ask<T, E, F>(&self, call: &'static str, send: impl Fn() -> F) -> Result<T, ReadError>
    where
        F: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let mut wait = self.patience.first_wait;
        loop {
            let error = match send().await.map_err(ReadError::of(call)) {
                Ok(output) => return Ok(output),
                Err(error) => error,
            };
            let is_throttled = matches!(error, ReadError::Throttled(_));
            if !is_throttled || Instant::now() + wait > self.patience.until {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

fn add_page(call: &'static str, page: Option<Vec<Account>>, accounts: &mut ListedAccounts) -> Result<(), ReadError> {
    for account in page.unwrap_or_default() {
        let id = account.id.clone().unwrap_or_default();
        let id: AccountId =
            id.parse().map_err(|error: crate::target::TargetError| ReadError::undecodable(call, error.to_string()))?;
        // AWS Organizations user guide, "Monitor the state of your AWS accounts": the sign-up was never completed, or
        // nobody can use it any more.
        if matches!(account.state, Some(AccountState::PendingActivation | AccountState::Closed)) {
            continue;
        }
        let unusable = unusable_state(&account).map(str::to_owned);
        let name = account.name.unwrap_or_else(|| format!("Account {id}"));
        accounts.insert(id, ListedAccount { name, unusable });
    }
    Ok(())
}

/// The state of an account that is not active. `State` replaced `Status` in September 2026; the old member counts only
/// where the new one is missing.
fn unusable_state(account: &Account) -> Option<&str> {
    match (&account.state, &account.status) {
        (Some(AccountState::Active), _) | (None, Some(AccountStatus::Active)) => None,
        (Some(state), _) => Some(state.as_str()),
        (None, Some(status)) => Some(status.as_str()),
        (None, None) => Some("an account without a state"),
    }
}
