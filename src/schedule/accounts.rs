//! Which accounts there are, how each is entered, and which regions it has.

use std::collections::BTreeMap;

use futures::StreamExt;

use super::organizations::{DISCOVERY_POLICY, Organizations, Patience};
use super::regions::{Regions, regions_of};
use crate::aws::{Identities, Inaccessible, RoleArn, partition_region};
use crate::config::{AccountSettings, AccountSource};
use crate::kinds::{Failure, ReadError};
use crate::run::{FoundBy, InaccessibleAccount, Narrowing, PlannedAccount, Strategy};
use crate::target::AccountId;

/// Accounts that are entered at the same time.
const ACCOUNTS_AT_ONCE: usize = 16;

/// The accounts of a run.
pub struct Discovery {
    pub strategy: Strategy,
    pub accounts: BTreeMap<AccountId, PlannedAccount>,
    pub inaccessible: BTreeMap<AccountId, InaccessibleAccount>,
}

/// The accounts could not be found out. The run does not start.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    #[error("the management role cannot be used: {source}; check {}", source.check())]
    ManagementRole {
        #[source]
        source: Inaccessible,
    },
    #[error(
        "the accounts of the organization could not be listed: {0}; check that the role lies in the management account or in one of a delegated \
         administrator, and that it may use organizations:ListAccounts, ListAccountsForParent and ListOrganizationalUnitsForParent"
    )]
    Organization(ReadError),
    /// A part of the accounts is no use: the others would look as if they were gone.
    #[error(
        "AWS Organizations throttled the listing of accounts for as long as there was time to wait: {0}; the run did not start, and the next one \
         tries again; look for what else calls AWS Organizations in the management account"
    )]
    OrganizationThrottled(Failure),
    #[error("the account of the base identity is unknown: {0}")]
    BaseIdentity(ReadError),
    #[error(
        "no active account is left to read; check the organizational units, the list of roles, PORTOLAN_EXCLUDED_ACCOUNTS, and what the event \
         narrows the run to"
    )]
    NoAccounts,
    #[error("none of the {count} accounts could be entered; the first one: {first}")]
    NoneAccessible { count: usize, first: String },
}

/// Finds the accounts, enters each, and lists its regions. `patience` is for AWS Organizations.
pub async fn discover(
    identities: &Identities,
    settings: &AccountSettings,
    narrowing: &Narrowing,
    patience: Patience,
) -> Result<Discovery, DiscoveryError> {
    let (found_by, mut found) = find(identities, settings, patience).await?;
    let is_covered = |account: &AccountId| !settings.excluded.contains(account) && narrowing.covers_account(account);
    found.retain(|candidate| is_covered(&candidate.account));
    if found.is_empty() {
        return Err(DiscoveryError::NoAccounts);
    }
    let strategy = Strategy { found_by, excluded_accounts: settings.excluded.clone() };
    let mut discovery = Discovery { strategy, accounts: BTreeMap::new(), inaccessible: BTreeMap::new() };
    let entered = futures::stream::iter(found).map(|candidate| enter(identities, &settings.partition, candidate));
    let mut entered = entered.buffer_unordered(ACCOUNTS_AT_ONCE);
    while let Some((account, result)) = entered.next().await {
        match result {
            Ok(planned) => {
                discovery.accounts.insert(account, planned);
            }
            Err(inaccessible) => {
                crate::events::account_inaccessible(&account, &inaccessible.reason, &inaccessible.check);
                discovery.inaccessible.insert(account, inaccessible);
            }
        }
    }
    if discovery.accounts.is_empty() {
        let first = discovery
            .inaccessible
            .values()
            .next()
            .map(|account| format!("{}: {}; check {}", account.account, account.reason, account.check));
        return Err(DiscoveryError::NoneAccessible {
            count: discovery.inaccessible.len(),
            first: first.unwrap_or_default(),
        });
    }
    Ok(discovery)
}

/// An account before it is entered.
struct Candidate {
    account: AccountId,
    name: String,
    role: Option<RoleArn>,
    /// The state in which it cannot be entered.
    unusable: Option<String>,
}

async fn find(
    identities: &Identities,
    settings: &AccountSettings,
    patience: Patience,
) -> Result<(FoundBy, Vec<Candidate>), DiscoveryError> {
    match &settings.source {
        AccountSource::Organization { management_role, organizational_units } => {
            let clients = identities
                .assume(management_role, Some(DISCOVERY_POLICY))
                .await
                .map_err(|source| DiscoveryError::ManagementRole { source })?;
            let client = clients.get(partition_region(&settings.partition), aws_sdk_organizations::Client::new);
            let organizations = Organizations::new(client, patience);
            let listed = organizations.accounts(organizational_units).await.map_err(unlisted)?;
            let role_in = |account: &AccountId| match account == management_role.account() {
                true => management_role.clone(),
                false => RoleArn::of(&settings.partition, account, &settings.member_role),
            };
            let candidates = listed.into_iter().map(|(account, listed)| Candidate {
                role: Some(role_in(&account)),
                account,
                name: listed.name,
                unusable: listed.unusable,
            });
            let found_by = FoundBy::Organization {
                management_role: management_role.to_string(),
                organizational_units: organizational_units.clone(),
            };
            Ok((found_by, candidates.collect()))
        }
        AccountSource::RoleList(roles) => {
            let candidates = roles.iter().map(|role| Candidate {
                account: role.account().clone(),
                name: unnamed(role.account()),
                role: Some(role.clone()),
                unusable: None,
            });
            Ok((FoundBy::RoleList, candidates.collect()))
        }
        AccountSource::SingleAccount => {
            let account = identities.base_account().await.map_err(DiscoveryError::BaseIdentity)?;
            Ok((
                FoundBy::SingleAccount,
                vec![Candidate { name: unnamed(&account), account, role: None, unusable: None }],
            ))
        }
    }
}

fn unlisted(error: ReadError) -> DiscoveryError {
    match error {
        ReadError::Throttled(failure) => DiscoveryError::OrganizationThrottled(failure),
        other => DiscoveryError::Organization(other),
    }
}

fn unnamed(account: &AccountId) -> String {
    format!("Account {account}")
}

/// One account: assume its role, list its regions. Whatever fails concerns this account alone.
async fn enter(
    identities: &Identities,
    partition: &str,
    candidate: Candidate,
) -> (AccountId, Result<PlannedAccount, InaccessibleAccount>) {
    let Candidate { account, name, role, unusable } = candidate;
    let inaccessible = |reason: String, check: String| InaccessibleAccount {
        account: account.clone(),
        name: name.clone(),
        reason,
        check,
    };
    if let Some(state) = unusable {
        let check = "the account in AWS Organizations; AWS Support can tell why it is suspended".to_owned();
        return (account.clone(), Err(inaccessible(format!("AWS Organizations reports it as {state}"), check)));
    }
    let clients = match &role {
        None => identities.base(),
        Some(role) => match identities.assume(role, Some(super::regions::DISCOVERY_POLICY)).await {
            Ok(clients) => clients,
            Err(error) => return (account.clone(), Err(inaccessible(error.to_string(), error.check()))),
        },
    };
    let Regions { enabled, disabled, changing } = match regions_of(&clients, partition).await {
        Ok(regions) => regions,
        Err(error) => {
            let check = match error {
                ReadError::Throttled(_) => "nothing: the next run tries again",
                ReadError::Denied(_) => "that the role may use account:ListRegions",
                _ => "the way to the AWS Account Management API; the next run tries again",
            };
            let check = check.to_owned();
            return (account.clone(), Err(inaccessible(format!("its regions could not be listed: {error}"), check)));
        }
    };
    let planned = PlannedAccount {
        name,
        role: role.map(|role| role.to_string()),
        enabled_regions: enabled,
        disabled_regions: disabled,
        changing_regions: changing,
    };
    (account, Ok(planned))
}
