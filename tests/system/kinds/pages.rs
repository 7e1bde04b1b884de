//! Pages of the services that the emulated AWS has pages of.

use serde_json::json;

use super::contract::counts;
use super::{Bench, REGION};

#[tokio::test]
async fn pages_of_accounts_and_of_buckets() {
    let bench = Bench::create().await;
    let aws = bench.organization.aws();
    aws.set_page_size(Some(bench.organization.management_account()), "organizations:ListAccounts", 2).await;
    assert_eq!(bench.read("AWS::Organizations::Account", &[]).await.len(), 3);
    assert_eq!(bench.take_calls().await, counts(&[("organizations:ListAccounts", 2)]));

    let place = bench.alpha_in(REGION);
    for name in ["a", "b", "c"] {
        place.create_bucket(name, &[]).await;
    }
    aws.set_page_size(Some(bench.alpha()), "s3:ListBuckets", 1).await;
    assert_eq!(bench.read("AWS::S3::Bucket", &[]).await.len(), 3);
    assert_eq!(bench.take_calls().await, counts(&[("s3:GetBucketTagging", 3), ("s3:ListBuckets", 3)]));
}

#[tokio::test]
async fn an_empty_token_ends_the_listings_of_accounts_and_buckets_too() {
    let bench = Bench::create().await;
    let kind = "AWS::Organizations::Account";
    let body = json!({"Accounts": [{"Id": bench.alpha()}], "NextToken": ""}).to_string();
    bench.answer_once(kind, "organizations", "ListAccounts", "", &body).await;
    assert_eq!(bench.page(kind, &[], None).await.expect("an answer").next, None);

    let kind = "AWS::S3::Bucket";
    let body = r#"<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets/><ContinuationToken></ContinuationToken>
        </ListAllMyBucketsResult>"#;
    bench.answer_once(kind, "s3", "ListBuckets", "", body).await;
    assert_eq!(bench.page(kind, &[], None).await.expect("an answer").next, None);
}
