//! Amazon MemoryDB.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment};
use super::{Bench, REGION, all_options, assert_every_field};

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::MemoryDB::User",
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
        gone: (400, "UserNotFoundFault"),
    }],
}];

async fn create_users(bench: &Bench, names: &[&str]) {
    for name in names {
        create_user(bench, name, json!([])).await;
    }
}

async fn create_user(bench: &Bench, name: &str, tags: Value) {
    let authentication = json!({"Type": "password", "Passwords": ["a-password-of-16-letters"]});
    let order = json!({
        "UserName": name, "AuthenticationMode": authentication, "AccessString": "on ~* &* +@all", "Tags": tags,
    });
    bench.alpha_in(REGION).call("memorydb", "create_user", order).await;
}

fn user_page(arn: &str, token: &str) -> String {
    json!({"Users": [{"ARN": arn}], "NextToken": token}).to_string()
}

#[tokio::test]
async fn users_as_memorydb_writes_them() {
    let bench = Bench::create().await;
    create_user(&bench, "app", json!([{"Key": "team", "Value": "sea"}])).await;
    let kind = "AWS::MemoryDB::User";
    let arn = format!("arn:aws:memorydb:{REGION}:{}:user/app", bench.alpha());
    let plain = json!({
        "Name": "app",
        "Status": "active",
        "AccessString": "on ~* &* +@all",
        "ACLNames": [],
        "MinimumEngineVersion": "6.2",
        "Authentication": {"Type": "password", "PasswordCount": 1},
        "ARN": arn,
    });
    let user = bench.read_one(kind, &[]).await;
    assert_eq!(user.key, arn);
    assert_eq!((user.context, user.region), (Map::new(), None));
    assert_eq!(Value::Object(user.properties), plain);

    let mut with_tags = plain;
    with_tags["TagList"] = json!([{"Key": "team", "Value": "sea"}]);
    let user = bench.read_one(kind, &all_options(kind)).await;
    assert_eq!(Value::Object(user.properties), with_tags);
}

/// The members are those of <https://docs.aws.amazon.com/memorydb/latest/APIReference/API_User.html>.
#[tokio::test]
async fn a_user_with_everything_set_and_one_with_nulls() {
    let bench = Bench::create().await;
    let kind = "AWS::MemoryDB::User";
    let listed = json!({"Users": [
        {
            "Name": "app", "Status": "modifying", "AccessString": "on ~app:* +@read", "ACLNames": ["main", "second"],
            "MinimumEngineVersion": "7.1", "Authentication": {"Type": "iam", "PasswordCount": 0}, "ARN": "arn:app",
            "BrandNew": {"a": [1]},
        },
        {"Name": "default", "AccessString": "", "ACLNames": [], "Authentication": {"Type": "no-password", "PasswordCount": null}, "MinimumEngineVersion": null, "ARN": "arn:default"},
    ]});
    let tags = json!({"TagList": [{"Key": "team", "Value": "sea"}, {"Key": "empty", "Value": ""}]});
    bench.answer_once(kind, "memorydb", "DescribeUsers", "", &listed.to_string()).await;
    bench.answer_once(kind, "memorydb", "ListTags", "arn:app", &tags.to_string()).await;
    bench.answer_once(kind, "memorydb", "ListTags", "arn:default", "{}").await;
    let mut users = bench.read(kind, &all_options(kind)).await;
    let app = users.remove("arn:app").expect("it is listed").properties;
    assert_every_field(kind, &app);
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
