//! ARNs of IAM roles.

use std::fmt;

use crate::target::AccountId;

/// The ARN of an IAM role, taken apart: `arn:<partition>:iam::<account>:role/<path and name>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleArn {
    partition: String,
    account: AccountId,
    /// The name with its path, without the leading `role/`.
    name: String,
}

/// A text that is no role's ARN.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is no ARN of a role such as arn:aws:iam::111111111111:role/PortOceanReadRole, in one of the partitions aws, aws-us-gov and aws-cn"
)]
pub struct RoleArnError(String);

impl RoleArn {
    /// Takes an ARN apart. The partitions `aws`, `aws-us-gov` and `aws-cn` are known.
    pub fn parse(text: &str) -> Result<Self, RoleArnError> {
        let error = || RoleArnError(text.to_owned());
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(error);
        let (prefix, partition, service, region, account, resource) =
            (next()?, next()?, next()?, next()?, next()?, next()?);
        let known = prefix == "arn"
            && matches!(partition, "aws" | "aws-us-gov" | "aws-cn")
            && service == "iam"
            && region.is_empty();
        let name = resource.strip_prefix("role/").ok_or_else(error)?;
        // IAM API reference: names have letters, digits and `+=,.@_-`; a path is parts of names between slashes.
        let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-/".contains(&byte);
        if !known || name.is_empty() || name.ends_with('/') || !name.bytes().all(is_name_byte) {
            return Err(error());
        }
        let account = account.parse().map_err(|_| error())?;
        Ok(Self { partition: partition.to_owned(), account, name: name.to_owned() })
    }

    /// The ARN of a role in an account.
    pub fn of(partition: &str, account: &AccountId, name: &str) -> Self {
        Self { partition: partition.to_owned(), account: account.clone(), name: name.to_owned() }
    }

    pub fn partition(&self) -> &str {
        &self.partition
    }

    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The name with its path.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "arn:{}:iam::{}:role/{}", self.partition, self.account, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_with_a_path_in_any_partition() {
        for text in
            ["arn:aws:iam::111111111111:role/PortOceanReadRole", "arn:aws-cn:iam::111111111111:role/port/ocean/Read"]
        {
            assert_eq!(RoleArn::parse(text).unwrap().to_string(), text);
        }
        for text in [
            "",
            "PortOceanReadRole",
            "arn:aws:iam::1:role/x",
            "arn:aws:iam::111111111111:user/x",
            "arn:aws:iam::111111111111:role/",
            "arn:other:iam::111111111111:role/x",
            "arn:aws:iam:eu-west-1:111111111111:role/x",
        ] {
            assert!(RoleArn::parse(text).is_err(), "{text}");
        }
    }
}
