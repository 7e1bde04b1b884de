//! Amazon S3. Speaks XML: the SDK's types are projected.

use aws_sdk_s3::Client;
use aws_sdk_s3::types::Bucket;
use serde_json::Value;

use super::fields::{Field, Form};
use super::projection::Members;
use super::{IncludeAction, Kind, Page, ReadError, Reading, Resource, Scope};

const LOCATION: &str = "GetBucketLocationAction";
const ENCRYPTION: &str = "GetBucketEncryptionAction";
const PUBLIC_ACCESS_BLOCK: &str = "GetPublicAccessBlockAction";
const OWNERSHIP: &str = "GetBucketOwnershipControlsAction";

/// Buckets of one listing call. S3 names each bucket's region only in answers that are paged.
const PAGE_SIZE: i32 = 250;

pub const BUCKET: Kind = Kind {
    name: "AWS::S3::Bucket",
    scope: Scope::Global,
    calls: "n/250 ListBuckets, n GetBucketTagging, and a GetBucketLocation for each bucket whose region the listing does not name",
    // Without the location, a bucket whose region the listing does not name could not be read where it lies.
    iam_actions: &["s3:ListAllMyBuckets", "s3:GetBucketTagging", "s3:GetBucketLocation"],
    include_actions: &[
        IncludeAction { name: LOCATION, calls: "n GetBucketLocation", iam_actions: &["s3:GetBucketLocation"] },
        IncludeAction {
            name: ENCRYPTION,
            calls: "n GetBucketEncryption",
            iam_actions: &["s3:GetEncryptionConfiguration"],
        },
        IncludeAction {
            name: PUBLIC_ACCESS_BLOCK,
            calls: "n GetPublicAccessBlock",
            iam_actions: &["s3:GetBucketPublicAccessBlock"],
        },
        IncludeAction {
            name: OWNERSHIP,
            calls: "n GetBucketOwnershipControls",
            iam_actions: &["s3:GetBucketOwnershipControls"],
        },
    ],
    is_history: false,
    fields: FIELDS,
    context: &[],
    list: |reading, cursor| Box::pin(buckets(reading, cursor)),
};

const FIELDS: &[Field] = &[
    ("BucketName", Form::Text),
    ("Arn", Form::Text),
    ("CreationDate", Form::Time),
    ("LocationConstraint", Form::Text),
    ("Tags", Form::Objects),
    ("BucketEncryption", Form::Object),
    ("PublicAccessBlockConfiguration", Form::Object),
    ("OwnershipControls", Form::Object),
];

async fn buckets(reading: &Reading, cursor: Option<String>) -> Result<Page, ReadError> {
    let (output, region) = list_buckets(reading, cursor).await?;
    let buckets = output.buckets.unwrap_or_default();
    let read = reading.for_each(buckets, |bucket| read_bucket(reading, &region, bucket)).await;
    let mut resources = Vec::new();
    for bucket in read {
        resources.extend(bucket?);
    }
    // Before the region makes something of an empty token, which is the end as an absent one is.
    let token = output.continuation_token.filter(|token| !token.is_empty());
    let next = token.map(|token| format!("{region} {token}"));
    Ok(Page::new(resources, next))
}

/// The listing is the same from every region, but a service control policy may deny some of them: the next enabled one
/// is tried then. A cursor belongs to the region that gave it.
async fn list_buckets(
    reading: &Reading,
    cursor: Option<String>,
) -> Result<(aws_sdk_s3::operation::list_buckets::ListBucketsOutput, String), ReadError> {
    const CALL: &str = "s3:ListBuckets";
    if let Some((region, token)) = cursor.as_deref().and_then(|cursor| cursor.split_once(' ')) {
        let client = reading.client_in(region, Client::new);
        let output = client
            .list_buckets()
            .max_buckets(PAGE_SIZE)
            .continuation_token(token)
            .send()
            .await
            .map_err(ReadError::of(CALL))?;
        return Ok((output, region.to_owned()));
    }
    let mut denied = None;
    for region in &reading.enabled_regions {
        let client = reading.client_in(region, Client::new);
        match client.list_buckets().max_buckets(PAGE_SIZE).send().await.map_err(ReadError::of(CALL)) {
            Ok(output) => return Ok((output, region.clone())),
            Err(error @ ReadError::Denied(_)) => denied = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(denied
        .unwrap_or_else(|| ReadError::undecodable(CALL, "the account has no enabled region to list buckets from")))
}

/// A bucket with its tags and options; none when it was deleted in between. `listing_region` is one that answers.
async fn read_bucket(reading: &Reading, listing_region: &str, bucket: Bucket) -> Result<Option<Resource>, ReadError> {
    let Some(name) = bucket.name.clone() else {
        return Err(ReadError::undecodable("s3:ListBuckets", "a bucket has no name"));
    };
    let arn = format!("arn:{}:s3:::{name}", reading.partition);
    let members = Members::new()
        .text("BucketName", &bucket.name)
        .text("Arn", &Some(arn))
        .time("CreationDate", &bucket.creation_date);
    let mut resource = Resource::new(name.as_str(), members.into_map());

    let mut location = None;
    if bucket.bucket_region.is_none() || reading.wants(LOCATION) {
        // Every region knows every bucket's location, but not every region may be asked.
        let region = bucket.bucket_region.as_deref().unwrap_or(listing_region);
        match location_of(&reading.client_in(region, Client::new), &name).await {
            Ok(constraint) => location = Some(constraint),
            Err(error) if is_gone(&error) => return Ok(None),
            // Without its region, nothing more can be asked of it.
            Err(error) if bucket.bucket_region.is_none() => {
                resource.lacks("GetBucketLocation", &error);
                return Ok(Some(resource));
            }
            Err(error) => resource.lacks_option(LOCATION, &error),
        }
    }
    if let Some(constraint) = &location
        && reading.wants(LOCATION)
    {
        resource
            .properties
            .insert("LocationConstraint".to_owned(), constraint.clone().map_or(Value::Null, Value::from));
    }
    let region =
        bucket.bucket_region.unwrap_or_else(|| region_of_constraint(location.flatten().as_deref(), listing_region));
    // A bucket's own calls go to its region; S3 answers elsewhere with a redirect.
    let client = reading.client_in(&region, Client::new);
    resource.region = Some(region);

    let steps = [
        add_tags(&client, &mut resource).await,
        add_public_access_block(reading, &client, &mut resource).await,
        add_ownership_controls(reading, &client, &mut resource).await,
        add_encryption(reading, &client, &mut resource).await,
    ];
    let deleted_in_between = steps.contains(&Existence::Gone);
    Ok((!deleted_in_between).then_some(resource))
}

/// Whether the bucket was still there when it was asked for.
#[derive(PartialEq)]
enum Existence {
    There,
    Gone,
}

fn is_gone(error: &ReadError) -> bool {
    error.code() == "NoSuchBucket"
}

/// S3 writes `us-east-1` as no constraint at all, and Ireland's oldest buckets as `EU`.
fn region_of_constraint(constraint: Option<&str>, default_region: &str) -> String {
    match constraint {
        None if default_region.starts_with("us-gov-") || default_region.starts_with("cn-") => default_region.to_owned(),
        None => "us-east-1".to_owned(),
        Some("EU") => "eu-west-1".to_owned(),
        Some(region) => region.to_owned(),
    }
}

async fn location_of(client: &Client, bucket: &str) -> Result<Option<String>, ReadError> {
    let output =
        client.get_bucket_location().bucket(bucket).send().await.map_err(ReadError::of("s3:GetBucketLocation"))?;
    Ok(output
        .location_constraint
        .map(|constraint| constraint.as_str().to_owned())
        .filter(|constraint| !constraint.is_empty()))
}

async fn add_tags(client: &Client, bucket: &mut Resource) -> Existence {
    let answer =
        client.get_bucket_tagging().bucket(&bucket.key).send().await.map_err(ReadError::of("s3:GetBucketTagging"));
    let tags = match answer {
        Ok(output) => {
            output.tag_set.iter().map(|tag| Value::from(Members::tag(Some(&tag.key), Some(&tag.value)))).collect()
        }
        Err(error) if error.code() == "NoSuchTagSet" => Vec::new(),
        Err(error) if is_gone(&error) => return Existence::Gone,
        Err(error) => {
            bucket.lacks("GetBucketTagging", &error);
            return Existence::There;
        }
    };
    bucket.properties.insert("Tags".to_owned(), Value::Array(tags));
    Existence::There
}

async fn add_public_access_block(reading: &Reading, client: &Client, bucket: &mut Resource) -> Existence {
    if !reading.wants(PUBLIC_ACCESS_BLOCK) {
        return Existence::There;
    }
    let answer = client
        .get_public_access_block()
        .bucket(&bucket.key)
        .send()
        .await
        .map_err(ReadError::of("s3:GetPublicAccessBlock"));
    let configuration = answer.map(|output| output.public_access_block_configuration);
    add_option(
        bucket,
        PUBLIC_ACCESS_BLOCK,
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        configuration,
        |block| {
            Members::new()
                .value("BlockPublicAcls", block.block_public_acls)
                .value("IgnorePublicAcls", block.ignore_public_acls)
                .value("BlockPublicPolicy", block.block_public_policy)
                .value("RestrictPublicBuckets", block.restrict_public_buckets)
        },
    )
}

async fn add_ownership_controls(reading: &Reading, client: &Client, bucket: &mut Resource) -> Existence {
    if !reading.wants(OWNERSHIP) {
        return Existence::There;
    }
    let answer = client
        .get_bucket_ownership_controls()
        .bucket(&bucket.key)
        .send()
        .await
        .map_err(ReadError::of("s3:GetBucketOwnershipControls"));
    let controls = answer.map(|output| output.ownership_controls);
    add_option(bucket, OWNERSHIP, "OwnershipControls", "OwnershipControlsNotFoundError", controls, |controls| {
        let rules = Some(controls.rules.clone());
        Members::new()
            .objects("Rules", &rules, |rule| Members::new().text("ObjectOwnership", &Some(&rule.object_ownership)))
    })
}

async fn add_encryption(reading: &Reading, client: &Client, bucket: &mut Resource) -> Existence {
    if !reading.wants(ENCRYPTION) {
        return Existence::There;
    }
    let answer = client
        .get_bucket_encryption()
        .bucket(&bucket.key)
        .send()
        .await
        .map_err(ReadError::of("s3:GetBucketEncryption"));
    let configuration = answer.map(|output| output.server_side_encryption_configuration);
    add_option(
        bucket,
        ENCRYPTION,
        "BucketEncryption",
        "ServerSideEncryptionConfigurationNotFoundError",
        configuration,
        |configuration| {
            let rules = Some(configuration.rules.clone());
            Members::new().objects("Rules", &rules, |rule| {
                Members::new()
                    .object(
                        "ApplyServerSideEncryptionByDefault",
                        &rule.apply_server_side_encryption_by_default,
                        |default| {
                            Members::new()
                                .text("SSEAlgorithm", &Some(&default.sse_algorithm))
                                .text("KMSMasterKeyID", &default.kms_master_key_id)
                        },
                    )
                    .value("BucketKeyEnabled", rule.bucket_key_enabled)
                    .object("BlockedEncryptionTypes", &rule.blocked_encryption_types, |blocked| {
                        Members::new().texts("EncryptionType", &blocked.encryption_type)
                    })
            })
        },
    )
}

/// Puts an option's answer under its name. A bucket without the configuration has the member left out, which is an
/// answer too.
fn add_option<T>(
    bucket: &mut Resource,
    action: &'static str,
    member: &str,
    code_for_none: &str,
    answer: Result<Option<T>, ReadError>,
    project: impl Fn(&T) -> Members,
) -> Existence {
    match answer {
        Ok(Some(configuration)) => {
            bucket.properties.insert(member.to_owned(), project(&configuration).into());
        }
        Ok(None) => {}
        Err(error) if error.code() == code_for_none => {}
        Err(error) if is_gone(&error) => return Existence::Gone,
        Err(error) => bucket.lacks_option(action, &error),
    }
    Existence::There
}
