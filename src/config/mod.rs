//! Settings from the environment, checked as a whole: an operator sees everything that is wrong at once, before
//! anything happens.

mod accounts;
mod ignored;
mod port_region;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::RoleArn;
use crate::events;
use crate::target::AccountId;
use reader::Reader;

/// All settings of both functions. Names beginning with `OCEAN__` are those of Port's own integration framework, so
/// that a deployment of it moves over as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub port: PortSettings,
    pub integration: IntegrationSettings,
    pub accounts: AccountSettings,
    /// `PORTOLAN_QUEUE_URL`
    pub queue_url: String,
    /// `PORTOLAN_DEAD_LETTER_QUEUE_URL`
    pub dead_letter_queue_url: String,
    /// `PORTOLAN_STATE_BUCKET`
    pub state_bucket: String,
}

/// How Port is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSettings {
    /// `OCEAN__PORT__BASE_URL`, without `/v1`: a URL, or one of the names of Port's regions.
    pub base_url: String,
    pub credentials: PortCredentialSource,
}

/// Where the credentials of Port come from.
#[derive(Clone, PartialEq, Eq)]
pub enum PortCredentialSource {
    /// `PORTOLAN_PORT_SECRET_ARN`: a secret in Secrets Manager, read when credentials are first needed.
    Secret { arn: String },
    /// `OCEAN__PORT__CLIENT_ID` and `OCEAN__PORT__CLIENT_SECRET`.
    Variables { client_id: String, client_secret: String },
}

impl std::fmt::Debug for PortCredentialSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Secret { arn } => formatter.debug_struct("Secret").field("arn", arn).finish(),
            Self::Variables { client_id, .. } => {
                formatter.debug_struct("Variables").field("client_id", client_id).finish_non_exhaustive()
            }
        }
    }
}

/// What this integration is called in Port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegrationSettings {
    /// `OCEAN__INTEGRATION__TYPE`, lower case. Entities stay with whoever uses the same type and identifier.
    pub kind: String,
    /// `OCEAN__INTEGRATION__IDENTIFIER`, lower case.
    pub identifier: String,
    /// `PORTOLAN_DEFAULT_RESOURCES`; none where `OCEAN__INITIALIZE_PORT_RESOURCES` is false.
    pub default_resources: DefaultResources,
}

/// Which default blueprints and mapping entries are installed on the first run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultResources {
    /// A few kinds to begin with.
    Core,
    /// All kinds.
    All,
    None,
}

/// Which accounts there are, and how they are entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    pub source: AccountSource,
    /// `PORTOLAN_EXCLUDED_ACCOUNTS`, comma separated: left out wherever they come from.
    pub excluded: BTreeSet<AccountId>,
    /// `OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID`
    pub external_id: Option<String>,
    /// `aws`, `aws-us-gov` or `aws-cn`: `OCEAN__INTEGRATION__CONFIG__AWS_PARTITION`, else that of the first role, else
    /// that of `AWS_REGION`.
    pub partition: String,
    /// `PORTOLAN_MEMBER_ROLE_NAME`, with its path if it has one; without it, the management role's own name.
    pub member_role: String,
    /// `AWS_WEB_IDENTITY_TOKEN_FILE`, unless `OCEAN__INTEGRATION__CONFIG__CREDENTIAL_PROVIDER_PRIORITY` names
    /// `AssumeRole` first or leaves web identities out: roles are then assumed with that token. Outside Lambda only;
    /// Lambda has no such token.
    pub web_identity_token_file: Option<String>,
}

/// Where the accounts come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountSource {
    /// `OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN`: AWS Organizations through this role; only below the units of
    /// `OCEAN__INTEGRATION__CONFIG__OU_ID` (comma separated) where any are given.
    Organization { management_role: RoleArn, organizational_units: BTreeSet<String> },
    /// `OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS`, a JSON array.
    RoleList(Vec<RoleArn>),
    /// Neither: the account of the base identity.
    SingleAccount,
}

/// Everything that is wrong with the environment.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the configuration is not usable: {}", problems.join("; "))]
pub struct SettingsError {
    pub problems: Vec<String>,
}

impl Settings {
    /// Settings from the variables of the process. One warning names those that have no meaning, also where something
    /// else is wrong: what is missing may be misspelt.
    ///
    /// # Errors
    /// One [`SettingsError`] that names every variable that is missing or malformed.
    pub fn from_environment() -> Result<Self, SettingsError> {
        // A value that is no text is as good as none.
        let texts =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let variables: BTreeMap<String, String> = texts.collect();
        let ignored = ignored::ignored(&variables);
        if !ignored.is_empty() {
            events::settings_ignored(&ignored);
        }
        Self::from_variables(variables)
    }

    /// Settings from given variables.
    pub fn from_variables(variables: BTreeMap<String, String>) -> Result<Self, SettingsError> {
        let mut reader = Reader { variables, problems: Vec::new() };
        let settings = reader.settings();
        if !reader.problems.is_empty() {
            return Err(SettingsError { problems: reader.problems });
        }
        Ok(settings)
    }
}
