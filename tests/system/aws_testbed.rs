//! The emulated AWS and the function host do what the other tests rely on.

mod credentials;
mod faults;
mod functions;
mod organization;
mod queue;
mod server;
mod storage;
mod trust;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use std::time::Duration;

use crate::support::aws::{Aws, Organization, OrganizationPlan, credentials, sdk_config};

/// An organization with two members in nested units.
async fn small_organization() -> Organization<'static> {
    let plan =
        OrganizationPlan::new().member("alpha", "Workloads/Production").member_without_read_role("beta", "Workloads");
    Organization::create(Aws::shared().await, plan).await
}

/// Configuration of clients that act in an account and report the first failure.
async fn clients_in(account: &str) -> aws_config::SdkConfig {
    let aws = Aws::shared().await;
    let (access_key_id, secret) = aws.new_account_credentials(account).await;
    let config = sdk_config(aws, "us-east-1", credentials(&access_key_id, &secret, None));
    without_retries(&config)
}

fn without_retries(config: &aws_config::SdkConfig) -> aws_config::SdkConfig {
    let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(5));
    config.to_builder().retry_config(RetryConfig::disabled()).timeout_config(timeouts.build()).build()
}

/// The error code of a failed SDK call.
macro_rules! error_code {
    ($result:expr) => {{
        use aws_smithy_types::error::metadata::ProvideErrorMetadata;
        let error = $result.expect_err("the call fails");
        error.code().map(str::to_owned).unwrap_or_else(|| panic!("no code in {error:?}"))
    }};
}
use error_code;
