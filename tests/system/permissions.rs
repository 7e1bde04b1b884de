//! Least privilege: what a run may do, and what it does, as its calls show.

use std::collections::{BTreeMap, BTreeSet};

use portolan::aws::{AwsReader, Identities};
use portolan::config::{AccountSettings, AccountSource};
use portolan::kinds::KINDS;
use portolan::seams::Cloud;
use portolan::target::Target;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::run_plan::plan_over;
use crate::support::aws::{Aws, AwsCall, Organization, OrganizationPlan};
use crate::support::world::{World, all_kinds_mapping};

/// Calls that IAM knows by another name than the API. All others have the same name in both.
const OTHER_NAMES: [(&str, &str); 6] = [
    ("s3:HeadObject", "s3:GetObject"),
    ("s3:ListBuckets", "s3:ListAllMyBuckets"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("sqs:SendMessageBatch", "sqs:SendMessage"),
];

/// Every action of these kinds tells of resources; none of them gives what lies in them.
const FIRST_WORDS_THAT_ONLY_LOOK: [&str; 4] = ["BatchGet", "Describe", "Get", "List"];
const ACTIONS_THAT_READ_DATA: [&str; 6] = [
    "s3:GetObject",
    "s3:ListBucket",
    "sqs:ReceiveMessage",
    "lambda:GetFunction",
    "ec2:GetConsoleOutput",
    "ec2:GetPasswordData",
];

/// What the functions do as themselves.
const OWN_CALLS: [&str; 10] = [
    "s3:DeleteObject",
    "s3:GetObject",
    "s3:ListObjectsV2",
    "s3:PutObject",
    "secretsmanager:GetSecretValue",
    "sqs:ChangeMessageVisibility",
    "sqs:SendMessage",
    "sqs:SendMessageBatch",
    "sts:AssumeRole",
    "sts:GetCallerIdentity",
];

#[tokio::test]
async fn a_run_needs_what_it_asks_for_and_asks_for_no_more() {
    let plan = OrganizationPlan::new().member("alpha", "").regions(&["eu-west-1"]);
    let world = World::create_with(plan, &[]).await;
    world.set_mapping(mapping_with_all_options());
    let organization = &world.organization;
    // Without a role in it, every call of the functions' own account is one that they make as themselves.
    organization.remove_read_role(organization.integration_account()).await;
    let alpha = organization.place("alpha", "eu-west-1");
    alpha.create_bucket("logs", &[("team", "sea")]).await;
    alpha.run_instance(&[]).await;
    alpha.create_ecs_cluster("main", &[]).await;
    alpha.create_topic("alerts", &[]).await;
    alpha.create_queue("jobs", &[]).await;
    alpha.create_function("resize", &[]).await;

    world.clear_calls().await;
    let answer = world.schedule(json!({})).await.expect("a run");
    let of_scheduler = organization.calls().await;
    world.clear_calls().await;
    world.pump().run().await;
    let of_worker = organization.calls().await;
    let summary = world.summary(&answer).await;
    assert_eq!(summary["mappingProblems"], Value::Null, "{summary:#}");
    let mapped = world_kinds().len();
    assert_eq!(summary["kinds"].as_object().map(|kinds| kinds.len()), Some(mapped), "{summary:#}");

    let own_account = organization.integration_account();
    only_own_calls(organization, &of_scheduler);
    only_own_calls(organization, &of_worker);
    for call in of_scheduler.iter().chain(&of_worker).filter(|call| call.operation == "AssumeRole") {
        assert_eq!(call.account.as_deref(), Some(own_account), "no role is assumed from another");
        assert!(call.parameters["Policy"].is_string(), "the session of {call:?} is not narrowed");
        assert_eq!(call.parameters["ExternalId"], organization.external_id());
    }

    // The scheduler's sessions: each does what its own policy allows, and nothing of a policy is left over.
    let allowed = allowed_in(&of_scheduler);
    let units = ["organizations:ListAccountsForParent", "organizations:ListOrganizationalUnitsForParent"];
    let standing = ["organizations:DescribeAccount", "organizations:ListParents"];
    let left_over: BTreeSet<_> = allowed.difference(&made_with_roles(own_account, &of_scheduler)).cloned().collect();
    // For configured units, and for accounts that are missing: this organization has neither.
    assert_eq!(left_over, units.into_iter().chain(standing).map(str::to_owned).collect());
    assert!(made_with_roles(own_account, &of_scheduler).is_subset(&allowed));

    // The worker's: one and the same policy for all, which is exactly what was called.
    let policies: BTreeSet<_> = of_worker.iter().filter_map(|call| call.parameters["Policy"].as_str()).collect();
    assert_eq!(policies.len(), 1, "{policies:?}");
    let allowed = allowed_in(&of_worker);
    assert_eq!(made_with_roles(own_account, &of_worker), allowed);
    for action in &allowed {
        let (_, name) = action.split_once(':').unwrap_or_default();
        assert!(FIRST_WORDS_THAT_ONLY_LOOK.iter().any(|word| name.starts_with(word)), "{action}");
        assert!(!ACTIONS_THAT_READ_DATA.contains(&action.as_str()) && !action.contains('*'), "{action}");
    }
}

/// Everything that kinds may ask for, whatever a mapping says: the policy of the read role is made of this.
#[test]
fn no_kind_asks_for_more_than_a_look() {
    for kind in KINDS {
        let optional = kind.include_actions.iter().flat_map(|action| action.iam_actions);
        for action in kind.iam_actions.iter().chain(optional) {
            let (_, name) = action.split_once(':').unwrap_or_default();
            assert!(FIRST_WORDS_THAT_ONLY_LOOK.iter().any(|word| name.starts_with(word)), "{action} of {}", kind.name);
            assert!(!ACTIONS_THAT_READ_DATA.contains(action), "{action} of {}", kind.name);
        }
    }
}

/// Read as ourselves, our own resources would stand in Port as those of another account.
#[tokio::test]
async fn a_target_that_the_plan_has_no_role_for_is_not_read_as_ourselves() {
    let organization = Organization::create(Aws::shared().await, OrganizationPlan::new().member("alpha", "")).await;
    let settings = AccountSettings {
        source: AccountSource::SingleAccount,
        excluded: BTreeSet::new(),
        external_id: None,
        partition: "aws".to_owned(),
        member_role: "PortOceanReadRole".to_owned(),
        web_identity_token_file: None,
    };
    let reader = AwsReader::new(std::sync::Arc::new(Identities::new(organization.sdk_config(), &settings, &[])));
    let plan = plan_over(OffsetDateTime::now_utc(), BTreeMap::new());
    let account = organization.account("alpha").parse().expect("an account number");
    for target in [Target::Global { account }, Target::Organization] {
        let error = reader.enter(&plan, &target).await.expect_err("the plan has no such account").to_string();
        assert!(error.contains(organization.account("alpha")) || error.contains("management role"), "{error}");
    }
    assert!(organization.call_counts().await.is_empty());
}

/// The mapping of all kinds with every option; an entry may ask for three, so that a kind with more has several
/// entries.
fn mapping_with_all_options() -> Value {
    let mut mapping = all_kinds_mapping();
    let mut entries = Vec::new();
    for entry in mapping["resources"].as_array().expect("a list of entries") {
        let kind = KINDS.iter().find(|kind| entry["kind"] == kind.name).expect("a kind");
        let options: Vec<_> = kind.include_actions.iter().map(|action| action.name).collect();
        let portions = options.chunks(3).map(<[_]>::to_vec);
        for portion in if options.is_empty() { vec![Vec::new()] } else { portions.collect() } {
            let mut entry = entry.clone();
            entry["selector"]["includeActions"] = json!(portion);
            entries.push(entry);
        }
    }
    mapping["resources"] = json!(entries);
    mapping
}

/// Whatever the functions do as themselves concerns what was set up for them.
fn only_own_calls(organization: &Organization<'_>, calls: &[AwsCall]) {
    let own = calls.iter().filter(|call| call.account.as_deref() == Some(organization.integration_account()));
    for call in own {
        assert!(OWN_CALLS.contains(&call.name().as_str()), "{call:?}");
        assert_eq!(call.region, organization.home_region(), "{call:?}");
        let bucket = call.path.trim_start_matches('/').split('/').next();
        assert!(call.service != "s3" || bucket == Some(organization.state_bucket()), "{call:?}");
    }
}

/// The IAM names of all calls that were made with an assumed role.
fn made_with_roles(own_account: &str, calls: &[AwsCall]) -> BTreeSet<String> {
    let made = calls.iter().filter(|call| call.account.as_deref() != Some(own_account));
    made.map(|call| iam_action_of(&call.name())).collect()
}

/// What IAM calls an operation of an API.
pub fn iam_action_of(call: &str) -> String {
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == call);
    other.map_or(call, |(_, action)| *action).to_owned()
}

/// The kinds that the world's mapping has.
fn world_kinds() -> BTreeSet<String> {
    let mapping = all_kinds_mapping();
    let entries = mapping["resources"].as_array().expect("a list of entries");
    entries.iter().filter_map(|entry| entry["kind"].as_str()).map(str::to_owned).collect()
}

/// What the session policies of all assumed roles allow.
fn allowed_in(calls: &[AwsCall]) -> BTreeSet<String> {
    let mut allowed = BTreeSet::new();
    for policy in calls.iter().filter_map(|call| call.parameters["Policy"].as_str()) {
        let policy: Value = serde_json::from_str(policy).expect("a policy is JSON");
        for statement in policy["Statement"].as_array().expect("a list of statements") {
            assert_eq!((&statement["Effect"], &statement["Resource"]), (&json!("Allow"), &json!("*")), "{policy}");
            let actions = &statement["Action"];
            let actions = actions.as_array().cloned().unwrap_or_else(|| vec![actions.clone()]);
            allowed.extend(actions.iter().filter_map(Value::as_str).map(str::to_owned));
        }
    }
    allowed
}
