//! Carries messages from a queue to a function, as Lambda's event source mapping does, with one message per event.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::event::{is_success, sqs_event};
use super::function::Function;
use super::runtime_process::InvocationFailure;
use crate::support::aws::{Aws, Queue};

/// How long to wait for a message before looking again.
const WAIT: Duration = Duration::from_secs(10);

/// What happens while every message of the queue is delayed or invisible and no invocation runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// Time is skipped: what would be received first is received at once.
    Skipped,
    /// Time passes as it does.
    Real,
}

/// Why a pump ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PumpEnd {
    /// No message was left: neither visible nor in flight nor delayed.
    QueueEmpty,
    /// The condition of [`Pump::until`] held.
    ConditionHeld,
    /// The queue was not empty in time. Invocations may still run.
    #[default]
    LimitReached,
}

/// One message, handed to the function once.
#[derive(Clone, Debug)]
pub struct Delivery {
    pub message_id: String,
    pub body: String,
    pub receive_count: u32,
    /// The answer of the function, if it gave one.
    pub outcome: Result<Value, InvocationFailure>,
    /// Whether the message was deleted: the function answered, and did not list it as failed.
    pub succeeded: bool,
}

/// What a pump did.
#[derive(Clone, Debug, Default)]
pub struct PumpReport {
    pub end: PumpEnd,
    /// In the order in which they ended.
    pub deliveries: Vec<Delivery>,
    /// The bodies of all messages that are in the dead-letter queue at the end.
    pub dead_letters: Vec<String>,
}

type Condition<'a> = Box<dyn FnMut(&PumpReport) -> bool + Send + 'a>;

/// A pump to be set up and run.
pub struct Pump<'a> {
    aws: &'a Aws,
    queue: &'a Queue,
    dead_letter_queue: &'a Queue,
    worker: &'a Function,
    concurrency: usize,
    time: Time,
    limit: Duration,
    condition: Option<Condition<'a>>,
}

impl PumpReport {
    pub fn invocations(&self) -> usize {
        self.deliveries.len()
    }

    /// The deliveries after which the message stayed in the queue.
    pub fn failures(&self) -> Vec<&Delivery> {
        let failed = self.deliveries.iter().filter(|delivery| !delivery.succeeded);
        failed.collect()
    }

    /// How often each body was delivered.
    pub fn deliveries_by_body(&self) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for delivery in &self.deliveries {
            *counts.entry(delivery.body.as_str()).or_default() += 1;
        }
        counts
    }
}

impl<'a> Pump<'a> {
    /// A pump that runs one invocation at a time, skips time, and gives up after a minute.
    pub fn new(aws: &'a Aws, queue: &'a Queue, dead_letter_queue: &'a Queue, worker: &'a Function) -> Self {
        Self {
            aws,
            queue,
            dead_letter_queue,
            worker,
            concurrency: 1,
            time: Time::Skipped,
            limit: Duration::from_secs(60),
            condition: None,
        }
    }

    /// How many invocations run at the same time.
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency;
        self
    }

    pub fn time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// After how long to give up.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Ends when a condition holds, which is asked after every invocation. Those under way are waited for.
    pub fn until(mut self, condition: impl FnMut(&PumpReport) -> bool + Send + 'a) -> Self {
        self.condition = Some(Box::new(condition));
        self
    }

    /// Runs until the queue is empty, the condition holds or the time is up.
    pub async fn run(mut self) -> PumpReport {
        let mut report = PumpReport::default();
        let limit = self.limit;
        // At the limit, what runs is left alone; the report says so.
        let _ = tokio::time::timeout(limit, self.pump(&mut report)).await;
        let dead_letters = self.aws.queue_messages(self.dead_letter_queue).await;
        report.dead_letters = dead_letters.into_iter().map(|message| message.body).collect();
        report
    }

    async fn pump(&mut self, report: &mut PumpReport) {
        let (aws, queue, worker) = (self.aws, self.queue, self.worker);
        let mut under_way = FuturesUnordered::new();
        let mut condition_holds = false;
        loop {
            while !condition_holds && under_way.len() < self.concurrency {
                let Some(message) = receive(aws, queue).await else {
                    break;
                };
                under_way.push(deliver(aws, queue, worker, message));
            }
            if under_way.is_empty() {
                if condition_holds {
                    report.end = PumpEnd::ConditionHeld;
                    return;
                }
                if self.is_over().await {
                    report.end = PumpEnd::QueueEmpty;
                    return;
                }
                continue;
            }
            let takes_more = !condition_holds && under_way.len() < self.concurrency;
            tokio::select! {
                Some(delivery) = under_way.next() => {
                    report.deliveries.push(delivery);
                    if let Some(condition) = &mut self.condition {
                        condition_holds = condition_holds || condition(report);
                    }
                }
                _ = aws.wait_for_message(queue, WAIT), if takes_more => {}
            }
        }
    }

    /// With nothing under way and nothing to receive: whether nothing can follow. Otherwise lets time pass.
    async fn is_over(&self) -> bool {
        if self.aws.queue_counts(self.queue).await.is_empty() {
            return true;
        }
        match self.time {
            Time::Skipped => {
                self.aws.advance_queue(self.queue, &[]).await;
            }
            Time::Real => {
                self.aws.wait_for_message(self.queue, WAIT).await;
            }
        }
        false
    }
}

async fn receive(aws: &Aws, queue: &Queue) -> Option<Value> {
    let order = json!({
        "QueueUrl": queue.url,
        "MaxNumberOfMessages": 1,
        "WaitTimeSeconds": 0,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    });
    let answer = call(aws, queue, "receive_message", order).await;
    answer["Messages"].get(0).cloned()
}

async fn deliver(aws: &Aws, queue: &Queue, worker: &Function, message: Value) -> Delivery {
    let outcome = worker.invoke(sqs_event(queue, &message)).await;
    let succeeded = outcome.as_ref().is_ok_and(is_success);
    if succeeded {
        let order = json!({"QueueUrl": queue.url, "ReceiptHandle": message["ReceiptHandle"]});
        call(aws, queue, "delete_message", order).await;
    }
    let field = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let receive_count = field(&message["Attributes"]["ApproximateReceiveCount"]);
    Delivery {
        message_id: field(&message["MessageId"]),
        body: field(&message["Body"]),
        receive_count: receive_count.parse().expect("SQS counts receptions"),
        outcome,
        succeeded,
    }
}

/// Not through an SDK client: what Lambda does must be neither in the call log nor hit by faults meant for Portolan.
async fn call(aws: &Aws, queue: &Queue, operation: &'static str, parameters: Value) -> Value {
    let result = aws.call(&queue.account, &queue.region, "sqs", operation, parameters).await;
    result.unwrap_or_else(|error| panic!("sqs:{operation}: {error}"))
}
