//! What survives between invocations: built once when a process starts, without a single call to anywhere.

use std::sync::Arc;
use std::time::Duration;

use crate::aws::{AwsReader, Identities, KNOWN_QUOTAS, S3Store, SqsQueue, base_config};
use crate::config::{PortCredentialSource, Settings, SettingsError};
use crate::port::{CredentialSource, PortCatalog, PortClient, PortCredentials};
use crate::schedule::Scheduler;
use crate::seams::SystemClock;
use crate::work::Worker;

/// How long one of the worker's calls waits for Port's rate limit. An invocation that only waits is paid for, and holds
/// the place of another target; a delayed message costs nothing. Within this, going on is cheaper than to begin again.
const WORKER_PATIENCE: Duration = Duration::from_secs(15);
/// The same for the scheduler, of which nobody sends another message: one of Port's windows, which last five minutes.
const SCHEDULER_PATIENCE: Duration = Duration::from_secs(6 * 60);

/// A process that cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("no HTTP client can be made: {0}")]
    HttpClient(#[from] reqwest::Error),
}

/// The parts that both functions need.
struct Parts {
    settings: Settings,
    identities: Arc<Identities>,
    port: Arc<PortClient>,
    catalog: Arc<PortCatalog>,
    store: Arc<S3Store>,
    queue: Arc<SqsQueue>,
}

impl Parts {
    async fn build(patience: Duration) -> Result<Self, StartError> {
        let settings = Settings::from_environment()?;
        let config = base_config().await;
        let source = match &settings.port.credentials {
            PortCredentialSource::Secret { arn } => {
                CredentialSource::Secret { client: aws_sdk_secretsmanager::Client::new(&config), arn: arn.clone() }
            }
            PortCredentialSource::Variables { client_id, client_secret } => CredentialSource::Known(PortCredentials {
                client_id: client_id.clone(),
                client_secret: client_secret.clone(),
            }),
        };
        let port = Arc::new(PortClient::new(&settings.port.base_url, &settings.integration, source, patience)?);
        Ok(Self {
            catalog: Arc::new(PortCatalog::new(port.clone(), settings.integration.clone())),
            port,
            store: Arc::new(S3Store::new(aws_sdk_s3::Client::new(&config), settings.state_bucket.clone())),
            queue: Arc::new(SqsQueue::new(
                aws_sdk_sqs::Client::new(&config),
                settings.queue_url.clone(),
                settings.dead_letter_queue_url.clone(),
            )),
            identities: Arc::new(Identities::new(config, &settings.accounts, KNOWN_QUOTAS)),
            settings,
        })
    }
}

/// The scheduler of this process's environment.
///
/// # Errors
/// [`StartError`] names everything that is wrong with the environment.
pub async fn scheduler() -> Result<Scheduler, StartError> {
    let parts = Parts::build(SCHEDULER_PATIENCE).await?;
    Ok(Scheduler {
        settings: parts.settings,
        identities: parts.identities,
        port: parts.port,
        catalog: parts.catalog,
        store: parts.store,
        queue: parts.queue,
        clock: Arc::new(SystemClock),
    })
}

/// The worker of this process's environment.
///
/// # Errors
/// [`StartError`] names everything that is wrong with the environment.
pub async fn worker() -> Result<Worker, StartError> {
    let parts = Parts::build(WORKER_PATIENCE).await?;
    let cloud = Arc::new(AwsReader::new(parts.identities));
    Ok(Worker::new(parts.settings.integration, cloud, parts.catalog, parts.store, parts.queue, Arc::new(SystemClock)))
}
