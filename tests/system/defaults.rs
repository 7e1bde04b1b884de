//! What the first run installs, and what it leaves alone.

use std::collections::BTreeSet;

use portolan::kinds::KINDS;
use serde_json::{Value, json};

use super::small::{REGION, TOPIC, calls_of, mapping_of, small_plan};
use crate::support::aws::OrganizationPlan;
use crate::support::lambda::InvocationFailure;
use crate::support::port::Fault;
use crate::support::world::{IDENTIFIER, World};

const SET: &str = "PORTOLAN_DEFAULT_RESOURCES";
const CREATE_BLUEPRINT: &str = "POST /blueprints";
const CORE: [&str; 5] = ["awsAccount", "ec2Instance", "ecsCluster", "s3Bucket", "snsTopic"];

async fn world_with(settings: &[(&str, &str)]) -> World {
    World::create_empty(small_plan(), settings).await
}

fn record(world: &World) -> Value {
    world.port.integration(IDENTIFIER).expect("the record")
}

fn mapped_kinds(world: &World) -> BTreeSet<String> {
    let entries = record(world)["config"]["resources"].as_array().cloned().unwrap_or_default();
    entries.iter().filter_map(|entry| entry["kind"].as_str()).map(str::to_owned).collect()
}

fn blueprints(world: &World) -> Vec<String> {
    world.port.blueprints().into_keys().collect()
}

/// A run starts although another one is going.
async fn start(world: &World) -> Value {
    world.schedule(json!({"force": true})).await.expect("a run starts")
}

async fn assert_nothing_is_installed_again(world: &World) {
    let (installed, mapping) = (world.port.blueprints(), record(world)["config"].clone());
    world.clear_calls().await;
    start(world).await;
    let writes = world.port.calls().into_iter().filter(|call| {
        matches!(call.method.as_str(), "POST" | "PUT" | "PATCH")
            && (call.route.starts_with("/blueprints") || call.route.ends_with("/config"))
    });
    assert_eq!(writes.count(), 0);
    assert_eq!(world.port.blueprints(), installed);
    assert_eq!(record(world)["config"], mapping);
}

#[tokio::test]
async fn the_core_set_is_installed_around_a_blueprint_that_exists() {
    let world = world_with(&[]).await;
    let own = json!({
        "identifier": "snsTopic", "title": "Ours", "icon": "AWS",
        "schema": {"properties": {"note": {"type": "string"}}, "required": []},
        "relations": {}, "mirrorProperties": {}, "calculationProperties": {},
    });
    world.port.put_blueprint(own);
    let before = world.port.blueprints()["snsTopic"].clone();
    let alpha = world.organization.place("alpha", REGION);
    alpha.run_instance(&[("Name", "web")]).await;
    let topic = alpha.create_topic("alerts", &[]).await;
    let resync = world.resync().await;

    assert_eq!(resync.summary["outcome"], "completed-with-problems", "{:#}", resync.summary);
    let entity = world.port.entity("snsTopic", &topic).expect("the topic");
    assert_eq!((&entity["title"], &entity["properties"]), (&json!("alerts"), &json!({})));
    assert_eq!(blueprints(&world), CORE);
    assert_eq!(world.port.blueprints()["snsTopic"], before);
    assert_eq!(world.port.blueprints()["awsAccount"]["relations"], json!({}));
    let record = record(&world);
    assert_eq!(
        (&record["arePortResourcesInitialized"], &record["processingMode"]),
        (&json!(true), &json!("ocean-core"))
    );
    assert_eq!(mapped_kinds(&world).len(), CORE.len());
    assert_eq!(world.catalog()["ec2Instance"].len(), 1);
    assert_eq!(world.port.violations(), Vec::<String>::new());

    // What a user deletes later stays deleted.
    assert_nothing_is_installed_again(&world).await;
}

#[tokio::test]
async fn the_mapping_leaves_out_what_an_existing_blueprint_does_not_have() {
    let world = world_with(&[]).await;
    let own = json!({
        "identifier": "s3Bucket", "title": "Ours", "icon": "Bucket",
        "schema": {"properties": {
            "arn": {"type": "string"},
            "creationDate": {"type": "string", "format": "date-time"},
            "tags": {"type": "object"},
        }, "required": []},
        "relations": {}, "mirrorProperties": {}, "calculationProperties": {},
    });
    world.port.put_blueprint(own);
    let before = world.port.blueprints()["s3Bucket"].clone();
    let bucket = world.organization.place("alpha", REGION).create_bucket("logs", &[("team", "sea")]).await;
    let resync = world.resync().await;

    let problems = resync.summary["mappingProblems"].as_array().expect("problems").clone();
    assert_eq!(problems.len(), 1, "{problems:?}");
    let problem = problems[0].as_str().unwrap_or_default();
    for told in [
        "`s3Bucket`",
        "AWS::S3::Bucket",
        "property `region` (string)",
        "property `tags` (array, but object there)",
        "relation `account` (to one `awsAccount`)",
    ] {
        assert!(problem.contains(told), "{told} is missing in {problem}");
    }
    assert!(!problem.contains("`arn`") && !problem.contains("`creationDate`"), "{problem}");
    assert_eq!(world.port.blueprints()["s3Bucket"], before);
    let arn = format!("arn:aws:s3:::{bucket}");
    let entity = world.port.entity("s3Bucket", &arn).expect("the bucket");
    assert_eq!(entity["properties"]["arn"], arn);
    assert!(entity["properties"]["creationDate"].is_string(), "{entity}");
    assert_eq!(world.port.violations(), Vec::<String>::new());

    world.clear_calls().await;
    let next = world.resync().await;
    assert_eq!(next.summary["outcome"], "completed", "{:#}", next.summary);
    assert_nothing_is_installed_again(&world).await;
}

#[tokio::test]
async fn credentials_that_may_not_create_blueprints_end_the_run() {
    for (status, error) in [(403, "forbidden"), (401, "unauthorized")] {
        let world = world_with(&[]).await;
        world.port.fail(Fault::answer(CREATE_BLUEPRINT, status, error, "a viewer cannot do that").for_ever());
        let message = match world.schedule(json!({})).await {
            Err(InvocationFailure::Failed { message, .. }) => message,
            other => panic!("a failure was expected: {other:?}"),
        };
        for told in ["a viewer cannot do that", "right to create", "PORTOLAN_DEFAULT_RESOURCES=none"] {
            assert!(message.contains(told), "{told} is missing in {message}");
        }
        assert_eq!(blueprints(&world), Vec::<String>::new());
        assert_eq!(world.port.integration(IDENTIFIER), None);
        assert_eq!(world.organization.state_keys("").await, Vec::<String>::new());

        // With the right, everything is installed as if it had always been there.
        world.port.clear_faults();
        let answer = start(&world).await;
        assert_eq!(answer["mappingProblems"], Value::Null);
        assert_eq!(blueprints(&world), CORE);
        assert!(record(&world)["config"].to_string().contains("\"account\""));
    }
}

#[tokio::test]
async fn all_kinds_are_installed_where_they_are_asked_for() {
    let world = world_with(&[(SET, "all")]).await;
    let answer = start(&world).await;
    assert_eq!(answer["mappingProblems"], Value::Null);
    assert_eq!(blueprints(&world).len(), KINDS.len());
    assert_eq!(mapped_kinds(&world), KINDS.iter().map(|kind| kind.name.to_owned()).collect());
    let related = &world.port.blueprints()["awsAccount"]["relations"]["organizationsAccount"];
    assert_eq!(related["target"], "organizationsAccount");
    assert_eq!(world.port.violations(), Vec::<String>::new());
    assert_nothing_is_installed_again(&world).await;
}

#[tokio::test]
async fn what_all_defaults_make_of_resources_is_accepted() {
    let world = world_with(&[(SET, "all")]).await;
    let alpha = world.organization.place("alpha", REGION);
    alpha.create_bucket("logs", &[("team", "sea")]).await;
    alpha.run_instance(&[("Name", "web")]).await;
    alpha.create_ecs_cluster("main", &[("team", "sea")]).await;
    alpha.create_topic("alerts", &[]).await;
    alpha.create_function("resize", &[("team", "sea")]).await;
    let dead = alpha.create_queue("dead", &[]).await;
    let jobs = alpha.create_queue("jobs", &[("team", "sea")]).await;
    let redrive = json!({"deadLetterTargetArn": dead.arn(), "maxReceiveCount": 3}).to_string();
    let attributes = json!({"QueueUrl": jobs.url, "Attributes": {"RedrivePolicy": redrive}});
    alpha.call("sqs", "set_queue_attributes", attributes).await;
    let resync = world.resync().await;

    let kinds = resync.summary["kinds"].as_object().expect("counts by kind");
    let refused: Vec<&String> =
        kinds.iter().filter(|(_, counts)| counts["refused"] != 0).map(|(kind, _)| kind).collect();
    assert_eq!(refused, Vec::<&String>::new(), "{:#}", resync.summary);
    let queue = world.port.entity("sqsQueue", &jobs.arn()).expect("the queue");
    assert_eq!(queue["relations"]["deadLetterQueue"], dead.arn());
    let account = world.organization.account("alpha");
    let related = world.port.entity("awsAccount", account).expect("the account");
    assert_eq!(related["relations"]["organizationsAccount"], account);
    assert!(world.port.entity("organizationsAccount", account).expect("its other side")["title"].is_string());
}

#[tokio::test]
async fn without_an_organization_nothing_relates_to_one() {
    let plan = OrganizationPlan::new().regions(&[REGION]);
    let settings = [("OCEAN__INTEGRATION__CONFIG__ACCOUNT_ROLE_ARN", ""), (SET, "all")];
    let world = World::create_empty(plan, &settings).await;
    let answer = start(&world).await;
    assert_eq!(answer["mappingProblems"], Value::Null);
    assert_eq!(blueprints(&world).len(), KINDS.len() - 1);
    assert!(!mapped_kinds(&world).contains("AWS::Organizations::Account"));
    assert_eq!(world.port.blueprints()["awsAccount"]["relations"], json!({}));
}

#[tokio::test]
async fn nothing_is_installed_where_that_is_not_wanted() {
    for setting in [(SET, "none"), ("OCEAN__INITIALIZE_PORT_RESOURCES", "false")] {
        let world = world_with(&[setting]).await;
        match world.schedule(json!({})).await {
            Err(InvocationFailure::Failed { message, .. }) => assert!(message.contains("no mapping"), "{message}"),
            other => panic!("a failure was expected: {other:?}"),
        }
        assert_eq!(blueprints(&world), Vec::<String>::new());
        // The record is there, for a mapping to be written into.
        assert_eq!(record(&world)["config"], json!({}));
        assert_ne!(record(&world)["arePortResourcesInitialized"], json!(true));
        assert_eq!(world.organization.state_keys("").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_record_without_a_mapping_gets_one_and_a_mapping_is_left_alone() {
    let own = mapping_of(&[TOPIC]);
    for config in [Value::Null, json!({}), own.clone()] {
        let world = world_with(&[]).await;
        world.port.put_integration(json!({
            "installationId": IDENTIFIER,
            "installationAppType": "aws-v3",
            "version": "0.1.0",
            "changelogDestination": {},
            "config": config,
        }));
        let topics = json!({
            "identifier": "snsTopic", "title": "Ours", "schema": {"properties": {}, "required": []}, "relations": {},
            "mirrorProperties": {}, "calculationProperties": {},
        });
        world.port.put_blueprint(topics);
        let problems = start(&world).await["mappingProblems"].to_string();
        assert_eq!(blueprints(&world), CORE);
        // What the default mapping leaves out does not concern another one.
        assert_eq!(problems.contains("`snsTopic`"), config != own, "{problems}");
        match config == own {
            true => assert_eq!(record(&world)["config"], own),
            false => assert_eq!(mapped_kinds(&world).len(), CORE.len()),
        }
        assert_nothing_is_installed_again(&world).await;
    }
}

#[tokio::test]
async fn a_refused_blueprint_is_told_spoils_no_other_and_is_tried_again() {
    let world = world_with(&[]).await;
    world.port.fail(Fault::answer(CREATE_BLUEPRINT, 422, "invalid_request", "such an icon is unknown"));
    let answer = start(&world).await;
    let problems = answer["mappingProblems"].to_string();
    let relations =
        "`account` of `s3Bucket`, `account` of `ec2Instance`, `account` of `ecsCluster`, `account` of `snsTopic`";
    for told in ["`awsAccount`", "AWS::Account::Info", "such an icon is unknown", relations] {
        assert!(problems.contains(told), "{told} is missing in {problems}");
    }
    assert_eq!(blueprints(&world), ["ec2Instance", "ecsCluster", "s3Bucket", "snsTopic"]);
    // Everything else works, without the relation that cannot be.
    for blueprint in world.port.blueprints().into_values() {
        assert_eq!(blueprint["relations"], json!({}), "{blueprint}");
    }
    assert!(!record(&world)["config"].to_string().contains("\"account\""));
    assert_eq!(mapped_kinds(&world).len(), CORE.len());

    let answer = start(&world).await;
    assert_eq!(answer["mappingProblems"], Value::Null);
    assert_eq!(blueprints(&world), CORE);
    assert_eq!(calls_of(&world, CREATE_BLUEPRINT).len(), 2 * CORE.len());
    assert_nothing_is_installed_again(&world).await;
}
