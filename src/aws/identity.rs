//! Who reads: the base identity, and roles assumed from it. There is no way back: where assuming fails, nothing is
//! read.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::types::Credentials as StsCredentials;
use aws_types::SdkConfig;
use aws_types::region::Region;

use super::clients::Clients;
use super::inaccessible::{Inaccessible, Shown, ShownToken};
use super::limits::KnownQuota;
use super::role::RoleArn;
use super::session_policy::short_policy;
use super::{partition_of_region, partition_region};
use crate::config::AccountSettings;
use crate::events;
use crate::kinds::ReadError;
use crate::target::AccountId;

/// Shows up in CloudTrail in every account that is read.
const SESSION_NAME: &str = "PortolanReadSession";
/// STS API reference: the policy is longer than it may be when packed, which its plain text does not tell.
const POLICY_TOO_LARGE: &str = "PackedPolicyTooLarge";
/// Credentials with less life left are assumed anew: they must outlive the invocation that gets them.
const SHORTEST_REMAINING_LIFE: Duration = Duration::from_secs(16 * 60);

/// Assumes roles, once per role and process while the credentials live.
pub struct Identities {
    base: SdkConfig,
    base_clients: Arc<Clients>,
    quotas: &'static [KnownQuota],
    partition: String,
    external_id: Option<String>,
    web_identity_token_file: Option<String>,
    assumed: tokio::sync::Mutex<HashMap<(String, String), Assumed>>,
    /// Session policies that STS found too large: it is asked once, and not for every account.
    too_large: std::sync::Mutex<HashSet<String>>,
}

#[derive(Clone)]
struct Assumed {
    clients: Arc<Clients>,
    expires: SystemTime,
}

impl Identities {
    /// `quotas` are what is known of services before they refuse calls.
    pub fn new(base: SdkConfig, accounts: &AccountSettings, quotas: &'static [KnownQuota]) -> Self {
        Self {
            base_clients: Arc::new(Clients::new(base.clone(), quotas)),
            base,
            quotas,
            partition: accounts.partition.clone(),
            external_id: accounts.external_id.clone(),
            web_identity_token_file: accounts.web_identity_token_file.clone(),
            assumed: tokio::sync::Mutex::new(HashMap::new()),
            too_large: std::sync::Mutex::new(HashSet::new()),
        }
    }

    /// Clients of the base identity.
    pub fn base(&self) -> Arc<Clients> {
        self.base_clients.clone()
    }

    /// The account of the base identity.
    pub async fn base_account(&self) -> Result<AccountId, ReadError> {
        const CALL: &str = "sts:GetCallerIdentity";
        let identity = self.sts(self.sts_region()).get_caller_identity().send().await.map_err(ReadError::of(CALL))?;
        let account = identity.account.unwrap_or_default();
        account.parse().map_err(|error: crate::target::TargetError| ReadError::undecodable(CALL, error.to_string()))
    }

    /// Clients of a role's identity, narrowed by a session policy where one is given; by the short policy where STS finds
    /// that one too large, and never by none.
    ///
    /// # Errors
    /// [`Inaccessible`], with what to check. There is no fallback to the base identity.
    pub async fn assume(&self, role: &RoleArn, session_policy: Option<&str>) -> Result<Arc<Clients>, Inaccessible> {
        let key = (role.to_string(), session_policy.unwrap_or_default().to_owned());
        if let Some(known) = self.assumed.lock().await.get(&key)
            && known.expires > SystemTime::now() + SHORTEST_REMAINING_LIFE
        {
            return Ok(known.clients.clone());
        }
        let assumed = self.assume_narrowed(role, session_policy).await?;
        let clients = assumed.clients.clone();
        let mut all = self.assumed.lock().await;
        all.retain(|_, known| known.expires > SystemTime::now());
        all.insert(key, assumed);
        Ok(clients)
    }

    async fn assume_narrowed(&self, role: &RoleArn, session_policy: Option<&str>) -> Result<Assumed, Inaccessible> {
        let Some(policy) = session_policy else {
            return self.assume_now(role, None).await;
        };
        if !self.too_large().contains(policy) {
            match self.assume_now(role, Some(policy)).await {
                Err(Inaccessible::Role { source, .. }) if source.failure().code == POLICY_TOO_LARGE => {
                    self.too_large().insert(policy.to_owned());
                    events::session_policy_shortened(policy.len());
                }
                answer => return answer,
            }
        }
        self.assume_now(role, Some(&short_policy())).await
    }

    fn too_large(&self) -> MutexGuard<'_, HashSet<String>> {
        self.too_large.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn assume_now(&self, role: &RoleArn, session_policy: Option<&str>) -> Result<Assumed, Inaccessible> {
        let first = self.sts_region();
        match self.ask_sts(first.clone(), role, session_policy).await {
            // Our own region may be one that an account must opt into, and the member may not have: the partition's
            // default always works.
            Err(Inaccessible::Role { source: ReadError::NotHere(_), .. })
                if first.as_ref() != partition_region(&self.partition) =>
            {
                self.ask_sts(Region::new(partition_region(&self.partition)), role, session_policy).await
            }
            answer => answer,
        }
    }

    async fn ask_sts(
        &self,
        region: Region,
        role: &RoleArn,
        session_policy: Option<&str>,
    ) -> Result<Assumed, Inaccessible> {
        let sts = self.sts(region);
        let token = match &self.web_identity_token_file {
            Some(path) => Some((path, read_token(role, path).await?)),
            None => None,
        };
        let answer = match &token {
            Some((_, token)) => {
                let request = sts.assume_role_with_web_identity().role_arn(role.to_string());
                let request = request.role_session_name(SESSION_NAME).set_policy(session_policy.map(str::to_owned));
                let answer = request.web_identity_token(token).send().await;
                let answer = answer.map_err(ReadError::of("sts:AssumeRoleWithWebIdentity"));
                answer.map(|output| (output.credentials, output.assumed_role_user))
            }
            None => {
                let request = sts.assume_role().role_arn(role.to_string()).role_session_name(SESSION_NAME);
                let request = request.set_policy(session_policy.map(str::to_owned));
                let answer = request.set_external_id(self.external_id.clone()).send().await;
                let answer = answer.map_err(ReadError::of("sts:AssumeRole"));
                answer.map(|output| (output.credentials, output.assumed_role_user))
            }
        };
        let refused = |source| {
            let shown = match &token {
                Some((path, token)) => Shown::Token(Box::new(ShownToken::of(path, token))),
                None if self.external_id.is_some() => Shown::ExternalId,
                None => Shown::NoExternalId,
            };
            Inaccessible::Role { role: role.to_string(), shown, source }
        };
        let (credentials, user) = answer.map_err(refused)?;
        let given = user.map(|user| user.arn).unwrap_or_default();
        // `arn:<partition>:sts::<account>:assumed-role/…`
        if given.split(':').nth(4) != Some(role.account().as_str()) {
            return Err(Inaccessible::WrongAccount { role: role.to_string(), given });
        }
        let Some(credentials) = credentials else {
            return Err(refused(ReadError::undecodable("sts:AssumeRole", "the answer has no credentials")));
        };
        Ok(self.assumed_with(credentials))
    }

    fn assumed_with(&self, credentials: StsCredentials) -> Assumed {
        let expires = SystemTime::try_from(credentials.expiration).unwrap_or_else(|_| SystemTime::now());
        let credentials = Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(expires),
            "assumed role",
        );
        let config = self.base.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build();
        Assumed { clients: Arc::new(Clients::new(config, self.quotas)), expires }
    }

    fn sts(&self, region: Region) -> aws_sdk_sts::Client {
        aws_sdk_sts::Client::new(&self.base.to_builder().region(region).build())
    }

    /// Regional endpoints, as AWS recommends: our own region's, else the partition's default. A web identity may be
    /// good in another partition than the one that we run in, whose STS knows nothing of its roles.
    fn sts_region(&self) -> Region {
        let own = self.base.region().filter(|region| partition_of_region(region.as_ref()) == Some(&self.partition));
        own.cloned().unwrap_or_else(|| Region::new(partition_region(&self.partition)))
    }
}

/// Read for every call: whoever issues the token writes a new one into the file before the old one ends.
async fn read_token(role: &RoleArn, path: &str) -> Result<String, Inaccessible> {
    let unreadable = |reason| Inaccessible::Token { role: role.to_string(), path: path.to_owned(), reason };
    let text = tokio::fs::read_to_string(path).await.map_err(|error| unreadable(error.to_string()))?;
    match text.trim() {
        "" => Err(unreadable("the file is empty".to_owned())),
        token => Ok(token.to_owned()),
    }
}
