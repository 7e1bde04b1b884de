//! What mappings see of an instance.

use aws_sdk_rds::types::*;

use super::super::projection::Members;
use super::members::{
    certificate_details_members, domain_members, master_user_secret_members, pending_cloudwatch_logs_exports_members,
    tag_members, vpc_security_group_members,
};

/// `Properties` of an instance. Four names are not those of the API: mappings know them so.
pub fn db_instance_members(instance: &DbInstance) -> Members {
    Members::new()
        .value("AllocatedStorage", instance.allocated_storage)
        .value("AutoMinorVersionUpgrade", instance.auto_minor_version_upgrade)
        .text("AvailabilityZone", &instance.availability_zone)
        .value("BackupRetentionPeriod", instance.backup_retention_period)
        .text("CACertificateIdentifier", &instance.ca_certificate_identifier)
        .text("CharacterSetName", &instance.character_set_name)
        .value("CopyTagsToSnapshot", instance.copy_tags_to_snapshot)
        .text("DBInstanceArn", &instance.db_instance_arn)
        .text("DBInstanceClass", &instance.db_instance_class)
        .text("DBInstanceIdentifier", &instance.db_instance_identifier)
        .value("Port", instance.db_instance_port)
        .text("DBInstanceStatus", &instance.db_instance_status)
        .text("DBName", &instance.db_name)
        .objects("DBParameterGroups", &instance.db_parameter_groups, |group| {
            Members::new()
                .text("DBParameterGroupName", &group.db_parameter_group_name)
                .text("ParameterApplyStatus", &group.parameter_apply_status)
        })
        .objects("DBSecurityGroups", &instance.db_security_groups, |group| {
            Members::new().text("DBSecurityGroupName", &group.db_security_group_name).text("Status", &group.status)
        })
        .object("DBSubnetGroup", &instance.db_subnet_group, db_subnet_group_members)
        .text("DbiResourceId", &instance.dbi_resource_id)
        .objects("DomainMemberships", &instance.domain_memberships, domain_members)
        .value("EnableIAMDatabaseAuthentication", instance.iam_database_authentication_enabled)
        .value("EnablePerformanceInsights", instance.performance_insights_enabled)
        .object("Endpoint", &instance.endpoint, endpoint_members)
        .text("Engine", &instance.engine)
        .text("EngineVersion", &instance.engine_version)
        .text("EnhancedMonitoringResourceArn", &instance.enhanced_monitoring_resource_arn)
        .time("InstanceCreateTime", &instance.instance_create_time)
        .value("Iops", instance.iops)
        .text("KmsKeyId", &instance.kms_key_id)
        .time("LatestRestorableTime", &instance.latest_restorable_time)
        .text("LicenseModel", &instance.license_model)
        .text("MasterUsername", &instance.master_username)
        .value("MonitoringInterval", instance.monitoring_interval)
        .text("MonitoringRoleArn", &instance.monitoring_role_arn)
        .value("MultiAZ", instance.multi_az)
        .objects("OptionGroupMemberships", &instance.option_group_memberships, |group| {
            Members::new().text("OptionGroupName", &group.option_group_name).text("Status", &group.status)
        })
        .object("PendingModifiedValues", &instance.pending_modified_values, pending_modified_values_members)
        .text("PreferredBackupWindow", &instance.preferred_backup_window)
        .text("PreferredMaintenanceWindow", &instance.preferred_maintenance_window)
        .value("PubliclyAccessible", instance.publicly_accessible)
        .texts("ReadReplicaDBInstanceIdentifiers", &instance.read_replica_db_instance_identifiers)
        .text("SecondaryAvailabilityZone", &instance.secondary_availability_zone)
        .value("StorageEncrypted", instance.storage_encrypted)
        .text("StorageType", &instance.storage_type)
        .objects("Tags", &instance.tag_list, tag_members)
        .objects("VPCSecurityGroups", &instance.vpc_security_groups, vpc_security_group_members)
        .text("DatabaseInsightsMode", &instance.database_insights_mode)
        .value("DeletionProtection", instance.deletion_protection)
        .objects("AssociatedRoles", &instance.associated_roles, |role| {
            Members::new()
                .text("RoleArn", &role.role_arn)
                .text("FeatureName", &role.feature_name)
                .text("Status", &role.status)
        })
        .value("CustomerOwnedIpEnabled", instance.customer_owned_ip_enabled)
        .text("ActivityStreamStatus", &instance.activity_stream_status)
        .text("BackupTarget", &instance.backup_target)
        .text("NetworkType", &instance.network_type)
        .value("StorageThroughput", instance.storage_throughput)
        .object("CertificateDetails", &instance.certificate_details, certificate_details_members)
        .value("DedicatedLogVolume", instance.dedicated_log_volume)
        .value("IsStorageConfigUpgradeAvailable", instance.is_storage_config_upgrade_available)
        .text("EngineLifecycleSupport", &instance.engine_lifecycle_support)
        .text("UpgradeRolloutOrder", &instance.upgrade_rollout_order)
        .text("ReadReplicaSourceDBInstanceIdentifier", &instance.read_replica_source_db_instance_identifier)
        .texts("ReadReplicaDBClusterIdentifiers", &instance.read_replica_db_cluster_identifiers)
        .text("ReplicaMode", &instance.replica_mode)
        .text("NcharCharacterSetName", &instance.nchar_character_set_name)
        .objects("StatusInfos", &instance.status_infos, status_info_members)
        .text("StorageEncryptionType", &instance.storage_encryption_type)
        .text("TdeCredentialArn", &instance.tde_credential_arn)
        .text("DBClusterIdentifier", &instance.db_cluster_identifier)
        .value("PromotionTier", instance.promotion_tier)
        .text("Timezone", &instance.timezone)
        .text("PerformanceInsightsKMSKeyId", &instance.performance_insights_kms_key_id)
        .value("PerformanceInsightsRetentionPeriod", instance.performance_insights_retention_period)
        .texts("EnabledCloudwatchLogsExports", &instance.enabled_cloudwatch_logs_exports)
        .objects("ProcessorFeatures", &instance.processor_features, processor_feature_members)
        .object("ListenerEndpoint", &instance.listener_endpoint, endpoint_members)
        .value("MaxAllocatedStorage", instance.max_allocated_storage)
        .objects("TagList", &instance.tag_list, tag_members)
        .text("AutomationMode", &instance.automation_mode)
        .time("ResumeFullAutomationModeTime", &instance.resume_full_automation_mode_time)
        .text("ActivityStreamKmsKeyId", &instance.activity_stream_kms_key_id)
        .text("ActivityStreamKinesisStreamName", &instance.activity_stream_kinesis_stream_name)
        .text("ActivityStreamMode", &instance.activity_stream_mode)
        .value(
            "ActivityStreamEngineNativeAuditFieldsIncluded",
            instance.activity_stream_engine_native_audit_fields_included,
        )
        .text("AwsBackupRecoveryPointArn", &instance.aws_backup_recovery_point_arn)
        .objects(
            "DBInstanceAutomatedBackupsReplications",
            &instance.db_instance_automated_backups_replications,
            |replication| {
                Members::new().text("DBInstanceAutomatedBackupsArn", &replication.db_instance_automated_backups_arn)
            },
        )
        .time("AutomaticRestartTime", &instance.automatic_restart_time)
        .text("CustomIamInstanceProfile", &instance.custom_iam_instance_profile)
        .text("ActivityStreamPolicyStatus", &instance.activity_stream_policy_status)
        .text("DBSystemId", &instance.db_system_id)
        .object("MasterUserSecret", &instance.master_user_secret, master_user_secret_members)
        .text("ReadReplicaSourceDBClusterIdentifier", &instance.read_replica_source_db_cluster_identifier)
        .text("PercentProgress", &instance.percent_progress)
        .value("MultiTenant", instance.multi_tenant)
        .objects("AdditionalStorageVolumes", &instance.additional_storage_volumes, storage_volume_members)
        .text("StorageVolumeStatus", &instance.storage_volume_status)
        .text("StorageOperationStatus", &instance.storage_operation_status)
        .value("StorageOperationPercentProgress", instance.storage_operation_percent_progress)
        .text("DBCapacityReservationIdentifier", &instance.db_capacity_reservation_identifier)
}

fn endpoint_members(endpoint: &Endpoint) -> Members {
    Members::new()
        .text("Address", &endpoint.address)
        .value("Port", endpoint.port)
        .text("HostedZoneId", &endpoint.hosted_zone_id)
}

fn db_subnet_group_members(group: &DbSubnetGroup) -> Members {
    Members::new()
        .text("DBSubnetGroupName", &group.db_subnet_group_name)
        .text("DBSubnetGroupDescription", &group.db_subnet_group_description)
        .text("VpcId", &group.vpc_id)
        .text("SubnetGroupStatus", &group.subnet_group_status)
        .objects("Subnets", &group.subnets, subnet_members)
        .text("DBSubnetGroupArn", &group.db_subnet_group_arn)
        .texts("SupportedNetworkTypes", &group.supported_network_types)
}

fn subnet_members(subnet: &Subnet) -> Members {
    Members::new()
        .text("SubnetIdentifier", &subnet.subnet_identifier)
        .object("SubnetAvailabilityZone", &subnet.subnet_availability_zone, |zone| {
            Members::new().text("Name", &zone.name)
        })
        .object("SubnetOutpost", &subnet.subnet_outpost, |outpost| Members::new().text("Arn", &outpost.arn))
        .text("SubnetStatus", &subnet.subnet_status)
}

/// All but `MasterUserPassword`: a catalog is no place for a password, however masked.
fn pending_modified_values_members(pending: &PendingModifiedValues) -> Members {
    Members::new()
        .text("DBInstanceClass", &pending.db_instance_class)
        .value("AllocatedStorage", pending.allocated_storage)
        .value("Port", pending.port)
        .value("BackupRetentionPeriod", pending.backup_retention_period)
        .value("MultiAZ", pending.multi_az)
        .text("EngineVersion", &pending.engine_version)
        .text("LicenseModel", &pending.license_model)
        .value("Iops", pending.iops)
        .value("StorageThroughput", pending.storage_throughput)
        .text("DBInstanceIdentifier", &pending.db_instance_identifier)
        .text("StorageType", &pending.storage_type)
        .text("CACertificateIdentifier", &pending.ca_certificate_identifier)
        .text("DBSubnetGroupName", &pending.db_subnet_group_name)
        .object(
            "PendingCloudwatchLogsExports",
            &pending.pending_cloudwatch_logs_exports,
            pending_cloudwatch_logs_exports_members,
        )
        .objects("ProcessorFeatures", &pending.processor_features, processor_feature_members)
        .text("AutomationMode", &pending.automation_mode)
        .time("ResumeFullAutomationModeTime", &pending.resume_full_automation_mode_time)
        .value("MultiTenant", pending.multi_tenant)
        .value("IAMDatabaseAuthenticationEnabled", pending.iam_database_authentication_enabled)
        .value("DedicatedLogVolume", pending.dedicated_log_volume)
        .text("Engine", &pending.engine)
        .objects("AdditionalStorageVolumes", &pending.additional_storage_volumes, pending_storage_volume_members)
        .text("DBCapacityReservationIdentifier", &pending.db_capacity_reservation_identifier)
}

fn processor_feature_members(feature: &ProcessorFeature) -> Members {
    Members::new().text("Name", &feature.name).text("Value", &feature.value)
}

fn pending_storage_volume_members(volume: &AdditionalStorageVolume) -> Members {
    Members::new()
        .text("VolumeName", &volume.volume_name)
        .value("AllocatedStorage", volume.allocated_storage)
        .value("IOPS", volume.iops)
        .value("MaxAllocatedStorage", volume.max_allocated_storage)
        .value("StorageThroughput", volume.storage_throughput)
        .text("StorageType", &volume.storage_type)
}

fn status_info_members(info: &DbInstanceStatusInfo) -> Members {
    Members::new()
        .text("StatusType", &info.status_type)
        .value("Normal", info.normal)
        .text("Status", &info.status)
        .text("Message", &info.message)
}

fn storage_volume_members(volume: &AdditionalStorageVolumeOutput) -> Members {
    Members::new()
        .text("VolumeName", &volume.volume_name)
        .text("StorageVolumeStatus", &volume.storage_volume_status)
        .text("StorageOperationStatus", &volume.storage_operation_status)
        .value("StorageOperationPercentProgress", volume.storage_operation_percent_progress)
        .value("AllocatedStorage", volume.allocated_storage)
        .value("IOPS", volume.iops)
        .value("MaxAllocatedStorage", volume.max_allocated_storage)
        .value("StorageThroughput", volume.storage_throughput)
        .text("StorageType", &volume.storage_type)
}
