//! The sweep alone: cut into many invocations, held up, and where nothing changed.

use std::collections::BTreeSet;

use portolan::ledger::State;
use portolan::run::FoundBy;
use portolan::seams::EntityKey;
use portolan::target::Target;
use serde_json::{Value, json};

use super::bench::{ACCOUNT_KIND, BUCKET_KIND, Bench, QUEUE_KIND, account, bucket, global, names, sent, stale};
use super::run_plan::found_by;

/// Accounts of the large bench; `PORTOLAN_SWEEP_ACCOUNTS` sets another number.
const ACCOUNTS: usize = 400;
const STALE_IN_EACH: usize = 50;

/// Many accounts with fifty stale buckets and a live one each; of every tenth bucket another account has one of the
/// same name.
async fn large_bench(accounts: usize) -> Bench {
    let bench = Bench::new(accounts);
    let name = |number: usize, index: usize| bucket(&format!("bucket-{number}-{index}"));
    for number in 1..=accounts {
        let gone = (1..=STALE_IN_EACH).map(|index| (BUCKET_KIND, name(number, index), stale(&bench.plan.run)));
        let claimed = (10..=STALE_IN_EACH).step_by(10).map(|index| (BUCKET_KIND, name(number % accounts + 1, index)));
        let elsewhere = Target::Region { account: account(number), region: "eu-west-1".to_owned() };
        bench.put_ledger(&global(number), gone.chain([(BUCKET_KIND, name(number, 0), sent(0))])).await;
        bench.put_ledger(&elsewhere, claimed.map(|(_, entity)| (QUEUE_KIND, entity, sent(1)))).await;
        bench.put_into_port((0..=STALE_IN_EACH).map(|index| name(number, index)));
    }
    bench
}

#[tokio::test]
async fn promise_1_a_sweep_cut_into_many_invocations_deletes_exactly_the_same() {
    let accounts = std::env::var("PORTOLAN_SWEEP_ACCOUNTS").ok().and_then(|accounts| accounts.parse().ok());
    let accounts = accounts.unwrap_or(ACCOUNTS);
    let mut results = Vec::new();
    for (seconds, least_invocations) in [(1_000_000, 1), (15, 51)] {
        let bench = large_bench(accounts).await;
        bench.begin(|_, unit| unit.stale = STALE_IN_EACH as u64).await;
        let invocations = bench.sweep(seconds).await;
        assert!(invocations >= least_invocations, "{invocations} invocations");
        println!("{invocations} invocations of {seconds} s");
        let summary = bench.summary().await;
        assert_eq!(summary.outcome, "completed");
        let journal = names(&bench.journal().await);
        let journaled: BTreeSet<String> = journal.iter().cloned().collect();
        assert_eq!(journal.len(), journaled.len(), "no entity twice");
        let mut ledgers = Vec::new();
        for number in 1..=accounts {
            let elsewhere = Target::Region { account: account(number), region: "eu-west-1".to_owned() };
            ledgers.push((bench.ledger(&global(number)).await, bench.ledger(&elsewhere).await));
        }
        results.push((summary.deletions, journaled, bench.is_owned(), ledgers));
    }
    let cut = results.pop().expect("two sweeps");
    let whole = results.pop().expect("two sweeps");
    let deletions = whole.0.clone().expect("the run has ended");
    assert_eq!((deletions.deleted, deletions.kept_claimed), (accounts * 45, accounts * 5));
    assert_eq!(deletions.missing_in_port, 0);
    let (live, claimant) = &whole.3[0];
    assert_eq!(live.len(), 1);
    assert!(claimant.values().all(|state| *state == State::Unsure), "{claimant:?}");
    assert_eq!(cut.0, whole.0);
    assert!(cut.1 == whole.1 && cut.2 == whole.2 && cut.3 == whole.3, "the same is deleted, and the same is left");
}

#[tokio::test]
async fn a_limit_of_port_delays_deletions_and_loses_none() {
    let bench = Bench::new(1);
    let gone: Vec<EntityKey> = (0..250).map(|index| bucket(&format!("gone-{index:03}"))).collect();
    let entries = gone.iter().map(|entity| (BUCKET_KIND, entity.clone(), stale(&bench.plan.run)));
    bench.put_ledger(&global(1), entries).await;
    bench.put_into_port(gone.iter().cloned());
    bench.begin(|_, _| {}).await;
    bench.catalog.lock().throttled_deletions = 4;
    let invocations = bench.sweep(1_000_000).await;
    assert_eq!(invocations, 5);
    assert_eq!(bench.is_owned(), BTreeSet::new());
    assert_eq!(bench.journal().await.len(), 250);
    assert_eq!(bench.summary().await.deletions.map(|deletions| deletions.deleted), Some(250));
    assert!(bench.ledger(&global(1)).await.is_empty());
}

#[tokio::test]
async fn the_journal_tells_what_port_would_not_delete() {
    let bench = Bench::new(1);
    let account_entity = |name: &str| EntityKey { blueprint: "account".into(), identifier: name.into() };
    let gone = ["free", "needed", "other"].map(account_entity);
    let entries = gone.iter().map(|entity| (ACCOUNT_KIND, entity.clone(), stale(&bench.plan.run)));
    bench.put_ledger(&global(1), entries).await;
    bench.put_into_port(gone.iter().cloned());
    bench.put_of_others(bucket("of-others"), json!({"relations": {"account": "needed"}}));
    let summary = bench.run().await;
    let deletions = summary.deletions.expect("the run has ended");
    assert_eq!((deletions.deleted, deletions.kept_refused), (2, 1));
    assert!(deletions.held_back[0].contains("account needed was not deleted"), "{:?}", deletions.held_back);
    let journal = bench.journal().await;
    let refused: Vec<&Value> = journal.iter().filter(|line| line["refused"].is_string()).collect();
    assert_eq!((journal.len(), refused.len()), (3, 1));
    assert_eq!(refused[0]["identifier"], "needed");
    assert_eq!(bench.is_owned(), BTreeSet::from([account_entity("needed")]));
    assert_eq!(bench.ledger(&global(1)).await.into_keys().collect::<Vec<_>>(), [account_entity("needed")]);
}

#[tokio::test]
async fn promise_1_what_a_claimed_entity_relates_to_stays_also_where_its_other_source_is_stale() {
    let needed = EntityKey { blueprint: "account".into(), identifier: "needed".into() };
    let same_name = bucket("needed");
    for is_stale_here in [false, true] {
        let bench = Bench::new(3);
        let gone = [needed.clone(), same_name.clone()].map(|entity| (BUCKET_KIND, entity, stale(&bench.plan.run)));
        bench.put_ledger(&global(1), gone).await;
        // What relates to it is live; or it is stale here, and claimed by another account.
        let state = if is_stale_here { stale(&bench.plan.run) } else { sent(0) };
        bench.put_ledger(&global(2), [(BUCKET_KIND, bucket("relates"), state)]).await;
        bench.relate_to_account(&global(2), &needed).await;
        bench.put_ledger(&global(3), [(BUCKET_KIND, bucket("relates"), sent(1))]).await;
        bench.put_into_port([needed.clone(), same_name.clone(), bucket("relates")]);
        let deletions = bench.run().await.deletions.expect("the run has ended");
        assert_eq!((deletions.deleted, deletions.kept_claimed), (1, 1 + usize::from(is_stale_here)));
        assert_eq!(bench.is_owned(), BTreeSet::from([needed.clone(), bucket("relates")]));
    }
}

#[tokio::test]
async fn promise_2_what_waited_for_another_is_sent_and_no_longer_keeps_what_is_stale() {
    // Of one refusal or two, the sweep settles one: the other keeps what is stale of the kind.
    for (refused, is_deleted) in [(1, true), (2, false)] {
        for seconds in [1, 1_000_000] {
            let bench = Bench::new(3);
            let waiting = bucket("waiting");
            let entries =
                [(BUCKET_KIND, waiting.clone(), State::Unsure), (BUCKET_KIND, bucket("gone"), stale(&bench.plan.run))];
            bench.put_ledger(&global(2), entries).await;
            bench.put_into_port([bucket("gone")]);
            let item = json!({
                "kind": BUCKET_KIND, "resource": "waiting", "entity": waiting, "body": {"identifier": "waiting"},
            });
            bench.put_deferred(&global(2), &json!([item])).await;
            let refuse = |target: &Target, unit: &mut portolan::run::UnitReport| {
                if *target == global(2) && unit.kind == BUCKET_KIND {
                    (unit.refused, unit.stale) = (refused, 1);
                }
            };
            bench.begin(refuse).await;
            bench.sweep(seconds).await;
            let summary = bench.summary().await;
            let of_kind = &summary.kinds[BUCKET_KIND];
            assert_eq!((of_kind.accepted, of_kind.refused), (1, refused - 1));
            assert!(matches!(bench.ledger(&global(2)).await[&waiting], State::Sent(_)));
            assert_eq!(bench.is_in_port(&bucket("gone")), !is_deleted, "{refused} in {seconds} s");
        }
    }
}

#[tokio::test]
async fn promise_5_two_resources_with_one_entity_are_named() {
    for merges in [true, false] {
        let mut bench = Bench::new(2);
        bench.document["enableMergeEntity"] = json!(merges);
        for number in 1..=2 {
            let entries =
                [(BUCKET_KIND, bucket("same"), sent(0)), (BUCKET_KIND, bucket("shared"), sent(number as u64))];
            bench.put_ledger(&global(number), entries).await;
        }
        bench.put_into_port([bucket("same"), bucket("shared")]);
        let summary = bench.run().await;
        assert_eq!(summary.collisions.count, 1);
        let example = &summary.collisions.examples[0];
        for words in ["bucket shared", "000000000001/global", "000000000002/global"] {
            assert!(example.contains(words), "{example}");
        }
        assert_eq!(summary.outcome, if merges { "completed" } else { "completed-with-problems" });
    }
}

#[tokio::test]
async fn an_unchanged_run_writes_no_ledger_and_nothing_of_its_own_but_the_summary() {
    let bench = Bench::new(3);
    for number in 1..=3 {
        let entity = bucket(&format!("bucket-{number}"));
        bench.put_ledger(&global(number), [(BUCKET_KIND, entity.clone(), sent(0))]).await;
        bench.put_into_port([entity]);
    }
    bench.put_known(found_by(FoundBy::RoleList)).await;
    bench.begin(|_, _| {}).await;
    let before = bench.store.writes();
    bench.sweep(300).await;
    // The phase twice, and the summary.
    assert_eq!(bench.store.writes() - before, 3);
    assert_eq!(bench.summary().await.outcome, "completed");
}

#[tokio::test]
async fn a_run_without_targets_has_not_failed_and_one_without_any_done_has() {
    let mut bench = Bench::new(1);
    bench.plan.targets.clear();
    assert_eq!(bench.run().await.outcome, "completed");
    let mut bench = Bench::new(1);
    let targets = std::mem::take(&mut bench.plan.targets);
    bench.begin(|_, _| {}).await;
    bench.plan.targets = targets;
    bench.plan.deadline = bench.plan.started;
    bench.put_plan().await;
    bench.sweep(300).await;
    assert_eq!(bench.summary().await.outcome, "failed");
}
