//! Ledgers of runs that did not come to their end, and sweeps that died: what the next run must know of them.

use portolan::ledger::State;
use portolan::run::{FoundBy, Listing, Phase, Strategy, UnitReport};
use portolan::target::Target;

use super::bench::{ACCOUNT_KIND, BUCKET_KIND, Bench, account, bucket, global, sent, stale};
use super::run_plan::found_by;
use super::world::REGIONS;

/// Two accounts and a bucket that has just moved from the second to the first, as far as the second's ledger can tell.
async fn bench_with_moved_bucket() -> Bench {
    let bench = Bench::new(2);
    bench.put_into_aws(1, &["moved"]);
    bench.put_into_port([bucket("moved")]);
    bench
}

/// The same in another run. The first run read the new place of the bucket, and never ended; nor did so many after it.
/// Then the ledger was lost.
async fn bench_with_lost_ledger(later_runs: usize) -> Bench {
    let mut bench = bench_with_moved_bucket().await;
    bench.begin_unread().await;
    bench.read(&global(1)).await;
    assert!(!bench.ledger(&global(1)).await.is_empty());
    for _ in 0..later_runs {
        bench.next_run(|_| {});
        bench.begin_unread().await;
    }
    bench.store.harm(&bench.place.ledger(&global(1)), true);
    bench.next_run(|_| {});
    bench
}

async fn call_it_stale_in_the_second(bench: &Bench) {
    bench.put_ledger(&global(2), [(BUCKET_KIND, bucket("moved"), stale(&bench.plan.run))]).await;
}

async fn assert_missed(bench: &Bench, what: &str) {
    let deletions = bench.summary().await.deletions.expect("the run has ended");
    assert_eq!(deletions.deleted, 0, "{what}");
    assert!(bench.is_in_port(&bucket("moved")), "{what}");
    let words = "the ledger of 000000000001/global is missing";
    assert!(deletions.held_back[0].contains(words), "{what}: {:?}", deletions.held_back);
    assert!(bench.known().await.ledgers.contains(&global(1)), "{what}");
}

#[tokio::test]
async fn promise_1_a_ledger_that_is_lost_after_its_target_was_read_is_missed() {
    // Its first run made it, so that no earlier one knows of it.
    let bench = bench_with_moved_bucket().await;
    call_it_stale_in_the_second(&bench).await;
    let gave_one = |target: &Target, unit: &mut UnitReport| {
        unit.accepted = u64::from(*target == global(1) && unit.kind == BUCKET_KIND);
    };
    bench.begin(gave_one).await;
    bench.put_ledger(&global(1), [(BUCKET_KIND, bucket("moved"), sent(0))]).await;
    bench.store.harm(&bench.place.ledger(&global(1)), true);
    bench.sweep(1_000_000).await;
    assert_missed(&bench, "in its first run").await;
}

#[tokio::test]
async fn promise_1_a_ledger_that_is_lost_before_any_run_has_ended_is_missed() {
    for later_runs in 0..3 {
        let bench = bench_with_lost_ledger(later_runs).await;
        call_it_stale_in_the_second(&bench).await;
        bench
            .begin(|target, unit| {
                if *target == global(1) {
                    unit.listing = Listing::Denied("denied".to_owned());
                }
            })
            .await;
        bench.sweep(1_000_000).await;
        assert_missed(&bench, &format!("{later_runs} runs later")).await;
    }
}

#[tokio::test]
async fn promise_1_what_takes_the_place_of_a_ledger_that_no_ended_run_knew_of_says_so() {
    for later_runs in 0..3 {
        let bench = bench_with_lost_ledger(later_runs).await;
        bench.begin_unread().await;
        bench.read(&global(1)).await;
        assert!(bench.may_lack_claims(&global(1)).await);
    }
}

/// It may have been for it, and be again: AWS says the same of accounts that it is just looking at.
#[tokio::test]
async fn promise_1_a_service_that_is_not_for_an_account_mends_no_lost_ledger() {
    let reason = || "as the test has it".to_owned();
    for (listing, is_mended) in [(Listing::NotHere(reason()), true), (Listing::NotForAccount(reason()), false)] {
        let bench = bench_with_lost_ledger(0).await;
        bench.begin_unread().await;
        bench.read(&global(1)).await;
        bench
            .begin(|target, unit| {
                if *target == global(1) && unit.kind == ACCOUNT_KIND {
                    unit.listing = listing.clone();
                }
            })
            .await;
        bench.sweep(1_000_000).await;
        assert_eq!(bench.may_lack_claims(&global(1)).await, !is_mended, "{listing:?}");
    }
}

/// Or an account that may never be read would hold back all deletions for ever, because a run was aborted once.
#[tokio::test]
async fn what_no_run_began_is_not_missed() {
    let mut bench = Bench::new(2);
    bench.put_into_aws(1, &[]);
    let empty = Target::Region { account: account(1), region: REGIONS[0].to_owned() };
    bench.begin_unread().await;
    bench.read(&empty).await;
    bench.next_run(|_| {});
    bench.put_ledger(&global(2), [(BUCKET_KIND, bucket("gone"), stale(&bench.plan.run))]).await;
    bench.put_into_port([bucket("gone")]);
    let deny = |target: &Target, unit: &mut UnitReport| {
        if *target == empty {
            unit.listing = Listing::Denied("denied".to_owned());
        }
    };
    bench.begin(deny).await;
    bench.sweep(1_000_000).await;
    assert_eq!(bench.summary().await.outcome, "completed-with-problems", "a kind was denied");
    assert!(!bench.is_in_port(&bucket("gone")), "no other account is held up");
    assert!(!bench.known().await.ledgers.contains(&empty));
}

#[tokio::test]
async fn promise_1_a_ledger_that_is_lost_during_the_sweep_stays_known() {
    for turns in 1.. {
        let bench = Bench::new(2);
        bench.put_ledger(&global(1), [(BUCKET_KIND, bucket("live"), sent(0))]).await;
        bench.put_ledger(&global(2), [(BUCKET_KIND, bucket("gone"), stale(&bench.plan.run))]).await;
        bench.put_into_port([bucket("live"), bucket("gone")]);
        bench.put_known(found_by(FoundBy::RoleList)).await;
        let deny = |target: &Target, unit: &mut UnitReport| {
            if *target == global(1) {
                unit.listing = Listing::Denied("denied".to_owned());
            }
        };
        bench.begin(deny).await;
        if bench.sweep_and_die(turns).await {
            assert!(turns > 20, "{turns}");
            break;
        }
        bench.store.harm(&bench.place.ledger(&global(1)), true);
        bench.sweep(1_000_000).await;
        assert!(bench.is_in_port(&bucket("live")), "after {turns} turns");
        assert!(bench.known().await.ledgers.contains(&global(1)), "after {turns} turns");
    }
}

/// The scheduler could not write that it had sent all messages. A run that starts for long passes for dead.
#[tokio::test]
async fn a_run_that_its_scheduler_left_as_starting_is_taken_for_running_by_its_sweep() {
    let bench = Bench::new(2);
    bench.begin_unread().await;
    bench.set_phase(Phase::Starting).await;
    assert!(bench.sweep_and_die(usize::MAX).await, "it waits for the targets");
    assert_eq!(bench.phase().await, Phase::Running);
}

/// An account that is gone for good, with a bucket that its ledger says Port has.
async fn bench_with_gone_account() -> Bench {
    let mut bench = Bench::new(3);
    let strategy = whole_organization();
    for number in 1..=3 {
        let entity = bucket(&format!("bucket-{number}"));
        bench.put_ledger(&global(number), [(BUCKET_KIND, entity.clone(), sent(0))]).await;
        bench.put_into_port([entity]);
    }
    bench.put_known(strategy.clone()).await;
    bench.plan.strategy = strategy;
    bench.plan.accounts.remove(&account(3));
    bench.plan.targets.retain(|target| target.account() != Some(&account(3)));
    bench.begin(|_, _| {}).await;
    bench
}

fn whole_organization() -> Strategy {
    found_by(FoundBy::Organization {
        management_role: "arn:aws:iam::999999999999:role/model".to_owned(),
        organizational_units: Default::default(),
    })
}

#[tokio::test]
async fn promise_2_no_ledger_says_that_port_has_what_a_dead_sweep_deleted() {
    let mut deaths_after_deletion = 0;
    for turns in 1.. {
        let bench = bench_with_gone_account().await;
        let has_ended = bench.sweep_and_die(turns).await;
        if !bench.is_in_port(&bucket("bucket-3")) {
            deaths_after_deletion += 1;
            let state = bench.ledger(&global(3)).await.remove(&bucket("bucket-3"));
            assert!(matches!(state, None | Some(State::Unsure)), "after {turns} turns: {state:?}");
        }
        if has_ended {
            break;
        }
    }
    assert!(deaths_after_deletion > 5, "{deaths_after_deletion}");
}
