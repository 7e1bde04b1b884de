//! What Port has lost, and the second pass that brings it back.

use std::collections::BTreeSet;

use portolan::ledger::State;
use portolan::run::Phase;

use super::bench::{BUCKET_KIND, Bench, Stopped, account, bucket, global, names, sent, stale};

/// Two accounts with two buckets each, of which Port has lost one, and one is stale. Only the account of the lost one can
/// be read.
async fn bench_with_lost() -> Bench {
    let bench = Bench::new(2);
    bench.put_into_aws(1, &["live", "lost"]);
    let entries = [
        (BUCKET_KIND, bucket("live"), sent(0)),
        (BUCKET_KIND, bucket("lost"), sent(0)),
        (BUCKET_KIND, bucket("gone"), stale(&bench.plan.run)),
    ];
    bench.put_ledger(&global(1), entries).await;
    let others = [(BUCKET_KIND, bucket("other"), sent(0)), (BUCKET_KIND, bucket("other-gone"), stale(&bench.plan.run))];
    bench.put_ledger(&global(2), others).await;
    bench.put_into_port(["live", "gone", "other", "other-gone"].map(bucket));
    bench
}

async fn assert_repaired(bench: &Bench, what: &str) {
    let summary = bench.summary().await;
    let deletions = summary.deletions.expect("the run has ended");
    assert_eq!((deletions.lost_in_port, deletions.repaired_targets), (1, 1), "{what}");
    assert_eq!((deletions.missing_in_port, deletions.deleted), (0, 2), "{what}");
    assert_eq!(summary.outcome, "completed", "{what}");
    assert_eq!(bench.phase().await, Phase::Ended, "{what}");
    assert!(["live", "lost", "other"].map(bucket).iter().all(|entity| bench.is_in_port(entity)), "{what}");
    assert!(!bench.is_in_port(&bucket("gone")) && !bench.is_in_port(&bucket("other-gone")), "{what}");
    let journal: BTreeSet<String> = names(&bench.journal().await).into_iter().collect();
    assert_eq!(journal.len(), 2, "{what}: {journal:?}");
    let ledger = bench.ledger(&global(1)).await;
    assert_eq!(ledger.len(), 2, "{what}");
    assert!(ledger.values().all(|state| matches!(state, State::Sent(_))), "{what}: {ledger:?}");
}

#[tokio::test]
async fn promise_2_what_port_lost_is_sent_by_the_run_that_finds_it_whichever_invocation_stops_anywhere() {
    let mut stopped = 0;
    for goes_on_after in [None, Some(1), Some(2), Some(3), Some(100)] {
        for invocation in 0.. {
            let mut is_there = true;
            for turns in 1.. {
                let bench = bench_with_lost().await;
                bench.begin(|_, _| {}).await;
                let found = bench.sweep_with_one_stopped(invocation, turns, goes_on_after).await;
                assert_repaired(&bench, &format!("{invocation} after {turns} turns, {goes_on_after:?}")).await;
                is_there = found != Stopped::NoSuchInvocation;
                if found != Stopped::There {
                    break;
                }
                stopped += 1;
            }
            if !is_there {
                break;
            }
        }
    }
    assert!(stopped > 100, "{stopped}");
}

#[tokio::test]
async fn nothing_is_read_again_in_a_narrowed_run_or_close_to_its_deadline() {
    type Change = fn(&mut Bench);
    let changes: [Change; 2] = [
        |bench| bench.plan.narrowing.accounts.extend([account(1), account(2)]),
        |bench| bench.plan.deadline = bench.plan.started + time::Duration::minutes(29),
    ];
    for change in changes {
        let mut bench = bench_with_lost().await;
        change(&mut bench);
        let deletions = bench.run().await.deletions.expect("the run has ended");
        assert_eq!((deletions.repaired_targets, deletions.missing_in_port, deletions.deleted), (0, 1, 2));
        assert_eq!(bench.ledger(&global(1)).await[&bucket("lost")], State::Unsure);
    }
}

#[tokio::test]
async fn what_cannot_be_brought_back_is_tried_once_and_given_up() {
    let bench = bench_with_lost().await;
    // The account of the other bucket cannot be entered any more.
    bench.put_ledger(&global(2), [(BUCKET_KIND, bucket("never"), sent(0))]).await;
    bench.begin(|_, _| {}).await;
    let invocations = bench.sweep_with_failures().await;
    assert!(invocations < 100, "{invocations} invocations");
    let summary = bench.summary().await;
    assert_eq!(summary.deletions.map(|deletions| deletions.repaired_targets), Some(2));
    assert_eq!(summary.failed_targets.len(), 1);
    assert_eq!(summary.failed_targets[0].target, global(2));
    assert!(bench.is_in_port(&bucket("lost")));
    assert_eq!(bench.ledger(&global(2)).await[&bucket("never")], State::Unsure);
}
