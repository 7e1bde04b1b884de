//! `make demo`: an organization arrives in Port, a second run finds nothing changed, and a third one carries over
//! exactly what did.
//!
//! AWS is moto and Port an emulator; everything between them is real: the two built functions, their queue and their
//! state bucket. Ends with 1 when anything is not as it should be.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the system tests use the rest of it")]
mod support;

mod changes;
mod checks;
mod print;
mod seed;

use std::process::ExitCode;
use std::time::Instant;

use changes::Changes;
use checks::Checks;
use support::world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let started = Instant::now();
    print::heading("An organization in AWS");
    let mut world = World::create(seed::plan()).await;
    let seeded = seed::resources(&world).await;
    print::organization(&world, &seeded);

    let mut checks = Checks::default();
    first_run(&world, &seeded, &mut checks).await;
    unchanged_run(&world, &mut checks).await;
    changed_run(&mut world, &seeded, &mut checks).await;

    checks.equal("requests that break Port's published schema", &world.port.violations(), &Vec::new());
    print::heading(&format!("{} checks in {} seconds", checks.count(), started.elapsed().as_secs()));
    match checks.failures() {
        [] => {
            println!("Everything is as it should be.");
            ExitCode::SUCCESS
        }
        failures => {
            failures.iter().for_each(|failure| println!("NOT AS IT SHOULD BE: {failure}"));
            world.worker.log_lines().iter().rev().take(40).rev().for_each(|line| println!("{line}"));
            ExitCode::FAILURE
        }
    }
}

async fn first_run(world: &World, seeded: &seed::Seeded, checks: &mut Checks) {
    print::heading("Run 1: everything is new");
    world.clear_calls().await;
    let run = world.resync().await;
    print::run(world, &run).await;
    print::catalog(world);
    print::inaccessible(&run.summary);

    checks.equal(
        "inaccessible accounts",
        &checks::inaccessible_accounts(&run.summary),
        &vec![seeded.locked_account.clone()],
    );
    let suspended = &seeded.suspended_account;
    checks.is("the suspended account is not read", !world.catalog()["awsAccount"].contains(suspended));
    for (blueprint, identifiers) in &seeded.expected {
        checks.equal(
            &format!("entities of {blueprint}"),
            &world.catalog().get(blueprint).cloned().unwrap_or_default(),
            identifiers,
        );
    }
    checks.equal("dead letters", &run.report.dead_letters, &Vec::new());
    checks.is("ledgers were written, and are seen to be", world.ledger_writes().await > 0);
}

async fn unchanged_run(world: &World, checks: &mut Checks) {
    print::heading("Run 2: nothing has changed");
    let ledgers = world.ledgers().await;
    let before = world.port.entities();
    world.clear_calls().await;
    let run = world.resync().await;
    print::run(world, &run).await;

    checks.equal("upserts and deletions in an unchanged run", &world.writes_to_port(), &0);
    checks.equal("ledger writes in an unchanged run", &world.ledger_writes().await, &0);
    checks.is("the ledgers are the same, byte by byte", world.ledgers().await == ledgers);
    checks.is("Port is the same", world.port.entities() == before);
    let calls: usize = world.port.call_counts().values().sum();
    checks.is(&format!("fewer than 10 calls to Port, and one for the listing ({calls})"), calls <= 10);
}

async fn changed_run(world: &mut World, seeded: &seed::Seeded, checks: &mut Checks) {
    print::heading("The organization changes");
    let before = world.port.entities();
    let expected = seed::change(world, seeded).await;
    print::heading("Run 3: what changed, and nothing else");
    world.clear_calls().await;
    let run = world.resync().await;
    print::run(world, &run).await;
    let found = Changes::between(&before, &world.port.entities());
    found.print(&print::account_names(world));
    checks.equal("changes in Port", &found, &expected);
}
