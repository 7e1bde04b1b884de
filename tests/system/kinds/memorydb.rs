//! Amazon MemoryDB.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound, counts};
use super::{Bench, REGION, all_options, assert_every_field};

const KIND: &str = "AWS::MemoryDB::User";

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: KIND,
    service: "memorydb",
    listing: "DescribeUsers",
    denied: (400, "AccessDeniedException"),
    throttled: (400, "ThrottlingException"),
    seed: |bench, names| Box::pin(create_users(bench, names)),
    page: Some(user_page),
    calls: &[("memorydb:DescribeUsers", 1)],
    calls_of_options: &[("memorydb:ListTags", 3)],
    enrichments: &[Enrichment {
        service: "memorydb",
        operation: "ListTags",
        name: "ListTagsForMemoryDbUserAction",
        is_option: true,
        not_found: NotFound::IsGone((400, "UserNotFoundFault")),
    }],
}];

/// Users, and a listing without the one that MemoryDB has in every place of its own accord.
async fn create_users(bench: &Bench, names: &[&str]) {
    for name in names {
        create_user(bench, name, json!([])).await;
    }
    let users: Vec<_> = names.iter().map(|name| json!({"ARN": arn(bench, name)})).collect();
    bench.answer(KIND, "memorydb", "DescribeUsers", "", &json!({"Users": users}).to_string()).await;
}

async fn create_user(bench: &Bench, name: &str, tags: Value) {
    let authentication = json!({"Type": "password", "Passwords": ["a-password-of-16-letters"]});
    let order = json!({
        "UserName": name, "AuthenticationMode": authentication, "AccessString": "on ~* &* +@all", "Tags": tags,
    });
    bench.alpha_in(REGION).call("memorydb", "create_user", order).await;
}

fn arn(bench: &Bench, name: &str) -> String {
    format!("arn:aws:memorydb:{REGION}:{}:user/{name}", bench.alpha())
}

fn user_page(arn: &str, token: &str) -> String {
    json!({"Users": [{"ARN": arn}], "NextToken": token}).to_string()
}

#[tokio::test]
async fn users_as_memorydb_writes_them() {
    let bench = Bench::create().await;
    create_user(&bench, "app", json!([{"Key": "team", "Value": "sea"}])).await;
    let arn = arn(&bench, "app");
    let plain = json!({
        "Name": "app",
        "Status": "active",
        "AccessString": "on ~* &* +@all",
        "ACLNames": [],
        "MinimumEngineVersion": "6.2",
        "Authentication": {"Type": "password", "PasswordCount": 1},
        "ARN": arn,
    });
    let user = bench.read(KIND, &[]).await.remove(&arn).expect("it was created");
    assert_eq!((user.context, user.region), (Map::new(), None));
    assert_eq!(Value::Object(user.properties), plain);

    let mut with_tags = plain;
    with_tags["TagList"] = json!([{"Key": "team", "Value": "sea"}]);
    let user = bench.read(KIND, &all_options(KIND)).await.remove(&arn).expect("it was created");
    assert_eq!(Value::Object(user.properties), with_tags);
}

#[tokio::test]
async fn a_place_without_users_has_the_default_one() {
    let bench = Bench::create().await;
    let user = bench.read_one(KIND, &[]).await;
    assert_eq!(user.key, arn(&bench, "default"));
    assert_eq!(bench.take_calls().await, counts(&[("memorydb:DescribeUsers", 1)]));
}

/// The members are those of <https://docs.aws.amazon.com/memorydb/latest/APIReference/API_User.html>.
#[tokio::test]
async fn a_user_with_everything_set_and_one_with_nulls() {
    let bench = Bench::create().await;
    let listed = json!({"Users": [
        {
            "Name": "app", "Status": "modifying", "AccessString": "on ~app:* +@read", "ACLNames": ["main", "second"],
            "MinimumEngineVersion": "7.1", "Authentication": {"Type": "iam", "PasswordCount": 0}, "ARN": "arn:app",
            "BrandNew": {"a": [1]},
        },
        {"Name": "default", "AccessString": "", "ACLNames": [], "Authentication": {"Type": "no-password", "PasswordCount": null}, "MinimumEngineVersion": null, "ARN": "arn:default"},
    ]});
    let tags = json!({"TagList": [{"Key": "team", "Value": "sea"}, {"Key": "empty", "Value": ""}]});
    bench.answer_once(KIND, "memorydb", "DescribeUsers", "", &listed.to_string()).await;
    bench.answer_once(KIND, "memorydb", "ListTags", "arn:app", &tags.to_string()).await;
    bench.answer_once(KIND, "memorydb", "ListTags", "arn:default", "{}").await;
    let mut users = bench.read(KIND, &all_options(KIND)).await;
    let app = users.remove("arn:app").expect("it is listed").properties;
    assert_every_field(KIND, &app);
    assert_eq!(
        Value::Object(app),
        json!({
            "Name": "app", "Status": "modifying", "AccessString": "on ~app:* +@read", "ACLNames": ["main", "second"],
            "MinimumEngineVersion": "7.1", "Authentication": {"Type": "iam", "PasswordCount": 0}, "ARN": "arn:app",
            "BrandNew": {"a": [1]}, "TagList": [{"Key": "team", "Value": "sea"}, {"Key": "empty", "Value": ""}],
        })
    );
    let default = users.remove("arn:default").expect("it is listed").properties;
    assert_eq!(
        Value::Object(default),
        json!({
            "Name": "default", "AccessString": "", "ACLNames": [], "Authentication": {"Type": "no-password"},
            "ARN": "arn:default", "TagList": [],
        })
    );
}
