//! Pipelines, stages and actions as mappings see them.

use serde_json::{Map, Value, json};

use super::super::contract::counts;
use super::super::{Bench, REGION, assert_every_field, assert_shape};
use super::*;

#[tokio::test]
async fn a_pipeline_of_the_emulated_service() {
    let bench = Bench::create().await;
    create_pipeline(&bench, "app", &["Source", "Deploy"]).await;
    let pipeline = bench.read_one(PIPELINE, &[]).await;
    assert_eq!((pipeline.key.as_str(), &pipeline.context), ("app", &Map::new()));
    assert_shape(
        &Value::Object(pipeline.properties),
        &json!({
            "ArtifactStore": {"type": "S3", "location": "artifacts"},
            "Created": "<time>",
            "Name": "app",
            "PipelineArn": format!("arn:aws:codepipeline:{REGION}:{}:app", bench.alpha()),
            "RoleArn": format!("arn:aws:iam::{}:role/pipeline-app", bench.alpha()),
            "Stages": [stage_of_emulation("Source"), stage_of_emulation("Deploy")],
            "Tags": [{"key": "team", "value": "sea"}],
            "Updated": "<time>",
            "Version": 1,
        }),
    );
}

/// A stage as the emulated service completes it.
fn stage_of_emulation(name: &str) -> Value {
    let mut stage = stage_with_action(name);
    for (member, value) in [
        ("runOrder", json!(1)),
        ("configuration", json!({})),
        ("inputArtifacts", json!([])),
        ("outputArtifacts", json!([])),
    ] {
        stage["actions"][0][member] = value;
    }
    stage
}

/// Every member that the API reference gives `PipelineSummary`, `PipelineDeclaration`, `PipelineMetadata` and `Tag`,
/// with times as its JSON protocol has them: in epoch seconds.
#[tokio::test]
async fn a_pipeline_with_everything_in_which_the_listing_wins() {
    let bench = Bench::create().await;
    let arn = "arn:aws:codepipeline:eu-west-1:123456789012:app";
    let list = json!({"pipelines": [{
        "name": "app", "version": 7, "pipelineType": "V2", "executionMode": "QUEUED",
        "created": 1_704_164_645, "updated": 1_704_164_646.25, "brandNewOfList": {"a": [1]},
    }]});
    let stages = json!([stage_with_action("Source")]);
    let triggers = json!([{
        "providerType": "CodeStarSourceConnection",
        "gitConfiguration": {"sourceActionName": "Src", "push": [{"branches": {"includes": ["main"]}}]},
    }]);
    let variables = json!([{"name": "Stage", "defaultValue": "test", "description": "where to"}]);
    let defined = json!({
        "pipeline": {
            "name": "app", "version": 6, "pipelineType": "V1", "executionMode": "SUPERSEDED",
            "roleArn": "arn:aws:iam::123456789012:role/p",
            "artifactStore": {"type": "S3", "location": "b", "encryptionKey": {"id": "k", "type": "KMS"}},
            "artifactStores": {"us-east-1": {"type": "S3", "location": "c"}},
            "stages": stages, "triggers": triggers, "variables": variables, "brandNew": "yes", "brandNewNull": null,
        },
        "metadata": {
            "pipelineArn": arn, "created": 1_704_164_000, "updated": 1_704_164_001,
            "pollingDisabledAt": 1_704_164_645.5,
        },
    });
    answer(&bench, "ListPipelines", "", &list.to_string()).await;
    answer(&bench, "GetPipeline", "app", &defined.to_string()).await;
    let first_tags = json!({"tags": [{"key": "team", "value": "sea"}], "nextToken": "more-tags"}).to_string();
    let last_tags = json!({"tags": [{"key": "cost", "value": "42"}], "nextToken": ""}).to_string();
    let arn_here = format!("arn:aws:codepipeline:{REGION}:{}:app", bench.alpha());
    bench.answer_once(PIPELINE, "codepipeline", "ListTagsForResource", &arn_here, &first_tags).await;
    bench.answer_once(PIPELINE, "codepipeline", "ListTagsForResource", "more-tags", &last_tags).await;

    let pipeline = bench.read_one(PIPELINE, &[]).await;
    assert_eq!(pipeline.incomplete, []);
    assert_every_field(PIPELINE, &pipeline.properties);
    assert_eq!(
        Value::Object(pipeline.properties),
        json!({
            "ArtifactStore": {"type": "S3", "location": "b", "encryptionKey": {"id": "k", "type": "KMS"}},
            "ArtifactStores": {"us-east-1": {"type": "S3", "location": "c"}},
            "Created": "2024-01-02T03:04:05Z",
            "ExecutionMode": "QUEUED",
            "Name": "app",
            "PipelineArn": arn,
            "PipelineType": "V2",
            "PollingDisabledAt": "2024-01-02T03:04:05.500000Z",
            "RoleArn": "arn:aws:iam::123456789012:role/p",
            "Stages": stages,
            "Tags": [{"key": "team", "value": "sea"}, {"key": "cost", "value": "42"}],
            "Triggers": triggers,
            "Updated": "2024-01-02T03:04:06.250000Z",
            "Variables": variables,
            "Version": 7,
            "BrandNew": "yes",
            "BrandNewOfList": {"a": [1]},
        })
    );
}

#[tokio::test]
async fn a_pipeline_without_its_definition_is_what_the_listing_says() {
    let bench = Bench::create().await;
    let list = json!({"pipelines": [{"name": "app", "version": 7, "created": 1_704_164_645}]});
    answer(&bench, "ListPipelines", "", &list.to_string()).await;
    fail_for_pipeline(&bench, "GetPipeline", "app", DENIED).await;
    bench.take_calls().await;
    let pipeline = bench.read_one(PIPELINE, &[]).await;
    assert_eq!(pipeline.incomplete[0].action, "GetPipeline");
    assert_eq!(
        Value::Object(pipeline.properties),
        json!({"Name": "app", "Version": 7, "Created": "2024-01-02T03:04:05Z"})
    );
    let calls = [("codepipeline:ListPipelines", 1), ("codepipeline:GetPipeline", 1)];
    assert_eq!(bench.take_calls().await, counts(&calls));
}

/// What GetPipeline answers about the pipeline of the published examples of stages and actions.
fn example_pipeline() -> Value {
    json!({
        "pipeline": {"name": "p", "version": 2, "stages": [{"name": "Source", "actions": [{
            "name": "Src",
            "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
            "runOrder": 1,
            "configuration": {"S3Bucket": "b"},
            "outputArtifacts": [{"name": "o"}],
            "inputArtifacts": [],
        }]}]},
        "metadata": {"pipelineArn": "arn:aws:codepipeline:eu-west-1:123456789012:p"},
    })
}

#[tokio::test]
async fn a_stage_and_an_action_of_the_same_pipeline() {
    let bench = Bench::create().await;
    answer_pipelines(&bench, &["p"]).await;
    answer(&bench, "GetPipeline", "p", &example_pipeline().to_string()).await;
    let stage = bench.read_one(STAGE, &[]).await;
    assert_eq!((stage.key.as_str(), &stage.context), ("p/Source", &Map::new()));
    assert_eq!(
        Value::Object(stage.properties),
        json!({
            "Actions": [{
                "name": "Src",
                "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"},
                "runOrder": 1,
                "configuration": {"S3Bucket": "b"},
                "outputArtifacts": [{"name": "o"}],
                "inputArtifacts": [],
            }],
            "Name": "Source",
            "Order": 1,
            "PipelineArn": "arn:aws:codepipeline:eu-west-1:123456789012:p",
            "PipelineName": "p",
        })
    );
    let action = bench.read_one(ACTION, &[]).await;
    assert_eq!((action.key.as_str(), &action.context), ("p/Source/Src", &Map::new()));
    assert_eq!(
        Value::Object(action.properties),
        json!({
            "ActionTypeId": {"Category": "Source", "Owner": "AWS", "Provider": "S3", "Version": "1"},
            "Configuration": {"S3Bucket": "b"},
            "InputArtifacts": [],
            "Name": "Src",
            "OutputArtifacts": [{"name": "o"}],
            "PipelineName": "p",
            "PipelineArn": "arn:aws:codepipeline:eu-west-1:123456789012:p",
            "PipelineVersion": 2,
            "RunOrder": 1,
            "StageName": "Source",
        })
    );
}

/// Every member that the API reference gives `StageDeclaration` and `ActionDeclaration`.
#[tokio::test]
async fn stages_and_actions_with_everything() {
    let bench = Bench::create().await;
    let rule = json!({
        "name": "check",
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "VariableCheck", "version": "1"},
        "configuration": {"Variable": "#{a.b}"},
    });
    let conditions = json!([{"result": "FAIL", "rules": [rule]}]);
    let action = json!({
        "name": "Build",
        "actionTypeId": {
            "category": "Compute", "owner": "AWS", "provider": "Commands", "version": "1", "brandNew": "x",
        },
        "runOrder": 2,
        "configuration": {"EnvironmentVariables": "[]"},
        "commands": ["make"],
        "environmentVariables": [{"name": "A", "value": "b", "type": "PLAINTEXT"}],
        "inputArtifacts": [{"name": "source"}],
        "outputArtifacts": [{"name": "built", "files": ["out/*"]}],
        "outputVariables": ["COMMIT"],
        "namespace": "build",
        "region": "us-east-1",
        "roleArn": "arn:aws:iam::123456789012:role/build",
        "timeoutInMinutes": 30,
        "brandNew": {"a": [1]},
    });
    let build = json!({
        "name": "Build",
        "actions": [action],
        "blockers": [{"name": "b", "type": "Schedule"}],
        "beforeEntry": {"conditions": conditions},
        "onSuccess": {"conditions": conditions},
        "onFailure": {"result": "ROLLBACK", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}},
        "brandNew": 1,
    });
    let source = json!({"name": "Source", "actions": [], "onFailure": null});
    // Without metadata and version, which the API does not promise.
    let defined = json!({"pipeline": {"name": "app", "stages": [source, build]}});
    answer_pipelines(&bench, &["app"]).await;
    answer(&bench, "GetPipeline", "app", &defined.to_string()).await;

    let mut stages = bench.read(STAGE, &[]).await;
    let stage = stages.remove("app/Build").expect("the stage");
    assert_every_field(STAGE, &stage.properties);
    assert_eq!(
        Value::Object(stage.properties),
        json!({
            "Name": "Build", "Actions": [action], "Blockers": [{"name": "b", "type": "Schedule"}],
            "BeforeEntry": {"conditions": conditions}, "OnSuccess": {"conditions": conditions},
            "OnFailure": {"result": "ROLLBACK", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}},
            "Order": 2, "PipelineArn": "", "PipelineName": "app", "BrandNew": 1,
        })
    );
    let stage = stages.remove("app/Source").expect("the stage");
    assert_eq!(
        Value::Object(stage.properties),
        json!({"Name": "Source", "Actions": [], "Order": 1, "PipelineArn": "", "PipelineName": "app"})
    );

    let action = bench.read_one(ACTION, &[]).await;
    assert_eq!(action.key, "app/Build/Build");
    assert_every_field(ACTION, &action.properties);
    assert_eq!(
        Value::Object(action.properties),
        json!({
            "ActionTypeId": {
                "Category": "Compute", "Owner": "AWS", "Provider": "Commands", "Version": "1", "BrandNew": "x",
            },
            "Configuration": {"EnvironmentVariables": "[]"},
            "Commands": ["make"],
            "EnvironmentVariables": [{"name": "A", "value": "b", "type": "PLAINTEXT"}],
            "InputArtifacts": [{"name": "source"}],
            "Name": "Build",
            "Namespace": "build",
            "OutputArtifacts": [{"name": "built", "files": ["out/*"]}],
            "OutputVariables": ["COMMIT"],
            "PipelineName": "app",
            "PipelineArn": "",
            "PipelineVersion": 0,
            "Region": "us-east-1",
            "RoleArn": "arn:aws:iam::123456789012:role/build",
            "RunOrder": 2,
            "StageName": "Build",
            "TimeoutInMinutes": 30,
            "BrandNew": {"a": [1]},
        })
    );
}
