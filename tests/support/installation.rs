//! An installation as the templates make it: roles, settings and places are those of the stacks.

#![allow(dead_code, reason = "each test binary uses its own part")]

use serde_json::{Value, json};

use super::aws::{Organization, Stack};
use super::port::PortEmulator;
use super::world::{IDENTIFIER, World};

/// The name of the stack in all examples; the roles of the functions have it in theirs.
pub const STACK: &str = "portolan";

/// Deploys the read roles in the management account: the StackSet for all members, and the role of the account itself.
pub async fn deploy_read_roles(organization: &Organization<'_>, parameters: &[(&str, &str)]) -> Stack {
    let root = organization.organizational_unit("");
    let usual = [
        ("TargetOUIds", root),
        ("IntegrationAccountId", organization.integration_account()),
        ("ExternalId", organization.external_id()),
    ];
    let parameters = overridden(&usual, parameters);
    let (account, region) = (organization.management_account(), organization.home_region());
    let template = "cloudformation/read-role-stackset.yaml";
    let stack = organization.aws().deploy(account, region, "portolan-read-roles", template, &parameters).await;
    stack.unwrap_or_else(|error| panic!("{template}: {error}"))
}

/// Deploys the functions in the integration account. The parameters say which accounts they read.
pub async fn deploy_functions(organization: &Organization<'_>, parameters: &[(&str, &str)]) -> Stack {
    let usual = [
        ("PortClientId", "portolan-id"),
        ("PortClientSecret", "portolan-secret"),
        ("IntegrationIdentifier", IDENTIFIER),
    ];
    let parameters = overridden(&usual, parameters);
    let (account, region) = (organization.integration_account(), organization.home_region());
    let stack = organization.aws().deploy(account, region, STACK, "template.yaml", &parameters).await;
    stack.unwrap_or_else(|error| panic!("template.yaml: {error}"))
}

/// Starts the functions of a stack: with the environment that it gives them and a session of the role that it gives
/// them. Only the way to AWS and to Port is another one. `settings` win over everything.
pub async fn start(mut organization: Organization<'static>, stack: &Stack, settings: &[(&str, &str)]) -> World {
    organization.use_stack(stack);
    let port = PortEmulator::start().await;
    let scheduler = environment(&organization, stack, "SchedulerFunction", &port, settings).await;
    let worker = environment(&organization, stack, "WorkerFunction", &port, settings).await;
    World::deployed(organization, port, &scheduler, &worker).await
}

/// Starts the functions anew with further settings, as a deployment of the stack with other parameters does.
pub async fn restart(world: World, stack: &Stack, settings: &[(&str, &str)]) -> World {
    let World { organization, port, .. } = world;
    let scheduler = environment(&organization, stack, "SchedulerFunction", &port, settings).await;
    let worker = environment(&organization, stack, "WorkerFunction", &port, settings).await;
    World::deployed(organization, port, &scheduler, &worker).await
}

async fn environment(
    organization: &Organization<'_>,
    stack: &Stack,
    function: &str,
    port: &PortEmulator,
    settings: &[(&str, &str)],
) -> Vec<(String, String)> {
    let aws = organization.aws();
    let order = json!({"FunctionName": stack.physical_id(function)});
    let deployed = aws.call(&stack.account, &stack.region, "lambda", "get_function_configuration", order).await;
    let deployed = deployed.unwrap_or_else(|error| panic!("{function}: {error}"));
    let role = deployed["Role"].as_str().expect("a role");
    let session: Value = aws.open_session(role, "lambda.amazonaws.com").await;
    let mut variables: Vec<(String, String)> = Vec::new();
    let given = deployed["Environment"]["Variables"].as_object().expect("variables");
    variables.extend(given.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())));
    let text = |name: &str| session[name].as_str().expect("credentials").to_owned();
    let places = [
        ("AWS_REGION", stack.region.clone()),
        ("AWS_ENDPOINT_URL", aws.endpoint().to_owned()),
        ("AWS_ACCESS_KEY_ID", text("AccessKeyId")),
        ("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey")),
        ("AWS_SESSION_TOKEN", text("SessionToken")),
        ("AWS_MAX_ATTEMPTS", "2".to_owned()),
        ("OCEAN__PORT__BASE_URL", port.base_url()),
    ];
    variables.extend(places.map(|(name, value)| (name.to_owned(), value)));
    variables.extend(settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    variables
}

fn overridden<'a>(usual: &[(&'a str, &'a str)], by: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let is_given = |name: &str| by.iter().any(|(given, _)| *given == name);
    let kept = usual.iter().filter(|(name, _)| !is_given(name));
    kept.chain(by).copied().collect()
}
