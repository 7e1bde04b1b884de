//! Port's own list of our entities, compared with the ledgers: what we claim must be there, and what is there should be
//! known. Read before anything is deleted, and again when something was.

use serde::{Deserialize, Serialize};

use super::candidates::Candidate;
use super::fingerprints::{Fingerprints, of_entity, of_identifier};
use super::missing::missing;
use super::parts::Numbers;
use super::unknown::UnknownRule;
use super::{Flow, Stage, Sweep};
use crate::seams::{CatalogError, OwnedPage};
use crate::work::StepError;

/// What Port's list says.
#[derive(Default, Serialize, Deserialize)]
pub struct PortList {
    /// Where the list goes on.
    cursor: Option<String>,
    /// All entities that are ours. Only once the list was read to its end.
    pub owned: Numbers<1>,
    /// Why the list could not be read.
    pub problem: Option<String>,
    pub has_ended: bool,
    /// Entities that no ledger knows.
    pub unknown: usize,
    /// Entities that Port had accepted and that are not there.
    pub missing: usize,
    /// Whether something that a search query led to is no longer ours.
    pub lacks_addressed: bool,
}

impl PortList {
    /// Whether the list was read to its end: only then something is known not to be in it.
    pub fn is_known(&self) -> bool {
        self.has_ended && self.problem.is_none()
    }
}

/// Reads the list before anything is deleted. What may go although no ledger knows it becomes a candidate.
pub async fn read_before(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    let rule = UnknownRule::of(sweep.context, &sweep.progress);
    let flow = read(sweep, &rule).await?;
    Ok(sweep.enter_after(flow, Stage::Repair))
}

/// Reads it again, if what it said is no longer true.
pub async fn read_after(sweep: &mut Sweep<'_>) -> Result<Flow, StepError> {
    if !sweep.progress.deletion.has_begun {
        return Ok(sweep.enter_after(Flow::GoesOn, Stage::Settle));
    }
    if !sweep.progress.deletion.is_list_of_after {
        sweep.progress.deletion.is_list_of_after = true;
        sweep.progress.port = PortList::default();
    }
    let flow = read(sweep, &UnknownRule::Keep).await?;
    Ok(sweep.enter_after(flow, Stage::Settle))
}

async fn read(sweep: &mut Sweep<'_>, rule: &UnknownRule) -> Result<Flow, StepError> {
    let context = sweep.context;
    sweep.progress.survey.fingerprints.load(context).await?;
    loop {
        let cursor = sweep.progress.port.cursor.clone();
        let page = match context.worker.catalog.owned(cursor.clone()).await {
            Ok(page) if page.next.is_some() && page.next == cursor => {
                Err(CatalogError::Unavailable("the listing does not get any further".to_owned()))
            }
            page => page,
        };
        let page = match page {
            Ok(page) => page,
            Err(error @ CatalogError::Throttled { .. }) => return Err(error.into()),
            Err(error) => {
                let problem = format!("Port's list of our entities could not be read: {error}");
                let unknown = sweep.progress.port.unknown;
                sweep.progress.port =
                    PortList { problem: Some(problem), has_ended: true, unknown, ..PortList::default() };
                return Ok(Flow::GoesOn);
            }
        };
        let next = page.next.clone();
        add_page(sweep, page, rule).await?;
        if next.is_none() {
            break;
        }
        sweep.progress.port.cursor = next;
        if sweep.pace.is_over(context) {
            return Ok(Flow::TimeIsOver);
        }
    }
    sweep.progress.port.owned.load(context).await?;
    sweep.progress.port.compare(&sweep.progress.survey.fingerprints);
    Ok(Flow::GoesOn)
}

async fn add_page(sweep: &mut Sweep<'_>, page: OwnedPage, rule: &UnknownRule) -> Result<(), StepError> {
    let context = sweep.context;
    let survey = &mut sweep.progress.survey;
    for entity in page.entities {
        let fingerprint = of_entity(&entity);
        sweep.progress.port.owned.add([fingerprint]);
        // An entity that Port made because ours relates to it carries our mark too.
        let is_related = survey.fingerprints.related.contains(of_identifier(&entity.identifier));
        if is_related || survey.fingerprints.knows(fingerprint) {
            continue;
        }
        sweep.progress.port.unknown += 1;
        if rule.allows(&entity.blueprint) {
            let candidate = Candidate { entity, reason: rule.reason().to_owned(), is_unknown: true };
            survey.candidates.add(context, "candidates", candidate).await?;
        }
    }
    Ok(())
}

impl PortList {
    fn compare(&mut self, fingerprints: &Fingerprints) {
        self.has_ended = true;
        let mut missing = missing(fingerprints, &self.owned).map(|[entity, ..]| entity).collect::<Vec<_>>();
        missing.dedup();
        self.missing = missing.len();
        let mut addressed = fingerprints.addressed.all().iter();
        self.lacks_addressed = addressed.any(|[entity]| !self.owned.contains(*entity));
    }
}
