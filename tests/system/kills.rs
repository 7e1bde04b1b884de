//! Workers killed at any call they make: the process ends without a word, as on a machine that fails, and its message
//! comes again.

use std::collections::BTreeMap;

use serde_json::json;

use super::disturbed::{Disturbed, Random, number_from_environment};
use crate::support::lambda::{InvocationFailure, PumpReport};
use crate::support::relay::{Choice, HeldCall, Moment, Relay, any_call};
use crate::support::world::{WORKERS, World};

const KILLS: u64 = 50;
/// A message that was received five times is given up. Every kill costs the messages under way one receive, and a call
/// that arrives late may cost another, by the fence.
const KILLS_OF_A_RUN: u64 = 3;
/// Calls from the start of a run, or from one kill, to the next, at most: of all, and of those that change something,
/// which are few and the ones that matter most.
const FARTHEST: [(Choice, u64); 2] = [(any_call, 80), (is_write, 10)];
/// Calls that those who come after make before a late call arrives, at most.
const LATEST: u64 = 6;

/// What becomes of the call at which a worker is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// The other side never sees it.
    Lost,
    /// It takes effect, and nobody reads the answer.
    Unanswered,
    /// It was on its way, and arrives when another process is at work already.
    Late,
}

#[derive(Default)]
struct Tally {
    runs: u64,
    kills: u64,
    invocations: u64,
    redeliveries: u64,
    handled_failures: u64,
    /// The calls at which kills were ordered.
    calls: BTreeMap<(String, Fate), u64>,
}

#[tokio::test]
async fn promise_1_workers_killed_at_any_call_lose_and_delete_nothing() {
    let wanted = number_from_environment("PORTOLAN_KILLS").unwrap_or(KILLS);
    let mut random = Random::from_environment();
    let mut disturbed = Disturbed::create().await;
    let relay = Relay::default();
    let aws = relay.way_to(disturbed.world.organization.aws().endpoint()).await;
    let port = relay.way_to(&disturbed.world.port.base_url()).await;
    let settings = [("AWS_ENDPOINT_URL", aws.url()), ("OCEAN__PORT__BASE_URL", port.url())];
    disturbed.world.redeploy(&settings).await;

    let mut tally = Tally::default();
    while tally.kills < wanted {
        assert!(tally.runs < wanted, "runs end without kills");
        disturbed.change(&mut random).await;
        let before = disturbed.world.port.entities();
        let answer = disturbed.world.schedule(json!({})).await.expect("a run starts");
        let report = tokio::select! {
            report = disturbed.world.pump().run() => report,
            () = kill(&disturbed.world, &relay, &mut random, &mut tally) => unreachable!("it goes on for ever"),
        };
        // What was to arrive late does so now, before anything else is done.
        relay.is_idle().await;
        tally.add(&report);
        let summary = disturbed.world.summary(&answer).await;
        assert_eq!(summary["outcome"], "completed", "{summary:#}\n{}", disturbed.world.worker.log_lines().join("\n"));
        disturbed.look(&before).await;
    }
    let processes = disturbed.world.worker.usages().len();
    tally.print(processes, &disturbed);
    disturbed.assert_undisturbed().await;
}

/// Kills a few times in one run, then waits for ever.
async fn kill(world: &World, relay: &Relay, random: &mut Random, tally: &mut Tally) {
    let mut late: Option<HeldCall> = None;
    for number in 0..KILLS_OF_A_RUN {
        let fate = match number {
            0 => random.one_of(&[Fate::Lost, Fate::Unanswered, Fate::Late]),
            _ => random.one_of(&[Fate::Lost, Fate::Unanswered]),
        };
        let moment = if fate == Fate::Unanswered { Moment::After } else { Moment::Before };
        let (choice, farthest) = random.one_of(&FARTHEST);
        let call = relay.hold(random.up_to(farthest), choice, moment).await;
        *tally.calls.entry((family(&call.name), fate)).or_default() += 1;
        world.worker.kill().await;
        match fate {
            Fate::Lost | Fate::Unanswered => call.cut(),
            Fate::Late => late = Some(call),
        }
        if let Some(late) = late.take() {
            let successor = relay.hold(random.up_to(LATEST), any_call, Moment::Before).await;
            late.pass();
            successor.pass();
        }
    }
    std::future::pending().await
}

/// Whether a call changes state, queue or catalog.
fn is_write(name: &str) -> bool {
    let writes = ["PUT /", "DELETE /", "AmazonSQS."];
    writes.iter().any(|beginning| name.starts_with(beginning)) || name.contains("/entities/")
}

/// The name of a call without what is particular to one.
fn family(name: &str) -> String {
    let Some((method, path)) = name.split_once(" /") else {
        return name.to_owned();
    };
    let places = ["ledgers", "done", "plan.json", "mapping.json", "current.json", "known.json", "summary.json"];
    let places = places.iter().chain(&["sweep.json", "journal.json", "bulk/entities/delete", "entities/bulk"]);
    let place = places.copied().find(|place| path.contains(place));
    // Other paths name nothing that differs from run to run, beside the bucket.
    format!("{method} {}", place.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default()))
}

impl Tally {
    fn add(&mut self, report: &PumpReport) {
        self.runs += 1;
        for delivery in &report.deliveries {
            let is_killed = delivery.outcome == Err(InvocationFailure::ProcessDied);
            self.invocations += 1;
            self.kills += u64::from(is_killed);
            self.redeliveries += u64::from(delivery.receive_count > 1);
            self.handled_failures += u64::from(!delivery.succeeded && !is_killed);
        }
    }

    fn print(&self, processes: usize, disturbed: &Disturbed) {
        println!(
            "{} kills in {} runs, {} restarts, {} invocations, {} redeliveries, {} handled failures, \
             {} entities lost, {} wrongly deleted",
            self.kills,
            self.runs,
            processes.saturating_sub(WORKERS),
            self.invocations,
            self.redeliveries,
            self.handled_failures,
            disturbed.lost.len(),
            disturbed.wrongly_deleted.len()
        );
        for ((call, fate), count) in &self.calls {
            println!("  {count:>4}  {call}, {fate:?}");
        }
    }
}
