//! What deployments deploy to.

use portolan::kinds::HistoryBound;
use portolan::seams::Cloud;
use serde_json::{Map, Value, json};

use super::super::contract::counts;
use super::super::{Bench, assert_every_field, assert_forwarded, assert_shape, bounded};
use super::{DEPLOYMENT, TARGET, give_targets, instance_target};

/// The members are those of the four types of targets in the API reference, with values as in the CLI's example of
/// `batch-get-deployment-targets`. No target has all four: the last one has, so that every field is seen.
#[tokio::test]
async fn targets_of_every_type_have_their_id_at_the_first_level() {
    let bench = Bench::create().await;
    let events = json!([{"lifecycleEventName": "ApplicationStop", "status": "Succeeded", "startTime": 1_556_918_592.162,
        "endTime": 1_556_918_592, "diagnostics": {"errorCode": "Success", "logTail": null}}, {"lifecycleEventName": "Install"}]);
    let events_seen = json!([{"lifecycleEventName": "ApplicationStop", "status": "Succeeded",
        "startTime": "2019-05-03T21:23:12.162000Z", "endTime": "2019-05-03T21:23:12Z", "diagnostics": {"errorCode": "Success"}},
        {"lifecycleEventName": "Install"}]);
    let target = |id: &str, more: Value| {
        let mut target = json!({"deploymentId": "d-1", "targetId": id, "status": "Succeeded", "lastUpdatedAt": 1_556_918_687.5,
            "lifecycleEvents": events});
        target.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        target
    };
    let seen = |target: &Value| {
        let mut seen = target.clone();
        seen["lastUpdatedAt"] = json!("2019-05-03T21:24:47.500000Z");
        seen["lifecycleEvents"] = events_seen.clone();
        seen
    };
    let instance = target("i-1", json!({"targetArn": "arn:i", "instanceLabel": "Blue"}));
    let function = json!({"functionName": "f", "functionAlias": "live", "currentVersion": "1", "targetVersion": "2", "targetVersionWeight": 0.5});
    let function = target("f:live", json!({"targetArn": "arn:f", "lambdaFunctionInfo": function}));
    let task_set =
        json!({"identifer": "ecs-svc/1", "desiredCount": 1, "trafficWeight": 100.0, "targetGroup": {"name": "tg"}});
    let service = target("cluster:service", json!({"targetArn": "arn:s", "taskSetsInfo": [task_set]}));
    let stack = target("stack-1", json!({"resourceType": "AWS::Lambda::Alias", "targetVersionWeight": 0.0}));
    let wires = [
        ("stack-1", json!({"deploymentTargetType": "CloudFormationTarget", "cloudFormationTarget": stack})),
        ("cluster:service", json!({"deploymentTargetType": "ECSTarget", "ecsTarget": service})),
        ("f:live", json!({"deploymentTargetType": "LambdaTarget", "lambdaTarget": function, "brandNew": "x"})),
        ("i-1", json!({"deploymentTargetType": "InstanceTarget", "instanceTarget": instance, "lambdaTarget": null})),
        ("new-1", json!({"deploymentTargetType": "NewTarget", "brandNewTarget": {"targetId": "new-1"}})),
    ];
    give_targets(&bench, &["i-1", "f:live", "cluster:service", "stack-1", "new-1", "all"]).await;
    let mut all = json!({"deploymentTargetType": "None", "instanceTarget": target("all", json!({}))});
    for (member, wire) in [("lambdaTarget", &function), ("ecsTarget", &service), ("cloudFormationTarget", &stack)] {
        all[member] = wire.clone();
    }
    let mut answer: Vec<_> = wires.iter().map(|(_, wire)| wire.clone()).collect();
    answer.push(all);
    let answer = json!({"deploymentTargets": answer}).to_string();
    bench.answer_once(TARGET, "codedeploy", "BatchGetDeploymentTargets", "d-1", &answer).await;

    let targets = bench.read(TARGET, &[]).await;
    assert_eq!(targets.len(), 6, "{:?}", targets.keys());
    assert_every_field(TARGET, &targets["d-1/all"].properties);
    for (id, wire) in &wires {
        let found = &targets[&format!("d-1/{id}")];
        assert_eq!(found.context, Map::new());
        let mut changed = json!({"DeploymentId": "d-1", "TargetId": id});
        for (member, name) in [
            ("instanceTarget", "InstanceTarget"),
            ("lambdaTarget", "LambdaTarget"),
            ("ecsTarget", "EcsTarget"),
            ("cloudFormationTarget", "CloudFormationTarget"),
        ] {
            if let Some(target) = wire.get(member) {
                changed[name] = if target.is_null() { Value::Null } else { seen(target) };
            }
        }
        assert_forwarded(found, wire, changed);
    }
}

#[tokio::test]
async fn deployments_that_have_not_begun_or_are_gone_have_no_targets_and_one_that_is_denied_leaves_a_gap() {
    let bench = Bench::create().await;
    let deployments = json!({"deployments": ["d-waiting", "d-gone", "d-dark", "d-1"]}).to_string();
    bench.answer_once(TARGET, "codedeploy", "ListDeployments", "", &deployments).await;
    give_targets(&bench, &["i-1"]).await;
    for (deployment, code) in [
        ("d-waiting", "DeploymentNotStartedException"),
        ("d-gone", "DeploymentDoesNotExistException"),
        ("d-dark", "AccessDeniedException"),
    ] {
        let effect = json!({"status": 400, "code": code});
        let fault = json!({
            "service": "codedeploy", "operation": "ListDeploymentTargets", "resource": deployment, "effect": effect,
        });
        bench.order_fault(TARGET, fault).await;
    }
    let page = bench.page(TARGET, &[], None).await.expect("a page");
    let keys: Vec<_> = page.resources.iter().map(|target| target.key.as_str()).collect();
    assert_eq!(keys, ["d-1/i-1"]);
    assert_eq!(page.gaps.len(), 1, "{:?}", page.gaps);
    assert!(page.gaps[0].to_string().contains("AccessDeniedException"), "{:?}", page.gaps);
}

#[tokio::test]
async fn targets_come_in_pages_and_are_described_by_twenty_fives() {
    let bench = Bench::create().await;
    let ids: Vec<_> = (0..27).map(|index| format!("i-{index:02}")).collect();
    let last = json!({"targetIds": ["i-last"], "nextToken": ""}).to_string();
    bench.answer(TARGET, "codedeploy", "ListDeploymentTargets", "token-of-page-2", &last).await;
    give_targets(&bench, &ids.iter().map(String::as_str).chain(["i-last"]).collect::<Vec<_>>()).await;
    let first = json!({"targetIds": ids, "nextToken": "token-of-page-2"}).to_string();
    bench.answer_once(TARGET, "codedeploy", "ListDeploymentTargets", "", &first).await;
    let targets = bench.read(TARGET, &[]).await;
    assert_eq!(targets.len(), 28);
    assert!(targets.values().all(|target| target.incomplete.is_empty()));
    let calls = counts(&[
        ("codedeploy:ListDeployments", 1),
        ("codedeploy:ListDeploymentTargets", 2),
        ("codedeploy:BatchGetDeploymentTargets", 3),
    ]);
    assert_eq!(bench.take_calls().await, calls);
}

/// One target that is gone has the whole call refused, as the API reference says.
#[tokio::test]
async fn a_target_that_is_gone_is_left_out_and_one_that_is_not_described_is_incomplete() {
    let bench = Bench::create().await;
    give_targets(&bench, &["i-1", "i-2"]).await;
    let list = json!({"targetIds": ["i-1", "i-gone", "i-2", "i-odd"]}).to_string();
    bench.answer_once(TARGET, "codedeploy", "ListDeploymentTargets", "", &list).await;
    let effect = json!({"status": 400, "code": "DeploymentTargetDoesNotExistException"});
    let fault = json!({
        "service": "codedeploy", "operation": "BatchGetDeploymentTargets", "resource": "i-gone", "effect": effect,
    });
    bench.order_fault(TARGET, fault).await;
    let targets = bench.read(TARGET, &[]).await;
    assert_eq!(targets.keys().collect::<Vec<_>>(), ["d-1/i-1", "d-1/i-2", "d-1/i-odd"]);
    assert!(targets["d-1/i-1"].incomplete.is_empty() && targets["d-1/i-2"].incomplete.is_empty());
    let odd = &targets["d-1/i-odd"];
    assert_eq!((odd.incomplete[0].action, odd.incomplete[0].optional), ("BatchGetDeploymentTargets", false));
    assert_shape(&Value::Object(odd.properties.clone()), &json!({"DeploymentId": "d-1", "TargetId": "i-odd"}));

    let gone = json!({"status": 400, "code": "DeploymentDoesNotExistException"});
    bench.fault(TARGET, "codedeploy", "BatchGetDeploymentTargets", gone).await;
    assert!(bench.read(TARGET, &[]).await.is_empty());
}

#[tokio::test]
async fn bounds_are_those_of_the_deployments() {
    let bench = Bench::create().await;
    give_targets(&bench, &["i-1"]).await;
    let second = json!({"targetIds": ["i-2"]}).to_string();
    bench.answer(TARGET, "codedeploy", "ListDeploymentTargets", "d-2", &second).await;
    let answer = json!({"deploymentTargets": [instance_target("d-2", "i-2")]}).to_string();
    bench.answer(TARGET, "codedeploy", "BatchGetDeploymentTargets", "d-2", &answer).await;
    let newest = HistoryBound { most_results: Some(1), most_days: None };
    let listing = json!({"deployments": ["d-2", "d-1"], "nextToken": "token-of-page-2"}).to_string();
    bench.answer_once(TARGET, "codedeploy", "ListDeployments", "", &listing).await;
    let targets = bench.read_with(&bounded(TARGET, newest)).await;
    assert_eq!(targets.into_keys().collect::<Vec<_>>(), ["d-2/i-2"]);

    let week = HistoryBound { most_results: None, most_days: Some(7) };
    let listing = json!({"deployments": ["d-2"]}).to_string();
    bench.answer_once(TARGET, "codedeploy", "ListDeployments", "createTimeRange", &listing).await;
    let targets = bench.read_with(&bounded(TARGET, week)).await;
    assert_eq!(targets.into_keys().collect::<Vec<_>>(), ["d-2/i-2"]);
}

/// The list is asked for again where a kind has other bounds, for then it is another list.
#[tokio::test]
async fn deployments_are_listed_once_for_themselves_and_their_targets() {
    let bench = Bench::create().await;
    give_targets(&bench, &["i-1"]).await;
    let answer = json!({"deploymentsInfo": [{"deploymentId": "d-1"}]}).to_string();
    bench.answer(DEPLOYMENT, "codedeploy", "BatchGetDeployments", "", &answer).await;
    let target = bench.target_of(TARGET);
    bench.reader.enter(&bench.plan, &target).await.expect("the target can be entered");
    bench.take_calls().await;
    for kind in [DEPLOYMENT, TARGET] {
        assert_eq!(bench.page(kind, &[], None).await.expect("a page").resources.len(), 1, "{kind}");
    }
    assert_eq!(bench.take_calls().await["codedeploy:ListDeployments"], 1);
    let newest = bounded(TARGET, HistoryBound { most_results: Some(1), most_days: None });
    bench.reader.list(&bench.plan, &target, &newest, None).await.expect("a page");
    assert_eq!(bench.take_calls().await["codedeploy:ListDeployments"], 1);
}
