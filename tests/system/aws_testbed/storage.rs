//! S3: conditional writes, listed buckets, state from outside; and the names of calls.

use super::{clients_in, error_code, small_organization, without_retries};

#[tokio::test]
async fn conditional_writes_keep_their_promise() {
    let organization = small_organization().await;
    let client = aws_sdk_s3::Client::new(&without_retries(&organization.sdk_config()));
    let put = |body: &str| {
        client
            .put_object()
            .bucket(organization.state_bucket())
            .key("state/generation.json")
            .body(body.as_bytes().to_vec().into())
    };
    let first = put("1").if_none_match("*").send().await.expect("nothing is there yet");
    let first_tag = first.e_tag().expect("a tag").to_owned();
    assert!(first_tag.starts_with('"'), "{first_tag} is strong");
    assert_eq!(error_code!(put("2").if_none_match("*").send().await), "PreconditionFailed");

    let second = put("2").if_match(&first_tag).send().await.expect("the tag is current");
    assert_ne!(second.e_tag(), Some(first_tag.as_str()));
    assert_eq!(error_code!(put("3").if_match(&first_tag).send().await), "PreconditionFailed");
    let content = organization.read_state("state/generation.json").await;
    assert_eq!(content.as_deref(), Some(b"2".as_slice()));
}

#[tokio::test]
async fn large_objects_come_back_as_they_were() {
    let organization = small_organization().await;
    let client = aws_sdk_s3::Client::new(&without_retries(&organization.sdk_config()));
    let content: Vec<u8> = (0..5_000_000_u32).map(|index| (index % 251) as u8).collect();
    client
        .put_object()
        .bucket(organization.state_bucket())
        .key("state/with space/ü+%2F.json")
        .body(content.clone().into())
        .send()
        .await
        .expect("it fits");
    let read = client
        .get_object()
        .bucket(organization.state_bucket())
        .key("state/with space/ü+%2F.json")
        .send()
        .await
        .expect("it is there");
    let read = read.body.collect().await.expect("it is complete").to_vec();
    assert!(read == content);
    assert_eq!(organization.state_keys("state/with").await, ["state/with space/ü+%2F.json"]);
}

#[tokio::test]
async fn one_of_many_simultaneous_writers_wins() {
    let organization = small_organization().await;
    let client = aws_sdk_s3::Client::new(&without_retries(&organization.sdk_config()));
    let writes = (0..12).map(|number: u32| {
        client
            .put_object()
            .bucket(organization.state_bucket())
            .key("lock")
            .if_none_match("*")
            .body(number.to_string().into_bytes().into())
            .send()
    });
    let results = futures::future::join_all(writes).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

#[tokio::test]
async fn state_is_seen_and_changed_from_outside() {
    let organization = small_organization().await;
    organization.write_state("a/1", b"one").await;
    organization.write_state("a/2", &[0, 159, 146, 150]).await;
    organization.write_state("b/1", b"other").await;
    assert_eq!(organization.state_keys("a/").await, ["a/1", "a/2"]);
    assert_eq!(organization.read_state("a/2").await.as_deref(), Some([0, 159, 146, 150].as_slice()));
    organization.delete_state("a/1").await;
    assert_eq!(organization.read_state("a/1").await, None);
    assert!(organization.call_counts().await.is_empty(), "tests leave no trace in the call log");
}

#[tokio::test]
async fn buckets_are_listed_in_pages_with_their_region() {
    let organization = small_organization().await;
    let virginia = organization.place("alpha", "us-east-1");
    let ireland = organization.place("alpha", "eu-west-1");
    for name in ["b", "d"] {
        virginia.create_bucket(name, &[("team", "sea")]).await;
    }
    for name in ["a", "c"] {
        ireland.create_bucket(name, &[]).await;
    }
    let client = aws_sdk_s3::Client::new(&clients_in(organization.account("alpha")).await);
    let mut pages = client.list_buckets().max_buckets(3).into_paginator().send();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("an account sees its buckets");
        let page = page.buckets().iter().map(|bucket| bucket.bucket_region().expect("a region").to_owned());
        listed.push(page.collect::<Vec<_>>());
    }
    assert_eq!(listed[0], ["eu-west-1", "us-east-1", "eu-west-1"]);
    assert_eq!(listed[1], ["us-east-1"]);
    let plain = client.list_buckets().send().await.expect("an account sees its buckets");
    assert_eq!(plain.buckets().len(), 4);
    assert_eq!(plain.buckets()[0].bucket_region(), None);
}

#[tokio::test]
async fn calls_are_named_in_every_protocol() {
    let organization = small_organization().await;
    let place = organization.place("alpha", "us-east-1");
    let bucket = place.create_bucket("named", &[("team", "sea")]).await;
    let instance = place.run_instance(&[("Name", "one")]).await;
    place.create_ecs_cluster("cluster", &[("team", "sea")]).await;
    place.create_topic("topic", &[]).await;
    place.create_queue("queue", &[]).await;
    let function = place.create_function("function", &[("team", "sea")]).await;

    let config = clients_in(organization.account("alpha")).await;
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.get_bucket_tagging().bucket(&bucket).send().await.expect("it has tags");
    s3.get_bucket_location().bucket(&bucket).send().await.expect("it has a place");
    s3.list_objects_v2().bucket(&bucket).send().await.expect("it is empty");
    s3.list_objects_v2().bucket(&bucket).prefix("a/").send().await.expect("it is empty");
    s3.head_bucket().bucket(&bucket).send().await.expect("it is there");
    let missing = s3.get_object().bucket(&bucket).key("no/such key").send().await;
    assert_eq!(error_code!(missing), "NoSuchKey");
    let lambda = aws_sdk_lambda::Client::new(&config);
    lambda.list_functions().send().await.expect("there is one");
    lambda.list_tags().resource(&function).send().await.expect("it has tags");
    lambda.get_function().function_name("function").send().await.expect("it is there");
    let ec2 = aws_sdk_ec2::Client::new(&config);
    let found = ec2.describe_instances().send().await.expect("there is one");
    assert_eq!(found.reservations()[0].instances()[0].instance_id(), Some(instance.as_str()));
    aws_sdk_sns::Client::new(&config).list_topics().send().await.expect("there is one");
    aws_sdk_sqs::Client::new(&config).list_queues().send().await.expect("there is one");
    aws_sdk_ecs::Client::new(&config).list_clusters().send().await.expect("there is one");
    aws_sdk_account::Client::new(&config).list_regions().send().await.expect("there are some");

    let counts = organization.call_counts().await;
    let expected = [
        ("account:ListRegions", 1),
        ("ec2:DescribeInstances", 1),
        ("ecs:ListClusters", 1),
        ("lambda:GetFunction", 1),
        ("lambda:ListFunctions", 1),
        ("lambda:ListTags", 1),
        ("s3:GetBucketLocation", 1),
        ("s3:GetBucketTagging", 1),
        ("s3:GetObject", 1),
        ("s3:HeadBucket", 1),
        ("s3:ListObjectsV2", 2),
        ("sns:ListTopics", 1),
        ("sqs:ListQueues", 1),
    ];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(counts.into_iter().collect::<Vec<_>>(), expected);
    let calls = organization.calls().await;
    let missing = calls.iter().find(|call| call.name() == "s3:GetObject").expect("it was called");
    assert_eq!(missing.status, Some(404));
    assert_eq!(missing.error_code.as_deref(), Some("NoSuchKey"));
    assert_eq!(missing.region, "us-east-1");
}
