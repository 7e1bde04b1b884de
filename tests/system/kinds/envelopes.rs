//! The whole object that mappings see, through both functions.

use serde_json::{Value, json};

use super::assert_shape;
use crate::support::aws::OrganizationPlan;
use crate::support::world::World;

const KINDS_WITH_IDENTIFIERS: [(&str, &str); 8] = [
    ("AWS::Account::Info", "account"),
    ("AWS::EC2::Instance", "instance"),
    ("AWS::ECS::Cluster", "cluster"),
    ("AWS::Lambda::Function", "function"),
    ("AWS::Organizations::Account", "\" + .Properties.Name + \""),
    ("AWS::S3::Bucket", "bucket"),
    ("AWS::SNS::Topic", "topic"),
    ("AWS::SQS::Queue", "queue"),
];

#[tokio::test]
async fn every_kind_has_its_context() {
    let plan = OrganizationPlan::new().member("alpha", "").regions(&["eu-west-1"]);
    let mut world = World::create_empty(plan, &[]).await;
    let alpha = world.organization.place("alpha", "eu-west-1");
    alpha.create_bucket("logs", &[]).await;
    alpha.run_instance(&[]).await;
    alpha.create_ecs_cluster("main", &[]).await;
    alpha.create_topic("alerts", &[]).await;
    alpha.create_queue("jobs", &[]).await;
    alpha.create_function("resize", &[]).await;
    install_raw_catalog(&mut world, alpha.account());
    let resync = world.resync().await;
    assert_eq!(resync.summary["outcome"], "completed", "{:#}", resync.summary);

    let account = alpha.account();
    let regional = json!({"AccountId": account, "Region": "eu-west-1"});
    let mut of_instance = regional.clone();
    of_instance["ReservationId"] = json!("<text>");
    of_instance["OwnerId"] = json!(account);
    of_instance["Groups"] = json!([]);
    for (identifier, kind, context, region) in [
        ("account", "AWS::Account::Info", None, None),
        ("bucket", "AWS::S3::Bucket", Some(json!({"AccountId": account})), Some("eu-west-1")),
        ("instance", "AWS::EC2::Instance", Some(of_instance), Some("eu-west-1")),
        ("cluster", "AWS::ECS::Cluster", Some(regional.clone()), Some("eu-west-1")),
        ("topic", "AWS::SNS::Topic", Some(regional.clone()), Some("eu-west-1")),
        ("queue", "AWS::SQS::Queue", Some(regional.clone()), Some("eu-west-1")),
        ("function", "AWS::Lambda::Function", Some(regional.clone()), Some("eu-west-1")),
    ] {
        let mut expected = json!({"Type": kind, "Properties": {}, "__Kind": kind, "__AccountId": account});
        if let Some(context) = context {
            expected["__ExtraContext"] = context;
        }
        if let Some(region) = region {
            expected["__Region"] = json!(region);
        }
        assert_shape(&raw_object(&world, identifier), &expected);
    }
    let kind = "AWS::Organizations::Account";
    assert_shape(&raw_object(&world, "alpha"), &json!({"Type": kind, "Properties": {}, "__Kind": kind}));
}

/// One blueprint that takes whole objects, and a mapping of all kinds onto it for the resources of one account.
fn install_raw_catalog(world: &mut World, account: &str) {
    world.port.put_blueprint(json!({
        "identifier": "raw",
        "title": "Raw",
        "schema": {"properties": {"raw": {"type": "object"}}, "required": []},
        "mirrorProperties": {},
        "calculationProperties": {},
        "aggregationProperties": {},
        "relations": {},
    }));
    let resources = KINDS_WITH_IDENTIFIERS.map(|(kind, identifier)| {
        json!({
            "kind": kind,
            "selector": {"query": format!(".__AccountId == null or .__AccountId == \"{account}\"")},
            "port": {"entity": {"mappings": {
                "identifier": format!("\"{identifier}\""),
                "blueprint": "\"raw\"",
                "properties": {"raw": "."},
            }}},
        })
    });
    world.install_catalog(json!({"resources": resources}));
}

/// What a mapping saw; its properties are tested elsewhere.
fn raw_object(world: &World, identifier: &str) -> Value {
    let entity = world.port.entity("raw", identifier);
    let entity = entity.unwrap_or_else(|| panic!("no {identifier} in {:?}", world.catalog()));
    let mut raw = entity["properties"]["raw"].clone();
    assert!(raw["Properties"].as_object().is_some_and(|properties| !properties.is_empty()), "{raw:#}");
    raw["Properties"] = json!({});
    raw
}
