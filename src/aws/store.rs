//! The state bucket.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::kinds::ReadError;
use crate::seams::{Condition, Store, StoreError, StoredObject, Version};

/// A quarter of the functions' memory: what is read has to be held, and understood beside it.
const LARGEST_OBJECT_BYTES: usize = 128 << 20;

/// State objects in S3, with its conditional writes.
pub struct S3Store {
    client: Client,
    bucket: String,
}

impl S3Store {
    pub fn new(client: Client, bucket: String) -> Self {
        Self { client, bucket }
    }
}

/// What S3 answers where the condition of a write does not hold: the object is another, is being written, or is gone.
fn is_conflict(code: &str) -> bool {
    matches!(code, "PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey")
}

fn failed(key: &str, error: &ReadError) -> StoreError {
    StoreError::Failed { key: key.to_owned(), reason: error.failure().to_string() }
}

#[async_trait]
impl Store for S3Store {
    async fn get(&self, key: &str) -> Result<Option<StoredObject>, StoreError> {
        let answer = self.client.get_object().bucket(&self.bucket).key(key).send().await;
        let output = match answer {
            Ok(output) => output,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(failed(key, &ReadError::of("s3:GetObject")(error))),
        };
        let version = version_of(key, output.e_tag)?;
        let bytes = read(output.body, LARGEST_OBJECT_BYTES).await;
        let bytes = bytes.map_err(|reason| StoreError::Failed { key: key.to_owned(), reason })?;
        Ok(Some(StoredObject { bytes, version }))
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, condition: Condition) -> Result<Version, StoreError> {
        // Nobody could read it again.
        if bytes.len() > LARGEST_OBJECT_BYTES {
            let reason = format!("it would have {} bytes; at most {LARGEST_OBJECT_BYTES} are possible", bytes.len());
            return Err(StoreError::Failed { key: key.to_owned(), reason });
        }
        let request = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type("application/json")
            .body(ByteStream::from(bytes));
        let request = match &condition {
            Condition::Always => request,
            Condition::Absent => request.if_none_match("*"),
            Condition::Unchanged(version) => request.if_match(&version.0),
        };
        match request.send().await.map_err(ReadError::of("s3:PutObject")) {
            Ok(output) => version_of(key, output.e_tag),
            Err(error) if is_conflict(error.code()) => Err(StoreError::Conflict { key: key.to_owned() }),
            Err(error) => Err(failed(key, &error)),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(ReadError::of("s3:ListObjectsV2")).map_err(|error| failed(prefix, &error))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }

    async fn delete(&self, key: &str, version: &Version) -> Result<(), StoreError> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key).if_match(&version.0);
        match request.send().await.map_err(ReadError::of("s3:DeleteObject")) {
            Ok(_) => Ok(()),
            Err(error) if is_conflict(error.code()) => Err(StoreError::Conflict { key: key.to_owned() }),
            Err(error) => Err(failed(key, &error)),
        }
    }
}

/// A body, as long as it has at most so many bytes.
async fn read(mut body: ByteStream, allowed: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    while let Some(part) = body.try_next().await.map_err(|error| error.to_string())? {
        if bytes.len() + part.len() > allowed {
            return Err(format!("it has more than {allowed} bytes, which is more than was ever written here"));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

fn version_of(key: &str, e_tag: Option<String>) -> Result<Version, StoreError> {
    e_tag
        .map(Version)
        .ok_or_else(|| StoreError::Failed { key: key.to_owned(), reason: "the answer has no ETag".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_read_up_to_its_limit() {
        let body = || ByteStream::from(vec![7; 100]);
        assert_eq!(read(body(), 100).await, Ok(vec![7; 100]));
        let reason = read(body(), 99).await.unwrap_err();
        assert!(reason.contains("more than 99 bytes"), "{reason}");
    }
}
