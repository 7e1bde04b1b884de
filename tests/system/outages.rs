//! Port or AWS out of reach during a run, and back again: how long is counted in calls that were lost.

use std::time::Duration;

use serde_json::json;

use super::disturbed::{Disturbed, Random};
use crate::support::lambda::Pump;
use crate::support::relay::{Moment, Relay, any_call};

const OUTAGES: u32 = 3;
/// Runs in which so many outages begin, even where some end before.
const MOST_RUNS: u32 = 20;
/// Calls to Port before an outage begins: a run makes few.
const FARTHEST_IN_PORT: u64 = 6;
const FARTHEST_IN_AWS: u64 = 60;
/// Calls lost in an outage, at most. A message is given up with its fifth receive; so many calls are not enough to
/// bring it there.
const MOST_LOST_IN_PORT: u64 = 8;
const MOST_LOST_IN_AWS: u64 = 6;

#[tokio::test]
async fn promise_2_a_port_that_stops_and_starts_again_is_complete_in_the_end() {
    let mut random = Random::from_environment();
    let mut disturbed = Disturbed::create().await;
    let relay = Relay::default();
    let way = relay.way_to(&disturbed.world.port.base_url()).await;
    disturbed.world.redeploy(&[("OCEAN__PORT__BASE_URL", way.url())]).await;
    let mut outages = 0;
    for _ in 0..MOST_RUNS {
        if outages == OUTAGES {
            break;
        }
        disturbed.change(&mut random).await;
        let before = disturbed.world.port.entities();
        disturbed.world.schedule(json!({})).await.expect("a run starts");
        let world = &mut disturbed.world;
        let (organization, worker) = (&world.organization, &world.worker);
        let pump = Pump::new(organization.aws(), organization.queue(), organization.dead_letter_queue(), worker);
        let port = &mut world.port;
        let outage = async {
            let call = relay.hold(random.up_to(FARTHEST_IN_PORT), any_call, Moment::Before).await;
            port.stop().await;
            outages += 1;
            call.pass();
            way.lost(random.up_to(MOST_LOST_IN_PORT)).await;
            port.restart().await;
            std::future::pending().await
        };
        tokio::select! {
            report = pump.concurrency(2).limit(Duration::from_secs(240)).run() => drop(report),
            () = outage => unreachable!("it waits for ever"),
        }
        // The run may have ended without Port.
        disturbed.world.port.restart().await;
        disturbed.look(&before).await;
    }
    println!("{outages} outages of Port");
    assert_eq!(outages, OUTAGES);
    disturbed.assert_undisturbed().await;
}

/// moto keeps its state in memory and would lose it if it were stopped. So it is the way to it that breaks: every
/// connection is cut before moto sees the call.
#[tokio::test]
async fn promise_2_an_aws_that_is_out_of_reach_for_a_while_costs_nothing() {
    let mut random = Random::from_environment();
    let mut disturbed = Disturbed::create().await;
    let relay = Relay::default();
    let way = relay.way_to(disturbed.world.organization.aws().endpoint()).await;
    disturbed.world.redeploy(&[("AWS_ENDPOINT_URL", way.url())]).await;
    let mut outages = 0;
    for _ in 0..MOST_RUNS {
        if outages == OUTAGES {
            break;
        }
        disturbed.change(&mut random).await;
        let before = disturbed.world.port.entities();
        disturbed.world.schedule(json!({})).await.expect("a run starts");
        let outage = async {
            let call = relay.hold(random.up_to(FARTHEST_IN_AWS), any_call, Moment::Before).await;
            way.close();
            outages += 1;
            call.pass();
            way.lost(random.up_to(MOST_LOST_IN_AWS)).await;
            way.open();
            std::future::pending().await
        };
        tokio::select! {
            report = disturbed.world.pump().run() => drop(report),
            () = outage => unreachable!("it waits for ever"),
        }
        way.open();
        disturbed.look(&before).await;
    }
    println!("{outages} outages of AWS");
    assert_eq!(outages, OUTAGES);
    disturbed.assert_undisturbed().await;
}
