//! ECS services, listed cluster by cluster.

use std::collections::BTreeMap;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::ServiceField;
use serde_json::{Map, Value};

use super::super::fields::{Field, Form};
use super::super::json::{ResponseBody, properties_of};
use super::super::{Kind, Page, ReadError, Reading, Resource, Scope, nested};
use super::cluster::cluster_arns;
use super::description::{Described, Description};

const DESCRIPTION: Description =
    Description { call: "ecs:DescribeServices", operation: "DescribeServices", arn: "ServiceArn" };

/// In `__ExtraContext`: the cluster as the listing names it.
const CLUSTER_ARN: &str = "ClusterArn";

/// Services of one listing call, at most. Without a size ECS answers ten.
const PAGE_SIZE: i32 = 100;

/// Clusters whose services are listed side by side. A service has up to a hundred events, some 80 KiB: more of them on
/// one page would take more memory than all the rest of a worker.
const CLUSTERS_AT_ONCE: usize = 2;

/// Services that one call describes.
const SERVICES_PER_CALL: usize = 10;

pub const SERVICE: Kind = Kind {
    name: "AWS::ECS::Service",
    scope: Scope::Regional,
    calls: "c/100 ListClusters for c clusters (one listing with AWS::ECS::Cluster), 1 ListServices per cluster and 100 \
            services of it, 1 DescribeServices per 10 services of a cluster",
    iam_actions: &["ecs:ListClusters", "ecs:ListServices", "ecs:DescribeServices"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[("ClusterArn", Form::Text)],
    list: |reading, cursor| Box::pin(services(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("AvailabilityZoneRebalancing", Form::Text),
    ("CapacityProviderStrategy", Form::Objects),
    ("ClusterArn", Form::Text),
    ("CreatedAt", Form::Time),
    ("CreatedBy", Form::Text),
    ("CurrentServiceDeployment", Form::Text),
    ("CurrentServiceRevisions", Form::Objects),
    ("DeploymentConfiguration", Form::Object),
    ("DeploymentController", Form::Object),
    ("Deployments", Form::Objects),
    ("Deployments[].createdAt", Form::Time),
    ("Deployments[].updatedAt", Form::Time),
    ("DesiredCount", Form::Integer),
    ("EnableECSManagedTags", Form::Boolean),
    ("EnableExecuteCommand", Form::Boolean),
    ("Events", Form::Objects),
    ("Events[].createdAt", Form::Time),
    ("HealthCheckGracePeriodSeconds", Form::Integer),
    ("LaunchType", Form::Text),
    ("LoadBalancers", Form::Objects),
    ("NetworkConfiguration", Form::Object),
    ("PendingCount", Form::Integer),
    ("PlacementConstraints", Form::Objects),
    ("PlacementStrategy", Form::Objects),
    ("PlatformFamily", Form::Text),
    ("PlatformVersion", Form::Text),
    ("PropagateTags", Form::Text),
    ("ResourceManagementType", Form::Text),
    ("RoleArn", Form::Text),
    ("RunningCount", Form::Integer),
    ("SchedulingStrategy", Form::Text),
    ("ServiceArn", Form::Text),
    ("ServiceName", Form::Text),
    ("ServiceRegistries", Form::Objects),
    ("Status", Form::Text),
    ("Tags", Form::Objects),
    ("TaskDefinition", Form::Text),
    ("TaskSets", Form::Objects),
    ("TaskSets[].createdAt", Form::Time),
    ("TaskSets[].updatedAt", Form::Time),
    ("TaskSets[].stabilityStatusAt", Form::Time),
    ("UpdatedAt", Form::Time),
];

async fn services(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let clusters = cluster_arns(reading, &client).await?;
    let list = |cluster, token| list_services(&client, cluster, token);
    let mut page = nested::page_of(CLUSTERS_AT_ONCE, reading, &clusters, cursor, list).await?;
    // Described for all clusters of the page together: within each cluster, calls in flight would multiply.
    let groups = groups_of(page.resources);
    let described = reading.for_each(groups, |group| describe(&client, group)).await;
    page.resources = described.into_iter().flatten().collect();
    Ok(page)
}

/// A page of a cluster's services, each known by ARN and cluster alone. A cluster that was deleted in between has none.
async fn list_services(client: &Client, cluster: String, token: Option<String>) -> Result<Page, ReadError> {
    let call = client.list_services().cluster(&cluster).max_results(PAGE_SIZE).set_next_token(token);
    let output = match call.send().await.map_err(ReadError::of("ecs:ListServices")) {
        Ok(output) => output,
        Err(error) if is_without_cluster(&error) => return Ok(Page::default()),
        Err(error) => return Err(error),
    };
    let mut services = Vec::new();
    for arn in output.service_arns.unwrap_or_default() {
        let mut service = Resource::new(arn, Map::new());
        service.context = context_of(&cluster);
        services.push(service);
    }
    Ok(Page::new(services, output.next_token))
}

fn context_of(cluster: &str) -> Map<String, Value> {
    Map::from_iter([(CLUSTER_ARN.to_owned(), Value::from(cluster))])
}

fn is_without_cluster(error: &ReadError) -> bool {
    error.code() == "ClusterNotFoundException"
}

/// Services of one cluster, as many as one call describes.
struct Group {
    cluster: String,
    arns: Vec<String>,
}

fn groups_of(listed: Vec<Resource>) -> Vec<Group> {
    let mut by_cluster: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut service in listed {
        if let Some(Value::String(cluster)) = service.context.remove(CLUSTER_ARN) {
            by_cluster.entry(cluster).or_default().push(service.key);
        }
    }
    let mut groups = Vec::new();
    for (cluster, arns) in by_cluster {
        let calls = arns.chunks(SERVICES_PER_CALL);
        groups.extend(calls.map(|arns| Group { cluster: cluster.clone(), arns: arns.to_vec() }));
    }
    groups
}

async fn describe(client: &Client, group: Group) -> Vec<Resource> {
    let answer = descriptions(client, &group).await;
    if answer.as_ref().is_err_and(is_without_cluster) {
        return Vec::new();
    }
    let mut services = DESCRIPTION.resources(&group.arns, answer);
    for service in &mut services {
        service.key = key_of(&group.cluster, &service.key);
        service.context = context_of(&group.cluster);
    }
    services
}

/// The ARN, if the cluster is in it. That of a service from before 2018 has the service's name alone, which a service
/// of another cluster may have too.
fn key_of(cluster: &str, arn: &str) -> String {
    let names_cluster = arn.split_once(":service/").is_some_and(|(_, name)| name.contains('/'));
    match names_cluster {
        true => arn.to_owned(),
        false => format!("{cluster} {arn}"),
    }
}

async fn descriptions(client: &Client, group: &Group) -> Result<Described, ReadError> {
    let body = ResponseBody::default();
    let call = client
        .describe_services()
        .cluster(&group.cluster)
        .set_services(Some(group.arns.clone()))
        .include(ServiceField::Tags);
    let answer = call.customize().interceptor(body.keeper()).send().await;
    let output = answer.map_err(ReadError::of(DESCRIPTION.call))?;
    let services = body.objects(DESCRIPTION.call, "services")?.into_iter();
    let properties = services.map(|service| with_updated_at(properties_of(service, &[], FIELDS)));
    Ok(Described { properties: properties.collect(), failures: output.failures.unwrap_or_default() })
}

/// ECS has the time of the last update only at what it runs now: at the primary deployment, or at the primary task set
/// where something else deploys.
fn with_updated_at(mut properties: Map<String, Value>) -> Map<String, Value> {
    if properties.contains_key("UpdatedAt") {
        return properties;
    }
    let running = ["Deployments", "TaskSets"].into_iter().filter_map(|name| properties.get(name)?.as_array()).flatten();
    let mut primary = running.filter(|part| part["status"] == "PRIMARY");
    if let Some(updated_at) = primary.find_map(|part| part.get("updatedAt")).cloned() {
        properties.insert("UpdatedAt".to_owned(), updated_at);
    }
    properties
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLUSTER: &str = "arn:aws:ecs:eu-west-1:123456789012:cluster/main";

    #[test]
    fn a_service_is_known_by_its_arn_where_the_cluster_is_in_it() {
        let arn = "arn:aws:ecs:eu-west-1:123456789012:service/main/web";
        assert_eq!(key_of(CLUSTER, arn), arn);
        let old_arn = "arn:aws:ecs:eu-west-1:123456789012:service/web";
        assert_eq!(key_of(CLUSTER, old_arn), format!("{CLUSTER} {old_arn}"));
    }

    #[test]
    fn a_group_has_services_of_one_cluster_and_at_most_ten() {
        let mut listed = Vec::new();
        for index in 0..12 {
            for cluster in ["arn:a", "arn:b"] {
                let mut service = Resource::new(format!("{cluster}/{index}"), Map::new());
                service.context = context_of(cluster);
                listed.push(service);
            }
        }
        let groups = groups_of(listed);
        let sizes: Vec<_> = groups.iter().map(|group| (group.cluster.as_str(), group.arns.len())).collect();
        assert_eq!(sizes, [("arn:a", 10), ("arn:a", 2), ("arn:b", 10), ("arn:b", 2)]);
        assert!(groups.iter().all(|group| group.arns.iter().all(|arn| arn.starts_with(&group.cluster))));
    }

    #[test]
    fn a_service_was_updated_when_what_it_runs_was() {
        for (service, updated_at) in [
            (
                json!({"Deployments": [{"status": "ACTIVE", "updatedAt": "1"}, {"status": "PRIMARY", "updatedAt": "2"}]}),
                Some("2"),
            ),
            (json!({"Deployments": [], "TaskSets": [{"status": "PRIMARY", "updatedAt": "3"}]}), Some("3")),
            (json!({"UpdatedAt": "4", "Deployments": [{"status": "PRIMARY", "updatedAt": "2"}]}), Some("4")),
            (json!({"Deployments": [{"status": "ACTIVE", "updatedAt": "1"}]}), None),
            (json!({"ServiceName": "web"}), None),
        ] {
            let Value::Object(properties) = service else { unreachable!() };
            let properties = with_updated_at(properties);
            assert_eq!(properties.get("UpdatedAt").and_then(Value::as_str), updated_at);
        }
    }
}
