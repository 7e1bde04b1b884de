//! What one queue message covers: an account and a region, an account's global kinds, or the organization.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The part of a target that names global kinds; never a region's name.
const GLOBAL: &str = "global";
const ORGANIZATION: &str = "organization";
/// AWS region names are far shorter; the bound keeps hostile input out of object keys.
const LONGEST_REGION_NAME: usize = 32;
/// Characters of a wrong text that an error shows.
const LONGEST_SHOWN: usize = 60;

/// An AWS account number: exactly 12 digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

impl AccountId {
    /// The 12 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(TargetError::Account(shown(text)));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for AccountId {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.0
    }
}

/// Checks that a text has the form of a region name (`eu-west-1`): lower-case letters, digits and hyphens.
pub fn validate_region(text: &str) -> Result<(), TargetError> {
    let is_region_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let well_formed = text.contains('-') && text.len() <= LONGEST_REGION_NAME && text.bytes().all(is_region_byte);
    if !well_formed {
        return Err(TargetError::Region(shown(text)));
    }
    Ok(())
}

/// The beginning of a text, for an error: whoever wrote it may have written anything.
fn shown(text: &str) -> String {
    text.chars().take(LONGEST_SHOWN).collect()
}

/// What one message of a run covers.
///
/// Written as text everywhere (messages, object keys, logs): `organization`, `111111111111/global` or
/// `111111111111/eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The organization-wide kinds, read with the management role.
    Organization,
    /// The kinds that an account has once, whatever the region.
    Global { account: AccountId },
    /// The regional kinds of one region of an account.
    Region { account: AccountId, region: String },
}

impl Target {
    /// The account that the target lies in; none for the organization.
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Organization => None,
            Self::Global { account } | Self::Region { account, .. } => Some(account),
        }
    }

    /// The region of a regional target.
    pub fn region(&self) -> Option<&str> {
        match self {
            Self::Region { region, .. } => Some(region),
            Self::Organization | Self::Global { .. } => None,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization => formatter.write_str(ORGANIZATION),
            Self::Global { account } => write!(formatter, "{account}/{GLOBAL}"),
            Self::Region { account, region } => write!(formatter, "{account}/{region}"),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == ORGANIZATION {
            return Ok(Self::Organization);
        }
        let Some((account, place)) = text.split_once('/') else {
            return Err(TargetError::Form(shown(text)));
        };
        let account = account.parse()?;
        if place == GLOBAL {
            return Ok(Self::Global { account });
        }
        validate_region(place)?;
        Ok(Self::Region { account, region: place.to_owned() })
    }
}

impl TryFrom<String> for Target {
    type Error = TargetError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}

/// A text that names no target.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TargetError {
    #[error("`{0}` is no AWS account number: 12 digits are expected")]
    Account(String),
    #[error("`{0}` is no AWS region name such as `eu-west-1`")]
    Region(String),
    #[error("`{0}` is no target: `organization`, `<account>/global` or `<account>/<region>` is expected")]
    Form(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_survives_the_way_to_text_and_back() {
        for text in ["organization", "111111111111/global", "111111111111/eu-west-1", "222222222222/us-gov-east-1"] {
            let target: Target = text.parse().unwrap();
            assert_eq!(target.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in [
            "",
            "global",
            "1/global",
            "11111111111a/global",
            "111111111111/",
            "111111111111/EU-WEST-1",
            "111111111111/../x-1",
            "1111111111111/eu-west-1",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
        let long = "x".repeat(100_000);
        assert!(long.parse::<Target>().unwrap_err().to_string().len() < 200);
        assert!(long.parse::<AccountId>().unwrap_err().to_string().len() < 200);
        assert!(validate_region(&long).unwrap_err().to_string().len() < 200);
    }
}
