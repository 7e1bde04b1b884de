//! A run that finds everything new, and one that finds nothing changed.

use crate::support::aws::OrganizationPlan;
use crate::support::world::World;

const REGIONS: [&str; 2] = ["us-east-1", "eu-west-1"];

#[tokio::test]
async fn an_organization_arrives_and_an_unchanged_one_sends_nothing() {
    let plan =
        OrganizationPlan::new().member("alpha", "Workloads/Production").member("beta", "Workloads").regions(&REGIONS);
    let world = World::create(plan).await;
    let alpha = world.organization.place("alpha", "eu-west-1");
    let bucket = alpha.create_bucket("logs", &[("team", "sea")]).await;
    let instance = alpha.run_instance(&[("Name", "web")]).await;
    let cluster = alpha.create_ecs_cluster("main", &[]).await;
    let topic = alpha.create_topic("alerts", &[]).await;
    let queue = alpha.create_queue("jobs", &[("team", "sea")]).await;
    let function = alpha.create_function("resize", &[("team", "sea")]).await;

    let first = world.resync().await;
    assert_eq!(first.summary["outcome"], "completed", "{:#}\n{}", first.summary, world.worker.log_lines().join("\n"));
    println!("{:#?} {bucket} {instance} {cluster} {topic} {:?} {function}", world.catalog(), queue.url);
    println!("{:#?}\n{:#?}", world.organization.call_counts().await, world.port.call_counts());
    assert_eq!(world.port.violations(), Vec::<String>::new());

    let ledgers = world.ledgers().await;
    world.clear_calls().await;
    let second = world.resync().await;
    assert_eq!(second.summary["outcome"], "completed", "{:#}", second.summary);
    println!("{:#?}\n{:#?}", world.organization.call_counts().await, world.port.call_counts());
    assert_eq!(world.writes_to_port(), 0);
    assert_eq!(world.ledgers().await, ledgers);
}
