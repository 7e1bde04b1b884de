//! What one run came to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::settings::Settings;
use crate::support::big::{Bucket, ManyFunctions, Traffic};
use crate::support::lambda::PumpEnd;
use crate::support::world::World;

const MEBIBYTE: f64 = 1024.0 * 1024.0;
const BULK: &str = "/blueprints/{blueprint}/entities/bulk";
/// Most memory of a worker, in MiB, for a target of at most so many resources.
const MEMORY_LIMITS: [(usize, f64); 2] = [(20_000, 64.0), (200_000, 128.0)];

pub struct Measured {
    pub end: PumpEnd,
    pub summary: Value,
    pub entities_sent: usize,
    pub dead_letters: usize,
    took: Duration,
    invocations: usize,
    target_invocations: usize,
    /// Invocations that gave their message back, or did not answer in time.
    failures: usize,
    /// By service and operation; without S3.
    aws_calls: BTreeMap<String, usize>,
    /// By route.
    port_calls: BTreeMap<String, usize>,
    traffic: Traffic,
    processes: usize,
    cpu: Duration,
    /// The most that was resident when an invocation for the target had ended, in MiB.
    target_memory: f64,
    /// The same for the whole run, its sweep included.
    memory: f64,
}

impl Measured {
    /// Makes a run, and measures it.
    pub async fn of_run(world: &World, bucket: &Bucket, functions: &ManyFunctions, settings: &Settings) -> Self {
        world.clear_calls().await;
        bucket.clear_traffic();
        functions.clear_calls();
        let started = Instant::now();
        let answer = world.schedule(json!({})).await.expect("a run starts");
        // What the scheduler did is not the worker's.
        world.clear_calls().await;
        bucket.clear_traffic();
        let mut target_memory = 0.0_f64;
        let peak = || world.worker.usages().iter().map(|usage| usage.peak_memory).max().unwrap_or_default();
        let pump = world.pump().concurrency(1).limit(settings.limit).until(|report| {
            let is_target = report.deliveries.last().is_some_and(|delivery| is_of_target(&delivery.body));
            if is_target {
                target_memory = target_memory.max(peak() as f64 / MEBIBYTE);
            }
            false
        });
        let report = pump.run().await;
        let took = started.elapsed();
        let mut aws_calls = world.organization.call_counts().await;
        aws_calls.insert("lambda:ListFunctions".to_owned(), functions.calls());
        let calls = world.port.calls();
        let bulks = calls.iter().filter(|call| call.route == BULK);
        let run = answer["run"].as_str().unwrap_or_default();
        let summary = bucket.read(&format!("{run}/summary.json")).unwrap_or_default();
        let usages = world.worker.usages();
        Self {
            end: report.end,
            summary: serde_json::from_slice(&summary).unwrap_or_default(),
            entities_sent: bulks.map(|call| call.items).sum(),
            dead_letters: report.dead_letters.len(),
            took,
            invocations: report.invocations(),
            target_invocations: report.deliveries.iter().filter(|delivery| is_of_target(&delivery.body)).count(),
            failures: report.failures().len(),
            aws_calls,
            port_calls: world.port.call_counts(),
            traffic: bucket.traffic(),
            processes: usages.len(),
            cpu: usages.iter().map(|usage| usage.cpu).sum(),
            target_memory,
            memory: peak() as f64 / MEBIBYTE,
        }
    }

    pub fn print(&self, name: &str, resources: usize) {
        let mebibytes = |bytes: u64| bytes as f64 / MEBIBYTE;
        println!("  {name}, in {:.0} s", self.took.as_secs_f64());
        println!(
            "    invocations  {}, of which {} for the target: {} continuations; {} failed",
            self.invocations,
            self.target_invocations,
            self.target_invocations.saturating_sub(1),
            self.failures
        );
        println!("    AWS calls    {}", counts(&self.aws_calls));
        println!("    S3 calls     {}", counts(&self.traffic.calls));
        println!(
            "    S3 bytes     {:.1} MiB written, {:.1} MiB read, the largest object has {:.1} MiB",
            mebibytes(self.traffic.bytes_written),
            mebibytes(self.traffic.bytes_read),
            mebibytes(self.traffic.largest_object)
        );
        println!("    Port calls   {}; {} entities sent", counts(&self.port_calls), self.entities_sent);
        println!("    CPU          {:.2} s in {} processes", self.cpu.as_secs_f64(), self.processes);
        println!(
            "    memory       {:.1} MiB at most for the target, {:.1} MiB with the sweep{}",
            self.target_memory,
            self.memory,
            self.verdict(resources)
        );
    }

    fn verdict(&self, resources: usize) -> String {
        let Some((_, limit)) = MEMORY_LIMITS.iter().find(|(most, _)| resources <= *most) else {
            return String::new();
        };
        let verdict = if self.memory < *limit { "within" } else { "ABOVE" };
        format!(": {verdict} the limit of {limit} MiB")
    }
}

fn is_of_target(body: &str) -> bool {
    body.contains("\"sync\"")
}

/// The sum, and what it is made of.
fn counts<Name: std::fmt::Display>(counts: &BTreeMap<Name, usize>) -> String {
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    format!("{} ({})", counts.values().sum::<usize>(), parts.join(", "))
}
