//! Applications and deployment groups.

use portolan::seams::Cloud;
use serde_json::{Map, Value, json};

use super::super::contract::counts;
use super::super::{Bench, REGION, all_options, assert_every_field, assert_forwarded, assert_shape};
use super::{APPLICATION, GROUP, create_applications, create_group, create_groups};

#[tokio::test]
async fn an_application_with_its_tags() {
    let bench = Bench::create().await;
    create_applications(&bench, &["web"]).await;
    let application = bench.read_one(APPLICATION, &[]).await;
    assert_eq!((application.key.as_str(), &application.context), ("web", &Map::new()));
    assert_shape(
        &Value::Object(application.properties),
        &json!({
            "ApplicationName": "web",
            "ApplicationId": "<text>",
            "ComputePlatform": "Server",
            "CreateTime": "<time>",
            "Tags": [{"Key": "team", "Value": "sea"}],
        }),
    );
}

/// The members are those of `ApplicationInfo` in the API reference, with values as in the CLI's example of
/// `batch-get-applications`.
#[tokio::test]
async fn an_application_in_which_everything_is_set_and_whose_tags_have_pages() {
    let bench = Bench::create().await;
    let wire = json!({
        "applicationId": "d9dd6993-f171-44fa-a811-211e4EXAMPLE",
        "applicationName": "web",
        "createTime": 1_407_878_168.078,
        "linkedToGitHub": false,
        "gitHubAccountName": "harbour",
        "computePlatform": "ECS",
        "brandNew": ["x", null],
    });
    bench
        .answer(APPLICATION, "codedeploy", "ListApplications", "", &json!({"applications": ["web"]}).to_string())
        .await;
    let answer = json!({"applicationsInfo": [wire]}).to_string();
    bench.answer(APPLICATION, "codedeploy", "BatchGetApplications", "web", &answer).await;
    let last_tags = json!({"Tags": [{"Key": "empty"}], "NextToken": ""}).to_string();
    bench.answer(APPLICATION, "codedeploy", "ListTagsForResource", "token-of-page-2", &last_tags).await;
    let first_tags = json!({"Tags": [{"Key": "team", "Value": "sea"}], "NextToken": "token-of-page-2"}).to_string();
    let arn = format!("arn:aws:codedeploy:{REGION}:{}:application:web", bench.alpha());
    bench.answer(APPLICATION, "codedeploy", "ListTagsForResource", &arn, &first_tags).await;
    let application = bench.read_one(APPLICATION, &[]).await;
    assert_every_field(APPLICATION, &application.properties);
    let tags = json!([{"Key": "team", "Value": "sea"}, {"Key": "empty"}]);
    assert_forwarded(&application, &wire, json!({"CreateTime": "2014-08-12T21:16:08.078000Z", "Tags": tags}));
}

/// One application that is gone has the whole call refused; the emulated service does as the real one's documentation
/// says.
#[tokio::test]
async fn an_application_that_is_gone_is_left_out_and_takes_no_other_with_it() {
    let bench = Bench::create().await;
    create_applications(&bench, &["a", "b", "c"]).await;
    let list = json!({"applications": ["a", "b", "gone", "c"]}).to_string();
    bench.answer_once(APPLICATION, "codedeploy", "ListApplications", "", &list).await;
    let applications = bench.read(APPLICATION, &[]).await;
    assert_eq!(applications.keys().collect::<Vec<_>>(), ["a", "b", "c"]);
    for application in applications.values() {
        assert_eq!(application.incomplete, []);
        assert!(application.properties.contains_key("ApplicationId"), "{application:?}");
    }
}

#[tokio::test]
async fn applications_that_cannot_be_described_are_incomplete() {
    let bench = Bench::create().await;
    create_applications(&bench, &["a", "b"]).await;
    let answer = json!({"applicationsInfo": [{"applicationName": "b"}]}).to_string();
    bench.answer_once(APPLICATION, "codedeploy", "BatchGetApplications", "", &answer).await;
    let applications = bench.read(APPLICATION, &[]).await;
    assert_eq!(applications["a"].incomplete[0].action, "BatchGetApplications");
    assert_eq!(applications["b"].incomplete, []);

    let effect = json!({"status": 500, "code": "InternalFailure"});
    bench.fault(APPLICATION, "codedeploy", "BatchGetApplications", effect).await;
    let applications = bench.read(APPLICATION, &[]).await;
    assert_eq!(applications.len(), 2);
    for (name, application) in applications {
        let failed = &application.incomplete[0];
        assert_eq!((failed.action, failed.optional), ("BatchGetApplications", false));
        assert_eq!(application.properties["ApplicationName"], json!(name));
    }
}

#[tokio::test]
async fn many_applications_come_in_portions_of_a_hundred() {
    let bench = Bench::create().await;
    let names: Vec<_> = (0..201).map(|index| format!("application-{index:03}")).collect();
    bench.answer(APPLICATION, "codedeploy", "ListApplications", "", &json!({"applications": names}).to_string()).await;
    let described: Vec<_> = names.iter().map(|name| json!({"applicationName": name})).collect();
    let answer = json!({"applicationsInfo": described}).to_string();
    bench.answer(APPLICATION, "codedeploy", "BatchGetApplications", "", &answer).await;
    bench.answer(APPLICATION, "codedeploy", "ListTagsForResource", "", r#"{"Tags": []}"#).await;
    let applications = bench.read(APPLICATION, &[]).await;
    assert_eq!(applications.keys().collect::<Vec<_>>(), names.iter().collect::<Vec<_>>());
    let calls = bench.take_calls().await;
    assert_eq!((calls["codedeploy:ListApplications"], calls["codedeploy:BatchGetApplications"]), (1, 3));
}

/// The members are those of `DeploymentGroupInfo` in the API reference and the SDK, with values as in the CLI's example
/// of `batch-get-deployment-groups`.
#[tokio::test]
async fn a_deployment_group_in_which_everything_is_set() {
    let bench = Bench::create().await;
    create_applications(&bench, &["web"]).await;
    create_group(&bench, "web", "blue").await;
    let wire = json!({
        "applicationName": "web",
        "deploymentGroupId": "a1b2c3d4-5678-90ab-cdef-11111example",
        "deploymentGroupName": "blue",
        "deploymentConfigName": "CodeDeployDefault.AllAtOnce",
        "ec2TagFilters": [],
        "onPremisesInstanceTagFilters": [{"Key": "k", "Type": "KEY_ONLY"}],
        "autoScalingGroups": [{"name": "asg", "hook": "h", "terminationHook": "t"}],
        "serviceRoleArn": "arn:aws:iam::123456789012:role/deploy",
        "targetRevision": {"revisionType": "S3", "s3Location": {"bucket": "b", "key": "k", "bundleType": "zip"}},
        "triggerConfigurations": [{"triggerName": "t", "triggerTargetArn": "arn:t", "triggerEvents": ["DeploymentFailure"]}],
        "alarmConfiguration": {"enabled": true, "ignorePollAlarmFailure": false, "alarms": [{"name": "a"}]},
        "autoRollbackConfiguration": {"enabled": false},
        "deploymentStyle": {"deploymentType": "IN_PLACE", "deploymentOption": "WITHOUT_TRAFFIC_CONTROL"},
        "outdatedInstancesStrategy": "UPDATE",
        "blueGreenDeploymentConfiguration": {"deploymentReadyOption": {"actionOnTimeout": "CONTINUE_DEPLOYMENT", "waitTimeInMinutes": 0}},
        "loadBalancerInfo": {"targetGroupInfoList": [{"name": "tg"}], "elbInfoList": null},
        "lastSuccessfulDeployment": {"deploymentId": "d-1", "status": "Succeeded", "createTime": 1_556_912_355, "endTime": 1_556_912_366.5},
        "lastAttemptedDeployment": {"deploymentId": "d-2", "status": "Failed", "createTime": 1_556_912_355.884},
        "ec2TagSet": {"ec2TagSetList": [[{"Key": "Name", "Type": "KEY_AND_VALUE", "Value": "web"}]]},
        "onPremisesTagSet": {"onPremisesTagSetList": []},
        "computePlatform": "Server",
        "ecsServices": [{"serviceName": "s", "clusterName": "c"}],
        "ec2DeploymentOptions": {"autoScalingGroupProcessesToSuspend": ["Terminate"]},
        "terminationHookEnabled": false,
        "brandNew": 1,
    });
    let answer = json!({"deploymentGroupsInfo": [wire], "errorMessage": ""}).to_string();
    bench.answer(GROUP, "codedeploy", "BatchGetDeploymentGroups", "", &answer).await;
    let group = bench.read_one(GROUP, &all_options(GROUP)).await;
    assert_eq!((group.key.as_str(), &group.context), ("web/blue", &Map::new()));
    assert_every_field(GROUP, &group.properties);
    let mut changed = json!({
        "LastSuccessfulDeployment": {"deploymentId": "d-1", "status": "Succeeded",
            "createTime": "2019-05-03T19:39:15Z", "endTime": "2019-05-03T19:39:26.500000Z"},
        "LastAttemptedDeployment": {"deploymentId": "d-2", "status": "Failed", "createTime": "2019-05-03T19:39:15.884000Z"},
        "LoadBalancerInfo": {"targetGroupInfoList": [{"name": "tg"}]},
        "Tags": [{"Key": "team", "Value": "sea"}],
    });
    assert_forwarded(&group, &wire, changed.clone());

    changed.as_object_mut().expect("an object").remove("Tags");
    assert_forwarded(&bench.read_one(GROUP, &[]).await, &wire, changed);
}

#[tokio::test]
async fn groups_of_an_application_that_is_denied_leave_a_gap_and_the_others_arrive() {
    let bench = Bench::create().await;
    create_groups(&bench, &["blue"]).await;
    create_applications(&bench, &["dark", "gone", "empty"]).await;
    let denied = json!({"status": 400, "code": "AccessDeniedException"});
    let gone = json!({"status": 400, "code": "ApplicationDoesNotExistException"});
    for (application, effect) in [("dark", denied), ("gone", gone)] {
        let fault = json!({
            "service": "codedeploy", "operation": "ListDeploymentGroups", "resource": application, "effect": effect,
        });
        bench.order_fault(GROUP, fault).await;
    }
    let page = bench.page(GROUP, &[], None).await.expect("a page");
    let keys: Vec<_> = page.resources.iter().map(|group| group.key.as_str()).collect();
    assert_eq!(keys, ["web/blue"]);
    assert_eq!(page.gaps.len(), 1, "{:?}", page.gaps);
    assert!(page.gaps[0].to_string().contains("codedeploy:ListDeploymentGroups"), "{:?}", page.gaps);
    assert_eq!(page.next, None);
}

#[tokio::test]
async fn groups_come_in_pages_and_those_that_are_not_described_are_incomplete() {
    let bench = Bench::create().await;
    create_applications(&bench, &["web"]).await;
    let last = json!({"deploymentGroups": ["c"], "nextToken": ""}).to_string();
    bench.answer(GROUP, "codedeploy", "ListDeploymentGroups", "token-of-page-2", &last).await;
    let first = json!({"deploymentGroups": ["a", "b"], "nextToken": "token-of-page-2"}).to_string();
    bench.answer(GROUP, "codedeploy", "ListDeploymentGroups", "", &first).await;
    let groups = json!([{"deploymentGroupName": "c"}, {"deploymentGroupName": "a"}]);
    let answer = json!({"deploymentGroupsInfo": groups, "errorMessage": "b has a problem"}).to_string();
    bench.answer(GROUP, "codedeploy", "BatchGetDeploymentGroups", "", &answer).await;
    let groups = bench.read(GROUP, &[]).await;
    assert_eq!(groups.keys().collect::<Vec<_>>(), ["web/a", "web/b", "web/c"]);
    assert!(groups["web/b"].incomplete[0].reason.contains("b has a problem"), "{:?}", groups["web/b"]);
    let expected = json!({"ApplicationName": "web", "DeploymentGroupName": "b"});
    assert_shape(&Value::Object(groups["web/b"].properties.clone()), &expected);
    assert!(groups["web/a"].incomplete.is_empty() && groups["web/c"].incomplete.is_empty());

    let gone = json!({"status": 400, "code": "ApplicationDoesNotExistException"});
    bench.fault(GROUP, "codedeploy", "BatchGetDeploymentGroups", gone).await;
    assert!(bench.read(GROUP, &[]).await.is_empty());
}

#[tokio::test]
async fn groups_that_cannot_be_described_are_known_by_name() {
    let bench = Bench::create().await;
    create_groups(&bench, &["blue"]).await;
    let denied = json!({"status": 400, "code": "AccessDeniedException"});
    bench.fault(GROUP, "codedeploy", "BatchGetDeploymentGroups", denied).await;
    let group = bench.read_one(GROUP, &[]).await;
    assert_eq!((group.incomplete[0].action, group.incomplete[0].optional), ("BatchGetDeploymentGroups", false));
    let expected = json!({"ApplicationName": "web", "DeploymentGroupName": "blue"});
    assert_shape(&Value::Object(group.properties), &expected);
}

#[tokio::test]
async fn applications_are_listed_once_for_themselves_and_their_groups() {
    let bench = Bench::create().await;
    create_groups(&bench, &["blue"]).await;
    let target = bench.target_of(GROUP);
    bench.reader.enter(&bench.plan, &target).await.expect("the target can be entered");
    bench.take_calls().await;
    for kind in [APPLICATION, GROUP] {
        assert_eq!(bench.page(kind, &[], None).await.expect("a page").resources.len(), 1, "{kind}");
    }
    let calls = counts(&[
        ("codedeploy:ListApplications", 1),
        ("codedeploy:BatchGetApplications", 1),
        ("codedeploy:ListTagsForResource", 1),
        ("codedeploy:ListDeploymentGroups", 1),
        ("codedeploy:BatchGetDeploymentGroups", 1),
    ]);
    assert_eq!(bench.take_calls().await, calls);
}
