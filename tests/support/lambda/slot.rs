//! One place for a process: at most one runs in it, and it runs one invocation at a time.

use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::runtime_api::Invocation;
use super::runtime_process::{InvocationFailure, RuntimeProcess, Settings};

/// An invocation that waits for a process.
pub(super) struct Job {
    pub payload: Value,
    pub answer: oneshot::Sender<Result<Value, InvocationFailure>>,
}

/// An order to kill the process of a slot; answered when it is gone.
pub(super) type KillOrder = oneshot::Sender<()>;

pub(super) struct Slot {
    pub settings: Arc<Settings>,
    /// Shared by all slots of a function.
    pub jobs: Arc<Mutex<mpsc::Receiver<Job>>>,
    pub kill_orders: mpsc::Receiver<KillOrder>,
}

impl Slot {
    /// Runs jobs until there can be no more.
    pub async fn run(mut self) {
        let mut process: Option<RuntimeProcess> = None;
        loop {
            let jobs = self.jobs.clone();
            let next_job = async move { jobs.lock().await.recv().await };
            tokio::select! {
                biased;
                Some(killed) = self.kill_orders.recv() => kill(&mut process, killed).await,
                job = next_job => match job {
                    Some(job) => self.run_job(&mut process, job).await,
                    None => return,
                },
            }
        }
    }

    async fn run_job(&mut self, process: &mut Option<RuntimeProcess>, job: Job) {
        if process.as_mut().is_some_and(RuntimeProcess::has_ended) {
            *process = None;
        }
        let running = match process {
            Some(running) => running,
            None => process.insert(RuntimeProcess::start(&self.settings).await),
        };
        let invocation =
            Invocation { request_id: uuid::Uuid::new_v4().to_string(), payload: job.payload.to_string().into_bytes() };
        let outcome = tokio::select! {
            outcome = running.invoke(invocation) => outcome,
            Some(killed) = self.kill_orders.recv() => {
                kill(process, killed).await;
                Err(InvocationFailure::ProcessDied)
            }
        };
        if matches!(outcome, Err(InvocationFailure::ProcessDied | InvocationFailure::TimedOut))
            && let Some(mut ended) = process.take()
        {
            ended.kill().await;
        }
        // The caller may have given up.
        let _ = job.answer.send(outcome);
    }
}

async fn kill(process: &mut Option<RuntimeProcess>, killed: KillOrder) {
    if let Some(mut process) = process.take() {
        process.kill().await;
    }
    let _ = killed.send(());
}
