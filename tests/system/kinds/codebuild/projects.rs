//! Build projects.

use serde_json::{Map, Value, json};

use super::super::{Bench, REGION, assert_every_field, assert_forwarded, assert_shape};
use super::{PROJECT, create_projects, project_page};

#[tokio::test]
async fn a_project_has_its_first_level_in_pascal_case() {
    let bench = Bench::create().await;
    create_projects(&bench, &["harbour"]).await;
    let project = bench.read_one(PROJECT, &[]).await;
    assert_eq!((project.key.as_str(), &project.context), ("harbour", &Map::new()));
    let account = bench.alpha();
    assert_shape(
        &Value::Object(project.properties),
        &json!({
            "Name": "harbour",
            "Arn": format!("arn:aws:codebuild:{REGION}:{account}:project/harbour"),
            "Description": "builds the harbour",
            "Source": {"type": "GITHUB", "location": "https://github.com/example/harbour.git"},
            "Artifacts": {"type": "NO_ARTIFACTS"},
            "Cache": {"type": "NO_CACHE"},
            "Environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
            "ServiceRole": format!("arn:aws:iam::{account}:role/build"),
            "TimeoutInMinutes": 30,
            "QueuedTimeoutInMinutes": 0,
            "EncryptionKey": format!("arn:aws:kms:{REGION}:{account}:alias/aws/s3"),
            "Tags": [{"key": "team", "value": "sea"}],
            "Created": "<time>",
            "Badge": {"badgeEnabled": false},
        }),
    );
}

/// The members are those of `Project` in the API reference, with values as in the CLI's example of `batch-get-projects`.
#[tokio::test]
async fn a_project_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let wire = json!({
        "name": "harbour",
        "arn": "arn:aws:codebuild:eu-west-1:123456789012:project/harbour",
        "description": "",
        "source": {"type": "GITHUB", "location": "https://github.com/example/harbour.git", "gitCloneDepth": 1, "insecureSsl": false,
            "auth": {"type": "CODECONNECTIONS", "resource": "arn:c"}, "buildspec": null},
        "secondarySources": [{"type": "S3", "location": "b/k", "sourceIdentifier": "two"}],
        "sourceVersion": "main",
        "secondarySourceVersions": [{"sourceIdentifier": "two", "sourceVersion": "v1"}],
        "artifacts": {"type": "S3", "location": "b", "packaging": "ZIP", "encryptionDisabled": false},
        "secondaryArtifacts": [{"type": "S3", "artifactIdentifier": "two"}],
        "cache": {"type": "LOCAL", "modes": ["LOCAL_SOURCE_CACHE"]},
        "environment": {"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_GENERAL1_SMALL", "privilegedMode": false,
            "environmentVariables": [{"name": "STAGE", "value": "test", "type": "PLAINTEXT"}], "hostKernel": "LINUX_KERNEL_6", "brandNew": 1},
        "serviceRole": "arn:aws:iam::123456789012:role/build",
        "timeoutInMinutes": 60,
        "queuedTimeoutInMinutes": 480,
        "encryptionKey": "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3",
        "tags": [],
        "created": 1_556_839_783.274,
        "lastModified": 1_556_839_783,
        "webhook": {"url": "https://api.github.com/hooks/1", "payloadUrl": "https://codebuild/webhooks", "secret": null,
            "filterGroups": [[{"type": "EVENT", "pattern": "PUSH", "excludeMatchedPattern": false}]],
            "lastModifiedSecret": 1_556_839_783.5, "status": "ACTIVE"},
        "vpcConfig": {"vpcId": "vpc-1", "subnets": ["subnet-1"], "securityGroupIds": ["sg-1"]},
        "badge": {"badgeEnabled": true, "badgeRequestUrl": "https://badge"},
        "logsConfig": {"cloudWatchLogs": {"status": "ENABLED"}, "s3Logs": {"status": "DISABLED", "encryptionDisabled": false}},
        "fileSystemLocations": [{"type": "EFS", "location": "fs:/", "mountPoint": "/mnt", "identifier": "f"}],
        "buildBatchConfig": {"serviceRole": "arn:r", "restrictions": {"maximumBuildsAllowed": 2}, "timeoutInMins": 60},
        "concurrentBuildLimit": 5,
        "projectVisibility": "PRIVATE",
        "publicProjectAlias": "alias",
        "resourceAccessRole": "arn:r",
        "autoRetryLimit": 0,
        "brandNew": {"arrivesToo": null, "at": 1_556_839_783},
    });
    let answer = json!({"projects": [wire], "projectsNotFound": []}).to_string();
    bench.answer(PROJECT, "codebuild", "ListProjects", "", &project_page("harbour", "")).await;
    bench.answer(PROJECT, "codebuild", "BatchGetProjects", "harbour", &answer).await;
    let project = bench.read_one(PROJECT, &[]).await;
    assert_every_field(PROJECT, &project.properties);
    let mut source = wire["source"].clone();
    source.as_object_mut().expect("an object").remove("buildspec");
    let mut webhook = wire["webhook"].clone();
    webhook.as_object_mut().expect("an object").remove("secret");
    webhook["lastModifiedSecret"] = json!("2019-05-02T23:29:43.500000Z");
    let changed = json!({
        "Created": "2019-05-02T23:29:43.274000Z",
        "LastModified": "2019-05-02T23:29:43Z",
        "Source": source,
        "Webhook": webhook,
        "BrandNew": {"at": 1_556_839_783},
    });
    assert_forwarded(&project, &wire, changed);
}

#[tokio::test]
async fn a_project_that_is_not_found_is_left_out_and_one_that_is_not_described_is_incomplete() {
    let bench = Bench::create().await;
    let list = json!({"projects": ["a", "gone", "b"]}).to_string();
    let described = json!({"projects": [{"name": "b", "arn": "arn:b"}], "projectsNotFound": ["gone"]}).to_string();
    bench.answer(PROJECT, "codebuild", "ListProjects", "", &list).await;
    bench.answer(PROJECT, "codebuild", "BatchGetProjects", "", &described).await;
    let projects = bench.read(PROJECT, &[]).await;
    assert_eq!(projects.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert_shape(&Value::Object(projects["b"].properties.clone()), &json!({"Name": "b", "Arn": "arn:b"}));
    assert_eq!(projects["b"].incomplete, []);
    assert_eq!(projects["a"].incomplete[0].action, "BatchGetProjects");

    bench
        .fault(PROJECT, "codebuild", "BatchGetProjects", json!({"status": 400, "code": "AccessDeniedException"}))
        .await;
    let projects = bench.read(PROJECT, &[]).await;
    assert_eq!(projects.keys().collect::<Vec<_>>(), ["a", "b", "gone"]);
    for (name, project) in projects {
        assert_eq!((project.incomplete[0].action, project.incomplete[0].optional), ("BatchGetProjects", false));
        assert_shape(&Value::Object(project.properties), &json!({"Name": name}));
    }
}
