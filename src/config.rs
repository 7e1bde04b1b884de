//! Settings from the environment, checked as a whole: an operator sees everything that is wrong at once, before
//! anything happens.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::RoleArn;
use crate::run::is_path_segment;

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
    /// `OCEAN__PORT__BASE_URL`, without `/v1`.
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
    /// `OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID`
    pub external_id: Option<String>,
    /// `aws`, `aws-us-gov` or `aws-cn`: `OCEAN__INTEGRATION__CONFIG__AWS_PARTITION`, else that of the first role.
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

const DEFAULT_BASE_URL: &str = "https://api.port.io";
const DEFAULT_TYPE: &str = "aws-v3";
/// A list that is kept by hand. Lambda itself takes 4 KiB of variables; a larger organization is read through its
/// management role.
const MOST_ROLES: usize = 2000;
/// AWS Organizations: an organization has no more units.
const MOST_UNITS: usize = 2000;
/// AWS STS: `AssumeRole` takes no longer one.
const LONGEST_EXTERNAL_ID: usize = 1224;
const DEFAULT_MEMBER_ROLE: &str = "PortOceanReadRole";
const PARTITIONS: [&str; 3] = ["aws", "aws-us-gov", "aws-cn"];

impl Settings {
    /// Settings from the variables of the process.
    ///
    /// # Errors
    /// One [`SettingsError`] that names every variable that is missing or malformed.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::from_variables(std::env::vars().collect())
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

/// Reads variables and gathers what is wrong with them. After a problem it goes on with an empty value, which never
/// leaves it.
struct Reader {
    variables: BTreeMap<String, String>,
    problems: Vec<String>,
}

impl Reader {
    fn settings(&mut self) -> Settings {
        Settings {
            port: PortSettings { base_url: self.base_url(), credentials: self.port_credentials() },
            integration: self.integration(),
            accounts: self.accounts(),
            queue_url: self.url("PORTOLAN_QUEUE_URL"),
            dead_letter_queue_url: self.url("PORTOLAN_DEAD_LETTER_QUEUE_URL"),
            state_bucket: self.required("PORTOLAN_STATE_BUCKET"),
        }
    }

    /// A variable's trimmed value; blank is the same as unset, because templates set empty parameters as empty
    /// variables.
    fn optional(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn required(&mut self, name: &str) -> String {
        match self.optional(name) {
            Some(value) => value,
            None => {
                self.problems.push(format!("{name} is not set"));
                String::new()
            }
        }
    }

    fn url(&mut self, name: &str) -> String {
        let value = self.required(name);
        if !value.is_empty() && !is_http_url(&value) {
            self.problems.push(format!("{name} is `{value}`, which is no URL"));
        }
        value
    }

    fn base_url(&mut self) -> String {
        let value = self.optional("OCEAN__PORT__BASE_URL").unwrap_or_else(|| DEFAULT_BASE_URL.to_owned());
        if !is_http_url(&value) {
            self.problems
                .push(format!("OCEAN__PORT__BASE_URL is `{value}`, which is no URL such as {DEFAULT_BASE_URL}"));
        }
        value.trim_end_matches('/').trim_end_matches("/v1").to_owned()
    }

    fn port_credentials(&mut self) -> PortCredentialSource {
        if let Some(arn) = self.optional("PORTOLAN_PORT_SECRET_ARN") {
            if !arn.starts_with("arn:") {
                self.problems.push(format!("PORTOLAN_PORT_SECRET_ARN is `{arn}`, which is no ARN"));
            }
            return PortCredentialSource::Secret { arn };
        }
        let client_id = self.optional("OCEAN__PORT__CLIENT_ID");
        let client_secret = self.optional("OCEAN__PORT__CLIENT_SECRET");
        let (Some(client_id), Some(client_secret)) = (client_id, client_secret) else {
            self.problems.push("no credentials of Port: set PORTOLAN_PORT_SECRET_ARN, or both OCEAN__PORT__CLIENT_ID and OCEAN__PORT__CLIENT_SECRET".to_owned());
            return PortCredentialSource::Secret { arn: String::new() };
        };
        PortCredentialSource::Variables { client_id, client_secret }
    }

    fn integration(&mut self) -> IntegrationSettings {
        let kind = self.optional("OCEAN__INTEGRATION__TYPE").unwrap_or_else(|| DEFAULT_TYPE.to_owned());
        let identifier =
            self.optional("OCEAN__INTEGRATION__IDENTIFIER").unwrap_or_else(|| format!("my-{kind}-integration"));
        for (name, value) in [("OCEAN__INTEGRATION__TYPE", &kind), ("OCEAN__INTEGRATION__IDENTIFIER", &identifier)] {
            if !is_path_segment(value) {
                self.problems.push(format!("{name} is `{value}`; letters, digits, `-`, `_` and `.` are possible"));
            }
        }
        let default_resources = self.default_resources();
        // A capital letter makes the integration invisible in Port's UI.
        IntegrationSettings { kind: kind.to_lowercase(), identifier: identifier.to_lowercase(), default_resources }
    }

    fn default_resources(&mut self) -> DefaultResources {
        let are_wanted = self.flag("OCEAN__INITIALIZE_PORT_RESOURCES", true);
        let name = "PORTOLAN_DEFAULT_RESOURCES";
        let value = self.optional(name).unwrap_or_else(|| "core".to_owned());
        let chosen = match value.to_lowercase().as_str() {
            "core" => DefaultResources::Core,
            "all" => DefaultResources::All,
            "none" => DefaultResources::None,
            _ => {
                self.problems.push(format!("{name} is `{value}`; core, all or none is expected"));
                DefaultResources::None
            }
        };
        if are_wanted { chosen } else { DefaultResources::None }
    }

    fn flag(&mut self, name: &str, default: bool) -> bool {
        let Some(value) = self.optional(name) else {
            return default;
        };
        match value.to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => true,
            "false" | "0" | "no" | "off" => false,
            _ => {
                self.problems.push(format!("{name} is `{value}`; true or false is expected"));
                default
            }
        }
    }

    fn accounts(&mut self) -> AccountSettings {
        let source = self.account_source();
        let first_role = match &source {
            AccountSource::Organization { management_role, .. } => Some(management_role),
            AccountSource::RoleList(roles) => roles.first(),
            AccountSource::SingleAccount => None,
        };
        let partition_name = "OCEAN__INTEGRATION__CONFIG__AWS_PARTITION";
        let configured = self.optional(partition_name);
        if let Some(partition) = &configured
            && !PARTITIONS.contains(&partition.as_str())
        {
            self.problems
                .push(format!("{partition_name} is `{partition}`; one of {} is expected", PARTITIONS.join(", ")));
        }
        let partition = configured
            .or_else(|| first_role.map(|role| role.partition().to_owned()))
            .unwrap_or_else(|| "aws".to_owned());
        // Port's framework takes the management role's name for the members too, so that without a setting it stays the
        // same.
        let member_role =
            self.optional("PORTOLAN_MEMBER_ROLE_NAME").or_else(|| first_role.map(|role| role.name().to_owned()));
        let member_role = member_role.unwrap_or_else(|| DEFAULT_MEMBER_ROLE.to_owned());
        let member_role = member_role.trim_start_matches('/').to_owned();
        if RoleArn::parse(&format!("arn:aws:iam::111111111111:role/{member_role}")).is_err() {
            self.problems.push(format!("PORTOLAN_MEMBER_ROLE_NAME is `{member_role}`, which is no role name"));
        }
        AccountSettings {
            source,
            external_id: self.external_id(),
            partition,
            member_role,
            web_identity_token_file: self.web_identity_token_file(),
        }
    }

    fn external_id(&mut self) -> Option<String> {
        let name = "OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID";
        let external_id = self.optional(name)?;
        if external_id.len() > LONGEST_EXTERNAL_ID {
            self.problems
                .push(format!("{name} has {} bytes; at most {LONGEST_EXTERNAL_ID} are possible", external_id.len()));
        }
        Some(external_id)
    }

    fn account_source(&mut self) -> AccountSource {
        let role_name = "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN";
        if let Some(arn) = self.optional(role_name) {
            let organizational_units = self.organizational_units();
            return match RoleArn::parse(&arn) {
                Ok(management_role) => AccountSource::Organization { management_role, organizational_units },
                Err(error) => {
                    self.problems.push(format!("{role_name}: {error}"));
                    AccountSource::SingleAccount
                }
            };
        }
        if self.optional("OCEAN__INTEGRATION__CONFIG__OU_ID").is_some() {
            self.problems
                .push(format!("OCEAN__INTEGRATION__CONFIG__OU_ID needs {role_name}, the role that reads the units"));
        }
        let list_name = "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS";
        let Some(list) = self.optional(list_name) else {
            return AccountSource::SingleAccount;
        };
        let Ok(arns) = serde_json::from_str::<Vec<String>>(&list) else {
            self.problems.push(format!("{list_name} is no JSON array of texts such as [\"arn:aws:iam::111111111111:role/{DEFAULT_MEMBER_ROLE}\"]"));
            return AccountSource::SingleAccount;
        };
        if arns.len() > MOST_ROLES {
            self.problems.push(format!("{list_name} names {} roles; at most {MOST_ROLES} are possible", arns.len()));
            return AccountSource::SingleAccount;
        }
        let mut roles: Vec<RoleArn> = Vec::new();
        for arn in arns.iter().map(|arn| arn.trim()).filter(|arn| !arn.is_empty()) {
            match RoleArn::parse(arn) {
                Ok(role) if roles.iter().any(|known| known.account() == role.account()) => {
                    self.problems.push(format!(
                        "{list_name} names account {} twice; one role per account is possible",
                        role.account()
                    ));
                }
                Ok(role) => roles.push(role),
                Err(error) => self.problems.push(format!("{list_name}: {error}")),
            }
        }
        if roles.is_empty() && self.problems.is_empty() {
            return AccountSource::SingleAccount;
        }
        AccountSource::RoleList(roles)
    }

    fn organizational_units(&mut self) -> BTreeSet<String> {
        let name = "OCEAN__INTEGRATION__CONFIG__OU_ID";
        let mut units = BTreeSet::new();
        for unit in self.optional(name).unwrap_or_default().split(',').map(str::trim).filter(|unit| !unit.is_empty()) {
            // AWS Organizations API reference: `ou-` or `r-` and lower-case letters, digits and hyphens.
            let well_formed = (unit.starts_with("ou-") || unit.starts_with("r-"))
                && unit.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !well_formed {
                self.problems.push(format!(
                    "{name} names `{unit}`; an organizational unit's id such as ou-ab12-cdefgh34 is expected"
                ));
            }
            units.insert(unit.to_owned());
        }
        if units.len() > MOST_UNITS {
            self.problems.push(format!("{name} names {} units; at most {MOST_UNITS} are possible", units.len()));
        }
        units
    }

    fn web_identity_token_file(&mut self) -> Option<String> {
        let file = self.optional("AWS_WEB_IDENTITY_TOKEN_FILE")?;
        let priority = self.optional("OCEAN__INTEGRATION__CONFIG__CREDENTIAL_PROVIDER_PRIORITY");
        let first = priority
            .as_deref()
            .unwrap_or("AssumeRoleWithWebIdentity")
            .split(',')
            .map(str::trim)
            .find(|provider| matches!(*provider, "AssumeRole" | "AssumeRoleWithWebIdentity"));
        (first == Some("AssumeRoleWithWebIdentity")).then_some(file)
    }
}

fn is_http_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(extra: &[(&str, &str)]) -> BTreeMap<String, String> {
        let base = [
            ("PORTOLAN_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/q"),
            ("PORTOLAN_DEAD_LETTER_QUEUE_URL", "https://sqs.eu-west-1.amazonaws.com/1/d"),
            ("PORTOLAN_STATE_BUCKET", "state"),
            ("PORTOLAN_PORT_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:1:secret:port"),
        ];
        base.iter().chain(extra).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn everything_wrong_is_named_at_once() {
        let wrong = BTreeMap::from([
            ("OCEAN__PORT__BASE_URL".to_owned(), "port".to_owned()),
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN".to_owned(), "PortOceanReadRole".to_owned()),
            ("OCEAN__INTEGRATION__CONFIG__OU_ID".to_owned(), "Production".to_owned()),
            ("OCEAN__INITIALIZE_PORT_RESOURCES".to_owned(), "maybe".to_owned()),
            ("PORTOLAN_DEFAULT_RESOURCES".to_owned(), "some".to_owned()),
        ]);
        let text = Settings::from_variables(wrong).unwrap_err().to_string();
        for name in [
            "OCEAN__PORT__BASE_URL",
            "ACCOUNT_ROLE_ARN",
            "OU_ID",
            "INITIALIZE_PORT_RESOURCES",
            "PORTOLAN_DEFAULT_RESOURCES",
            "PORTOLAN_QUEUE_URL",
            "PORTOLAN_STATE_BUCKET",
            "PORTOLAN_PORT_SECRET_ARN",
        ] {
            assert!(text.contains(name), "{name} is missing in: {text}");
        }
    }

    #[test]
    fn what_is_too_large_is_told_with_its_size() {
        let arns: Vec<String> =
            (0..2001).map(|number| format!("arn:aws:iam::{number:012}:role/PortOceanReadRole")).collect();
        let arns = serde_json::to_string(&arns).unwrap();
        let units: Vec<String> = (0..2001).map(|number| format!("ou-ab12-{number}")).collect();
        let (list, role) =
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS", "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN");
        let (unit, external) = ("OCEAN__INTEGRATION__CONFIG__OU_ID", "OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID");
        let (units, long, arn) = (units.join(","), "x".repeat(1225), "arn:aws:iam::111111111111:role/x");
        for (extra, told) in [
            (vec![(list, arns.as_str())], ["ACCOUNT_ROLE_ARNS", "2001 roles", "at most 2000"]),
            (vec![(role, arn), (unit, units.as_str())], ["OU_ID", "2001 units", "at most 2000"]),
            (vec![(external, long.as_str())], ["EXTERNAL_ID", "1225 bytes", "at most 1224"]),
        ] {
            let text = Settings::from_variables(variables(&extra)).unwrap_err().to_string();
            assert!(told.iter().all(|part| text.contains(part)), "{text} should tell {told:?}");
        }
    }

    #[test]
    fn the_account_source_follows_what_is_set() {
        let single = Settings::from_variables(variables(&[])).unwrap();
        assert_eq!(single.accounts.source, AccountSource::SingleAccount);

        let list = r#"["arn:aws-us-gov:iam::111111111111:role/PortOceanReadRole", " "]"#;
        let list =
            Settings::from_variables(variables(&[("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARNS", list)])).unwrap();
        assert!(matches!(&list.accounts.source, AccountSource::RoleList(roles) if roles.len() == 1));
        assert_eq!(list.accounts.partition, "aws-us-gov");

        let organization = [
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", "arn:aws:iam::111111111111:role/PortOceanReadRole"),
            ("OCEAN__INTEGRATION__CONFIG__OU_ID", "ou-ab12-1, ou-ab12-2,"),
        ];
        let organization = Settings::from_variables(variables(&organization)).unwrap();
        assert!(
            matches!(&organization.accounts.source, AccountSource::Organization { organizational_units, .. } if organizational_units.len() == 2)
        );
    }

    #[test]
    fn blank_is_unset_and_secrets_are_not_printed() {
        let text = [
            ("PORTOLAN_PORT_SECRET_ARN", ""),
            ("OCEAN__PORT__CLIENT_ID", "id"),
            ("OCEAN__PORT__CLIENT_SECRET", "very-secret"),
        ];
        let settings = Settings::from_variables(variables(&text)).unwrap();
        assert!(matches!(settings.port.credentials, PortCredentialSource::Variables { .. }));
        assert!(!format!("{settings:?}").contains("very-secret"));
    }

    #[test]
    fn the_framework_s_own_variable_still_turns_the_defaults_off() {
        let with =
            |extra: &[(&str, &str)]| Settings::from_variables(variables(extra)).unwrap().integration.default_resources;
        let (set, initialize) = ("PORTOLAN_DEFAULT_RESOURCES", "OCEAN__INITIALIZE_PORT_RESOURCES");
        assert_eq!(with(&[]), DefaultResources::Core);
        assert_eq!(with(&[(set, "")]), DefaultResources::Core);
        assert_eq!(with(&[(set, "All"), (initialize, "true")]), DefaultResources::All);
        assert_eq!(with(&[(set, "none")]), DefaultResources::None);
        assert_eq!(with(&[(set, "all"), (initialize, "false")]), DefaultResources::None);
    }

    #[test]
    fn web_identity_is_used_where_the_priority_allows() {
        let file = ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token");
        let priority = "OCEAN__INTEGRATION__CONFIG__CREDENTIAL_PROVIDER_PRIORITY";
        let with = |extra: &[(&str, &str)]| {
            Settings::from_variables(variables(extra)).unwrap().accounts.web_identity_token_file
        };
        assert_eq!(with(&[file]).as_deref(), Some("/token"));
        assert_eq!(with(&[file, (priority, "StaticCredential,AssumeRole,AssumeRoleWithWebIdentity")]), None);
        assert_eq!(with(&[(priority, "AssumeRoleWithWebIdentity")]), None);
    }
}
