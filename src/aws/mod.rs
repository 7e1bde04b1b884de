//! AWS as Portolan uses it: identities, the reader of kinds, the state bucket, the queue and the secret.
//!
//! One HTTP client, and so one pool of connections and one TLS configuration, serves every client of the process.

mod clients;
mod identity;
mod inaccessible;
mod limits;
mod queue;
mod reader;
mod role;
mod secret;
mod session_policy;
mod store;
mod web_identity;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::Builder as HttpClientBuilder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

pub use clients::Clients;
pub use identity::Identities;
pub use inaccessible::{Inaccessible, Shown, ShownToken};
pub use limits::{KNOWN_QUOTAS, KnownQuota, Quota, USUAL};
pub use queue::SqsQueue;
pub use reader::AwsReader;
pub use role::{RoleArn, RoleArnError};
pub use secret::{SecretError, read_port_credentials};
pub use session_policy::{DATA_AND_SECRETS, read_policy};
pub use store::S3Store;

/// Tries of one call, the first included, where `AWS_MAX_ATTEMPTS` says nothing else. The SDK waits between them with
/// jitter.
const TRIES: u32 = 5;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// From the sending of a call to the beginning of its answer. Listings that take longer do not exist; a connection that
/// hangs does. The time in which a call waits for its turn is not in it, and the SDK itself watches that an answer that has
/// begun goes on.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The configuration of the base identity: the default credential chain and the process's one HTTP client.
pub async fn base_config() -> SdkConfig {
    let http_client = HttpClientBuilder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https();
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ANSWER_TIMEOUT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http_client).timeout_config(timeouts);
    if std::env::var_os("AWS_MAX_ATTEMPTS").is_none() {
        loader = loader.retry_config(RetryConfig::standard().with_max_attempts(TRIES));
    }
    loader.load().await
}

/// The partition of a region; none where it is not supported: the European Sovereign Cloud (`eusc-de-east-1`) and the
/// isolated ones (`us-iso-east-1`, `eu-isoe-west-1`).
pub fn partition_of_region(region: &str) -> Option<&'static str> {
    match region {
        _ if region.starts_with("us-gov-") => Some("aws-us-gov"),
        _ if region.starts_with("cn-") => Some("aws-cn"),
        _ if region.starts_with("eusc-") || region.contains("-iso") => None,
        _ => Some("aws"),
    }
}

/// The region in which a partition's global services are called: AWS Organizations and Account Management have no
/// endpoint elsewhere. No account can disable it.
pub fn partition_region(partition: &str) -> &'static str {
    match partition {
        "aws-us-gov" => "us-gov-west-1",
        "aws-cn" => "cn-northwest-1",
        _ => "us-east-1",
    }
}
