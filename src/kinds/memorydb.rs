//! Amazon MemoryDB. Speaks JSON: answers are forwarded as they are.

use aws_sdk_memorydb::Client;
use serde_json::Value;

use super::fields::{Field, Form};
use super::json::{ResponseBody, required_text};
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const TAGS: &str = "ListTagsForMemoryDbUserAction";

pub const USER: Kind = Kind {
    name: "AWS::MemoryDB::User",
    scope: Scope::Regional,
    calls: "one DescribeUsers for each page (of the service's own size)",
    iam_actions: &["memorydb:DescribeUsers"],
    include_actions: &[IncludeAction { name: TAGS, calls: "n ListTags", iam_actions: &["memorydb:ListTags"] }],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(users(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("Name", Form::Text),
    ("Status", Form::Text),
    ("AccessString", Form::Text),
    ("ACLNames", Form::Texts),
    ("MinimumEngineVersion", Form::Text),
    ("ARN", Form::Text),
    ("Authentication", Form::Object),
    ("TagList", Form::Objects),
];

async fn users(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "memorydb:DescribeUsers";
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let call = client.describe_users().set_next_token(cursor).customize();
    let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut users = Vec::new();
    for properties in body.objects(CALL, "Users")? {
        let arn = required_text(CALL, &properties, "ARN")?;
        users.push(Resource::new(arn, properties));
    }
    if reading.wants(TAGS) {
        let enriched = reading.for_each(users, |user| with_tags(&client, user)).await;
        users = enriched.into_iter().flatten().collect();
    }
    Ok(Page::new(users, output.next_token))
}

/// The user with its tags; none when it was deleted in between.
async fn with_tags(client: &Client, mut user: Resource) -> Option<Resource> {
    const CALL: &str = "memorydb:ListTags";
    let body = ResponseBody::default();
    let call = client.list_tags().resource_arn(&user.key).customize();
    let answer = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL));
    match answer.and_then(|_| body.objects(CALL, "TagList")) {
        Ok(tags) => {
            user.properties.insert("TagList".to_owned(), tags.into_iter().map(Value::Object).collect());
        }
        Err(error) if error.code() == "UserNotFoundFault" => return None,
        Err(error) => user.lacks_option(TAGS, &error),
    }
    Some(user)
}
