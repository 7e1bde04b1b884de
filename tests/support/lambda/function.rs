//! A function: a built binary that is started, invoked and killed as on Lambda.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::logs::Logs;
use super::runtime_process::{InvocationFailure, Limits, Settings};
use super::slot::{Job, KillOrder, Slot};
use super::usage::{Processes, Usage};

/// A built binary behind its own Runtime API. Its processes end with this value.
pub struct Function {
    jobs: mpsc::Sender<Job>,
    kill_orders: Vec<mpsc::Sender<KillOrder>>,
    slots: Vec<JoinHandle<()>>,
    logs: Arc<Logs>,
    processes: Arc<Processes>,
}

impl Function {
    /// Prepares a function that runs in at most so many processes. A process is started by the first invocation that
    /// finds no other one idle, and kept. It sees this environment, `PATH` and what Lambda sets, nothing else.
    pub async fn start(
        name: &str,
        binary: &Path,
        environment: &[(String, String)],
        limits: impl Into<Limits>,
        processes: usize,
    ) -> Self {
        assert!(binary.exists(), "{} is not built", binary.display());
        let logs = Arc::new(Logs::new());
        let started = Arc::new(Processes::default());
        let settings = Arc::new(Settings {
            name: name.to_owned(),
            binary: binary.to_owned(),
            environment: environment.to_vec(),
            limits: limits.into(),
            logs: logs.clone(),
            processes: started.clone(),
        });
        let (jobs, job_receiver) = mpsc::channel(1);
        let job_receiver = Arc::new(Mutex::new(job_receiver));
        let mut function = Self { jobs, kill_orders: Vec::new(), slots: Vec::new(), logs, processes: started };
        for _ in 0..processes {
            let (kill_order_sender, kill_orders) = mpsc::channel(1);
            let slot = Slot { settings: settings.clone(), jobs: job_receiver.clone(), kill_orders };
            function.kill_orders.push(kill_order_sender);
            function.slots.push(tokio::spawn(slot.run()));
        }
        function
    }

    /// Invokes the function and waits for its answer. Waits for a process to be free, too: there is no throttling.
    pub async fn invoke(&self, payload: Value) -> Result<Value, InvocationFailure> {
        let (answer, outcome) = oneshot::channel();
        let job = Job { payload, answer };
        if self.jobs.send(job).await.is_err() {
            panic!("the host of the function has ended (see above)");
        }
        outcome.await.expect("the host of the function answers")
    }

    /// What all processes printed so far.
    pub fn log_lines(&self) -> Vec<String> {
        self.logs.lines()
    }

    /// Everything that the processes printed, to the last line: they are killed for it. The next invocation starts anew.
    pub async fn all_log_lines(&self) -> Vec<String> {
        self.kill().await;
        self.logs.wait_for_end().await;
        self.log_lines()
    }

    /// What each process used up to the end of its last invocation, in the order in which they were started.
    pub fn usages(&self) -> Vec<Usage> {
        self.processes.usages()
    }

    /// Waits for a line that contains a text, as lines may arrive after the answer of the invocation that printed
    /// them. Lines that were printed before count too.
    pub async fn wait_for_log_line(&self, part: &str, longest: Duration) -> Option<String> {
        self.logs.wait_for_line(|line| line.contains(part), longest).await
    }

    /// Kills all processes. Their invocations fail with [`InvocationFailure::ProcessDied`]; the next ones start anew.
    pub async fn kill(&self) {
        for slot in &self.kill_orders {
            let (killed, gone) = oneshot::channel();
            slot.send(killed).await.expect("the host of the function runs");
            gone.await.expect("the host of the function runs");
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        for slot in &self.slots {
            slot.abort();
        }
    }
}
