//! The cloud as the steps of a run see it: kinds read through assumed roles, accounts judged through the management role.

use std::sync::Arc;

use async_trait::async_trait;

use super::identity::{Identities, Inaccessible};
use super::role::RoleArn;
use crate::kinds::{self, Clients, Page, ReadError, Reading};
use crate::run::{Plan, Strategy};
use crate::schedule::organizations;
use crate::seams::{Cloud, ListRequest, Standing};
use crate::target::{AccountId, Target};

/// AWS, read as the plan of a run says.
pub struct AwsReader {
    identities: Arc<Identities>,
}

impl AwsReader {
    pub fn new(identities: Arc<Identities>) -> Self {
        Self { identities }
    }

    async fn clients(&self, plan: &Plan, target: &Target) -> Result<Arc<Clients>, Inaccessible> {
        let role = match target.account() {
            None => management_role(plan),
            Some(account) => plan.accounts.get(account).and_then(|planned| planned.role.clone()),
        };
        let Some(role) = role else {
            return Ok(self.identities.base());
        };
        let parsed = RoleArn::parse(&role).map_err(|error| Inaccessible::Role {
            role: role.clone(),
            source: ReadError::undecodable("sts:AssumeRole", error.to_string()),
        })?;
        self.identities.assume(&parsed, Some(&plan.session_policy)).await
    }
}

fn management_role(plan: &Plan) -> Option<String> {
    match &plan.strategy {
        Strategy::Organization { management_role, .. } => Some(management_role.clone()),
        Strategy::RoleList | Strategy::SingleAccount => None,
    }
}

#[async_trait]
impl Cloud for AwsReader {
    async fn enter(&self, plan: &Plan, target: &Target) -> Result<(), ReadError> {
        self.clients(plan, target).await.map(|_| ()).map_err(Inaccessible::into_read_error)
    }

    async fn list(
        &self,
        plan: &Plan,
        target: &Target,
        request: &ListRequest,
        cursor: Option<String>,
    ) -> Result<Page, ReadError> {
        let Some(kind) = kinds::find(&request.kind) else {
            return Err(ReadError::undecodable("list", format!("there is no reader for the kind {}", request.kind)));
        };
        let clients = self.clients(plan, target).await.map_err(Inaccessible::into_read_error)?;
        let planned = target.account().and_then(|account| plan.accounts.get(account));
        let enabled_regions = planned.map(|planned| planned.enabled_regions.clone()).unwrap_or_default();
        let default_region = super::partition_region(&plan.partition);
        let region = match target.region() {
            Some(region) => region.to_owned(),
            None => enabled_regions.first().map_or(default_region, String::as_str).to_owned(),
        };
        let Some(account) = target.account().cloned().or_else(|| management_account(plan)) else {
            return Err(ReadError::undecodable(
                "list",
                "organization-wide kinds are read with the management role, and the run has none",
            ));
        };
        let reading = Reading {
            account,
            account_name: planned.map(|planned| planned.name.clone()).unwrap_or_default(),
            partition: plan.partition.clone(),
            region,
            enabled_regions,
            include_actions: request.include_actions.clone(),
            clients,
        };
        (kind.list)(&reading, cursor).await
    }

    async fn standing(&self, plan: &Plan, account: &AccountId) -> Standing {
        let Strategy::Organization { management_role, organizational_units } = &plan.strategy else {
            // An explicit list is its own evidence: it no longer names the account.
            return Standing::Gone { evidence: "the list of role ARNs no longer names the account".to_owned() };
        };
        let role = match RoleArn::parse(management_role) {
            Ok(role) => role,
            Err(error) => return Standing::Unknown { reason: error.to_string() },
        };
        // Discovery's rights, not those of reading kinds: the session policy of the mapping says nothing about Organizations.
        let clients = match self.identities.assume(&role, Some(organizations::DISCOVERY_POLICY)).await {
            Ok(clients) => clients,
            Err(error) => return Standing::Unknown { reason: error.to_string() },
        };
        let client = clients.get(super::partition_region(&plan.partition), aws_sdk_organizations::Client::new);
        organizations::standing(&client, account, organizational_units).await
    }
}

fn management_account(plan: &Plan) -> Option<AccountId> {
    RoleArn::parse(&management_role(plan)?).ok().map(|role| role.account().clone())
}
