//! What the kinds of a target ask for together, and what becomes of one pipeline that cannot be read.

use portolan::kinds::ReadError;
use portolan::seams::Cloud;
use serde_json::json;

use super::super::Bench;
use super::super::contract::counts;
use super::*;

#[tokio::test]
async fn five_kinds_in_one_target_list_the_pipelines_once_and_ask_once_for_each() {
    let bench = Bench::create().await;
    create_pipelines(&bench, &["app", "lib", "web"]).await;
    answer(&bench, "ListPipelineExecutions", "", "{}").await;
    answer(&bench, "ListActionExecutions", "", "{}").await;
    bench.take_calls().await;

    bench.reader.enter(&bench.plan, &bench.target_of(PIPELINE)).await.expect("the target is entered");
    for (kind, count) in [(PIPELINE, 3), (STAGE, 6), (ACTION, 6)] {
        assert_eq!(list_entered(&bench, kind).await.len(), count, "{kind}");
    }
    let definitions =
        [("codepipeline:ListPipelines", 1), ("codepipeline:GetPipeline", 3), ("codepipeline:ListTagsForResource", 3)];
    assert_eq!(bench.take_calls().await, counts(&definitions));
    for kind in [PIPELINE_EXECUTION, ACTION_EXECUTION] {
        assert_eq!(list_entered(&bench, kind).await, [], "{kind}");
    }
    let histories = [("codepipeline:ListPipelineExecutions", 3), ("codepipeline:ListActionExecutions", 3)];
    assert_eq!(bench.take_calls().await, counts(&histories));

    // What was read for one entry is not the state at the next.
    bench.reader.enter(&bench.plan, &bench.target_of(PIPELINE)).await.expect("the target is entered");
    list_entered(&bench, STAGE).await;
    let again = [("codepipeline:ListPipelines", 1), ("codepipeline:GetPipeline", 3)];
    assert_eq!(bench.take_calls().await, counts(&again));
}

/// More than a page has, from a listing of two pages itself.
#[tokio::test]
async fn many_pipelines_come_once_each_over_several_pages() {
    let bench = Bench::create().await;
    let names: Vec<String> = (0..20).map(|index| format!("p{index:02}")).collect();
    let summaries = |names: &[String]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
    let first = json!({"pipelines": summaries(&names[..12]), "nextToken": "page-2"});
    let second = json!({"pipelines": summaries(&names[12..]), "nextToken": ""});
    bench.answer_once(PIPELINE, "codepipeline", "ListPipelines", "\"maxResults\":1000", &first.to_string()).await;
    bench.answer_once(PIPELINE, "codepipeline", "ListPipelines", "page-2", &second.to_string()).await;
    for name in &names {
        let defined = json!({"pipeline": {"name": name, "stages": [{"name": "S", "actions": [{"name": "A"}]}]}});
        answer(&bench, "GetPipeline", name, &defined.to_string()).await;
    }
    answer(&bench, "ListTagsForResource", "", "{}").await;
    bench.reader.enter(&bench.plan, &bench.target_of(PIPELINE)).await.expect("the target is entered");
    for (kind, suffix) in [(PIPELINE, ""), (STAGE, "/S"), (ACTION, "/S/A")] {
        let mut keys: Vec<String> = list_entered(&bench, kind).await.into_iter().map(|resource| resource.key).collect();
        keys.sort();
        let expected: Vec<String> = names.iter().map(|name| format!("{name}{suffix}")).collect();
        assert_eq!(keys, expected, "{kind}");
    }
}

#[tokio::test]
async fn a_pipeline_that_cannot_be_read_leaves_a_gap_and_the_others_arrive() {
    let bench = Bench::create().await;
    create_pipelines(&bench, &["app", "lib"]).await;
    answer(
        &bench,
        "ListPipelineExecutions",
        "",
        &json!({"pipelineExecutionSummaries": [{"pipelineExecutionId": "e"}]}).to_string(),
    )
    .await;
    answer(&bench, "GetPipelineExecution", "", &json!({"pipelineExecution": {"status": "Succeeded"}}).to_string())
        .await;
    answer(
        &bench,
        "ListActionExecutions",
        "",
        &json!({"actionExecutionDetails": [{"actionExecutionId": "a"}]}).to_string(),
    )
    .await;
    let cases: [(&str, &str, &[&str]); 4] = [
        (STAGE, "GetPipeline", &["app/Source", "app/Deploy"]),
        (ACTION, "GetPipeline", &["app/Source/SourceAction", "app/Deploy/DeployAction"]),
        (PIPELINE_EXECUTION, "ListPipelineExecutions", &["app/e"]),
        (ACTION_EXECUTION, "ListActionExecutions", &["a"]),
    ];
    for (kind, operation, expected) in cases {
        fail_for_pipeline(&bench, operation, "lib", DENIED).await;
        let page = only_page(&bench, kind).await;
        assert_eq!(keys(&page), expected, "{kind}");
        assert!(matches!(page.gaps.as_slice(), [ReadError::Denied(_)]), "{kind}: {:?}", page.gaps);
        assert!(page.gaps[0].to_string().contains(operation), "{kind}: {}", page.gaps[0]);
    }
}

#[tokio::test]
async fn a_pipeline_that_vanishes_in_between_leaves_nothing_and_no_gap() {
    let bench = Bench::create().await;
    answer_pipelines(&bench, &["app", "lib"]).await;
    for operation in ["GetPipeline", "ListPipelineExecutions", "ListActionExecutions"] {
        fail_for_pipeline(&bench, operation, "app", PIPELINE_IS_GONE).await;
    }
    let definition = json!({"pipeline": {"name": "lib", "stages": [{"name": "S", "actions": [{"name": "A"}]}]}});
    answer(&bench, "GetPipeline", "lib", &definition.to_string()).await;
    answer(&bench, "ListTagsForResource", "", "{}").await;
    answer(
        &bench,
        "ListPipelineExecutions",
        "lib",
        &json!({"pipelineExecutionSummaries": [{"pipelineExecutionId": "e"}]}).to_string(),
    )
    .await;
    answer(&bench, "GetPipelineExecution", "", &json!({"pipelineExecution": {"status": "Succeeded"}}).to_string())
        .await;
    answer(
        &bench,
        "ListActionExecutions",
        "lib",
        &json!({"actionExecutionDetails": [{"actionExecutionId": "a"}]}).to_string(),
    )
    .await;
    for (kind, key) in [
        (PIPELINE, "lib"),
        (STAGE, "lib/S"),
        (ACTION, "lib/S/A"),
        (PIPELINE_EXECUTION, "lib/e"),
        (ACTION_EXECUTION, "a"),
    ] {
        let page = only_page(&bench, kind).await;
        assert_eq!(keys(&page), [key], "{kind}");
        assert_eq!(page.gaps, [], "{kind}");
        assert_eq!(page.resources[0].incomplete, [], "{kind}");
    }
    // An execution whose pipeline goes after the listing is gone with it.
    fail_for_pipeline(&bench, "GetPipelineExecution", "lib", PIPELINE_IS_GONE).await;
    assert_eq!(only_page(&bench, PIPELINE_EXECUTION).await.resources, []);
}
