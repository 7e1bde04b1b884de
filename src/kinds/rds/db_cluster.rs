//! `AWS::RDS::DBCluster`: how clusters are read. Neptune and DocumentDB list theirs here too.

use aws_sdk_rds::Client;

use super::super::fields::{Field, Form};
use super::super::{Kind, Page, ReadError, Reading, Resource, Scope};
use super::db_cluster_members::db_cluster_members;
use super::{PAGE_SIZE, TAGS};

pub const DB_CLUSTER: Kind = Kind {
    name: "AWS::RDS::DBCluster",
    scope: Scope::Regional,
    calls: "n/100 DescribeDBClusters",
    iam_actions: &["rds:DescribeDBClusters"],
    include_actions: &[TAGS],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(db_clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ActivityStreamStatus", Form::Text),
    ("AssociatedRoles", Form::Objects),
    ("AutoMinorVersionUpgrade", Form::Boolean),
    ("AvailabilityZones", Form::Texts),
    ("BackupRetentionPeriod", Form::Integer),
    ("ClusterCreateTime", Form::Time),
    ("CopyTagsToSnapshot", Form::Boolean),
    ("CrossAccountClone", Form::Boolean),
    ("DatabaseName", Form::Text),
    ("DBClusterArn", Form::Text),
    ("DBClusterIdentifier", Form::Text),
    ("DBClusterMembers", Form::Objects),
    ("DbClusterResourceId", Form::Text),
    ("DeletionProtection", Form::Boolean),
    ("EarliestRestorableTime", Form::Time),
    ("Endpoint", Form::Text),
    ("Engine", Form::Text),
    ("EngineMode", Form::Text),
    ("EngineVersion", Form::Text),
    ("GlobalWriteForwardingStatus", Form::Text),
    ("HttpEndpointEnabled", Form::Boolean),
    ("IAMDatabaseAuthenticationEnabled", Form::Boolean),
    ("KmsKeyId", Form::Text),
    ("LatestRestorableTime", Form::Time),
    ("MasterUsername", Form::Text),
    ("MultiAZ", Form::Boolean),
    ("NetworkType", Form::Text),
    ("Port", Form::Integer),
    ("PreferredBackupWindow", Form::Text),
    ("PreferredMaintenanceWindow", Form::Text),
    ("ReaderEndpoint", Form::Text),
    ("Status", Form::Text),
    ("StorageEncrypted", Form::Boolean),
    ("StorageType", Form::Text),
    ("Tags", Form::Objects),
    ("VpcSecurityGroups", Form::Objects),
    ("DBSubnetGroup", Form::Text),
    ("AllocatedStorage", Form::Integer),
    ("CharacterSetName", Form::Text),
    ("DBClusterParameterGroup", Form::Text),
    ("PercentProgress", Form::Text),
    ("CustomEndpoints", Form::Texts),
    ("DBClusterOptionGroupMemberships", Form::Objects),
    ("ReplicationSourceIdentifier", Form::Text),
    ("ReadReplicaIdentifiers", Form::Texts),
    ("StatusInfos", Form::Objects),
    ("HostedZoneId", Form::Text),
    ("CloneGroupId", Form::Text),
    ("EarliestBacktrackTime", Form::Time),
    ("BacktrackWindow", Form::Integer),
    ("BacktrackConsumedChangeRecords", Form::Integer),
    ("EnabledCloudwatchLogsExports", Form::Texts),
    ("Capacity", Form::Integer),
    ("PendingModifiedValues", Form::Object),
    ("ScalingConfigurationInfo", Form::Object),
    ("RdsCustomClusterConfiguration", Form::Object),
    ("DBClusterInstanceClass", Form::Text),
    ("Iops", Form::Integer),
    ("StorageThroughput", Form::Integer),
    ("IOOptimizedNextAllowedModificationTime", Form::Time),
    ("PubliclyAccessible", Form::Boolean),
    ("ActivityStreamMode", Form::Text),
    ("ActivityStreamKmsKeyId", Form::Text),
    ("ActivityStreamKinesisStreamName", Form::Text),
    ("DomainMemberships", Form::Objects),
    ("TagList", Form::Objects),
    ("GlobalClusterIdentifier", Form::Text),
    ("GlobalWriteForwardingRequested", Form::Boolean),
    ("AutomaticRestartTime", Form::Time),
    ("ServerlessV2ScalingConfiguration", Form::Object),
    ("ServerlessV2PlatformVersion", Form::Text),
    ("MonitoringInterval", Form::Integer),
    ("MonitoringRoleArn", Form::Text),
    ("DatabaseInsightsMode", Form::Text),
    ("PerformanceInsightsEnabled", Form::Boolean),
    ("PerformanceInsightsKMSKeyId", Form::Text),
    ("PerformanceInsightsRetentionPeriod", Form::Integer),
    ("DBSystemId", Form::Text),
    ("MasterUserSecret", Form::Object),
    ("LocalWriteForwardingStatus", Form::Text),
    ("AwsBackupRecoveryPointArn", Form::Text),
    ("LimitlessDatabase", Form::Object),
    ("ClusterScalabilityType", Form::Text),
    ("CertificateDetails", Form::Object),
    ("EngineLifecycleSupport", Form::Text),
    ("UpgradeRolloutOrder", Form::Text),
    ("StorageEncryptionType", Form::Text),
    ("VPCNetworkingEnabled", Form::Boolean),
    ("InternetAccessGatewayEnabled", Form::Boolean),
    ("PendingModifiedValues.CertificateDetails.ValidTill", Form::Time),
    ("CertificateDetails.ValidTill", Form::Time),
];

async fn db_clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "rds:DescribeDBClusters";
    let client = reading.client(Client::new);
    let call = client.describe_db_clusters().max_records(PAGE_SIZE).set_marker(cursor);
    let output = call.send().await.map_err(ReadError::of(CALL))?;
    let mut clusters = Vec::new();
    for cluster in output.db_clusters.unwrap_or_default() {
        let Some(arn) = cluster.db_cluster_arn() else {
            return Err(ReadError::undecodable(CALL, "a cluster has no `DBClusterArn`"));
        };
        clusters.push(Resource::new(arn, db_cluster_members(&cluster).into_map()));
    }
    Ok(Page::new(clusters, output.marker))
}
