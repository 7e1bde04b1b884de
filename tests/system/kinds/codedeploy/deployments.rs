//! Deployments.

use portolan::kinds::HistoryBound;
use serde_json::{Map, Value, json};
use time::Duration;

use super::super::contract::counts;
use super::super::{Bench, assert_every_field, assert_forwarded, assert_shape, bounded};
use super::{DEPLOYMENT, create_deployments, deployment_page};

#[tokio::test]
async fn a_deployment_has_its_first_level_in_pascal_case() {
    let bench = Bench::create().await;
    create_deployments(&bench, &["release-1"]).await;
    let mut deployment = bench.read_one(DEPLOYMENT, &[]).await;
    assert_eq!(deployment.context, Map::new());
    // The emulated service has these members empty where the real one leaves them out.
    deployment.properties.retain(|_, value| *value != json!({}));
    assert_shape(
        &Value::Object(deployment.properties),
        &json!({
            "DeploymentId": deployment.key,
            "ApplicationName": "web",
            "DeploymentGroupName": "blue",
            "DeploymentConfigName": "CodeDeployDefault.OneAtATime",
            "Revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "release-1", "bundleType": "zip"}},
            "Status": "Created",
            "CreateTime": "<time>",
            "DeploymentOverview": {"Pending": 0, "InProgress": 0, "Succeeded": 0, "Failed": 0, "Skipped": 0, "Ready": 0},
            "Description": "release-1",
            "Creator": "user",
            "InstanceTerminationWaitTimeStarted": false,
            "AdditionalDeploymentStatusInfo": "",
            "DeploymentStatusMessages": [],
            "ComputePlatform": "Server",
            "ExternalId": "",
        }),
    );
}

/// The members are those of `DeploymentInfo` in the API reference and the SDK, with values as in the CLI's example of
/// `batch-get-deployments`.
#[tokio::test]
async fn a_deployment_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let tag_filter = json!({"Key": "Name", "Type": "KEY_AND_VALUE", "Value": "web"});
    let wire = json!({
        "applicationName": "web",
        "deploymentGroupName": "blue",
        "deploymentConfigName": "CodeDeployDefault.OneAtATime",
        "deploymentId": "d-A1B2C3111",
        "previousRevision": {"revisionType": "GitHub", "gitHubLocation": {"repository": "o/r", "commitId": "c"}},
        "revision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "zip", "eTag": "\"dd56\"", "version": null}},
        "status": "Failed",
        "errorInformation": {"code": "HEALTH_CONSTRAINTS", "message": "no hosts succeeded"},
        "createTime": 1_408_480_721.9,
        "startTime": 1_408_480_722,
        "completeTime": 1_408_480_741.822,
        "deploymentOverview": {"Pending": 0, "InProgress": 0, "Succeeded": 0, "Failed": 1, "Skipped": 0, "Ready": 0},
        "description": "",
        "creator": "user",
        "ignoreApplicationStopFailures": false,
        "autoRollbackConfiguration": {"enabled": true, "events": ["DEPLOYMENT_FAILURE"]},
        "updateOutdatedInstancesOnly": false,
        "rollbackInfo": {"rollbackDeploymentId": "d-2", "rollbackMessage": "rolled back"},
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
        "targetInstances": {"tagFilters": [], "autoScalingGroups": ["asg"], "ec2TagSet": {"ec2TagSetList": [[tag_filter]]}},
        "instanceTerminationWaitTimeStarted": false,
        "blueGreenDeploymentConfiguration": {"greenFleetProvisioningOption": {"action": "COPY_AUTO_SCALING_GROUP"}},
        "loadBalancerInfo": {"elbInfoList": [{"name": "elb"}]},
        "additionalDeploymentStatusInfo": "info",
        "fileExistsBehavior": "DISALLOW",
        "deploymentMode": "STANDARD",
        "deploymentStatusMessages": ["one"],
        "computePlatform": "Server",
        "externalId": "e-1",
        "relatedDeployments": {"autoUpdateOutdatedInstancesRootDeploymentId": "d-3", "autoUpdateOutdatedInstancesDeploymentIds": []},
        "overrideAlarmConfiguration": {"enabled": false, "alarms": []},
        "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": []},
        "brandNew": {"x": 1},
    });
    bench.answer(DEPLOYMENT, "codedeploy", "ListDeployments", "", &deployment_page("d-A1B2C3111", "")).await;
    let answer = json!({"deploymentsInfo": [wire]}).to_string();
    bench.answer(DEPLOYMENT, "codedeploy", "BatchGetDeployments", "d-A1B2C3111", &answer).await;
    let deployment = bench.read_one(DEPLOYMENT, &[]).await;
    assert_eq!((deployment.key.as_str(), &deployment.context), ("d-A1B2C3111", &Map::new()));
    assert_every_field(DEPLOYMENT, &deployment.properties);
    let mut revision = wire["revision"].clone();
    revision["s3Location"].as_object_mut().expect("an object").remove("version");
    let changed = json!({
        "CreateTime": "2014-08-19T20:38:41.900000Z",
        "StartTime": "2014-08-19T20:38:42Z",
        "CompleteTime": "2014-08-19T20:39:01.822000Z",
        "Revision": revision,
    });
    assert_forwarded(&deployment, &wire, changed);
}

/// Lists that many deployments, and describes all of them but the first.
async fn list_deployments(bench: &Bench, count: usize) -> Vec<String> {
    let ids: Vec<_> = (0..count).map(|index| format!("d-{index:03}")).collect();
    bench.answer(DEPLOYMENT, "codedeploy", "ListDeployments", "", &json!({"deployments": ids}).to_string()).await;
    let described: Vec<_> = ids[1..].iter().rev().map(|id| json!({"deploymentId": id, "description": id})).collect();
    let answer = json!({"deploymentsInfo": described}).to_string();
    bench.answer(DEPLOYMENT, "codedeploy", "BatchGetDeployments", "", &answer).await;
    ids
}

#[tokio::test]
async fn deployments_are_described_by_twenty_fives_and_joined_by_id() {
    let bench = Bench::create().await;
    let ids = list_deployments(&bench, 226).await;
    let deployments = bench.read(DEPLOYMENT, &[]).await;
    let calls = counts(&[("codedeploy:ListDeployments", 1), ("codedeploy:BatchGetDeployments", 10)]);
    assert_eq!(bench.take_calls().await, calls);
    assert_eq!(deployments.keys().collect::<Vec<_>>(), ids.iter().collect::<Vec<_>>());
    for id in &ids[1..] {
        assert_eq!(deployments[id].properties["Description"], json!(id));
        assert_eq!(deployments[id].incomplete, []);
    }
    let undescribed = &deployments[&ids[0]];
    assert_eq!(undescribed.incomplete[0].action, "BatchGetDeployments");
    assert_shape(&Value::Object(undescribed.properties.clone()), &json!({"DeploymentId": ids[0]}));
}

#[tokio::test]
async fn a_call_that_fails_concerns_its_twenty_five_deployments() {
    let bench = Bench::create().await;
    let ids = list_deployments(&bench, 30).await;
    let effect = json!({"status": 500, "code": "InternalFailure"});
    let fault =
        json!({"service": "codedeploy", "operation": "BatchGetDeployments", "resource": ids[29], "effect": effect});
    bench.order_fault(DEPLOYMENT, fault).await;
    let deployments = bench.read(DEPLOYMENT, &[]).await;
    for id in &ids[1..25] {
        assert_eq!(deployments[id].incomplete, []);
    }
    for id in &ids[25..] {
        assert!(deployments[id].incomplete[0].reason.contains("InternalFailure"), "{:?}", deployments[id]);
    }
}

#[tokio::test]
async fn a_number_of_results_is_taken_from_the_beginning_and_ends_the_listing() {
    let bench = Bench::create().await;
    let second = json!({"deployments": ["d-1", "d-0"]}).to_string();
    bench.answer(DEPLOYMENT, "codedeploy", "ListDeployments", "token-of-page-2", &second).await;
    let first = json!({"deployments": ["d-9", "d-5"], "nextToken": "token-of-page-2"}).to_string();
    bench.answer(DEPLOYMENT, "codedeploy", "ListDeployments", "", &first).await;
    let described = ["d-0", "d-1", "d-5", "d-9"].map(|id| json!({"deploymentId": id}));
    let answer = json!({"deploymentsInfo": described}).to_string();
    bench.answer(DEPLOYMENT, "codedeploy", "BatchGetDeployments", "", &answer).await;
    let all = ["d-0", "d-1", "d-5", "d-9"];
    for (most, pages, expected) in
        [(None, 2, &all[..]), (Some(1), 1, &["d-9"][..]), (Some(2), 1, &all[2..]), (Some(3), 2, &all[1..])]
    {
        let newest = HistoryBound { most_results: most, most_days: None };
        let deployments = bench.read_with(&bounded(DEPLOYMENT, newest)).await;
        assert_eq!(deployments.keys().collect::<Vec<_>>(), expected, "{most:?}");
        let calls = counts(&[("codedeploy:ListDeployments", pages), ("codedeploy:BatchGetDeployments", 1)]);
        assert_eq!(bench.take_calls().await, calls, "{most:?}");
    }
}

#[tokio::test]
async fn the_service_is_asked_for_deployments_of_the_last_days_alone() {
    let bench = Bench::create().await;
    create_deployments(&bench, &["today"]).await;
    let week = HistoryBound { most_results: None, most_days: Some(7) };
    assert_eq!(bench.read_with(&bounded(DEPLOYMENT, week)).await.len(), 1);

    let oldest = (bench.plan.started - Duration::days(7)).unix_timestamp();
    let range = format!(r#""createTimeRange":{{"start":{oldest}}}"#);
    bench.answer(DEPLOYMENT, "codedeploy", "ListDeployments", &range, r#"{"deployments": []}"#).await;
    assert!(bench.read_with(&bounded(DEPLOYMENT, week)).await.is_empty());
    assert_eq!(bench.read(DEPLOYMENT, &[]).await.len(), 1);
}
