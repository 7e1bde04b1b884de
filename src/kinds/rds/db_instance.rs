//! `AWS::RDS::DBInstance`: how instances are read. Neptune and DocumentDB list theirs here too.

use aws_sdk_rds::Client;

use super::super::fields::{Field, Form};
use super::super::{Kind, Page, ReadError, Reading, Resource, Scope};
use super::db_instance_members::db_instance_members;
use super::{PAGE_SIZE, TAGS};

pub const DB_INSTANCE: Kind = Kind {
    name: "AWS::RDS::DBInstance",
    scope: Scope::Regional,
    calls: "n/100 DescribeDBInstances",
    iam_actions: &["rds:DescribeDBInstances"],
    include_actions: &[TAGS],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(db_instances(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("AllocatedStorage", Form::Integer),
    ("AutoMinorVersionUpgrade", Form::Boolean),
    ("AvailabilityZone", Form::Text),
    ("BackupRetentionPeriod", Form::Integer),
    ("CACertificateIdentifier", Form::Text),
    ("CharacterSetName", Form::Text),
    ("CopyTagsToSnapshot", Form::Boolean),
    ("DBInstanceArn", Form::Text),
    ("DBInstanceClass", Form::Text),
    ("DBInstanceIdentifier", Form::Text),
    ("Port", Form::Integer),
    ("DBInstanceStatus", Form::Text),
    ("DBName", Form::Text),
    ("DBParameterGroups", Form::Objects),
    ("DBSecurityGroups", Form::Objects),
    ("DBSubnetGroup", Form::Object),
    ("DbiResourceId", Form::Text),
    ("DomainMemberships", Form::Objects),
    ("EnableIAMDatabaseAuthentication", Form::Boolean),
    ("EnablePerformanceInsights", Form::Boolean),
    ("Endpoint", Form::Object),
    ("Engine", Form::Text),
    ("EngineVersion", Form::Text),
    ("EnhancedMonitoringResourceArn", Form::Text),
    ("InstanceCreateTime", Form::Time),
    ("Iops", Form::Integer),
    ("KmsKeyId", Form::Text),
    ("LatestRestorableTime", Form::Time),
    ("LicenseModel", Form::Text),
    ("MasterUsername", Form::Text),
    ("MonitoringInterval", Form::Integer),
    ("MonitoringRoleArn", Form::Text),
    ("MultiAZ", Form::Boolean),
    ("OptionGroupMemberships", Form::Objects),
    ("PendingModifiedValues", Form::Object),
    ("PreferredBackupWindow", Form::Text),
    ("PreferredMaintenanceWindow", Form::Text),
    ("PubliclyAccessible", Form::Boolean),
    ("ReadReplicaDBInstanceIdentifiers", Form::Texts),
    ("SecondaryAvailabilityZone", Form::Text),
    ("StorageEncrypted", Form::Boolean),
    ("StorageType", Form::Text),
    ("Tags", Form::Objects),
    ("VPCSecurityGroups", Form::Objects),
    ("DatabaseInsightsMode", Form::Text),
    ("DeletionProtection", Form::Boolean),
    ("AssociatedRoles", Form::Objects),
    ("CustomerOwnedIpEnabled", Form::Boolean),
    ("ActivityStreamStatus", Form::Text),
    ("BackupTarget", Form::Text),
    ("NetworkType", Form::Text),
    ("StorageThroughput", Form::Integer),
    ("CertificateDetails", Form::Object),
    ("DedicatedLogVolume", Form::Boolean),
    ("IsStorageConfigUpgradeAvailable", Form::Boolean),
    ("EngineLifecycleSupport", Form::Text),
    ("UpgradeRolloutOrder", Form::Text),
    ("ReadReplicaSourceDBInstanceIdentifier", Form::Text),
    ("ReadReplicaDBClusterIdentifiers", Form::Texts),
    ("ReplicaMode", Form::Text),
    ("NcharCharacterSetName", Form::Text),
    ("StatusInfos", Form::Objects),
    ("StorageEncryptionType", Form::Text),
    ("TdeCredentialArn", Form::Text),
    ("DBClusterIdentifier", Form::Text),
    ("PromotionTier", Form::Integer),
    ("Timezone", Form::Text),
    ("PerformanceInsightsKMSKeyId", Form::Text),
    ("PerformanceInsightsRetentionPeriod", Form::Integer),
    ("EnabledCloudwatchLogsExports", Form::Texts),
    ("ProcessorFeatures", Form::Objects),
    ("ListenerEndpoint", Form::Object),
    ("MaxAllocatedStorage", Form::Integer),
    ("TagList", Form::Objects),
    ("AutomationMode", Form::Text),
    ("ResumeFullAutomationModeTime", Form::Time),
    ("ActivityStreamKmsKeyId", Form::Text),
    ("ActivityStreamKinesisStreamName", Form::Text),
    ("ActivityStreamMode", Form::Text),
    ("ActivityStreamEngineNativeAuditFieldsIncluded", Form::Boolean),
    ("AwsBackupRecoveryPointArn", Form::Text),
    ("DBInstanceAutomatedBackupsReplications", Form::Objects),
    ("AutomaticRestartTime", Form::Time),
    ("CustomIamInstanceProfile", Form::Text),
    ("ActivityStreamPolicyStatus", Form::Text),
    ("DBSystemId", Form::Text),
    ("MasterUserSecret", Form::Object),
    ("ReadReplicaSourceDBClusterIdentifier", Form::Text),
    ("PercentProgress", Form::Text),
    ("MultiTenant", Form::Boolean),
    ("AdditionalStorageVolumes", Form::Objects),
    ("StorageVolumeStatus", Form::Text),
    ("StorageOperationStatus", Form::Text),
    ("StorageOperationPercentProgress", Form::Integer),
    ("DBCapacityReservationIdentifier", Form::Text),
    ("PendingModifiedValues.ResumeFullAutomationModeTime", Form::Time),
    ("CertificateDetails.ValidTill", Form::Time),
];

async fn db_instances(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "rds:DescribeDBInstances";
    let client = reading.client(Client::new);
    let call = client.describe_db_instances().max_records(PAGE_SIZE).set_marker(cursor);
    let output = call.send().await.map_err(ReadError::of(CALL))?;
    let mut instances = Vec::new();
    for instance in output.db_instances.unwrap_or_default() {
        let Some(arn) = instance.db_instance_arn() else {
            return Err(ReadError::undecodable(CALL, "an instance has no `DBInstanceArn`"));
        };
        instances.push(Resource::new(arn, db_instance_members(&instance).into_map()));
    }
    Ok(Page::new(instances, output.marker))
}
