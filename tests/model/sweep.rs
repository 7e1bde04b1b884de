//! The sweep alone: cut into many invocations, and what it does with entities that nobody knows, with what a person
//! confirmed, and with what two resources give.

use std::collections::BTreeSet;

use portolan::ledger::{EntityHash, State};
use portolan::run::{FoundBy, InaccessibleAccount, Listing, Mode, Phase, RunId, Strategy};
use portolan::seams::EntityKey;
use portolan::target::Target;
use serde_json::{Value, json};

use super::bench::{ACCOUNT_KIND, BUCKET_KIND, Bench, QUEUE_KIND, Stopped, account, bucket, global};
use super::run_plan::found_by;

fn sent(version: u64) -> State {
    State::Sent(EntityHash::of(&json!(version), true))
}

fn stale(run: &RunId) -> State {
    State::Stale(run.clone())
}

fn names(lines: &[Value]) -> Vec<String> {
    lines.iter().map(|line| format!("{} {}", line["blueprint"], line["identifier"])).collect()
}

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
