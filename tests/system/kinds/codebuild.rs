//! AWS CodeBuild.

mod builds;
mod projects;

use serde_json::json;

use super::contract::Contract;
use super::{Bench, REGION};

const PROJECT: &str = "AWS::CodeBuild::Project";
const BUILD: &str = "AWS::CodeBuild::BuildRun";

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: PROJECT,
        service: "codebuild",
        listing: "ListProjects",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(create_projects(bench, names)),
        page: Some(project_page),
        calls: &[("codebuild:ListProjects", 1), ("codebuild:BatchGetProjects", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: BUILD,
        service: "codebuild",
        listing: "ListBuilds",
        denied: (400, "AccessDeniedException"),
        throttled: (400, "ThrottlingException"),
        seed: |bench, names| Box::pin(start_builds(bench, names)),
        page: Some(build_page),
        calls: &[("codebuild:ListBuilds", 1), ("codebuild:BatchGetBuilds", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
];

async fn create_projects(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({
            "name": name,
            "description": "builds the harbour",
            "source": {"type": "GITHUB", "location": "https://github.com/example/harbour.git"},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
            "serviceRole": format!("arn:aws:iam::{}:role/build", bench.alpha()),
            "tags": [{"key": "team", "value": "sea"}],
            "timeoutInMinutes": 30,
        });
        bench.alpha_in(REGION).call("codebuild", "create_project", order).await;
    }
}

async fn start_builds(bench: &Bench, names: &[&str]) {
    create_projects(bench, names).await;
    for name in names {
        bench.alpha_in(REGION).call("codebuild", "start_build", json!({"projectName": name})).await;
    }
}

fn project_page(name: &str, token: &str) -> String {
    json!({"projects": [name], "nextToken": token}).to_string()
}

fn build_page(id: &str, token: &str) -> String {
    json!({"ids": [id], "nextToken": token}).to_string()
}
