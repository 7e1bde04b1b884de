//! Entities that two resources give with different contents: whichever is read last overwrites the other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::fingerprints::{of_content, of_entity};
use super::judge::{Judge, Verdict};
use super::ledgers::{Found, LedgerStream, Looked};
use super::{Flow, Progress, Stage, Sweep};
use crate::ledger::{Entry, State};
use crate::run::Collisions;
use crate::target::Target;
use crate::work::{StepContext, StepError};

/// Collisions that are named; how many there are is counted.
const MOST_NAMED: usize = 20;

/// What was found of them.
#[derive(Default, Serialize, Deserialize)]
pub struct Colliding {
    count: usize,
    /// By the entity's fingerprint.
    named: BTreeMap<u64, Collision>,
}

#[derive(Default, Serialize, Deserialize)]
struct Collision {
    entity: String,
    /// Two resources, each with the fingerprint of its content.
    sources: Vec<(u64, String)>,
}

/// Names some of the entities that collide, if any do.
pub async fn find(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let context = sweep.context;
    sweep.progress.survey.fingerprints.load(context).await?;
    let entities = sweep.progress.survey.fingerprints.collisions();
    if entities.is_empty() {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::List));
    }
    let targets = sweep.ledger_targets().await?;
    let Sweep { pace, progress, .. } = sweep;
    let Progress { tally, retirement, collisions, after, .. } = progress;
    collisions.count = entities.len();
    for entity in entities.into_iter().take(MOST_NAMED) {
        collisions.named.entry(entity).or_default();
    }
    let judge = Judge::new(context, tally, retirement);
    let mut ledgers = LedgerStream::new(&judge, &targets, after.as_ref());
    while !collisions.are_named()
        && let Some(looked) = ledgers.next().await
    {
        let Looked { target, ledger, judge } = looked?;
        if let Found::Ledger(file) = ledger {
            for (kind, resource, entry) in file.ledger.entries() {
                let is_claim = || !matches!(judge.judge(kind, resource, entry), Verdict::Stale { .. });
                collisions.look_at(&target, kind, resource, entry, is_claim);
            }
        }
        *after = Some(target);
        if pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    drop(ledgers);
    Ok(sweep.enter_after(Flow::GoesOn, Stage::List))
}

impl Colliding {
    fn are_named(&self) -> bool {
        self.named.values().all(|collision| collision.sources.len() == 2)
    }

    fn look_at(&mut self, target: &Target, kind: &str, resource: &str, entry: &Entry, is_claim: impl Fn() -> bool) {
        let State::Sent(hash) = &entry.state else { return };
        let Some(collision) = self.named.get_mut(&of_entity(&entry.entity)) else { return };
        let content = of_content(hash);
        let is_told = collision.sources.len() == 2 || collision.sources.iter().any(|(known, _)| *known == content);
        if is_told || !is_claim() {
            return;
        }
        collision.entity = format!("{} {}", entry.entity.blueprint, entry.entity.identifier);
        collision.sources.push((content, format!("{resource} ({kind} in {target})")));
    }

    /// For the summary.
    pub fn summary(&self, context: &StepContext<'_>) -> Collisions {
        let advice = match context.snapshot.mapping.settings.upsert.merge {
            true => "that is as it should be where they give different properties",
            false => "the one that is sent last overwrites the other; give them different identifiers, or merge",
        };
        let complete = self.named.values().filter(|collision| collision.sources.len() == 2);
        let examples = complete.map(|Collision { entity, sources }| {
            let resources: Vec<&str> = sources.iter().map(|(_, resource)| resource.as_str()).collect();
            format!("{entity} is made of {}, with different contents: {advice}", resources.join(" and of "))
        });
        Collisions { count: self.count, examples: examples.collect() }
    }
}
