//! What an organization shall look like.

use serde_json::{Value, json};

/// An organization to create. Beside the planned members there is always the account that Portolan runs in.
#[derive(Clone, Debug)]
pub struct OrganizationPlan {
    pub(super) members: Vec<MemberPlan>,
    pub(super) has_read_roles: bool,
    pub(super) external_id: String,
    pub(super) regions: Option<Vec<String>>,
    pub(super) home_region: String,
    pub(super) integration_in_management_account: bool,
    pub(super) integration_member: String,
    pub(super) maximum_receive_count: u32,
    pub(super) visibility_timeout_seconds: u32,
    pub(super) port_secret: Value,
}

#[derive(Clone, Debug)]
pub(super) struct MemberPlan {
    pub name: String,
    /// Names of nested organizational units, from the root on; empty for the root itself.
    pub organizational_units: Vec<String>,
    pub has_read_role: bool,
}

impl OrganizationPlan {
    /// An organization without members but the account that Portolan runs in.
    pub fn new() -> Self {
        Self {
            members: Vec::new(),
            has_read_roles: true,
            external_id: "external-id-of-the-test".to_owned(),
            regions: None,
            home_region: "us-east-1".to_owned(),
            integration_in_management_account: false,
            integration_member: "integration".to_owned(),
            maximum_receive_count: 3,
            visibility_timeout_seconds: 900,
            port_secret: json!({"clientId": "port-client-id", "clientSecret": "port-client-secret"}),
        }
    }

    /// Adds a member account in an organizational unit like `Workloads/Production` (empty: the root).
    pub fn member(self, name: &str, organizational_unit: &str) -> Self {
        self.add_member(name, organizational_unit, true)
    }

    /// Adds a member account that Portolan cannot read.
    pub fn member_without_read_role(self, name: &str, organizational_unit: &str) -> Self {
        self.add_member(name, organizational_unit, false)
    }

    /// No account has a read role, not even the management account: they come from a stack.
    pub fn without_read_roles(mut self) -> Self {
        self.has_read_roles = false;
        self
    }

    /// The external id that the read roles ask for.
    pub fn external_id(mut self, external_id: &str) -> Self {
        external_id.clone_into(&mut self.external_id);
        self
    }

    /// The regions that are enabled in all accounts, in place of us-east-1, eu-west-1 and eu-central-1.
    pub fn regions(mut self, regions: &[&str]) -> Self {
        self.regions = Some(regions.iter().map(|region| (*region).to_owned()).collect());
        self
    }

    /// The region that Portolan runs in, us-east-1 if not set.
    pub fn home_region(mut self, region: &str) -> Self {
        region.clone_into(&mut self.home_region);
        self
    }

    /// Lets Portolan run in the management account.
    pub fn integration_in_management_account(mut self) -> Self {
        self.integration_in_management_account = true;
        self
    }

    /// Lets Portolan run in the account of this member.
    pub fn integration_in(mut self, member: &str) -> Self {
        member.clone_into(&mut self.integration_member);
        self
    }

    /// How often a message is delivered before it goes to the dead-letter queue.
    pub fn maximum_receive_count(mut self, count: u32) -> Self {
        self.maximum_receive_count = count;
        self
    }

    /// The visibility timeout of the queue.
    pub fn visibility_timeout_seconds(mut self, seconds: u32) -> Self {
        self.visibility_timeout_seconds = seconds;
        self
    }

    /// What Secrets Manager holds for Port.
    pub fn port_secret(mut self, secret: Value) -> Self {
        self.port_secret = secret;
        self
    }

    fn add_member(mut self, name: &str, organizational_unit: &str, has_read_role: bool) -> Self {
        let parts = organizational_unit.split('/').filter(|part| !part.is_empty());
        self.members.push(MemberPlan {
            name: name.to_owned(),
            organizational_units: parts.map(str::to_owned).collect(),
            has_read_role,
        });
        self
    }
}

impl Default for OrganizationPlan {
    fn default() -> Self {
        Self::new()
    }
}
