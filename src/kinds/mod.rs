//! The kinds: AWS resource types as Port names them, each with the calls that read it and the shape that mappings see.
//!
//! One file per AWS service. A kind is one [`Kind`] item there and one line in [`KINDS`]; what a kind needs (its scope,
//! its calls, its IAM actions, its options, its fields) is stated in that item and nowhere else: policies and pages of
//! documentation are derived from it. Every other type is read by [`cloud_control`], which needs to know none of them.

mod account;
mod attributes;
mod batch;
mod cloud_control;
mod codebuild;
mod codedeploy;
mod codepipeline;
mod dynamodb;
mod ec2;
mod ecr;
mod ecs;
mod eks;
mod elasticache;
mod error;
pub mod fields;
mod history;
mod json;
mod lambda;
mod memorydb;
mod msk;
mod nested;
mod options;
mod organizations;
mod page_token;
mod projection;
mod rds;
mod reader;
mod reading;
mod s3;
mod ses;
mod shared;
mod sns;
mod sqs;

use std::collections::BTreeSet;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

pub use error::{Failure, ReadError, is_throttle};
use fields::Field;
pub use options::{HistoryBound, Options};
pub use page_token::PageToken;
pub use reader::{Reader, find};
pub use reading::Reading;
pub use shared::SharedAnswers;

/// All kinds that have a reader of their own.
pub const KINDS: &[&Kind] = &[
    &account::INFO,
    &codebuild::BUILD_RUN,
    &codebuild::PROJECT,
    &codedeploy::APPLICATION,
    &codedeploy::DEPLOYMENT,
    &codedeploy::DEPLOYMENT_GROUP,
    &codedeploy::DEPLOYMENT_TARGET,
    &codepipeline::ACTION,
    &codepipeline::ACTION_EXECUTION,
    &codepipeline::PIPELINE,
    &codepipeline::PIPELINE_EXECUTION,
    &codepipeline::STAGE,
    &dynamodb::TABLE,
    &ec2::INSTANCE,
    &ec2::VOLUME,
    &ecr::REPOSITORY,
    &ecs::CLUSTER,
    &ecs::SERVICE,
    &ecs::TASK_DEFINITION,
    &eks::CLUSTER,
    &elasticache::CLUSTER,
    &lambda::FUNCTION,
    &memorydb::USER,
    &msk::CLUSTER,
    &msk::SERVERLESS_CLUSTER,
    &organizations::ACCOUNT,
    &rds::DB_CLUSTER,
    &rds::DB_INSTANCE,
    &s3::BUCKET,
    &ses::CONFIGURATION_SET,
    &ses::EMAIL_IDENTITY,
    &sns::TOPIC,
    &sqs::QUEUE,
];

/// An AWS resource type and how it is read by the calls of its own service.
pub struct Kind {
    /// As mappings write it: `AWS::S3::Bucket`.
    pub name: &'static str,
    pub scope: Scope,
    /// The AWS calls for n resources in one target, without those of [`Kind::include_actions`].
    pub calls: &'static str,
    /// What [`Kind::list`] calls, as IAM names it.
    pub iam_actions: &'static [&'static str],
    /// Enrichments that a mapping entry asks for by name in `selector.includeActions`.
    pub include_actions: &'static [IncludeAction],
    /// Whether the kind is a history, which `selector.maxResults` and `selector.maxAgeDays` bound.
    pub is_history: bool,
    /// The members of `Properties`. What AWS adds to its answers later is forwarded too where the service speaks JSON.
    pub fields: &'static [Field],
    /// What `__ExtraContext` has beyond account and region.
    pub context: &'static [Field],
    /// Reads one page of the listing, with all enrichments, from where the cursor points.
    pub list: ListFunction,
}

/// Where a kind is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In every region.
    Regional,
    /// Once per account.
    Global,
    /// Once, with the management role.
    Organization,
}

/// An enrichment that costs calls of its own and is made only where a mapping asks for it.
pub struct IncludeAction {
    /// As mappings write it.
    pub name: &'static str,
    /// The AWS calls that it adds for n resources in one target.
    pub calls: &'static str,
    pub iam_actions: &'static [&'static str],
}

/// Reads one page. The cursor is the listing's own, none for the first page.
pub type ListFunction = for<'a> fn(&'a Reading, Option<String>) -> BoxFuture<'a, Result<Page, ReadError>>;

/// A page of a listing.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub resources: Vec<Resource>,
    /// Parts of the listing that could not be read: it goes on without them, and is not complete.
    pub gaps: Vec<ReadError>,
    /// Where the listing goes on; none at its end. A page may be empty and still have one.
    pub next: Option<String>,
}

impl Page {
    /// A page without gaps.
    pub fn new(resources: Vec<Resource>, next: Option<String>) -> Self {
        Self { resources, gaps: Vec::new(), next }
    }
}

/// A resource as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// The id that the listing itself gives, known even where everything else failed.
    pub key: String,
    /// `Identifier` in what mappings see: Cloud Control's name of the resource; native kinds have none.
    pub identifier: Option<String>,
    /// `Properties` in what mappings see.
    pub properties: Map<String, Value>,
    /// `__ExtraContext` beyond account and region.
    pub context: Map<String, Value>,
    /// Whether there is an `__ExtraContext` at all.
    pub has_context: bool,
    /// The resource's region, where it is not the target's.
    pub region: Option<String>,
    /// Enrichments that failed: what mappings would see is not all there is.
    pub incomplete: Vec<FailedEnrichment>,
}

/// An enrichment that failed for one resource.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedEnrichment {
    /// The name of the `includeActions` option, or of the call for what every resource of the kind gets.
    pub action: &'static str,
    /// Whether only those mapping entries are concerned that ask for it.
    pub optional: bool,
    pub reason: String,
}

impl Resource {
    pub fn new(key: impl Into<String>, properties: Map<String, Value>) -> Self {
        Self {
            key: key.into(),
            identifier: None,
            properties,
            context: Map::new(),
            has_context: true,
            region: None,
            incomplete: Vec::new(),
        }
    }

    /// Whether a mapping entry with these options would see something incomplete, and why.
    pub fn failure_for(&self, include_actions: &BTreeSet<String>) -> Option<&FailedEnrichment> {
        self.incomplete.iter().find(|failed| !failed.optional || include_actions.contains(failed.action))
    }

    /// Notes that an enrichment which every resource of the kind gets has failed.
    pub fn lacks(&mut self, action: &'static str, error: &ReadError) {
        self.incomplete.push(FailedEnrichment { action, optional: false, reason: error.to_string() });
    }

    /// Notes that an enrichment of `includeActions` has failed.
    pub fn lacks_option(&mut self, action: &'static str, error: &ReadError) {
        self.incomplete.push(FailedEnrichment { action, optional: true, reason: error.to_string() });
    }
}

/// The IAM actions that reading a kind with these options takes.
pub fn iam_actions<'a>(
    kind: &'a Kind,
    include_actions: &'a BTreeSet<String>,
) -> impl Iterator<Item = &'static str> + 'a {
    let optional = kind
        .include_actions
        .iter()
        .filter(|action| include_actions.contains(action.name))
        .flat_map(|action| action.iam_actions);
    kind.iam_actions.iter().chain(optional).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_every_kind_states_its_actions() {
        let names: BTreeSet<_> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            // The account's own record needs no call: number and name come with the plan.
            assert!(!kind.iam_actions.is_empty() || kind.name == "AWS::Account::Info", "{}", kind.name);
            let actions = kind.include_actions.iter().flat_map(|action| action.iam_actions).chain(kind.iam_actions);
            for action in actions {
                assert!(action.contains(':'), "{action} of {}", kind.name);
            }
        }
    }
}
