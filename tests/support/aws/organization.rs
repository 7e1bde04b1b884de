//! An isolated organization for one test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_credential_types::Credentials;
use aws_smithy_types::base64;
use aws_types::region::Region;
use serde_json::{Value, json};

use super::plan::MemberPlan;
use super::server::text;
use super::{AccountInRegion, Aws, AwsCall, AwsOrder, OrganizationPlan, Queue, Stack};

/// The role that Portolan assumes in the management account and in each member account.
pub const READ_ROLE: &str = "PortOceanReadRole";
const FUNCTION_ROLE: &str = "PortolanFunctionRole";
const INTEGRATION_NAME: &str = "integration";
/// Regions that every account knows and has disabled, unless they are planned.
const OPT_IN_REGIONS: [&str; 3] = ["af-south-1", "ap-east-1", "me-central-1"];
const FIRST_MANAGEMENT_ACCOUNT: u64 = 100_000_000_000;

static NUMBER_OF_ORGANIZATIONS: AtomicU64 = AtomicU64::new(1);

/// An organization with read roles, and an account in it with everything that Portolan runs on.
/// Its accounts are its own, so tests can share one server.
pub struct Organization<'aws> {
    aws: &'aws Aws,
    plan: OrganizationPlan,
    number: u64,
    management_account: String,
    integration_account: String,
    root: String,
    organizational_units: BTreeMap<Vec<String>, String>,
    accounts: BTreeMap<String, String>,
    queue: Queue,
    dead_letter_queue: Queue,
    state_bucket: String,
    port_secret_arn: String,
    credentials: Credentials,
}

impl<'aws> Organization<'aws> {
    /// Creates everything that is planned.
    pub async fn create(aws: &'aws Aws, plan: OrganizationPlan) -> Self {
        let number = NUMBER_OF_ORGANIZATIONS.fetch_add(1, Ordering::Relaxed);
        let management_account = (FIRST_MANAGEMENT_ACCOUNT + number).to_string();
        let home =
            |account: &str| Queue { account: account.to_owned(), region: plan.home_region.clone(), url: String::new() };
        let mut organization = Self {
            aws,
            number,
            root: String::new(),
            organizational_units: BTreeMap::new(),
            accounts: BTreeMap::new(),
            integration_account: management_account.clone(),
            queue: home(&management_account),
            dead_letter_queue: home(&management_account),
            state_bucket: format!("portolan-state-{number}"),
            port_secret_arn: String::new(),
            credentials: credentials("", "", None),
            management_account,
            plan,
        };
        organization.create_root().await;
        organization.create_member_accounts().await;
        organization.create_read_roles().await;
        organization.create_home().await;
        organization
    }

    /// The server that this organization is on.
    pub fn aws(&self) -> &'aws Aws {
        self.aws
    }

    /// The account that pays, and that sees the organization.
    pub fn management_account(&self) -> &str {
        &self.management_account
    }

    /// The account that Portolan runs in.
    pub fn integration_account(&self) -> &str {
        &self.integration_account
    }

    /// The id of an account by its name. Beside the members there are `management` and `integration`.
    pub fn account(&self, name: &str) -> &str {
        let account = self.accounts.get(name);
        account.unwrap_or_else(|| panic!("no account is named {name}"))
    }

    /// All accounts by name, with `management` and `integration`.
    pub fn accounts(&self) -> &BTreeMap<String, String> {
        &self.accounts
    }

    /// The id of an organizational unit by its path, or of the root for the empty path.
    pub fn organizational_unit(&self, path: &str) -> &str {
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        self.parent_id(&parts)
    }

    /// A number that no other organization of this process has: for names that must be unique in the world.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn external_id(&self) -> &str {
        &self.plan.external_id
    }

    pub fn home_region(&self) -> &str {
        &self.plan.home_region
    }

    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    pub fn dead_letter_queue(&self) -> &Queue {
        &self.dead_letter_queue
    }

    pub fn state_bucket(&self) -> &str {
        &self.state_bucket
    }

    pub fn port_secret_arn(&self) -> &str {
        &self.port_secret_arn
    }

    /// The partition of the home region.
    pub fn partition(&self) -> &'static str {
        partition_of(self.home_region())
    }

    /// The region in which the partition has its global services.
    pub fn global_region(&self) -> &'static str {
        match self.partition() {
            "aws-us-gov" => "us-gov-west-1",
            "aws-cn" => "cn-northwest-1",
            _ => "us-east-1",
        }
    }

    /// The ARN of the read role of an account.
    pub fn read_role_arn(&self, account: &str) -> String {
        format!("arn:{}:iam::{account}:role/{READ_ROLE}", self.partition())
    }

    /// What the functions find in their environment: region, credentials of a session of their role, and settings.
    pub fn environment(&self) -> Vec<(String, String)> {
        let role_arn = self.read_role_arn(&self.management_account);
        let session_token = self.credentials.session_token().unwrap_or_default();
        let variables = [
            ("AWS_ENDPOINT_URL", self.aws.endpoint()),
            ("AWS_ACCESS_KEY_ID", self.credentials.access_key_id()),
            ("AWS_SECRET_ACCESS_KEY", self.credentials.secret_access_key()),
            ("AWS_SESSION_TOKEN", session_token),
            ("AWS_REGION", self.home_region()),
            ("PORTOLAN_QUEUE_URL", &self.queue.url),
            ("PORTOLAN_DEAD_LETTER_QUEUE_URL", &self.dead_letter_queue.url),
            ("PORTOLAN_STATE_BUCKET", &self.state_bucket),
            ("PORTOLAN_PORT_SECRET_ARN", &self.port_secret_arn),
            ("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", &role_arn),
            ("OCEAN__INTEGRATION__CONFIG__EXTERNAL_ID", self.external_id()),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// Configuration of SDK clients that act as the functions do.
    pub fn sdk_config(&self) -> aws_config::SdkConfig {
        sdk_config(self.aws, self.home_region(), self.credentials.clone())
    }

    /// An account, by name, in a region: there resources are created, changed and deleted.
    pub fn place(&self, account_name: &str, region: &str) -> AccountInRegion<'aws> {
        AccountInRegion::new(self.aws, self.account(account_name), region, self.number)
    }

    /// The calls made with credentials of any account of this organization.
    pub async fn calls(&self) -> Vec<AwsCall> {
        self.aws.calls(Some(&self.account_list())).await
    }

    /// The number of calls by name, like `s3:ListBuckets`, of all accounts of this organization.
    pub async fn call_counts(&self) -> BTreeMap<String, usize> {
        self.aws.call_counts(Some(&self.account_list())).await
    }

    /// Forgets the calls of this organization.
    pub async fn clear_calls(&self) {
        self.aws.clear_calls(Some(&self.account_list())).await;
    }

    /// Takes back the faults that were ordered for an account of this organization.
    pub async fn clear_faults(&self) {
        self.aws.clear_faults(Some(&self.account_list())).await;
    }

    /// Takes queues, bucket and secret of a stack in place of those that the organization was created with.
    pub fn use_stack(&mut self, stack: &Stack) {
        stack.output("QueueUrl").clone_into(&mut self.queue.url);
        stack.output("DeadLetterQueueUrl").clone_into(&mut self.dead_letter_queue.url);
        stack.output("StateBucketName").clone_into(&mut self.state_bucket);
        stack.output("PortSecretArn").clone_into(&mut self.port_secret_arn);
    }

    /// Adds a member account, with a read role if the others were planned with one, and gives its id. Its organizational unit must exist.
    pub async fn add_account(&mut self, name: &str, organizational_unit: &str) -> String {
        let plan = OrganizationPlan::new().member(name, organizational_unit);
        self.create_accounts(&plan.members).await;
        let account = self.account(name).to_owned();
        if self.plan.has_read_roles {
            self.add_read_role(&account).await;
        }
        account
    }

    /// Closes an account: it stays in the organization as CLOSED and cannot be read any more.
    pub async fn close_account(&self, account: &str) {
        self.in_organization("close_account", json!({"AccountId": account})).await;
        self.set_account_state(account, "CLOSED").await;
    }

    /// What only AWS does, such as SUSPENDED. In every state but ACTIVE an account cannot be read.
    pub async fn set_account_state(&self, account: &str, state: &str) {
        self.aws.set_account_state(account, state).await;
    }

    /// Takes an account out of the organization.
    pub async fn remove_account(&self, account: &str) {
        let operation = "remove_account_from_organization";
        self.in_organization(operation, json!({"AccountId": account})).await;
    }

    /// Moves an account to another organizational unit.
    pub async fn move_account(&self, account: &str, organizational_unit: &str) {
        let parents = self.in_organization("list_parents", json!({"ChildId": account})).await;
        let order = json!({
            "AccountId": account,
            "SourceParentId": parents["Parents"][0]["Id"],
            "DestinationParentId": self.organizational_unit(organizational_unit),
        });
        self.in_organization("move_account", order).await;
    }

    /// Sets a tag of an account in the organization.
    pub async fn tag_account(&self, account: &str, key: &str, value: &str) {
        let order = json!({"ResourceId": account, "Tags": [{"Key": key, "Value": value}]});
        self.in_organization("tag_resource", order).await;
    }

    /// Deletes the read role of an account.
    pub async fn remove_read_role(&self, account: &str) {
        let order = json!({"RoleName": READ_ROLE});
        self.require(account, self.global_region(), "iam", "delete_role", order).await;
    }

    /// Creates the read role in an account.
    pub async fn add_read_role(&self, account: &str) {
        self.aws.call_all(vec![self.read_role_order(account)]).await;
    }

    /// Replaces the trust policy of the read role of an account.
    pub async fn set_trust_of_read_role(&self, account: &str, trust: &Value) {
        let order = json!({"RoleName": READ_ROLE, "PolicyDocument": trust.to_string()});
        self.require(account, "us-east-1", "iam", "update_assume_role_policy", order).await;
    }

    /// The keys of the objects in the state bucket that start with a prefix.
    pub async fn state_keys(&self, prefix: &str) -> Vec<String> {
        let mut keys = Vec::new();
        let mut order = json!({"Bucket": self.state_bucket, "Prefix": prefix});
        loop {
            let page = self.in_state_bucket("list_objects_v2", order.clone()).await;
            let contents = page["Contents"].as_array().cloned().unwrap_or_default();
            keys.extend(contents.iter().map(|object| text(&object["Key"])));
            let Some(token) = page["NextContinuationToken"].as_str() else {
                return keys;
            };
            order["ContinuationToken"] = json!(token);
        }
    }

    /// An object of the state bucket, if it is there.
    pub async fn read_state(&self, key: &str) -> Option<Vec<u8>> {
        let order = json!({"Bucket": self.state_bucket, "Key": key});
        let region = self.home_region();
        let result = self.aws.call(&self.integration_account, region, "s3", "get_object", order).await;
        match result {
            Ok(object) => {
                let body = text(&object["Body"]["$base64"]);
                Some(base64::decode(body).expect("the layer sends base64"))
            }
            Err(error) if error.code == "NoSuchKey" => None,
            Err(error) => panic!("s3:GetObject of {key}: {error}"),
        }
    }

    /// Writes an object of the state bucket.
    pub async fn write_state(&self, key: &str, content: &[u8]) {
        let body = json!({"$base64": base64::encode(content)});
        let order = json!({"Bucket": self.state_bucket, "Key": key, "Body": body});
        self.in_state_bucket("put_object", order).await;
    }

    /// Deletes an object of the state bucket.
    pub async fn delete_state(&self, key: &str) {
        let order = json!({"Bucket": self.state_bucket, "Key": key});
        self.in_state_bucket("delete_object", order).await;
    }

    /// Puts a message on the queue.
    pub async fn send_message(&self, body: &str, delay_seconds: u32) {
        let order = json!({
            "QueueUrl": self.queue.url,
            "MessageBody": body,
            "DelaySeconds": delay_seconds,
        });
        let region = self.home_region();
        self.require(&self.integration_account, region, "sqs", "send_message", order).await;
    }

    async fn create_root(&mut self) {
        let features = json!({"FeatureSet": "ALL"});
        self.in_organization("create_organization", features).await;
        let roots = self.in_organization("list_roots", json!({})).await;
        self.root = text(&roots["Roots"][0]["Id"]);
        let management = self.management_account.clone();
        self.accounts.insert("management".to_owned(), management);
    }

    async fn create_member_accounts(&mut self) {
        let mut members = self.plan.members.clone();
        if self.plan.integration_in_management_account {
            let account = self.management_account.clone();
            self.accounts.insert(INTEGRATION_NAME.to_owned(), account);
        } else if !members.iter().any(|member| member.name == self.plan.integration_member) {
            members.push(MemberPlan {
                name: self.plan.integration_member.clone(),
                organizational_units: Vec::new(),
                has_read_role: true,
            });
        }
        self.create_organizational_units(&members).await;
        self.create_accounts(&members).await;
        if !self.plan.integration_in_management_account {
            let account = self.account(&self.plan.integration_member).to_owned();
            self.accounts.insert(INTEGRATION_NAME.to_owned(), account);
        }
        self.integration_account = self.account(INTEGRATION_NAME).to_owned();
    }

    async fn create_organizational_units(&mut self, members: &[MemberPlan]) {
        for member in members {
            for depth in 1..=member.organizational_units.len() {
                let path = &member.organizational_units[..depth];
                if self.organizational_units.contains_key(path) {
                    continue;
                }
                let order = json!({"ParentId": self.parent_id(&path[..depth - 1]), "Name": path[depth - 1]});
                let unit = self.in_organization("create_organizational_unit", order).await;
                let unit = text(&unit["OrganizationalUnit"]["Id"]);
                self.organizational_units.insert(path.to_vec(), unit);
            }
        }
    }

    async fn create_accounts(&mut self, members: &[MemberPlan]) {
        let orders = members.iter().map(|member| {
            let email = format!("{}-{}@example.com", member.name, self.number);
            let order = json!({"AccountName": member.name, "Email": email});
            self.organization_order("create_account", order)
        });
        let created = self.aws.call_all(orders.collect()).await;
        let mut moves = Vec::new();
        for (member, created) in members.iter().zip(&created) {
            let account = text(&created["CreateAccountStatus"]["AccountId"]);
            let parent = self.parent_id(&member.organizational_units);
            if parent != self.root {
                let order = json!({"AccountId": account, "SourceParentId": self.root, "DestinationParentId": parent});
                moves.push(self.organization_order("move_account", order));
            }
            self.accounts.insert(member.name.clone(), account);
        }
        self.aws.call_all(moves).await;
        for member in members {
            self.set_planned_regions(self.account(&member.name)).await;
        }
    }

    async fn create_read_roles(&self) {
        self.set_planned_regions(&self.management_account).await;
        if !self.plan.has_read_roles {
            return;
        }
        let mut orders = vec![self.read_role_order(&self.management_account)];
        for (name, account) in &self.accounts {
            let unreadable = |member: &MemberPlan| member.name == *name && !member.has_read_role;
            if *account == self.management_account || self.plan.members.iter().any(unreadable) {
                continue;
            }
            orders.push(self.read_role_order(account));
        }
        self.aws.call_all(orders).await;
    }

    async fn create_home(&mut self) {
        let mut bucket = json!({"Bucket": self.state_bucket});
        if self.home_region() != "us-east-1" {
            bucket["CreateBucketConfiguration"] = json!({"LocationConstraint": self.home_region()});
        }
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com", "AWS": self.integration_account},
            "Action": "sts:AssumeRole",
        }]});
        let role_arn = format!("arn:{}:iam::{}:role/{FUNCTION_ROLE}", self.partition(), self.integration_account);
        let secret = self.plan.port_secret.to_string();
        let orders = vec![
            self.home_order("s3", "create_bucket", bucket),
            self.home_order("sqs", "create_queue", json!({"QueueName": "portolan-dead-letters"})),
            self.home_order(
                "secretsmanager",
                "create_secret",
                json!({"Name": "portolan/port", "SecretString": secret}),
            ),
            self.home_order(
                "iam",
                "create_role",
                json!({"RoleName": FUNCTION_ROLE, "AssumeRolePolicyDocument": trust.to_string()}),
            ),
            self.home_order("sts", "assume_role", json!({"RoleArn": role_arn, "RoleSessionName": "portolan-function"})),
        ];
        let results = self.aws.call_all(orders).await;
        self.integration_account.clone_into(&mut self.queue.account);
        self.integration_account.clone_into(&mut self.dead_letter_queue.account);
        self.dead_letter_queue.url = text(&results[1]["QueueUrl"]);
        self.port_secret_arn = text(&results[2]["ARN"]);
        let session = &results[4]["Credentials"];
        self.credentials = credentials(
            session["AccessKeyId"].as_str().expect("a session"),
            session["SecretAccessKey"].as_str().expect("a session"),
            Some(text(&session["SessionToken"])),
        );
        let redrive = json!({
            "deadLetterTargetArn": self.dead_letter_queue.arn(),
            "maxReceiveCount": self.plan.maximum_receive_count,
        });
        let queue = json!({"QueueName": "portolan-work", "Attributes": {
            "VisibilityTimeout": self.plan.visibility_timeout_seconds.to_string(),
            "RedrivePolicy": redrive.to_string(),
        }});
        let order = self.home_order("sqs", "create_queue", queue);
        let results = self.aws.call_all(vec![order]).await;
        self.queue.url = text(&results[0]["QueueUrl"]);
    }

    async fn set_planned_regions(&self, account: &str) {
        let Some(regions) = &self.plan.regions else {
            return;
        };
        let disabled = OPT_IN_REGIONS.map(|region| (region, "DISABLED"));
        let enabled = regions.iter().map(|region| (region.as_str(), "ENABLED_BY_DEFAULT"));
        // The later entry of a name counts.
        let regions: Vec<(&str, &str)> = disabled.into_iter().chain(enabled).collect();
        self.aws.set_regions(account, &regions).await;
    }

    fn read_role_order(&self, account: &str) -> AwsOrder {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:{}:iam::{}:root", self.partition(), self.integration_account)},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": self.plan.external_id}},
        }]});
        AwsOrder {
            account: account.to_owned(),
            region: self.global_region().to_owned(),
            service: "iam",
            operation: "create_role",
            parameters: json!({"RoleName": READ_ROLE, "AssumeRolePolicyDocument": trust.to_string()}),
        }
    }

    fn home_order(&self, service: &'static str, operation: &'static str, parameters: Value) -> AwsOrder {
        AwsOrder {
            account: self.integration_account.clone(),
            region: self.plan.home_region.clone(),
            service,
            operation,
            parameters,
        }
    }

    fn organization_order(&self, operation: &'static str, parameters: Value) -> AwsOrder {
        AwsOrder {
            account: self.management_account.clone(),
            region: self.global_region().to_owned(),
            service: "organizations",
            operation,
            parameters,
        }
    }

    async fn in_organization(&self, operation: &'static str, parameters: Value) -> Value {
        let account = &self.management_account;
        self.require(account, self.global_region(), "organizations", operation, parameters).await
    }

    async fn in_state_bucket(&self, operation: &'static str, parameters: Value) -> Value {
        let region = self.home_region();
        self.require(&self.integration_account, region, "s3", operation, parameters).await
    }

    async fn require(
        &self,
        account: &str,
        region: &str,
        service: &'static str,
        operation: &'static str,
        parameters: Value,
    ) -> Value {
        let result = self.aws.call(account, region, service, operation, parameters).await;
        result.unwrap_or_else(|error| panic!("{service}:{operation} in {account}: {error}"))
    }

    fn parent_id(&self, path: &[String]) -> &str {
        if path.is_empty() {
            return &self.root;
        }
        let unit = self.organizational_units.get(path);
        unit.unwrap_or_else(|| panic!("no organizational unit {}", path.join("/")))
    }

    fn account_list(&self) -> String {
        let accounts: Vec<&str> = self.accounts.values().map(String::as_str).collect();
        accounts.join(",")
    }
}

/// Credentials that do not expire while a test runs.
pub fn credentials(access_key_id: &str, secret_access_key: &str, session_token: Option<String>) -> Credentials {
    Credentials::new(access_key_id, secret_access_key, session_token, None, "test")
}

/// Configuration of SDK clients for the emulated AWS.
pub fn sdk_config(aws: &Aws, region: &str, credentials: Credentials) -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new(region.to_owned()))
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials))
        .build()
}

/// The partition of a region.
pub fn partition_of(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("cn-") => "aws-cn",
        _ => "aws",
    }
}
