//! Fourth stage: all ledgers, once. What is stale by the rules becomes a candidate; of everything else fingerprints are
//! kept, to be compared with Port and among each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::fingerprints::{Fingerprints, of_content, of_entity, of_identifier};
use super::judge::{Judge, TargetJudge, Verdict};
use super::ledgers::{Found, LedgerStream, Looked};
use super::parts::Records;
use super::told::Told;
use super::{Flow, Progress, Stage, Sweep};
use crate::ledger::{Entry, Ledger, State};
use crate::run::{Listing, TargetFailure};
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// What the ledgers say together.
#[derive(Default, Serialize, Deserialize)]
pub struct Survey {
    pub fingerprints: Fingerprints,
    /// What may go as far as its own entry is concerned.
    pub candidates: Records<Candidate>,
    /// Targets that have candidates.
    pub with_candidates: BTreeSet<Target>,
    /// Those of them whose ledgers call some of it accepted by Port.
    #[serde(default)]
    pub with_accepted_candidates: BTreeSet<Target>,
    /// Stale entries that stay because the mapping is in doubt.
    pub in_doubt: usize,
    /// Why ledgers do not tell all that they claim, each in words.
    pub unclear: Told<String>,
    /// Targets that had a ledger after the last run, or must have had one in this, and have none, although nobody
    /// emptied it.
    pub lost: BTreeSet<Target>,
    /// Targets whose ledger says nothing but how far a reading came: it claims nothing, and may go unnoticed.
    pub without_claims: BTreeSet<Target>,
    /// Targets that must have had a ledger and have none, of which it is known that they claim nothing.
    #[serde(default)]
    pub without_ledger: BTreeSet<Target>,
    /// Targets whose ledger was damaged or lost, and that this run read completely.
    pub mended: BTreeSet<Target>,
    /// Units that AWS does not have there any more, although something of them is in a ledger.
    pub missed: Told<TargetFailure>,
    /// How many of those each kind has.
    pub missed_units: BTreeMap<String, u64>,
}

impl Survey {
    /// Whether every ledger tells all that it claims. Without all claims, nothing is known to be unclaimed.
    pub fn is_clear(&self) -> bool {
        self.unclear.is_empty() && self.lost.is_empty()
    }

    pub async fn save(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        self.candidates.save(context, "candidates").await?;
        self.fingerprints.save(context).await
    }
}

pub async fn look(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let targets = sweep.ledger_targets().await?;
    let Sweep { pace, progress, .. } = sweep;
    let Progress { tally, retirement, survey, after, .. } = progress;
    let judge = Judge::new(context, tally, retirement);
    let mut ledgers = LedgerStream::new(&judge, &targets, after.as_ref());
    while let Some(looked) = ledgers.next().await {
        let Looked { target, ledger, judge } = looked?;
        match ledger {
            Found::Ledger(file) => survey.add(context, &target, &file.ledger, &judge).await?,
            Found::Lost if judge.claims_nothing() => {
                survey.without_ledger.insert(target.clone());
            }
            // A retired target has no claims.
            Found::Unreadable(_) if judge.retired.is_some() => {}
            Found::Unreadable(error) => survey.unclear.tell(format!(
                "the ledger of {target} does not tell all that it claims ({error}); a complete run of the target mends it"
            )),
            Found::Lost => {
                survey.lost.insert(target.clone());
            }
        }
        *after = Some(target);
        if pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    drop(ledgers);
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Collisions))
}

impl Survey {
    async fn add(
        &mut self,
        context: &StepContext<'_>,
        target: &Target,
        ledger: &Ledger,
        judge: &TargetJudge<'_>,
    ) -> Result<(), StepError> {
        if ledger.claims_incomplete {
            self.note_incomplete(target, judge);
        } else if ledger.units.is_empty() {
            self.without_claims.insert(target.clone());
        }
        for kind in ledger.units.keys() {
            // Not every service is in every region. One that Port has something of was there, and is missed.
            let listing = judge.unit(kind).map(|unit| &unit.listing).filter(|listing| listing.is_absent());
            if let Some(reason) = listing.and_then(Listing::problem) {
                let failure =
                    TargetFailure { target: target.clone(), kind: Some(kind.clone()), reason: reason.to_owned() };
                self.missed.tell(failure);
                *self.missed_units.entry(kind.clone()).or_default() += 1;
            }
        }
        for (kind, resource, entry) in ledger.entries() {
            for relation in &entry.relates_to {
                self.fingerprints.related.add([of_identifier(&relation.identifier)]);
            }
            let fingerprint = of_entity(&entry.entity);
            match judge.judge(kind, resource, entry) {
                Verdict::Stale { reason } => {
                    self.fingerprints.stale.add([fingerprint]);
                    self.with_candidates.insert(target.clone());
                    if matches!(entry.state, State::Sent(_)) {
                        self.with_accepted_candidates.insert(target.clone());
                    }
                    let candidate = Candidate { entity: entry.entity.clone(), reason, is_unknown: false };
                    self.candidates.add(context, "candidates", candidate).await?;
                }
                verdict => {
                    self.in_doubt += usize::from(verdict == Verdict::InDoubt);
                    self.add_claim(fingerprint, entry);
                }
            }
        }
        Ok(())
    }

    fn note_incomplete(&mut self, target: &Target, judge: &TargetJudge<'_>) {
        match judge.why_claims_are_unknown() {
            None => {
                self.mended.insert(target.clone());
            }
            // A retired target has no claims.
            Some(_) if judge.retired.is_some() => {}
            Some(reason) => self.unclear.tell(format!(
                "the ledger of {target} does not tell all that it claims (it was damaged or lost, and its target was not completely \
                 read since: {reason}); a complete run of the target mends it"
            )),
        }
    }

    fn add_claim(&mut self, fingerprint: u64, entry: &Entry) {
        match &entry.state {
            State::Addressed => self.fingerprints.addressed.add([fingerprint]),
            State::Sent(hash) => {
                self.fingerprints.claimed.add([fingerprint]);
                let identifier = of_identifier(&entry.entity.identifier);
                self.fingerprints.sent.add([fingerprint, identifier, of_content(hash)]);
            }
            State::Unsure | State::Stale(_) | State::Unmapped(_) => self.fingerprints.claimed.add([fingerprint]),
        }
    }
}
