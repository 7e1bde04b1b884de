//! What the first run installs: a blueprint for each kind, and a mapping that fills them. Each kind has a file.

mod fit;
mod install;

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Value, json};

pub(super) use install::{Installed, install};

use crate::config::{AccountSource, DefaultResources, Settings};
use crate::kinds::{self, Scope};
use crate::seams::CatalogError;

/// Each file comes after those that its blueprint relates to.
const FILES: [&str; 33] = [
    include_str!("organizations-account.json"),
    include_str!("account-info.json"),
    include_str!("s3-bucket.json"),
    include_str!("ec2-instance.json"),
    include_str!("ecs-cluster.json"),
    include_str!("sns-topic.json"),
    include_str!("ec2-volume.json"),
    include_str!("lambda-function.json"),
    include_str!("ecs-task-definition.json"),
    include_str!("ecs-service.json"),
    include_str!("eks-cluster.json"),
    include_str!("ecr-repository.json"),
    include_str!("rds-db-cluster.json"),
    include_str!("rds-db-instance.json"),
    include_str!("dynamodb-table.json"),
    include_str!("elasticache-cluster.json"),
    include_str!("memorydb-user.json"),
    include_str!("sqs-queue.json"),
    include_str!("msk-cluster.json"),
    include_str!("msk-serverless-cluster.json"),
    include_str!("ses-configuration-set.json"),
    include_str!("ses-email-identity.json"),
    include_str!("codebuild-project.json"),
    include_str!("codebuild-build-run.json"),
    include_str!("codedeploy-application.json"),
    include_str!("codedeploy-deployment-group.json"),
    include_str!("codedeploy-deployment.json"),
    include_str!("codedeploy-deployment-target.json"),
    include_str!("codepipeline-pipeline.json"),
    include_str!("codepipeline-stage.json"),
    include_str!("codepipeline-action.json"),
    include_str!("codepipeline-pipeline-execution.json"),
    include_str!("codepipeline-action-execution.json"),
];

const CORE: [&str; 5] =
    ["AWS::Account::Info", "AWS::S3::Bucket", "AWS::EC2::Instance", "AWS::ECS::Cluster", "AWS::SNS::Topic"];

/// A kind's blueprint, and the entry of the mapping that fills it.
#[derive(Debug, Deserialize)]
pub(super) struct DefaultKind {
    blueprint: Value,
    mapping: Value,
}

/// The default kinds that the settings choose.
///
/// # Errors
/// When this release was built with a file that is no default.
pub(super) fn kinds_of(settings: &Settings) -> Result<Vec<DefaultKind>, CatalogError> {
    let reads_organization = matches!(settings.accounts.source, AccountSource::Organization { .. });
    let mut chosen = Vec::new();
    for kind in all_kinds()? {
        let is_chosen = match settings.integration.default_resources {
            DefaultResources::None => false,
            DefaultResources::Core => CORE.contains(&kind.name()),
            // Without an organization, accounts would relate to what nobody reads.
            DefaultResources::All => reads_organization || !needs_organization(kind.name()),
        };
        if is_chosen {
            chosen.push(kind);
        }
    }
    Ok(chosen)
}

fn all_kinds() -> Result<Vec<DefaultKind>, CatalogError> {
    let kinds: Result<Vec<DefaultKind>, _> = FILES.iter().map(|file| serde_json::from_str(file)).collect();
    kinds.map_err(|error| CatalogError::Unavailable(format!("a default of this release cannot be used: {error}")))
}

fn needs_organization(kind: &str) -> bool {
    kinds::find(kind).is_some_and(|kind| kind.scope() == Scope::Organization)
}

fn mapping_of(kinds: &[DefaultKind]) -> Value {
    let entries: Vec<&Value> = kinds.iter().map(|kind| &kind.mapping).collect();
    json!({"createMissingRelatedEntities": true, "resources": entries})
}

impl DefaultKind {
    fn name(&self) -> &str {
        self.mapping["kind"].as_str().unwrap_or_default()
    }

    /// The blueprint's identifier.
    fn identifier(&self) -> &str {
        self.blueprint["identifier"].as_str().unwrap_or_default()
    }

    /// Leaves out relations to blueprints that are not there, except to the blueprint itself. Gives them, each with
    /// the blueprint that it leads to.
    fn keep_relations_to(&mut self, there: &BTreeSet<String>) -> Vec<(String, String)> {
        let own = self.identifier().to_owned();
        let mut left_out = Vec::new();
        let relations = self.blueprint["relations"].as_object_mut();
        let expressions = self.mapping["port"]["entity"]["mappings"]["relations"].as_object_mut();
        let (Some(relations), Some(expressions)) = (relations, expressions) else {
            return left_out;
        };
        relations.retain(|name, relation| {
            let target = relation["target"].as_str().unwrap_or_default();
            let is_there = target == own || there.contains(target);
            if !is_there {
                left_out.push((name.clone(), target.to_owned()));
            }
            is_there
        });
        expressions.retain(|name, _| relations.contains_key(name));
        left_out
    }
}

#[cfg(test)]
mod tests;
