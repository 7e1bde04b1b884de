//! Amazon MSK.
//!
//! The emulated service writes times without a zone, which the SDK refuses, and lists serverless clusters among the
//! provisioned ones: clusters are recorded answers in the form of the API's reference, see
//! <https://docs.aws.amazon.com/msk/1.0/apireference/clusters.html> and
//! <https://docs.aws.amazon.com/MSK/2.0/APIReference/v2-clusters.html>.

use serde_json::{Map, Value, json};

use super::contract::{Contract, counts};
use super::{Bench, REGION, assert_every_field};

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: "AWS::MSK::Cluster",
        service: "kafka",
        listing: "ListClusters",
        denied: (403, "AccessDeniedException"),
        throttled: (429, "TooManyRequestsException"),
        seed: |bench, names| Box::pin(give_clusters(bench, "AWS::MSK::Cluster", "ListClusters", names)),
        page: Some(cluster_page),
        calls: &[("kafka:ListClusters", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: "AWS::MSK::ServerlessCluster",
        service: "kafka",
        listing: "ListClustersV2",
        // The other code that MSK documents.
        denied: (403, "ForbiddenException"),
        throttled: (429, "TooManyRequestsException"),
        seed: |bench, names| Box::pin(give_clusters(bench, "AWS::MSK::ServerlessCluster", "ListClustersV2", names)),
        page: Some(cluster_page),
        calls: &[("kafka:ListClustersV2", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
];

async fn give_clusters(bench: &Bench, kind: &str, listing: &str, names: &[&str]) {
    let clusters: Vec<_> = names.iter().map(|name| json!({"clusterArn": arn(bench, name)})).collect();
    bench.answer(kind, "kafka", listing, "", &json!({"clusterInfoList": clusters}).to_string()).await;
}

fn arn(bench: &Bench, name: &str) -> String {
    format!("arn:aws:kafka:{REGION}:{}:cluster/{name}/0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0-2", bench.alpha())
}

fn cluster_page(arn: &str, token: &str) -> String {
    json!({"clusterInfoList": [{"clusterArn": arn}], "nextToken": token}).to_string()
}

#[tokio::test]
async fn a_provisioned_cluster_is_in_pascal_case_at_every_level() {
    let bench = Bench::create().await;
    let kind = "AWS::MSK::Cluster";
    let arn = arn(&bench, "main");
    let cluster = json!({
        "activeOperationArn": "arn:aws:kafka:eu-west-1:123456789012:cluster-operation/main/1/2",
        "brokerNodeGroupInfo": {
            "brokerAZDistribution": "DEFAULT",
            "clientSubnets": ["subnet-1", "subnet-2"],
            "instanceType": "kafka.m5.large",
            "securityGroups": [],
            "storageInfo": {"ebsStorageInfo": {"provisionedThroughput": {"enabled": true, "volumeThroughput": 250}, "volumeSize": 1000}},
            "connectivityInfo": {
                "publicAccess": {"type": "DISABLED"},
                "vpcConnectivity": {"clientAuthentication": {"sasl": {"scram": {"enabled": false}, "iam": {"enabled": true}}, "tls": {"enabled": false}}},
            },
            "zoneIds": ["euw1-az1", "euw1-az2"],
        },
        "rebalancing": {"status": "ACTIVE"},
        "clientAuthentication": {
            "sasl": {"scram": {"enabled": true}, "iam": null},
            "tls": {"certificateAuthorityArnList": ["arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1"], "enabled": true},
            "unauthenticated": {"enabled": false},
        },
        "clusterArn": arn,
        "clusterName": "main",
        "creationTime": "2024-03-15T10:30:00Z",
        "currentBrokerSoftwareInfo": {
            "configurationArn": "arn:aws:kafka:eu-west-1:123456789012:configuration/c/1", "configurationRevision": 4, "kafkaVersion": "3.6.0",
        },
        "currentVersion": "K3AEGXETSR30VB",
        "encryptionInfo": {
            "encryptionAtRest": {"dataVolumeKMSKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"},
            "encryptionInTransit": {"clientBroker": "TLS", "inCluster": true},
        },
        "enhancedMonitoring": "PER_BROKER",
        "openMonitoring": {"prometheus": {"jmxExporter": {"enabledInBroker": false}, "nodeExporter": {"enabledInBroker": true}}},
        "loggingInfo": {"brokerLogs": {
            "cloudWatchLogs": {"enabled": true, "logGroup": "msk"},
            "firehose": {"deliveryStream": "", "enabled": false},
            "s3": {"bucket": "logs", "enabled": true, "prefix": "msk/"},
        }},
        "numberOfBrokerNodes": 3,
        "state": "ACTIVE",
        "stateInfo": {"code": "c", "message": "m"},
        "tags": {"team-name": "x", "costCenter": "42"},
        "zookeeperConnectString": "z-1:2181",
        "zookeeperConnectStringTls": "z-1:2182",
        "storageMode": "LOCAL",
        "customerActionStatus": "NONE",
        "brandNew": {"innerName": [{"listName": 1}]},
    });
    bench.answer_once(kind, "kafka", "ListClusters", "", &json!({"clusterInfoList": [cluster]}).to_string()).await;
    let cluster = bench.read_one(kind, &[]).await;
    assert_eq!(cluster.key, arn);
    assert_eq!((cluster.context, cluster.region), (Map::new(), None));
    assert_every_field(kind, &cluster.properties);
    let expected = json!({
        "ActiveOperationArn": "arn:aws:kafka:eu-west-1:123456789012:cluster-operation/main/1/2",
        "BrokerNodeGroupInfo": {
            "BrokerAZDistribution": "DEFAULT",
            "ClientSubnets": ["subnet-1", "subnet-2"],
            "InstanceType": "kafka.m5.large",
            "SecurityGroups": [],
            "StorageInfo": {"EbsStorageInfo": {"ProvisionedThroughput": {"Enabled": true, "VolumeThroughput": 250}, "VolumeSize": 1000}},
            "ConnectivityInfo": {
                "PublicAccess": {"Type": "DISABLED"},
                "VpcConnectivity": {"ClientAuthentication": {"Sasl": {"Scram": {"Enabled": false}, "Iam": {"Enabled": true}}, "Tls": {"Enabled": false}}},
            },
            "ZoneIds": ["euw1-az1", "euw1-az2"],
        },
        "Rebalancing": {"Status": "ACTIVE"},
        "ClientAuthentication": {
            "Sasl": {"Scram": {"Enabled": true}},
            "Tls": {"CertificateAuthorityArnList": ["arn:aws:acm-pca:eu-west-1:123456789012:certificate-authority/1"], "Enabled": true},
            "Unauthenticated": {"Enabled": false},
        },
        "ClusterArn": arn,
        "ClusterName": "main",
        "CreationTime": "2024-03-15T10:30:00Z",
        "CurrentBrokerSoftwareInfo": {
            "ConfigurationArn": "arn:aws:kafka:eu-west-1:123456789012:configuration/c/1", "ConfigurationRevision": 4, "KafkaVersion": "3.6.0",
        },
        "CurrentVersion": "K3AEGXETSR30VB",
        "EncryptionInfo": {
            "EncryptionAtRest": {"DataVolumeKMSKeyId": "arn:aws:kms:eu-west-1:123456789012:key/1"},
            "EncryptionInTransit": {"ClientBroker": "TLS", "InCluster": true},
        },
        "EnhancedMonitoring": "PER_BROKER",
        "OpenMonitoring": {"Prometheus": {"JmxExporter": {"EnabledInBroker": false}, "NodeExporter": {"EnabledInBroker": true}}},
        "LoggingInfo": {"BrokerLogs": {
            "CloudWatchLogs": {"Enabled": true, "LogGroup": "msk"},
            "Firehose": {"DeliveryStream": "", "Enabled": false},
            "S3": {"Bucket": "logs", "Enabled": true, "Prefix": "msk/"},
        }},
        "NumberOfBrokerNodes": 3,
        "State": "ACTIVE",
        "StateInfo": {"Code": "c", "Message": "m"},
        "Tags": {"team-name": "x", "costCenter": "42"},
        "ZookeeperConnectString": "z-1:2181",
        "ZookeeperConnectStringTls": "z-1:2182",
        "StorageMode": "LOCAL",
        "CustomerActionStatus": "NONE",
        "BrandNew": {"InnerName": [{"ListName": 1}]},
    });
    assert_eq!(Value::Object(cluster.properties), expected);
}

/// What a serverless cluster's mapping sees, to the letter.
#[tokio::test]
async fn a_serverless_cluster_to_the_letter() {
    let bench = Bench::create().await;
    let kind = "AWS::MSK::ServerlessCluster";
    let body = r#"{"clusterInfoList": [{
        "clusterArn": "arn:k", "clusterName": "n", "clusterType": "SERVERLESS", "creationTime": "2024-03-15T10:30:00.123Z", "currentVersion": null,
        "state": "ACTIVE", "tags": {"team-name": "x"},
        "serverless": {"vpcConfigs": [{"subnetIds": ["s"], "securityGroupIds": []}], "clientAuthentication": {"sasl": {"iam": {"enabled": true}}}}
    }]}"#;
    bench.answer_once(kind, "kafka", "ListClustersV2", "", body).await;
    let cluster = bench.read_one(kind, &[]).await;
    assert_eq!(cluster.key, "arn:k");
    let expected = concat!(
        r#"{"ClusterArn":"arn:k","ClusterName":"n","ClusterType":"SERVERLESS","CreationTime":"2024-03-15T10:30:00.123000Z","#,
        r#""State":"ACTIVE","Tags":{"team-name":"x"},"Serverless":{"VpcConfigs":[{"SubnetIds":["s"],"SecurityGroupIds":[]}],"#,
        r#""ClientAuthentication":{"Sasl":{"Iam":{"Enabled":true}}}}}"#,
    );
    assert_eq!(Value::Object(cluster.properties).to_string(), expected);
}

#[tokio::test]
async fn a_serverless_cluster_with_everything_set() {
    let bench = Bench::create().await;
    let kind = "AWS::MSK::ServerlessCluster";
    let arn = format!("arn:aws:kafka:{REGION}:{}:serverless-cluster/s/1", bench.alpha());
    let cluster = json!({
        "activeOperationArn": "arn:aws:kafka:eu-west-1:123456789012:cluster-operation/s/1/2",
        "clusterArn": arn,
        "clusterName": "s",
        "clusterType": "SERVERLESS",
        "creationTime": "2024-03-15T10:30:00.000Z",
        "currentVersion": "K1",
        "state": "FAILED",
        "stateInfo": {"code": "c", "message": "m"},
        "tags": {},
        // MSK has it in the same type, for clusters of the other sort.
        "provisioned": {"numberOfBrokerNodes": 3},
        "serverless": {"vpcConfigs": [], "clientAuthentication": {"sasl": {"iam": {"enabled": true}}}, "connectivityInfo": {"networkType": "IPV4"}},
        "brandNew": true,
    });
    let body = json!({"clusterInfoList": [cluster]}).to_string();
    bench.answer_once(kind, "kafka", "ListClustersV2", "", &body).await;
    let cluster = bench.read_one(kind, &[]).await;
    assert_every_field(kind, &cluster.properties);
    let expected = json!({
        "ActiveOperationArn": "arn:aws:kafka:eu-west-1:123456789012:cluster-operation/s/1/2",
        "ClusterArn": arn,
        "ClusterName": "s",
        "ClusterType": "SERVERLESS",
        "CreationTime": "2024-03-15T10:30:00Z",
        "CurrentVersion": "K1",
        "State": "FAILED",
        "StateInfo": {"Code": "c", "Message": "m"},
        "Tags": {},
        "Provisioned": {"NumberOfBrokerNodes": 3},
        "Serverless": {"VpcConfigs": [], "ClientAuthentication": {"Sasl": {"Iam": {"Enabled": true}}}, "ConnectivityInfo": {"NetworkType": "IPV4"}},
        "BrandNew": true,
    });
    assert_eq!(Value::Object(cluster.properties), expected);
}

/// The parameters are in the query string: an answer that asks for them is given only where they are sent.
#[tokio::test]
async fn clusters_are_asked_for_a_hundred_at_a_time_and_by_type() {
    let bench = Bench::create().await;
    let [provisioned, serverless] = ["AWS::MSK::Cluster", "AWS::MSK::ServerlessCluster"];
    bench.answer(provisioned, "kafka", "ListClusters", "maxResults=100", &cluster_page("arn:p", "")).await;
    let query = "clusterTypeFilter=SERVERLESS&maxResults=100";
    bench.answer(serverless, "kafka", "ListClustersV2", query, &cluster_page("arn:s", "")).await;
    assert_eq!(bench.read_one(provisioned, &[]).await.key, "arn:p");
    assert_eq!(bench.read_one(serverless, &[]).await.key, "arn:s");
    assert_eq!(bench.take_calls().await, counts(&[("kafka:ListClusters", 1), ("kafka:ListClustersV2", 1)]));
}

#[tokio::test]
async fn a_cluster_without_an_arn_fails_the_listing() {
    let bench = Bench::create().await;
    let kind = "AWS::MSK::Cluster";
    bench.answer_once(kind, "kafka", "ListClusters", "", r#"{"clusterInfoList": [{"clusterName": "n"}]}"#).await;
    let error = bench.page(kind, &[], None).await.expect_err("a cluster has no key");
    assert!(error.to_string().contains("something listed has no `ClusterArn`"), "{error}");
}
