//! AWS Organizations and the accounts themselves.

use serde_json::{Map, Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, all_options, assert_shape};

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::Organizations::Account",
    service: "organizations",
    listing: "ListAccounts",
    denied: (400, "AccessDeniedException"),
    throttled: (400, "TooManyRequestsException"),
    seed: |bench, names| Box::pin(three_accounts(bench, names)),
    page: None,
    calls: &[("organizations:ListAccounts", 1)],
    calls_of_options: &[("organizations:ListParents", 3), ("organizations:ListTagsForResource", 3)],
    enrichments: &[
        Enrichment {
            service: "organizations",
            operation: "ListParents",
            name: "ListParentsAction",
            is_option: true,
            not_found: NotFound::IsGone((400, "ChildNotFoundException")),
        },
        Enrichment {
            service: "organizations",
            operation: "ListTagsForResource",
            name: "ListTagsForResourceAction",
            is_option: true,
            not_found: NotFound::IsGone((400, "TargetNotFoundException")),
        },
    ],
}];

/// The management account, the integration account and `alpha`, whatever the names.
async fn three_accounts(_: &Bench, _: &[&str]) {}

#[tokio::test]
async fn an_account_is_number_and_name() {
    let bench = Bench::create().await;
    let account = bench.read_one("AWS::Account::Info", &[]).await;
    assert_shape(&Value::Object(account.properties), &json!({"Id": bench.alpha(), "Name": "alpha"}));
    assert!(bench.take_calls().await.is_empty());
}

#[tokio::test]
async fn accounts_of_the_organization_in_every_state() {
    let bench = Bench::create().await;
    let organization = &bench.organization;
    organization.tag_account(bench.alpha(), "team", "sea").await;
    organization.close_account(bench.alpha()).await;
    let kind = "AWS::Organizations::Account";
    let plain = json!({
        "Id": bench.alpha(),
        "Arn": "<text>",
        "Email": format!("alpha-{}@example.com", organization.number()),
        "Name": "alpha",
        "Status": "SUSPENDED",
        "State": "CLOSED",
        "JoinedMethod": "CREATED",
        "JoinedTimestamp": "<time>",
    });
    let accounts = bench.read(kind, &[]).await;
    assert_eq!(accounts.len(), 3);
    assert_shape(&Value::Object(accounts[bench.alpha()].properties.clone()), &plain);

    let mut with_options = plain;
    let unit = organization.organizational_unit("Workloads");
    with_options["Parents"] = json!([{"Id": unit, "Type": "ORGANIZATIONAL_UNIT"}]);
    with_options["Tags"] = json!([{"Key": "team", "Value": "sea"}]);
    let accounts = bench.read(kind, &all_options(kind)).await;
    let alpha = &accounts[bench.alpha()];
    assert_shape(&Value::Object(alpha.properties.clone()), &with_options);
    let root = json!([{"Id": organization.organizational_unit(""), "Type": "ROOT"}]);
    assert_eq!(accounts[organization.integration_account()].properties["Parents"], root);
    assert_eq!(alpha.context, Map::new());
}
