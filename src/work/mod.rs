//! The worker: a queue message becomes a step of a run, and every message gets its own verdict.

mod pause;
mod resource;
mod snapshot;
mod step;
mod sweep;
mod target;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use aws_lambda_events::event::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use time::OffsetDateTime;

use crate::config::IntegrationSettings;
use crate::events;
use crate::message::{Message, MessageError, Step};
use crate::run::{DoneMark, Pass, Phase, Place, StateError, load_current, write_json};
use crate::seams::{Catalog, Clock, Cloud, Condition, Queue, Store, StoreError};
use crate::target::Target;
use snapshot::Snapshots;
use step::StepContext;
pub use step::StepError;

/// On this receive the worker itself says why it gives up, before SQS would move the message without a word. The queue's
/// `maxReceiveCount` is one more: a message that comes once more was in the hands of an invocation that died.
pub const MOST_RECEIVES: u32 = 5;
/// What is known of such an invocation.
const DIED: &str = "the last invocation that had the message ended without a word: it crashed, ran out of memory or time, or could not write to the state \
                    bucket; see the worker's log";
/// A handled failure is tried again after this long, doubled with each receive.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// A message that another invocation kept from having an effect on every receive comes again after this long.
const FENCED_LATER: Duration = Duration::from_secs(300);
/// Both functions are updated within this time.
const DEPLOYMENT: Duration = Duration::from_secs(60);
/// A sweep that failed on every receive is tried again after this long.
const SWEEP_POSTPONED_BY: Duration = Duration::from_secs(300);

/// What the worker works with.
pub struct Worker {
    pub integration: IntegrationSettings,
    pub cloud: Arc<dyn Cloud>,
    pub catalog: Arc<dyn Catalog>,
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
    snapshots: Snapshots,
}

impl Worker {
    pub fn new(
        integration: IntegrationSettings,
        cloud: Arc<dyn Cloud>,
        catalog: Arc<dyn Catalog>,
        store: Arc<dyn Store>,
        queue: Arc<dyn Queue>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { integration, cloud, catalog, store, queue, clock, snapshots: Snapshots::default() }
    }

    /// Works on every message of an event, each by itself.
    pub async fn handle(&self, event: SqsEvent, deadline: OffsetDateTime) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for message in event.records {
            if self.handle_message(&message, deadline).await {
                continue;
            }
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
        events::invocation_ended();
        response
    }

    /// Whether the message may leave the queue.
    async fn handle_message(&self, message: &SqsMessage, deadline: OffsetDateTime) -> bool {
        let body = message.body.as_deref().unwrap_or_default();
        let receives = receives_of(message);
        let parsed = match Message::parse(body) {
            Ok(parsed) => parsed,
            // While a deployment goes on, the scheduler may be of the newer release already.
            Err(error @ MessageError::Version { .. }) if receives < MOST_RECEIVES => {
                return self.give_back("a message of another release", message, &error, DEPLOYMENT).await;
            }
            Err(error) => return self.reject(body, &error.to_string()).await,
        };
        let name = name_of(&parsed.step);
        match self.run_step(&parsed, receives, deadline).await {
            Ok(()) => true,
            Err(StepError::Rejected(reason)) => self.reject(body, &reason).await,
            Err(error @ StepError::Overtaken) => {
                events::message_without_effect(&name, &error.to_string());
                true
            }
            // A limit is no failure, and must not use up the receives: a new message comes when the limit allows it.
            Err(StepError::RetryAfter { reason, delay }) => {
                let delay = pause::spread(delay, &parsed.step);
                events::step_continues_later(&name, &reason, delay.as_secs());
                self.queue.send(vec![body.to_owned()], delay).await.is_ok()
            }
            // Nor is this: whoever has the target may need many invocations, and when it is done, the message has no effect.
            Err(StepError::Fenced(reason)) if receives >= MOST_RECEIVES => {
                events::step_continues_later(&name, &reason, FENCED_LATER.as_secs());
                self.queue.send(vec![body.to_owned()], FENCED_LATER).await.is_ok()
            }
            Err(error) if receives >= MOST_RECEIVES => {
                events::step_given_up(&name, receives, &error);
                self.give_up(&parsed, body, &error.to_string()).await
            }
            Err(error) => {
                let delay = FIRST_RETRY * 2u32.pow(receives.saturating_sub(1).min(MOST_RECEIVES));
                self.give_back(&name, message, &error, delay).await
            }
        }
    }

    /// Leaves a message on the queue, to come back after `delay`.
    async fn give_back(&self, step: &str, message: &SqsMessage, reason: &impl Display, delay: Duration) -> bool {
        let receives = receives_of(message);
        events::step_failed(step, receives, reason);
        if let Some(receipt) = &message.receipt_handle
            && let Err(error) = self.queue.retry_after(receipt, delay).await
        {
            // The message comes back all the same, when its visibility timeout ends.
            events::step_failed(step, receives, &error);
        }
        false
    }

    async fn run_step(&self, message: &Message, receives: u32, deadline: OffsetDateTime) -> Result<(), StepError> {
        let place = Place::new(&message.port_organization, &self.integration.kind, &self.integration.identifier);
        let name = name_of(&message.step);
        let Some((current, current_version)) = load_current(self.store.as_ref(), &place).await? else {
            return Err(StepError::Rejected(
                "there is no run at all in the state that the message points to".to_owned(),
            ));
        };
        if current.epoch != message.epoch || current.run != message.run {
            events::message_without_effect(&name, "it belongs to a run that is no longer current");
            return Ok(());
        }
        let may_run = match message.step {
            Step::Sync { .. } => current.phase.is_before_sweep(),
            Step::Sweep { .. } => current.phase.is_before_sweep() || current.phase == Phase::Sweeping,
        };
        if !may_run {
            events::message_without_effect(&name, "its run is being swept, or is over");
            return Ok(());
        }
        if receives > MOST_RECEIVES {
            return Err(StepError::Retry(DIED.to_owned()));
        }
        pause::heed(self.store.as_ref(), &place, self.clock.now()).await?;
        let snapshot = self.snapshots.of_run(self.store.as_ref(), &place, &current).await?;
        let context = StepContext { worker: self, place, current, current_version, snapshot, deadline };
        let outcome = match &message.step {
            Step::Sync { target } if !context.snapshot.plan.targets.contains(target) => {
                Err(StepError::Rejected(format!("the target {target} is not in the plan of run {}", message.run)))
            }
            Step::Sync { target } => target::sync(&context, target).await,
            Step::Sweep { polls } => sweep::sweep(&context, *polls).await,
        };
        if let Err(StepError::RetryAfter { reason, delay }) = &outcome {
            pause::announce(self.store.as_ref(), &context.place, self.clock.now(), reason, *delay).await;
        }
        outcome
    }

    /// Puts a message that is of no use where a person looks at it.
    async fn reject(&self, body: &str, reason: &str) -> bool {
        events::message_rejected(&reason, body);
        self.queue.dead_letter(body, reason).await.is_ok()
    }

    /// The last try failed: the run must not wait for this target, and a person must find out why.
    async fn give_up(&self, message: &Message, body: &str, reason: &str) -> bool {
        let place = Place::new(&message.port_organization, &self.integration.kind, &self.integration.identifier);
        if self.postpone_sweep(message, &place, reason).await {
            return true;
        }
        if let Step::Sync { target } = &message.step {
            let mark = DoneMark { target: target.clone(), units: Vec::new(), failure: Some(reason.to_owned()) };
            // Only where nobody else was through with the target meanwhile.
            let key = place.done_mark(&message.run, self.pass_of(&place, target).await, target);
            match write_json(self.store.as_ref(), &key, &mark, Condition::Absent).await {
                Ok(_) => events::target_failed(&message.run, target),
                Err(StateError::Store(StoreError::Conflict { .. })) => {}
                Err(_) => return false,
            }
        }
        self.queue.dead_letter(body, reason).await.is_ok()
    }

    /// The pass that a target is worked on in. Where that cannot be found out, the run cannot be swept either.
    async fn pass_of(&self, place: &Place, target: &Target) -> Pass {
        let Ok(Some((current, _))) = load_current(self.store.as_ref(), place).await else { return Pass::First };
        let snapshot = self.snapshots.of_run(self.store.as_ref(), place, &current).await;
        snapshot.map_or(Pass::First, |snapshot| snapshot.pass_of(target))
    }

    /// A sweep has until another run may start: an outage of Port ends sooner or later, and only this message ends the
    /// run.
    async fn postpone_sweep(&self, message: &Message, place: &Place, reason: &str) -> bool {
        let Step::Sweep { polls } = message.step else {
            return false;
        };
        match load_current(self.store.as_ref(), place).await {
            Ok(Some((current, _))) if current.run == message.run && current.is_going(self.clock.now()) => {}
            // Whether the run is still going, a later receive finds out.
            Err(StateError::Store(_)) => {}
            _ => return false,
        }
        events::sweep_postponed(&message.run, &reason);
        let later = Message { step: Step::Sweep { polls: polls.saturating_add(1) }, ..message.clone() };
        self.queue.send(vec![later.to_body()], SWEEP_POSTPONED_BY).await.is_ok()
    }
}

/// SQS developer guide: `ApproximateReceiveCount` is 1 on the first receive.
fn receives_of(message: &SqsMessage) -> u32 {
    message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn name_of(step: &Step) -> String {
    match step {
        Step::Sync { target } => format!("sync {target}"),
        Step::Sweep { .. } => "sweep".to_owned(),
    }
}
