//! The target step: read, map, compare with the ledger, announce, send, confirm.

mod sending;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::resource::{self, NotesByEntry};
use super::{StepContext, StepError};
use crate::events;
use crate::kinds::{ReadError, Resource, Scope};
use crate::ledger::{EntityHash, LedgerFile, Ledgers, State};
use crate::mapping::{Entity, MappingEntry};
use crate::run::{DoneMark, Listing, UnitReport, read_json, write_json};
use crate::seams::{Condition, EntityKey, ListRequest};
use crate::target::Target;

pub(super) use sending::Deferred;

/// Entities that are announced and sent at once. It bounds the memory for entities, and what a crash makes unsure.
const PORTION: usize = 2000;
/// With less time than this before the invocation ends, nothing new is begun.
const RESERVE: time::Duration = time::Duration::seconds(20);

/// An entity that differs from what Port is known to hold.
struct Outgoing {
    kind: String,
    resource: String,
    entity: Entity,
    hash: EntityHash,
}

struct TargetSync<'a> {
    context: &'a StepContext<'a>,
    target: &'a Target,
    ledgers: Ledgers<'a>,
    file: LedgerFile,
    /// Whether the ledger says anything that the state bucket does not.
    is_changed: bool,
    outgoing: Vec<Outgoing>,
    deferred: Vec<Deferred>,
    reports: BTreeMap<String, UnitReport>,
}

/// Brings Port up to date with one target.
pub(super) async fn sync(context: &StepContext<'_>, target: &Target) -> Result<(), StepError> {
    let store = context.worker.store.as_ref();
    let plan = &context.snapshot.plan;
    let done_key = context.place.done_mark(&plan.run, target);
    if read_json::<DoneMark>(store, &done_key).await?.is_some() {
        events::message_without_effect(&format!("sync {target}"), "its target is done already");
        return Ok(());
    }
    let ledgers = Ledgers { store, place: &context.place };
    let file = ledgers.load_for_reading(target, context.snapshot.expects_ledger(target)).await?;
    context
        .worker
        .cloud
        .enter(plan, target)
        .await
        .map_err(|error| StepError::Retry(format!("{target} cannot be entered: {error}")))?;
    let mut sync = TargetSync {
        context,
        target,
        ledgers,
        // What takes the place of a damaged or lost ledger is written even where the target has nothing.
        is_changed: file.ledger.claims_incomplete,
        file,
        outgoing: Vec::new(),
        deferred: Vec::new(),
        reports: BTreeMap::new(),
    };
    sync.run().await?;
    let units: Vec<UnitReport> = sync.reports.into_values().collect();
    for unit in &units {
        events::unit_done(target, unit);
    }
    if !sync.deferred.is_empty() {
        write_json(store, &context.place.deferred(&plan.run, target), &sync.deferred, Condition::Always).await?;
    }
    let mark = DoneMark { target: target.clone(), units, failure: None };
    write_json(store, &done_key, &mark, Condition::Always).await?;
    Ok(())
}

/// The scope of the kinds that a target has.
pub(super) fn scope_of(target: &Target) -> Scope {
    match target {
        Target::Organization => Scope::Organization,
        Target::Global { .. } => Scope::Global,
        Target::Region { .. } => Scope::Regional,
    }
}

impl TargetSync<'_> {
    async fn run(&mut self) -> Result<(), StepError> {
        let snapshot = self.context.snapshot.clone();
        let kinds = snapshot.mapping.kinds_of(scope_of(self.target), self.target.region());
        for (kind, options) in kinds {
            if !snapshot.plan.narrowing.covers_kind(&kind) {
                continue;
            }
            let entries = snapshot.mapping.entries_for(&kind, self.target.region());
            self.reports.insert(kind.clone(), UnitReport::new(&kind));
            let request = ListRequest { kind, options };
            self.sync_unit(&request, &entries).await?;
        }
        self.flush().await?;
        self.save().await
    }

    fn report(&mut self, kind: &str) -> &mut UnitReport {
        self.reports.entry(kind.to_owned()).or_insert_with(|| UnitReport::new(kind))
    }

    async fn sync_unit(&mut self, request: &ListRequest, entries: &[&MappingEntry]) -> Result<(), StepError> {
        let kind = request.kind.as_str();
        self.file.ledger.forget_seen(kind);
        let mut no_longer_mapped = Vec::new();
        let mut notes = NotesByEntry::new();
        let mut cursor = None;
        loop {
            self.check_time(kind).await?;
            let plan = &self.context.snapshot.plan;
            let page = match self.context.worker.cloud.list(plan, self.target, request, cursor).await {
                Ok(page) => page,
                Err(error) => {
                    self.report(kind).listing = listing_of(&error);
                    break;
                }
            };
            for gap in &page.gaps {
                let report = self.report(kind);
                report.listing = listing_of(gap);
                report.tell(gap.to_string());
            }
            for resource in page.resources {
                self.file.ledger.set_seen(kind, &resource.key, true);
                self.take(kind, resource, entries, &mut notes, &mut no_longer_mapped);
                // Mapping alone can take long: a resource may have thousands of items.
                self.check_time(kind).await?;
                if self.outgoing.len() >= PORTION {
                    self.flush().await?;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        self.tell_notes(kind, &notes);
        if self.report(kind).listing.is_complete() {
            self.mark_stale(kind, &no_longer_mapped);
        }
        Ok(())
    }

    /// Ends the step while there is time to keep what was done.
    async fn check_time(&mut self, kind: &str) -> Result<(), StepError> {
        if self.context.worker.clock.now() + RESERVE <= self.context.deadline {
            return Ok(());
        }
        self.flush().await?;
        self.save().await?;
        Err(StepError::Retry(format!("the invocation's time ran out while {kind} was read")))
    }

    /// Maps one resource and compares what comes out with the ledger.
    fn take(
        &mut self,
        kind: &str,
        mut resource: Resource,
        entries: &[&MappingEntry],
        notes: &mut NotesByEntry,
        no_longer_mapped: &mut Vec<(String, EntityKey)>,
    ) {
        let merge = self.context.snapshot.mapping.settings.upsert.merge;
        let known = self.file.ledger.of_resource(kind, &resource.key);
        let raw = resource::raw_resource(kind, self.target, &mut resource);
        let is_in_port = known.iter().any(|entry| matches!(entry.state, State::Sent(_)));
        let production = resource::produce(&raw, &resource, entries, is_in_port, merge, notes);
        // A resource that is still there but gives an entity no longer: only where everything about it is known, and
        // every entry took part. Any entity may be the one that a search query means.
        let all_keys: Option<HashSet<&EntityKey>> = production.entities.iter().map(Entity::key).collect();
        if let Some(keys) = all_keys
            && production.held.is_none()
            && self.context.snapshot.mapping.disabled.is_empty()
        {
            let gone = known.iter().filter(|entry| !keys.contains(&entry.entity));
            no_longer_mapped.extend(gone.map(|entry| (resource.key.clone(), entry.entity.clone())));
        }
        let states: HashMap<&EntityKey, &State> = known.iter().map(|entry| (&entry.entity, &entry.state)).collect();
        let was_stale = known.iter().any(|entry| !entry.is_claim());
        let mut unchanged = 0;
        let produced = production.entities.len() as u64;
        for entity in production.entities {
            let hash = resource::hash_of(&entity, merge);
            let state = entity.key().and_then(|key| states.get(key));
            let is_sent = matches!(state, Some(State::Sent(known)) if *known == hash);
            if is_sent && !entity.needs_search {
                unchanged += 1;
                continue;
            }
            self.outgoing.push(Outgoing { kind: kind.to_owned(), resource: resource.key.clone(), entity, hash });
        }
        if was_stale {
            self.revive(kind, &resource.key);
        }
        let report = self.report(kind);
        report.resources += 1;
        report.entities += produced;
        report.unchanged += unchanged;
        report.filtered_out += u64::from(production.is_filtered_out);
        if let Some(reason) = production.held {
            report.held += 1;
            report.tell(format!("{}: {reason}", resource.key));
        }
    }

    /// A resource that is there again is not stale any more, whatever an earlier run or an earlier try of this one
    /// found. What it no longer gives becomes stale anew when its listing is complete.
    fn revive(&mut self, kind: &str, resource: &str) {
        let known = self.file.ledger.units.get_mut(kind).and_then(|unit| unit.get_mut(resource));
        for entry in known.into_iter().flat_map(|known| &mut known.entries).filter(|entry| !entry.is_claim()) {
            entry.state = State::Unsure;
            self.is_changed = true;
        }
    }

    /// Marks what a complete listing no longer has. Deleting it is the sweep's business.
    fn mark_stale(&mut self, kind: &str, no_longer_mapped: &[(String, EntityKey)]) {
        let run = self.context.snapshot.plan.run.clone();
        let mut stale = 0;
        if let Some(unit) = self.file.ledger.units.get_mut(kind) {
            let gone = unit.values_mut().filter(|known| !known.is_seen).flat_map(|known| &mut known.entries);
            for entry in gone.filter(|entry| entry.may_become_stale()) {
                entry.state = State::Stale(run.clone());
                stale += 1;
            }
        }
        for (resource, entity) in no_longer_mapped {
            let entry = self.file.ledger.entry_mut(kind, resource, entity);
            if let Some(entry) = entry.filter(|entry| entry.may_become_stale()) {
                entry.state = State::Unmapped(run.clone());
                stale += 1;
            }
        }
        self.is_changed |= stale > 0;
        self.report(kind).stale = stale;
    }

    async fn save(&mut self) -> Result<(), StepError> {
        if !self.is_changed {
            return Ok(());
        }
        self.ledgers.save(&mut self.file).await?;
        self.is_changed = false;
        Ok(())
    }

    /// What operators should know of the expressions: once per entry and field, not once per resource.
    fn tell_notes(&mut self, kind: &str, notes: &NotesByEntry) {
        for (index, notes) in notes {
            if notes.rewritten_identifiers > 0 {
                let count = notes.rewritten_identifiers;
                self.report(kind).tell(format!(
                    "resources[{index}]: {count} identifiers with characters that Port rejects were rewritten"
                ));
            }
            for (path, note) in &notes.fields {
                self.report(kind).fields.insert(format!("resources[{index}] {path}"), note.clone());
            }
        }
    }
}

fn listing_of(error: &ReadError) -> Listing {
    match error {
        ReadError::NotHere(_) => Listing::NotHere(error.to_string()),
        ReadError::Denied(_) => Listing::Denied(error.to_string()),
        ReadError::Throttled(_) => Listing::Throttled(error.to_string()),
        ReadError::TypeNotFound(_) => Listing::TypeNotFound(error.to_string()),
        ReadError::Unsupported(_) | ReadError::Failed(_) => Listing::Failed(error.to_string()),
    }
}
