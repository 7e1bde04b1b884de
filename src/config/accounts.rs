//! Which accounts are read, and how they are entered.

use std::collections::BTreeSet;

use super::reader::Reader;
use super::{AccountSettings, AccountSource};
use crate::aws::{RoleArn, partition_of_region};
use crate::target::AccountId;

/// A list that is kept by hand. Lambda itself takes 4 KiB of variables; a larger organization is read through its
/// management role.
const MOST_ROLES: usize = 2000;
/// AWS Organizations: an organization has no more units.
const MOST_UNITS: usize = 2000;
/// Of an account number.
const ACCOUNT_DIGITS: usize = 12;
/// AWS STS: `AssumeRole` takes no longer one.
const LONGEST_EXTERNAL_ID: usize = 1224;
const DEFAULT_MEMBER_ROLE: &str = "PortOceanReadRole";
const PARTITIONS: [&str; 3] = ["aws", "aws-us-gov", "aws-cn"];

impl Reader {
    pub fn accounts(&mut self) -> AccountSettings {
        let source = self.account_source();
        let first_role = match &source {
            AccountSource::Organization { management_role, .. } => Some(management_role),
            AccountSource::RoleList(roles) => roles.first(),
            AccountSource::SingleAccount => None,
        };
        let web_identity_token_file = self.web_identity_token_file();
        let partition = self.partition(&source, web_identity_token_file.is_some());
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
            excluded: self.excluded(),
            source,
            external_id: self.external_id(),
            partition,
            member_role,
            web_identity_token_file,
        }
    }

    /// The one partition that everything lies in. A role cannot be assumed from another one, unless a web identity
    /// vouches for who assumes it. Without roles, the base identity's own account is read, which lies where it runs.
    fn partition(&mut self, source: &AccountSource, has_web_identity: bool) -> String {
        let name = "OCEAN__INTEGRATION__CONFIG__AWS_PARTITION";
        let roles = match source {
            AccountSource::Organization { management_role, .. } => std::slice::from_ref(management_role),
            AccountSource::RoleList(roles) => roles,
            AccountSource::SingleAccount => &[],
        };
        let region = self.optional("AWS_REGION");
        let of_region = region.as_deref().and_then(partition_of_region);
        if let (Some(region), None) = (&region, of_region) {
            self.problems.push(format!(
                "AWS_REGION is {region}, in a partition that is not supported; {} are",
                PARTITIONS.join(", ")
            ));
        }
        let configured = self.optional(name);
        if let Some(partition) = configured.as_deref().filter(|partition| !PARTITIONS.contains(partition)) {
            self.problems.push(format!("{name} is `{partition}`; one of {} is expected", PARTITIONS.join(", ")));
            return partition.to_owned();
        }
        let partition = configured
            .or_else(|| roles.first().map(|role| role.partition().to_owned()))
            .or_else(|| of_region.map(str::to_owned))
            .unwrap_or_else(|| "aws".to_owned());
        if let Some(role) = roles.iter().find(|role| role.partition() != partition) {
            self.problems.push(format!(
                "{role} is not in the partition {partition}, which {name} or the first role names; all accounts lie in one partition"
            ));
        }
        let Some((region, of_region)) = region.zip(of_region).filter(|(_, of_region)| *of_region != partition) else {
            return partition;
        };
        if *source == AccountSource::SingleAccount {
            self.problems.push(format!(
                "AWS_REGION is {region}, in the partition {of_region}, and so is the account that is read, the functions' own; {name} is \
                 {partition}: leave it out"
            ));
        } else if !has_web_identity {
            self.problems.push(format!(
                "AWS_REGION is {region}, in the partition {of_region}, and the accounts are in {partition}: roles cannot be assumed across \
                 partitions; run in a region of {partition}, or check {name} and the ARNs of the roles"
            ));
        }
        partition
    }

    fn excluded(&mut self) -> BTreeSet<AccountId> {
        let name = "PORTOLAN_EXCLUDED_ACCOUNTS";
        let mut excluded = BTreeSet::new();
        let list = self.optional(name).unwrap_or_default();
        for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            match text.parse::<AccountId>() {
                Ok(account) => {
                    excluded.insert(account);
                }
                Err(_) if text.len() < ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                    self.problems.push(format!(
                        "{name} names `{text}`, which has {} of {ACCOUNT_DIGITS} digits; if a spreadsheet took zeros from its beginning, write \
                         {text:0>ACCOUNT_DIGITS$}",
                        text.len()
                    ));
                }
                Err(error) => self.problems.push(format!("{name}: {error}")),
            }
        }
        excluded
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
