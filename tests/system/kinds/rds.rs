//! Amazon RDS.

use serde_json::{Value, json};

use super::contract::{Contract, counts};
use super::{Bench, REGION, all_options, assert_every_field, assert_shape};

const INSTANCE: &str = "AWS::RDS::DBInstance";
const CLUSTER: &str = "AWS::RDS::DBCluster";

pub const CONTRACTS: &[Contract] = &[
    Contract {
        kind: INSTANCE,
        service: "rds",
        listing: "DescribeDBInstances",
        denied: (403, "AccessDenied"),
        throttled: (400, "Throttling"),
        seed: |bench, names| Box::pin(create_instances(bench, names)),
        page: Some(instance_page),
        calls: &[("rds:DescribeDBInstances", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
    Contract {
        kind: CLUSTER,
        service: "rds",
        listing: "DescribeDBClusters",
        denied: (403, "AccessDenied"),
        throttled: (400, "Throttling"),
        seed: |bench, names| Box::pin(create_clusters(bench, names)),
        page: Some(cluster_page),
        calls: &[("rds:DescribeDBClusters", 1)],
        calls_of_options: &[],
        enrichments: &[],
    },
];

async fn create_instances(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({
            "DBInstanceIdentifier": name, "DBInstanceClass": "db.t3.micro", "Engine": "postgres", "AllocatedStorage": 20,
            "MaxAllocatedStorage": 100, "MasterUsername": "admin1", "MasterUserPassword": "correct-horse",
            "Tags": [{"Key": "team", "Value": "sea"}],
        });
        bench.alpha_in(REGION).call("rds", "create_db_instance", order).await;
    }
}

async fn create_clusters(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({
            "DBClusterIdentifier": name, "Engine": "aurora-postgresql", "MasterUsername": "admin1",
            "MasterUserPassword": "correct-horse", "Tags": [{"Key": "team", "Value": "sea"}],
        });
        bench.alpha_in(REGION).call("rds", "create_db_cluster", order).await;
    }
}

fn instance_page(arn: &str, token: &str) -> String {
    instances_answer(&format!("<DBInstance><DBInstanceArn>{arn}</DBInstanceArn></DBInstance>"), token)
}

fn instances_answer(instances: &str, token: &str) -> String {
    format!(
        r#"<DescribeDBInstancesResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBInstancesResult>
        <DBInstances>{instances}</DBInstances><Marker>{token}</Marker></DescribeDBInstancesResult></DescribeDBInstancesResponse>"#
    )
}

fn cluster_page(arn: &str, token: &str) -> String {
    format!(
        r#"<DescribeDBClustersResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><DescribeDBClustersResult><DBClusters>
        <DBCluster><DBClusterArn>{arn}</DBClusterArn></DBCluster></DBClusters><Marker>{token}</Marker></DescribeDBClustersResult>
        </DescribeDBClustersResponse>"#
    )
}

/// The recorded answers have every member of `DBInstance` and `DBCluster` in RDS's API reference (version 2014-10-31)
/// and in its service model, under the names that the model gives the elements.
#[tokio::test]
async fn instances_and_clusters_in_which_everything_is_set() {
    let bench = Bench::create().await;
    for (kind, operation, key, answer, expected) in [
        (
            INSTANCE,
            "DescribeDBInstances",
            "arn:aws:rds:eu-west-1:123456789012:db:ledger-1",
            include_str!("answers/rds_db_instance.xml"),
            include_str!("answers/rds_db_instance.json"),
        ),
        (
            CLUSTER,
            "DescribeDBClusters",
            "arn:aws:rds:eu-west-1:123456789012:cluster:ledger",
            include_str!("answers/rds_db_cluster.xml"),
            include_str!("answers/rds_db_cluster.json"),
        ),
    ] {
        // Pages are asked for in the largest size.
        bench.answer(kind, "rds", operation, "MaxRecords=100", answer).await;
        let read = bench.read_one(kind, &[]).await;
        assert_eq!(read.key, key);
        assert_every_field(kind, &read.properties);
        let expected: Value = serde_json::from_str(expected).expect("JSON");
        assert_shape(&Value::Object(read.properties), &expected);
    }
}

/// `DbInstancePort` is `Port`, and not the port of the endpoint. Empty elements are kept, and what the SDK does not know
/// is left out.
#[tokio::test]
async fn an_instance_with_renamed_and_with_empty_members() {
    let bench = Bench::create().await;
    let answer = instances_answer(
        "<DBInstance><DBInstanceIdentifier>db1</DBInstanceIdentifier><BrandNew>x</BrandNew>
        <Endpoint><Address>h</Address><Port>5432</Port></Endpoint><InstanceCreateTime>2018-03-28T19:54:07.871Z</InstanceCreateTime>
        <DBSecurityGroups/><VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1</VpcSecurityGroupId>
        <Status>active</Status></VpcSecurityGroupMembership></VpcSecurityGroups><PendingModifiedValues/>
        <DbInstancePort>0</DbInstancePort><DBInstanceArn>arn:aws:rds:eu-west-1:123456789012:db:db1</DBInstanceArn>
        <IAMDatabaseAuthenticationEnabled>false</IAMDatabaseAuthenticationEnabled>
        <PerformanceInsightsEnabled>true</PerformanceInsightsEnabled><MaxAllocatedStorage>1000</MaxAllocatedStorage>
        <TagList/></DBInstance>",
        "",
    );
    bench.answer(INSTANCE, "rds", "DescribeDBInstances", "", &answer).await;
    let expected = json!({
        "DBInstanceArn": "arn:aws:rds:eu-west-1:123456789012:db:db1",
        "DBInstanceIdentifier": "db1",
        "Port": 0,
        "DBSecurityGroups": [],
        "EnableIAMDatabaseAuthentication": false,
        "EnablePerformanceInsights": true,
        "Endpoint": {"Address": "h", "Port": 5432},
        "InstanceCreateTime": "2018-03-28T19:54:07.871000Z",
        "PendingModifiedValues": {},
        "VPCSecurityGroups": [{"VpcSecurityGroupId": "sg-1", "Status": "active"}],
        "MaxAllocatedStorage": 1000,
        "Tags": [],
        "TagList": [],
    });
    let instance = bench.read_one(INSTANCE, &[]).await;
    assert_shape(&Value::Object(instance.properties), &expected);
}

#[tokio::test]
async fn a_cluster_and_its_instance_have_their_tags_with_and_without_the_option() {
    let bench = Bench::create().await;
    create_clusters(&bench, &["ledger"]).await;
    let order = json!({
        "DBInstanceIdentifier": "ledger-1", "DBInstanceClass": "db.r6g.large", "Engine": "aurora-postgresql",
        "DBClusterIdentifier": "ledger", "Tags": [{"Key": "team", "Value": "land"}],
    });
    bench.alpha_in(REGION).call("rds", "create_db_instance", order).await;
    bench.take_calls().await;
    let options = all_options(INSTANCE);
    assert_eq!(options, ["ListTagsForResourceAction"]);
    for options in [&[], options.as_slice()] {
        let instance = bench.read_one(INSTANCE, options).await;
        assert_eq!(instance.key, format!("arn:aws:rds:{REGION}:{}:db:ledger-1", bench.alpha()));
        assert_eq!(instance.properties["DBClusterIdentifier"], "ledger");
        assert_eq!(instance.properties["Tags"], json!([{"Key": "team", "Value": "land"}]));
        assert_eq!(instance.properties["TagList"], instance.properties["Tags"]);

        let cluster = bench.read_one(CLUSTER, options).await;
        assert_eq!(cluster.key, format!("arn:aws:rds:{REGION}:{}:cluster:ledger", bench.alpha()));
        assert_eq!(cluster.properties["DBClusterMembers"][0]["DBInstanceIdentifier"], "ledger-1");
        assert_eq!(cluster.properties["Tags"], json!([{"Key": "team", "Value": "sea"}]));
        assert_eq!(cluster.properties["TagList"], cluster.properties["Tags"]);

        let calls = [("rds:DescribeDBInstances", 1), ("rds:DescribeDBClusters", 1)];
        assert_eq!(bench.take_calls().await, counts(&calls));
    }
}
