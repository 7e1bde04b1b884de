//! Port's credentials in Secrets Manager.

use aws_sdk_secretsmanager::Client;
use serde::Deserialize;

use crate::kinds::{Failure, ReadError};
use crate::port::PortCredentials;

/// AWS Secrets Manager keeps no larger secret.
const LARGEST_SECRET_BYTES: usize = 65_536;

/// The two forms that the secret may have: the older exporter's, and one that names what it holds.
#[derive(Deserialize)]
#[serde(untagged)]
enum SecretForm {
    Exporter {
        id: String,
        #[serde(rename = "clientSecret")]
        client_secret: String,
    },
    Named {
        #[serde(rename = "PORT_CLIENT_ID")]
        id: String,
        #[serde(rename = "PORT_CLIENT_SECRET")]
        client_secret: String,
    },
}

/// A secret that gives no credentials. Its content is never part of the message.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error(
        "the secret {arn} could not be read: {failure}; check that it exists, and that the function's role may read it and decrypt with its key"
    )]
    Unreadable { arn: String, failure: Failure },
    #[error("the secret {arn} has {bytes} bytes; at most {LARGEST_SECRET_BYTES} are possible")]
    TooLarge { arn: String, bytes: usize },
    #[error(
        "the secret {arn} has no usable text; {{\"id\":\"…\",\"clientSecret\":\"…\"}} or {{\"PORT_CLIENT_ID\":\"…\",\"PORT_CLIENT_SECRET\":\"…\"}} is expected"
    )]
    Form { arn: String },
}

/// Reads the credentials from a secret.
pub async fn read_port_credentials(client: &Client, arn: &str) -> Result<PortCredentials, SecretError> {
    let answer = client.get_secret_value().secret_id(arn).send().await;
    let output = answer
        .map_err(ReadError::of("secretsmanager:GetSecretValue"))
        .map_err(|error| SecretError::Unreadable { arn: arn.to_owned(), failure: error.failure().clone() })?;
    credentials_of(arn, output.secret_string.as_deref().unwrap_or_default())
}

fn credentials_of(arn: &str, text: &str) -> Result<PortCredentials, SecretError> {
    if text.len() > LARGEST_SECRET_BYTES {
        return Err(SecretError::TooLarge { arn: arn.to_owned(), bytes: text.len() });
    }
    parse(text).ok_or_else(|| SecretError::Form { arn: arn.to_owned() })
}

/// serde's own errors quote what they read, so they are dropped.
fn parse(text: &str) -> Option<PortCredentials> {
    let (SecretForm::Exporter { id, client_secret } | SecretForm::Named { id, client_secret }) =
        serde_json::from_str(text).ok()?;
    let complete = !id.trim().is_empty() && !client_secret.trim().is_empty();
    complete
        .then(|| PortCredentials { client_id: id.trim().to_owned(), client_secret: client_secret.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        for text in
            [r#"{"id":"a","clientSecret":"b"}"#, r#"{"PORT_CLIENT_ID":"a","PORT_CLIENT_SECRET":" b ","more":1}"#]
        {
            let credentials = parse(text).unwrap();
            assert_eq!((credentials.client_id.as_str(), credentials.client_secret.as_str()), ("a", "b"));
        }
        for text in [
            "",
            "{}",
            "a:b",
            r#"{"id":"a"}"#,
            r#"{"id":"a","clientSecret":""}"#,
            r#"{"id":"a","PORT_CLIENT_SECRET":"b"}"#,
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_secret_that_is_too_large_is_told_with_its_size_and_without_its_content() {
        let text = format!(r#"{{"id":"a","clientSecret":"{}"}}"#, "hush".repeat(20_000));
        let told = credentials_of("arn:secret", &text).unwrap_err().to_string();
        assert!(told.contains(&text.len().to_string()) && told.contains("65536"), "{told}");
        assert!(told.contains("arn:secret") && !told.contains("hush"), "{told}");
    }
}
