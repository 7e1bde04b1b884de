//! Amazon RDS. Speaks XML: the SDK's types are projected.

mod db_cluster;
mod db_cluster_members;
mod db_instance;
mod db_instance_members;
mod members;

pub use db_cluster::DB_CLUSTER;
pub use db_instance::DB_INSTANCE;

use super::IncludeAction;

/// Mappings may ask for tags by this name. They get them in any case: the listings have them.
const TAGS: IncludeAction = IncludeAction { name: "ListTagsForResourceAction", calls: "none", iam_actions: &[] };

/// Instances or clusters of one listing call: the most that RDS takes.
const PAGE_SIZE: i32 = 100;
