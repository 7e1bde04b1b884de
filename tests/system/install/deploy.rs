//! `template.yaml` deployed in each way: what was created is looked at through the services' own APIs.

use std::collections::BTreeSet;

use portolan::work::MOST_RECEIVES;
use serde_json::{Value, json};

use super::policy::{statements_of, texts};
use super::variations::{
    BOUNDARY, KEY, LISTED_ROLES, MANAGEMENT_ROLE, ORGANIZATION, PATH, SECRET, SECRET_KEY, TOPIC, Variation, variations,
};
use crate::support::aws::{Aws, Stack};

/// Of these nothing but the text can be looked at, with everything in it resolved: the emulated CloudWatch gets no alarm
/// from CloudFormation. Every other type must be found in its own service.
const TEXT_ONLY: [&str; 1] = ["AWS::CloudWatch::Alarm"];
/// What the emulated CloudFormation does not pass on to the service, although it creates the resource. Tests look at the
/// text of these.
const NOT_PASSED_ON: [(&str, &[&str]); 3] = [
    ("AWS::S3::Bucket", &["PublicAccessBlockConfiguration", "OwnershipControls", "LifecycleConfiguration"]),
    ("AWS::Lambda::Function", &["LoggingConfig", "KmsKeyArn", "TracingConfig", "RecursiveLoop", "Architectures"]),
    ("AWS::Lambda::EventSourceMapping", &["ScalingConfig"]),
];
/// Statements for all resources, because the actions know none. The last two are for Lambda itself.
const ALL_RESOURCES: [&str; 4] = ["own-account", "WriteTraces", "ConnectToVpc", "NotFromTheFunctions"];

/// Calls a service about a resource of a stack.
async fn ask(stack: &Stack, service: &'static str, operation: &'static str, parameters: Value) -> Value {
    let answer = Aws::shared().await.call(&stack.account, &stack.region, service, operation, parameters).await;
    answer.unwrap_or_else(|error| panic!("{service}:{operation}: {error}"))
}

#[tokio::test]
async fn every_resource_is_created_in_every_variation() {
    let mut conditional = BTreeSet::new();
    for variation in variations() {
        let stack = variation.deploy().await;
        let name = variation.name;
        for (resource, kind) in stack.types() {
            assert_is_there(&stack, resource, kind).await;
            let text = stack.resource(resource).to_string();
            assert!(!text.contains("${") && !text.contains("Fn::"), "{name}: {resource} is not resolved: {text}");
            let arns = text.split("arn:").skip(1).filter_map(|rest| rest.split(':').next());
            let others: Vec<_> = arns.filter(|partition| *partition != variation.partition()).collect();
            assert!(others.is_empty(), "{name}: {resource} names the partition {others:?}");
        }
        conditional.insert(stack.types().into_keys().map(str::to_owned).collect::<BTreeSet<_>>());
    }
    let everything = crate::support::aws::expand("template.yaml", "eu-west-1", "bucket", &[]);
    let everything = everything["Resources"].as_object().expect("resources").keys().cloned().collect();
    let created: BTreeSet<String> = conditional.into_iter().flatten().collect();
    assert_eq!(created, everything, "what no variation creates");
}

/// The service that a resource belongs to knows it. Panics for a type that this test has no question for.
async fn assert_is_there(stack: &Stack, resource: &str, kind: &str) {
    let id = stack.physical_id(resource);
    let properties = stack.properties(resource);
    match kind {
        "AWS::Lambda::Function" => {
            let function = ask(stack, "lambda", "get_function_configuration", json!({"FunctionName": id})).await;
            assert_eq!(function["Environment"], properties["Environment"], "{resource}");
            assert_eq!(function["Timeout"], properties["Timeout"], "{resource}");
        }
        "AWS::Lambda::EventInvokeConfig" => {
            let order = json!({"FunctionName": properties["FunctionName"]});
            let config = ask(stack, "lambda", "get_function_event_invoke_config", order).await;
            assert_eq!(config["MaximumRetryAttempts"], 0);
        }
        "AWS::Lambda::EventSourceMapping" => {
            let mapping = ask(stack, "lambda", "get_event_source_mapping", json!({"UUID": id})).await;
            assert_eq!(mapping["BatchSize"], 1);
            assert_eq!(mapping["EventSourceArn"], properties["EventSourceArn"]);
            assert_eq!(properties["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]));
        }
        "AWS::Logs::LogGroup" => {
            let groups = ask(stack, "logs", "describe_log_groups", json!({"logGroupNamePrefix": id})).await;
            assert_eq!(groups["logGroups"][0]["retentionInDays"], 30, "{groups}");
        }
        "AWS::IAM::Role" => drop(ask(stack, "iam", "get_role", json!({"RoleName": id})).await),
        "AWS::IAM::ManagedPolicy" => drop(ask(stack, "iam", "get_policy", json!({"PolicyArn": id})).await),
        "AWS::SecretsManager::Secret" => {
            drop(ask(stack, "secretsmanager", "describe_secret", json!({"SecretId": id})).await);
        }
        "AWS::SQS::Queue" => {
            let attributes = queue_attributes(stack, resource).await;
            assert_eq!(attributes["MessageRetentionPeriod"], "1209600", "{resource}");
        }
        // Both are looked at in `nothing_travels_or_lies_unencrypted`.
        "AWS::SQS::QueuePolicy" | "AWS::S3::BucketPolicy" => {}
        "AWS::S3::Bucket" => drop(ask(stack, "s3", "head_bucket", json!({"Bucket": id})).await),
        "AWS::Scheduler::ScheduleGroup" => {
            drop(ask(stack, "scheduler", "get_schedule_group", json!({"Name": id})).await);
        }
        "AWS::Scheduler::Schedule" => {
            let order = json!({"GroupName": properties["GroupName"], "Name": id});
            let schedule = ask(stack, "scheduler", "get_schedule", order).await;
            assert_eq!(schedule["Target"]["Arn"], ask_function_arn(stack, "SchedulerFunction").await);
            assert_eq!(schedule["Target"]["RetryPolicy"]["MaximumRetryAttempts"], 0);
        }
        "AWS::CloudWatch::Dashboard" => {
            let dashboard = ask(stack, "cloudwatch", "get_dashboard", json!({"DashboardName": id})).await;
            let body = dashboard["DashboardBody"].as_str().expect("a body");
            let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("the dashboard: {error}"));
            assert!(body["widgets"].as_array().is_some_and(|widgets| !widgets.is_empty()));
        }
        _ => assert!(TEXT_ONLY.contains(&kind), "{resource} is a {kind}, and nobody looks whether it is there"),
    }
}

async fn ask_function_arn(stack: &Stack, resource: &str) -> Value {
    let order = json!({"FunctionName": stack.physical_id(resource)});
    ask(stack, "lambda", "get_function_configuration", order).await["FunctionArn"].clone()
}

async fn queue_attributes(stack: &Stack, resource: &str) -> Value {
    let order = json!({"QueueUrl": stack.physical_id(resource), "AttributeNames": ["All"]});
    ask(stack, "sqs", "get_queue_attributes", order).await["Attributes"].clone()
}

#[tokio::test]
async fn a_message_has_the_time_and_the_tries_that_the_worker_counts_on() {
    let stack = Variation::named("organization").deploy().await;
    let attributes = queue_attributes(&stack, "Queue").await;
    let timeout = stack.properties("WorkerFunction")["Timeout"].as_u64().expect("seconds");
    assert_eq!(attributes["VisibilityTimeout"], (6 * timeout).to_string());
    let redrive: Value = serde_json::from_str(attributes["RedrivePolicy"].as_str().expect("a policy")).expect("JSON");
    // The last of them is for an invocation that died.
    assert_eq!(redrive["maxReceiveCount"].as_u64(), Some(u64::from(MOST_RECEIVES) + 1));
    assert_eq!(redrive["deadLetterTargetArn"], queue_attributes(&stack, "DeadLetterQueue").await["QueueArn"]);
    assert_eq!(stack.properties("WorkerFunction")["RecursiveLoop"], "Allow");
}

#[tokio::test]
async fn nothing_travels_or_lies_unencrypted() {
    for name in ["organization", "rules of an organization"] {
        let variation = Variation::named(name);
        let stack = variation.deploy().await;
        let key = variation.given("KmsKeyArn");
        for queue in ["Queue", "DeadLetterQueue"] {
            let attributes = queue_attributes(&stack, queue).await;
            assert_only_tls(attributes["Policy"].as_str().expect("a policy"));
            match key {
                Some(key) => assert_eq!(attributes["KmsMasterKeyId"], key),
                None => assert_eq!(attributes["SqsManagedSseEnabled"], "true"),
            }
        }
        let bucket = json!({"Bucket": stack.output("StateBucketName")});
        let policy = ask(&stack, "s3", "get_bucket_policy", bucket.clone()).await;
        assert_only_tls(policy["Policy"].as_str().expect("a policy"));
        let encryption = ask(&stack, "s3", "get_bucket_encryption", bucket.clone()).await;
        let rule = &encryption["ServerSideEncryptionConfiguration"]["Rules"][0]["ApplyServerSideEncryptionByDefault"];
        assert_eq!(rule["SSEAlgorithm"], if key.is_some() { "aws:kms" } else { "AES256" });
        assert_eq!(rule["KMSMasterKeyID"].as_str(), key);
        let secret = json!({"SecretId": stack.output("PortSecretArn")});
        let secret = ask(&stack, "secretsmanager", "describe_secret", secret).await;
        assert_eq!(secret["KmsKeyId"].as_str(), key);
        for group in ["SchedulerLogGroup", "WorkerLogGroup"] {
            assert_eq!(stack.properties(group)["KmsKeyId"].as_str(), key);
        }
        for function in stack.of_type("AWS::Lambda::Function") {
            assert_eq!(stack.properties(function)["KmsKeyArn"].as_str(), key);
        }
    }
}

/// Everybody is denied everything that comes without TLS.
fn assert_only_tls(policy: &str) {
    let policy: Value = serde_json::from_str(policy).expect("JSON");
    let statement = &policy["Statement"][0];
    assert_eq!((&statement["Effect"], &statement["Principal"]), (&json!("Deny"), &json!("*")), "{policy}");
    assert!(statement["Action"].as_str().is_some_and(|action| action.ends_with(":*")), "{policy}");
    assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}), "{policy}");
    assert_eq!(policy["Statement"].as_array().map(Vec::len), Some(1), "{policy}");
}

#[tokio::test]
async fn state_is_private_stays_and_never_expires() {
    let stack = Variation::named("organization").deploy().await;
    let bucket = stack.properties("StateBucket");
    for resource in ["StateBucket", "StateBucketPolicy"] {
        // A creation that failed left nothing behind that anybody could miss.
        assert_eq!(stack.resource(resource)["DeletionPolicy"], "RetainExceptOnCreate", "{resource}");
        assert_eq!(stack.resource(resource)["UpdateReplacePolicy"], "Retain", "{resource}");
    }
    let versioning = json!({"Bucket": stack.output("StateBucketName")});
    assert_eq!(ask(&stack, "s3", "get_bucket_versioning", versioning).await["Status"], "Enabled");
    let public = bucket["PublicAccessBlockConfiguration"].as_object().expect("settings");
    assert!(public.len() == 4 && public.values().all(|is_blocked| *is_blocked == true), "{public:?}");
    assert_eq!(bucket["OwnershipControls"]["Rules"][0]["ObjectOwnership"], "BucketOwnerEnforced");
    for rule in bucket["LifecycleConfiguration"]["Rules"].as_array().expect("rules") {
        let expires = rule.as_object().expect("a rule").keys().any(|key| key.starts_with("Expiration"));
        assert_eq!(expires, rule["Prefix"] == "runs/", "{rule}");
    }
}

#[tokio::test]
async fn a_new_secret_has_the_text_that_the_functions_read() {
    let stack = Variation::named("organization").deploy().await;
    let order = json!({"SecretId": stack.output("PortSecretArn")});
    let secret = ask(&stack, "secretsmanager", "get_secret_value", order).await;
    let text: Value = serde_json::from_str(secret["SecretString"].as_str().expect("a text")).expect("JSON");
    assert_eq!(text, json!({"id": "port-id", "clientSecret": "port-secret"}));
    for function in stack.of_type("AWS::Lambda::Function") {
        let variables = stack.properties(function)["Environment"]["Variables"].to_string();
        assert!(!variables.contains("port-secret"), "{function} has the secret in its environment");
    }
    let existing = Variation::named("list").deploy().await;
    assert!(existing.of_type("AWS::SecretsManager::Secret").is_empty());
    assert_eq!(existing.output("PortSecretArn"), SECRET);
}

#[tokio::test]
async fn each_role_trusts_one_service_and_is_bounded_as_asked() {
    for variation in variations() {
        let stack = variation.deploy().await;
        for role in stack.of_type("AWS::IAM::Role") {
            let deployed = ask(&stack, "iam", "get_role", json!({"RoleName": stack.physical_id(role)})).await;
            let deployed = &deployed["Role"];
            let service = if role == "ScheduleRole" { "scheduler.amazonaws.com" } else { "lambda.amazonaws.com" };
            let trust = deployed["AssumeRolePolicyDocument"]["Statement"].as_array().expect("statements");
            assert_eq!(trust.len(), 1, "{role}");
            assert_eq!(trust[0]["Principal"], json!({"Service": service}), "{role}");
            assert_eq!(trust[0]["Action"], "sts:AssumeRole", "{role}");
            let path = variation.given("RolePath").unwrap_or("/");
            assert_eq!(deployed["Path"], path, "{role}");
            let boundary = deployed["PermissionsBoundary"]["PermissionsBoundaryArn"].as_str();
            assert_eq!(boundary, variation.given("PermissionsBoundaryArn"), "{role}");
        }
        let trust = &stack.properties("ScheduleRole")["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
        let group = ask(&stack, "scheduler", "get_schedule_group", json!({"Name": "portolan"})).await;
        assert_eq!(trust["StringEquals"]["aws:SourceArn"], group["Arn"]);
        assert_eq!(trust["StringEquals"]["aws:SourceAccount"], stack.account);
        let names = ["SchedulerRole", "WorkerRole"].map(|role| stack.physical_id(role));
        assert_eq!(names, ["portolan-scheduler", "portolan-worker"]);
    }
    assert_eq!(Variation::named("rules of an organization").given("PermissionsBoundaryArn"), Some(BOUNDARY));
    assert_eq!(Variation::named("rules of an organization").given("RolePath"), Some(PATH));
}

#[tokio::test]
async fn a_policy_names_its_resources() {
    for variation in variations() {
        let stack = variation.deploy().await;
        for role in stack.of_type("AWS::IAM::Role") {
            let id = stack.physical_id(role);
            for statement in statements_of(Aws::shared().await, &stack.account, &stack.region, &id).await {
                let is_named = statement.resources.iter().all(|resource| resource.starts_with("arn:"));
                let may_be_all = ALL_RESOURCES.contains(&statement.name.as_str());
                assert!(is_named || may_be_all, "{}: {role}: {statement:?}", variation.name);
                let is_whole = statement.actions.iter().any(|action| action.contains('*'));
                assert!(!is_whole, "{}: {role}: {statement:?}", variation.name);
            }
        }
    }
}

/// Which roles may be assumed, and whose keys and secrets are used, is what the parameters say and nothing else.
#[tokio::test]
async fn the_functions_may_use_what_the_parameters_name() {
    let roles_of = async |name: &str| {
        let stack = Variation::named(name).deploy().await;
        let aws = Aws::shared().await;
        let statements = statements_of(aws, &stack.account, &stack.region, "portolan-worker").await;
        let of = |action: &str| {
            let wanted = statements.iter().filter(|statement| statement.actions == [action]);
            wanted.cloned().collect::<Vec<_>>()
        };
        (of("sts:AssumeRole"), of("kms:Decrypt"), of("secretsmanager:GetSecretValue"))
    };
    let (roles, keys, _) = roles_of("organization").await;
    assert_eq!(roles[0].resources, [MANAGEMENT_ROLE, "arn:aws:iam::*:role/PortOceanReadRole"]);
    assert_eq!((roles.len(), keys.len(), &roles[0].condition["StringEquals"]), (1, 0, &Value::Null));

    let (roles, keys, secrets) = roles_of("list").await;
    assert_eq!(roles[0].resources, LISTED_ROLES);
    assert_eq!((roles.len(), secrets[0].resources.as_slice()), (1, [SECRET.to_owned()].as_slice()));
    assert_eq!(keys[0].resources, [SECRET_KEY]);
    assert_eq!(keys[0].condition, json!({"StringLike": {"kms:ViaService": "secretsmanager.eu-west-1.*"}}));

    let (roles, keys, _) = roles_of("own account").await;
    assert_eq!((roles.len(), keys.len()), (0, 0));

    let (roles, keys, _) = roles_of("rules of an organization").await;
    assert_eq!(roles[0].condition["StringEquals"], json!({"aws:ResourceOrgID": ORGANIZATION}));
    let functions = texts(&roles[0].condition["ArnEquals"]["lambda:SourceFunctionArn"]);
    assert!(functions.len() == 2 && functions.iter().all(|arn| arn.contains(":function:")), "{functions:?}");
    assert_eq!(keys.iter().flat_map(|key| key.resources.clone()).collect::<Vec<_>>(), [KEY]);
    for key in &keys {
        let services = texts(&key.condition["StringLike"]["kms:ViaService"]);
        assert_eq!(services, ["s3.eu-west-1.*", "sqs.eu-west-1.*", "secretsmanager.eu-west-1.*"], "{key:?}");
    }
}

#[tokio::test]
async fn functions_get_their_network_and_their_concurrency() {
    let network = Variation::named("network").deploy().await;
    let rules = Variation::named("rules of an organization").deploy().await;
    let plain = Variation::named("organization").deploy().await;
    for (function, reserved) in [("SchedulerFunction", 2), ("WorkerFunction", 20)] {
        let order = json!({"FunctionName": network.physical_id(function)});
        let configured = ask(&network, "lambda", "get_function_configuration", order).await;
        let subnets = ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"];
        assert_eq!(configured["VpcConfig"]["SubnetIds"], json!(subnets), "{function}");
        assert_eq!(configured["VpcConfig"]["SecurityGroupIds"], json!(["sg-0123456789abcdef0"]), "{function}");
        assert_eq!(rules.properties(function)["ReservedConcurrentExecutions"], reserved, "{function}");
        for absent in ["VpcConfig", "ReservedConcurrentExecutions", "KmsKeyArn"] {
            assert_eq!(plain.properties(function)[absent], Value::Null, "{function} {absent}");
        }
    }
}

#[tokio::test]
async fn alarms_are_there_with_and_without_somebody_to_tell() {
    let plain = Variation::named("organization").deploy().await;
    let told = Variation::named("rules of an organization").deploy().await;
    let alarms = plain.of_type("AWS::CloudWatch::Alarm");
    assert!(!alarms.is_empty());
    for alarm in &alarms {
        assert_eq!(texts(&plain.properties(alarm)["AlarmActions"]), [""; 0], "{alarm}");
        assert_eq!(texts(&told.properties(alarm)["AlarmActions"]), [TOPIC], "{alarm}");
        let periods = plain.properties(alarm)["EvaluationPeriods"].as_u64().unwrap_or_default();
        let seconds = plain.properties(alarm)["Period"].as_u64().unwrap_or(3600);
        assert!(seconds * periods <= 7 * 24 * 3600, "{alarm} looks back further than CloudWatch does");
    }
}

#[tokio::test]
async fn what_is_not_passed_on_is_in_the_text() {
    let stack = Variation::named("rules of an organization").deploy().await;
    for (kind, properties) in NOT_PASSED_ON {
        for resource in stack.of_type(kind) {
            for property in properties.iter().filter(|property| **property != "RecursiveLoop") {
                assert_ne!(stack.properties(resource)[property], Value::Null, "{resource} {property}");
            }
        }
    }
    assert_eq!(stack.properties("WorkerFunctionQueue")["ScalingConfig"]["MaximumConcurrency"], 20);
}

#[tokio::test]
async fn schedules_wait_where_that_is_asked_for() {
    let running = Variation::named("organization").deploy().await;
    let waiting = Variation::named("quiet").deploy().await;
    let schedules = running.of_type("AWS::Scheduler::Schedule");
    assert!(schedules.len() >= 2);
    for schedule in &schedules {
        assert_eq!(running.properties(schedule)["State"], "ENABLED", "{schedule}");
        assert_eq!(waiting.properties(schedule)["State"], "DISABLED", "{schedule}");
    }
    assert!(waiting.of_type("AWS::CloudWatch::Dashboard").is_empty());
}

#[tokio::test]
async fn a_deployment_that_cannot_work_is_refused() {
    let organization = || Variation::named("organization");
    let refused = [
        organization().with("PortClientSecret", ""),
        organization().with("PortSecretArn", SECRET),
        organization().with("AccountRoleArns", LISTED_ROLES[0]),
        Variation::named("own account").with("OuId", "ou-ab12-abcdefgh"),
        organization().with("SubnetIds", "subnet-0123456789abcdef0"),
        organization().with("SecurityGroupIds", "sg-0123456789abcdef0"),
        organization().with("MemberRoleName", "Port*"),
        organization().with("PortClientId", "a\"b"),
        organization().with("PortSecretArn", "arn:aws:secretsmanager:eu-west-1:555555555555:secret:without-end"),
        organization().with("WorkerMaximumConcurrency", "1"),
        organization().with("RunAlarmHours", "169"),
        organization().with("RolePath", "platform"),
        organization().with("ExcludedAccounts", "12345"),
        organization().with("IntegrationType", "AWS-v3"),
    ];
    for variation in refused {
        let error = variation.try_deploy().await.expect_err("the deployment cannot work");
        assert_eq!(error.code, "ValidationError", "{:?}: {error}", variation.parameters);
        assert!(error.message.contains("Rule ") || error.message.contains("failed to satisfy"), "{error}");
    }
    let pages = ["https://app.port.io/v1", "app.getport.io", "app.us.getport.io"];
    for base_url in ["EU", "us", "https://api.us.port.io", "api.getport.io"].into_iter().chain(pages) {
        organization().with("PortBaseUrl", base_url).deploy().await;
    }
}
