//! A run that finds everything new, and one that finds nothing changed.

use crate::support::aws::OrganizationPlan;
use crate::support::world::World;

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

#[tokio::test]
async fn promise_2_an_organization_arrives_and_an_unchanged_one_sends_nothing() {
    let plan = OrganizationPlan::new();
    let plan = plan.member("alpha", "Workloads/Production").member("beta", "Workloads").regions(&REGIONS);
    let world = World::create(plan).await;
    let alpha = world.organization.place("alpha", "eu-west-1");
    let bucket = alpha.create_bucket("logs", &[("team", "sea")]).await;
    let instance = alpha.run_instance(&[("Name", "web")]).await;
    let cluster = alpha.create_ecs_cluster("main", &[]).await;
    let topic = alpha.create_topic("alerts", &[]).await;
    let queue = alpha.create_queue("jobs", &[("team", "sea")]).await;
    let function = alpha.create_function("resize", &[("team", "sea")]).await;

    let first = world.resync().await;
    let log = world.worker.log_lines().join("\n");
    assert_eq!(first.summary["outcome"], "completed", "{:#}\n{log}", first.summary);
    for (blueprint, identifier) in [
        ("s3Bucket", format!("arn:aws:s3:::{bucket}")),
        ("ec2Instance", instance.clone()),
        ("ecsCluster", cluster),
        ("snsTopic", topic),
        ("sqsQueue", queue.arn()),
        ("lambdaFunction", function),
    ] {
        let entity = world.port.entity(blueprint, &identifier);
        let entity = entity.unwrap_or_else(|| panic!("{blueprint} {identifier} is missing"));
        assert_eq!(entity["relations"]["account"], world.organization.account("alpha"), "{blueprint}");
    }
    for account in world.organization.accounts().values() {
        assert!(world.port.entity("awsAccount", account).is_some(), "{account}");
        assert!(world.port.entity("organizationsAccount", account).is_some(), "{account}");
    }
    assert_eq!(world.port.entity("ec2Instance", &instance).unwrap_or_default()["title"], "web");
    assert_eq!(world.port.violations(), Vec::<String>::new());
    assert!(world.ledger_writes().await > 0);

    let ledgers = world.ledgers().await;
    world.clear_calls().await;
    let second = world.resync().await;
    assert_eq!(second.summary["outcome"], "completed", "{:#}", second.summary);
    assert_eq!(world.writes_to_port(), 0);
    assert_eq!(world.ledger_writes().await, 0);
    assert_eq!(world.ledgers().await, ledgers);
    // One of them lists what is ours, which takes one call per 5,000 entities.
    let calls: usize = world.port.call_counts().values().sum();
    assert!(calls <= 10, "{:#?}", world.port.call_counts());
}
