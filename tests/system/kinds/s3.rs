//! Buckets: their shape, and the regions in which they are read.

use portolan::kinds::ReadError;
use serde_json::{Value, json};

use super::contract::{Contract, Enrichment, NotFound};
use super::{Bench, REGION, all_options, assert_shape};

const KIND: &str = "AWS::S3::Bucket";

pub const CONTRACTS: &[Contract] = &[Contract {
    kind: "AWS::S3::Bucket",
    service: "s3",
    listing: "ListBuckets",
    denied: (403, "AccessDenied"),
    throttled: (503, "SlowDown"),
    seed: |bench, names| Box::pin(create_buckets(bench, names)),
    page: None,
    calls: &[("s3:ListBuckets", 1), ("s3:GetBucketTagging", 3)],
    calls_of_options: &[
        ("s3:GetBucketLocation", 3),
        ("s3:GetBucketEncryption", 3),
        ("s3:GetPublicAccessBlock", 3),
        ("s3:GetBucketOwnershipControls", 3),
    ],
    enrichments: &[
        Enrichment {
            service: "s3",
            operation: "GetBucketTagging",
            name: "GetBucketTagging",
            is_option: false,
            not_found: NotFound::IsGone((404, "NoSuchBucket")),
        },
        Enrichment {
            service: "s3",
            operation: "GetBucketLocation",
            name: "GetBucketLocationAction",
            is_option: true,
            not_found: NotFound::IsGone((404, "NoSuchBucket")),
        },
        Enrichment {
            service: "s3",
            operation: "GetBucketEncryption",
            name: "GetBucketEncryptionAction",
            is_option: true,
            not_found: NotFound::IsGone((404, "NoSuchBucket")),
        },
        Enrichment {
            service: "s3",
            operation: "GetPublicAccessBlock",
            name: "GetPublicAccessBlockAction",
            is_option: true,
            not_found: NotFound::IsGone((404, "NoSuchBucket")),
        },
        Enrichment {
            service: "s3",
            operation: "GetBucketOwnershipControls",
            name: "GetBucketOwnershipControlsAction",
            is_option: true,
            not_found: NotFound::IsGone((404, "NoSuchBucket")),
        },
    ],
}];

async fn create_buckets(bench: &Bench, names: &[&str]) {
    for name in names {
        bench.alpha_in(REGION).create_bucket(name, &[]).await;
    }
}

#[tokio::test]
async fn a_bucket_with_every_configuration_and_one_with_none() {
    let bench = Bench::create().await;
    let plain = bench.alpha_in("us-east-1").create_bucket("plain", &[]).await;
    let place = bench.alpha_in("eu-west-1");
    let full = place.create_bucket("full", &[("team", "sea")]).await;
    let block = json!({"BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": false, "RestrictPublicBuckets": false});
    let encryption = json!({"Rules": [{
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "arn:k"}, "BucketKeyEnabled": true,
    }]});
    let ownership = json!({"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]});
    for (operation, member, configuration) in [
        ("put_public_access_block", "PublicAccessBlockConfiguration", &block),
        ("put_bucket_encryption", "ServerSideEncryptionConfiguration", &encryption),
        ("put_bucket_ownership_controls", "OwnershipControls", &ownership),
    ] {
        place.call("s3", operation, json!({"Bucket": full, member: configuration})).await;
    }
    place.call("s3", "delete_public_access_block", json!({"Bucket": plain})).await;

    let with_options = bench.read(KIND, &all_options(KIND)).await;
    assert_shape(
        &Value::Object(with_options[&full].properties.clone()),
        &json!({
            "BucketName": full,
            "Arn": format!("arn:aws:s3:::{full}"),
            "CreationDate": "<time>",
            "LocationConstraint": "eu-west-1",
            "Tags": [{"Key": "team", "Value": "sea"}],
            "BucketEncryption": encryption,
            "PublicAccessBlockConfiguration": block,
            "OwnershipControls": ownership,
        }),
    );
    let without_options = bench.read(KIND, &[]).await;
    let mut expected =
        json!({"BucketName": plain, "Arn": format!("arn:aws:s3:::{plain}"), "CreationDate": "<time>", "Tags": []});
    assert_shape(&Value::Object(without_options[&plain].properties.clone()), &expected);
    // Null is what mappings know of us-east-1; that there is no configuration is no failure.
    expected["LocationConstraint"] = Value::Null;
    assert_shape(&Value::Object(with_options[&plain].properties.clone()), &expected);
    for bucket in with_options.values() {
        assert!(bucket.incomplete.is_empty() && bucket.context.is_empty(), "{bucket:?}");
    }
}

#[tokio::test]
async fn every_bucket_is_read_in_its_own_region() {
    let bench = Bench::create().await;
    let near = bench.alpha_in("eu-west-1").create_bucket("near", &[]).await;
    let far = bench.alpha_in("us-east-1").create_bucket("far", &[]).await;
    let buckets = bench.read(KIND, &all_options(KIND)).await;
    assert_eq!(buckets[&near].region.as_deref(), Some("eu-west-1"));
    assert_eq!(buckets[&far].region.as_deref(), Some("us-east-1"));
    for call in bench.organization.calls().await {
        let wanted = match call.path.trim_matches('/') {
            bucket if bucket == near => "eu-west-1",
            bucket if bucket == far => "us-east-1",
            _ => continue,
        };
        assert_eq!(call.region, wanted, "{call:?}");
    }
}

/// A service control policy may deny a region that is enabled, and the first one as well as any other.
#[tokio::test]
async fn a_denied_region_is_left_for_the_next_one() {
    let bench = Bench::create().await;
    let bucket = bench.alpha_in("us-east-1").create_bucket("logs", &[("team", "sea")]).await;
    let denied = json!({"region": "eu-west-1", "service": "s3", "effect": {"status": 403, "code": "AccessDenied"}});
    bench.order_fault(KIND, denied).await;
    let buckets = bench.read(KIND, &all_options(KIND)).await;
    assert_eq!(buckets[&bucket].incomplete, []);
    assert_eq!(buckets[&bucket].properties["LocationConstraint"], Value::Null);

    let everywhere = json!({"service": "s3", "effect": {"status": 403, "code": "AccessDenied"}});
    bench.order_fault(KIND, everywhere).await;
    let refused = bench.page(KIND, &[], None).await;
    assert!(matches!(refused, Err(ReadError::Denied(_))), "{refused:?}");
}

/// As S3 wrote it before 2024, and as it may again where a listing is not paged.
#[tokio::test]
async fn a_bucket_whose_region_is_not_listed_is_located() {
    let bench = Bench::create().await;
    let bucket = bench.alpha_in("us-east-1").create_bucket("logs", &[]).await;
    let list = format!(
        r#"<ListAllMyBucketsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Buckets><Bucket><Name>{bucket}</Name>
        <CreationDate>2020-05-06T07:08:09.123Z</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>"#
    );
    bench.answer_once(KIND, "s3", "ListBuckets", "", &list).await;
    let read = bench.read_one(KIND, &[]).await;
    assert_eq!(read.region.as_deref(), Some("us-east-1"));
    assert_shape(
        &Value::Object(read.properties),
        &json!({"BucketName": bucket, "Arn": format!("arn:aws:s3:::{bucket}"), "CreationDate": "2020-05-06T07:08:09.123000Z", "Tags": []}),
    );

    // Ireland's oldest buckets have a constraint that is no region's name.
    bench.answer_once(KIND, "s3", "ListBuckets", "", &list).await;
    let oldest = r#"<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">EU</LocationConstraint>"#;
    bench.answer_once(KIND, "s3", "GetBucketLocation", "", oldest).await;
    let read = bench.read_one(KIND, &["GetBucketLocationAction"]).await;
    assert_eq!(read.region.as_deref(), Some("eu-west-1"));
    assert_eq!(read.properties["LocationConstraint"], "EU");
}
