//! AWS CodePipeline. The emulated service has pipelines; their executions are recorded answers.

mod definitions;
mod executions;
mod sharing;

use portolan::kinds::{Page, Resource};
use serde_json::{Value, json};

use super::contract::{Code, Contract, Enrichment, NotFound};
use super::{Bench, REGION};

const PIPELINE: &str = "AWS::CodePipeline::Pipeline";
const STAGE: &str = "AWS::CodePipeline::Stage";
const ACTION: &str = "AWS::CodePipeline::Action";
const PIPELINE_EXECUTION: &str = "AWS::CodePipeline::PipelineExecution";
const ACTION_EXECUTION: &str = "AWS::CodePipeline::ActionExecution";

const DENIED: Code = (400, "AccessDeniedException");
const THROTTLED: Code = (400, "ThrottlingException");
const PIPELINE_IS_GONE: Code = (400, "PipelineNotFoundException");

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: PIPELINE,
        service: "codepipeline",
        listing: "ListPipelines",
        denied: DENIED,
        throttled: THROTTLED,
        seed: |bench, names| Box::pin(create_pipelines(bench, names)),
        page: Some(|name, token| json!({"pipelines": [{"name": name}], "nextToken": token}).to_string()),
        calls: &[
            ("codepipeline:ListPipelines", 1),
            ("codepipeline:GetPipeline", 3),
            ("codepipeline:ListTagsForResource", 3),
        ],
        calls_of_options: &[],
        enrichments: &[
            Enrichment {
                service: "codepipeline",
                operation: "GetPipeline",
                name: "GetPipeline",
                is_option: false,
                not_found: NotFound::IsGone(PIPELINE_IS_GONE),
            },
            Enrichment {
                service: "codepipeline",
                operation: "ListTagsForResource",
                name: "ListTagsForResource",
                is_option: false,
                not_found: NotFound::DecidesNothing((400, "ResourceNotFoundException")),
            },
        ],
    },
    Contract {
        kind: STAGE,
        service: "codepipeline",
        listing: "ListPipelines",
        denied: DENIED,
        throttled: THROTTLED,
        seed: |bench, names| Box::pin(create_stages(bench, names)),
        page: None,
        calls: &[("codepipeline:ListPipelines", 1), ("codepipeline:GetPipeline", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: ACTION,
        service: "codepipeline",
        listing: "ListPipelines",
        denied: DENIED,
        throttled: THROTTLED,
        seed: |bench, names| Box::pin(create_stages(bench, names)),
        page: None,
        calls: &[("codepipeline:ListPipelines", 1), ("codepipeline:GetPipeline", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: PIPELINE_EXECUTION,
        service: "codepipeline",
        listing: "ListPipelines",
        denied: DENIED,
        throttled: THROTTLED,
        seed: |bench, names| Box::pin(answer_pipeline_executions(bench, names)),
        page: None,
        calls: &[
            ("codepipeline:ListPipelines", 1),
            ("codepipeline:ListPipelineExecutions", 1),
            ("codepipeline:GetPipelineExecution", 3),
        ],
        calls_of_options: &[],
        enrichments: &[Enrichment {
            service: "codepipeline",
            operation: "GetPipelineExecution",
            name: "GetPipelineExecution",
            is_option: false,
            not_found: NotFound::IsGone(PIPELINE_IS_GONE),
        }],
    },
    Contract {
        kind: ACTION_EXECUTION,
        service: "codepipeline",
        listing: "ListPipelines",
        denied: DENIED,
        throttled: THROTTLED,
        seed: |bench, names| Box::pin(answer_action_executions(bench, names)),
        page: None,
        calls: &[("codepipeline:ListPipelines", 1), ("codepipeline:ListActionExecutions", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
];

async fn create_pipelines(bench: &Bench, names: &[&str]) {
    for name in names {
        create_pipeline(bench, name, &["Source", "Deploy"]).await;
    }
}

/// One pipeline with a stage of each name, each with one action.
async fn create_stages(bench: &Bench, names: &[&str]) {
    create_pipeline(bench, "app", names).await;
}

async fn create_pipeline(bench: &Bench, name: &str, stages: &[&str]) {
    let place = bench.alpha_in(REGION);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "codepipeline.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    let role = json!({"RoleName": format!("pipeline-{name}"), "AssumeRolePolicyDocument": trust.to_string()});
    let role = place.call("iam", "create_role", role).await;
    let stages: Vec<Value> = stages.iter().map(|stage| stage_with_action(stage)).collect();
    let order = json!({
        "pipeline": {
            "name": name,
            "roleArn": role["Role"]["Arn"],
            "artifactStore": {"type": "S3", "location": "artifacts"},
            "stages": stages,
        },
        "tags": [{"key": "team", "value": "sea"}],
    });
    place.call("codepipeline", "create_pipeline", order).await;
}

fn stage_with_action(stage: &str) -> Value {
    let type_id = json!({"category": "Source", "owner": "AWS", "provider": "S3", "version": "1"});
    json!({"name": stage, "actions": [{"name": format!("{stage}Action"), "actionTypeId": type_id}]})
}

async fn answer_pipeline_executions(bench: &Bench, ids: &[&str]) {
    answer_pipelines(bench, &["app"]).await;
    let summaries: Vec<Value> = ids.iter().map(|id| json!({"pipelineExecutionId": id})).collect();
    let list = json!({"pipelineExecutionSummaries": summaries}).to_string();
    answer(bench, "ListPipelineExecutions", "", &list).await;
    for id in ids {
        let details = json!({"pipelineExecution": {"pipelineName": "app", "pipelineExecutionId": id}});
        answer(bench, "GetPipelineExecution", id, &details.to_string()).await;
    }
}

async fn answer_action_executions(bench: &Bench, ids: &[&str]) {
    answer_pipelines(bench, &["app"]).await;
    let details: Vec<Value> = ids.iter().map(|id| json!({"actionExecutionId": id})).collect();
    let list = json!({"actionExecutionDetails": details}).to_string();
    answer(bench, "ListActionExecutions", "", &list).await;
}

/// Lets the service list pipelines of these names.
async fn answer_pipelines(bench: &Bench, names: &[&str]) {
    let summaries: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    answer(bench, "ListPipelines", "", &json!({"pipelines": summaries}).to_string()).await;
}

/// Gives the answer to every call of an operation in which `part` occurs.
async fn answer(bench: &Bench, operation: &str, part: &str, body: &str) {
    bench.answer(PIPELINE, "codepipeline", operation, part, body).await;
}

/// Lets every call of an operation fail that names the pipeline.
async fn fail_for_pipeline(bench: &Bench, operation: &str, pipeline: &str, (status, code): Code) {
    let fault = json!({
        "service": "codepipeline", "operation": operation, "resource": format!("\"{pipeline}\""),
        "effect": {"status": status, "code": code},
    });
    bench.order_fault(PIPELINE, fault).await;
}

/// The whole listing of a kind, in the target as it was entered last.
async fn list_entered(bench: &Bench, kind: &str) -> Vec<Resource> {
    let (mut resources, mut cursor) = (Vec::new(), None);
    loop {
        let page = bench.page(kind, &[], cursor).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
        assert_eq!(page.gaps, [], "{kind}");
        resources.extend(page.resources);
        cursor = page.next;
        if cursor.is_none() {
            return resources;
        }
    }
}

/// The only page of a kind.
async fn only_page(bench: &Bench, kind: &str) -> Page {
    let page = bench.page(kind, &[], None).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    assert_eq!(page.next, None, "{kind}");
    page
}

fn keys(page: &Page) -> Vec<&str> {
    page.resources.iter().map(|resource| resource.key.as_str()).collect()
}
