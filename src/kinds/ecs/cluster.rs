//! ECS clusters, and the listing of them on which services build too.

use std::sync::Arc;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::ClusterField;

use super::super::fields::{Field, Form};
use super::super::json::{ResponseBody, properties_of};
use super::super::{Kind, Page, PageToken, ReadError, Reading, Scope};
use super::description::{Described, Description};

const LIST_CLUSTERS: &str = "ecs:ListClusters";

const DESCRIPTION: Description =
    Description { call: "ecs:DescribeClusters", operation: "DescribeClusters", arn: "ClusterArn" };

/// Clusters that one call describes.
const CLUSTERS_PER_CALL: usize = 100;

pub const CLUSTER: Kind = Kind {
    name: "AWS::ECS::Cluster",
    scope: Scope::Regional,
    calls: "n/100 ListClusters (the service's page; one listing with AWS::ECS::Service), n/100 DescribeClusters",
    iam_actions: &["ecs:ListClusters", "ecs:DescribeClusters"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ClusterName", Form::Text),
    ("CapacityProviders", Form::Texts),
    ("ClusterSettings", Form::Objects),
    ("Configuration", Form::Object),
    ("DefaultCapacityProviderStrategy", Form::Objects),
    ("ServiceConnectDefaults", Form::Object),
    ("Tags", Form::Objects),
    ("Attachments", Form::Objects),
    ("AttachmentsStatus", Form::Text),
    ("Statistics", Form::Objects),
    ("Status", Form::Text),
    ("RunningTasksCount", Form::Integer),
    ("ActiveServicesCount", Form::Integer),
    ("PendingTasksCount", Form::Integer),
    ("RegisteredContainerInstancesCount", Form::Integer),
    ("ClusterArn", Form::Text),
];

/// A page is what one call describes, and the cursor the last cluster of the page before.
async fn clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let arns = cluster_arns(reading, &client).await?;
    let (group, next) = group_after(&arns, cursor.as_deref());
    // No cluster, no call: ECS takes an empty list for the default cluster.
    if group.is_empty() {
        return Ok(Page::default());
    }
    let answer = descriptions(&client, group).await;
    Ok(Page::new(DESCRIPTION.resources(group, answer), next))
}

/// The ARNs of all clusters of the target, in order.
pub async fn cluster_arns(reading: &Reading, client: &Client) -> Result<Arc<Vec<String>>, ReadError> {
    let read = || async {
        let mut arns = Vec::new();
        let mut token = PageToken::first(LIST_CLUSTERS);
        loop {
            let answer = client.list_clusters().set_next_token(token.to_send()).send().await;
            let output = answer.map_err(ReadError::of(LIST_CLUSTERS))?;
            arns.extend(output.cluster_arns.unwrap_or_default());
            if !token.go_on(output.next_token)? {
                break;
            }
        }
        arns.sort();
        arns.dedup();
        Ok(arns)
    };
    reading.shared(LIST_CLUSTERS, read).await
}

/// The clusters of the next call, and the cursor of those after them. By name and not by position: a listing that goes
/// on later may have other clusters.
fn group_after<'a>(arns: &'a [String], cursor: Option<&str>) -> (&'a [String], Option<String>) {
    let begin = cursor.map_or(0, |last| arns.partition_point(|arn| arn.as_str() <= last));
    let rest = &arns[begin..];
    match rest.split_at_checked(CLUSTERS_PER_CALL) {
        Some((group, others)) if !others.is_empty() => (group, group.last().cloned()),
        _ => (rest, None),
    }
}

async fn descriptions(client: &Client, arns: &[String]) -> Result<Described, ReadError> {
    let body = ResponseBody::default();
    let call = client
        .describe_clusters()
        .set_clusters(Some(arns.to_vec()))
        .include(ClusterField::Attachments)
        .include(ClusterField::Configurations)
        .include(ClusterField::Settings)
        .include(ClusterField::Statistics)
        .include(ClusterField::Tags);
    let answer = call.customize().interceptor(body.keeper()).send().await;
    let output = answer.map_err(ReadError::of(DESCRIPTION.call))?;
    let clusters = body.objects(DESCRIPTION.call, "clusters")?.into_iter();
    let properties = clusters.map(|cluster| properties_of(cluster, &[("settings", "ClusterSettings")], FIELDS));
    Ok(Described { properties: properties.collect(), failures: output.failures.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_clusters_go_on_behind_the_last_one_even_if_it_is_gone() {
        let mut arns: Vec<String> = (0..250).map(|index| format!("arn:{index:03}")).collect();
        let (group, next) = group_after(&arns, None);
        assert_eq!((group.len(), next.as_deref()), (100, Some("arn:099")));
        arns.remove(99);
        let (group, next) = group_after(&arns, next.as_deref());
        assert_eq!((group[0].as_str(), group.len(), next.as_deref()), ("arn:100", 100, Some("arn:199")));
        let (group, next) = group_after(&arns, next.as_deref());
        assert_eq!((group[0].as_str(), group.len(), next), ("arn:200", 50, None));
        assert_eq!(group_after(&arns[..99], None).1, None);
        assert_eq!(group_after(&arns[..100], None).1, None);
        assert_eq!(group_after(&[], None), (&[][..], None));
    }
}
