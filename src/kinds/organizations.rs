//! AWS Organizations. Speaks JSON: answers are forwarded as they are.

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::Parent;
use serde_json::Value;

use super::fields::{Field, Form, write_times};
use super::json::{ResponseBody, required_text};
use super::projection::Members;
use super::{IncludeAction, Kind, Page, PageToken, ReadError, Reading, Resource, Scope};

const PARENTS: &str = "ListParentsAction";
const TAGS: &str = "ListTagsForResourceAction";

pub const ACCOUNT: Kind = Kind {
    name: "AWS::Organizations::Account",
    scope: Scope::Organization,
    calls: "n/20 ListAccounts (the service's page)",
    iam_actions: &["organizations:ListAccounts"],
    include_actions: &[
        IncludeAction { name: PARENTS, calls: "n ListParents", iam_actions: &["organizations:ListParents"] },
        IncludeAction {
            name: TAGS,
            calls: "n ListTagsForResource, more where an account has pages of tags",
            iam_actions: &["organizations:ListTagsForResource"],
        },
    ],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(accounts(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("Id", Form::Text),
    ("Arn", Form::Text),
    ("Name", Form::Text),
    ("Email", Form::Text),
    ("Parents", Form::Objects),
    ("Tags", Form::Objects),
    ("Status", Form::Text),
    ("State", Form::Text),
    ("JoinedTimestamp", Form::Time),
    ("JoinedMethod", Form::Text),
    ("Paths", Form::Texts),
];

/// Accounts of all states: a suspended one is still there.
async fn accounts(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    const CALL: &str = "organizations:ListAccounts";
    let client = reading.client(Client::new);
    let body = ResponseBody::default();
    let call = client.list_accounts().set_next_token(cursor).customize();
    let output = call.interceptor(body.keeper()).send().await.map_err(ReadError::of(CALL))?;
    let mut accounts = Vec::new();
    for mut properties in body.objects(CALL, "Accounts")? {
        let id = required_text(CALL, &properties, "Id")?;
        write_times(&mut properties, FIELDS);
        accounts.push(Resource::new(id, properties));
    }
    let read = reading.for_each(accounts, |account| with_options(reading, &client, account)).await;
    Ok(Page::new(read.into_iter().flatten().collect(), output.next_token))
}

/// An account with its options; none when it left the organization in between.
async fn with_options(reading: &Reading, client: &Client, mut account: Resource) -> Option<Resource> {
    if reading.wants(PARENTS) {
        account = with_parents(client, account).await?;
    }
    if reading.wants(TAGS) {
        account = with_tags(client, account).await?;
    }
    Some(account)
}

/// The two options name the absence of an account differently.
fn has_left(error: &ReadError) -> bool {
    matches!(error.code(), "ChildNotFoundException" | "TargetNotFoundException")
}

async fn with_parents(client: &Client, mut account: Resource) -> Option<Resource> {
    match parents(client, &account.key).await {
        Ok(parents) => {
            account.properties.insert("Parents".to_owned(), parents);
        }
        Err(error) if has_left(&error) => return None,
        Err(error) => account.lacks_option(PARENTS, &error),
    }
    Some(account)
}

async fn with_tags(client: &Client, mut account: Resource) -> Option<Resource> {
    match tags(client, &account.key).await {
        Ok(tags) => {
            account.properties.insert("Tags".to_owned(), tags);
        }
        Err(error) if has_left(&error) => return None,
        Err(error) => account.lacks_option(TAGS, &error),
    }
    Some(account)
}

async fn parents(client: &Client, account: &str) -> Result<Value, ReadError> {
    const CALL: &str = "organizations:ListParents";
    let mut parents = Vec::new();
    let mut token = PageToken::first(CALL);
    loop {
        let answer = client.list_parents().child_id(account).set_next_token(token.to_send()).send().await;
        let output = answer.map_err(ReadError::of(CALL))?;
        parents.extend(output.parents().iter().map(|parent| Value::from(parent_members(parent))));
        if !token.go_on(output.next_token)? {
            return Ok(Value::Array(parents));
        }
    }
}

async fn tags(client: &Client, account: &str) -> Result<Value, ReadError> {
    const CALL: &str = "organizations:ListTagsForResource";
    let mut tags = Vec::new();
    let mut token = PageToken::first(CALL);
    loop {
        let answer = client.list_tags_for_resource().resource_id(account).set_next_token(token.to_send()).send().await;
        let output = answer.map_err(ReadError::of(CALL))?;
        for tag in output.tags() {
            tags.push(Value::from(Members::tag(Some(&tag.key), Some(&tag.value))));
        }
        if !token.go_on(output.next_token)? {
            return Ok(Value::Array(tags));
        }
    }
}

fn parent_members(parent: &Parent) -> Members {
    Members::new().text("Id", &parent.id).text("Type", &parent.r#type)
}
