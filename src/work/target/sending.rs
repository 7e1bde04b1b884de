//! Sending what a target's resources gave: announced in the ledger, sent to Port, confirmed in the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Interruption, Outgoing, TargetSync, took_since};
use crate::ledger::{Entry, State};
use crate::run::{Phase, read_json, write_json};
use crate::seams::{CatalogError, Condition, EntityKey, UpsertOutcome};
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// Entities that are announced and sent at once. It bounds the memory for entities, and what a crash makes unsure.
pub const PORTION: usize = 2000;
/// The same, in bytes: an entity may have up to a megabyte.
pub const LARGEST_PORTION_BYTES: usize = 8 * 1024 * 1024;
const NO_TIME_TO_SEND: &str = "the invocation's time ran out before everything was sent";
/// Entities of a portion after which the time is looked at.
const SENT_AT_ONCE: usize = 500;

/// Entities that the sweep may have to send again for one target; what goes beyond waits for the next run.
const MOST_DEFERRED: usize = 2000;

/// An entity that Port refused because one that it relates to did not exist yet.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deferred {
    pub kind: String,
    pub resource: String,
    pub entity: EntityKey,
    pub body: Value,
}

/// What an earlier invocation of this run left for the sweep.
pub async fn load_deferred(context: &StepContext<'_>, target: &Target) -> Result<Vec<Deferred>, StepError> {
    let key = context.deferred_key(target);
    let found = read_json(context.worker.store.as_ref(), &key).await?;
    Ok(found.map(|(deferred, _)| deferred).unwrap_or_default())
}

impl TargetSync<'_> {
    pub(super) async fn write_deferred(&mut self) -> Result<(), StepError> {
        if !self.has_new_deferred {
            return Ok(());
        }
        let key = self.context.deferred_key(self.target);
        write_json(self.context.worker.store.as_ref(), &key, &self.deferred, Condition::Always).await?;
        self.has_new_deferred = false;
        Ok(())
    }

    /// Announces what is to be sent, sends it, and notes what Port named as succeeded.
    pub(super) async fn flush(&mut self) -> Result<(), Interruption> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        let first_kind = self.outgoing[0].kind.clone();
        let clock = self.context.worker.clock.as_ref();
        let checked = match self.pace.time_to_send(clock, 0) {
            Some(time) => self.within(time, self.context.check_organization()).await,
            None => None,
        };
        let Some(checked) = checked else {
            return Err(Interruption::OutOfTime { kind: first_kind, what: NO_TIME_TO_SEND });
        };
        checked?;
        self.outgoing_bytes = 0;
        let outgoing = std::mem::take(&mut self.outgoing);
        let mut announces = false;
        for item in &outgoing {
            if let Some(key) = item.entity.key() {
                self.record(item, key.clone(), State::Unsure);
                announces = true;
            }
        }
        // Written although it may say so already: where another worker has the target, this fails.
        if announces {
            self.save_unfinished(self.headway.hops_before()).await?;
        }
        let total = outgoing.len();
        let mut by_blueprint: BTreeMap<String, Vec<Outgoing>> = BTreeMap::new();
        for item in outgoing {
            by_blueprint.entry(item.entity.blueprint().to_owned()).or_default().push(item);
        }
        let mut answers = Answers::default();
        for (blueprint, mut items) in by_blueprint {
            while !items.is_empty() {
                let rest = items.split_off(items.len().min(SENT_AT_ONCE));
                if !self.send(&blueprint, items, &mut answers).await? {
                    return Err(self.too_slow(&answers, first_kind, total));
                }
                items = rest;
            }
        }
        if let Some(retry_after) = answers.throttled {
            return Err(CatalogError::Throttled { retry_after }.into());
        }
        match answers.unanswered {
            Some(reason) if answers.unanswered_count == total => Err(took_none(total, &reason).into()),
            _ => Ok(()),
        }
    }

    /// Sends entities of one blueprint. Tells whether there was time for it.
    async fn send(
        &mut self,
        blueprint: &str,
        items: Vec<Outgoing>,
        answers: &mut Answers,
    ) -> Result<bool, Interruption> {
        // After the announcement: a sweep that begins now reads it, and one that began before is noticed here.
        self.context.check_current(Phase::is_before_sweep).await?;
        let clock = self.context.worker.clock.as_ref();
        let Some(time) = self.pace.time_to_send(clock, items.len()) else { return Ok(false) };
        let options = self.context.snapshot.mapping.settings.upsert;
        let bodies: Vec<Value> = items.iter().map(|item| item.entity.body.clone()).collect();
        let begun = clock.now();
        answers.were_asked_for = true;
        let upsert = self.context.worker.catalog.upsert(blueprint, &bodies, options);
        // Without an answer, whatever Port has of them stays unsure.
        let Some(outcomes) = self.within(time, upsert).await else { return Ok(false) };
        let outcomes = outcomes?;
        self.pace.note_sent(items.len(), took_since(clock, begun));
        for (item, outcome) in items.iter().zip(outcomes) {
            answers.note(&outcome);
            self.note_outcome(item, outcome);
        }
        Ok(true)
    }

    fn too_slow(&self, answers: &Answers, kind: String, total: usize) -> Interruption {
        if answers.were_asked_for && answers.accepted == 0 {
            return took_none(total, "it took longer than the invocation has").into();
        }
        Interruption::OutOfTime { kind, what: NO_TIME_TO_SEND }
    }

    /// Sets what the ledger says of an entity.
    fn record(&mut self, item: &Outgoing, entity: EntityKey, state: State) {
        let entry = Entry { entity, relates_to: item.entity.relates_to.as_slice().into(), state };
        self.is_changed |= self.file.ledger.record(&item.kind, &item.resource, entry);
    }

    fn note_outcome(&mut self, item: &Outgoing, outcome: UpsertOutcome) {
        if let Some(key) = item.entity.key() {
            // An earlier try may have left it to the sweep with other contents.
            let before = self.deferred.len();
            self.deferred.retain(|deferred| deferred.entity != *key);
            self.has_new_deferred |= self.deferred.len() != before;
        }
        // What is sent in every run, or in every try of this one, is no progress.
        let stays_sent = !item.entity.needs_search && !self.context.snapshot.plan.resend;
        self.headway.has_moved |= outcome == UpsertOutcome::Accepted && stays_sent;
        let report = self.report(&item.kind);
        let address = &item.entity.address;
        match outcome {
            UpsertOutcome::Accepted => {
                report.accepted += 1;
                if let Some(key) = item.entity.key() {
                    self.record(item, key.clone(), State::Sent(item.hash));
                }
            }
            UpsertOutcome::Resolved { identifier } => {
                report.accepted += 1;
                let entity = EntityKey { blueprint: item.entity.blueprint().into(), identifier: identifier.into() };
                self.record(item, entity, State::Addressed);
            }
            UpsertOutcome::Unresolved { reason } => {
                // Once per kind: a query that finds nothing yet may be no mistake.
                if report.unresolved == 0 {
                    report.tell(format!("Port did not find {address}: {reason}"));
                }
                report.unresolved += 1;
            }
            UpsertOutcome::RelatedMissing { reason } => {
                report.refused += 1;
                report.tell(format!("{address} waits for an entity that it relates to: {reason}"));
                self.defer(item);
            }
            UpsertOutcome::Refused { status, reason } => {
                report.refused += 1;
                report.tell(format!("Port refused {address} with status {status}: {reason}"));
            }
            // The target comes again when the limit allows it.
            UpsertOutcome::Throttled { .. } => report.refused += 1,
            UpsertOutcome::Unanswered { reason } => {
                report.refused += 1;
                report.tell(format!("no word from Port about {address}: {reason}"));
            }
        }
    }

    /// Leaves an entity to the sweep: by then what it relates to may exist.
    fn defer(&mut self, item: &Outgoing) {
        // One that a search query addresses goes again in the next run anyway.
        let Some(key) = item.entity.key() else { return };
        if self.deferred.len() >= MOST_DEFERRED {
            return;
        }
        let (kind, resource) = (item.kind.clone(), item.resource.clone());
        self.has_new_deferred = true;
        self.deferred.push(Deferred { kind, resource, entity: key.clone(), body: item.entity.body.clone() });
    }
}

/// What Port said to the entities of one flush.
#[derive(Default)]
struct Answers {
    were_asked_for: bool,
    accepted: usize,
    unanswered_count: usize,
    unanswered: Option<String>,
    throttled: Option<Duration>,
}

impl Answers {
    fn note(&mut self, outcome: &UpsertOutcome) {
        match outcome {
            UpsertOutcome::Accepted | UpsertOutcome::Resolved { .. } => self.accepted += 1,
            UpsertOutcome::Unanswered { reason } => {
                self.unanswered_count += 1;
                self.unanswered.get_or_insert_with(|| reason.clone());
            }
            UpsertOutcome::Throttled { retry_after } => self.throttled = self.throttled.max(Some(*retry_after)),
            _ => {}
        }
    }
}

fn took_none(total: usize, reason: &str) -> StepError {
    StepError::Retry(format!("Port took none of {total} entities: {reason}"))
}
