//! Amazon DynamoDB. Speaks JSON, with the names that mappings know: answers are forwarded as they are.

use aws_sdk_dynamodb::Client;
use serde_json::{Map, Value};

use super::fields::{Field, Form, write_times};
use super::json::ResponseBody;
use super::{IncludeAction, Kind, Page, PageToken, ReadError, Reading, Resource, Scope};

const TAGS: &str = "GetTableTagsAction";
const BACKUP_STATUS: &str = "GetTableBackupStatusAction";

pub const TABLE: Kind = Kind {
    name: "AWS::DynamoDB::Table",
    scope: Scope::Regional,
    calls: "n/100 ListTables (the service's page), n DescribeTable",
    iam_actions: &["dynamodb:ListTables", "dynamodb:DescribeTable"],
    include_actions: &[
        IncludeAction {
            name: TAGS,
            calls: "n ListTagsOfResource, more where a table has pages of tags",
            iam_actions: &["dynamodb:ListTagsOfResource"],
        },
        IncludeAction {
            name: BACKUP_STATUS,
            calls: "n DescribeContinuousBackups",
            iam_actions: &["dynamodb:DescribeContinuousBackups"],
        },
    ],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(tables(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("TableName", Form::Text),
    ("TableArn", Form::Text),
    ("TableId", Form::Text),
    ("TableStatus", Form::Text),
    ("CreationDateTime", Form::Time),
    ("ProvisionedThroughput", Form::Object),
    ("ProvisionedThroughput.LastIncreaseDateTime", Form::Time),
    ("ProvisionedThroughput.LastDecreaseDateTime", Form::Time),
    ("TableSizeBytes", Form::Integer),
    ("ItemCount", Form::Integer),
    ("BillingModeSummary", Form::Object),
    ("BillingModeSummary.LastUpdateToPayPerRequestDateTime", Form::Time),
    ("KeySchema", Form::Objects),
    ("AttributeDefinitions", Form::Objects),
    ("GlobalSecondaryIndexes", Form::Objects),
    ("GlobalSecondaryIndexes[].ProvisionedThroughput.LastIncreaseDateTime", Form::Time),
    ("GlobalSecondaryIndexes[].ProvisionedThroughput.LastDecreaseDateTime", Form::Time),
    ("LocalSecondaryIndexes", Form::Objects),
    ("VectorIndexes", Form::Objects),
    ("StreamSpecification", Form::Object),
    ("LatestStreamArn", Form::Text),
    ("LatestStreamLabel", Form::Text),
    ("SSEDescription", Form::Object),
    ("SSEDescription.InaccessibleEncryptionDateTime", Form::Time),
    ("RestoreSummary", Form::Object),
    ("RestoreSummary.RestoreDateTime", Form::Time),
    ("ArchivalSummary", Form::Object),
    ("ArchivalSummary.ArchivalDateTime", Form::Time),
    ("TableClassSummary", Form::Object),
    ("TableClassSummary.LastUpdateDateTime", Form::Time),
    ("DeletionProtectionEnabled", Form::Boolean),
    ("DisassociationProtectionEnabled", Form::Boolean),
    ("Replicas", Form::Objects),
    ("Replicas[].ReplicaInaccessibleDateTime", Form::Time),
    ("Replicas[].ReplicaTableClassSummary.LastUpdateDateTime", Form::Time),
    ("GlobalTableVersion", Form::Text),
    ("GlobalTableWitnesses", Form::Objects),
    ("GlobalTableSettingsReplicationMode", Form::Text),
    ("OnDemandThroughput", Form::Object),
    ("WarmThroughput", Form::Object),
    ("MultiRegionConsistency", Form::Text),
    ("Tags", Form::Objects),
    ("ContinuousBackupsDescription", Form::Object),
    ("ContinuousBackupsDescription.PointInTimeRecoveryDescription.EarliestRestorableDateTime", Form::Time),
    ("ContinuousBackupsDescription.PointInTimeRecoveryDescription.LatestRestorableDateTime", Form::Time),
];

async fn tables(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let client = reading.client(Client::new);
    let answer = client.list_tables().set_exclusive_start_table_name(cursor).send().await;
    let output = answer.map_err(ReadError::of("dynamodb:ListTables"))?;
    let names = output.table_names.unwrap_or_default();
    let read = reading.for_each(names, |name| read_table(reading, &client, name)).await;
    Ok(Page::new(read, output.last_evaluated_table_name))
}

/// A table with its description and options.
///
/// API reference, DescribeTable: it says "not found" also of a table that was created a moment ago, and options say it
/// of one that is merely not active. So whether a table is gone, only the next listing tells.
async fn read_table(reading: &Reading, client: &Client, name: String) -> Resource {
    // Tags hang on the ARN, which has to be known even where the description is not.
    let mut arn = reading.arn("dynamodb", &format!("table/{name}"));
    let properties = [("TableName", &name), ("TableArn", &arn)];
    let properties = properties.map(|(member, text)| (member.to_owned(), Value::from(text.as_str())));
    let mut table = Resource::new(name, Map::from_iter(properties));
    match description(client, &table.key).await {
        Ok(properties) => table.properties.extend(properties),
        Err(error) => table.lacks("DescribeTable", &error),
    }
    if let Some(described) = table.properties.get("TableArn").and_then(Value::as_str) {
        arn = described.to_owned();
    }
    if reading.wants(TAGS) {
        let tags = tags(client, &arn).await;
        add_option(&mut table, TAGS, tags);
    }
    if reading.wants(BACKUP_STATUS) {
        let backups = continuous_backups(client, &table.key).await;
        add_option(&mut table, BACKUP_STATUS, backups);
    }
    table
}

fn add_option(table: &mut Resource, option: &'static str, answer: Result<Map<String, Value>, ReadError>) {
    match answer {
        Ok(properties) => table.properties.extend(properties),
        Err(error) => table.lacks_option(option, &error),
    }
}

async fn description(client: &Client, name: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "dynamodb:DescribeTable";
    let body = ResponseBody::default();
    let call = client.describe_table().table_name(name).customize();
    call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut properties = body.object_in(CALL, "Table")?;
    write_times(&mut properties, FIELDS);
    Ok(properties)
}

/// All pages of a table's tags.
async fn tags(client: &Client, arn: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "dynamodb:ListTagsOfResource";
    let mut tags = Vec::new();
    let mut token = PageToken::first(CALL);
    loop {
        let body = ResponseBody::default();
        let call = client.list_tags_of_resource().resource_arn(arn).set_next_token(token.to_send()).customize();
        let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
        tags.extend(body.objects(CALL, "Tags")?.into_iter().map(Value::Object));
        if !token.go_on(output.next_token)? {
            return Ok(Map::from_iter([("Tags".to_owned(), Value::Array(tags))]));
        }
    }
}

async fn continuous_backups(client: &Client, name: &str) -> Result<Map<String, Value>, ReadError> {
    const CALL: &str = "dynamodb:DescribeContinuousBackups";
    const MEMBER: &str = "ContinuousBackupsDescription";
    let body = ResponseBody::default();
    let call = client.describe_continuous_backups().table_name(name).customize();
    call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut properties = Map::from_iter([(MEMBER.to_owned(), Value::Object(body.object_in(CALL, MEMBER)?))]);
    write_times(&mut properties, FIELDS);
    Ok(properties)
}
