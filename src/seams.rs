//! The four things outside of this process that a run depends on, and the clock.
//!
//! The target step and the sweep step are written against these traits. Each has one real implementation
//! (`aws::reader`, `port::catalog`, `aws::store`, `aws::queue`); a simulation of a whole run stands behind them in
//! memory.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;

use crate::kinds::{Options, Page, ReadError};
use crate::run::Plan;
use crate::shared_text::SharedText;
use crate::target::{AccountId, Target};

/// AWS as it is read: listings of kinds in targets, and what is known of an account.
#[async_trait]
pub trait Cloud: Send + Sync {
    /// Makes sure that the target can be read at all: assumes its role.
    ///
    /// # Errors
    /// What happened, and what to check.
    async fn enter(&self, plan: &Plan, target: &Target) -> Result<(), EnterError>;

    /// One page of a kind's resources, enriched. `cursor` is what the page before gave; it is opaque.
    async fn list(
        &self,
        plan: &Plan,
        target: &Target,
        request: &ListRequest,
        cursor: Option<String>,
    ) -> Result<Page, ReadError>;

    /// Whether an account that the plan no longer has is gone for good, asked for by itself.
    async fn standing(&self, plan: &Plan, account: &AccountId) -> Standing;
}

/// A target that cannot be read at all.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{reason}; check {check}")]
pub struct EnterError {
    pub reason: String,
    pub check: String,
}

/// What is to be read of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRequest {
    pub kind: String,
    /// What the mapping entries of the kind ask for together.
    pub options: Options,
}

/// What AWS Organizations says of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A member, inside of what is configured.
    Present,
    /// Positive evidence that the account is no longer to be read, in words for the journal.
    Gone { evidence: String },
    /// Nothing could be learned; everything of the account stays.
    Unknown { reason: String },
}

/// Port as it is written to and compared with.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// Port's id of the organization that the credentials belong to.
    async fn organization(&self) -> Result<String, CatalogError>;

    /// Upserts entities of one blueprint. The outcomes are in the order of `entities`.
    ///
    /// # Errors
    /// Only where not one entity could be attempted (credentials); anything later is told per entity.
    async fn upsert(
        &self,
        blueprint: &str,
        entities: &[Value],
        options: UpsertOptions,
    ) -> Result<Vec<UpsertOutcome>, CatalogError>;

    /// Deletes at most 100 entities of one blueprint, all or none.
    async fn delete(
        &self,
        blueprint: &str,
        identifiers: &[String],
        with_dependents: bool,
    ) -> Result<DeleteOutcome, CatalogError>;

    /// Those of at most 100 identifiers of a blueprint that exist and were last written by this integration.
    async fn still_owned(&self, blueprint: &str, identifiers: &[String]) -> Result<BTreeSet<String>, CatalogError>;

    /// One page of all entities that were last written by this integration.
    async fn owned(&self, cursor: Option<String>) -> Result<OwnedPage, CatalogError>;

    /// The blueprints that relations of this one lead to, by the relation's name; none when Port has no such blueprint.
    async fn relations(&self, blueprint: &str) -> Result<Option<Vec<(String, String)>>, CatalogError>;

    /// Tells Port where the run stands. Never fails a run: what went wrong is logged.
    async fn report(&self, report: RunReport<'_>);
}

/// How entities are upserted, from the mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpsertOptions {
    /// Update only what is supplied (`enableMergeEntity`).
    pub merge: bool,
    /// Create bare entities for relation targets that do not exist (`createMissingRelatedEntities`).
    pub create_missing_related: bool,
}

/// What became of one entity in an upsert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpsertOutcome {
    /// Port named it as succeeded.
    Accepted,
    /// The same for an entity that was addressed by a search query: this is the one that Port found.
    Resolved { identifier: String },
    /// Nothing was written: the search query that addresses the entity finds none, or several.
    Unresolved { reason: String },
    /// Port named it as failed, and would again: sending it unchanged is of no use in this run.
    Refused { status: u16, reason: String },
    /// Port refused it because an entity that it relates to does not exist yet.
    RelatedMissing { reason: String },
    /// No word about it: the call failed, or the answer does not mention it. It may or may not have been written.
    Unanswered { reason: String },
    /// Not written: Port takes nothing for so long.
    Throttled { retry_after: Duration },
}

/// What became of a chunk of deletions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// None of them exists any more.
    Deleted,
    /// Port refused the whole chunk and deleted nothing, for instance because of dependents.
    Refused { reason: String },
}

/// A blueprint and an identifier: what makes an entity the same entity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntityKey {
    pub blueprint: SharedText,
    pub identifier: SharedText,
}

/// A page of Port's listing of this integration's own entities.
#[derive(Clone, Debug, Default)]
pub struct OwnedPage {
    pub entities: Vec<EntityKey>,
    pub next: Option<String>,
}

/// What Port is told about a run.
#[derive(Clone, Debug)]
pub enum RunReport<'a> {
    Started(&'a Plan),
    StillRunning(&'a Plan),
    Ended(&'a Plan, &'a crate::run::Summary),
}

/// A call to Port that failed as a whole.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CatalogError {
    #[error("Port refused the credentials: {0}; check the client id and secret of the integration's organization")]
    Credentials(String),
    /// There is nothing to sign in with.
    #[error("there are no credentials for Port: {0}")]
    NoCredentials(String),
    #[error("Port denied the call: {0}")]
    Denied(String),
    #[error("Port's rate limit is used up for another {} seconds", retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("Port could not be reached or failed: {0}")]
    Unavailable(String),
    #[error("Port rejected the call: {status} {reason}")]
    Rejected { status: u16, reason: String },
}

/// Objects with versions: the state bucket.
#[async_trait]
pub trait Store: Send + Sync {
    /// The object, or none where there is none.
    async fn get(&self, key: &str) -> Result<Option<StoredObject>, StoreError>;

    /// Writes an object if the condition holds; gives its new version.
    async fn put(&self, key: &str, bytes: Vec<u8>, condition: Condition) -> Result<Version, StoreError>;

    /// The keys that begin with `prefix`, in order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError>;

    /// Removes an object, if it still has the version.
    async fn delete(&self, key: &str, version: &Version) -> Result<(), StoreError>;
}

/// Names one content of an object (S3: its ETag).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

/// An object as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    pub bytes: Vec<u8>,
    pub version: Version,
}

/// What must hold for a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing: the object belongs to one writer, or any content is as good.
    Always,
    /// There is no such object.
    Absent,
    /// The object still has this version.
    Unchanged(Version),
}

/// A state object that could not be read or written.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    #[error("`{key}` was changed by somebody else in the meantime")]
    Conflict { key: String },
    #[error(
        "the state bucket failed for `{key}`: {reason}; check that the bucket exists and that the function's role may use it"
    )]
    Failed { key: String, reason: String },
}

/// The queue between scheduler and worker.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends all bodies, each visible after `delay` (at most 900 seconds).
    ///
    /// # Errors
    /// When any of them could not be sent after repeated tries; others may be on the queue then.
    async fn send(&self, bodies: Vec<String>, delay: Duration) -> Result<(), QueueError>;

    /// Makes a message that is being worked on visible again after `delay`.
    async fn retry_after(&self, receipt: &str, delay: Duration) -> Result<(), QueueError>;

    /// Puts a message where a person looks at it, with the reason.
    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), QueueError>;
}

/// The queue did not take something.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("the queue failed: {0}; check that the queue exists and that the function's role may use it")]
pub struct QueueError(pub String);

/// Time, so that a simulation can have its own.
#[async_trait]
pub trait Clock: Send + Sync {
    fn now(&self) -> OffsetDateTime;

    /// Ends when so much time has passed.
    async fn sleep(&self, duration: Duration);
}

/// The clock of the machine.
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}
