//! The queue between scheduler and worker.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};

use crate::kinds::ReadError;
use crate::seams::{Queue, QueueError};

/// SQS API reference: a batch has at most 10 messages.
const BATCH: usize = 10;
/// How often the messages of a batch that SQS named as failed are sent again.
const ROUNDS: usize = 5;
const PAUSE_BETWEEN_ROUNDS: Duration = Duration::from_millis(200);
/// SQS API reference: a message is delayed by at most 15 minutes.
const LONGEST_DELAY_SECONDS: u64 = 900;
/// Characters of a dead letter's reason.
const LONGEST_REASON: usize = 2000;

/// Queue and dead-letter queue in SQS.
pub struct SqsQueue {
    client: Client,
    queue_url: String,
    dead_letter_queue_url: String,
}

impl SqsQueue {
    pub fn new(client: Client, queue_url: String, dead_letter_queue_url: String) -> Self {
        Self { client, queue_url, dead_letter_queue_url }
    }

    /// Sends at most ten messages, those that failed again and again.
    async fn send_batch(&self, bodies: &[String], delay_seconds: i32) -> Result<(), QueueError> {
        let mut open: Vec<usize> = (0..bodies.len()).collect();
        let mut last_reason = String::new();
        for round in 0..ROUNDS {
            if round > 0 {
                tokio::time::sleep(PAUSE_BETWEEN_ROUNDS * 2u32.pow(round as u32)).await;
            }
            let mut entries = Vec::with_capacity(open.len());
            for index in &open {
                let entry = SendMessageBatchRequestEntry::builder()
                    .id(index.to_string())
                    .message_body(&bodies[*index])
                    .delay_seconds(delay_seconds);
                entries.push(entry.build().map_err(|error| QueueError(error.to_string()))?);
            }
            let request = self.client.send_message_batch().queue_url(&self.queue_url).set_entries(Some(entries));
            let output = request.send().await.map_err(ReadError::of("sqs:SendMessageBatch")).map_err(queue_error)?;
            // Only what SQS names as succeeded is on the queue.
            open.retain(|index| !output.successful.iter().any(|sent| sent.id == index.to_string()));
            if open.is_empty() {
                return Ok(());
            }
            last_reason = output
                .failed
                .first()
                .map(|failed| format!("{} {}", failed.code, failed.message.as_deref().unwrap_or_default()))
                .unwrap_or_default();
        }
        Err(QueueError(format!("{} messages could not be sent in {ROUNDS} rounds: {last_reason}", open.len())))
    }
}

fn queue_error(error: ReadError) -> QueueError {
    QueueError(error.failure().to_string())
}

/// SQS API reference: texts have no control characters but tabs and line ends, and an attribute is never empty. A
/// reason may quote anything.
fn presentable(reason: &str) -> String {
    let reason = reason.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    let reason: String = reason.take(LONGEST_REASON).collect();
    if reason.trim().is_empty() { "unknown".to_owned() } else { reason }
}

fn whole_seconds(delay: Duration) -> i32 {
    // At most 900, which any integer holds.
    delay.as_secs().min(LONGEST_DELAY_SECONDS) as i32
}

#[async_trait]
impl Queue for SqsQueue {
    async fn send(&self, bodies: Vec<String>, delay: Duration) -> Result<(), QueueError> {
        for batch in bodies.chunks(BATCH) {
            self.send_batch(batch, whole_seconds(delay)).await?;
        }
        Ok(())
    }

    async fn retry_after(&self, receipt: &str, delay: Duration) -> Result<(), QueueError> {
        let request = self
            .client
            .change_message_visibility()
            .queue_url(&self.queue_url)
            .receipt_handle(receipt)
            .visibility_timeout(whole_seconds(delay));
        request.send().await.map_err(ReadError::of("sqs:ChangeMessageVisibility")).map_err(queue_error)?;
        Ok(())
    }

    async fn dead_letter(&self, body: &str, reason: &str) -> Result<(), QueueError> {
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(presentable(reason)).build();
        let attribute = attribute.map_err(|error| QueueError(error.to_string()))?;
        let request = self
            .client
            .send_message()
            .queue_url(&self.dead_letter_queue_url)
            .message_body(body)
            .message_attributes("reason", attribute);
        request.send().await.map_err(ReadError::of("sqs:SendMessage")).map_err(queue_error)?;
        Ok(())
    }
}
