//! Least privilege in both directions: what runs call is in the policy of the role that calls it, and what a policy
//! grants is called by some run.

use std::collections::{BTreeMap, BTreeSet};

use portolan::kinds::KINDS;
use serde_json::{Value, json};

use super::policy::{Grant, Request, Statement, allow, statements_in, statements_of, unused};
use super::variations::{Variation, variations};
use crate::kinds::organization_of_all_kinds;
use crate::support::aws::{Aws, AwsCall, Organization, OrganizationPlan, READ_ROLE, Stack, expand};
use crate::support::installation::{deploy_functions, deploy_read_roles, restart, start};
use crate::support::world::{IDENTIFIER, WORKERS, World};

const REGION: &str = "us-east-1";
/// What AWS does with the roles of the functions, and no code of ours.
const BY_AWS: [(&str, &str); 15] = [
    ("logs:CreateLogStream", "Lambda writes what a function prints"),
    ("logs:PutLogEvents", "Lambda writes what a function prints"),
    ("xray:PutTraceSegments", "Lambda traces invocations"),
    ("xray:PutTelemetryRecords", "Lambda traces invocations"),
    ("sqs:ReceiveMessage", "Lambda polls the queue"),
    ("sqs:DeleteMessage", "Lambda polls the queue"),
    ("sqs:GetQueueAttributes", "Lambda polls the queue"),
    ("kms:Decrypt", "Secrets Manager, S3 and SQS decrypt with the caller's right"),
    ("kms:GenerateDataKey", "S3 and SQS encrypt with the caller's right"),
    ("ec2:AssignPrivateIpAddresses", "Lambda connects functions to a VPC"),
    ("ec2:CreateNetworkInterface", "Lambda connects functions to a VPC"),
    ("ec2:DeleteNetworkInterface", "Lambda connects functions to a VPC"),
    ("ec2:DescribeNetworkInterfaces", "Lambda connects functions to a VPC"),
    ("ec2:DescribeSubnets", "Lambda connects functions to a VPC"),
    ("ec2:UnassignPrivateIpAddresses", "Lambda connects functions to a VPC"),
];
/// The statement of the own account's kinds. Nothing in it is for AWS.
const OWN_ACCOUNT: &str = "own-account";
/// Calls that need no permission.
const FREE: [&str; 1] = ["sts:GetCallerIdentity"];

/// What was called with each role.
type Requests = BTreeMap<String, BTreeSet<Request>>;

/// Every call of these accounts since the calls were cleared, by the ARN of the role.
fn by_role(calls: &[AwsCall]) -> Requests {
    let mut requests = Requests::new();
    for call in calls.iter().filter(|call| !FREE.contains(&call.name().as_str())) {
        let role = call.role.clone().unwrap_or_else(|| panic!("{call:?} was made with no role"));
        let made = requests.entry(role).or_default();
        let request = Request::of(call);
        if call.status == Some(404) && request.action == "s3:GetObject" {
            // S3 says so only to whom may list; to others the object is forbidden.
            let bucket = request.resource.split('/').next().unwrap_or_default().to_owned();
            made.insert(Request { action: "s3:ListBucket".to_owned(), resource: bucket });
        }
        made.insert(request);
    }
    requests
}

/// What the deployed policies of a role and the requests made with it disagree on: calls that are not allowed, and grants
/// that nobody used.
async fn disagreements(role_arn: &str, requests: &Requests) -> (Vec<Request>, Vec<Grant>) {
    let account = role_arn.split(':').nth(4).expect("an account");
    let name = role_arn.rsplit('/').next().expect("a name");
    let statements = statements_of(Aws::shared().await, account, REGION, name).await;
    let made: Vec<Request> = requests.get(role_arn).into_iter().flatten().cloned().collect();
    assert!(!made.is_empty(), "{role_arn} made no call: {:?}", requests.keys());
    let refused = made.iter().filter(|request| !allow(&statements, request)).cloned().collect();
    (refused, unused(&statements, &made))
}

/// Of a function's role: what AWS uses by itself counts as used.
async fn assert_exact_for_function(role_arn: &str, requests: &Requests) {
    let (refused, mut unused) = disagreements(role_arn, requests).await;
    assert!(refused.is_empty(), "{role_arn} may not do {refused:#?}");
    unused.retain(|grant| grant.statement == OWN_ACCOUNT || BY_AWS.iter().all(|(action, _)| grant.action != *action));
    assert!(unused.is_empty(), "{role_arn} never does {unused:#?}");
}

async fn assert_exact(role_arn: &str, requests: &Requests) {
    let (refused, unused) = disagreements(role_arn, requests).await;
    assert!(refused.is_empty(), "{role_arn} may not do {refused:#?}");
    assert!(unused.is_empty(), "{role_arn} never does {unused:#?}");
}

/// Every kind with every option, in as many entries as that takes; nothing is held back by a threshold.
fn with_all_options(mut mapping: Value) -> Value {
    let mut entries = Vec::new();
    for entry in mapping["resources"].as_array().expect("a list of entries") {
        let kind = KINDS.iter().find(|kind| entry["kind"] == kind.name).expect("a kind");
        let options: Vec<_> = kind.include_actions.iter().map(|action| action.name).collect();
        let portions: Vec<_> = options.chunks(3).collect();
        for portion in if portions.is_empty() { vec![[].as_slice()] } else { portions } {
            let mut entry = entry.clone();
            entry["selector"]["includeActions"] = json!(portion);
            entries.push(entry);
        }
    }
    mapping["resources"] = json!(entries);
    mapping["entityDeletionThreshold"] = json!(1.0);
    mapping
}

fn mapping(world: &World) -> Value {
    world.port.integration(IDENTIFIER).expect("the record")["config"].clone()
}

/// The entries of one kind alone.
fn only(mut mapping: Value, kind: &str) -> Value {
    mapping["resources"].as_array_mut().expect("entries").retain(|entry| entry["kind"] == kind);
    mapping
}

async fn run(world: &World) -> Value {
    let summary = world.resync().await.summary;
    assert_eq!(summary["mappingProblems"], Value::Null, "{summary:#}");
    summary
}

/// Runs through which a function does everything that it ever does as itself.
async fn run_through_everything(world: &World) {
    let organization = &world.organization;
    run(world).await;
    let everything = with_all_options(mapping(world));
    world.set_mapping(everything.clone());
    let summary = run(world).await;
    assert_eq!(summary["kinds"].as_object().map(serde_json::Map::len), Some(kinds_of(&everything)), "{summary:#}");
    // A step that fails is tried again, and what is no message of ours goes to the dead letters. Each worker calls twice
    // before a step fails, and all first calls fail: so at least one step does.
    let own_account = organization.integration_account();
    let fault = json!({
        "account": own_account, "service": "s3", "operation": "PutObject", "resource": "/runs/",
        "times": 2 * WORKERS, "effect": {"status": 500, "code": "InternalError"},
    });
    world.set_mapping(only(everything, "AWS::Account::Info"));
    world.schedule(json!({})).await.expect("a run");
    organization.aws().fault(fault).await;
    organization.send_message("no message of ours", 0).await;
    let report = world.pump().run().await;
    assert_eq!(report.dead_letters.len(), 1, "{:?}", report.dead_letters);
    // The same time again is answered with the run that there is.
    let event = json!({"scheduledTime": "2026-01-02T03:04:05Z"});
    let answer = world.schedule(event.clone()).await.expect("a run");
    assert_eq!(world.schedule(event).await.expect("the same run")["run"], answer["run"]);
    world.pump().run().await;
    world.port.request_resync(IDENTIFIER);
    let answer = world.schedule(json!({"onlyIfRequested": true})).await.expect("a run that was asked for");
    assert_eq!(answer["outcome"], "started", "{answer}");
    world.pump().run().await;
}

fn kinds_of(mapping: &Value) -> usize {
    let entries = mapping["resources"].as_array().expect("entries");
    entries.iter().filter_map(|entry| entry["kind"].as_str()).collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn the_roles_of_an_organization_are_exactly_what_runs_need() {
    let plan = OrganizationPlan::new().without_read_roles().member("beta", "Workloads");
    let organization = organization_of_all_kinds(plan).await;
    deploy_read_roles(&organization, &[]).await;
    let management = organization.management_account().to_owned();
    let management_role = organization.read_role_arn(&management);
    let external_id = organization.external_id().to_owned();
    let parameters = [
        ("AccountRoleArn", management_role.as_str()),
        ("ExternalId", external_id.as_str()),
        ("DefaultResources", "all"),
    ];
    let stack = deploy_functions(&organization, &parameters).await;
    organization.clear_calls().await;
    let mut world = start(organization, &stack, &[]).await;
    run_through_everything(&world).await;

    // An account that is closed is asked for by itself; units are walked where some are given.
    let beta = world.organization.account("beta").to_owned();
    world.organization.close_account(&beta).await;
    run(&world).await;
    let unit = world.organization.organizational_unit("Workloads").to_owned();
    world = restart(world, &stack, &[("OCEAN__INTEGRATION__CONFIG__OU_ID", unit.as_str())]).await;
    run(&world).await;

    let requests = by_role(&world.organization.calls().await);
    assert_exact_for_function(stack.output("SchedulerRoleArn"), &requests).await;
    assert_exact_for_function(stack.output("WorkerRoleArn"), &requests).await;
    let alpha = world.organization.read_role_arn(world.organization.account("alpha"));
    assert_exact(&alpha, &requests).await;
    // Its own account's kinds are read with the same policy as any other account's: alpha's has shown it.
    let (refused, unused) = disagreements(&management_role, &requests).await;
    assert!(refused.is_empty(), "{refused:#?}");
    let of_organization: Vec<_> = unused.iter().filter(|grant| grant.statement != "ReadKinds").collect();
    assert!(of_organization.is_empty(), "{of_organization:#?}");
    assert_same_kinds_in(&management, world.organization.account("alpha")).await;
    for (role, made) in &requests {
        let account = role.split(':').nth(4).expect("an account");
        let statements =
            statements_of(Aws::shared().await, account, REGION, role.rsplit('/').next().unwrap_or("")).await;
        let refused: Vec<_> = made.iter().filter(|request| !allow(&statements, request)).collect();
        assert!(refused.is_empty(), "{role} may not do {refused:#?}");
    }
}

/// The statement on the kinds is the same in the read roles of two accounts.
async fn assert_same_kinds_in(one: &str, other: &str) {
    let kinds = async |account| {
        let statements = statements_of(Aws::shared().await, account, REGION, READ_ROLE).await;
        let found = statements.into_iter().find(|statement| statement.name == "ReadKinds");
        found.expect("a statement on the kinds").actions
    };
    assert_eq!(kinds(one).await, kinds(other).await);
}

#[tokio::test]
async fn the_roles_that_read_their_own_account_are_exactly_what_runs_need() {
    let plan = OrganizationPlan::new().without_read_roles().integration_in("alpha");
    let organization = organization_of_all_kinds(plan).await;
    let stack = deploy_functions(&organization, &[("DefaultResources", "all")]).await;
    organization.clear_calls().await;
    let world = start(organization, &stack, &[]).await;
    run_through_everything(&world).await;
    let requests = by_role(&world.organization.calls().await);
    assert_exact_for_function(stack.output("SchedulerRoleArn"), &requests).await;
    assert_exact_for_function(stack.output("WorkerRoleArn"), &requests).await;
}

#[tokio::test]
async fn the_roles_that_read_a_list_are_exactly_what_runs_need() {
    let plan = OrganizationPlan::new().member("alpha", "").regions(&[REGION]);
    let organization = Organization::create(Aws::shared().await, plan).await;
    organization.place("alpha", REGION).create_topic("alerts", &[]).await;
    let secret = organization.port_secret_arn().to_owned();
    let value = json!({"PORT_CLIENT_ID": "portolan-id", "PORT_CLIENT_SECRET": "portolan-secret"}).to_string();
    let order = json!({"SecretId": secret, "SecretString": value});
    let account = organization.integration_account().to_owned();
    organization.aws().call(&account, REGION, "secretsmanager", "put_secret_value", order).await.expect("a secret");
    let role = organization.read_role_arn(organization.account("alpha"));
    let external_id = organization.external_id().to_owned();
    let parameters = [
        ("AccountRoleArns", role.as_str()),
        ("ExternalId", external_id.as_str()),
        ("PortSecretArn", secret.as_str()),
        ("PortClientId", ""),
        ("PortClientSecret", ""),
        ("DefaultResources", "all"),
    ];
    let stack = deploy_functions(&organization, &parameters).await;
    organization.clear_calls().await;
    let world = start(organization, &stack, &[]).await;
    run_through_everything(&world).await;
    let calls = world.organization.calls().await;
    let own: Vec<AwsCall> = calls.into_iter().filter(|call| call.account.as_ref() == Some(&account)).collect();
    let requests = by_role(&own);
    assert_exact_for_function(stack.output("SchedulerRoleArn"), &requests).await;
    assert_exact_for_function(stack.output("WorkerRoleArn"), &requests).await;
}

/// Whatever the parameters, the policies are those that the runs above have shown to be right, and rights of AWS itself.
#[tokio::test]
async fn no_variation_grants_what_none_of_the_runs_has_shown() {
    let actions_of = async |stack: &Stack, role: &str| {
        let statements =
            statements_of(Aws::shared().await, &stack.account, &stack.region, &stack.physical_id(role)).await;
        let allowed = statements.into_iter().filter(|statement| statement.allows);
        allowed.flat_map(|statement| statement.actions).collect::<BTreeSet<String>>()
    };
    let mut shown: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for name in ["organization", "own account", "list"] {
        let stack = Variation::named(name).deploy().await;
        for role in ["SchedulerRole", "WorkerRole"] {
            shown.entry(role).or_default().extend(actions_of(&stack, role).await);
        }
    }
    for variation in variations() {
        let stack = variation.deploy().await;
        for role in ["SchedulerRole", "WorkerRole"] {
            let actions = actions_of(&stack, role).await;
            let by_aws = BY_AWS.iter().map(|(action, _)| (*action).to_owned()).collect();
            let further: BTreeSet<_> = actions.difference(&shown[role]).cloned().collect();
            let further: Vec<_> = further.difference(&by_aws).collect();
            assert!(further.is_empty(), "{}: {role}: {further:?}", variation.name);
        }
    }
}

/// `ReadOnlyAccess` takes the place of the list of actions, without its rights to read data.
#[test]
fn the_wide_permissions_are_without_data() {
    for path in ["cloudformation/read-role.yaml", "cloudformation/read-role-oidc.yaml"] {
        let template = expand(path, REGION, "bucket", &[]);
        let text = template["Resources"]["ReadRole"]["Properties"]["Policies"].to_string();
        for action in portolan::aws::DATA_AND_SECRETS {
            assert!(text.contains(&format!("\"{action}\"")), "{path} does not deny {action}");
        }
    }
}

/// A policy for roles that are made by other means is the same as the template's.
#[tokio::test]
async fn the_policy_in_a_file_is_the_one_in_the_role() {
    let organization = Organization::create(Aws::shared().await, OrganizationPlan::new().without_read_roles()).await;
    deploy_read_roles(&organization, &[]).await;
    let account = organization.integration_account();
    let in_file: Value = serde_json::from_str(&super::read("cloudformation/read-policy.json")).expect("JSON");
    let actions = |statements: Vec<Statement>| {
        statements.into_iter().flat_map(|statement| statement.actions).collect::<BTreeSet<_>>()
    };
    let in_role = statements_of(organization.aws(), account, REGION, READ_ROLE).await;
    assert_eq!(actions(statements_in("read-policy.json", &in_file)), actions(in_role));
}
