//! AWS Lambda. Speaks JSON: answers are forwarded as they are.

use aws_sdk_lambda::Client;
use serde_json::Value;

use super::attributes::sorted_texts;
use super::fields::{Field, Form};
use super::json::{ResponseBody, required_text};
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const LIST_TAGS: &str = "ListTagsAction";

pub const FUNCTION: Kind = Kind {
    name: "AWS::Lambda::Function",
    scope: Scope::Regional,
    calls: "n/50 ListFunctions (the service's page)",
    iam_actions: &["lambda:ListFunctions"],
    include_actions: &[IncludeAction { name: LIST_TAGS, calls: "n ListTags", iam_actions: &["lambda:ListTags"] }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(functions(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("Architectures", Form::Texts),
    ("CodeSha256", Form::Text),
    ("CodeSize", Form::Integer),
    ("DeadLetterConfig", Form::Object),
    ("Description", Form::Text),
    ("Environment", Form::Object),
    ("EphemeralStorage", Form::Object),
    ("FileSystemConfigs", Form::Objects),
    ("FunctionArn", Form::Text),
    ("FunctionName", Form::Text),
    ("Handler", Form::Text),
    ("ImageConfigResponse", Form::Object),
    ("KMSKeyArn", Form::Text),
    ("LastModified", Form::Text),
    ("LastUpdateStatus", Form::Text),
    ("LastUpdateStatusReason", Form::Text),
    ("LastUpdateStatusReasonCode", Form::Text),
    ("Layers", Form::Objects),
    ("LoggingConfig", Form::Object),
    ("MasterArn", Form::Text),
    ("MemorySize", Form::Integer),
    ("PackageType", Form::Text),
    ("RevisionId", Form::Text),
    ("Role", Form::Text),
    ("Runtime", Form::Text),
    ("RuntimeVersionConfig", Form::Object),
    ("SigningJobArn", Form::Text),
    ("SigningProfileVersionArn", Form::Text),
    ("SnapStart", Form::Object),
    ("State", Form::Text),
    ("StateReason", Form::Text),
    ("StateReasonCode", Form::Text),
    ("Tags", Form::Object),
    ("Timeout", Form::Integer),
    ("TracingConfig", Form::Object),
    ("Version", Form::Text),
    ("VpcConfig", Form::Object),
    ("CapacityProviderConfig", Form::Object),
    ("ConfigSha256", Form::Text),
    ("DurableConfig", Form::Object),
    ("TenancyConfig", Form::Object),
];

async fn functions(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "lambda:ListFunctions";
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let output = client
        .list_functions()
        .set_marker(cursor)
        .customize()
        .interceptor(body.keeper())
        .send()
        .await
        .map_err(ReadError::of(CALL))?;
    let mut functions = Vec::new();
    for properties in body.objects(CALL, "Functions")? {
        let arn = required_text(CALL, &properties, "FunctionArn")?;
        functions.push(Resource::new(arn, properties));
    }
    if reading.wants(LIST_TAGS) {
        let enriched = reading.for_each(functions, |function| with_tags(&client, function)).await;
        functions = enriched.into_iter().flatten().collect();
    }
    Ok(Page::new(functions, output.next_marker))
}

/// The function with its tags; none when it was deleted in between.
async fn with_tags(client: &Client, mut function: Resource) -> Option<Resource> {
    let answer = client.list_tags().resource(&function.key).send().await.map_err(ReadError::of("lambda:ListTags"));
    match answer {
        Ok(output) => {
            let tags = sorted_texts(output.tags.unwrap_or_default());
            function.properties.insert("Tags".to_owned(), Value::Object(tags));
        }
        Err(error) if error.code() == "ResourceNotFoundException" => return None,
        Err(error) => function.lacks_option(LIST_TAGS, &error),
    }
    Some(function)
}
