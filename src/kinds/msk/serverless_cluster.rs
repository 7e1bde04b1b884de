//! Serverless clusters.

use aws_sdk_kafka::Client;

use super::super::fields::{Field, Form};
use super::super::json::ResponseBody;
use super::super::{Kind, Page, ReadError, Reading, Scope};
use super::CLUSTERS_PER_CALL;

pub const SERVERLESS_CLUSTER: Kind = Kind {
    name: "AWS::MSK::ServerlessCluster",
    scope: Scope::Regional,
    calls: "n/100 ListClustersV2",
    iam_actions: &["kafka:ListClustersV2"],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(serverless_clusters(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("ActiveOperationArn", Form::Text),
    ("ClusterArn", Form::Text),
    ("ClusterName", Form::Text),
    ("ClusterType", Form::Text),
    ("CreationTime", Form::Time),
    ("CurrentVersion", Form::Text),
    ("State", Form::Text),
    ("StateInfo", Form::Object),
    ("Tags", Form::Object),
    ("Serverless", Form::Object),
    ("Provisioned", Form::Object),
];

async fn serverless_clusters(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "kafka:ListClustersV2";
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let call = client
        .list_clusters_v2()
        .cluster_type_filter("SERVERLESS")
        .max_results(CLUSTERS_PER_CALL)
        .set_next_token(cursor)
        .customize();
    let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let clusters = super::clusters(CALL, body.objects(CALL, "clusterInfoList")?, FIELDS)?;
    Ok(Page::new(clusters, output.next_token))
}
