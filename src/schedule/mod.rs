//! The scheduler: from an event to a plan, and from the plan to messages on the queue.

mod abort;
mod accounts;
mod answer;
mod attempts;
pub mod confirm;
mod event;
pub mod organizations;
mod regions;
mod requested;
mod start;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::Value;
use time::OffsetDateTime;

pub use abort::{AbortError, AbortOutcome, RunAbort};
pub use accounts::{Discovery, DiscoveryError, discover};
pub use answer::{Answer, ScheduleError};
pub use event::{EventError, RunRequest};
use organizations::Patience;
pub use start::{RunStart, StartError, first_summary};

use crate::aws::{Identities, read_policy};
use crate::config::Settings;
use crate::events;
use crate::mapping::Mapping;
use crate::port::{IntegrationRecord, PortClient};
use crate::run::{
    Current, CurrentError, Phase, Place, Plan, RunId, Summary, UnrememberedLedgers, load_current, read_json,
};
use crate::seams::{Catalog, Clock, Queue, Store, Version};

/// How long a run may take. Targets that are not done by then count as failed. Shorter than the six hours between two
/// scheduled runs.
const LONGEST_RUN: time::Duration = time::Duration::hours(5);
/// What is kept of an invocation's time for entering all accounts and starting the run.
const TIME_TO_ENTER_ACCOUNTS: Duration = Duration::from_secs(5 * 60);
/// A console shows this many accounts well; the whole list is in the state bucket.
const MOST_ACCOUNTS_IN_ANSWER: usize = 20;
const MOST_PROBLEMS_IN_ANSWER: usize = 50;

/// What the scheduler works with.
pub struct Scheduler {
    pub settings: Settings,
    pub identities: Arc<Identities>,
    pub port: Arc<PortClient>,
    pub catalog: Arc<dyn Catalog>,
    pub store: Arc<dyn Store>,
    pub queue: Arc<dyn Queue>,
    pub clock: Arc<dyn Clock>,
}

impl Scheduler {
    /// Starts or aborts a run, or says why it did not. `deadline` is when the invocation ends.
    pub async fn handle(&self, event: &Value, deadline: OffsetDateTime) -> Result<Answer, ScheduleError> {
        // Boxed: the compiler gives up on the layout of a future that nests this deep.
        let answered: BoxFuture<'_, _> = Box::pin(self.answer(event, deadline));
        let answer = answered.await.inspect_err(events::event_failed);
        events::invocation_ended();
        answer
    }

    async fn answer(&self, event: &Value, deadline: OffsetDateTime) -> Result<Answer, ScheduleError> {
        let request = RunRequest::parse(event)?;
        if request.only_if_requested {
            return self.start_if_requested(request, deadline).await;
        }
        let port_organization = self.catalog.organization().await?;
        let integration = &self.settings.integration;
        let place = Place::new(&port_organization, &integration.kind, &integration.identifier);
        match &request.abort {
            Some(run) => self.abort_run(&place, run).await,
            None => self.start_run(request, place, port_organization, deadline).await,
        }
    }

    async fn abort_run(&self, place: &Place, run: &RunId) -> Result<Answer, ScheduleError> {
        let abort = RunAbort { catalog: self.catalog.as_ref(), store: self.store.as_ref(), place, run };
        match abort.abort().await? {
            AbortOutcome::Aborted => Ok(Answer::Aborted { outcome: "aborted", run: run.clone() }),
            AbortOutcome::NotGoing { reason } => {
                events::abort_refused(run, &reason);
                Ok(Answer::Refused { outcome: "refused", run: run.clone(), reason })
            }
        }
    }

    async fn start_run(
        &self,
        mut request: RunRequest,
        place: Place,
        port_organization: String,
        deadline: OffsetDateTime,
    ) -> Result<Answer, ScheduleError> {
        let previous = load_current(self.store.as_ref(), &place).await?;
        let latest = previous.as_ref().map(|(current, _)| current);
        if let Some(answer) = self.answer_of_running(&request, &place, latest).await? {
            return Ok(answer);
        }
        if let Some(run) = &request.confirms
            && let Some(reason) = confirm::obstacle(self.store.as_ref(), &place, run, latest, self.clock.now()).await?
        {
            return Ok(Answer::refused(run, reason));
        }
        if let Some(run) = &request.confirms
            && let Some((confirmed, _)) = read_json::<Plan>(self.store.as_ref(), &place.plan(run)).await?
        {
            // What only such a run finds, only such a run can delete.
            request.mode = confirmed.mode;
            request.remove_unknown |= confirmed.remove_unknown;
        }
        let started = self.begin_run(request.clone(), place.clone(), port_organization, deadline, previous, None).await;
        let was_overtaken = matches!(started, Err(ScheduleError::Start(StartError::Current(CurrentError::Lost))));
        if !was_overtaken || request.force {
            return started;
        }
        // By another invocation, while this one looked for accounts.
        let latest = load_current(self.store.as_ref(), &place).await?.map(|(current, _)| current);
        match self.answer_of_running(&request, &place, latest.as_ref()).await? {
            Some(answer) => Ok(answer),
            None => started,
        }
    }

    /// Starts the run in place of the previous one. `requested_at` is when a user asked Port for it, if that is why it
    /// starts.
    async fn begin_run(
        &self,
        request: RunRequest,
        place: Place,
        port_organization: String,
        deadline: OffsetDateTime,
        previous: Option<(Current, Version)>,
        requested_at: Option<OffsetDateTime>,
    ) -> Result<Answer, ScheduleError> {
        let latest = previous.as_ref().map(|(current, _)| current);
        let (record, answered_at) = self.read_record(&request, latest, requested_at).await?;
        let mapping = Mapping::parse(&record.config)?;
        let patience = self.patience(deadline);
        let accounts = &self.settings.accounts;
        let discovery = accounts::discover(&self.identities, accounts, &request.narrowing, patience).await?;
        let epoch = latest.map_or(1, |current| current.epoch + 1);
        let mut plan = self.plan(&request, epoch, port_organization, &record, &mapping, discovery);
        if plan.targets.is_empty() {
            return Err(ScheduleError::NoTargets);
        }
        plan.unremembered = UnrememberedLedgers::before(self.store.as_ref(), &place, latest).await?;
        let answered = requested::answered_request(&plan.run, answered_at, latest);
        let previous_version = previous.map(|(_, version)| version);
        let start = RunStart {
            catalog: self.catalog.as_ref(),
            store: self.store.as_ref(),
            queue: self.queue.as_ref(),
            place: &place,
            plan: &plan,
        };
        let mut summary = first_summary(&plan, &mapping);
        summary.mapping_problems.extend(record.problems.iter().cloned());
        let scheduled_time = request.scheduled_time;
        let summary = start.start(summary, scheduled_time, answered, &record.config, previous_version).await?;
        Ok(Answer::Started(Box::new(shortened(summary))))
    }

    /// AWS Organizations is waited for until there is just time for what follows.
    fn patience(&self, deadline: OffsetDateTime) -> Patience {
        let time_left = Duration::try_from(deadline - self.clock.now()).unwrap_or_default();
        Patience::lasting(time_left.saturating_sub(TIME_TO_ENTER_ACCOUNTS))
    }

    /// The answer where there is a run already: the one that this very event started before, or one that is still
    /// going.
    async fn answer_of_running(
        &self,
        request: &RunRequest,
        place: &Place,
        latest: Option<&Current>,
    ) -> Result<Option<Answer>, ScheduleError> {
        let Some(current) = latest else {
            return Ok(None);
        };
        if let Some(summary) = self.repeated(request, place, current).await? {
            return Ok(Some(Answer::Started(Box::new(shortened(summary)))));
        }
        if !current.is_going(self.clock.now()) || request.force {
            return Ok(None);
        }
        let reason = format!(
            "the run {} is still going, since {}; wait for it, abort it with {{\"abort\":\"{}\"}}, or supersede it with \
             {{\"force\":true}}",
            current.run, current.started, current.run
        );
        Ok(Some(Answer::refused(&current.run, reason)))
    }

    /// The run that this very event started before.
    async fn repeated(
        &self,
        request: &RunRequest,
        place: &Place,
        current: &Current,
    ) -> Result<Option<Summary>, ScheduleError> {
        let is_same_time = request.scheduled_time.is_some() && request.scheduled_time == current.scheduled_time;
        if !is_same_time || current.phase == Phase::Starting {
            return Ok(None);
        }
        let store = self.store.as_ref();
        let plan = read_json::<Plan>(store, &place.plan(&current.run)).await?;
        if !plan.is_some_and(|(plan, _)| request.asks_for(&plan)) {
            return Ok(None);
        }
        let summary = read_json::<Summary>(store, &place.summary(&current.run)).await?.map(|(summary, _)| summary);
        // What a person aborted stays so. What was aborted because it could not send its messages may start again.
        Ok(summary.filter(|summary| current.phase != Phase::Aborted || summary.outcome == "aborted"))
    }

    fn plan(
        &self,
        request: &RunRequest,
        epoch: u64,
        port_organization: String,
        record: &IntegrationRecord,
        mapping: &Mapping,
        discovery: Discovery,
    ) -> Plan {
        let started = self.clock.now();
        Plan {
            run: RunId::new(),
            epoch,
            mode: request.mode,
            resend: request.resend,
            remove_unknown: request.remove_unknown,
            confirms: request.confirms.clone(),
            started,
            deadline: started + LONGEST_RUN,
            narrowing: request.narrowing.clone(),
            targets: targets::targets_of(mapping, &discovery, &request.narrowing),
            strategy: discovery.strategy,
            port_organization,
            metrics_url: record.metrics_url.clone(),
            partition: self.settings.accounts.partition.clone(),
            session_policy: read_policy(&mapping.all_kinds()),
            accounts: discovery.accounts,
            inaccessible: discovery.inaccessible,
            unremembered: UnrememberedLedgers::default(),
        }
    }
}

/// A console shows short answers; the whole summary is in the state bucket.
fn shortened(mut summary: Summary) -> Summary {
    summary.inaccessible_accounts.truncate(MOST_ACCOUNTS_IN_ANSWER);
    summary.failed_targets.truncate(MOST_ACCOUNTS_IN_ANSWER);
    summary.mapping_problems.truncate(MOST_PROBLEMS_IN_ANSWER);
    summary
}
