//! The cloud as the steps of a run see it: kinds read through assumed roles, accounts judged through the management
//! role.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::clients::Clients;
use super::identity::Identities;
use super::inaccessible::Inaccessible;
use super::role::RoleArn;
use crate::kinds::{self, Page, ReadError, Reading, SharedAnswers};
use crate::run::{FoundBy, Plan, RunId};
use crate::schedule::organizations::{DISCOVERY_POLICY, Organizations, Patience};
use crate::seams::{Cloud, EnterError, ListRequest, Standing};
use crate::target::{AccountId, Target};

/// How long a throttled call is waited for to find out what became of one account. A sweep has several to ask for.
const STANDING_TIME: Duration = Duration::from_secs(20);

/// AWS, read as the plan of a run says.
pub struct AwsReader {
    identities: Arc<Identities>,
    /// Of the target that was entered last: a worker has one at a time.
    entered: Mutex<Entered>,
}

/// A target that is being read.
#[derive(Default)]
struct Entered {
    target: Option<(RunId, Target)>,
    shared: Arc<SharedAnswers>,
}

impl AwsReader {
    pub fn new(identities: Arc<Identities>) -> Self {
        Self { identities, entered: Mutex::default() }
    }

    /// Forgets what was read for the target entered before, and for this one when it was entered before.
    fn begin(&self, plan: &Plan, target: &Target) {
        *self.lock_entered() = Entered { target: Some((plan.run.clone(), target.clone())), shared: Arc::default() };
    }

    /// What the kinds of a target share; nothing where another target was entered since.
    fn shared_answers(&self, plan: &Plan, target: &Target) -> Arc<SharedAnswers> {
        let entered = self.lock_entered();
        match &entered.target {
            Some((run, entered_target)) if *run == plan.run && entered_target == target => entered.shared.clone(),
            _ => Arc::default(),
        }
    }

    fn lock_entered(&self) -> std::sync::MutexGuard<'_, Entered> {
        self.entered.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    async fn clients(&self, plan: &Plan, target: &Target) -> Result<Arc<Clients>, Inaccessible> {
        let Some(role) = role_of(plan, target)? else {
            return Ok(self.identities.base());
        };
        let role = RoleArn::parse(&role).map_err(|error| Inaccessible::NotPlanned(error.to_string()))?;
        self.identities.assume(&role, Some(&plan.session_policy)).await
    }
}

/// The role that a target is read with; none where the functions read their own account as themselves.
///
/// # Errors
/// Where the plan has nothing for the target. Without a role it would be read as ourselves, and our own resources would
/// pass for another account's.
fn role_of(plan: &Plan, target: &Target) -> Result<Option<String>, Inaccessible> {
    let Some(account) = target.account() else {
        let role = management_role(plan);
        return role.map(Some).ok_or_else(|| Inaccessible::NotPlanned(NO_MANAGEMENT_ROLE.to_owned()));
    };
    match plan.accounts.get(account) {
        Some(planned) => Ok(planned.role.clone()),
        None => Err(Inaccessible::NotPlanned(format!("the plan of the run has no account {account}"))),
    }
}

const NO_MANAGEMENT_ROLE: &str = "organization-wide kinds are read with the management role, and the run has none";

fn management_role(plan: &Plan) -> Option<String> {
    match &plan.strategy.found_by {
        FoundBy::Organization { management_role, .. } => Some(management_role.clone()),
        FoundBy::RoleList | FoundBy::SingleAccount => None,
    }
}

#[async_trait]
impl Cloud for AwsReader {
    async fn enter(&self, plan: &Plan, target: &Target) -> Result<(), EnterError> {
        self.begin(plan, target);
        match self.clients(plan, target).await {
            Ok(_) => Ok(()),
            Err(error) => Err(EnterError { reason: error.to_string(), check: error.check() }),
        }
    }

    async fn list(
        &self,
        plan: &Plan,
        target: &Target,
        request: &ListRequest,
        cursor: Option<String>,
    ) -> Result<Page, ReadError> {
        let Some(reader) = kinds::find(&request.kind) else {
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
            return Err(ReadError::undecodable("list", NO_MANAGEMENT_ROLE));
        };
        let reading = Reading {
            account,
            account_name: planned.map(|planned| planned.name.clone()).unwrap_or_default(),
            partition: plan.partition.clone(),
            region,
            enabled_regions,
            options: request.options.clone(),
            run_start: plan.started,
            clients,
            shared: self.shared_answers(plan, target),
        };
        let mut page = reader.list(&reading, cursor.clone()).await?;
        // An empty token means the end, as an absent one does; sent back, it would start the listing again.
        page.next = page.next.filter(|token| !token.is_empty());
        if page.next.is_some() && page.next == cursor {
            return Err(ReadError::repeated_token("list"));
        }
        Ok(page)
    }

    async fn standing(&self, plan: &Plan, account: &AccountId) -> Standing {
        if plan.strategy.excluded_accounts.contains(account) {
            return Standing::Gone { evidence: "PORTOLAN_EXCLUDED_ACCOUNTS names the account".to_owned() };
        }
        let (management_role, organizational_units) = match &plan.strategy.found_by {
            FoundBy::Organization { management_role, organizational_units } => (management_role, organizational_units),
            // An explicit list is its own evidence.
            FoundBy::RoleList => {
                return Standing::Gone { evidence: "the list of role ARNs no longer names the account".to_owned() };
            }
            FoundBy::SingleAccount => {
                return Standing::Unknown { reason: "the functions now run in another account".to_owned() };
            }
        };
        let role = match RoleArn::parse(management_role) {
            Ok(role) => role,
            Err(error) => return Standing::Unknown { reason: error.to_string() },
        };
        // Discovery's rights, not those of reading kinds: the session policy of the mapping says nothing about
        // Organizations.
        let clients = match self.identities.assume(&role, Some(DISCOVERY_POLICY)).await {
            Ok(clients) => clients,
            Err(error) => return Standing::Unknown { reason: error.to_string() },
        };
        let client = clients.get(super::partition_region(&plan.partition), aws_sdk_organizations::Client::new);
        let organizations = Organizations::new(client, Patience::lasting(STANDING_TIME));
        organizations.standing(account, role.account(), organizational_units).await
    }
}

fn management_account(plan: &Plan) -> Option<AccountId> {
    RoleArn::parse(&management_role(plan)?).ok().map(|role| role.account().clone())
}
