//! A target that one invocation has no time for: each goes on where the one before stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use super::small::{BULK, DELETE, REGION, calls_of};
use crate::support::aws::OrganizationPlan;
use crate::support::big::{BLUEPRINT, ManyFunctions, Shape, functions_mapping};
use crate::support::lambda::{Limits, PumpReport};
use crate::support::world::World;

const FUNCTIONS: usize = 3000;
/// One of so many vanishes.
const VANISHING: usize = 30;
/// So many pages take longer than what is announced, on any machine; that is all the latency is for.
const LATENCY: Duration = Duration::from_millis(300);
const LIMITS: Limits = Limits { announced: Duration::from_secs(10), enforced: Duration::from_secs(300) };

#[tokio::test]
async fn a_target_that_takes_many_invocations_is_complete_at_the_end() {
    let (world, functions) = big_world().await;
    let first = world.resync().await;
    assert_eq!(first.summary["outcome"], "completed", "{:#}", first.summary);
    assert!(target_invocations(&first.report) > 1, "one invocation was enough: nothing was continued");
    assert_eq!(world.catalog().get(BLUEPRINT), Some(&functions.arns()));
    println!("{} invocations for everything new", target_invocations(&first.report));
    let sent: usize = calls_of(&world, BULK).iter().map(|call| call.items).sum();
    assert_eq!(sent, FUNCTIONS, "a function was sent twice");
    assert_eq!(first.report.dead_letters, Vec::<String>::new());

    let vanished: BTreeSet<String> = (0..FUNCTIONS).step_by(VANISHING).map(|number| functions.arn(number)).collect();
    functions.delete((0..FUNCTIONS).step_by(VANISHING));
    world.clear_calls().await;
    let second = world.resync().await;
    assert_eq!(second.summary["outcome"], "completed", "{:#}", second.summary);
    assert!(target_invocations(&second.report) > 1, "one invocation was enough: nothing was continued");
    println!("{} invocations for what vanished", target_invocations(&second.report));
    assert_eq!(deleted(&world), vanished);
    assert_eq!(second.summary["deletions"]["deleted"], vanished.len());
    assert_eq!(world.catalog().get(BLUEPRINT), Some(&functions.arns()));
    assert_eq!(calls_of(&world, BULK).len(), 0);
}

/// One account, one region, one kind.
async fn big_world() -> (World, ManyFunctions) {
    let plan = OrganizationPlan::new().integration_in_management_account().regions(&[REGION]);
    let mut world = World::create_empty(plan, &[]).await;
    world.install_catalog(functions_mapping());
    let functions = ManyFunctions::start(Shape {
        account: world.organization.management_account().to_owned(),
        region: REGION.to_owned(),
        functions: FUNCTIONS,
        page_size: 50,
        latency: LATENCY,
    })
    .await;
    let settings = [("AWS_ENDPOINT_URL_LAMBDA", functions.endpoint())];
    world.redeploy_worker(&settings, LIMITS, 2).await;
    (world, functions)
}

/// How often somebody worked on the one target.
fn target_invocations(report: &PumpReport) -> usize {
    report.deliveries.iter().filter(|delivery| delivery.body.contains("\"sync\"")).count()
}

/// The identifiers that Port was asked to delete.
fn deleted(world: &World) -> BTreeSet<String> {
    let bodies = calls_of(world, DELETE).into_iter().map(|call| call.json());
    let lists = bodies.map(|body| body["entities"].as_array().cloned().unwrap_or_default());
    lists.flatten().map(|identifier| identifier.as_str().unwrap_or_default().to_owned()).collect()
}
