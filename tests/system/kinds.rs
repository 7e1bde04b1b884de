//! What mappings see of every kind, and what becomes of calls that fail: read from the emulated AWS by the library
//! itself.

mod cloud_control;
mod codebuild;
mod codedeploy;
mod codepipeline;
mod contract;
mod dynamodb;
mod ec2;
mod ecr;
mod ecs;
mod eks;
mod elasticache;
mod envelopes;
mod failures;
mod lambda;
mod memorydb;
mod msk;
mod organizations;
mod pages;
mod rds;
mod s3;
mod ses;
mod sns;
mod sqs;
mod throttling;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_config::retry::RetryConfig;
use portolan::aws::{AwsReader, Identities, KnownQuota, read_policy};
use portolan::config::{AccountSettings, AccountSource};
use portolan::kinds::fields::{Field, Form};
use portolan::kinds::{HistoryBound, KINDS, Options, Page, ReadError, Reader, Resource, Scope};
use portolan::run::{FoundBy, Plan, PlannedAccount};
use portolan::seams::{Cloud, ListRequest};
use portolan::target::Target;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::run_plan::{found_by, plan_over};
use crate::support::aws::{AccountInRegion, Aws, FaultId, Organization, OrganizationPlan};

/// The region in which most tests have their resources.
const REGION: &str = "eu-west-1";
const REGIONS: [&str; 2] = [REGION, "us-east-1"];

/// An organization with one member, `alpha`, and the reader of kinds as a worker has it.
struct Bench {
    organization: Organization<'static>,
    plan: Plan,
    reader: AwsReader,
}

impl Bench {
    async fn create() -> Self {
        Self::create_with(OrganizationPlan::new()).await
    }

    async fn create_with(plan: OrganizationPlan) -> Self {
        let plan = plan.member("alpha", "Workloads").regions(&REGIONS);
        let organization = Organization::create(Aws::shared().await, plan).await;
        // One try: an ordered fault is there to stay. And no quotas: the emulated services have none.
        let reader = reader(&organization, RetryConfig::disabled(), &[]);
        let plan = plan_of(&organization);
        Self { organization, plan, reader }
    }

    /// The same with a reader that tries again and knows the quotas of services.
    async fn create_patient(retries: RetryConfig, quotas: &'static [KnownQuota]) -> Self {
        let bench = Self::create().await;
        let reader = reader(&bench.organization, retries, quotas);
        Self { reader, ..bench }
    }

    /// The member account in a region.
    fn alpha_in(&self, region: &str) -> AccountInRegion<'static> {
        self.organization.place("alpha", region)
    }

    fn alpha(&self) -> &str {
        self.organization.account("alpha")
    }

    /// Where a kind is read: in the member account's `REGION`, its global kinds, or the organization.
    fn target_of(&self, kind: &str) -> Target {
        let account = self.alpha().parse().expect("an account number");
        match portolan::kinds::find(kind).map(|kind| kind.scope()) {
            Some(Scope::Regional) => Target::Region { account, region: REGION.to_owned() },
            Some(Scope::Global) => Target::Global { account },
            Some(Scope::Organization) => Target::Organization,
            None => panic!("{kind} is no kind"),
        }
    }

    async fn page(&self, kind: &str, options: &[&str], cursor: Option<String>) -> Result<Page, ReadError> {
        let request = request(kind, options);
        self.reader.list(&self.plan, &self.target_of(kind), &request, cursor).await
    }

    /// All resources of a kind, by key, as a target that has just been entered has them.
    async fn read(&self, kind: &str, options: &[&str]) -> BTreeMap<String, Resource> {
        self.read_with(&request(kind, options)).await
    }

    /// The same with any options.
    async fn read_with(&self, request: &ListRequest) -> BTreeMap<String, Resource> {
        let kind = request.kind.as_str();
        let target = self.target_of(kind);
        self.reader.enter(&self.plan, &target).await.unwrap_or_else(|error| panic!("{target}: {error}"));
        let mut resources = BTreeMap::new();
        let mut cursor = None;
        loop {
            let page = self.reader.list(&self.plan, &target, request, cursor).await;
            let page = page.unwrap_or_else(|error| panic!("{kind} cannot be read: {error}"));
            assert_eq!(page.gaps, [], "{kind}");
            for resource in page.resources {
                assert_fields(kind, &resource);
                let former = resources.insert(resource.key.clone(), resource);
                assert!(former.is_none(), "{kind} came twice: {former:?}");
            }
            cursor = page.next;
            if cursor.is_none() {
                return resources;
            }
        }
    }

    /// The only resource of a kind.
    async fn read_one(&self, kind: &str, options: &[&str]) -> Resource {
        let resources = self.read(kind, options).await;
        assert_eq!(resources.len(), 1, "{kind}: {resources:#?}");
        resources.into_values().next().expect("one")
    }

    /// Lets an operation fail or answer so, for as long as the fault is ordered. The account is the one that is read.
    async fn fault(&self, kind: &str, service: &str, operation: &str, effect: Value) {
        self.order_fault(kind, json!({"service": service, "operation": operation, "effect": effect})).await;
    }

    /// Gives the answer to every call of an operation that names `part` somewhere; any call where it is empty.
    async fn answer(&self, kind: &str, service: &str, operation: &str, part: &str, body: &str) {
        let effect = json!({"status": 200, "body": body});
        let fault = json!({"service": service, "operation": operation, "resource": part, "effect": effect});
        self.order_fault(kind, fault).await;
    }

    /// The same for one call.
    async fn answer_once(&self, kind: &str, service: &str, operation: &str, part: &str, body: &str) {
        let effect = json!({"status": 200, "body": body});
        let fault = json!({"service": service, "operation": operation, "resource": part, "times": 1, "effect": effect});
        self.order_fault(kind, fault).await;
    }

    async fn order_fault(&self, kind: &str, mut fault: Value) -> FaultId {
        let account = match self.target_of(kind) {
            Target::Organization => self.organization.management_account(),
            _ => self.alpha(),
        };
        fault["account"] = json!(account);
        self.organization.aws().fault(fault).await
    }

    /// How often each operation was called since the last time, but for those that only assume roles.
    async fn take_calls(&self) -> BTreeMap<String, usize> {
        let mut calls = self.organization.call_counts().await;
        calls.retain(|name, _| !name.starts_with("sts:"));
        self.organization.clear_calls().await;
        calls
    }
}

/// An organization with the member `alpha`, in which there are two resources of every kind.
pub async fn organization_of_all_kinds(plan: OrganizationPlan) -> Organization<'static> {
    let bench = Bench::create_with(plan).await;
    for (number, contract) in contract::contracts().into_iter().enumerate() {
        // An organization has accounts, and the stages have actions.
        if ["AWS::Organizations::Account", "AWS::CodePipeline::Action"].contains(&contract.kind) {
            continue;
        }
        // Two: a pipeline has no fewer stages.
        let names = ["first", "second"].map(|which| format!("{which}-{number}"));
        (contract.seed)(&bench, &[&names[0], &names[1]]).await;
    }
    bench.organization
}

fn reader(organization: &Organization<'_>, retries: RetryConfig, quotas: &'static [KnownQuota]) -> AwsReader {
    let config = organization.sdk_config().to_builder().retry_config(retries).build();
    AwsReader::new(Arc::new(Identities::new(config, &account_settings(organization), quotas)))
}

fn account_settings(organization: &Organization<'_>) -> AccountSettings {
    let role = organization.read_role_arn(organization.management_account());
    let management_role = portolan::aws::RoleArn::parse(&role).expect("a role's ARN");
    AccountSettings {
        member_role: management_role.name().to_owned(),
        partition: management_role.partition().to_owned(),
        source: AccountSource::Organization { management_role, organizational_units: BTreeSet::new() },
        excluded: BTreeSet::new(),
        external_id: Some(organization.external_id().to_owned()),
        web_identity_token_file: None,
    }
}

/// A plan that reads all kinds with all options in the member account and the organization.
fn plan_of(organization: &Organization<'_>) -> Plan {
    let alpha = PlannedAccount {
        name: "alpha".to_owned(),
        role: Some(organization.read_role_arn(organization.account("alpha"))),
        enabled_regions: REGIONS.map(str::to_owned).to_vec(),
        disabled_regions: Vec::new(),
        changing_regions: Vec::new(),
    };
    let kinds = KINDS.iter().map(|kind| {
        let include_actions = kind.include_actions.iter().map(|action| action.name.to_owned()).collect();
        (kind.name.to_owned(), Options { include_actions, ..Options::default() })
    });
    let accounts = BTreeMap::from([(organization.account("alpha").parse().expect("an account number"), alpha)]);
    Plan {
        strategy: found_by(FoundBy::Organization {
            management_role: organization.read_role_arn(organization.management_account()),
            organizational_units: BTreeSet::new(),
        }),
        session_policy: read_policy(&kinds.collect()),
        ..plan_over(OffsetDateTime::now_utc(), accounts)
    }
}

fn request(kind: &str, options: &[&str]) -> ListRequest {
    let include_actions = options.iter().map(|option| (*option).to_owned()).collect();
    ListRequest { kind: kind.to_owned(), options: Options { include_actions, ..Options::default() } }
}

/// The same with a bound of a history.
fn bounded(kind: &str, history: HistoryBound) -> ListRequest {
    ListRequest { kind: kind.to_owned(), options: Options { history, ..Options::default() } }
}

/// Every `includeActions` option of a kind.
fn all_options(kind: &str) -> Vec<&'static str> {
    let kind = portolan::kinds::find(kind).unwrap_or_else(|| panic!("{kind} is no kind"));
    kind.include_actions().iter().map(|action| action.name).collect()
}

/// The members that a kind states; none for those of Cloud Control, whose schemas are AWS's business.
fn stated_fields(kind: &str) -> Option<&'static [Field]> {
    match portolan::kinds::find(kind) {
        Some(Reader::Native(kind)) => Some(kind.fields),
        Some(Reader::CloudControl(_)) => None,
        None => panic!("{kind} is no kind"),
    }
}

/// Every member of `Properties` is one that the kind states, and what it states it to be.
fn assert_fields(kind: &str, resource: &Resource) {
    let Some(fields) = stated_fields(kind) else { return };
    // How the tests call a member that AWS has yet to invent.
    for (name, value) in resource.properties.iter().filter(|(name, _)| !name.starts_with("BrandNew")) {
        let field = fields.iter().find(|(path, _)| path == name);
        let (_, form) = field.unwrap_or_else(|| panic!("{kind} states no field {name}: {value}"));
        let is_right = match form {
            // S3 says so of its first region.
            Form::Text => value.is_string() || (value.is_null() && name == "LocationConstraint"),
            Form::Document => value.is_string(),
            Form::Integer => value.is_i64(),
            Form::Number => value.is_number(),
            Form::Boolean => value.is_boolean(),
            Form::Time => value.as_str().is_some_and(is_time),
            Form::Object => value.is_object(),
            Form::Texts => value.as_array().is_some_and(|items| items.iter().all(Value::is_string)),
            Form::Objects => value.as_array().is_some_and(|items| items.iter().all(Value::is_object)),
        };
        assert!(is_right, "{kind}: {name} is {value}, and no {}", form.in_words());
    }
}

/// Every field that the kind states is there: to be used on an answer in which everything is set.
fn assert_every_field(kind: &str, properties: &serde_json::Map<String, Value>) {
    let fields = stated_fields(kind).unwrap_or_else(|| panic!("{kind} states no fields"));
    let top = fields.iter().filter(|(path, _)| !path.contains('.'));
    let missing: Vec<_> = top.map(|(path, _)| *path).filter(|path| !properties.contains_key(*path)).collect();
    assert!(missing.is_empty(), "{kind} lacks {missing:?}");
}

/// `Properties` are the members of an answer in Pascal case; those of `changed` are so instead, or absent where null.
fn assert_forwarded(resource: &Resource, answer: &Value, changed: Value) {
    let mut expected = serde_json::Map::new();
    for (name, value) in answer.as_object().expect("an object") {
        let (first, rest) = name.split_at(1);
        expected.insert(format!("{}{rest}", first.to_uppercase()), value.clone());
    }
    for (name, value) in changed.as_object().expect("an object") {
        match value {
            Value::Null => expected.remove(name),
            _ => expected.insert(name.clone(), value.clone()),
        };
    }
    assert_shape(&Value::Object(resource.properties.clone()), &Value::Object(expected));
}

/// Compares without regard to the order of members. What no test can foresee is written as `<time>`, `<text>` or
/// `<number>`.
fn assert_shape(actual: &Value, expected: &Value) {
    assert_shape_at("", actual, expected);
}

fn assert_shape_at(path: &str, actual: &Value, expected: &Value) {
    match (actual, expected) {
        (Value::Object(actual_members), Value::Object(expected_members)) => {
            let names = |members: &serde_json::Map<String, Value>| members.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(names(actual_members), names(expected_members), "members of `{path}` in {actual:#}");
            for (name, expected) in expected_members {
                assert_shape_at(&format!("{path}.{name}"), &actual_members[name], expected);
            }
        }
        (Value::Array(actual_items), Value::Array(expected_items)) => {
            assert_eq!(actual_items.len(), expected_items.len(), "items of `{path}` in {actual:#}");
            for (index, (actual, expected)) in actual_items.iter().zip(expected_items).enumerate() {
                assert_shape_at(&format!("{path}[{index}]"), actual, expected);
            }
        }
        (Value::String(text), Value::String(form)) if form == "<time>" => {
            assert!(is_time(text), "`{path}` is `{text}`, which is no time in the form that mappings know");
        }
        (Value::String(_), Value::String(form)) if form == "<text>" => {}
        (Value::Number(number), Value::String(form)) if form == "<number>" => {
            assert!(number.is_i64(), "`{path}` is {number}");
        }
        _ => assert_eq!(actual, expected, "`{path}`"),
    }
}

/// `2024-01-02T03:04:05Z`, or with exactly six digits of a fraction.
fn is_time(text: &str) -> bool {
    let digits_as_zero: String =
        text.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
    matches!(digits_as_zero.as_str(), "0000-00-00T00:00:00Z" | "0000-00-00T00:00:00.000000Z")
}
