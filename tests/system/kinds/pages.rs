//! Listings of several pages, of none, and how many calls they take.

use std::collections::BTreeMap;

use portolan::kinds::{KINDS, Scope};
use serde_json::json;

use super::{Bench, REGION, all_options};

/// moto has no pages for these services, or pages of a fixed size: the listings' answers are given.
#[tokio::test]
async fn the_second_page_is_asked_for_with_the_first_ones_token() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    let clusters = [place.create_ecs_cluster("a", &[]).await, place.create_ecs_cluster("b", &[]).await];
    let topics = [place.create_topic("a", &[]).await, place.create_topic("b", &[]).await];
    let queues = [place.create_queue("a", &[]).await.url, place.create_queue("b", &[]).await.url];
    let functions = ["a", "b"].map(|name| format!("arn:aws:lambda:{REGION}:{}:function:{name}", bench.alpha()));
    let instances = ["i-a", "i-b"].map(str::to_owned);
    for (kind, service, operation, keys, form) in [
        ("AWS::EC2::Instance", "ec2", "DescribeInstances", instances, instance_page as fn(&str, &str) -> String),
        ("AWS::ECS::Cluster", "ecs", "ListClusters", clusters, cluster_page),
        ("AWS::Lambda::Function", "lambda", "ListFunctions", functions, function_page),
        ("AWS::SNS::Topic", "sns", "ListTopics", topics, topic_page),
        ("AWS::SQS::Queue", "sqs", "ListQueues", queues, queue_page),
    ] {
        bench.answer_once(kind, service, operation, "", &form(&keys[0], "token-of-page-2")).await;
        // An empty token is the end, as none is.
        bench.answer_once(kind, service, operation, "token-of-page-2", &form(&keys[1], "")).await;
        let resources = bench.read(kind, &[]).await;
        assert_eq!(resources.into_keys().collect::<Vec<_>>(), keys, "{kind}");
    }
}

fn instance_page(id: &str, token: &str) -> String {
    format!(
        r#"<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet><item>
        <instanceId>{id}</instanceId></item></instancesSet></item></reservationSet><nextToken>{token}</nextToken></DescribeInstancesResponse>"#
    )
}

fn cluster_page(arn: &str, token: &str) -> String {
    json!({"clusterArns": [arn], "nextToken": token}).to_string()
}

fn function_page(arn: &str, token: &str) -> String {
    json!({"Functions": [{"FunctionArn": arn}], "NextMarker": token}).to_string()
}

fn topic_page(arn: &str, token: &str) -> String {
    format!(
        r#"<ListTopicsResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><ListTopicsResult><Topics><member>
        <TopicArn>{arn}</TopicArn></member></Topics><NextToken>{token}</NextToken></ListTopicsResult></ListTopicsResponse>"#
    )
}

fn queue_page(url: &str, token: &str) -> String {
    json!({"QueueUrls": [url], "NextToken": token}).to_string()
}

#[tokio::test]
async fn pages_of_accounts_and_of_buckets() {
    let bench = Bench::create().await;
    let aws = bench.organization.aws();
    aws.set_page_size(Some(bench.organization.management_account()), "organizations:ListAccounts", 2).await;
    assert_eq!(bench.read("AWS::Organizations::Account", &[]).await.len(), 3);
    assert_eq!(bench.take_calls().await, counts(&[("organizations:ListAccounts", 2)]));

    let place = bench.alpha_in(REGION);
    for name in ["a", "b", "c"] {
        place.create_bucket(name, &[]).await;
    }
    aws.set_page_size(Some(bench.alpha()), "s3:ListBuckets", 1).await;
    assert_eq!(bench.read("AWS::S3::Bucket", &[]).await.len(), 3);
    assert_eq!(bench.take_calls().await, counts(&[("s3:GetBucketTagging", 3), ("s3:ListBuckets", 3)]));
}

#[tokio::test]
async fn an_empty_token_ends_the_listings_of_accounts_and_buckets_too() {
    let bench = Bench::create().await;
    let kind = "AWS::Organizations::Account";
    let body = json!({"Accounts": [{"Id": bench.alpha()}], "NextToken": ""}).to_string();
    bench.answer_once(kind, "organizations", "ListAccounts", "", &body).await;
    assert_eq!(bench.page(kind, &[], None).await.expect("an answer").next, None);

    let kind = "AWS::S3::Bucket";
    let body = r#"<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets/><ContinuationToken></ContinuationToken>
        </ListAllMyBucketsResult>"#;
    bench.answer_once(kind, "s3", "ListBuckets", "", body).await;
    assert_eq!(bench.page(kind, &[], None).await.expect("an answer").next, None);
}

#[tokio::test]
async fn an_empty_region_takes_one_call_for_each_kind() {
    let bench = Bench::create().await;
    for kind in KINDS.iter().filter(|kind| kind.scope == Scope::Regional) {
        let page = bench.page(kind.name, &all_options(kind.name), None).await.expect("an empty region is no failure");
        assert!(page.resources.is_empty() && page.next.is_none(), "{}: {page:?}", kind.name);
        let calls = bench.take_calls().await;
        assert_eq!(calls.values().sum::<usize>(), 1, "{}: {calls:?}", kind.name);
    }
    assert!(bench.read("AWS::S3::Bucket", &[]).await.is_empty());
    assert_eq!(bench.take_calls().await, counts(&[("s3:ListBuckets", 1)]));
}

/// As each kind's documentation states it.
#[tokio::test]
async fn the_number_of_calls_for_three_resources() {
    let bench = Bench::create().await;
    let place = bench.alpha_in(REGION);
    place.run_instances(3, &[]).await;
    for name in ["a", "b", "c"] {
        place.create_bucket(name, &[]).await;
        place.create_ecs_cluster(name, &[]).await;
        place.create_topic(name, &[]).await;
        place.create_queue(name, &[]).await;
        place.create_function(name, &[]).await;
    }
    let listings_and_options: [(&str, Calls, Calls); 8] = [
        ("AWS::Account::Info", &[], &[]),
        ("AWS::EC2::Instance", &[("ec2:DescribeInstances", 1)], &[("ec2:DescribeInstanceStatus", 1)]),
        ("AWS::ECS::Cluster", &[("ecs:ListClusters", 1), ("ecs:DescribeClusters", 1)], &[]),
        ("AWS::Lambda::Function", &[("lambda:ListFunctions", 1)], &[("lambda:ListTags", 3)]),
        (
            "AWS::Organizations::Account",
            &[("organizations:ListAccounts", 1)],
            &[("organizations:ListParents", 3), ("organizations:ListTagsForResource", 3)],
        ),
        (
            "AWS::S3::Bucket",
            &[("s3:ListBuckets", 1), ("s3:GetBucketTagging", 3)],
            &[
                ("s3:GetBucketLocation", 3),
                ("s3:GetBucketEncryption", 3),
                ("s3:GetPublicAccessBlock", 3),
                ("s3:GetBucketOwnershipControls", 3),
            ],
        ),
        ("AWS::SNS::Topic", &[("sns:ListTopics", 1), ("sns:GetTopicAttributes", 3)], &[("sns:ListTagsForResource", 3)]),
        ("AWS::SQS::Queue", &[("sqs:ListQueues", 1), ("sqs:GetQueueAttributes", 3)], &[("sqs:ListQueueTags", 3)]),
    ];
    assert_eq!(listings_and_options.map(|(kind, ..)| kind), *KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>());
    for (kind, listing, options) in listings_and_options {
        bench.read(kind, &[]).await;
        assert_eq!(bench.take_calls().await, counts(listing), "{kind}");
        bench.read(kind, &all_options(kind)).await;
        assert_eq!(bench.take_calls().await, counts(&[listing, options].concat()), "{kind} with options");
    }
}

/// Calls by name, with how often.
type Calls<'a> = &'a [(&'a str, usize)];

fn counts(calls: Calls) -> BTreeMap<String, usize> {
    calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}
