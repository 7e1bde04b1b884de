//! What the sweep holds back until a person has confirmed it: accounts that a setting tells gone, and more than the
//! threshold.

use std::collections::BTreeSet;

use portolan::run::{FoundBy, InaccessibleAccount, Strategy};

use serde_json::json;

use super::bench::{BUCKET_KIND, Bench, account, bucket, global, sent, stale};
use super::run_plan::found_by;

/// Three accounts with a bucket each, of which two are no longer in the plan; accounts are found in another way.
async fn bench_with_missing_accounts() -> Bench {
    let mut bench = Bench::new(3);
    for number in 1..=3 {
        let entity = bucket(&format!("bucket-{number}"));
        bench.put_ledger(&global(number), [(BUCKET_KIND, entity.clone(), sent(0))]).await;
        bench.put_into_port([entity]);
    }
    bench.put_known(found_by(FoundBy::SingleAccount)).await;
    leave_only_the_first(&mut bench);
    bench
}

fn leave_only_the_first(bench: &mut Bench) {
    bench.plan.accounts.retain(|known, _| *known == account(1));
    bench.plan.targets.retain(|target| target.account() == Some(&account(1)));
}

#[tokio::test]
async fn accounts_that_went_away_with_a_changed_setting_go_when_a_person_confirms() {
    let mut bench = bench_with_missing_accounts().await;
    let held_back = bench.run().await.deletions.expect("the run has ended").held_back;
    let words = format!("{{\"confirm\":\"{}\"}}", bench.plan.run);
    assert!(held_back[0].contains("were changed") || held_back[0].contains("was changed"), "{held_back:?}");
    assert!(held_back[0].contains(&words), "{held_back:?}");
    assert_eq!(bench.is_owned().len(), 3);
    assert_eq!(bench.known().await.strategy, Some(found_by(FoundBy::SingleAccount)));

    let confirmed = bench.plan.run.clone();
    bench.next_run(|plan| plan.confirms = Some(confirmed));
    let summary = bench.run().await;
    assert_eq!(summary.outcome, "completed");
    assert_eq!(bench.is_owned(), BTreeSet::from([bucket("bucket-1")]));
    assert_eq!(bench.known().await.strategy, Some(found_by(FoundBy::RoleList)));
    assert_eq!(bench.known().await.ledgers, BTreeSet::from([global(1)]));
}

#[tokio::test]
async fn promise_1_what_a_person_did_not_see_is_not_confirmed() {
    // Another setting than the one that was looked at, and an account more than were missing then.
    for is_other_strategy in [true, false] {
        let mut bench = bench_with_missing_accounts().await;
        if !is_other_strategy {
            bench.plan.inaccessible.insert(
                account(3),
                InaccessibleAccount {
                    account: account(3),
                    name: String::new(),
                    reason: "denied".to_owned(),
                    check: String::new(),
                },
            );
        }
        bench.run().await;
        let confirmed = bench.plan.run.clone();
        bench.next_run(|plan| plan.confirms = Some(confirmed));
        if is_other_strategy {
            bench.plan.strategy = found_by(FoundBy::Organization {
                management_role: "arn:aws:iam::999999999999:role/model".to_owned(),
                organizational_units: BTreeSet::new(),
            });
        }
        let deletions = bench.run().await.deletions.expect("the run has ended");
        assert_eq!((deletions.deleted, bench.is_owned().len()), (0, 3), "{is_other_strategy}");
        assert!(deletions.held_back[0].contains("confirm"), "{:?}", deletions.held_back);
    }
}

/// Three accounts with a bucket each, of which less than half are no longer in the plan.
async fn bench_without_third() -> Bench {
    let mut bench = bench_with_missing_accounts().await;
    let planned = bench.plan.accounts[&account(1)].clone();
    bench.plan.accounts.insert(account(2), planned);
    bench.plan.targets.insert(global(2));
    bench
}

fn in_organization(units: &[&str], excluded: &[usize]) -> Strategy {
    Strategy {
        found_by: FoundBy::Organization {
            management_role: "arn:aws:iam::999999999999:role/model".to_owned(),
            organizational_units: units.iter().map(|unit| (*unit).to_owned()).collect(),
        },
        excluded_accounts: excluded.iter().map(|number| account(*number)).collect(),
    }
}

#[tokio::test]
async fn promise_1_accounts_that_only_a_setting_tells_gone_stay_until_a_person_confirms_where_nothing_was_known() {
    let strategies = [found_by(FoundBy::RoleList), in_organization(&["ou-1"], &[]), in_organization(&[], &[3])];
    for strategy in strategies {
        for is_first_narrowed in [true, false] {
            // Runs wrote ledgers, and none came to its end.
            let mut bench = bench_without_third().await;
            bench.store.harm(&bench.place.known(), true);
            bench.plan.strategy = strategy.clone();
            if is_first_narrowed {
                bench.plan.narrowing.accounts.insert(account(1));
            }
            bench.run().await;
            for _ in 0..2 {
                bench.next_run(|plan| plan.strategy = strategy.clone());
                let deletions = bench.run().await.deletions.expect("the run has ended");
                assert_eq!((deletions.deleted, bench.is_owned().len()), (0, 3), "{strategy:?}, {is_first_narrowed}");
                assert!(deletions.held_back[0].contains("confirm"), "{:?}", deletions.held_back);
            }
            let confirmed = bench.plan.run.clone();
            bench.next_run(|plan| {
                plan.strategy = strategy.clone();
                plan.confirms = Some(confirmed);
            });
            assert_eq!(bench.run().await.outcome, "completed");
            assert_eq!(bench.is_owned(), BTreeSet::from(["bucket-1", "bucket-2"].map(bucket)));
            assert_eq!(bench.known().await.strategy, Some(strategy.clone()));
        }
    }
}

#[tokio::test]
async fn promise_1_an_account_that_is_left_out_again_stays_until_a_person_confirms() {
    // It was left out before, and a run that said nothing of how it found accounts has read it meanwhile.
    let mut bench = bench_without_third().await;
    let strategy = in_organization(&[], &[3]);
    bench.put_known(strategy.clone()).await;
    for _ in 0..2 {
        bench.next_run(|plan| plan.strategy = strategy.clone());
        let deletions = bench.run().await.deletions.expect("the run has ended");
        assert_eq!((deletions.deleted, bench.is_owned().len()), (0, 3));
        let words = format!("{{\"confirm\":\"{}\"}}", bench.plan.run);
        for part in ["000000000003", "PORTOLAN_EXCLUDED_ACCOUNTS", &words] {
            assert!(deletions.held_back[0].contains(part), "{:?}", deletions.held_back);
        }
    }
}

#[tokio::test]
async fn accounts_that_were_confirmed_stay_so_when_the_threshold_is_confirmed() {
    let mut bench = bench_with_missing_accounts().await;
    bench.document["entityDeletionThreshold"] = json!(0.1);
    let strategy = in_organization(&[], &[2, 3]);
    bench.plan.strategy = strategy.clone();
    for held_back_by in ["was changed", "entityDeletionThreshold"] {
        let deletions = bench.run().await.deletions.expect("the run has ended");
        assert_eq!((deletions.deleted, bench.is_owned().len()), (0, 3));
        assert!(deletions.held_back[0].contains(held_back_by), "{:?}", deletions.held_back);
        let confirmed = bench.plan.run.clone();
        bench.next_run(|plan| {
            plan.strategy = strategy.clone();
            plan.confirms = Some(confirmed);
        });
    }
    let summary = bench.run().await;
    assert_eq!(summary.outcome, "completed", "{:?}", summary.deletions);
    assert_eq!(bench.is_owned(), BTreeSet::from([bucket("bucket-1")]));
}

/// Ten buckets, of which so many are stale in the run of the bench.
async fn put_stale(bench: &Bench, count: usize) {
    let entries = (0..10).map(|index| {
        let state = if index < count { stale(&bench.plan.run) } else { sent(0) };
        (BUCKET_KIND, bucket(&format!("bucket-{index}")), state)
    });
    bench.put_ledger(&global(1), entries).await;
}

#[tokio::test]
async fn more_than_the_threshold_goes_when_a_person_confirms_exactly_that() {
    for (stale_later, is_deleted) in [(5, true), (4, true), (6, false)] {
        let mut bench = Bench::new(1);
        bench.document["entityDeletionThreshold"] = json!(0.1);
        bench.put_into_port((0..10).map(|index| bucket(&format!("bucket-{index}"))));
        put_stale(&bench, 5).await;
        let held_back = bench.run().await.deletions.expect("the run has ended").held_back;
        let words = format!("invoke the scheduler with {{\"confirm\":\"{}\"}}", bench.plan.run);
        assert!(held_back[0].contains("5 of 10 known entities") && held_back[0].contains(&words), "{held_back:?}");
        assert_eq!(bench.is_owned().len(), 10);

        let confirmed = bench.plan.run.clone();
        bench.next_run(|plan| plan.confirms = Some(confirmed));
        put_stale(&bench, stale_later).await;
        let deletions = bench.run().await.deletions.expect("the run has ended");
        let expected = if is_deleted { stale_later } else { 0 };
        assert_eq!((deletions.deleted, bench.is_owned().len()), (expected, 10 - expected), "{:?}", deletions.held_back);
    }
}
