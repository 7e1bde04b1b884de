//! Sending what a target's resources gave: announced in the ledger, sent to Port, confirmed in the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outgoing, TargetSync};
use crate::ledger::{Entry, State};
use crate::run::Phase;
use crate::seams::{CatalogError, EntityKey, UpsertOutcome};
use crate::work::StepError;

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

impl TargetSync<'_> {
    /// Announces what is to be sent, sends it, and notes what Port named as succeeded.
    pub(super) async fn flush(&mut self) -> Result<(), StepError> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        self.context.check_organization().await?;
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
            self.ledgers.save(&mut self.file).await?;
            self.is_changed = false;
        }
        let mut by_blueprint: BTreeMap<&str, Vec<&Outgoing>> = BTreeMap::new();
        for item in &outgoing {
            by_blueprint.entry(item.entity.blueprint()).or_default().push(item);
        }
        let mut unanswered = Vec::new();
        let mut throttled = None;
        let options = self.context.snapshot.mapping.settings.upsert;
        for (blueprint, items) in by_blueprint {
            // After the announcement: a sweep that begins now reads it, and one that began before is noticed here.
            self.context.check_current(Phase::is_before_sweep).await?;
            let bodies: Vec<Value> = items.iter().map(|item| item.entity.body.clone()).collect();
            let outcomes = self.context.worker.catalog.upsert(blueprint, &bodies, options).await?;
            for (item, outcome) in items.into_iter().zip(outcomes) {
                match &outcome {
                    UpsertOutcome::Unanswered { reason } => unanswered.push(reason.clone()),
                    UpsertOutcome::Throttled { retry_after } => throttled = throttled.max(Some(*retry_after)),
                    _ => {}
                }
                self.note_outcome(item, outcome);
            }
        }
        if let Some(retry_after) = throttled {
            self.save().await?;
            return Err(CatalogError::Throttled { retry_after }.into());
        }
        if unanswered.len() == outgoing.len() {
            self.save().await?;
            return Err(StepError::Retry(format!("Port took none of {} entities: {}", outgoing.len(), unanswered[0])));
        }
        Ok(())
    }

    /// Sets what the ledger says of an entity.
    fn record(&mut self, item: &Outgoing, entity: EntityKey, state: State) {
        let entry = Entry { entity, relates_to: item.entity.relates_to.as_slice().into(), state };
        self.is_changed |= self.file.ledger.record(&item.kind, &item.resource, entry);
    }

    fn note_outcome(&mut self, item: &Outgoing, outcome: UpsertOutcome) {
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
                // One that a search query addresses goes again in the next run anyway.
                if let Some(key) = item.entity.key()
                    && self.deferred.len() < MOST_DEFERRED
                {
                    let (kind, resource) = (item.kind.clone(), item.resource.clone());
                    self.deferred.push(Deferred {
                        kind,
                        resource,
                        entity: key.clone(),
                        body: item.entity.body.clone(),
                    });
                }
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
}
