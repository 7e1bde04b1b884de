//! What every kind is held to, whatever its service: errors told apart, pages, call counts, resources that fail or vanish.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use portolan::kinds::{KINDS, ReadError, Scope};
use serde_json::json;

use super::{Bench, all_options};
use crate::permissions::iam_action_of;
use crate::support::aws::FaultId;

/// The status and the code of an error.
pub type Code = (u16, &'static str);

/// Calls by name, with how often.
pub type Calls = &'static [(&'static str, usize)];

/// A kind, and how its service answers.
pub struct Contract {
    pub kind: &'static str,
    /// As calls to it are signed.
    pub service: &'static str,
    /// The operation that lists the kind, or what the kind lies in.
    pub listing: &'static str,
    /// How the service says that a call is denied.
    pub denied: Code,
    /// How the service says that there were too many calls.
    pub throttled: Code,
    /// Makes a resource of each name in the bench's place, or gives the answers about them.
    pub seed: for<'a> fn(&'a Bench, &'a [&'a str]) -> BoxFuture<'a, ()>,
    /// The answer of a page of the listing that has one of the seeded resources, and a token. None where the emulated
    /// service has pages, or the listing is nested: then a test of the kind's own shows its pages.
    pub page: Option<fn(key: &str, token: &str) -> String>,
    /// The calls for three resources.
    pub calls: Calls,
    /// The further calls for three resources with all options.
    pub calls_of_options: Calls,
    /// Calls for each resource by itself.
    pub enrichments: &'static [Enrichment],
}

/// A call for one resource.
pub struct Enrichment {
    pub service: &'static str,
    pub operation: &'static str,
    /// What a failure of it is called.
    pub name: &'static str,
    pub is_option: bool,
    pub not_found: NotFound,
}

/// How a service says of one resource that it does not have it.
#[derive(Clone, Copy)]
pub enum NotFound {
    /// It can mean nothing but that the resource was deleted in between.
    IsGone(Code),
    /// It may mean something else, too: whether the resource is gone, only the next listing tells.
    DecidesNothing(Code),
}

/// Of all kinds but `AWS::Account::Info`, which takes no calls.
pub fn contracts() -> Vec<&'static Contract> {
    let services: &[&[Contract]] = &[
        super::codebuild::CONTRACTS,
        super::codedeploy::CONTRACTS,
        super::codepipeline::CONTRACTS,
        super::dynamodb::CONTRACTS,
        super::ec2::CONTRACTS,
        super::ecr::CONTRACTS,
        super::ecs::CONTRACTS,
        super::eks::CONTRACTS,
        super::elasticache::CONTRACTS,
        super::lambda::CONTRACTS,
        super::memorydb::CONTRACTS,
        super::msk::CONTRACTS,
        super::organizations::CONTRACTS,
        super::rds::CONTRACTS,
        super::s3::CONTRACTS,
        super::ses::CONTRACTS,
        super::sns::CONTRACTS,
        super::sqs::CONTRACTS,
    ];
    services.iter().copied().flatten().collect()
}

#[test]
fn every_kind_has_a_contract() {
    let mut kinds: BTreeSet<_> = contracts().iter().map(|contract| contract.kind).collect();
    assert!(kinds.insert("AWS::Account::Info"));
    assert_eq!(kinds, KINDS.iter().map(|kind| kind.name).collect());
}

#[tokio::test]
async fn promise_3_a_denied_or_throttled_listing_says_so() {
    let bench = Bench::create().await;
    for contract in contracts() {
        let Contract { kind, service, listing, .. } = *contract;
        let call = format!("{service}:{listing}");
        let fault = fail(&bench, contract, contract.denied).await;
        let error = bench.page(kind, &[], None).await.expect_err("the listing is denied");
        assert!(matches!(error, ReadError::Denied(_)), "{kind}: {error:?}");
        let words = error.to_string();
        for part in [call.as_str(), contract.denied.1, "as ordered", "read role's policy", "service control policy"] {
            assert!(words.contains(part), "{kind}: `{words}` should name {part}");
        }
        bench.organization.aws().remove_fault(fault).await;

        let fault = fail(&bench, contract, contract.throttled).await;
        let error = bench.page(kind, &[], None).await.expect_err("the listing is throttled");
        assert!(matches!(error, ReadError::Throttled(_)), "{kind}: {error:?}");
        assert!(error.to_string().contains(&call), "{error}");
        bench.organization.aws().remove_fault(fault).await;

        let fault = fail(&bench, contract, (500, "InternalFailure")).await;
        let error = bench.page(kind, &[], None).await.expect_err("the listing fails");
        assert!(matches!(error, ReadError::Failed(_)), "{kind}: {error:?}");
        bench.organization.aws().remove_fault(fault).await;
    }
}

#[tokio::test]
async fn the_second_page_is_asked_for_with_the_first_ones_token() {
    for contract in contracts() {
        let Contract { kind, service, listing, page: Some(page), .. } = *contract else { continue };
        let bench = Bench::create().await;
        (contract.seed)(&bench, &["first", "second"]).await;
        let keys: Vec<String> = bench.read(kind, &[]).await.into_keys().collect();
        assert_eq!(keys.len(), 2, "{kind}: {keys:?}");
        bench.answer_once(kind, service, listing, "", &page(&keys[0], "token-of-page-2")).await;
        // An empty token is the end, as none is.
        bench.answer_once(kind, service, listing, "token-of-page-2", &page(&keys[1], "")).await;
        assert_eq!(bench.read(kind, &[]).await.into_keys().collect::<Vec<_>>(), keys, "{kind}");
    }
}

/// Kinds of which AWS itself has a resource everywhere.
const NEVER_EMPTY: [&str; 2] = ["AWS::MemoryDB::User", "AWS::Organizations::Account"];

#[tokio::test]
async fn an_empty_place_takes_one_call_for_each_kind() {
    let bench = Bench::create().await;
    for contract in contracts().into_iter().filter(|contract| !NEVER_EMPTY.contains(&contract.kind)) {
        let resources = bench.read(contract.kind, &all_options(contract.kind)).await;
        assert!(resources.is_empty(), "{}: {resources:?}", contract.kind);
        let listing = format!("{}:{}", contract.service, contract.listing);
        assert_eq!(bench.take_calls().await, BTreeMap::from([(listing, 1)]), "{}", contract.kind);
    }
}

/// As each kind's documentation states it.
#[tokio::test]
async fn the_number_of_calls_for_three_resources() {
    for contract in contracts() {
        let Contract { kind, calls, calls_of_options, .. } = *contract;
        let bench = Bench::create().await;
        (contract.seed)(&bench, &["first", "second", "third"]).await;
        bench.take_calls().await;
        assert_eq!(bench.read(kind, &[]).await.len(), 3, "{kind}");
        assert_eq!(bench.take_calls().await, counts(calls), "{kind}");
        assert_eq!(bench.read(kind, &all_options(kind)).await.len(), 3, "{kind}");
        assert_eq!(bench.take_calls().await, counts(&[calls, calls_of_options].concat()), "{kind} with options");
    }
}

/// One resource's failing call leaves that one incomplete, names itself, and does not touch the other resource.
#[tokio::test]
async fn promise_3_a_failing_enrichment_is_named_and_spoils_no_other() {
    for contract in contracts().into_iter().filter(|contract| !contract.enrichments.is_empty()) {
        let kind = contract.kind;
        let bench = Bench::create().await;
        (contract.seed)(&bench, &["first", "second"]).await;
        for enrichment in contract.enrichments {
            let call = format!("{}:{}", enrichment.service, enrichment.operation);
            let (broken, fault) = fail_for_one(&bench, contract, enrichment, (403, "AccessDenied")).await;
            let resources = bench.read(kind, &all_options(kind)).await;
            bench.organization.aws().remove_fault(fault).await;
            for (key, resource) in &resources {
                if *key != broken {
                    assert_eq!(resource.incomplete, [], "{kind} {call}");
                    continue;
                }
                let [failed] = resource.incomplete.as_slice() else {
                    panic!("{kind} {call}: {:?}", resource.incomplete)
                };
                assert_eq!((failed.action, failed.optional), (enrichment.name, enrichment.is_option), "{kind} {call}");
                assert!(failed.reason.contains(&call), "{}", failed.reason);
            }
            assert!(resources.contains_key(&broken), "{kind} {call}");
            let unasked = resources[&broken].failure_for(&Default::default());
            assert_eq!(unasked.is_some(), !enrichment.is_option, "{kind} {call}");
        }
    }
}

#[tokio::test]
async fn a_resource_that_vanishes_in_between_is_left_out() {
    for contract in contracts().into_iter().filter(|contract| !contract.enrichments.is_empty()) {
        let kind = contract.kind;
        let bench = Bench::create().await;
        (contract.seed)(&bench, &["first", "second"]).await;
        let before = bench.read(kind, &all_options(kind)).await;
        for enrichment in contract.enrichments {
            let NotFound::IsGone(gone) = enrichment.not_found else { continue };
            let (vanished, fault) = fail_for_one(&bench, contract, enrichment, gone).await;
            let after = bench.read(kind, &all_options(kind)).await;
            bench.organization.aws().remove_fault(fault).await;
            let expected: Vec<_> = before.keys().filter(|key| **key != vanished).collect();
            assert_eq!(after.keys().collect::<Vec<_>>(), expected, "{kind} {}", enrichment.operation);
            let incomplete = after.values().find(|resource| !resource.incomplete.is_empty());
            assert_eq!(incomplete, None, "{kind} {}", enrichment.operation);
        }
    }
}

#[tokio::test]
async fn promise_1_a_word_that_may_mean_something_else_keeps_the_resource() {
    let mut calls = 0;
    for contract in contracts() {
        for enrichment in contract.enrichments {
            let NotFound::DecidesNothing(not_found) = enrichment.not_found else { continue };
            let bench = Bench::create().await;
            (contract.seed)(&bench, &["first", "second"]).await;
            let (kept, _) = fail_for_one(&bench, contract, enrichment, not_found).await;
            let resources = bench.read(contract.kind, &all_options(contract.kind)).await;
            let failed = &resources[&kept].incomplete[0];
            assert_eq!((failed.action, failed.optional), (enrichment.name, enrichment.is_option), "{}", contract.kind);
            calls += 1;
        }
    }
    assert_eq!(calls, 7);
}

/// Options are called for by name, and each has a call that shows it, but for those whose answer the listing has anyway.
#[test]
fn every_option_of_a_kind_has_calls_in_its_contract() {
    for contract in contracts() {
        let kind = portolan::kinds::find(contract.kind).expect("a kind");
        let takes_calls = kind.include_actions().iter().any(|action| !action.iam_actions.is_empty());
        assert_eq!(takes_calls, !contract.calls_of_options.is_empty(), "{}", contract.kind);
        assert_eq!(kind.scope() == Scope::Organization, contract.service == "organizations", "{}", contract.kind);
    }
}

async fn fail(bench: &Bench, contract: &Contract, (status, code): Code) -> FaultId {
    let effect = json!({"status": status, "code": code, "message": "as ordered"});
    let fault = json!({"service": contract.service, "operation": contract.listing, "effect": effect});
    bench.order_fault(contract.kind, fault).await
}

/// Lets an operation fail for one resource of a kind, and gives its key.
async fn fail_for_one(
    bench: &Bench,
    contract: &Contract,
    enrichment: &Enrichment,
    (status, code): Code,
) -> (String, FaultId) {
    let resources = bench.read(contract.kind, &[]).await;
    let named = resources.keys().find(|key| key.contains("first"));
    let key = named.or(resources.keys().next()).expect("two resources").clone();
    let part = if named.is_some() { "first" } else { key.as_str() };
    let effect = json!({"status": status, "code": code});
    let fault = json!({
        "service": enrichment.service, "operation": enrichment.operation, "resource": part, "effect": effect,
    });
    let fault = bench.order_fault(contract.kind, fault).await;
    (key, fault)
}

pub fn counts(calls: &[(&str, usize)]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for (name, count) in calls {
        *counts.entry((*name).to_owned()).or_default() += count;
    }
    counts
}

/// Least privilege, in both directions.
#[test]
fn every_declared_action_is_called_and_every_call_is_declared() {
    for contract in contracts() {
        let kind = KINDS.iter().find(|kind| kind.name == contract.kind).expect("a kind");
        let of_options = kind.include_actions.iter().flat_map(|action| action.iam_actions);
        let declared: BTreeSet<String> =
            kind.iam_actions.iter().chain(of_options).map(|action| (*action).to_owned()).collect();
        let calls = contract.calls.iter().chain(contract.calls_of_options);
        let called: BTreeSet<String> = calls.map(|(call, _)| iam_action_of(call)).collect();
        assert_eq!(called, declared, "{}", contract.kind);
    }
}
