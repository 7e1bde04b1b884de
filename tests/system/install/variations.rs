//! The ways in which the functions are installed.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::support::aws::{Aws, AwsCallError, Stack};
use crate::support::installation::STACK;

pub const MANAGEMENT_ROLE: &str = "arn:aws:iam::222222222222:role/PortOceanReadRole";
pub const LISTED_ROLES: [&str; 2] = ["arn:aws:iam::333333333333:role/one", "arn:aws:iam::444444444444:role/a/two"];
pub const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:555555555555:secret:port/portolan-a1B2c3";
pub const SECRET_KEY: &str = "arn:aws:kms:eu-west-1:555555555555:key/11111111-2222-3333-4444-555555555555";
pub const KEY: &str = "arn:aws:kms:eu-west-1:555555555555:key/66666666-7777-8888-9999-000000000000";
pub const BOUNDARY: &str = "arn:aws:iam::555555555555:policy/boundaries/platform";
pub const PATH: &str = "/platform/port/";
pub const TOPIC: &str = "arn:aws:sns:eu-west-1:555555555555:alarms";
pub const ORGANIZATION: &str = "o-a1b2c3d4e5";

const CREDENTIALS: [(&str, &str); 2] = [("PortClientId", "port-id"), ("PortClientSecret", "port-secret")];
const FIRST_ACCOUNT: u64 = 310_000_000_000;

static NUMBER_OF_ACCOUNTS: AtomicU64 = AtomicU64::new(0);

/// Parameters of `template.yaml`, and where it is deployed.
pub struct Variation {
    pub name: &'static str,
    pub region: &'static str,
    pub parameters: Vec<(&'static str, String)>,
}

/// Each in another way; together they take every branch of the template's conditions.
pub fn variations() -> Vec<Variation> {
    let with_credentials = |name, region, parameters: &[(&'static str, &str)]| {
        let all = CREDENTIALS.iter().chain(parameters).map(|(name, value)| (*name, (*value).to_owned()));
        Variation { name, region, parameters: all.collect() }
    };
    let listed_roles = LISTED_ROLES.join(",");
    let role_in = |partition: &str| MANAGEMENT_ROLE.replace("arn:aws:", &format!("arn:{partition}:"));
    vec![
        with_credentials("organization", "eu-west-1", &[("AccountRoleArn", MANAGEMENT_ROLE), ("ExternalId", "secret")]),
        Variation {
            name: "list",
            region: "eu-west-1",
            parameters: vec![
                ("AccountRoleArns", listed_roles),
                ("PortSecretArn", SECRET.to_owned()),
                ("PortSecretKeyArn", SECRET_KEY.to_owned()),
            ],
        },
        with_credentials("own account", "eu-west-1", &[]),
        with_credentials(
            "network",
            "eu-west-1",
            &[
                ("AccountRoleArn", MANAGEMENT_ROLE),
                ("SubnetIds", "subnet-0123456789abcdef0,subnet-0123456789abcdef1"),
                ("SecurityGroupIds", "sg-0123456789abcdef0"),
            ],
        ),
        with_credentials(
            "rules of an organization",
            "eu-west-1",
            &[
                ("AccountRoleArn", MANAGEMENT_ROLE),
                ("OrganizationId", ORGANIZATION),
                ("RolePath", PATH),
                ("PermissionsBoundaryArn", BOUNDARY),
                ("KmsKeyArn", KEY),
                ("AlarmTopicArn", TOPIC),
                ("SchedulerReservedConcurrency", "2"),
                ("WorkerReservedConcurrency", "20"),
            ],
        ),
        with_credentials("quiet", "eu-west-1", &[("ScheduleState", "DISABLED"), ("Dashboard", "false")]),
        with_credentials("aws-us-gov", "us-gov-west-1", &[("AccountRoleArn", &role_in("aws-us-gov"))]),
        with_credentials("aws-cn", "cn-north-1", &[("AccountRoleArn", &role_in("aws-cn"))]),
    ]
}

impl Variation {
    /// The one with this name.
    pub fn named(name: &str) -> Self {
        let found = variations().into_iter().find(|variation| variation.name == name);
        found.unwrap_or_else(|| panic!("no variation is named {name}"))
    }

    /// A copy with one parameter set.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.parameters.retain(|(given, _)| *given != name);
        self.parameters.push((name, value.to_owned()));
        self
    }

    /// The value of a parameter, if it is given.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(given, _)| *given == name).map(|(_, value)| value.as_str())
    }

    pub fn partition(&self) -> &'static str {
        match self.region {
            "us-gov-west-1" => "aws-us-gov",
            "cn-north-1" => "aws-cn",
            _ => "aws",
        }
    }

    /// Deploys the template in an account that nobody else uses.
    pub async fn try_deploy(&self) -> Result<Stack, AwsCallError> {
        let account = (FIRST_ACCOUNT + NUMBER_OF_ACCOUNTS.fetch_add(1, Ordering::Relaxed)).to_string();
        let parameters: Vec<(&str, &str)> =
            self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Aws::shared().await.deploy(&account, self.region, STACK, "template.yaml", &parameters).await
    }

    pub async fn deploy(&self) -> Stack {
        self.try_deploy().await.unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}
