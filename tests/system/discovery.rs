//! Which accounts and regions a run finds, and what it says of those that it cannot enter.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use portolan::aws::{Identities, Inaccessible, KnownQuota, Quota, RoleArn, USUAL};
use portolan::config::{AccountSettings, AccountSource};
use portolan::run::{FoundBy, Narrowing};
use portolan::schedule::organizations::{Organizations, Patience};
use portolan::schedule::{Discovery, DiscoveryError, discover};
use portolan::seams::Standing;
use serde_json::{Value, json};

use crate::support::aws::{Aws, OidcIssuer, Organization, OrganizationPlan, STS_AUDIENCE};
use crate::support::world::{World, all_kinds_mapping};

const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];
const ROLE_ARN: &str = "OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN";
const EXCLUDED: &str = "PORTOLAN_EXCLUDED_ACCOUNTS";

#[tokio::test]
async fn a_whole_organization_of_several_pages_without_its_closed_account() {
    let plan = (0..22).fold(OrganizationPlan::new().regions(&REGIONS), |plan, number| {
        plan.member(&format!("member-{number}"), "Many")
    });
    let organization = Organization::create(Aws::shared().await, plan).await;
    organization.close_account(organization.account("member-7")).await;

    let found = find(&organization, &settings(&organization)).await.expect("an organization");
    // 22 members, the management account and the one that the functions run in, but for one.
    assert_eq!(found.accounts.len(), 23);
    assert!(found.inaccessible.is_empty() && !names(&found).contains(&"member-7".to_owned()));
    assert_eq!(organization.call_counts().await["organizations:ListAccounts"], 2);
    let alpha = &found.accounts[&organization.account("member-1").parse().expect("an account")];
    assert_eq!(alpha.name, "member-1");
    assert_eq!(alpha.role.as_deref(), Some(organization.read_role_arn(organization.account("member-1")).as_str()));
    assert_eq!(alpha.enabled_regions, REGIONS);
    assert_eq!(alpha.disabled_regions, ["af-south-1", "ap-east-1", "me-central-1"]);
    assert!(matches!(found.strategy.found_by, FoundBy::Organization { .. }));
}

#[tokio::test]
async fn the_state_counts_and_the_status_only_without_it() {
    let organization = small_organization().await;
    let [alpha, beta, gamma] = ["alpha", "beta", "gamma"].map(|name| organization.account(name).to_owned());
    let list = json!({"Accounts": [
        {"Id": alpha, "Name": "alpha", "State": "ACTIVE", "Status": "SUSPENDED"},
        {"Id": beta, "Name": "beta", "State": "PENDING_CLOSURE", "Status": "ACTIVE"},
        {"Id": gamma, "Status": "ACTIVE"},
        {"Id": organization.integration_account(), "Name": "integration", "Status": "PENDING_CLOSURE"},
        {"Id": organization.management_account(), "Name": "management"},
    ]});
    answer_of_management(&organization, "ListAccounts", &list.to_string()).await;
    let found = find(&organization, &settings(&organization)).await.expect("an organization");
    assert_eq!(names(&found), [format!("Account {gamma}"), "alpha".to_owned()]);
    let reasons: BTreeSet<&str> = found.inaccessible.values().map(|account| account.reason.as_str()).collect();
    let reported = |state: &str| format!("AWS Organizations reports it as {state}");
    let expected = ["PENDING_CLOSURE", "an account without a state"].map(reported);
    assert_eq!(reasons, expected.iter().map(String::as_str).collect());
    assert_eq!(found.inaccessible.len(), 3);
}

/// Nobody can enter them: those of the first two states have nothing, and of the others everything may still be there.
#[tokio::test]
async fn accounts_that_are_not_active_are_told_apart() {
    let organization = small_organization().await;
    let alpha = organization.account("alpha");
    for (state, is_listed) in [("CLOSED", false), ("PENDING_ACTIVATION", false), ("SUSPENDED", true), ("LOST", true)] {
        organization.set_account_state(alpha, state).await;
        let found = find(&organization, &settings(&organization)).await.expect("the others");
        assert!(!names(&found).contains(&"alpha".to_owned()), "{state}");
        let inaccessible = found.inaccessible.values().find(|account| account.account.as_str() == alpha);
        assert_eq!(inaccessible.is_some(), is_listed, "{state}");
        assert!(inaccessible.is_none_or(|account| account.reason.ends_with(state)), "{inaccessible:?}");
    }
    let entered = organization.call_counts().await["sts:AssumeRole"];
    // For each state: the management role for the list, and then all but one account.
    assert_eq!(entered, 4 * organization.accounts().len());
}

#[tokio::test]
async fn units_are_walked_to_their_leaves_and_overlapping_ones_once() {
    let plan = OrganizationPlan::new()
        .regions(&REGIONS)
        .member("top", "Workloads")
        .member("deep", "Workloads/Production/Europe")
        .member("wide", "Workloads/Test")
        .member("sand", "Sandbox")
        .member("outside", "");
    let organization = Organization::create(Aws::shared().await, plan).await;
    let unit = |path: &str| organization.organizational_unit(path).to_owned();
    for (units, expected) in [
        (vec![unit("Workloads")], vec!["deep", "top", "wide"]),
        (vec![unit("Workloads/Production"), unit("Sandbox")], vec!["deep", "sand"]),
        (vec![unit("Workloads"), unit("Workloads/Production"), unit("Workloads/Test")], vec!["deep", "top", "wide"]),
    ] {
        organization.clear_calls().await;
        let settings = settings_of_units(&organization, &units);
        let found = find(&organization, &settings).await.expect("units with accounts");
        assert_eq!(names(&found), expected);
        let calls = organization.call_counts().await;
        let walked = if expected.len() == 3 { 4 } else { 3 };
        assert_eq!(calls["organizations:ListAccountsForParent"], walked, "{units:?}: each unit once");
        assert!(!calls.contains_key("organizations:ListAccounts"));
    }

    organization.close_account(organization.account("sand")).await;
    let error = find(&organization, &settings_of_units(&organization, &[unit("Sandbox")])).await.err();
    assert!(matches!(error, Some(DiscoveryError::NoAccounts)), "{error:?}");

    let unknown = settings_of_units(&organization, &["ou-0000-00000000".to_owned()]);
    let error = find(&organization, &unknown).await.err().expect("there is no such unit");
    assert!(matches!(error, DiscoveryError::Organization(_)), "{error}");
}

#[tokio::test]
async fn a_list_of_roles_is_what_it_names() {
    let organization = small_organization().await;
    let [alpha, beta] = ["alpha", "beta"].map(|name| organization.account(name));
    let settings = settings_of_roles(&organization, &[alpha, beta]);
    let found = find(&organization, &settings).await.expect("two roles");
    assert_eq!(found.strategy.found_by, FoundBy::RoleList);
    let mut expected = [format!("Account {alpha}"), format!("Account {beta}")];
    expected.sort();
    assert_eq!(names(&found), expected);
    assert!(organization.call_counts().await.keys().all(|name| !name.starts_with("organizations:")));
}

/// Without any role the functions read the account that they run in, as themselves.
#[tokio::test]
async fn without_a_role_the_functions_read_their_own_account() {
    let plan = OrganizationPlan::new().regions(&["us-east-1"]);
    let world = World::create_with(plan, &[(ROLE_ARN, "")]).await;
    let own = world.organization.place("integration", "us-east-1");
    let topic = own.create_topic("alerts", &[]).await;
    let resync = world.resync().await;
    assert_eq!(resync.summary["outcome"], "completed-with-problems", "{:#}", resync.summary);
    assert_eq!(world.catalog()["awsAccount"], [world.organization.integration_account()]);
    assert_eq!(world.catalog()["snsTopic"], [topic]);
    let problems = resync.summary["mappingProblems"].to_string();
    assert!(problems.contains("AWS::Organizations::Account") && problems.contains(ROLE_ARN), "{problems}");
    assert!(!world.organization.call_counts().await.contains_key("sts:AssumeRole"));
}

#[tokio::test]
async fn roles_are_assumed_with_a_web_identity_where_there_is_one() {
    let organization = small_organization().await;
    let issuer = OidcIssuer::of_cluster("DISCOVERY");
    issuer.trust_in_all_accounts(&organization, STS_AUDIENCE, "system:serviceaccount:portolan:portolan").await;
    let token = issuer.token(STS_AUDIENCE, "system:serviceaccount:portolan:portolan");
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), format!("{token}\n")).expect("the file can be written");
    let mut settings = settings(&organization);
    settings.web_identity_token_file = Some(file.path().to_string_lossy().into_owned());
    let found = find(&organization, &settings).await.expect("the token is good for every role");
    assert_eq!(found.accounts.len(), organization.accounts().len());
    let calls = organization.calls().await;
    let assumed: Vec<_> = calls.iter().filter(|call| call.operation.starts_with("AssumeRole")).collect();
    assert!(assumed.iter().all(|call| call.operation == "AssumeRoleWithWebIdentity"), "{assumed:?}");
    assert!(assumed.iter().all(|call| call.parameters["Policy"].is_string()), "{assumed:?}");

    settings.web_identity_token_file = Some("/no/such/file".to_owned());
    let error = find(&organization, &settings).await.err().expect("there is no token").to_string();
    assert!(error.contains("/no/such/file") && error.contains("AWS_WEB_IDENTITY_TOKEN_FILE"), "{error}");
}

#[tokio::test]
async fn a_wrong_external_id_is_said_for_every_account() {
    let organization = small_organization().await;
    let accounts = ["alpha", "beta", "gamma"].map(|name| organization.account(name));
    let mut settings = settings_of_roles(&organization, &accounts);
    settings.external_id = Some("another".to_owned());
    let error = find(&organization, &settings).await.err().expect("no role can be assumed");
    assert!(matches!(error, DiscoveryError::NoneAccessible { count: 3, .. }), "{error}");
    let words = error.to_string();
    for part in ["unable to assume role arn:aws:iam::", "access denied", "external id", "trust policy"] {
        assert!(words.contains(part), "`{words}` should name {part}");
    }

    settings = self::settings(&organization);
    settings.external_id = None;
    let error = find(&organization, &settings).await.err().expect("the management role cannot be assumed");
    assert!(matches!(error, DiscoveryError::ManagementRole { .. }), "{error}");
    assert!(error.to_string().contains("external id"), "{error}");
}

#[tokio::test]
async fn regions_of_several_pages_by_their_status() {
    let organization = small_organization().await;
    let alpha = organization.account("alpha");
    let regions = [
        ("us-east-1", "ENABLED_BY_DEFAULT"),
        ("eu-west-1", "ENABLED"),
        ("me-central-1", "DISABLED"),
        ("ap-east-1", "ENABLING"),
        ("af-south-1", "DISABLING"),
    ];
    organization.aws().set_regions(alpha, &regions).await;
    organization.aws().set_page_size(Some(alpha), "account:ListRegions", 2).await;
    let found = find(&organization, &settings_of_roles(&organization, &[alpha])).await.expect("one account");
    let planned = found.accounts.values().next().expect("one account");
    assert_eq!(planned.enabled_regions, ["eu-west-1", "us-east-1"]);
    // What is on its way is neither read nor evidence of anything.
    assert_eq!(planned.disabled_regions, ["me-central-1"]);
    assert_eq!(organization.call_counts().await["account:ListRegions"], 3);
}

#[tokio::test]
async fn promise_3_an_account_that_cannot_be_entered_is_told_and_the_others_go_on() {
    let organization = small_organization().await;
    let [alpha, beta] = ["alpha", "beta"].map(|name| organization.account(name));
    let denied = json!({"status": 403, "code": "AccessDeniedException"});
    fault(&organization, json!({"account": alpha, "service": "account", "operation": "ListRegions", "effect": denied}))
        .await;
    organization.remove_read_role(beta).await;
    let found = find(&organization, &settings(&organization)).await.expect("the others");
    assert_eq!(names(&found), ["gamma", "integration", "master"]);
    assert_eq!(found.inaccessible.len(), 2);
    let of_alpha = &found.inaccessible[&alpha.parse().expect("an account")];
    assert!(of_alpha.name == "alpha" && of_alpha.reason.contains("its regions could not be listed: access denied"));
    assert!(of_alpha.check.contains("account:ListRegions"), "{}", of_alpha.check);
    let of_beta = &found.inaccessible[&beta.parse().expect("an account")];
    assert!(of_beta.reason.contains(&organization.read_role_arn(beta)), "{}", of_beta.reason);
    assert!(of_beta.check.contains("StackSet"), "{}", of_beta.check);
}

/// Nobody is to look at policies because AWS was busy.
#[tokio::test]
async fn throttling_is_told_apart_from_denial() {
    let organization = small_organization().await;
    let [alpha, beta] = ["alpha", "beta"].map(|name| organization.account(name));
    let throttled = json!({"status": 400, "code": "Throttling"});
    let of_alpha = json!({"operation": "AssumeRole", "resource": format!("::{alpha}:role"), "effect": throttled});
    fault(&organization, with_account(of_alpha, organization.integration_account())).await;
    let busy = json!({"status": 429, "code": "TooManyRequestsException"});
    fault(&organization, json!({"account": beta, "operation": "ListRegions", "effect": busy})).await;
    let found = find(&organization, &settings(&organization)).await.expect("the others");
    assert_eq!(found.inaccessible.len(), 2);
    for inaccessible in found.inaccessible.values() {
        assert!(inaccessible.reason.contains("throttled: "), "{inaccessible:?}");
        assert_eq!(inaccessible.check, "nothing: the next run tries again");
    }
}

#[tokio::test]
async fn credentials_of_another_account_are_not_used() {
    let organization = small_organization().await;
    let [alpha, beta] = ["alpha", "beta"].map(|name| organization.account(name));
    let body = format!(
        r#"<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
        <AssumedRoleUser><Arn>arn:aws:sts::{beta}:assumed-role/PortOceanReadRole/x</Arn><AssumedRoleId>A:x</AssumedRoleId></AssumedRoleUser>
        <Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>S</SecretAccessKey><SessionToken>T</SessionToken>
        <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"#
    );
    let effect = json!({"status": 200, "body": body});
    fault(
        &organization,
        with_account(json!({"operation": "AssumeRole", "effect": effect}), organization.integration_account()),
    )
    .await;
    let role = RoleArn::parse(&organization.read_role_arn(alpha)).expect("a role");
    let error = identities(&organization, &settings(&organization)).assume(&role, None).await.err();
    let Some(Inaccessible::WrongAccount { role, given }) = error else { panic!("{error:?}") };
    assert!(role.contains(alpha) && given.contains(beta));
}

/// A member that has not opted into the functions' own region refuses its STS; the partition's default region is asked
/// then.
#[tokio::test]
async fn a_role_behind_a_disabled_region_is_assumed_in_the_default_one() {
    let plan = OrganizationPlan::new().member("alpha", "").regions(&REGIONS).home_region("eu-west-1");
    let organization = Organization::create(Aws::shared().await, plan).await;
    let effect = json!({"status": 403, "code": "RegionDisabledException"});
    let disabled = json!({"operation": "AssumeRole", "region": "eu-west-1", "effect": effect});
    fault(&organization, with_account(disabled, organization.integration_account())).await;
    let found = find(&organization, &settings(&organization)).await.expect("us-east-1 always works");
    assert!(found.inaccessible.is_empty());
}

#[tokio::test]
async fn a_delegated_administrator_sees_the_organization_too() {
    let organization = small_organization().await;
    let alpha = organization.account("alpha");
    let order = json!({"AccountId": alpha, "ServicePrincipal": "guardduty.amazonaws.com"});
    organization
        .place("management", "us-east-1")
        .call("organizations", "register_delegated_administrator", order)
        .await;
    let mut settings = settings(&organization);
    let management_role = RoleArn::parse(&organization.read_role_arn(alpha)).expect("a role");
    settings.source = AccountSource::Organization { management_role, organizational_units: BTreeSet::new() };
    let found = find(&organization, &settings).await.expect("a delegated administrator may");
    assert_eq!(found.accounts.len(), organization.accounts().len());
}

/// What the next run goes by before anything of a missing account is deleted.
#[tokio::test]
async fn an_account_is_gone_only_on_good_evidence() {
    let plan = ["closed", "removed", "moved", "inside"]
        .iter()
        .fold(OrganizationPlan::new(), |plan, name| plan.member(name, "Workloads/Production"));
    let organization = Organization::create(Aws::shared().await, plan.member("outside", "Sandbox")).await;
    organization.close_account(organization.account("closed")).await;
    organization.remove_account(organization.account("removed")).await;
    organization.move_account(organization.account("moved"), "Sandbox").await;
    let settings = settings_of_units(&organization, &[organization.organizational_unit("Workloads").to_owned()]);
    let AccountSource::Organization { management_role, organizational_units } = &settings.source else {
        panic!("an organization")
    };
    let clients = identities(&organization, &settings).assume(management_role, None).await.expect("the role is there");
    let client = clients.get("us-east-1", aws_sdk_organizations::Client::new);
    let standing_of = async |name: &str| {
        let account = organization.account(name).parse().expect("an account number");
        let organizations = Organizations::new(client.clone(), Patience::lasting(Duration::ZERO));
        organizations.standing(&account, management_role.account(), organizational_units).await
    };
    for (name, evidence) in
        [("closed", "CLOSED"), ("removed", "no longer a member"), ("moved", "every configured organizational unit")]
    {
        let standing = standing_of(name).await;
        assert!(matches!(&standing, Standing::Gone { evidence: found } if found.contains(evidence)), "{standing:?}");
    }
    assert_eq!(standing_of("inside").await, Standing::Present);
    for state in ["SUSPENDED", "PENDING_CLOSURE", "PENDING_ACTIVATION"] {
        organization.set_account_state(organization.account("inside"), state).await;
        assert_eq!(standing_of("inside").await, Standing::Present, "{state}");
    }
    let without_state = json!({"Account": {"Id": organization.account("inside"), "Status": "SUSPENDED"}});
    answer_of_management(&organization, "DescribeAccount", &without_state.to_string()).await;
    assert_eq!(standing_of("inside").await, Standing::Present, "the status says too little");

    // As AWS answers somebody who is in no organization any more.
    let unknown =
        json!({"operation": "DescribeAccount", "effect": {"status": 400, "code": "AccountNotFoundException"}});
    let unknown = with_account(unknown, organization.management_account());
    let unknown = organization.aws().fault(unknown).await;
    let standing = standing_of("removed").await;
    assert!(matches!(&standing, Standing::Unknown { reason } if reason.contains("DescribeAccount")), "{standing:?}");
    organization.aws().remove_fault(unknown).await;

    let denied = json!({"operation": "ListParents", "effect": {"status": 400, "code": "AccessDeniedException"}});
    fault(&organization, with_account(denied, organization.management_account())).await;
    let standing = standing_of("moved").await;
    assert!(matches!(&standing, Standing::Unknown { reason } if reason.contains("ListParents")), "{standing:?}");
}

/// Its organization's record is information about the organization, and stays.
#[tokio::test]
async fn an_excluded_account_is_not_entered_and_goes_when_a_person_confirms() {
    let plan = ["alpha", "beta", "gamma"].iter().fold(OrganizationPlan::new(), |plan, name| plan.member(name, ""));
    let mut world = World::create(plan.regions(&["us-east-1"])).await;
    let alpha = world.organization.account("alpha").to_owned();
    let topics = [
        world.organization.place("alpha", "us-east-1").create_topic("alerts", &[]).await,
        world.organization.place("beta", "us-east-1").create_topic("alerts", &[]).await,
    ];
    let is_of_alpha = |catalog: &BTreeMap<String, Vec<String>>| catalog["snsTopic"].contains(&topics[0]);
    world.resync().await;
    let whole = world.catalog();
    assert!(is_of_alpha(&whole) && whole["snsTopic"].len() == 2, "{whole:?}");
    let organization_accounts = whole["organizationsAccount"].clone();

    world.redeploy(&[(EXCLUDED, &alpha)]).await;
    world.clear_calls().await;
    let held_back = world.resync().await;
    assert_eq!(held_back.summary["inaccessibleAccounts"], json!([]), "{:#}", held_back.summary);
    assert!(!assumed_accounts(&world).await.contains(&alpha));
    assert_eq!(world.catalog(), whole, "nothing goes before a person has looked at it");
    let words = held_back.summary["deletions"]["heldBack"].to_string();
    for part in [alpha.as_str(), "was changed", "confirm", held_back.answer["run"].as_str().expect("a run")] {
        assert!(words.contains(part), "{words} should name {part}");
    }
    assert_eq!(held_back.summary["accounts"], 4);
    // Whatever the number of runs.
    world.resync_by(json!({"mode": "full"})).await;
    let held_back = world.resync().await;
    assert_eq!(world.catalog(), whole);

    let confirmed = world.resync_by(json!({"confirm": held_back.answer["run"]})).await;
    assert_eq!(confirmed.summary["outcome"], "completed", "{:#}", confirmed.summary);
    let without = world.catalog();
    assert_eq!(without["snsTopic"], [topics[1].clone()]);
    assert!(!without["awsAccount"].contains(&alpha));
    assert_eq!(without["organizationsAccount"], organization_accounts);
    assert!(journal(&world).await.contains(EXCLUDED), "the journal says why");
    assert!(!assumed_accounts(&world).await.contains(&alpha));
    let next = world.resync().await;
    assert_eq!((&next.summary["outcome"], world.catalog()), (&json!("completed"), without));

    world.redeploy(&[]).await;
    let back = world.resync().await;
    assert_eq!(back.summary["outcome"], "completed", "{:#}", back.summary);
    assert_eq!(world.catalog(), whole);
}

#[tokio::test]
async fn where_every_account_is_excluded_nothing_is_changed() {
    let mut world = World::create(OrganizationPlan::new().member("alpha", "").regions(&["us-east-1"])).await;
    world.resync().await;
    let (catalog, keys) = (world.catalog(), world.organization.state_keys("").await);
    let all: Vec<&str> = world.organization.accounts().values().map(String::as_str).collect();
    let all = all.join(", ");
    world.redeploy(&[(EXCLUDED, &all)]).await;
    world.clear_calls().await;
    let failure = format!("{:?}", world.schedule(json!({})).await.expect_err("there are no accounts to read"));
    assert!(failure.contains("no active account") && failure.contains(EXCLUDED), "{failure}");
    assert_eq!(world.writes_to_port(), 0);
    assert_eq!((world.catalog(), world.organization.state_keys("").await), (catalog, keys));
    // The management role lists the organization, whether or not its own account is read.
    let management = world.organization.management_account();
    assert_eq!(assumed_accounts(&world).await, BTreeSet::from([management.to_owned()]));
}

#[tokio::test]
async fn an_excluded_account_of_a_list_of_roles_is_not_entered() {
    let organization = small_organization().await;
    let [alpha, beta] = ["alpha", "beta"].map(|name| organization.account(name));
    let mut settings = settings_of_roles(&organization, &[alpha, beta]);
    settings.excluded.insert(alpha.parse().expect("an account number"));
    let found = find(&organization, &settings).await.expect("the other role");
    assert_eq!(names(&found), [format!("Account {beta}")]);
    assert!(found.inaccessible.is_empty());
    assert_eq!(found.strategy.excluded_accounts, settings.excluded);
    assert_eq!(organization.call_counts().await["sts:AssumeRole"], 1);
}

/// What the reasons for all deletions say.
async fn journal(world: &World) -> String {
    let mut journal = String::new();
    for key in world.organization.state_keys("runs/").await {
        if key.contains("/journal/") {
            let chunk = world.organization.read_state(&key).await.unwrap_or_default();
            journal.push_str(&String::from_utf8_lossy(&chunk));
        }
    }
    journal
}

/// The accounts whose roles were assumed since the calls were cleared.
async fn assumed_accounts(world: &World) -> BTreeSet<String> {
    let calls = world.organization.calls().await;
    let roles = calls.iter().filter_map(|call| call.parameters["RoleArn"].as_str());
    roles.filter_map(|role| role.split(':').nth(4).map(str::to_owned)).collect()
}

/// Accounts in units of three levels, with several pages of them.
async fn nested_organization() -> Organization<'static> {
    let paths = ["Workloads", "Workloads/Production", "Workloads/Production/Europe", "Workloads/Test"];
    let plan = (0..24).fold(OrganizationPlan::new().regions(&REGIONS), |plan, number| {
        plan.member(&format!("member-{number}"), paths[number % paths.len()])
    });
    Organization::create(Aws::shared().await, plan).await
}

/// Long enough for any test; what is waited for comes after milliseconds.
const LONG: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn promise_1_a_walk_that_is_throttled_for_a_while_finds_the_same_accounts() {
    let organization = nested_organization().await;
    let units = [organization.organizational_unit("Workloads").to_owned()];
    let throttled = json!({"status": 400, "code": "TooManyRequestsException"});
    for (settings, operations) in [
        (settings(&organization), ["ListAccounts"].as_slice()),
        (
            settings_of_units(&organization, &units),
            ["ListAccountsForParent", "ListOrganizationalUnitsForParent"].as_slice(),
        ),
    ] {
        let expected = find(&organization, &settings).await.expect("nothing is throttled yet").accounts;
        for operation in operations {
            organization.clear_calls().await;
            let order = json!({"operation": operation, "times": 10, "effect": throttled});
            fault(&organization, with_account(order, organization.management_account())).await;
            let found = find_within(&organization, &settings, LONG).await.expect("throttled for a while");
            assert_eq!(found.accounts, expected, "{operation}");
            let calls = organization.calls().await;
            let refused = calls.iter().filter(|call| call.error_code.as_deref() == Some("TooManyRequestsException"));
            assert_eq!(refused.count(), 10, "{operation}");
        }
    }
}

#[tokio::test]
async fn an_organization_that_goes_on_throttling_ends_the_run_before_anything_is_written() {
    let plan = OrganizationPlan::new().member("alpha", "").regions(&["us-east-1"]);
    let mut world = World::create(plan).await;
    // An invocation that has just the time for what follows the accounts, and none for waiting.
    world.restart_scheduler(Duration::from_secs(5 * 60)).await;
    let keys = world.organization.state_keys("").await;
    let management = world.organization.management_account().to_owned();
    let throttled = json!({"status": 400, "code": "TooManyRequestsException"});
    world.aws_fault(&management, "organizations", "ListAccounts", throttled).await;
    let failure = format!("{:?}", world.schedule(json!({})).await.expect_err("there are no accounts to read"));
    for part in
        ["AWS Organizations throttled", "organizations:ListAccounts", "TooManyRequestsException", "did not start"]
    {
        assert!(failure.contains(part), "{failure} should name {part}");
    }
    assert_eq!(world.organization.state_keys("").await, keys);
    assert_eq!(world.writes_to_port(), 0);
    assert_eq!(world.pump().run().await.invocations(), 0);
}

/// What is behind a page that comes again would look as if it were gone.
#[tokio::test]
async fn promise_1_a_listing_that_goes_in_circles_is_no_list_of_accounts() {
    let organization = nested_organization().await;
    let alpha = organization.account("member-0").to_owned();
    let unit = organization.organizational_unit("Workloads").to_owned();
    let accounts = json!({"Accounts": [{"Id": alpha, "State": "ACTIVE"}], "NextToken": "again"});
    let units = json!({"OrganizationalUnits": [{"Id": unit}], "NextToken": "again"});
    for (operation, body, settings) in [
        ("ListAccounts", &accounts, settings(&organization)),
        ("ListAccountsForParent", &accounts, settings_of_units(&organization, std::slice::from_ref(&unit))),
        ("ListOrganizationalUnitsForParent", &units, settings_of_units(&organization, std::slice::from_ref(&unit))),
    ] {
        answer_of_management(&organization, operation, &body.to_string()).await;
        let error = find(&organization, &settings).await.err().expect("the listing has no end").to_string();
        assert!(error.contains(operation) && error.contains("token"), "{error}");
        organization.clear_faults().await;
    }

    let regions = json!({"Regions": [{"RegionName": "us-east-1", "RegionOptStatus": "ENABLED"}], "NextToken": "again"});
    let effect = json!({"status": 200, "body": regions.to_string()});
    fault(&organization, with_account(json!({"operation": "ListRegions", "effect": effect}), &alpha)).await;
    let found = find(&organization, &settings_of_roles(&organization, &[&alpha])).await.err();
    let error = found.expect("the only account has no list of regions").to_string();
    assert!(error.contains("account:ListRegions") && error.contains("token"), "{error}");
}

/// An account whose role sees no organization, or may not list it: words, and nothing else.
#[tokio::test]
async fn without_an_organization_nothing_is_changed() {
    let plan = OrganizationPlan::new().member("alpha", "").regions(&["us-east-1"]);
    let world = World::create(plan).await;
    let first = world.resync().await;
    assert_eq!(first.summary["outcome"], "completed", "{:#}", first.summary);
    let (catalog, keys) = (world.catalog(), world.organization.state_keys("").await);
    world.clear_calls().await;
    let management = world.organization.management_account().to_owned();
    for (status, code) in [(400, "AWSOrganizationsNotInUseException"), (400, "AccessDeniedException")] {
        world.aws_fault(&management, "organizations", "ListAccounts", json!({"status": status, "code": code})).await;
        let failure = world.schedule(json!({})).await.expect_err("there are no accounts to read");
        let words = format!("{failure:?}");
        for part in [code, "could not be listed", "delegated", "organizations:ListAccounts"] {
            assert!(words.contains(part), "{words} should name {part}");
        }
        world.organization.clear_faults().await;
    }
    assert_eq!(world.writes_to_port(), 0);
    assert_eq!((world.catalog(), world.organization.state_keys("").await), (catalog, keys));
    assert_eq!(world.pump().run().await.invocations(), 0);
}

#[tokio::test]
async fn region_policies_decide_the_targets() {
    let plan = OrganizationPlan::new().regions(&["eu-central-1", "eu-west-1", "us-east-1"]);
    let world = World::create_with(plan, &[(ROLE_ARN, "")]).await;
    let account = world.organization.integration_account().to_owned();
    for (policy, regions) in [
        (json!({"deny": ["us-east-1"]}), vec!["eu-central-1", "eu-west-1"]),
        (json!({"allow": ["us-east-1", "me-central-1"]}), vec!["us-east-1"]),
        (json!({"allow": ["us-east-1", "eu-west-1"], "deny": ["us-east-1"]}), vec!["eu-west-1"]),
    ] {
        let mut mapping = all_kinds_mapping();
        for entry in mapping["resources"].as_array_mut().expect("a list of entries") {
            entry["selector"]["regionPolicy"] = policy.clone();
        }
        world.set_mapping(mapping);
        let answer = world.schedule(json!({"force": true})).await.expect("a run");
        let mut expected: Vec<String> = regions.iter().map(|region| format!("{account}/{region}")).collect();
        // Global kinds are read once, whatever the policy says.
        expected.push(format!("{account}/global"));
        expected.sort();
        assert_eq!(targets(&world, &answer).await, expected, "{policy}");
    }
}

async fn targets(world: &World, answer: &Value) -> Vec<String> {
    let run = answer["run"].as_str().expect("a run");
    let keys = world.organization.state_keys("runs/").await;
    let key = keys.into_iter().find(|key| key.ends_with(&format!("{run}/plan.json"))).expect("a plan");
    let plan = world.organization.read_state(&key).await.unwrap_or_default();
    let plan: Value = serde_json::from_slice(&plan).expect("a plan is JSON");
    let mut targets: Vec<String> = serde_json::from_value(plan["targets"].clone()).expect("a list of targets");
    targets.sort();
    targets
}

async fn small_organization() -> Organization<'static> {
    let plan = OrganizationPlan::new().member("alpha", "").member("beta", "").member("gamma", "").regions(&REGIONS);
    Organization::create(Aws::shared().await, plan).await
}

/// The whole organization, through the management role.
fn settings(organization: &Organization<'_>) -> AccountSettings {
    settings_of_units(organization, &[])
}

fn settings_of_units(organization: &Organization<'_>, units: &[String]) -> AccountSettings {
    let role = organization.read_role_arn(organization.management_account());
    let management_role = RoleArn::parse(&role).expect("a role");
    let organizational_units = units.iter().cloned().collect();
    settings_with(organization, AccountSource::Organization { management_role, organizational_units })
}

fn settings_of_roles(organization: &Organization<'_>, accounts: &[&str]) -> AccountSettings {
    let roles = accounts.iter().map(|account| RoleArn::parse(&organization.read_role_arn(account)).expect("a role"));
    settings_with(organization, AccountSource::RoleList(roles.collect()))
}

fn settings_with(organization: &Organization<'_>, source: AccountSource) -> AccountSettings {
    AccountSettings {
        source,
        excluded: BTreeSet::new(),
        external_id: Some(organization.external_id().to_owned()),
        partition: "aws".to_owned(),
        member_role: crate::support::aws::READ_ROLE.to_owned(),
        web_identity_token_file: None,
    }
}

/// One thing after the other as in the functions, but for waits that are shorter.
const QUICK: &[KnownQuota] = &[KnownQuota::of::<aws_sdk_organizations::Client>(Quota {
    most_in_flight: 1,
    longest_interval: Duration::from_millis(1),
    ..USUAL
})];

fn identities(organization: &Organization<'_>, settings: &AccountSettings) -> Identities {
    let config = organization.sdk_config().to_builder().retry_config(RetryConfig::disabled()).build();
    Identities::new(config, settings, QUICK)
}

async fn find(organization: &Organization<'_>, settings: &AccountSettings) -> Result<Discovery, DiscoveryError> {
    find_within(organization, settings, Duration::ZERO).await
}

/// The same with time to wait for AWS Organizations.
async fn find_within(
    organization: &Organization<'_>,
    settings: &AccountSettings,
    time: Duration,
) -> Result<Discovery, DiscoveryError> {
    let patience = Patience { first_wait: Duration::from_millis(1), ..Patience::lasting(time) };
    discover(&identities(organization, settings), settings, &Narrowing::default(), patience).await
}

/// The names of the accounts that can be entered, sorted.
fn names(found: &Discovery) -> Vec<String> {
    let mut names: Vec<String> = found.accounts.values().map(|account| account.name.clone()).collect();
    names.sort();
    names
}

async fn fault(organization: &Organization<'_>, order: Value) {
    organization.aws().fault(order).await;
}

fn with_account(mut order: Value, account: &str) -> Value {
    order["account"] = json!(account);
    order
}

async fn answer_of_management(organization: &Organization<'_>, operation: &str, body: &str) {
    let effect = json!({"status": 200, "body": body});
    let order = json!({"service": "organizations", "operation": operation, "effect": effect});
    fault(organization, with_account(order, organization.management_account())).await;
}
