//! What mappings see of a cluster.

use aws_sdk_rds::types::*;

use super::super::projection::Members;
use super::members::{
    certificate_details_members, domain_members, master_user_secret_members, pending_cloudwatch_logs_exports_members,
    tag_members, vpc_security_group_members,
};

/// `Properties` of a cluster.
pub fn db_cluster_members(cluster: &DbCluster) -> Members {
    Members::new()
        .text("ActivityStreamStatus", &cluster.activity_stream_status)
        .objects("AssociatedRoles", &cluster.associated_roles, |role| {
            Members::new()
                .text("RoleArn", &role.role_arn)
                .text("Status", &role.status)
                .text("FeatureName", &role.feature_name)
        })
        .value("AutoMinorVersionUpgrade", cluster.auto_minor_version_upgrade)
        .texts("AvailabilityZones", &cluster.availability_zones)
        .value("BackupRetentionPeriod", cluster.backup_retention_period)
        .time("ClusterCreateTime", &cluster.cluster_create_time)
        .value("CopyTagsToSnapshot", cluster.copy_tags_to_snapshot)
        .value("CrossAccountClone", cluster.cross_account_clone)
        .text("DatabaseName", &cluster.database_name)
        .text("DBClusterArn", &cluster.db_cluster_arn)
        .text("DBClusterIdentifier", &cluster.db_cluster_identifier)
        .objects("DBClusterMembers", &cluster.db_cluster_members, cluster_member_members)
        .text("DbClusterResourceId", &cluster.db_cluster_resource_id)
        .value("DeletionProtection", cluster.deletion_protection)
        .time("EarliestRestorableTime", &cluster.earliest_restorable_time)
        .text("Endpoint", &cluster.endpoint)
        .text("Engine", &cluster.engine)
        .text("EngineMode", &cluster.engine_mode)
        .text("EngineVersion", &cluster.engine_version)
        .text("GlobalWriteForwardingStatus", &cluster.global_write_forwarding_status)
        .value("HttpEndpointEnabled", cluster.http_endpoint_enabled)
        .value("IAMDatabaseAuthenticationEnabled", cluster.iam_database_authentication_enabled)
        .text("KmsKeyId", &cluster.kms_key_id)
        .time("LatestRestorableTime", &cluster.latest_restorable_time)
        .text("MasterUsername", &cluster.master_username)
        .value("MultiAZ", cluster.multi_az)
        .text("NetworkType", &cluster.network_type)
        .value("Port", cluster.port)
        .text("PreferredBackupWindow", &cluster.preferred_backup_window)
        .text("PreferredMaintenanceWindow", &cluster.preferred_maintenance_window)
        .text("ReaderEndpoint", &cluster.reader_endpoint)
        .text("Status", &cluster.status)
        .value("StorageEncrypted", cluster.storage_encrypted)
        .text("StorageType", &cluster.storage_type)
        .objects("Tags", &cluster.tag_list, tag_members)
        .objects("VpcSecurityGroups", &cluster.vpc_security_groups, vpc_security_group_members)
        .text("DBSubnetGroup", &cluster.db_subnet_group)
        .value("AllocatedStorage", cluster.allocated_storage)
        .text("CharacterSetName", &cluster.character_set_name)
        .text("DBClusterParameterGroup", &cluster.db_cluster_parameter_group)
        .text("PercentProgress", &cluster.percent_progress)
        .texts("CustomEndpoints", &cluster.custom_endpoints)
        .objects("DBClusterOptionGroupMemberships", &cluster.db_cluster_option_group_memberships, |group| {
            Members::new()
                .text("DBClusterOptionGroupName", &group.db_cluster_option_group_name)
                .text("Status", &group.status)
        })
        .text("ReplicationSourceIdentifier", &cluster.replication_source_identifier)
        .texts("ReadReplicaIdentifiers", &cluster.read_replica_identifiers)
        .objects("StatusInfos", &cluster.status_infos, status_info_members)
        .text("HostedZoneId", &cluster.hosted_zone_id)
        .text("CloneGroupId", &cluster.clone_group_id)
        .time("EarliestBacktrackTime", &cluster.earliest_backtrack_time)
        .value("BacktrackWindow", cluster.backtrack_window)
        .value("BacktrackConsumedChangeRecords", cluster.backtrack_consumed_change_records)
        .texts("EnabledCloudwatchLogsExports", &cluster.enabled_cloudwatch_logs_exports)
        .value("Capacity", cluster.capacity)
        .object("PendingModifiedValues", &cluster.pending_modified_values, pending_modified_values_members)
        .object("ScalingConfigurationInfo", &cluster.scaling_configuration_info, scaling_configuration_members)
        .object(
            "RdsCustomClusterConfiguration",
            &cluster.rds_custom_cluster_configuration,
            rds_custom_cluster_configuration_members,
        )
        .text("DBClusterInstanceClass", &cluster.db_cluster_instance_class)
        .value("Iops", cluster.iops)
        .value("StorageThroughput", cluster.storage_throughput)
        .time("IOOptimizedNextAllowedModificationTime", &cluster.io_optimized_next_allowed_modification_time)
        .value("PubliclyAccessible", cluster.publicly_accessible)
        .text("ActivityStreamMode", &cluster.activity_stream_mode)
        .text("ActivityStreamKmsKeyId", &cluster.activity_stream_kms_key_id)
        .text("ActivityStreamKinesisStreamName", &cluster.activity_stream_kinesis_stream_name)
        .objects("DomainMemberships", &cluster.domain_memberships, domain_members)
        .objects("TagList", &cluster.tag_list, tag_members)
        .text("GlobalClusterIdentifier", &cluster.global_cluster_identifier)
        .value("GlobalWriteForwardingRequested", cluster.global_write_forwarding_requested)
        .time("AutomaticRestartTime", &cluster.automatic_restart_time)
        .object("ServerlessV2ScalingConfiguration", &cluster.serverless_v2_scaling_configuration, |scaling| {
            Members::new()
                .value("MinCapacity", scaling.min_capacity)
                .value("MaxCapacity", scaling.max_capacity)
                .value("SecondsUntilAutoPause", scaling.seconds_until_auto_pause)
        })
        .text("ServerlessV2PlatformVersion", &cluster.serverless_v2_platform_version)
        .value("MonitoringInterval", cluster.monitoring_interval)
        .text("MonitoringRoleArn", &cluster.monitoring_role_arn)
        .text("DatabaseInsightsMode", &cluster.database_insights_mode)
        .value("PerformanceInsightsEnabled", cluster.performance_insights_enabled)
        .text("PerformanceInsightsKMSKeyId", &cluster.performance_insights_kms_key_id)
        .value("PerformanceInsightsRetentionPeriod", cluster.performance_insights_retention_period)
        .text("DBSystemId", &cluster.db_system_id)
        .object("MasterUserSecret", &cluster.master_user_secret, master_user_secret_members)
        .text("LocalWriteForwardingStatus", &cluster.local_write_forwarding_status)
        .text("AwsBackupRecoveryPointArn", &cluster.aws_backup_recovery_point_arn)
        .object("LimitlessDatabase", &cluster.limitless_database, |limitless| {
            Members::new().text("Status", &limitless.status).value("MinRequiredACU", limitless.min_required_acu)
        })
        .text("ClusterScalabilityType", &cluster.cluster_scalability_type)
        .object("CertificateDetails", &cluster.certificate_details, certificate_details_members)
        .text("EngineLifecycleSupport", &cluster.engine_lifecycle_support)
        .text("UpgradeRolloutOrder", &cluster.upgrade_rollout_order)
        .text("StorageEncryptionType", &cluster.storage_encryption_type)
        .value("VPCNetworkingEnabled", cluster.vpc_networking_enabled)
        .value("InternetAccessGatewayEnabled", cluster.internet_access_gateway_enabled)
}

fn status_info_members(info: &DbClusterStatusInfo) -> Members {
    Members::new()
        .text("StatusType", &info.status_type)
        .value("Normal", info.normal)
        .text("Status", &info.status)
        .text("Message", &info.message)
}

fn cluster_member_members(member: &DbClusterMember) -> Members {
    Members::new()
        .text("DBInstanceIdentifier", &member.db_instance_identifier)
        .value("IsClusterWriter", member.is_cluster_writer)
        .text("DBClusterParameterGroupStatus", &member.db_cluster_parameter_group_status)
        .value("PromotionTier", member.promotion_tier)
}

/// All but `MasterUserPassword`: a catalog is no place for a password, however masked.
fn pending_modified_values_members(pending: &ClusterPendingModifiedValues) -> Members {
    Members::new()
        .object(
            "PendingCloudwatchLogsExports",
            &pending.pending_cloudwatch_logs_exports,
            pending_cloudwatch_logs_exports_members,
        )
        .text("DBClusterIdentifier", &pending.db_cluster_identifier)
        .value("IAMDatabaseAuthenticationEnabled", pending.iam_database_authentication_enabled)
        .text("EngineVersion", &pending.engine_version)
        .value("BackupRetentionPeriod", pending.backup_retention_period)
        .text("StorageType", &pending.storage_type)
        .value("AllocatedStorage", pending.allocated_storage)
        .object(
            "RdsCustomClusterConfiguration",
            &pending.rds_custom_cluster_configuration,
            rds_custom_cluster_configuration_members,
        )
        .value("Iops", pending.iops)
        .object("CertificateDetails", &pending.certificate_details, certificate_details_members)
}

fn rds_custom_cluster_configuration_members(configuration: &RdsCustomClusterConfiguration) -> Members {
    Members::new()
        .text("InterconnectSubnetId", &configuration.interconnect_subnet_id)
        .text("TransitGatewayMulticastDomainId", &configuration.transit_gateway_multicast_domain_id)
        .text("ReplicaMode", &configuration.replica_mode)
}

fn scaling_configuration_members(scaling: &ScalingConfigurationInfo) -> Members {
    Members::new()
        .value("MinCapacity", scaling.min_capacity)
        .value("MaxCapacity", scaling.max_capacity)
        .value("AutoPause", scaling.auto_pause)
        .value("SecondsUntilAutoPause", scaling.seconds_until_auto_pause)
        .text("TimeoutAction", &scaling.timeout_action)
        .value("SecondsBeforeTimeout", scaling.seconds_before_timeout)
}
