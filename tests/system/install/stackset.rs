//! The read roles of `cloudformation/`, deployed as an administrator does, and whole runs through them.
//!
//! The emulated StackSets deploys no role to accounts that come later, whatever `AutoDeployment` says: here it is only
//! seen that the templates ask for it.

use serde_json::{Value, json};

use crate::support::aws::{Aws, AwsCallError, Organization, OrganizationPlan, READ_ROLE, Stack};
use crate::support::installation::{deploy_functions, deploy_read_roles, start};
use crate::support::world::{World, all_kinds_mapping};

const REGION: &str = "us-east-1";
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF";

async fn organization() -> Organization<'static> {
    let plan = OrganizationPlan::new().without_read_roles().regions(&[REGION]);
    let plan = plan.member("alpha", "Workloads/Production").member("beta", "Workloads").member("gamma", "");
    Organization::create(Aws::shared().await, plan).await
}

/// An installation in this organization, with the mapping of the tests.
async fn install(organization: Organization<'static>, parameters: &[(&str, &str)]) -> World {
    let management_role = organization.read_role_arn(organization.management_account());
    let external_id = organization.external_id().to_owned();
    let mut all = vec![("AccountRoleArn", management_role.as_str()), ("ExternalId", external_id.as_str())];
    all.retain(|(name, _)| parameters.iter().all(|(given, _)| given != name));
    all.extend(parameters);
    let stack = deploy_functions(&organization, &all).await;
    let mut world = start(organization, &stack, &[]).await;
    world.install_catalog(all_kinds_mapping());
    world
}

async fn role(organization: &Organization<'_>, account: &str) -> Result<Value, AwsCallError> {
    let order = json!({"RoleName": READ_ROLE});
    let answer = organization.aws().call(organization.account(account), REGION, "iam", "get_role", order).await;
    answer.map(|answer| answer["Role"].clone())
}

/// Which of the accounts have the read role.
async fn accounts_with_role(organization: &Organization<'_>) -> Vec<&'static str> {
    let mut found = Vec::new();
    for account in ["alpha", "beta", "gamma", "integration", "management"] {
        match role(organization, account).await {
            Ok(_) => found.push(account),
            Err(error) => assert_eq!(error.code, "NoSuchEntity", "{account}: {error}"),
        }
    }
    found
}

#[tokio::test]
async fn the_roles_are_where_the_units_and_the_scope_say() {
    let organization = organization().await;
    deploy_read_roles(&organization, &[]).await;
    assert_eq!(accounts_with_role(&organization).await, ["alpha", "beta", "gamma", "integration", "management"]);

    let organization = self::organization().await;
    let workloads = organization.organizational_unit("Workloads");
    deploy_read_roles(&organization, &[("TargetOUIds", workloads), ("CreateManagementRole", "false")]).await;
    assert_eq!(accounts_with_role(&organization).await, ["alpha", "beta"]);

    for (scope, expected) in [("DIFFERENCE", vec!["alpha", "management"]), ("INTERSECTION", vec!["beta", "management"])]
    {
        let organization = self::organization().await;
        let (workloads, beta) = (organization.organizational_unit("Workloads"), organization.account("beta"));
        let parameters = [("TargetOUIds", workloads), ("AccountScope", scope), ("TargetAccountIds", beta)];
        let stack = deploy_read_roles(&organization, &parameters).await;
        assert_eq!(accounts_with_role(&organization).await, expected, "{scope}");
        assert_eq!(stack_set(&stack)["AutoDeployment"]["Enabled"], json!(scope == "DIFFERENCE"), "{scope}");
    }
}

/// The one StackSet of a stack, as its text.
fn stack_set(stack: &Stack) -> &Value {
    let stack_sets = stack.of_type("AWS::CloudFormation::StackSet");
    assert_eq!(stack_sets.len(), 1);
    let properties = stack.properties(stack_sets[0]);
    assert_eq!(properties["PermissionModel"], "SERVICE_MANAGED");
    assert_eq!(properties["Capabilities"], json!(["CAPABILITY_NAMED_IAM"]));
    properties
}

#[tokio::test]
async fn the_roles_are_those_of_the_file_beside_and_only_one_finds_accounts() {
    let organization = organization().await;
    let stack = deploy_read_roles(&organization, &[]).await;
    let management = organization.management_account();
    assert_eq!(stack.output("ManagementAccountRoleArn"), organization.read_role_arn(management));
    let order = json!({"StackSetName": stack.physical_id("ReadRoles")});
    let instances = organization.aws().call(management, REGION, "cloudformation", "list_stack_instances", order).await;
    let instances = instances.expect("a list")["Summaries"].as_array().map(Vec::len);
    assert_eq!(instances, Some(4), "every account but the management account");
    assert_eq!(stack_set(&stack)["AutoDeployment"]["Enabled"], true);
    for (account, finds) in [("alpha", false), ("management", true)] {
        let order = json!({"RoleName": READ_ROLE});
        let account = organization.account(account);
        let policies = organization.aws().call(account, REGION, "iam", "list_role_policies", order).await;
        let policies = policies.expect("a list")["PolicyNames"].to_string();
        assert_eq!(policies.contains("organization"), finds, "{policies}");
    }
}

#[tokio::test]
async fn the_roles_trust_the_functions_and_nobody_else() {
    let organization = organization().await;
    let id = "o-a1b2c3d4e5";
    deploy_read_roles(&organization, &[("OrganizationId", id)]).await;
    let integration = organization.integration_account();
    let function = |name: &str| format!("arn:aws:iam::{integration}:role/portolan-{name}");
    let expected = json!([{
        "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{integration}:root")},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"sts:ExternalId": organization.external_id(), "aws:PrincipalOrgID": id},
            "ArnEquals": {"aws:PrincipalArn": [function("scheduler"), function("worker")]},
        },
    }]);
    for account in ["alpha", "management"] {
        let role = role(&organization, account).await.expect("the role");
        assert_eq!(role["AssumeRolePolicyDocument"]["Statement"], expected, "{account}");
    }

    let organization = self::organization().await;
    let task = format!("arn:aws:iam::{}:role/tasks/ocean", organization.integration_account());
    let user = format!("arn:aws:iam::{}:user/ocean", organization.integration_account());
    deploy_read_roles(&organization, &[("TrustedPrincipalARN", &format!("{task},{user}"))]).await;
    let role = role(&organization, "alpha").await.expect("the role");
    let condition = &role["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
    assert_eq!(condition["ArnEquals"]["aws:PrincipalArn"], json!([task, user]));
    assert_eq!(condition["StringEquals"]["sts:ExternalId"], organization.external_id());
}

#[tokio::test]
async fn roles_for_web_identities_trust_one_subject_of_one_issuer() {
    let cases: [(&[(&str, &str)], &str); 3] = [
        (&[], "system:serviceaccount:port-ocean:port-ocean-aws-v3"),
        (&[("Namespace", "port"), ("ServiceAccountName", "aws")], "system:serviceaccount:port:aws"),
        (&[("OIDCSubject", "repo:port/aws")], "repo:port/aws"),
    ];
    for (parameters, subject) in cases {
        let organization = organization().await;
        let mut all =
            vec![("Trust", "OIDC"), ("OIDCIssuerURL", ISSUER), ("ExternalId", ""), ("IntegrationAccountId", "")];
        all.extend(parameters);
        let stack = deploy_read_roles(&organization, &all).await;
        stack_set(&stack);
        for account in ["alpha", "management"] {
            let role = role(&organization, account).await.expect("the role");
            let provider = format!("arn:aws:iam::{}:oidc-provider/{ISSUER}", organization.account(account));
            let expected = json!([{
                "Effect": "Allow",
                "Principal": {"Federated": provider},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {"StringEquals": {
                    format!("{ISSUER}:aud"): "sts.amazonaws.com",
                    format!("{ISSUER}:sub"): subject,
                }},
            }]);
            assert_eq!(role["AssumeRolePolicyDocument"]["Statement"], expected, "{account}");
            let order = json!({"OpenIDConnectProviderArn": provider});
            let account = organization.account(account);
            let provider = organization.aws().call(account, REGION, "iam", "get_open_id_connect_provider", order).await;
            assert_eq!(provider.expect("the provider")["ClientIDList"], json!(["sts.amazonaws.com"]));
        }
    }
}

#[tokio::test]
async fn a_run_reads_the_organization_through_the_roles_of_the_templates() {
    let organization = organization().await;
    deploy_read_roles(&organization, &[]).await;
    let bucket = organization.place("alpha", REGION).create_bucket("logs", &[]).await;
    organization.place("beta", REGION).create_topic("alerts", &[]).await;
    let world = install(organization, &[]).await;
    let resync = world.resync().await;
    assert_eq!(resync.summary["accounts"], 5, "{:#}", resync.summary);
    let inaccessible = resync.summary["inaccessibleAccounts"].as_array().map_or(0, Vec::len);
    assert_eq!(inaccessible, 0, "{:#}", resync.summary);
    let catalog = world.catalog();
    assert!(catalog["s3Bucket"].iter().any(|identifier| identifier.contains(&bucket)), "{catalog:?}");
    assert_eq!(catalog["snsTopic"].len(), 1, "{catalog:?}");
    let calls = world.organization.calls().await;
    let own = |name: &str| Some(format!("arn:aws:iam::{}:role/{name}", world.organization.integration_account()));
    for call in calls.iter().filter(|call| call.operation == "AssumeRole") {
        assert!([own("portolan-scheduler"), own("portolan-worker")].contains(&call.role), "{call:?}");
    }
    assert!(resync.report.dead_letters.is_empty());
}

#[tokio::test]
async fn another_external_id_opens_no_account() {
    let organization = organization().await;
    deploy_read_roles(&organization, &[]).await;
    let world = install(organization, &[("ExternalId", "the-id-of-somebody-else")]).await;
    let failure = world.schedule(json!({})).await.expect_err("the management account cannot be entered");
    assert!(failure.to_string().contains("AccessDenied"), "{failure}");
    assert!(world.port.entities().is_empty());
    let counts = world.organization.aws().queue_counts(world.organization.queue()).await;
    assert_eq!((counts.visible, counts.in_flight, counts.delayed), (0, 0, 0));
}

#[tokio::test]
async fn an_account_whose_role_asks_for_another_external_id_is_told_and_the_others_are_read() {
    let organization = organization().await;
    let gamma = organization.account("gamma").to_owned();
    let scope = [("AccountScope", "DIFFERENCE"), ("TargetAccountIds", gamma.as_str())];
    deploy_read_roles(&organization, &scope).await;
    let parameters =
        [("IntegrationAccountId", organization.integration_account()), ("ExternalId", "the-id-of-somebody-else")];
    let template = "cloudformation/read-role.yaml";
    let stack = organization.aws().deploy(&gamma, REGION, "portolan-read-role", template, &parameters).await;
    assert_eq!(stack.expect("the stack").output("RoleArn"), organization.read_role_arn(&gamma));
    let world = install(organization, &[]).await;
    let summary = world.resync().await.summary;
    let inaccessible = summary["inaccessibleAccounts"].as_array().expect("a list");
    assert_eq!(inaccessible.len(), 1, "{summary:#}");
    assert!(inaccessible[0].to_string().contains(&gamma), "{summary:#}");
}

#[tokio::test]
async fn what_a_stack_set_cannot_do_is_refused() {
    let organization = organization().await;
    let root = organization.organizational_unit("");
    let integration = ("IntegrationAccountId", organization.integration_account());
    let external_id = ("ExternalId", organization.external_id());
    let refused: [&[(&str, &str)]; 6] = [
        &[("TargetOUIds", root), integration],
        &[("TargetOUIds", root), external_id],
        &[("TargetOUIds", "production"), integration, external_id],
        &[("TargetOUIds", root), integration, external_id, ("AccountScope", "DIFFERENCE")],
        &[("TargetOUIds", root), ("Trust", "OIDC")],
        &[("TargetOUIds", root), integration, external_id, ("TrustedPrincipalARN", "arn:aws:iam::111111111111:role/*")],
    ];
    let template = "cloudformation/read-role-stackset.yaml";
    for parameters in refused {
        let account = organization.management_account();
        let deployed = organization.aws().deploy(account, REGION, "refused", template, parameters).await;
        let error = deployed.expect_err("nothing is created");
        assert_eq!(error.code, "ValidationError", "{parameters:?}: {error}");
    }
    assert!(accounts_with_role(&organization).await.is_empty());
}
