//! Amazon MSK. Speaks JSON: answers are forwarded, with the names of every level in Pascal case.

mod cluster;
mod serverless_cluster;

use serde_json::{Map, Value};

use super::fields::{Field, write_times};
use super::json::{required_text, with_pascal_case_names, with_pascal_case_names_below};
use super::{ReadError, Resource};

pub use cluster::CLUSTER;
pub use serverless_cluster::SERVERLESS_CLUSTER;

/// Clusters that one call lists, which is the most that MSK takes.
const CLUSTERS_PER_CALL: i32 = 100;

/// The clusters of a listing's answer.
fn clusters(call: &'static str, listed: Vec<Map<String, Value>>, fields: &[Field]) -> Result<Vec<Resource>, ReadError> {
    let mut clusters = Vec::with_capacity(listed.len());
    for cluster in listed {
        let properties = cluster_properties(cluster, fields);
        let arn = required_text(call, &properties, "ClusterArn")?;
        clusters.push(Resource::new(arn, properties));
    }
    Ok(clusters)
}

/// The names of tags are the user's own and stay as they are.
fn cluster_properties(cluster: Map<String, Value>, fields: &[Field]) -> Map<String, Value> {
    let mut properties = Map::new();
    for (name, value) in with_pascal_case_names(cluster, &[]) {
        let value = if name == "Tags" { value } else { with_pascal_case_names_below(value) };
        properties.insert(name, value);
    }
    write_times(&mut properties, fields);
    properties
}
