//! The queue in memory, with visibility, receives and a dead-letter queue.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use portolan::seams::{Clock, Queue, QueueError};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::chaos::{Chaos, Fate, turn};
use super::clock::SimulatedClock;

/// As the template sets them.
const VISIBILITY: time::Duration = time::Duration::seconds(1800);
const MOST_RECEIVES: u32 = 6;

#[derive(Clone)]
pub struct MemoryQueue {
    messages: Arc<Mutex<Messages>>,
    clock: SimulatedClock,
    chaos: Chaos,
}

#[derive(Default)]
struct Messages {
    waiting: Vec<Waiting>,
    dead: Vec<String>,
    sent: u64,
}

struct Waiting {
    id: u64,
    body: String,
    visible: OffsetDateTime,
    receives: u32,
}

/// A message in somebody's hands.
#[derive(Clone)]
pub struct Delivery {
    pub id: u64,
    pub body: String,
    pub receives: u32,
}

impl Delivery {
    /// The event that Lambda makes of it.
    pub fn event(&self) -> Value {
        json!({"Records": [{
            "messageId": self.id.to_string(),
            "receiptHandle": self.id.to_string(),
            "body": self.body,
            "attributes": {"ApproximateReceiveCount": self.receives.to_string()},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
        }]})
    }
}

impl MemoryQueue {
    pub fn new(clock: SimulatedClock, chaos: Chaos) -> Self {
        Self { messages: Arc::default(), clock, chaos }
    }

    /// Receives one of the visible messages. As in SQS, one that was received too often goes to the dead letters.
    pub fn receive(&self) -> Option<Delivery> {
        let now = self.clock.now();
        let mut messages = self.lock();
        let visible: Vec<usize> =
            (0..messages.waiting.len()).filter(|index| messages.waiting[*index].visible <= now).collect();
        if visible.is_empty() {
            return None;
        }
        let index = visible[self.chaos.choose(visible.len())];
        if messages.waiting[index].receives >= MOST_RECEIVES {
            let dead = messages.waiting.remove(index);
            messages.dead.push(dead.body);
            return None;
        }
        let message = &mut messages.waiting[index];
        message.receives += 1;
        message.visible = now + VISIBILITY;
        Some(Delivery { id: message.id, body: message.body.clone(), receives: message.receives })
    }

    /// The message is done with.
    pub fn remove(&self, delivery: &Delivery) {
        self.lock().waiting.retain(|message| message.id != delivery.id);
    }

    /// When the next message becomes visible; none where the queue is empty.
    pub fn next_visible(&self) -> Option<OffsetDateTime> {
        self.lock().waiting.iter().map(|message| message.visible).min()
    }

    /// Whatever waits for its time waits no longer.
    pub fn skip_delays(&self) -> time::Duration {
        let now = self.clock.now();
        let mut longest = time::Duration::ZERO;
        for message in self.lock().waiting.iter_mut().filter(|message| message.receives == 0) {
            longest = longest.max(message.visible - now);
            message.visible = now;
        }
        longest
    }

    /// A message becomes visible although somebody still works on it.
    pub fn expire_one(&self) {
        let now = self.clock.now();
        let mut messages = self.lock();
        let hidden: Vec<usize> =
            (0..messages.waiting.len()).filter(|index| messages.waiting[*index].visible > now).collect();
        if !hidden.is_empty() {
            let index = hidden[self.chaos.choose(hidden.len())];
            messages.waiting[index].visible = now;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.messages.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn push(&self, body: String, delay: Duration) {
        let visible = self.clock.now() + delay;
        let mut messages = self.lock();
        messages.sent += 1;
        let id = messages.sent;
        messages.waiting.push(Waiting { id, body, visible, receives: 0 });
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn send(&self, bodies: Vec<String>, delay: Duration) -> Result<(), QueueError> {
        turn().await;
        let fate = self.chaos.fate();
        // A batch that fails may have gone out in part.
        let sent = if fate == Fate::Failed { self.chaos.choose(bodies.len()) } else { bodies.len() };
        for body in bodies.into_iter().take(sent) {
            self.push(body, delay);
        }
        turn().await;
        if fate == Fate::Done {
            return Ok(());
        }
        self.chaos.tell("      queue: send fails");
        Err(QueueError("as the story goes".to_owned()))
    }

    async fn retry_after(&self, receipt: &str, delay: Duration) -> Result<(), QueueError> {
        turn().await;
        if self.chaos.fate() == Fate::Failed {
            return Err(QueueError("as the story goes".to_owned()));
        }
        let visible = self.clock.now() + delay;
        for message in self.lock().waiting.iter_mut().filter(|message| message.id.to_string() == receipt) {
            message.visible = visible;
        }
        turn().await;
        Ok(())
    }

    async fn dead_letter(&self, body: &str, _reason: &str) -> Result<(), QueueError> {
        turn().await;
        if self.chaos.fate() == Fate::Failed {
            return Err(QueueError("as the story goes".to_owned()));
        }
        self.lock().dead.push(body.to_owned());
        turn().await;
        Ok(())
    }
}
