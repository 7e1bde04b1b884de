//! `make bench-target`: one target of very many resources under a time limit that forces it to be continued again and
//! again; what that costs, and how much memory a worker needs for it.
//!
//! The functions are the built ones. AWS Lambda is emulated as far as it is listed, the state bucket lies in the memory
//! of this process, and the rest of AWS is moto. Ends with 1 when the catalog is not as it should be; the limits of
//! memory are reported.

#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "the system tests use the rest of it")]
mod support;

mod measure;
mod settings;

use std::process::ExitCode;

use measure::Measured;
use settings::Settings;
use support::aws::OrganizationPlan;
use support::big::{BLUEPRINT, Bucket, ManyFunctions, Shape, functions_mapping};
use support::lambda::{Limits, PumpEnd};
use support::world::World;

const REGION: &str = "us-east-1";

#[tokio::main]
async fn main() -> ExitCode {
    let settings = Settings::from_environment();
    let mut problems = Vec::new();
    for resources in settings.sizes.clone() {
        problems.extend(bench(&settings, resources).await);
    }
    for problem in &problems {
        println!("NOT AS IT SHOULD BE: {problem}");
    }
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One target of so many resources: everything new, and again with nothing changed.
async fn bench(settings: &Settings, resources: usize) -> Vec<String> {
    let plan = OrganizationPlan::new().integration_in_management_account().regions(&[REGION]);
    let mut world = World::create_empty(plan, &[]).await;
    world.install_catalog(functions_mapping());
    let bucket = Bucket::start().await;
    let functions = ManyFunctions::start(Shape {
        account: world.organization.management_account().to_owned(),
        region: REGION.to_owned(),
        functions: resources,
        page_size: settings.page_size,
        latency: settings.latency,
    })
    .await;
    println!(
        "{resources} resources of {} bytes, {} on a page that takes {} ms, invocations of {} s",
        functions.bytes_of_one(),
        settings.page_size,
        settings.latency.as_millis(),
        settings.deadline.as_secs()
    );
    let environment = [("AWS_ENDPOINT_URL_S3", bucket.endpoint()), ("AWS_ENDPOINT_URL_LAMBDA", functions.endpoint())];
    let mut problems = Vec::new();
    for name in ["everything new", "nothing changed"] {
        // New processes: memory and processor time are those of this run.
        world.redeploy(&environment).await;
        world.redeploy_worker(&environment, Limits::from(settings.deadline), 1).await;
        let measured = Measured::of_run(&world, &bucket, &functions, settings).await;
        measured.print(name, resources);
        let mut check = |what: &str, holds: bool| {
            if !holds {
                problems.push(format!("{resources} resources, {name}: {what}"));
            }
        };
        check("the queue was not empty in time", measured.end == PumpEnd::QueueEmpty);
        check("the run is not completed", measured.summary["outcome"] == "completed");
        check("the catalog is not complete", world.catalog().get(BLUEPRINT) == Some(&functions.arns()));
        // What an invocation had no time to hear of goes again in the next one.
        let sends_as_expected = match name {
            "everything new" => measured.entities_sent >= resources,
            _ => measured.entities_sent == 0,
        };
        check("not everything was sent, or something without need", sends_as_expected);
        check("messages are in the dead-letter queue", measured.dead_letters == 0);
        if !problems.is_empty() {
            println!("{:#}", measured.summary);
            world.worker.log_lines().iter().rev().take(20).rev().for_each(|line| println!("{line}"));
            break;
        }
    }
    problems
}
