//! Amazon DynamoDB.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound, counts};
use super::{Bench, REGION, all_options, assert_every_field, assert_shape};

const KIND: &str = "AWS::DynamoDB::Table";

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: KIND,
    service: "dynamodb",
    listing: "ListTables",
    denied: (400, "AccessDeniedException"),
    throttled: (400, "ThrottlingException"),
    seed: |bench, names| Box::pin(create_tables(bench, names)),
    page: Some(|name, token| json!({"TableNames": [name], "LastEvaluatedTableName": token}).to_string()),
    calls: &[("dynamodb:ListTables", 1), ("dynamodb:DescribeTable", 3)],
    calls_of_options: &[("dynamodb:ListTagsOfResource", 3), ("dynamodb:DescribeContinuousBackups", 3)],
    enrichments: &[
        Enrichment {
            service: "dynamodb",
            operation: "DescribeTable",
            name: "DescribeTable",
            is_option: false,
            not_found: NotFound::DecidesNothing((400, "ResourceNotFoundException")),
        },
        Enrichment {
            service: "dynamodb",
            operation: "ListTagsOfResource",
            name: "GetTableTagsAction",
            is_option: true,
            not_found: NotFound::DecidesNothing((400, "ResourceNotFoundException")),
        },
        Enrichment {
            service: "dynamodb",
            operation: "DescribeContinuousBackups",
            name: "GetTableBackupStatusAction",
            is_option: true,
            not_found: NotFound::DecidesNothing((400, "ResourceNotFoundException")),
        },
    ],
}];

async fn create_tables(bench: &Bench, names: &[&str]) {
    for name in names {
        let order = json!({
            "TableName": name,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
        });
        bench.alpha_in(REGION).call("dynamodb", "create_table", order).await;
    }
}

fn arn(bench: &Bench, table: &str) -> String {
    format!("arn:aws:dynamodb:{REGION}:{}:table/{table}", bench.alpha())
}

#[tokio::test]
async fn a_table_without_and_with_its_options() {
    let bench = Bench::create().await;
    create_tables(&bench, &["orders"]).await;
    let plain = json!({
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "TableName": "orders",
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "TableStatus": "ACTIVE",
        "CreationDateTime": "<time>",
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "TableArn": arn(&bench, "orders"),
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "LocalSecondaryIndexes": [],
        "GlobalSecondaryIndexes": [],
        "DeletionProtectionEnabled": false,
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 4000, "Status": "ACTIVE"},
    });
    let table = bench.read_one(KIND, &[]).await;
    assert_eq!(table.key, "orders");
    assert_shape(&Value::Object(table.properties), &plain);
    assert_eq!(table.context, Map::new());

    let mut with_options = plain;
    with_options["Tags"] = json!([]);
    with_options["ContinuousBackupsDescription"] = json!({
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": "DISABLED"},
    });
    let table = bench.read_one(KIND, &all_options(KIND)).await;
    assert_shape(&Value::Object(table.properties), &with_options);
}

#[tokio::test]
async fn all_pages_of_a_tables_tags() {
    let bench = Bench::create().await;
    create_tables(&bench, &["orders"]).await;
    let tags: Vec<_> = (0..12).map(|index| json!({"Key": format!("tag-{index:02}"), "Value": "v"})).collect();
    let order = json!({"ResourceArn": arn(&bench, "orders"), "Tags": tags});
    bench.alpha_in(REGION).call("dynamodb", "tag_resource", order).await;
    bench.take_calls().await;
    let table = bench.read_one(KIND, &["GetTableTagsAction"]).await;
    assert_eq!(table.properties["Tags"], json!(tags));
    // The emulated service has ten on a page.
    let calls = [("dynamodb:ListTables", 1), ("dynamodb:DescribeTable", 1), ("dynamodb:ListTagsOfResource", 2)];
    assert_eq!(bench.take_calls().await, counts(&calls));
}

/// As the API references of DescribeTable and the options' calls have it. The ARN of the description is another than
/// the one that a table of that name would have, to show which one counts.
#[tokio::test]
async fn a_table_in_which_everything_is_set() {
    let bench = Bench::create().await;
    let arn = arn(&bench, "Described");
    let time = 1_704_164_645;
    let throughput = json!({
        "LastIncreaseDateTime": time, "LastDecreaseDateTime": 1_704_164_645.123, "NumberOfDecreasesToday": 0, "ReadCapacityUnits": 5,
        "WriteCapacityUnits": 5,
    });
    let keys = json!([{"AttributeName": "id", "KeyType": "HASH"}]);
    let mut wire = json!({
        "TableName": "orders", "TableArn": arn, "TableId": "i", "TableStatus": "ACTIVE", "CreationDateTime": 1.704_164_645_5E9,
        "ProvisionedThroughput": throughput, "TableSizeBytes": 5_000_000_000_i64, "ItemCount": 42,
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST", "LastUpdateToPayPerRequestDateTime": time},
        "KeySchema": keys, "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "GlobalSecondaryIndexes": [{"IndexName": "g", "KeySchema": keys, "ProvisionedThroughput": throughput}],
        "LocalSecondaryIndexes": [{"IndexName": "l", "KeySchema": keys, "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": null}}],
        "VectorIndexes": [{"IndexName": "v", "Dimensions": 8}],
        "StreamSpecification": {"StreamEnabled": true, "StreamViewType": "KEYS_ONLY"}, "LatestStreamArn": "arn:s", "LatestStreamLabel": "2024",
        "SSEDescription": {"Status": "ENABLED", "InaccessibleEncryptionDateTime": time},
        "RestoreSummary": {"RestoreDateTime": time, "RestoreInProgress": false},
        "ArchivalSummary": {"ArchivalDateTime": time, "ArchivalReason": "r"},
        "TableClassSummary": {"TableClass": "STANDARD", "LastUpdateDateTime": time},
        "DeletionProtectionEnabled": true, "DisassociationProtectionEnabled": false,
        "Replicas": [{"RegionName": "us-east-1", "ReplicaInaccessibleDateTime": time, "ReplicaTableClassSummary": {"LastUpdateDateTime": time}}],
        "GlobalTableVersion": "2019.11.21", "GlobalTableWitnesses": [{"RegionName": "us-east-2", "WitnessStatus": "ACTIVE"}],
        "GlobalTableSettingsReplicationMode": "ENABLED", "OnDemandThroughput": {"MaxReadRequestUnits": -1},
        "WarmThroughput": {"ReadUnitsPerSecond": 12000, "Status": "ACTIVE"}, "MultiRegionConsistency": "EVENTUAL",
        "BrandNew": {"a": [1]}, "BrandNewNull": null,
    });
    let backups = json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35, "EarliestRestorableDateTime": time,
            "LatestRestorableDateTime": 1_704_164_645.75,
        },
    }});
    let tags = json!({"Tags": [{"Key": "team", "Value": "sea"}]});
    bench.answer(KIND, "dynamodb", "ListTables", "", &json!({"TableNames": ["orders"]}).to_string()).await;
    bench.answer(KIND, "dynamodb", "DescribeTable", "orders", &json!({"Table": wire}).to_string()).await;
    bench.answer(KIND, "dynamodb", "DescribeContinuousBackups", "orders", &backups.to_string()).await;
    bench.answer(KIND, "dynamodb", "ListTagsOfResource", &arn, &tags.to_string()).await;
    let table = bench.read_one(KIND, &all_options(KIND)).await;
    assert_every_field(KIND, &table.properties);

    let text = json!("2024-01-02T03:04:05Z");
    wire["CreationDateTime"] = json!("2024-01-02T03:04:05.500000Z");
    wire["ProvisionedThroughput"]["LastIncreaseDateTime"] = text.clone();
    wire["ProvisionedThroughput"]["LastDecreaseDateTime"] = json!("2024-01-02T03:04:05.123000Z");
    wire["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] = wire["ProvisionedThroughput"].clone();
    wire["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] = text.clone();
    wire["LocalSecondaryIndexes"][0]["Projection"] = json!({"ProjectionType": "ALL"});
    wire["SSEDescription"]["InaccessibleEncryptionDateTime"] = text.clone();
    wire["RestoreSummary"]["RestoreDateTime"] = text.clone();
    wire["ArchivalSummary"]["ArchivalDateTime"] = text.clone();
    wire["TableClassSummary"]["LastUpdateDateTime"] = text.clone();
    wire["Replicas"][0]["ReplicaInaccessibleDateTime"] = text.clone();
    wire["Replicas"][0]["ReplicaTableClassSummary"]["LastUpdateDateTime"] = text.clone();
    wire["Tags"] = json!([{"Key": "team", "Value": "sea"}]);
    wire["ContinuousBackupsDescription"] = json!({
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {
            "PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35, "EarliestRestorableDateTime": text,
            "LatestRestorableDateTime": "2024-01-02T03:04:05.750000Z",
        },
    });
    wire.as_object_mut().expect("an object").remove("BrandNewNull");
    assert_shape(&Value::Object(table.properties), &wire);
}

#[tokio::test]
async fn a_table_that_cannot_be_described_is_known_by_name_and_arn() {
    let bench = Bench::create().await;
    create_tables(&bench, &["t"]).await;
    bench.fault(KIND, "dynamodb", "DescribeTable", json!({"status": 400, "code": "AccessDeniedException"})).await;
    let table = bench.read_one(KIND, &[]).await;
    assert_eq!(Value::Object(table.properties), json!({"TableName": "t", "TableArn": arn(&bench, "t")}));
    // Its tags are found all the same, by the ARN that it must have.
    let table = bench.read_one(KIND, &["GetTableTagsAction"]).await;
    assert_eq!((table.incomplete.len(), &table.properties["Tags"]), (1, &json!([])));
}
