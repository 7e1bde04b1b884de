//! Provisioned clusters.

use aws_sdk_kafka::Client;

use super::super::fields::{Field, Form};
use super::super::json::ResponseBody;
use super::super::{Kind, Page, ReadError, Reading, Scope};
use super::CLUSTERS_PER_CALL;

pub const CLUSTER: Kind = Kind {
    name: "AWS::MSK::Cluster",
    scope: Scope::Regional,
    calls: "n/100 ListClusters",
    iam_actions: &["kafka:ListClusters"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ClusterArn", Form::Text),
    ("ClusterName", Form::Text),
    ("State", Form::Text),
    ("CreationTime", Form::Time),
    ("CurrentVersion", Form::Text),
    ("BrokerNodeGroupInfo", Form::Object),
    ("ClientAuthentication", Form::Object),
    ("EncryptionInfo", Form::Object),
    ("CurrentBrokerSoftwareInfo", Form::Object),
    ("LoggingInfo", Form::Object),
    ("OpenMonitoring", Form::Object),
    ("NumberOfBrokerNodes", Form::Integer),
    ("EnhancedMonitoring", Form::Text),
    ("StorageMode", Form::Text),
    ("ZookeeperConnectString", Form::Text),
    ("ZookeeperConnectStringTls", Form::Text),
    ("Tags", Form::Object),
    ("ActiveOperationArn", Form::Text),
    ("StateInfo", Form::Object),
    ("CustomerActionStatus", Form::Text),
    ("Rebalancing", Form::Object),
];

/// The first version of the listing, which has provisioned clusters only and all their members at the first level.
async fn clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "kafka:ListClusters";
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let call = client.list_clusters().max_results(CLUSTERS_PER_CALL).set_next_token(cursor).customize();
    let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let clusters = super::clusters(CALL, body.objects(CALL, "clusterInfoList")?, FIELDS)?;
    Ok(Page::new(clusters, output.next_token))
}
