//! How far a target has come, and what of that may be written down.
//!
//! Three things must fit together in the ledger: the entries, which resources were seen, and the progress. Whoever goes
//! on from a progress reads everything after its cursors again. So entries and seen resources may be ahead of the
//! progress that is written, and never behind it: a resource before the cursor that does not count as seen would be
//! taken for gone.

use std::collections::BTreeSet;

use crate::ledger::{Progress, UnitProgress};
use crate::run::Listing;

/// The progress as it is, and as it was when nothing waited to be sent.
pub struct Headway {
    now: Progress,
    kept: Progress,
    /// The kinds of which `now` may say something else than `kept`.
    since: BTreeSet<String>,
    /// Whether this invocation got any further than the one before.
    pub has_moved: bool,
}

impl Headway {
    pub fn from(progress: Progress) -> Self {
        Self { kept: progress.clone(), now: progress, since: BTreeSet::new(), has_moved: false }
    }

    pub fn is_finished(&self, kind: &str) -> bool {
        self.now.units.get(kind).is_some_and(|unit| unit.is_finished)
    }

    /// Where the listing of a kind goes on.
    pub fn cursor(&self, kind: &str) -> Option<String> {
        self.now.units.get(kind)?.cursor.clone()
    }

    pub fn is_second_try(&self, kind: &str) -> bool {
        self.now.units.get(kind).is_some_and(|unit| unit.is_second_try)
    }

    /// How far a kind came, to change it.
    pub fn unit_mut(&mut self, kind: &str) -> &mut UnitProgress {
        if !self.since.contains(kind) {
            self.since.insert(kind.to_owned());
        }
        self.now.units.entry(kind.to_owned()).or_insert_with(|| UnitProgress::new(kind))
    }

    /// Nothing waits to be sent: from here an invocation may go on.
    pub fn keep(&mut self) {
        for kind in std::mem::take(&mut self.since) {
            let Some(unit) = self.now.units.get(&kind) else { continue };
            let known = self.kept.units.get(&kind);
            let is_further =
                known.is_none_or(|known| known.cursor != unit.cursor || known.is_finished != unit.is_finished);
            self.has_moved |= is_further && (unit.is_finished || unit.cursor.is_some());
            self.kept.units.insert(kind, unit.clone());
        }
    }

    /// The listing of a kind begins once more, and what it gave is no longer counted as seen: at once in what is written,
    /// too.
    pub fn begin_again(&mut self, kind: &str) {
        let unit = UnitProgress { is_second_try: true, ..UnitProgress::new(kind) };
        self.now.units.insert(kind.to_owned(), unit.clone());
        self.kept.units.insert(kind.to_owned(), unit);
    }

    /// A kind of which no more can be read. The others go on.
    pub fn give_up(&mut self, kind: &str, listing: Listing) {
        let unit = self.kept.units.entry(kind.to_owned()).or_insert_with(|| UnitProgress::new(kind));
        unit.is_finished = true;
        unit.report.listing = listing;
    }

    /// Invocations in a row, with this one, that got no further, if it ends here.
    pub fn hops_without_progress(&self) -> u32 {
        if self.has_moved { 0 } else { self.kept.hops_without_progress + 1 }
    }

    /// What is written while the target is not finished; none where it would say nothing.
    pub fn written(&self, hops_without_progress: u32) -> Option<Progress> {
        let says_something = hops_without_progress > 0 || !self.kept.units.is_empty();
        says_something.then(|| Progress { hops_without_progress, ..self.kept.clone() })
    }

    /// Tries without progress before this invocation, unless it has made some.
    pub fn hops_before(&self) -> u32 {
        if self.has_moved { 0 } else { self.kept.hops_without_progress }
    }

    /// What there is to say of each kind when all of them were read.
    pub fn into_units(self) -> impl Iterator<Item = UnitProgress> {
        self.now.units.into_values()
    }
}
