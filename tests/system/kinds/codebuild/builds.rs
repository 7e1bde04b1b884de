//! Builds.

use portolan::kinds::HistoryBound;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::super::contract::counts;
use super::super::{Bench, REGION, assert_every_field, assert_forwarded, assert_shape, bounded, request};
use super::{BUILD, build_page, start_builds};

#[tokio::test]
async fn a_build_has_its_first_level_in_pascal_case() {
    let bench = Bench::create().await;
    start_builds(&bench, &["harbour"]).await;
    let mut build = bench.read_one(BUILD, &[]).await;
    assert!(build.key.starts_with("harbour:"), "{}", build.key);
    let phases = build.properties.remove("Phases").expect("phases");
    let submitted = json!({
        "phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "durationInSeconds": 0, "startTime": "<time>", "endTime": "<time>",
    });
    assert_shape(&phases[0], &submitted);
    for name in ["Environment", "Source", "Logs"] {
        assert!(build.properties.remove(name).is_some_and(|value| value.is_object()), "{name}");
    }
    let account = bench.alpha();
    assert_shape(
        &Value::Object(build.properties),
        &json!({
            "Id": build.key,
            "Arn": format!("arn:aws:codebuild:{REGION}:{account}:build/{}", build.key),
            "ProjectName": "harbour",
            "BuildNumber": "<number>",
            "BuildStatus": "SUCCEEDED",
            "BuildComplete": false,
            "CurrentPhase": "COMPLETED",
            "StartTime": "<time>",
            "EndTime": "<time>",
            "SourceVersion": "refs/heads/main",
            "SecondarySources": [],
            "SecondarySourceVersions": [],
            "SecondaryArtifacts": [],
            "Cache": {"type": "NO_CACHE"},
            "ServiceRole": format!("arn:aws:iam::{account}:role/build"),
            "TimeoutInMinutes": 45,
            "QueuedTimeoutInMinutes": 480,
            "Initiator": "rootme",
            "EncryptionKey": format!("arn:aws:kms:{REGION}:{account}:alias/aws/s3"),
        }),
    );
}

/// The members are those of `Build` in the API reference, with values as in the CLI's example of `batch-get-builds`.
#[tokio::test]
async fn a_build_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let wire = json!({
        "id": "harbour:e9c4f4df",
        "arn": "arn:aws:codebuild:eu-west-1:123456789012:build/harbour:e9c4f4df",
        "buildNumber": 6,
        "startTime": 1_548_717_462.122,
        "endTime": 1_548_717_536,
        "currentPhase": "COMPLETED",
        "buildStatus": "SUCCEEDED",
        "sourceVersion": "main",
        "resolvedSourceVersion": "f2194c17",
        "projectName": "harbour",
        "phases": [
            {"phaseType": "SUBMITTED", "phaseStatus": "SUCCEEDED", "startTime": 1_548_717_462.122, "endTime": 1_548_717_462.484,
                "durationInSeconds": 0, "contexts": [{"statusCode": "", "message": null}]},
            {"phaseType": "COMPLETED", "startTime": 1_548_717_536},
        ],
        "source": {"type": "CODEPIPELINE", "gitCloneDepth": 1, "insecureSsl": false},
        "secondarySources": [],
        "secondarySourceVersions": [{"sourceIdentifier": "two", "sourceVersion": "v1"}],
        "artifacts": {"location": "arn:aws:s3:::b/k", "sha256sum": "cfa0", "md5sum": "0e95", "encryptionDisabled": false},
        "secondaryArtifacts": [],
        "cache": {"type": "NO_CACHE"},
        "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL", "environmentVariables": []},
        "serviceRole": "arn:aws:iam::123456789012:role/build",
        "logs": {"groupName": "/aws/codebuild/harbour", "streamName": "4647", "cloudWatchLogs": {"status": "ENABLED"}},
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "buildComplete": true,
        "initiator": "codepipeline/harbour",
        "vpcConfig": {"vpcId": "vpc-1", "subnets": [], "securityGroupIds": []},
        "networkInterface": {"subnetId": "subnet-1", "networkInterfaceId": "eni-1"},
        "encryptionKey": "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3",
        "exportedEnvironmentVariables": [{"name": "VERSION", "value": "1"}],
        "reportArns": ["arn:aws:codebuild:eu-west-1:123456789012:report/r:1"],
        "fileSystemLocations": [],
        "debugSession": {"sessionEnabled": false},
        "buildBatchArn": "arn:aws:codebuild:eu-west-1:123456789012:build-batch/harbour:1",
        "autoRetryConfig": {"autoRetryLimit": 1, "autoRetryNumber": 0},
        "brandNew": true,
    });
    let answer = json!({"builds": [wire], "buildsNotFound": []}).to_string();
    bench.answer(BUILD, "codebuild", "ListBuilds", "", &build_page("harbour:e9c4f4df", "")).await;
    bench.answer(BUILD, "codebuild", "BatchGetBuilds", "harbour:e9c4f4df", &answer).await;
    let build = bench.read_one(BUILD, &[]).await;
    assert_eq!((build.key.as_str(), &build.context), ("harbour:e9c4f4df", &Map::new()));
    assert_every_field(BUILD, &build.properties);
    let mut phases = wire["phases"].clone();
    phases[0]["startTime"] = json!("2019-01-28T23:17:42.122000Z");
    phases[0]["endTime"] = json!("2019-01-28T23:17:42.484000Z");
    phases[0]["contexts"] = json!([{"statusCode": ""}]);
    phases[1]["startTime"] = json!("2019-01-28T23:18:56Z");
    let changed = json!({
        "StartTime": "2019-01-28T23:17:42.122000Z",
        "EndTime": "2019-01-28T23:18:56Z",
        "Phases": phases,
    });
    assert_forwarded(&build, &wire, changed);
}

#[tokio::test]
async fn builds_are_described_by_id_and_one_that_is_not_found_is_left_out() {
    let bench = Bench::create().await;
    let list = json!({"ids": ["p:1", "p:2", "p:3", "p:4"]}).to_string();
    let builds = json!([{"id": "p:3", "buildNumber": 3}, {"id": "p:1", "buildNumber": 1}]);
    let described = json!({"builds": builds, "buildsNotFound": ["p:2"]}).to_string();
    bench.answer(BUILD, "codebuild", "ListBuilds", "", &list).await;
    bench.answer(BUILD, "codebuild", "BatchGetBuilds", "", &described).await;
    let builds = bench.read(BUILD, &[]).await;
    assert_eq!(builds.keys().collect::<Vec<_>>(), ["p:1", "p:3", "p:4"]);
    for (id, number) in [("p:1", 1), ("p:3", 3)] {
        let expected = json!({"Id": id, "BuildNumber": number});
        assert_shape(&Value::Object(builds[id].properties.clone()), &expected);
    }
    assert_eq!(builds["p:4"].incomplete[0].action, "BatchGetBuilds");

    bench.fault(BUILD, "codebuild", "BatchGetBuilds", json!({"status": 400, "code": "ThrottlingException"})).await;
    let builds = bench.read(BUILD, &[]).await;
    assert_eq!(builds.len(), 4);
    assert!(builds.values().all(|build| build.incomplete[0].reason.starts_with("throttled")));
}

/// Three pages of two builds each. The listing is asked for in the order that bounds build upon.
async fn list_six_builds(bench: &Bench, builds: [Value; 6]) {
    let ids: Vec<_> = builds.iter().map(|build| build["id"].clone()).collect();
    let third = json!({"ids": ids[4..]}).to_string();
    bench.answer(BUILD, "codebuild", "ListBuilds", "token-of-page-3", &third).await;
    let second = json!({"ids": ids[2..4], "nextToken": "token-of-page-3"}).to_string();
    bench.answer(BUILD, "codebuild", "ListBuilds", "token-of-page-2", &second).await;
    let first = json!({"ids": ids[..2], "nextToken": "token-of-page-2"}).to_string();
    bench.answer(BUILD, "codebuild", "ListBuilds", "DESCENDING", &first).await;
    bench.answer(BUILD, "codebuild", "BatchGetBuilds", "", &json!({"builds": builds}).to_string()).await;
}

fn began_days_ago(id: &str, days: i64) -> Value {
    let start = OffsetDateTime::now_utc() - Duration::days(days) + Duration::minutes(5);
    json!({"id": id, "startTime": start.unix_timestamp()})
}

#[tokio::test]
async fn a_number_of_results_is_taken_from_the_newest_builds_and_ends_the_listing() {
    let bench = Bench::create().await;
    list_six_builds(&bench, [1, 2, 3, 4, 5, 6].map(|day| began_days_ago(&format!("p:{day}"), day))).await;
    assert_eq!(bench.read_with(&request(BUILD, &[])).await.len(), 6);
    assert_eq!(bench.take_calls().await, counts(&[("codebuild:ListBuilds", 3), ("codebuild:BatchGetBuilds", 3)]));
    for (most, pages) in [(1, 1), (2, 1), (3, 2), (6, 3), (7, 3)] {
        let newest = HistoryBound { most_results: Some(most), most_days: None };
        let builds = bench.read_with(&bounded(BUILD, newest)).await;
        let expected: Vec<_> = (1..=most.min(6)).map(|day| format!("p:{day}")).collect();
        assert_eq!(builds.into_keys().collect::<Vec<_>>(), expected);
        let calls = counts(&[("codebuild:ListBuilds", pages), ("codebuild:BatchGetBuilds", pages)]);
        assert_eq!(bench.take_calls().await, calls, "{most} results");
    }
}

#[tokio::test]
async fn builds_that_began_too_long_ago_are_left_out_and_a_page_of_them_ends_the_listing() {
    let bench = Bench::create().await;
    let waiting = json!({"id": "p:waiting"});
    // Pages of two.
    let builds = [
        began_days_ago("p:8", 8),
        waiting,
        began_days_ago("p:9", 9),
        began_days_ago("p:10", 10),
        began_days_ago("p:1", 1),
        began_days_ago("p:7", 7),
    ];
    list_six_builds(&bench, builds).await;
    let week = HistoryBound { most_results: None, most_days: Some(7) };
    let builds = bench.read_with(&bounded(BUILD, week)).await;
    assert_eq!(builds.into_keys().collect::<Vec<_>>(), ["p:waiting"]);
    assert_eq!(bench.take_calls().await, counts(&[("codebuild:ListBuilds", 2), ("codebuild:BatchGetBuilds", 2)]));

    let both = HistoryBound { most_results: Some(2), most_days: Some(7) };
    let builds = bench.read_with(&bounded(BUILD, both)).await;
    assert_eq!(builds.into_keys().collect::<Vec<_>>(), ["p:waiting"]);
}
