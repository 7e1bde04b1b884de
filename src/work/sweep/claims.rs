//! What of the candidates nobody claims, and nothing live relates to: compared by full keys with every ledger, some ten
//! thousand at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::fingerprints::{Fingerprints, of_entity};
use super::judge::{Judge, Verdict};
use super::ledgers::{Found, LedgerStream, Looked};
use super::parts::Records;
use super::survey::Survey;
use super::{Flow, Progress, Relations, Stage, Sweep};
use crate::ledger::{Entry, LedgerFile};
use crate::seams::EntityKey;
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// Candidates in memory at once. All ledgers are read once for each such batch.
const BATCH: usize = 50_000;

/// What became of the candidates.
#[derive(Default, Serialize, Deserialize)]
pub struct Claims {
    /// How many batches there are, and which one it is. An entity is in the batch that its fingerprint says, so that
    /// all that is known of it is in one.
    pub batches: usize,
    batch: usize,
    claimed_in_batch: BTreeSet<EntityKey>,
    related_in_batch: BTreeSet<EntityKey>,
    /// Stale from one source and claimed by another.
    pub claimed: Records<EntityKey>,
    /// Targets whose ledgers claim them.
    pub claimants: BTreeSet<Target>,
    /// How many candidates something live relates to.
    pub related: usize,
    /// What may go, by blueprint.
    pub deletable: BTreeMap<String, Records<Candidate>>,
}

impl Claims {
    pub fn count_deletable(&self) -> usize {
        self.deletable.values().map(Records::count).sum()
    }

    pub async fn save(&mut self, context: &StepContext<'_>) -> Result<(), StepError> {
        self.claimed.save(context, "claimed").await?;
        for records in self.deletable.values_mut() {
            records.save(context, "deletable").await?;
        }
        Ok(())
    }

    /// The claimed ones of a batch.
    pub async fn claimed_of(&self, context: &StepContext<'_>, batch: usize) -> Result<BTreeSet<EntityKey>, StepError> {
        let mut claimed = BTreeSet::new();
        let take = |entity: &EntityKey| {
            if is_in_batch(entity, batch, self.batches) {
                claimed.insert(entity.clone());
            }
        };
        self.claimed.each(context, take).await?;
        Ok(claimed)
    }
}

fn is_in_batch(entity: &EntityKey, batch: usize, batches: usize) -> bool {
    batches <= 1 || of_entity(entity) % batches as u64 == batch as u64
}

pub async fn compare(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let Progress { survey, claims, .. } = &mut sweep.progress;
    if survey.candidates.count() == 0 || !survey.is_clear() {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Decide));
    }
    survey.fingerprints.load(context).await?;
    claims.batches = survey.candidates.count().div_ceil(BATCH);
    while sweep.progress.claims.batch < sweep.progress.claims.batches {
        if let Flow::TimeIsOver = compare_batch(sweep).await? {
            return Ok(Flow::TimeIsOver);
        }
        if !sweep.progress.survey.is_clear() {
            sweep.progress.claims = Claims::default();
            break;
        }
        sweep.progress.claims.batch += 1;
        sweep.progress.after = None;
    }
    Ok(sweep.enter_after(Flow::GoesOn, Stage::Decide))
}

/// The candidates of one batch, as ledgers ask for them.
struct Batch {
    candidates: BTreeMap<EntityKey, Candidate>,
    by_identifier: HashMap<String, Vec<EntityKey>>,
}

impl Batch {
    async fn load(context: &StepContext<'_>, survey: &Survey, claims: &Claims) -> Result<Self, StepError> {
        let mut batch = Self { candidates: BTreeMap::new(), by_identifier: HashMap::new() };
        let take = |candidate: &Candidate| {
            let entity = &candidate.entity;
            if is_in_batch(entity, claims.batch, claims.batches) && !batch.candidates.contains_key(entity) {
                batch.by_identifier.entry(entity.identifier.to_string()).or_default().push(entity.clone());
                batch.candidates.insert(entity.clone(), candidate.clone());
            }
        };
        survey.candidates.each(context, take).await?;
        Ok(batch)
    }
}

async fn compare_batch(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    let targets = sweep.ledger_targets().await?;
    let Sweep { pace, progress, relations, .. } = sweep;
    let Progress { tally, retirement, survey, claims, after, .. } = progress;
    let batch = Batch::load(context, survey, claims).await?;
    let judge = Judge::new(context, tally, retirement);
    let mut ledgers = LedgerStream::new(&judge, &targets, after.as_ref());
    while let Some(looked) = ledgers.next().await {
        let Looked { target, ledger, judge } = looked?;
        let comparison = Comparison { context, batch: &batch, fingerprints: &survey.fingerprints };
        match ledger {
            Found::Ledger(file) => {
                let is_stale = |kind: &str, resource: &str, entry: &Entry| {
                    matches!(judge.judge(kind, resource, entry), Verdict::Stale { .. })
                };
                comparison.add(claims, relations, &target, &file, is_stale).await?;
            }
            // As at first sight, when all was clear: one that was harmed since has claims that nobody knows.
            _ if judge.claims_nothing() => {}
            Found::Unreadable(_) | Found::Lost => {
                survey.unclear.tell(format!("the ledger of {target} was damaged or lost while the run was swept"));
                return Ok(Flow::GoesOn);
            }
        }
        *after = Some(target);
        if pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    drop(ledgers);
    claims.settle(context, batch).await?;
    Ok(Flow::GoesOn)
}

struct Comparison<'a> {
    context: &'a StepContext<'a>,
    batch: &'a Batch,
    fingerprints: &'a Fingerprints,
}

impl Comparison<'_> {
    /// Notes which candidates a ledger claims, and which a claimed entity of it relates to.
    async fn add(
        &self,
        claims: &mut Claims,
        relations: &mut Relations,
        target: &Target,
        file: &LedgerFile,
        is_stale: impl Fn(&str, &str, &Entry) -> bool,
    ) -> Result<(), StepError> {
        for (kind, resource, entry) in file.ledger.entries() {
            let is_claim = !is_stale(kind, resource, entry);
            if is_claim && self.batch.candidates.contains_key(&entry.entity) {
                claims.claimed_in_batch.insert(entry.entity.clone());
                claims.claimants.insert(target.clone());
            }
            let pointed_at = entry.relates_to.iter().filter_map(|relation| {
                let entities = self.batch.by_identifier.get(&*relation.identifier)?;
                Some((relation, entities))
            });
            let pointed_at: Vec<_> = pointed_at.collect();
            // Stale here, it may be claimed elsewhere: then what it relates to stays, too.
            if pointed_at.is_empty() || !(is_claim || self.fingerprints.claims(of_entity(&entry.entity))) {
                continue;
            }
            // A ledger knows a relation's name and the identifier it points to; the blueprint is Port's knowledge.
            // Where Port does not say, any blueprint counts.
            let known = relations.of(self.context, &entry.entity.blueprint).await?;
            for (relation, entities) in pointed_at {
                let blueprint = known.get(&*relation.name);
                let matching =
                    entities.iter().filter(|entity| blueprint.is_none_or(|blueprint| entity.blueprint == *blueprint));
                claims.related_in_batch.extend(matching.cloned());
            }
        }
        Ok(())
    }
}

impl Claims {
    async fn settle(&mut self, context: &StepContext<'_>, batch: Batch) -> Result<(), StepError> {
        let claimed = std::mem::take(&mut self.claimed_in_batch);
        let related = std::mem::take(&mut self.related_in_batch);
        for (entity, candidate) in batch.candidates {
            if claimed.contains(&entity) {
                self.claimed.add(context, "claimed", entity).await?;
            } else if related.contains(&entity) {
                self.related += 1;
            } else {
                let of_blueprint = self.deletable.entry(entity.blueprint.to_string()).or_default();
                of_blueprint.add(context, "deletable", candidate).await?;
            }
        }
        Ok(())
    }
}
