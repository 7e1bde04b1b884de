//! Amazon ElastiCache.

use serde_json::{Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_every_field, assert_shape};

const KIND: &str = "AWS::ElastiCache::Cluster";

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: KIND,
    service: "elasticache",
    listing: "DescribeCacheClusters",
    denied: (403, "AccessDenied"),
    throttled: (400, "Throttling"),
    seed: |bench, names| Box::pin(create_clusters(bench, names)),
    page: Some(cluster_page),
    calls: &[("elasticache:DescribeCacheClusters", 1)],
    calls_of_options: &[("elasticache:ListTagsForResource", 3)],
    enrichments: &[Enrichment {
        service: "elasticache",
        operation: "ListTagsForResource",
        name: "ListTagsForResourceAction",
        is_option: true,
        not_found: NotFound::IsGone((404, "CacheClusterNotFound")),
    }],
}];

async fn create_clusters(bench: &Bench, names: &[&str]) {
    for name in names {
        create_cluster(bench, name, &json!([])).await;
    }
}

async fn create_cluster(bench: &Bench, name: &str, tags: &Value) {
    let order = json!({
        "CacheClusterId": name, "CacheNodeType": "cache.t3.micro", "Engine": "memcached", "NumCacheNodes": 1, "Tags": tags,
    });
    bench.alpha_in(REGION).call("elasticache", "create_cache_cluster", order).await;
}

fn cluster_page(arn: &str, token: &str) -> String {
    clusters_answer(&format!("<CacheCluster><ARN>{arn}</ARN></CacheCluster>"), token)
}

fn clusters_answer(clusters: &str, token: &str) -> String {
    format!(
        r#"<DescribeCacheClustersResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><DescribeCacheClustersResult>
        <CacheClusters>{clusters}</CacheClusters><Marker>{token}</Marker></DescribeCacheClustersResult>
        </DescribeCacheClustersResponse>"#
    )
}

/// The recorded answer has every member of `CacheCluster` in ElastiCache's API reference (version 2015-02-02) and in its
/// service model, under the names that the model gives the elements.
#[tokio::test]
async fn a_cluster_in_which_everything_is_set() {
    let bench = Bench::create().await;
    // Nodes are in the answer only where they are asked for.
    let answer = include_str!("answers/elasticache_cluster.xml");
    bench.answer(KIND, "elasticache", "DescribeCacheClusters", "MaxRecords=100&ShowCacheNodeInfo=true", answer).await;
    let arn = "arn:aws:elasticache:eu-west-1:123456789012:cluster:sessions";
    let tags = r#"<ListTagsForResourceResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/"><ListTagsForResourceResult>
        <TagList><Tag><Key>team</Key><Value>sea</Value></Tag></TagList></ListTagsForResourceResult></ListTagsForResourceResponse>"#;
    bench.answer(KIND, "elasticache", "ListTagsForResource", arn, tags).await;
    let mut expected: Value = serde_json::from_str(include_str!("answers/elasticache_cluster.json")).expect("JSON");

    let cluster = bench.read_one(KIND, &[]).await;
    assert_eq!(cluster.key, arn);
    assert_shape(&Value::Object(cluster.properties), &expected);

    let cluster = bench.read_one(KIND, &all_options(KIND)).await;
    assert_every_field(KIND, &cluster.properties);
    expected["TagList"] = json!([{"Key": "team", "Value": "sea"}]);
    assert_shape(&Value::Object(cluster.properties), &expected);
}

#[tokio::test]
async fn clusters_with_and_without_tags() {
    let bench = Bench::create().await;
    create_cluster(&bench, "tagged", &json!([{"Key": "team", "Value": "sea"}])).await;
    create_cluster(&bench, "untagged", &json!([])).await;
    for cluster in bench.read(KIND, &[]).await.into_values() {
        assert_eq!(cluster.properties["Engine"], "memcached");
        assert!(!cluster.properties.contains_key("TagList"));
    }
    let clusters = bench.read(KIND, &all_options(KIND)).await;
    for (name, tags) in [("tagged", json!([{"Key": "team", "Value": "sea"}])), ("untagged", json!([]))] {
        let arn = format!("arn:aws:elasticache:{REGION}:{}:cluster:{name}", bench.alpha());
        assert_eq!(clusters[&arn].properties["TagList"], tags);
    }
}

/// ElastiCache's API reference says of `ListTagsForResource` that it answers with an error while a cluster is not
/// available. That is no evidence that the cluster is gone.
#[tokio::test]
async fn a_cluster_that_is_being_modified_stays_without_its_tags() {
    let bench = Bench::create().await;
    let cluster = "<CacheCluster><ARN>arn:c</ARN><CacheClusterStatus>modifying</CacheClusterStatus></CacheCluster>";
    let answer = clusters_answer(cluster, "");
    bench.answer(KIND, "elasticache", "DescribeCacheClusters", "", &answer).await;
    let effect = json!({"status": 404, "code": "CacheClusterNotFound"});
    bench.fault(KIND, "elasticache", "ListTagsForResource", effect).await;
    let cluster = bench.read_one(KIND, &all_options(KIND)).await;
    assert_eq!(cluster.incomplete[0].action, "ListTagsForResourceAction");
    assert!(cluster.incomplete[0].optional);
}
