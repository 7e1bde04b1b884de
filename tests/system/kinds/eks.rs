//! Amazon EKS.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, assert_every_field, assert_shape};

const KIND: &str = "AWS::EKS::Cluster";

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: KIND,
    service: "eks",
    listing: "ListClusters",
    denied: (403, "AccessDeniedException"),
    throttled: (429, "ThrottlingException"),
    seed: |bench, names| Box::pin(create_clusters(bench, names)),
    page: Some(|name, token| json!({"clusters": [name], "nextToken": token}).to_string()),
    calls: &[("eks:ListClusters", 1), ("eks:DescribeCluster", 3)],
    calls_of_options: &[],
    enrichments: &[Enrichment {
        service: "eks",
        operation: "DescribeCluster",
        name: "DescribeCluster",
        is_option: false,
        not_found: NotFound::IsGone((404, "ResourceNotFoundException")),
    }],
}];

async fn create_clusters(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({
            "name": name,
            "roleArn": format!("arn:aws:iam::{}:role/eks", bench.alpha()),
            "resourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]},
            "tags": {"team": "sea"},
        });
        bench.alpha_in(REGION).call("eks", "create_cluster", order).await;
    }
}

#[tokio::test]
async fn a_cluster_has_its_first_level_in_pascal_case() {
    let bench = Bench::create().await;
    create_clusters(&bench, &["main"]).await;
    let cluster = bench.read_one(KIND, &[]).await;
    assert_eq!(cluster.key, "main");
    assert_shape(
        &Value::Object(cluster.properties),
        &json!({
            "Name": "main",
            "Arn": format!("arn:aws:eks:{REGION}:{}:cluster/main", bench.alpha()),
            "CreatedAt": "<time>",
            "Version": "<text>",
            "Endpoint": "<text>",
            "RoleArn": format!("arn:aws:iam::{}:role/eks", bench.alpha()),
            "ResourcesVpcConfig": {"subnetIds": ["subnet-1", "subnet-2"]},
            "KubernetesNetworkConfig": {"serviceIpv4Cidr": "172.20.0.0/16"},
            "Logging": {"clusterLogging": [{
                "types": ["api", "audit", "authenticator", "controllerManager", "scheduler"],
                "enabled": false,
            }]},
            "Identity": {"oidc": {"issuer": "<text>"}},
            "Status": "ACTIVE",
            "CertificateAuthority": {"data": "<text>"},
            "ClientRequestToken": "<text>",
            "PlatformVersion": "<text>",
            "Tags": {"team": "sea"},
            "EncryptionConfig": [],
        }),
    );
    assert_eq!(cluster.context, Map::new());
}

/// As the API reference of DescribeCluster has it.
#[tokio::test]
async fn a_cluster_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let wire = json!({
        "name": "main", "arn": "arn:c", "createdAt": 1_704_164_645.5, "version": "1.34", "endpoint": "https://e", "roleArn": "arn:r",
        "status": "ACTIVE", "clientRequestToken": "t", "platformVersion": "eks.9", "id": "i", "deletionProtection": true,
        "resourcesVpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": [], "vpcId": "vpc-1", "endpointPublicAccess": true},
        "kubernetesNetworkConfig": {"serviceIpv4Cidr": "10.100.0.0/16", "ipFamily": "ipv4", "elasticLoadBalancing": {"enabled": false}},
        "logging": {"clusterLogging": [{"types": ["api"], "enabled": true}]},
        "identity": {"oidc": {"issuer": "https://i"}},
        "certificateAuthority": {"data": "LS0t", "active": {"id": "a", "activatedBy": "EKS"}},
        "tags": {"team": "sea", "cost-Center": "42"},
        "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "arn:k"}}],
        "connectorConfig": {"activationId": "a", "activationCode": null, "activationExpiry": 1_704_164_646, "provider": "OTHER"},
        "health": {"issues": [{"code": "AccessDenied", "message": "m", "resourceIds": ["r"]}]},
        "outpostConfig": {"outpostArns": ["arn:o"], "controlPlaneInstanceType": "m5.large"},
        "accessConfig": {"bootstrapClusterCreatorAdminPermissions": true, "authenticationMode": "API"},
        "upgradePolicy": {"supportType": "STANDARD"},
        "zonalShiftConfig": {"enabled": false},
        "remoteNetworkConfig": {"remoteNodeNetworks": [{"cidrs": ["10.0.0.0/8"]}]},
        "computeConfig": {"enabled": true, "nodePools": ["system"], "nodeRoleArn": "arn:n"},
        "storageConfig": {"blockStorage": {"enabled": true}},
        "controlPlaneScalingConfig": {"tier": "standard"},
        "kubeApiServerConfig": {"eventTtl": "1h"},
        "kubeSchedulerConfig": {"nodeResourcesFit": {"scoringStrategy": {"type": "LeastAllocated"}}},
        "kubeControllerManagerConfig": {"podGcControllerConfig": {"terminatedPodGcThreshold": 100}},
        "brandNew": {"a": [1]}, "brandNewNull": null,
    });
    bench.answer(KIND, "eks", "ListClusters", "", &json!({"clusters": ["main"]}).to_string()).await;
    bench.answer(KIND, "eks", "DescribeCluster", "main", &json!({"cluster": wire}).to_string()).await;
    let cluster = bench.read_one(KIND, &[]).await;
    assert_every_field(KIND, &cluster.properties);
    assert_shape(
        &Value::Object(cluster.properties),
        &json!({
            "Name": "main", "Arn": "arn:c", "CreatedAt": "2024-01-02T03:04:05.500000Z", "Version": "1.34", "Endpoint": "https://e",
            "RoleArn": "arn:r", "Status": "ACTIVE", "ClientRequestToken": "t", "PlatformVersion": "eks.9", "Id": "i", "DeletionProtection": true,
            "ResourcesVpcConfig": wire["resourcesVpcConfig"],
            "KubernetesNetworkConfig": wire["kubernetesNetworkConfig"],
            "Logging": wire["logging"],
            "Identity": wire["identity"],
            "CertificateAuthority": wire["certificateAuthority"],
            "Tags": {"team": "sea", "cost-Center": "42"},
            "EncryptionConfig": wire["encryptionConfig"],
            "ConnectorConfig": {"activationId": "a", "activationExpiry": "2024-01-02T03:04:06Z", "provider": "OTHER"},
            "Health": wire["health"],
            "OutpostConfig": wire["outpostConfig"],
            "AccessConfig": wire["accessConfig"],
            "UpgradePolicy": wire["upgradePolicy"],
            "ZonalShiftConfig": wire["zonalShiftConfig"],
            "RemoteNetworkConfig": wire["remoteNetworkConfig"],
            "ComputeConfig": wire["computeConfig"],
            "StorageConfig": wire["storageConfig"],
            "ControlPlaneScalingConfig": wire["controlPlaneScalingConfig"],
            "KubeApiServerConfig": wire["kubeApiServerConfig"],
            "KubeSchedulerConfig": wire["kubeSchedulerConfig"],
            "KubeControllerManagerConfig": wire["kubeControllerManagerConfig"],
            "BrandNew": {"a": [1]},
        }),
    );
}

#[tokio::test]
async fn a_cluster_that_cannot_be_described_is_known_by_its_name() {
    let bench = Bench::create().await;
    create_clusters(&bench, &["main"]).await;
    bench.fault(KIND, "eks", "DescribeCluster", json!({"status": 403, "code": "AccessDeniedException"})).await;
    assert_eq!(Value::Object(bench.read_one(KIND, &[]).await.properties), json!({"Name": "main"}));
}
