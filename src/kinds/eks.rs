//! Amazon EKS. Speaks JSON: answers are forwarded, with the names of the first level in Pascal case.

use aws_sdk_eks::Client;
use serde_json::{Map, Value};

use super::fields::{Field, Form};
use super::json::{ResponseBody, properties_of};
use super::{Kind, Page, ReadError, Reading, Resource, Scope};

pub const CLUSTER: Kind = Kind {
    name: "AWS::EKS::Cluster",
    scope: Scope::Regional,
    calls: "n/100 ListClusters (the service's page), n DescribeCluster",
    iam_actions: &["eks:ListClusters", "eks:DescribeCluster"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("AccessConfig", Form::Object),
    ("Arn", Form::Text),
    ("CertificateAuthority", Form::Object),
    ("ClientRequestToken", Form::Text),
    ("ComputeConfig", Form::Object),
    ("ConnectorConfig", Form::Object),
    ("ConnectorConfig.activationExpiry", Form::Time),
    ("ControlPlaneScalingConfig", Form::Object),
    ("CreatedAt", Form::Time),
    ("DeletionProtection", Form::Boolean),
    ("EncryptionConfig", Form::Objects),
    ("Endpoint", Form::Text),
    ("Health", Form::Object),
    ("Id", Form::Text),
    ("Identity", Form::Object),
    ("KubeApiServerConfig", Form::Object),
    ("KubeControllerManagerConfig", Form::Object),
    ("KubeSchedulerConfig", Form::Object),
    ("KubernetesNetworkConfig", Form::Object),
    ("Logging", Form::Object),
    ("Name", Form::Text),
    ("OutpostConfig", Form::Object),
    ("PlatformVersion", Form::Text),
    ("RemoteNetworkConfig", Form::Object),
    ("ResourcesVpcConfig", Form::Object),
    ("RoleArn", Form::Text),
    ("Status", Form::Text),
    ("StorageConfig", Form::Object),
    ("Tags", Form::Object),
    ("UpgradePolicy", Form::Object),
    ("Version", Form::Text),
    ("ZonalShiftConfig", Form::Object),
];

/// EKS's own clusters, without external ones that are merely connected to it.
async fn clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let answer = client.list_clusters().set_next_token(cursor).send().await;
    let output = answer.map_err(ReadError::of("eks:ListClusters"))?;
    let names = output.clusters.unwrap_or_default();
    let read = reading.for_each(names, |name| read_cluster(&client, name)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), output.next_token))
}

/// A cluster with its description; none when it was deleted in between.
async fn read_cluster(client: &Client, name: String) -> Option<Resource> {
    let properties = Map::from_iter([("Name".to_owned(), Value::from(name.as_str()))]);
    let mut cluster = Resource::new(name, properties);
    match description(client, &cluster.key).await {
        Ok(properties) => cluster.properties.extend(properties),
        Err(error) if error.code() == "ResourceNotFoundException" => return None,
        Err(error) => cluster.lacks("DescribeCluster", &error),
    }
    Some(cluster)
}

async fn description(client: &Client, name: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "eks:DescribeCluster";
    let body = ResponseBody::default();
    let call = client.describe_cluster().name(name).customize();
    call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    Ok(properties_of(body.object_in(CALL, "cluster")?, &[], FIELDS))
}
