//! One process of a function with its Runtime API.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::process::{Child, Command};

use super::logs::Logs;
use super::runtime_api::{Invocation, RuntimeApi, RuntimeEvent};
use super::usage::Processes;

/// Time for a process from its start to its first request for work.
const INITIALIZATION_LIMIT: Duration = Duration::from_secs(30);

/// Why an invocation gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvocationFailure {
    #[error("the function failed with {error_type}: {message}")]
    Failed { error_type: String, message: String },
    #[error("the process of the function ended")]
    ProcessDied,
    #[error("the function did not answer in time")]
    TimedOut,
}

/// How long an invocation may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// What the function is told by the header of its deadline.
    pub announced: Duration,
    /// After this long it is killed. Lambda kills at the deadline; a test that announces a short one to see what the
    /// function makes of it gives it longer, or a busy machine would decide the outcome.
    pub enforced: Duration,
}

impl From<Duration> for Limits {
    fn from(timeout: Duration) -> Self {
        Self { announced: timeout, enforced: timeout }
    }
}

/// What every process of a function needs to know.
pub(super) struct Settings {
    pub name: String,
    pub binary: PathBuf,
    pub environment: Vec<(String, String)>,
    pub limits: Limits,
    pub logs: Arc<Logs>,
    pub processes: Arc<Processes>,
}

/// A running process. It is killed with this value.
pub(super) struct RuntimeProcess {
    child: Child,
    api: RuntimeApi,
    limit: Duration,
    processes: Arc<Processes>,
}

impl RuntimeProcess {
    pub async fn start(settings: &Settings) -> Self {
        let api = RuntimeApi::start(settings.function_arn(), settings.limits.announced).await;
        let mut child = Command::new(&settings.binary)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(settings.lambda_environment())
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .envs(settings.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", settings.binary.display()));
        let output = child.stdout.take().expect("the output is piped");
        let errors = child.stderr.take().expect("the output is piped");
        settings.logs.follow(output);
        settings.logs.follow(errors);
        if let Some(process) = child.id() {
            settings.processes.started(process);
        }
        Self { child, api, limit: settings.limits.enforced, processes: settings.processes.clone() }
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Hands an invocation to the process and waits for its end. After a failure other than
    /// [`InvocationFailure::Failed`] the process must not be used again.
    pub async fn invoke(&mut self, invocation: Invocation) -> Result<Value, InvocationFailure> {
        let outcome = self.wait_for_outcome(invocation).await;
        if let Some(process) = self.child.id() {
            self.processes.measure(process);
        }
        outcome
    }

    async fn wait_for_outcome(&mut self, invocation: Invocation) -> Result<Value, InvocationFailure> {
        if self.api.invocations.send(invocation).await.is_err() {
            return Err(InvocationFailure::ProcessDied);
        }
        let mut limit = INITIALIZATION_LIMIT;
        loop {
            let event = tokio::select! {
                // What it said before it ended counts.
                biased;
                Some(event) = self.api.events.recv() => event,
                _ = self.child.wait() => return Err(InvocationFailure::ProcessDied),
                () = tokio::time::sleep(limit) => return Err(InvocationFailure::TimedOut),
            };
            match event {
                RuntimeEvent::Taken => limit = self.limit,
                RuntimeEvent::Answered(answer) => return Ok(answer),
                RuntimeEvent::Failed { error_type, message } => {
                    return Err(InvocationFailure::Failed { error_type, message });
                }
                RuntimeEvent::InitializationFailed { error_type, message } => {
                    self.kill().await;
                    return Err(InvocationFailure::Failed { error_type, message });
                }
            }
        }
    }

    /// Kills the process and waits until it is gone.
    pub async fn kill(&mut self) {
        // An error means that it is gone already.
        let _ = self.child.kill().await;
    }
}

impl Settings {
    fn function_arn(&self) -> String {
        format!("arn:aws:lambda:{}:000000000000:function:{}", self.region(), self.name)
    }

    fn region(&self) -> &str {
        let region = self.environment.iter().find(|(name, _)| name == "AWS_REGION");
        region.map_or("us-east-1", |(_, value)| value)
    }

    fn lambda_environment(&self) -> Vec<(&'static str, String)> {
        let log_stream = format!("[$LATEST]{}", uuid::Uuid::new_v4().simple());
        vec![
            ("AWS_DEFAULT_REGION", self.region().to_owned()),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", self.name.clone()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", self.name)),
            ("AWS_LAMBDA_LOG_STREAM_NAME", log_stream),
            ("AWS_REGION", self.region().to_owned()),
            ("LANG", "en_US.UTF-8".to_owned()),
            ("TZ", ":UTC".to_owned()),
            ("_HANDLER", "bootstrap".to_owned()),
        ]
    }
}
