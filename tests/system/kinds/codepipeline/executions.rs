//! Executions of pipelines and actions: what mappings see of them, and how much of a history is read.

use portolan::kinds::{HistoryBound, Options};
use portolan::seams::ListRequest;
use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::super::{Bench, assert_every_field};
use super::*;

/// Every member that the API reference gives `PipelineExecutionSummary` and `PipelineExecution`, with times as its
/// JSON protocol has them: in epoch seconds.
#[tokio::test]
async fn a_pipeline_execution_with_everything() {
    let bench = Bench::create().await;
    answer_pipelines(&bench, &["app"]).await;
    let revisions = json!([{
        "actionName": "Src", "revisionId": "r1", "revisionSummary": "Fix", "revisionUrl": "https://example.com/r1",
    }]);
    let list = json!({"pipelineExecutionSummaries": [{
        "pipelineExecutionId": "e-1", "status": "InProgress", "statusSummary": "soon",
        "startTime": 1_704_164_645.5, "lastUpdateTime": 1_704_164_700,
        "sourceRevisions": revisions,
        "trigger": {"triggerType": "Webhook", "triggerDetail": "old"},
        "stopTrigger": {"reason": "enough"},
        "executionMode": "SUPERSEDED", "executionType": "STANDARD",
        "rollbackMetadata": {"rollbackTargetPipelineExecutionId": "e-0"},
        "brandNewOfList": 1,
    }]});
    let details = json!({"pipelineExecution": {
        "pipelineName": "app", "pipelineVersion": 3, "pipelineExecutionId": "e-1",
        "status": "Stopped", "statusSummary": "stopped by hand",
        "artifactRevisions": [
            {"name": "source", "revisionId": "r1", "created": 1_704_164_645},
            {"name": "other", "revisionId": "r2", "created": 1_704_164_645.25, "revisionUrl": null},
        ],
        "variables": [{"name": "Stage", "resolvedValue": "test"}],
        "trigger": {"triggerType": "Webhook", "triggerDetail": "arn:aws:codepipeline:eu-west-1:123456789012:webhook:w"},
        "executionMode": "QUEUED", "executionType": "ROLLBACK",
        "rollbackMetadata": {"rollbackTargetPipelineExecutionId": "e-0"},
        "brandNew": {"a": [1]},
    }});
    answer(&bench, "ListPipelineExecutions", "\"app\"", &list.to_string()).await;
    answer(&bench, "GetPipelineExecution", "\"e-1\"", &details.to_string()).await;
    let execution = bench.read_one(PIPELINE_EXECUTION, &[]).await;
    assert_eq!((execution.key.as_str(), &execution.context), ("app/e-1", &Map::new()));
    assert_every_field(PIPELINE_EXECUTION, &execution.properties);
    assert_eq!(
        Value::Object(execution.properties),
        json!({
            "ArtifactRevisions": [
                {"name": "source", "revisionId": "r1", "created": "2024-01-02T03:04:05Z"},
                {"name": "other", "revisionId": "r2", "created": "2024-01-02T03:04:05.250000Z"},
            ],
            "ExecutionMode": "QUEUED",
            "ExecutionType": "ROLLBACK",
            "LastUpdateTime": "2024-01-02T03:05:00Z",
            "PipelineExecutionId": "e-1",
            "PipelineName": "app",
            "PipelineVersion": 3,
            "RollbackMetadata": {"rollbackTargetPipelineExecutionId": "e-0"},
            "SourceRevisions": revisions,
            "StartTime": "2024-01-02T03:04:05.500000Z",
            "Status": "Stopped",
            "StatusSummary": "stopped by hand",
            "StopTrigger": {"reason": "enough"},
            "Trigger": {
                "triggerType": "Webhook",
                "triggerDetail": "arn:aws:codepipeline:eu-west-1:123456789012:webhook:w",
            },
            "Variables": [{"name": "Stage", "resolvedValue": "test"}],
            "BrandNew": {"a": [1]},
            "BrandNewOfList": 1,
        })
    );
}

#[tokio::test]
async fn a_pipeline_execution_without_details_still_names_its_pipeline() {
    let bench = Bench::create().await;
    answer_pipelines(&bench, &["app"]).await;
    let list = json!({"pipelineExecutionSummaries": [{"pipelineExecutionId": "e-1", "status": "Failed"}]});
    answer(&bench, "ListPipelineExecutions", "", &list.to_string()).await;
    fail_for_pipeline(&bench, "GetPipelineExecution", "app", THROTTLED).await;
    let execution = bench.read_one(PIPELINE_EXECUTION, &[]).await;
    assert_eq!((execution.incomplete[0].action, execution.incomplete[0].optional), ("GetPipelineExecution", false));
    assert_eq!(
        Value::Object(execution.properties),
        json!({"PipelineExecutionId": "e-1", "PipelineName": "app", "Status": "Failed"})
    );
}

/// Every member that the API reference gives `ActionExecutionDetail`.
#[tokio::test]
async fn an_action_execution_with_everything() {
    let bench = Bench::create().await;
    answer_pipelines(&bench, &["app"]).await;
    // Below the first level nothing is renamed: `s3location` is how the API writes it.
    let input = json!({
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "#{v.p}"},
        "resolvedConfiguration": {"ProjectName": "p"},
        "roleArn": "arn:aws:iam::123456789012:role/build",
        "region": "us-east-1",
        "inputArtifacts": [{"name": "source", "s3location": {"bucket": "b", "key": "k"}}],
        "namespace": "build",
    });
    let output = json!({
        "outputArtifacts": [{"name": "built", "s3location": {"bucket": "b", "key": "l"}}],
        "executionResult": {
            "externalExecutionId": "p:1", "externalExecutionSummary": "failed",
            "externalExecutionUrl": "https://example.com/p:1", "logStreamARN": "arn:aws:logs:l",
            "errorDetails": {"code": "JobFailed", "message": "exit 1"},
        },
        "outputVariables": {"COMMIT": "c"},
    });
    let list = json!({"actionExecutionDetails": [{
        "pipelineExecutionId": "e-1", "actionExecutionId": "a-1", "pipelineVersion": 3, "stageName": "Build",
        "actionName": "Compile", "startTime": 1_704_164_645.5, "lastUpdateTime": 1_704_164_700,
        "updatedBy": "arn:aws:iam::123456789012:user/u", "status": "Failed", "input": input, "output": output,
        "brandNew": {"a": [1]}, "brandNewNull": null,
    }]});
    answer(&bench, "ListActionExecutions", "\"app\"", &list.to_string()).await;
    let execution = bench.read_one(ACTION_EXECUTION, &[]).await;
    assert_eq!((execution.key.as_str(), &execution.context), ("a-1", &Map::new()));
    assert_every_field(ACTION_EXECUTION, &execution.properties);
    assert_eq!(
        Value::Object(execution.properties),
        json!({
            "ActionExecutionId": "a-1",
            "ActionName": "Compile",
            "Input": input,
            "LastUpdateTime": "2024-01-02T03:05:00Z",
            "Output": output,
            "PipelineExecutionId": "e-1",
            "PipelineName": "app",
            "PipelineVersion": 3,
            "StageName": "Build",
            "StartTime": "2024-01-02T03:04:05.500000Z",
            "Status": "Failed",
            "UpdatedBy": "arn:aws:iam::123456789012:user/u",
            "BrandNew": {"a": [1]},
        })
    );
}

/// A history, its listing, and the names in its answers.
struct History {
    kind: &'static str,
    operation: &'static str,
    list: &'static str,
    id: &'static str,
    key_prefix: &'static str,
}

const HISTORIES: [History; 2] = [
    History {
        kind: PIPELINE_EXECUTION,
        operation: "ListPipelineExecutions",
        list: "pipelineExecutionSummaries",
        id: "pipelineExecutionId",
        key_prefix: "app/",
    },
    History {
        kind: ACTION_EXECUTION,
        operation: "ListActionExecutions",
        list: "actionExecutionDetails",
        id: "actionExecutionId",
        key_prefix: "",
    },
];

impl History {
    /// Answers the calls in which `part` occurs with executions that began so many hours ago.
    async fn answer(&self, bench: &Bench, part: &str, hours_ago: &[i64], token: Option<&str>) {
        let begun = |hours: &i64| {
            let start = OffsetDateTime::now_utc() - Duration::hours(*hours);
            json!({self.id: format!("{hours}h"), "startTime": start.unix_timestamp()})
        };
        let executions: Vec<Value> = hours_ago.iter().map(begun).collect();
        let page = json!({self.list: executions, "nextToken": token});
        answer(bench, self.operation, part, &page.to_string()).await;
    }

    /// The executions within a bound, and how often their listing was called.
    async fn read(&self, bench: &Bench, history: HistoryBound) -> (Vec<String>, usize) {
        bench.take_calls().await;
        let options = Options { history, ..Options::default() };
        let executions = bench.read_with(&ListRequest { kind: self.kind.to_owned(), options }).await;
        let calls = bench.take_calls().await;
        if self.kind == PIPELINE_EXECUTION {
            assert_eq!(calls["codepipeline:GetPipelineExecution"], executions.len(), "no details of what is left out");
        }
        (executions.into_keys().collect(), calls[&format!("codepipeline:{}", self.operation)])
    }

    fn keys(&self, ids: &[&str]) -> Vec<String> {
        let mut keys: Vec<String> = ids.iter().map(|id| format!("{}{id}", self.key_prefix)).collect();
        keys.sort();
        keys
    }
}

async fn bench_with_pipeline() -> Bench {
    let bench = Bench::create().await;
    answer_pipelines(&bench, &["app"]).await;
    answer(&bench, "GetPipelineExecution", "", &json!({"pipelineExecution": {}}).to_string()).await;
    bench
}

#[tokio::test]
async fn without_a_bound_the_whole_history_is_read() {
    for history in HISTORIES {
        let bench = bench_with_pipeline().await;
        history.answer(&bench, "\"maxResults\":100,\"nextToken\":\"page-2\"", &[5000, 6000], Some("")).await;
        history.answer(&bench, "\"maxResults\":100", &[1, 2], Some("page-2")).await;
        let (keys, calls) = history.read(&bench, HistoryBound::default()).await;
        assert_eq!((keys, calls), (history.keys(&["1h", "2h", "5000h", "6000h"]), 2), "{}", history.kind);
    }
}

#[tokio::test]
async fn the_newest_so_many_of_each_pipeline() {
    for history in HISTORIES {
        let bench = bench_with_pipeline().await;
        history.answer(&bench, "\"maxResults\":1,\"nextToken\":\"page-2\"", &[3, 4], Some("page-3")).await;
        history.answer(&bench, "\"maxResults\":3", &[1, 2], Some("page-2")).await;
        let bound = HistoryBound { most_results: Some(3), most_days: None };
        let (keys, calls) = history.read(&bench, bound).await;
        assert_eq!((keys, calls), (history.keys(&["1h", "2h", "3h"]), 2), "{}", history.kind);

        // As many as there are is no reason to look for more.
        let bench = bench_with_pipeline().await;
        history.answer(&bench, "\"maxResults\":2", &[1, 2], Some("page-2")).await;
        let bound = HistoryBound { most_results: Some(2), most_days: None };
        assert_eq!(history.read(&bench, bound).await, (history.keys(&["1h", "2h"]), 1), "{}", history.kind);
    }
}

#[tokio::test]
async fn a_bound_holds_for_each_pipeline_by_itself() {
    for history in HISTORIES {
        let bench = Bench::create().await;
        answer_pipelines(&bench, &["app", "lib"]).await;
        answer(&bench, "GetPipelineExecution", "", &json!({"pipelineExecution": {}}).to_string()).await;
        history.answer(&bench, "\"app\"", &[1, 2], Some("page-2")).await;
        history.answer(&bench, "\"lib\"", &[5, 6], None).await;
        let bound = HistoryBound { most_results: Some(1), most_days: None };
        let (keys, calls) = history.read(&bench, bound).await;
        let of_lib = history.key_prefix.replace("app", "lib");
        assert_eq!((keys, calls), (vec![format!("{}1h", history.key_prefix), format!("{of_lib}5h")], 2));
    }
}

#[tokio::test]
async fn what_began_too_long_ago_is_left_out_and_not_paged_for() {
    for history in HISTORIES {
        let bench = bench_with_pipeline().await;
        history.answer(&bench, "\"nextToken\":\"page-2\"", &[49, 50], Some("page-3")).await;
        // Out of order: the listing goes on.
        history.answer(&bench, "", &[1, 50, 30], Some("page-2")).await;
        let bound = HistoryBound { most_results: None, most_days: Some(2) };
        let (keys, calls) = history.read(&bench, bound).await;
        assert_eq!((keys, calls), (history.keys(&["1h", "30h"]), 2), "{}", history.kind);

        let bound = HistoryBound { most_results: Some(2), most_days: Some(2) };
        let (keys, calls) = history.read(&bench, bound).await;
        assert_eq!((keys, calls), (history.keys(&["1h", "30h"]), 1), "{}", history.kind);
    }
}
