//! SQS queues, looked at and moved in time from outside.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::Aws;
use super::organization::partition_of;

/// A queue of the emulated AWS.
#[derive(Clone, Debug)]
pub struct Queue {
    pub account: String,
    pub region: String,
    pub url: String,
}

/// How many messages a queue holds.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub struct QueueCounts {
    pub visible: usize,
    pub in_flight: usize,
    pub delayed: usize,
}

/// A message in a queue, not received.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct QueuedMessage {
    pub message_id: String,
    pub body: String,
    pub receive_count: u32,
    /// `visible`, `in_flight` or `delayed`.
    pub state: String,
}

impl Queue {
    /// The ARN of the queue.
    pub fn arn(&self) -> String {
        let name = self.url.rsplit('/').next().expect("a URL has a last part");
        format!("arn:{}:sqs:{}:{}:{name}", partition_of(&self.region), self.region, self.account)
    }

    fn order(&self) -> Value {
        json!({"account": self.account, "region": self.region, "queue": self.url})
    }
}

impl QueueCounts {
    /// Whether there is no message at all.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl Aws {
    /// Counts the messages of a queue.
    pub async fn queue_counts(&self, queue: &Queue) -> QueueCounts {
        self.post("/testbed/sqs/counts", &queue.order()).await
    }

    /// The messages of a queue; none of them is received by this.
    pub async fn queue_messages(&self, queue: &Queue) -> Vec<QueuedMessage> {
        self.post("/testbed/sqs/messages", &queue.order()).await
    }

    /// Lets time pass for the delayed and invisible messages of a queue until the first of them can be received.
    /// Those whose ids are given are in process and stay as they are. Gives how many can now be received.
    pub async fn advance_queue(&self, queue: &Queue, in_process: &[String]) -> usize {
        let mut order = queue.order();
        order["except"] = json!(in_process);
        self.advance(&order).await
    }

    /// Makes all delayed and invisible messages of a queue visible now.
    pub async fn advance_queue_to_the_end(&self, queue: &Queue) -> usize {
        let mut order = queue.order();
        order["all"] = json!(true);
        self.advance(&order).await
    }

    /// Waits until a message can be received, at most so long.
    pub async fn wait_for_message(&self, queue: &Queue, longest: Duration) -> QueueCounts {
        let mut order = queue.order();
        order["timeout_ms"] = json!(longest.as_millis());
        self.post("/testbed/sqs/wait", &order).await
    }

    async fn advance(&self, order: &Value) -> usize {
        #[derive(Deserialize)]
        struct Advanced {
            advanced: usize,
        }
        let answer: Advanced = self.post("/testbed/sqs/advance", order).await;
        answer.advanced
    }
}
