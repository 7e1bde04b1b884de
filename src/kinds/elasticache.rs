//! Amazon ElastiCache. Speaks XML: the SDK's types are projected.

use aws_sdk_elasticache::Client;
use aws_sdk_elasticache::types::*;
use serde_json::Value;

use super::fields::{Field, Form};
use super::projection::Members;
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const TAGS: &str = "ListTagsForResourceAction";

/// Clusters of one listing call: the most that ElastiCache takes.
const PAGE_SIZE: i32 = 100;

pub const CLUSTER: Kind = Kind {
    name: "AWS::ElastiCache::Cluster",
    scope: Scope::Regional,
    calls: "n/100 DescribeCacheClusters",
    iam_actions: &["elasticache:DescribeCacheClusters"],
    include_actions: &[IncludeAction {
        name: TAGS,
        calls: "n ListTagsForResource",
        iam_actions: &["elasticache:ListTagsForResource"],
    }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("CacheClusterId", Form::Text),
    ("ARN", Form::Text),
    ("CacheNodeType", Form::Text),
    ("Engine", Form::Text),
    ("EngineVersion", Form::Text),
    ("CacheClusterStatus", Form::Text),
    ("NumCacheNodes", Form::Integer),
    ("PreferredAvailabilityZone", Form::Text),
    ("PreferredOutpostArn", Form::Text),
    ("CacheClusterCreateTime", Form::Time),
    ("PreferredMaintenanceWindow", Form::Text),
    ("PendingModifiedValues", Form::Object),
    ("NotificationConfiguration", Form::Object),
    ("CacheSecurityGroups", Form::Objects),
    ("CacheParameterGroup", Form::Object),
    ("CacheSubnetGroupName", Form::Text),
    ("CacheNodes", Form::Objects),
    ("AutoMinorVersionUpgrade", Form::Boolean),
    ("SecurityGroups", Form::Objects),
    ("ReplicationGroupId", Form::Text),
    ("SnapshotRetentionLimit", Form::Integer),
    ("SnapshotWindow", Form::Text),
    ("AuthTokenEnabled", Form::Boolean),
    ("AuthTokenLastModifiedDate", Form::Time),
    ("TransitEncryptionEnabled", Form::Boolean),
    ("AtRestEncryptionEnabled", Form::Boolean),
    ("ReplicationGroupLogDeliveryEnabled", Form::Boolean),
    ("LogDeliveryConfigurations", Form::Objects),
    ("NetworkType", Form::Text),
    ("IpDiscovery", Form::Text),
    ("TransitEncryptionMode", Form::Text),
    ("ConfigurationEndpoint", Form::Object),
    ("ClientDownloadLandingPage", Form::Text),
    ("TagList", Form::Objects),
    ("CacheNodes[].CacheNodeCreateTime", Form::Time),
];

async fn clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "elasticache:DescribeCacheClusters";
    let client = reading.client(Client::new);
    let call = client.describe_cache_clusters().show_cache_node_info(true).max_records(PAGE_SIZE).set_marker(cursor);
    let output = call.send().await.map_err(ReadError::of(CALL))?;
    let mut clusters = Vec::new();
    for cluster in output.cache_clusters.unwrap_or_default() {
        let Some(arn) = cluster.arn() else {
            return Err(ReadError::undecodable(CALL, "a cluster has no `ARN`"));
        };
        clusters.push(Resource::new(arn, cluster_members(&cluster).into_map()));
    }
    if reading.wants(TAGS) {
        let read = reading.for_each(clusters, |cluster| with_tags(&client, cluster)).await;
        clusters = read.into_iter().flatten().collect();
    }
    Ok(Page::new(clusters, output.marker))
}

/// A cluster with its tags; none when it was deleted in between.
async fn with_tags(client: &Client, mut cluster: Resource) -> Option<Resource> {
    let answer = client.list_tags_for_resource().resource_name(&cluster.key).send().await;
    match answer.map_err(ReadError::of("elasticache:ListTagsForResource")) {
        Ok(output) => {
            let tags = output.tag_list.unwrap_or_default();
            let tags = tags.iter().map(|tag| Value::from(tag_members(tag)));
            cluster.properties.insert("TagList".to_owned(), tags.collect());
        }
        Err(error) if is_gone(&cluster, &error) => return None,
        Err(error) => cluster.lacks_option(TAGS, &error),
    }
    Some(cluster)
}

/// ElastiCache gives no tags of a cluster that is not available, such as one that is being modified, and does not state
/// which error it answers then. Only a cluster that was available in the listing is gone.
fn is_gone(cluster: &Resource, error: &ReadError) -> bool {
    let status = cluster.properties.get("CacheClusterStatus").and_then(Value::as_str);
    error.code() == "CacheClusterNotFound" && status == Some("available")
}

fn tag_members(tag: &Tag) -> Members {
    Members::tag(tag.key(), tag.value())
}

fn cluster_members(cluster: &CacheCluster) -> Members {
    Members::new()
        .text("CacheClusterId", &cluster.cache_cluster_id)
        .text("ARN", &cluster.arn)
        .text("CacheNodeType", &cluster.cache_node_type)
        .text("Engine", &cluster.engine)
        .text("EngineVersion", &cluster.engine_version)
        .text("CacheClusterStatus", &cluster.cache_cluster_status)
        .value("NumCacheNodes", cluster.num_cache_nodes)
        .text("PreferredAvailabilityZone", &cluster.preferred_availability_zone)
        .text("PreferredOutpostArn", &cluster.preferred_outpost_arn)
        .time("CacheClusterCreateTime", &cluster.cache_cluster_create_time)
        .text("PreferredMaintenanceWindow", &cluster.preferred_maintenance_window)
        .object("PendingModifiedValues", &cluster.pending_modified_values, pending_modified_values_members)
        .object("NotificationConfiguration", &cluster.notification_configuration, |notification| {
            Members::new().text("TopicArn", &notification.topic_arn).text("TopicStatus", &notification.topic_status)
        })
        .objects("CacheSecurityGroups", &cluster.cache_security_groups, |group| {
            Members::new()
                .text("CacheSecurityGroupName", &group.cache_security_group_name)
                .text("Status", &group.status)
        })
        .object("CacheParameterGroup", &cluster.cache_parameter_group, |group| {
            Members::new()
                .text("CacheParameterGroupName", &group.cache_parameter_group_name)
                .text("ParameterApplyStatus", &group.parameter_apply_status)
                .texts("CacheNodeIdsToReboot", &group.cache_node_ids_to_reboot)
        })
        .text("CacheSubnetGroupName", &cluster.cache_subnet_group_name)
        .objects("CacheNodes", &cluster.cache_nodes, node_members)
        .value("AutoMinorVersionUpgrade", cluster.auto_minor_version_upgrade)
        .objects("SecurityGroups", &cluster.security_groups, |group| {
            Members::new().text("SecurityGroupId", &group.security_group_id).text("Status", &group.status)
        })
        .text("ReplicationGroupId", &cluster.replication_group_id)
        .value("SnapshotRetentionLimit", cluster.snapshot_retention_limit)
        .text("SnapshotWindow", &cluster.snapshot_window)
        .value("AuthTokenEnabled", cluster.auth_token_enabled)
        .time("AuthTokenLastModifiedDate", &cluster.auth_token_last_modified_date)
        .value("TransitEncryptionEnabled", cluster.transit_encryption_enabled)
        .value("AtRestEncryptionEnabled", cluster.at_rest_encryption_enabled)
        .value("ReplicationGroupLogDeliveryEnabled", cluster.replication_group_log_delivery_enabled)
        .objects("LogDeliveryConfigurations", &cluster.log_delivery_configurations, log_delivery_configuration_members)
        .text("NetworkType", &cluster.network_type)
        .text("IpDiscovery", &cluster.ip_discovery)
        .text("TransitEncryptionMode", &cluster.transit_encryption_mode)
        .object("ConfigurationEndpoint", &cluster.configuration_endpoint, endpoint_members)
        .text("ClientDownloadLandingPage", &cluster.client_download_landing_page)
}

fn pending_modified_values_members(pending: &PendingModifiedValues) -> Members {
    Members::new()
        .value("NumCacheNodes", pending.num_cache_nodes)
        .texts("CacheNodeIdsToRemove", &pending.cache_node_ids_to_remove)
        .text("EngineVersion", &pending.engine_version)
        .text("CacheNodeType", &pending.cache_node_type)
        .text("AuthTokenStatus", &pending.auth_token_status)
        .objects(
            "LogDeliveryConfigurations",
            &pending.log_delivery_configurations,
            pending_log_delivery_configuration_members,
        )
        .value("TransitEncryptionEnabled", pending.transit_encryption_enabled)
        .text("TransitEncryptionMode", &pending.transit_encryption_mode)
        .object("ScaleConfig", &pending.scale_config, |scale| {
            Members::new()
                .value("ScalePercentage", scale.scale_percentage)
                .value("ScaleIntervalMinutes", scale.scale_interval_minutes)
        })
}

fn pending_log_delivery_configuration_members(configuration: &PendingLogDeliveryConfiguration) -> Members {
    Members::new()
        .text("LogType", &configuration.log_type)
        .text("DestinationType", &configuration.destination_type)
        .object("DestinationDetails", &configuration.destination_details, destination_details_members)
        .text("LogFormat", &configuration.log_format)
}

fn log_delivery_configuration_members(configuration: &LogDeliveryConfiguration) -> Members {
    Members::new()
        .text("LogType", &configuration.log_type)
        .text("DestinationType", &configuration.destination_type)
        .object("DestinationDetails", &configuration.destination_details, destination_details_members)
        .text("LogFormat", &configuration.log_format)
        .text("Status", &configuration.status)
        .text("Message", &configuration.message)
}

fn destination_details_members(details: &DestinationDetails) -> Members {
    Members::new()
        .object("CloudWatchLogsDetails", &details.cloud_watch_logs_details, |logs| {
            Members::new().text("LogGroup", &logs.log_group)
        })
        .object("KinesisFirehoseDetails", &details.kinesis_firehose_details, |firehose| {
            Members::new().text("DeliveryStream", &firehose.delivery_stream)
        })
}

fn node_members(node: &CacheNode) -> Members {
    Members::new()
        .text("CacheNodeId", &node.cache_node_id)
        .text("CacheNodeStatus", &node.cache_node_status)
        .time("CacheNodeCreateTime", &node.cache_node_create_time)
        .object("Endpoint", &node.endpoint, endpoint_members)
        .text("ParameterGroupStatus", &node.parameter_group_status)
        .text("SourceCacheNodeId", &node.source_cache_node_id)
        .text("CustomerAvailabilityZone", &node.customer_availability_zone)
        .text("CustomerOutpostArn", &node.customer_outpost_arn)
}

fn endpoint_members(endpoint: &Endpoint) -> Members {
    Members::new().text("Address", &endpoint.address).value("Port", endpoint.port)
}
