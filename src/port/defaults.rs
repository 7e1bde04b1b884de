//! What the first run installs: a blueprint for each kind, and a mapping that fills them. Each kind has a file.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, PortClient, Role};
use crate::config::{AccountSource, DefaultResources, Settings};
use crate::kinds::{self, Scope};
use crate::seams::CatalogError;

/// Each file comes after those that its blueprint relates to.
const FILES: [&str; 33] = [
    include_str!("defaults/organizations-account.json"),
    include_str!("defaults/account-info.json"),
    include_str!("defaults/s3-bucket.json"),
    include_str!("defaults/ec2-instance.json"),
    include_str!("defaults/ecs-cluster.json"),
    include_str!("defaults/sns-topic.json"),
    include_str!("defaults/ec2-volume.json"),
    include_str!("defaults/lambda-function.json"),
    include_str!("defaults/ecs-task-definition.json"),
    include_str!("defaults/ecs-service.json"),
    include_str!("defaults/eks-cluster.json"),
    include_str!("defaults/ecr-repository.json"),
    include_str!("defaults/rds-db-cluster.json"),
    include_str!("defaults/rds-db-instance.json"),
    include_str!("defaults/dynamodb-table.json"),
    include_str!("defaults/elasticache-cluster.json"),
    include_str!("defaults/memorydb-user.json"),
    include_str!("defaults/sqs-queue.json"),
    include_str!("defaults/msk-cluster.json"),
    include_str!("defaults/msk-serverless-cluster.json"),
    include_str!("defaults/ses-configuration-set.json"),
    include_str!("defaults/ses-email-identity.json"),
    include_str!("defaults/codebuild-project.json"),
    include_str!("defaults/codebuild-build-run.json"),
    include_str!("defaults/codedeploy-application.json"),
    include_str!("defaults/codedeploy-deployment-group.json"),
    include_str!("defaults/codedeploy-deployment.json"),
    include_str!("defaults/codedeploy-deployment-target.json"),
    include_str!("defaults/codepipeline-pipeline.json"),
    include_str!("defaults/codepipeline-stage.json"),
    include_str!("defaults/codepipeline-action.json"),
    include_str!("defaults/codepipeline-pipeline-execution.json"),
    include_str!("defaults/codepipeline-action-execution.json"),
];

const CORE: [&str; 5] =
    ["AWS::Account::Info", "AWS::S3::Bucket", "AWS::EC2::Instance", "AWS::ECS::Cluster", "AWS::SNS::Topic"];

/// A kind's blueprint, and the entry of the mapping that fills it.
#[derive(Debug, Deserialize)]
pub(super) struct DefaultKind {
    blueprint: Value,
    mapping: Value,
}

/// What came of an installation.
pub(super) struct Installed {
    /// The mapping document that fits the blueprints.
    pub mapping: Value,
    /// The blueprints that Port refused, in words.
    pub refused: Vec<String>,
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

/// Creates the blueprints that Port does not have yet.
///
/// A blueprint that is there is left as it is, and one that Port refuses spoils no other: those that would relate to it
/// do without that relation.
///
/// # Errors
/// [`CatalogError`] where no blueprint could be created: credentials, rate limit, outage.
pub(super) async fn install(client: &PortClient, mut kinds: Vec<DefaultKind>) -> Result<Installed, CatalogError> {
    let mut there = BTreeSet::new();
    let mut refused = Vec::new();
    for kind in &mut kinds {
        kind.keep_relations_to(&there);
        match create(client, &kind.blueprint).await? {
            None => {
                there.insert(kind.identifier().to_owned());
            }
            Some(reason) => refused.push(format!(
                "the default blueprint `{}` could not be created: {reason}; create it in Port, or take {} out of the \
                 mapping",
                kind.identifier(),
                kind.name()
            )),
        }
    }
    Ok(Installed { mapping: mapping_of(&kinds), refused })
}

/// Why Port refused the blueprint; none when it is there now.
async fn create(client: &PortClient, blueprint: &Value) -> Result<Option<CatalogError>, CatalogError> {
    let body = Some(blueprint.to_string().into_bytes());
    let call =
        Call { method: Method::POST, path: "/blueprints", query: &[], body, role: Role::Exporter, repeatable: true };
    let answer = client.call(call).await?;
    if answer.status == StatusCode::CONFLICT {
        return Ok(None);
    }
    Ok(answer.success().err())
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

    /// Leaves out relations to blueprints that are not there, except to the blueprint itself.
    fn keep_relations_to(&mut self, there: &BTreeSet<String>) {
        let own = self.identifier().to_owned();
        let relations = self.blueprint["relations"].as_object_mut();
        let expressions = self.mapping["port"]["entity"]["mappings"]["relations"].as_object_mut();
        let (Some(relations), Some(expressions)) = (relations, expressions) else {
            return;
        };
        relations.retain(|_, relation| {
            relation["target"].as_str().is_some_and(|target| target == own || there.contains(target))
        });
        expressions.retain(|name, _| relations.contains_key(name));
    }
}

#[cfg(test)]
mod tests;
