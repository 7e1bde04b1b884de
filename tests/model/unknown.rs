//! What the sweep does with entities in Port that no ledger knows.

use std::collections::BTreeSet;

use portolan::run::{FoundBy, InaccessibleAccount, Listing, Mode};
use portolan::seams::EntityKey;
use portolan::target::Target;
use serde_json::json;

use super::bench::{ACCOUNT_KIND, BUCKET_KIND, Bench, account, bucket, global, names, sent};
use super::run_plan::found_by;

/// One account with a live bucket, and one bucket in Port that no ledger knows.
async fn bench_with_unknown(mode: Mode) -> Bench {
    let mut bench = Bench::new(2);
    bench.plan.mode = mode;
    // An earlier run found the accounts in the same way, and left no ledger.
    bench.put_known(bench.plan.strategy.clone()).await;
    bench.put_ledger(&global(1), [(BUCKET_KIND, bucket("live"), sent(0))]).await;
    bench.put_into_port([bucket("live"), bucket("unknown")]);
    bench
}

fn inaccessible(bench: &mut Bench) {
    let lost = account(2);
    bench.plan.accounts.remove(&lost);
    bench.plan.targets.retain(|target| target.account() != Some(&lost));
    let (name, reason, check) = (String::new(), "denied".to_owned(), String::new());
    let found = InaccessibleAccount { account: lost.clone(), name, reason, check };
    bench.plan.inaccessible.insert(lost, found);
}

#[tokio::test]
async fn promise_2_what_no_ledger_knows_goes_in_a_full_run_that_saw_everything() {
    let bench = bench_with_unknown(Mode::Full).await;
    let deletions = bench.run().await.deletions.expect("the run has ended");
    assert_eq!((deletions.deleted, deletions.unknown_deleted, deletions.unknown_in_port), (1, 1, 0));
    assert_eq!(bench.is_owned(), BTreeSet::from([bucket("live")]));
    let journal = bench.journal().await;
    assert_eq!(names(&journal), ["\"bucket\" \"unknown\""]);
    assert_eq!(journal[0]["reason"], "no resource gives it; found by a full run");
}

#[tokio::test]
async fn promise_1_what_no_ledger_knows_stays_where_something_was_not_seen() {
    type Change = fn(&mut Bench);
    let changes: [(&str, Change); 9] = [
        ("an incremental run", |bench| bench.plan.mode = Mode::Incremental),
        ("an inaccessible account", inaccessible),
        ("accounts that are found in another way", |bench| bench.plan.strategy = found_by(FoundBy::SingleAccount)),
        ("a region that is being enabled", |bench| {
            for planned in bench.plan.accounts.values_mut() {
                planned.changing_regions.push("me-central-1".to_owned());
            }
        }),
        ("a narrowed run", |bench| {
            bench.plan.narrowing.accounts.extend([account(1), account(2)]);
        }),
        ("an account that is left out", |bench| bench.plan.strategy.excluded_accounts.extend([account(3)])),
        ("a disabled entry", |bench| {
            let mut broken = bench.document["resources"][0].clone();
            broken["selector"]["query"] = json!(".x [");
            bench.document["resources"].as_array_mut().expect("a list").push(broken);
        }),
        ("a blueprint that an incomplete kind may give", |bench| {
            bench.document["resources"][0]["port"]["entity"]["mappings"]["blueprint"] = json!(".Properties.Name");
        }),
        ("a search query that may have led to it", |bench| {
            let rule = json!({"property": "$title", "operator": "=", "value": ".Properties.Name"});
            bench.document["resources"][1]["port"]["entity"]["mappings"]["identifier"] =
                json!({"combinator": "\"and\"", "rules": [rule]});
        }),
    ];
    for (what, change) in changes {
        let mut bench = bench_with_unknown(Mode::Full).await;
        change(&mut bench);
        if what.contains("left out") {
            // Nothing but that: earlier runs left it out, too.
            bench.put_known(bench.plan.strategy.clone()).await;
        }
        // In the case of the blueprint it is the accounts that were not read to the end.
        let is_incomplete = what.contains("incomplete");
        let make_incomplete = |_: &Target, unit: &mut portolan::run::UnitReport| {
            if is_incomplete && unit.kind == ACCOUNT_KIND {
                unit.listing = Listing::Denied("denied".to_owned());
            }
        };
        bench.begin(make_incomplete).await;
        bench.sweep(1_000_000).await;
        let deletions = bench.summary().await.deletions.expect("the run has ended");
        assert_eq!((deletions.deleted, deletions.unknown_in_port), (0, 1), "{what}");
        assert!(bench.is_in_port(&bucket("unknown")), "{what}");
    }
}

#[tokio::test]
async fn promise_1_what_no_ledger_knows_stays_while_one_unit_of_its_kind_is_in_doubt() {
    type Change = fn(&mut portolan::run::UnitReport);
    let changes: [Change; 5] = [
        |unit| unit.listing = Listing::Throttled("throttled".to_owned()),
        |unit| unit.listing = Listing::NotHere("not here".to_owned()),
        |unit| unit.refused = 1,
        |unit| unit.held = 1,
        |unit| unit.unresolved = 1,
    ];
    for (kind, stays) in [(BUCKET_KIND, true), (ACCOUNT_KIND, false)] {
        for change in changes {
            let bench = bench_with_unknown(Mode::Full).await;
            let in_one_unit = |target: &Target, unit: &mut portolan::run::UnitReport| {
                if *target == global(2) && unit.kind == kind {
                    change(unit);
                }
            };
            bench.begin(in_one_unit).await;
            bench.sweep(1_000_000).await;
            assert_eq!(bench.is_in_port(&bucket("unknown")), stays, "{kind}");
        }
    }
}

#[tokio::test]
async fn promise_1_what_a_claimed_entity_relates_to_is_not_unknown() {
    let bench = bench_with_unknown(Mode::Full).await;
    let made_by_port = EntityKey { blueprint: "account".into(), identifier: "000000000001".into() };
    bench.put_into_port([made_by_port.clone()]);
    bench.relate_to_account(&global(1), &made_by_port).await;
    let deletions = bench.run().await.deletions.expect("the run has ended");
    assert_eq!((deletions.unknown_deleted, deletions.unknown_in_port), (1, 0));
    assert!(bench.is_in_port(&made_by_port));
}

#[tokio::test]
async fn promise_1_what_no_ledger_knows_goes_on_demand_unless_a_ledger_is_unclear() {
    let mut bench = bench_with_unknown(Mode::Incremental).await;
    bench.plan.remove_unknown = true;
    inaccessible(&mut bench);
    let deletions = bench.run().await.deletions.expect("the run has ended");
    assert_eq!((deletions.unknown_deleted, bench.is_owned()), (1, BTreeSet::from([bucket("live")])));

    let mut bench = bench_with_unknown(Mode::Incremental).await;
    bench.plan.remove_unknown = true;
    bench.put_ledger(&global(2), [(BUCKET_KIND, bucket("other"), sent(0))]).await;
    bench.store.harm(&bench.place.ledger(&global(2)), false);
    let deletions = bench.run().await.deletions.expect("the run has ended");
    assert_eq!((deletions.unknown_deleted, deletions.unknown_in_port), (0, 1));
    assert!(deletions.held_back[0].contains("the ledger of 000000000002/global"), "{:?}", deletions.held_back);

    let mut bench = bench_with_unknown(Mode::Incremental).await;
    bench.plan.remove_unknown = true;
    bench.plan.narrowing.accounts.insert(account(1));
    assert_eq!(bench.run().await.deletions.map(|deletions| deletions.deleted), Some(0));
}
