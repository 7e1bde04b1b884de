//! A target that one invocation has no time for: each goes on where the one before stopped.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::disturbed::Random;
use super::small::{BULK, DELETE, REGION, calls_of};
use crate::support::aws::OrganizationPlan;
use crate::support::big::{BLUEPRINT, ManyFunctions, Shape, functions_mapping};
use crate::support::lambda::{InvocationFailure, Limits, PumpReport};
use crate::support::relay::{Moment, Relay, any_call};
use crate::support::world::{WORKERS, World};

const FUNCTIONS: usize = 3000;
/// One of so many vanishes.
const VANISHING: usize = 30;
/// So many pages take longer than what is announced, on any machine; that is all the latency is for.
const LATENCY: Duration = Duration::from_millis(300);
const LIMITS: Limits = Limits { announced: Duration::from_secs(10), enforced: Duration::from_secs(300) };
/// Kills within the one target: fewer than the receives after which its message is given up.
const KILLS: usize = 3;
/// Calls from one kill to the next, at most: the whole target takes some 250.
const FARTHEST: u64 = 150;

#[tokio::test]
async fn promise_4_a_target_that_takes_many_invocations_is_complete_at_the_end() {
    let (mut world, functions) = big_world(LATENCY).await;
    world.redeploy_worker(&[("AWS_ENDPOINT_URL_LAMBDA", functions.endpoint())], LIMITS, WORKERS).await;
    let first = world.resync().await;
    assert_eq!(first.summary["outcome"], "completed", "{:#}", first.summary);
    assert!(target_invocations(&first.report) > 1, "one invocation was enough: nothing was continued");
    assert_eq!(world.catalog().get(BLUEPRINT), Some(&functions.arns()));
    println!("{} invocations for everything new", target_invocations(&first.report));
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

#[tokio::test]
async fn promise_4_workers_killed_within_a_big_target_leave_it_to_others_to_complete() {
    let mut random = Random::from_environment();
    let (mut world, functions) = big_world(Duration::ZERO).await;
    let relay = Relay::default();
    let lambda = relay.way_to(functions.endpoint()).await;
    let aws = relay.way_to(world.organization.aws().endpoint()).await;
    let port = relay.way_to(&world.port.base_url()).await;
    let settings = [
        ("AWS_ENDPOINT_URL_LAMBDA", lambda.url()),
        ("AWS_ENDPOINT_URL", aws.url()),
        ("OCEAN__PORT__BASE_URL", port.url()),
    ];
    world.redeploy(&settings).await;
    let answer = world.schedule(json!({})).await.expect("a run starts");
    let killer = async {
        for _ in 0..KILLS {
            let moment = random.one_of(&[Moment::Before, Moment::After]);
            let call = relay.hold(random.up_to(FARTHEST), any_call, moment).await;
            println!("killed at {}", call.name);
            world.worker.kill().await;
            call.cut();
        }
        std::future::pending().await
    };
    let report = tokio::select! {
        report = world.pump().run() => report,
        () = killer => unreachable!("it waits for ever"),
    };
    let is_killed = |failure: &InvocationFailure| *failure == InvocationFailure::ProcessDied;
    let killed = report.deliveries.iter().filter(|delivery| delivery.outcome.as_ref().is_err_and(is_killed)).count();
    assert!(killed > 0, "nobody was killed");
    assert_eq!(world.summary(&answer).await["outcome"], "completed");
    assert_eq!(world.catalog().get(BLUEPRINT), Some(&functions.arns()));
    assert_eq!(deleted(&world), BTreeSet::new());
    assert_eq!(report.dead_letters, Vec::<String>::new());

    world.clear_calls().await;
    let next = world.resync().await;
    assert_eq!(next.summary["outcome"], "completed", "{:#}", next.summary);
    assert_eq!(world.writes_to_port(), 0);
}

/// One account, one region, one kind.
async fn big_world(latency: Duration) -> (World, ManyFunctions) {
    let plan = OrganizationPlan::new().integration_in_management_account().regions(&[REGION]);
    let mut world = World::create_empty(plan, &[]).await;
    world.install_catalog(functions_mapping());
    let functions = ManyFunctions::start(Shape {
        account: world.organization.management_account().to_owned(),
        region: REGION.to_owned(),
        functions: FUNCTIONS,
        page_size: 50,
        latency,
    })
    .await;
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
