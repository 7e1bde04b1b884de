//! One kind of a target: page by page, each resource mapped and compared with the ledger.

use std::collections::{HashMap, HashSet};

use super::sending::{LARGEST_PORTION_BYTES, PORTION};
use super::{Interruption, Outgoing, TargetSync, took_since};
use crate::kinds::{Page, ReadError, Resource};
use crate::ledger::State;
use crate::mapping::{Entity, MappingEntry};
use crate::run::Listing;
use crate::seams::{EntityKey, ListRequest};
use crate::work::resource::{self, NotesByEntry};

const NO_TIME: &str = "the invocation's time ran out before the next page could be read";
const PAGE_TOO_SLOW: &str = "one page takes longer than an invocation has";
const MAPPING_TOO_SLOW: &str = "mapping one page takes longer than an invocation has";

impl TargetSync<'_> {
    /// Reads a kind from where an invocation before left it. Gives what to say of it when AWS throttles it and it is to
    /// be tried again later.
    pub(super) async fn read_unit(
        &mut self,
        request: &ListRequest,
        entries: &[&MappingEntry],
    ) -> Result<Option<Listing>, Interruption> {
        let kind = request.kind.as_str();
        // Only the first page of this invocation: a cursor may have become old since it was given.
        let mut is_resumed = self.headway.cursor(kind).is_some();
        if !is_resumed {
            self.file.ledger.forget_seen(kind);
        }
        loop {
            let cursor = self.headway.cursor(kind);
            let begun = self.context.worker.clock.now();
            let answer = self.read_page(request, cursor.clone()).await?;
            if is_resumed && !self.headway.is_second_try(kind) && has_failed(&answer) {
                crate::events::listing_begins_again(self.target, kind);
                self.headway.begin_again(kind);
                self.file.ledger.forget_seen(kind);
                is_resumed = false;
                continue;
            }
            is_resumed = false;
            let page = match answer {
                Ok(page) => page,
                Err(error @ ReadError::Throttled(_)) => return Ok(Some(listing_of(&error))),
                Err(error) => {
                    self.report(kind).listing = listing_of(&error);
                    break;
                }
            };
            let next = page.next.clone();
            let waiting = self.outgoing.len();
            self.take_page(kind, page, entries).await?;
            let clock = self.context.worker.clock.as_ref();
            self.pace.note_page(took_since(clock, begun), self.outgoing.len().saturating_sub(waiting));
            self.headway.unit_mut(kind).cursor = next.clone();
            if next.is_none() {
                break;
            }
            self.flush_portion().await?;
        }
        let unit = self.headway.unit_mut(kind);
        unit.is_finished = true;
        if unit.report.listing.is_complete() {
            self.mark_stale(kind);
        }
        self.flush_portion().await?;
        Ok(None)
    }

    /// Sends what is a portion already; where nothing waits, an invocation may go on from here.
    async fn flush_portion(&mut self) -> Result<(), Interruption> {
        if self.is_portion() {
            self.flush().await?;
        }
        if self.outgoing.is_empty() {
            self.headway.keep();
        }
        Ok(())
    }

    /// Whether as much waits to be sent as is sent at once.
    fn is_portion(&self) -> bool {
        self.outgoing.len() >= PORTION || self.outgoing_bytes >= LARGEST_PORTION_BYTES
    }

    async fn read_page(
        &mut self,
        request: &ListRequest,
        cursor: Option<String>,
    ) -> Result<Result<Page, ReadError>, Interruption> {
        let clock = self.context.worker.clock.as_ref();
        let mut time = self.pace.time_for_page(clock, self.outgoing.len());
        if time.is_none() && !self.outgoing.is_empty() {
            // With less to send afterwards there may be time for more.
            self.flush().await?;
            self.headway.keep();
            time = self.pace.time_for_page(clock, 0);
        }
        let Some(time) = time else {
            return Err(Interruption::OutOfTime { kind: request.kind.clone(), what: NO_TIME });
        };
        let list = self.context.worker.cloud.list(&self.context.snapshot.plan, self.target, request, cursor);
        if let Some(answer) = self.within(time, list).await {
            return Ok(answer);
        }
        // What was read before it is kept.
        self.flush().await?;
        self.headway.keep();
        Err(Interruption::OutOfTime { kind: request.kind.clone(), what: PAGE_TOO_SLOW })
    }

    async fn take_page(&mut self, kind: &str, page: Page, entries: &[&MappingEntry]) -> Result<(), Interruption> {
        for gap in &page.gaps {
            let report = self.report(kind);
            report.listing = listing_of(gap);
            report.tell(gap.to_string());
        }
        let mut notes = NotesByEntry::new();
        for resource in page.resources {
            self.file.ledger.set_seen(kind, &resource.key, true);
            self.take(kind, resource, entries, &mut notes);
            // A page may give more than a portion: a resource may have thousands of items, and mapping them takes time.
            if self.is_portion() {
                self.flush().await?;
            }
            if !self.pace.is_time_left(self.context.worker.clock.as_ref(), self.outgoing.len()) {
                // What Port takes by then need not be sent again.
                self.flush().await?;
                return Err(Interruption::OutOfTime { kind: kind.to_owned(), what: MAPPING_TOO_SLOW });
            }
        }
        self.tell_notes(kind, &notes);
        Ok(())
    }

    /// Maps one resource and compares what comes out with the ledger.
    fn take(&mut self, kind: &str, mut resource: Resource, entries: &[&MappingEntry], notes: &mut NotesByEntry) {
        let snapshot = self.context.snapshot.clone();
        let merge = snapshot.mapping.settings.upsert.merge;
        let known = self.file.ledger.of_resource(kind, &resource.key);
        let raw = resource::raw_resource(kind, self.target, &mut resource);
        let is_in_port = known.iter().any(|entry| matches!(entry.state, State::Sent(_)));
        let production = resource::produce(&raw, &resource, entries, is_in_port, merge, notes);
        let states: HashMap<&EntityKey, &State> = known.iter().map(|entry| (&entry.entity, &entry.state)).collect();
        let mut unchanged = 0;
        let produced = production.entities.len() as u64;
        // A resource that is still there but gives an entity no longer: only where everything about it is known, and
        // every entry took part. Any entity may be the one that a search query means.
        let all_keys: Option<HashSet<EntityKey>> =
            production.entities.iter().map(|entity| entity.key().cloned()).collect();
        let is_whole = production.held.is_none() && snapshot.mapping.disabled.is_empty();
        let given = all_keys.filter(|_| is_whole);
        let mut outgoing = Vec::new();
        for entity in production.entities {
            let hash = resource::hash_of(&entity, merge);
            let state = entity.key().and_then(|key| states.get(key));
            let is_sent = matches!(state, Some(State::Sent(known)) if *known == hash);
            if is_sent && !entity.needs_search && !snapshot.plan.resend {
                unchanged += 1;
                continue;
            }
            outgoing.push(Outgoing { kind: kind.to_owned(), resource: resource.key.clone(), entity, hash });
        }
        self.settle_known(kind, &resource.key, given.as_ref());
        for item in outgoing {
            self.outgoing_bytes += bytes_of(&item.entity);
            self.outgoing.push(item);
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

    /// What the resource's being there says about the entities that it gave before. `given` is all that it gives now,
    /// where that is known: what is not among it is no longer mapped. Deleting that is the sweep's business.
    ///
    /// Otherwise nothing of the resource is stale any more, whatever an earlier run or an earlier try of this one found.
    fn settle_known(&mut self, kind: &str, resource: &str, given: Option<&HashSet<EntityKey>>) {
        let run = &self.context.snapshot.plan.run;
        let known = self.file.ledger.units.get_mut(kind).and_then(|unit| unit.get_mut(resource));
        for entry in known.into_iter().flat_map(|known| &mut known.entries) {
            let is_unmapped = given.is_some_and(|given| !given.contains(&entry.entity)) && entry.may_become_stale();
            let state = match is_unmapped {
                true => State::Unmapped(run.clone()),
                false if entry.is_claim() => continue,
                false => State::Unsure,
            };
            self.is_changed |= entry.state != state;
            entry.state = state;
        }
    }

    /// Marks what a complete listing no longer has. Deleting it is the sweep's business.
    fn mark_stale(&mut self, kind: &str) {
        let run = self.context.snapshot.plan.run.clone();
        let mut stale = 0;
        for known in self.file.ledger.units.get_mut(kind).into_iter().flat_map(|unit| unit.values_mut()) {
            for entry in &mut known.entries {
                if !known.is_seen && entry.may_become_stale() {
                    entry.state = State::Stale(run.clone());
                    self.is_changed = true;
                }
                stale += u64::from(entry.is_stale_of(&run));
            }
        }
        self.report(kind).stale = stale;
    }

    /// What operators should know of the expressions: once per entry and field, not once per resource.
    fn tell_notes(&mut self, kind: &str, notes: &NotesByEntry) {
        for (index, notes) in notes {
            let report = self.report(kind);
            if notes.rewritten_identifiers > 0 {
                *report.rewritten_identifiers.entry(*index).or_default() += notes.rewritten_identifiers;
            }
            for (path, note) in &notes.fields {
                report.fields.entry(format!("resources[{index}] {path}")).or_default().add(note.clone());
            }
        }
    }
}

/// Whether an answer says that the listing cannot go on from its cursor: AWS has many codes for that, and says it of a
/// part of a nested listing, too.
fn has_failed(answer: &Result<Page, ReadError>) -> bool {
    match answer {
        Ok(page) => page.gaps.iter().any(|gap| matches!(gap, ReadError::Failed(_))),
        Err(error) => matches!(error, ReadError::Failed(_)),
    }
}

fn bytes_of(entity: &Entity) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    // Writing JSON of JSON, to a writer that takes everything, cannot fail; and it is an estimate only.
    let _ = serde_json::to_writer(&mut counter, &entity.body);
    counter.0
}

fn listing_of(error: &ReadError) -> Listing {
    match error {
        // EC2 API reference, error codes: OptInRequired is also said while an account is being verified.
        ReadError::NotHere(failure) if failure.is_answer() => Listing::NotForAccount(error.to_string()),
        ReadError::NotHere(_) => Listing::NotHere(error.to_string()),
        ReadError::Denied(_) => Listing::Denied(error.to_string()),
        ReadError::Throttled(_) => Listing::Throttled(error.to_string()),
        ReadError::TypeNotFound(_) => Listing::TypeNotFound(error.to_string()),
        ReadError::Unsupported(_) | ReadError::Failed(_) => Listing::Failed(error.to_string()),
    }
}
