//! What ECS says of a list of ARNs: descriptions in an order of its own, and failures beside them.

use std::collections::HashMap;

use aws_sdk_ecs::types::Failure as Reason;
use serde_json::{Map, Value};

use super::super::{Failure, ReadError, Resource};

/// How the resources of a kind are described.
pub struct Description {
    /// The call, as `service:Operation`.
    pub call: &'static str,
    /// The operation alone, by which a failure of it is known.
    pub operation: &'static str,
    /// The property that has a resource's ARN.
    pub arn: &'static str,
}

/// An answer for a list of ARNs.
#[derive(Default)]
pub struct Described {
    /// The properties of what is described.
    pub properties: Vec<Map<String, Value>>,
    /// Why the others are not.
    pub failures: Vec<Reason>,
}

impl Description {
    /// The resources of these ARNs. The listing has said that they are there: without a description, they are known by
    /// ARN alone.
    pub fn resources(&self, listed: &[String], answer: Result<Described, ReadError>) -> Vec<Resource> {
        match answer {
            Ok(described) => self.join(listed, described),
            Err(error) => listed.iter().map(|arn| self.undescribed(arn, &error)).collect(),
        }
    }

    /// Brings ARNs and descriptions together by ARN: the answer has an order of its own, and leaves out what it has no
    /// description of.
    fn join(&self, listed: &[String], described: Described) -> Vec<Resource> {
        let mut by_arn = HashMap::new();
        for properties in described.properties {
            if let Some(arn) = properties.get(self.arn).and_then(Value::as_str) {
                by_arn.insert(arn.to_owned(), properties);
            }
        }
        let mut resources = Vec::with_capacity(listed.len());
        for arn in listed {
            if let Some(properties) = by_arn.remove(arn) {
                resources.push(Resource::new(arn, properties));
                continue;
            }
            let failure = described.failures.iter().find(|failure| failure.arn.as_ref() == Some(arn));
            let reason = failure.and_then(|failure| failure.reason.as_deref());
            let deleted_in_between = reason == Some("MISSING");
            if deleted_in_between {
                continue;
            }
            resources.push(self.undescribed(arn, &self.why_undescribed(failure)));
        }
        resources
    }

    fn why_undescribed(&self, failure: Option<&Reason>) -> ReadError {
        let Some(failure) = failure else {
            return ReadError::undecodable(self.call, "it says nothing of this ARN");
        };
        ReadError::Failed(Failure {
            call: self.call,
            code: failure.reason.clone().unwrap_or_default(),
            message: failure.detail.clone().unwrap_or_default(),
        })
    }

    fn undescribed(&self, arn: &str, error: &ReadError) -> Resource {
        let properties = Map::from_iter([(self.arn.to_owned(), Value::from(arn))]);
        let mut resource = Resource::new(arn, properties);
        resource.lacks(self.operation, error);
        resource
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLUSTERS: Description =
        Description { call: "ecs:DescribeClusters", operation: "DescribeClusters", arn: "ClusterArn" };

    fn listed(arns: &[&str]) -> Vec<String> {
        arns.iter().map(|arn| (*arn).to_owned()).collect()
    }

    fn described(clusters: Value, failures: Vec<Reason>) -> Described {
        Described { properties: serde_json::from_value(clusters).unwrap(), failures }
    }

    fn failure(arn: &str, reason: &str) -> Reason {
        Reason::builder().arn(arn).reason(reason).build()
    }

    fn keys(resources: &[Resource]) -> Vec<&str> {
        resources.iter().map(|resource| resource.key.as_str()).collect()
    }

    #[test]
    fn descriptions_in_another_order_find_their_resources() {
        let first = json!({"ClusterArn": "arn:a", "ClusterName": "a", "RunningTasksCount": 0});
        let second = json!({"ClusterArn": "arn:b", "ClusterName": "b"});
        let answer = described(json!([second, first]), Vec::new());
        let clusters = CLUSTERS.resources(&listed(&["arn:a", "arn:b"]), Ok(answer));
        assert_eq!(keys(&clusters), ["arn:a", "arn:b"]);
        assert_eq!(Value::Object(clusters[0].properties.clone()), first);
        assert_eq!(Value::Object(clusters[1].properties.clone()), second);
        assert!(clusters.iter().all(|cluster| cluster.incomplete.is_empty()));
    }

    #[test]
    fn a_missing_resource_is_gone_and_one_that_failed_is_incomplete() {
        let failures = vec![failure("arn:a", "MISSING"), failure("arn:b", "INTERNAL")];
        let answer = described(json!([{"ClusterArn": "arn:c"}]), failures);
        let clusters = CLUSTERS.resources(&listed(&["arn:a", "arn:b", "arn:c", "arn:d"]), Ok(answer));
        assert_eq!(keys(&clusters), ["arn:b", "arn:c", "arn:d"]);

        assert_eq!(Value::Object(clusters[0].properties.clone()), json!({"ClusterArn": "arn:b"}));
        assert_eq!(clusters[0].incomplete[0].action, "DescribeClusters");
        assert!(!clusters[0].incomplete[0].optional);
        assert!(clusters[0].incomplete[0].reason.contains("INTERNAL"));

        assert!(clusters[1].incomplete.is_empty());

        // Neither described nor excused: as likely an answer of ours that was misread as a deletion.
        assert_eq!(clusters[2].incomplete.len(), 1);
    }

    #[test]
    fn descriptions_that_nobody_asked_for_are_left_out() {
        let answer = described(json!([{"ClusterArn": "arn:x"}, {"ClusterName": "without an arn"}]), Vec::new());
        assert!(CLUSTERS.resources(&[], Ok(answer)).is_empty());
    }

    #[test]
    fn a_call_that_fails_leaves_all_of_them_undescribed() {
        let error = ReadError::undecodable("ecs:DescribeClusters", "x");
        let clusters = CLUSTERS.resources(&listed(&["arn:a", "arn:b"]), Err(error));
        assert_eq!(keys(&clusters), ["arn:a", "arn:b"]);
        assert!(clusters.iter().all(|cluster| cluster.incomplete.len() == 1));
    }
}
