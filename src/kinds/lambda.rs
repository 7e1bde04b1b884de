//! AWS Lambda. Speaks JSON: answers are forwarded as they are.

use aws_sdk_lambda::Client;
use serde_json::Value;

use super::attributes::sorted_texts;
use super::json::ResponseBody;
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const LIST_TAGS: &str = "ListTagsAction";

/// Calls for n functions: n/50 listings (the service's page), and n for tags where they are asked for.
pub const FUNCTION: Kind = Kind {
    name: "AWS::Lambda::Function",
    scope: Scope::Regional,
    iam_actions: &["lambda:ListFunctions"],
    include_actions: &[IncludeAction { name: LIST_TAGS, iam_actions: &["lambda:ListTags"] }],
    list: |reading, cursor| Box::pin(functions(reading, cursor)),
};

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
        let Some(arn) = properties.get("FunctionArn").and_then(Value::as_str).map(str::to_owned) else {
            return Err(ReadError::undecodable(CALL, "a function has no `FunctionArn`"));
        };
        functions.push(Resource::new(arn, properties));
    }
    if reading.wants(LIST_TAGS) {
        let enriched = reading.for_each(functions, |function| with_tags(&client, function)).await;
        functions = enriched.into_iter().flatten().collect();
    }
    Ok(Page { resources: functions, next: output.next_marker })
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
