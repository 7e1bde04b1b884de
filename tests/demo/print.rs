//! What the demo shows.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::seed::{REGIONS, Seeded};
use crate::support::world::{Resync, World};

pub fn heading(text: &str) {
    println!("\n{text}\n{}", "─".repeat(text.chars().count()));
}

/// The names of the accounts by their ids.
pub fn account_names(world: &World) -> BTreeMap<String, String> {
    let accounts = world.organization.accounts().iter();
    accounts.map(|(name, id)| (id.clone(), name.clone())).collect()
}

pub fn organization(world: &World, seeded: &Seeded) {
    for (name, id) in world.organization.accounts() {
        let note = match id {
            id if *id == seeded.locked_account => "  (without the read role)",
            id if *id == seeded.suspended_account => "  (suspended)",
            _ => "",
        };
        println!("  {id}  {name}{note}");
    }
    println!("  regions: {}", REGIONS.join(", "));
}

/// What a run did, and what it called how often.
pub async fn run(world: &World, run: &Resync) {
    let summary = &run.summary;
    println!(
        "  run {}: {}, {} accounts, {} targets, {} invocations of the worker",
        summary["run"].as_str().unwrap_or_default(),
        summary["outcome"].as_str().unwrap_or_default(),
        summary["accounts"],
        summary["targets"],
        run.report.invocations()
    );
    let deletions = &summary["deletions"];
    println!(
        "  deleted {}, kept because claimed elsewhere {}, missing in Port {}, unknown in Port {}",
        deletions["deleted"], deletions["keptClaimed"], deletions["missingInPort"], deletions["unknownInPort"]
    );
    println!("  {:<30} {:>9} {:>9} {:>9} {:>9} {:>9}", "kind", "resources", "entities", "sent", "unchanged", "refused");
    for (kind, counts) in summary["kinds"].as_object().into_iter().flatten() {
        println!(
            "  {kind:<30} {:>9} {:>9} {:>9} {:>9} {:>9}",
            counts["resources"].to_string(),
            counts["entities"].to_string(),
            counts["accepted"].to_string(),
            counts["unchanged"].to_string(),
            counts["refused"].to_string()
        );
    }
    counts("AWS calls", &world.organization.call_counts().await);
    counts("Port calls", &world.port.call_counts());
}

fn counts(title: &str, counts: &BTreeMap<String, usize>) {
    println!("  {title}: {}", counts.values().sum::<usize>());
    for (name, count) in counts {
        println!("    {count:>5}  {name}");
    }
}

/// The catalog by blueprint and account.
pub fn catalog(world: &World) {
    let names = account_names(world);
    let mut table: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for ((blueprint, identifier), entity) in world.port.entities() {
        let account = entity["relations"]["account"].as_str().unwrap_or(&identifier).to_owned();
        let account = names.get(&account).cloned().unwrap_or(account);
        *table.entry(blueprint).or_default().entry(account).or_default() += 1;
    }
    println!("  The catalog:");
    for (blueprint, accounts) in table {
        let total: usize = accounts.values().sum();
        println!("    {blueprint}: {total}");
        if accounts.len() < total || !blueprint.ends_with("Account") {
            accounts.iter().for_each(|(account, count)| println!("      {count:>4}  {account}"));
        }
    }
}

/// Which accounts could not be entered, and why.
pub fn inaccessible(summary: &Value) {
    for account in summary["inaccessibleAccounts"].as_array().into_iter().flatten() {
        let text = |member: &str| account[member].as_str().unwrap_or_default().to_owned();
        println!(
            "  Could not be entered: {} {}\n    {}\n    check {}",
            text("account"),
            text("name"),
            text("reason"),
            text("check")
        );
    }
}
