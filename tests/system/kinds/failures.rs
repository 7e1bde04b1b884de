//! Calls that fail: what becomes of the listing, of the resource and of the others.

use std::collections::BTreeMap;

use portolan::kinds::{KINDS, ReadError, Resource};
use serde_json::{Value, json};

use super::{Bench, REGION, all_options};

/// The status and the code of an error.
type Code = (u16, &'static str);

/// How each service says that a call is denied, and that there are too many: `(kind, service, listing, denied, throttled)`.
type Listing = (&'static str, &'static str, &'static str, Code, Code);

const LISTINGS: [Listing; 7] = [
    ("AWS::EC2::Instance", "ec2", "DescribeInstances", (403, "UnauthorizedOperation"), (503, "RequestLimitExceeded")),
    ("AWS::ECS::Cluster", "ecs", "ListClusters", (400, "AccessDeniedException"), (400, "ThrottlingException")),
    (
        "AWS::Lambda::Function",
        "lambda",
        "ListFunctions",
        (403, "AccessDeniedException"),
        (429, "TooManyRequestsException"),
    ),
    (
        "AWS::Organizations::Account",
        "organizations",
        "ListAccounts",
        (400, "AccessDeniedException"),
        (400, "TooManyRequestsException"),
    ),
    ("AWS::S3::Bucket", "s3", "ListBuckets", (403, "AccessDenied"), (503, "SlowDown")),
    ("AWS::SNS::Topic", "sns", "ListTopics", (403, "AuthorizationError"), (400, "Throttling")),
    ("AWS::SQS::Queue", "sqs", "ListQueues", (403, "AccessDenied"), (403, "RequestThrottled")),
];

/// `(kind, service, call, what a failure of it is called, its option, the code for a resource that is gone)`.
type Enrichment = (&'static str, &'static str, &'static str, &'static str, Option<&'static str>, Code);

const ENRICHMENTS: [Enrichment; 12] = [
    ("AWS::S3::Bucket", "s3", "GetBucketTagging", "GetBucketTaggingAction", None, (404, "NoSuchBucket")),
    option("AWS::S3::Bucket", "s3", "GetBucketLocation", "GetBucketLocationAction", (404, "NoSuchBucket")),
    option("AWS::S3::Bucket", "s3", "GetBucketEncryption", "GetBucketEncryptionAction", (404, "NoSuchBucket")),
    option("AWS::S3::Bucket", "s3", "GetPublicAccessBlock", "GetPublicAccessBlockAction", (404, "NoSuchBucket")),
    option(
        "AWS::S3::Bucket",
        "s3",
        "GetBucketOwnershipControls",
        "GetBucketOwnershipControlsAction",
        (404, "NoSuchBucket"),
    ),
    ("AWS::SNS::Topic", "sns", "GetTopicAttributes", "GetTopicAttributes", None, (404, "NotFound")),
    option("AWS::SNS::Topic", "sns", "ListTagsForResource", "GetTopicTagsAction", (404, "ResourceNotFound")),
    (
        "AWS::SQS::Queue",
        "sqs",
        "GetQueueAttributes",
        "GetQueueAttributes",
        None,
        (400, "AWS.SimpleQueueService.NonExistentQueue"),
    ),
    option("AWS::SQS::Queue", "sqs", "ListQueueTags", "ListQueueTagsAction", (400, "QueueDoesNotExist")),
    option("AWS::Lambda::Function", "lambda", "ListTags", "ListTagsAction", (404, "ResourceNotFoundException")),
    option(
        "AWS::Organizations::Account",
        "organizations",
        "ListParents",
        "ListParentsAction",
        (400, "ChildNotFoundException"),
    ),
    option(
        "AWS::Organizations::Account",
        "organizations",
        "ListTagsForResource",
        "ListTagsForResourceAction",
        (400, "TargetNotFoundException"),
    ),
];

const fn option(
    kind: &'static str,
    service: &'static str,
    call: &'static str,
    name: &'static str,
    gone: Code,
) -> Enrichment {
    (kind, service, call, name, Some(name), gone)
}

#[tokio::test]
async fn a_denied_or_throttled_listing_says_so() {
    let bench = Bench::create().await;
    for (kind, service, operation, denied, throttled) in LISTINGS {
        let call = format!("{service}:{operation}");
        fail(&bench, kind, service, operation, denied).await;
        let error = bench.page(kind, &[], None).await.expect_err("the listing is denied");
        assert!(matches!(error, ReadError::Denied(_)), "{kind}: {error:?}");
        let words = error.to_string();
        for part in [call.as_str(), denied.1, "as ordered", "read role's policy", "service control policy"] {
            assert!(words.contains(part), "{kind}: `{words}` should name {part}");
        }
        bench.organization.clear_faults().await;

        fail(&bench, kind, service, operation, throttled).await;
        let error = bench.page(kind, &[], None).await.expect_err("the listing is throttled");
        assert!(matches!(error, ReadError::Throttled(_)), "{kind}: {error:?}");
        assert!(error.to_string().contains(&call), "{error}");
        bench.organization.clear_faults().await;

        fail(&bench, kind, service, operation, (500, "InternalFailure")).await;
        let error = bench.page(kind, &[], None).await.expect_err("the listing fails");
        assert!(matches!(error, ReadError::Failed(_)), "{kind}: {error:?}");
        bench.organization.clear_faults().await;
    }
    let with_listing = LISTINGS.map(|(kind, ..)| kind);
    let without = KINDS.iter().filter(|kind| !with_listing.contains(&kind.name)).map(|kind| kind.name);
    assert_eq!(without.collect::<Vec<_>>(), ["AWS::Account::Info"], "a kind without a line in the table");
}

#[tokio::test]
async fn a_region_that_is_not_for_the_account_is_told_apart() {
    let bench = Bench::create().await;
    let kind = "AWS::EC2::Instance";
    fail(&bench, kind, "ec2", "DescribeInstances", (401, "OptInRequired")).await;
    let error = bench.page(kind, &[], None).await.expect_err("the region is not enabled");
    assert!(matches!(error, ReadError::NotHere(_)), "{error:?}");
}

#[tokio::test]
async fn a_broken_connection_is_a_failure_with_its_cause() {
    let bench = Bench::create().await;
    let kind = "AWS::SNS::Topic";
    bench.fault(kind, "sns", "ListTopics", json!("reset")).await;
    let error = bench.page(kind, &[], None).await.expect_err("there is no answer");
    assert!(matches!(error, ReadError::Failed(_)), "{error:?}");
    let words = error.to_string();
    assert!(words.starts_with("failed: sns:ListTopics gave no answer ("), "{words}");
    assert!(words.contains("reset") || words.contains("closed"), "{words}");
}

/// One resource's failing call leaves that one incomplete, names itself, and does not touch the other resource.
#[tokio::test]
async fn a_failing_enrichment_is_named_and_spoils_no_other() {
    let bench = bench_with_two_of_each_kind().await;
    for (kind, service, call, name, option, _) in ENRICHMENTS {
        let broken = fail_for_one(&bench, kind, service, call, (403, "AccessDenied")).await;
        let resources = bench.read(kind, &all_options(kind)).await;
        bench.organization.clear_faults().await;
        for (key, resource) in &resources {
            if *key != broken {
                assert_eq!(resource.incomplete, [], "{kind} {call}");
                continue;
            }
            let [failed] = resource.incomplete.as_slice() else { panic!("{kind} {call}: {:?}", resource.incomplete) };
            assert_eq!((failed.action, failed.optional), (name, option.is_some()), "{kind} {call}");
            assert!(failed.reason.contains(&format!("{service}:{call}")), "{}", failed.reason);
        }
        assert!(resources.contains_key(&broken), "{kind} {call}");
        let unasked = resources[&broken].failure_for(&Default::default());
        assert_eq!(unasked.is_some(), option.is_none(), "{kind} {call}");
    }
}

#[tokio::test]
async fn a_resource_that_vanishes_in_between_is_left_out() {
    let bench = bench_with_two_of_each_kind().await;
    for (kind, service, call, _, _, gone) in ENRICHMENTS {
        let before = bench.read(kind, &all_options(kind)).await;
        let vanished = fail_for_one(&bench, kind, service, call, gone).await;
        let after = bench.read(kind, &all_options(kind)).await;
        bench.organization.clear_faults().await;
        let expected: Vec<_> = before.keys().filter(|key| **key != vanished).collect();
        assert_eq!(after.keys().collect::<Vec<_>>(), expected, "{kind} {call}");
        assert!(after.values().all(|resource| resource.incomplete.is_empty()), "{kind} {call}");
    }
}

/// EC2 refuses a whole call for one unknown instance. The others keep their statuses, and the listing has said that it is there.
#[tokio::test]
async fn an_instance_that_vanishes_costs_no_other_its_status() {
    let bench = Bench::create().await;
    let kind = "AWS::EC2::Instance";
    let ids = bench.alpha_in(REGION).run_instances(5, &[]).await;
    let unknown = &ids[2];
    let effect = json!({"status": 400, "code": "InvalidInstanceID.NotFound"});
    let fault = json!({"service": "ec2", "operation": "DescribeInstanceStatus", "resource": unknown, "effect": effect});
    bench.order_fault(kind, fault).await;
    let instances = bench.read(kind, &all_options(kind)).await;
    assert_eq!(instances.len(), 5);
    for (id, instance) in instances {
        assert_eq!(instance.properties.contains_key("InstanceStatus"), id != *unknown, "{id}");
        assert!(instance.incomplete.is_empty());
    }
    bench.organization.clear_faults().await;

    fail(&bench, kind, "ec2", "DescribeInstanceStatus", (403, "UnauthorizedOperation")).await;
    for instance in bench.read(kind, &all_options(kind)).await.into_values() {
        assert_eq!(instance.incomplete[0].action, "DescribeInstanceStatusAction");
        assert!(instance.incomplete[0].optional && instance.properties.contains_key("State"));
    }
}

#[tokio::test]
async fn a_cluster_that_is_missing_is_left_out_and_one_that_failed_is_incomplete() {
    let bench = Bench::create().await;
    let kind = "AWS::ECS::Cluster";
    let place = bench.alpha_in(REGION);
    let there = place.create_ecs_cluster("there", &[]).await;
    let gone = there.replace("there", "gone");
    let failed = there.replace("there", "failed");
    let list = json!({"clusterArns": [there, gone, failed]}).to_string();
    let described = json!({
        "clusters": [{"clusterArn": there, "clusterName": "there"}],
        "failures": [{"arn": gone, "reason": "MISSING"}, {"arn": failed, "reason": "INTERNAL", "detail": "try again"}],
    });
    bench.answer_once(kind, "ecs", "ListClusters", "", &list).await;
    bench.answer_once(kind, "ecs", "DescribeClusters", "", &described.to_string()).await;
    let clusters = bench.read(kind, &[]).await;
    assert_eq!(clusters.keys().collect::<Vec<_>>(), [&failed, &there]);
    assert_eq!(clusters[&there].incomplete, []);
    assert!(clusters[&failed].incomplete[0].reason.contains("INTERNAL (try again)"), "{:?}", clusters[&failed]);

    fail(&bench, kind, "ecs", "DescribeClusters", (400, "AccessDeniedException")).await;
    let cluster = bench.read_one(kind, &[]).await;
    assert_eq!((cluster.incomplete[0].action, cluster.incomplete[0].optional), ("DescribeClusters", false));
    assert_eq!(Value::Object(cluster.properties), json!({"ClusterArn": there}));
}

async fn bench_with_two_of_each_kind() -> Bench {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    for name in ["first", "second"] {
        place.create_bucket(name, &[]).await;
        place.create_topic(name, &[]).await;
        place.create_queue(name, &[]).await;
        place.create_function(name, &[]).await;
    }
    bench
}

async fn fail(bench: &Bench, kind: &str, service: &str, operation: &str, (status, code): Code) {
    let effect = json!({"status": status, "code": code, "message": "as ordered"});
    bench.fault(kind, service, operation, effect).await;
}

/// Lets an operation fail for one resource of a kind, and gives its key.
async fn fail_for_one(bench: &Bench, kind: &str, service: &str, operation: &str, (status, code): Code) -> String {
    let resources: BTreeMap<String, Resource> = bench.read(kind, &[]).await;
    let key =
        resources.into_keys().find(|key| key.contains("first") || key == bench.alpha()).expect("two of each kind");
    let effect = json!({"status": status, "code": code});
    let fault = json!({"service": service, "operation": operation, "resource": key, "effect": effect});
    bench.order_fault(kind, fault).await;
    key
}
