//! `AWS::Account::Info`: the accounts themselves, as the run found them.

use serde_json::{Map, Value};

use super::fields::{Field, Form};
use super::{Kind, Page, ReadError, Reading, Resource, Scope};

pub const INFO: Kind = Kind {
    name: "AWS::Account::Info",
    scope: Scope::Global,
    calls: "none: number and name come with the run's plan",
    iam_actions: &[],
    include_actions: &[],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, _| Box::pin(account_info(reading)),
};

const FIELDS: &[Field] = &[("Id", Form::Text), ("Name", Form::Text)];

async fn account_info(reading: &Reading) -> Result<Page, ReadError> {
    let properties = Map::from_iter([
        ("Id".to_owned(), Value::from(reading.account.as_str())),
        ("Name".to_owned(), Value::from(reading.account_name.as_str())),
    ]);
    let mut account = Resource::new(reading.account.as_str(), properties);
    // It says of itself which account it is.
    account.has_context = false;
    Ok(Page::new(vec![account], None))
}
