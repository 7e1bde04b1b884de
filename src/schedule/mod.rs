//! The scheduler: from an event to a plan, and from the plan to messages on the queue.

mod accounts;
mod event;
pub mod organizations;
mod regions;
mod targets;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

pub use accounts::{Discovery, DiscoveryError, discover};
pub use event::{EventError, RunRequest};

use crate::aws::{Identities, read_policy};
use crate::config::Settings;
use crate::events;
use crate::mapping::{Mapping, MappingError};
use crate::message::{Message, Step};
use crate::port::{IntegrationError, IntegrationRecord, PortClient, ensure_integration};
use crate::run::{
    Current, CurrentError, Phase, Place, Plan, RunId, StateError, Summary, claim, load_current, read_json, set_phase,
    write_json,
};
use crate::seams::{Catalog, CatalogError, Clock, Condition, Queue, QueueError, RunReport, Store, Version};

/// How long a run may take. Targets that are not done by then count as failed. Shorter than the six hours between two
/// scheduled runs.
const LONGEST_RUN: time::Duration = time::Duration::hours(5);
/// The sweep first looks when small runs are through already.
const FIRST_SWEEP_DELAY: Duration = Duration::from_secs(1);
/// A console shows this many accounts well; the whole list is in the state bucket.
const MOST_ACCOUNTS_IN_ANSWER: usize = 20;

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

/// What an invocation answers.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Answer {
    Started(Box<Summary>),
    #[serde(rename_all = "camelCase")]
    Refused {
        outcome: &'static str,
        run: RunId,
        reason: String,
    },
}

/// A run that did not start. Unless it says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error(transparent)]
    Event(#[from] EventError),
    #[error(transparent)]
    Port(#[from] CatalogError),
    #[error(transparent)]
    Integration(#[from] IntegrationError),
    #[error(transparent)]
    Mapping(#[from] MappingError),
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Current(#[from] CurrentError),
    #[error(
        "no target is left to read; check the mapping's kinds and region policies, and what the event narrows the run to"
    )]
    NoTargets,
    #[error("the run {run} was aborted, because its messages could not be sent: {source}")]
    Enqueue {
        run: RunId,
        #[source]
        source: QueueError,
    },
}

impl From<ScheduleError> for lambda_runtime::Diagnostic {
    fn from(error: ScheduleError) -> Self {
        let error_type = match &error {
            ScheduleError::Event(_) => "MalformedEvent",
            ScheduleError::Port(_) | ScheduleError::Integration(_) => "Port",
            ScheduleError::Mapping(_) | ScheduleError::NoTargets => "Mapping",
            ScheduleError::Discovery(_) => "Accounts",
            ScheduleError::State(_) | ScheduleError::Current(_) | ScheduleError::Enqueue { .. } => "State",
        };
        Self { error_type: error_type.to_owned(), error_message: error.to_string() }
    }
}

impl Scheduler {
    /// Starts a run, or says why it did not.
    pub async fn handle(&self, event: &Value) -> Result<Answer, ScheduleError> {
        // Boxed: the compiler gives up on the layout of a future that nests this deep.
        let started: BoxFuture<'_, _> = Box::pin(self.start_run(event));
        started.await.inspect_err(events::run_not_started)
    }

    async fn start_run(&self, event: &Value) -> Result<Answer, ScheduleError> {
        let request = RunRequest::parse(event)?;
        let port_organization = self.catalog.organization().await?;
        let integration = &self.settings.integration;
        let place = Place::new(&port_organization, &integration.kind, &integration.identifier);
        let previous = load_current(self.store.as_ref(), &place).await?;
        if let Some(answer) = self.answer_of_running(&request, &place, previous.as_ref()).await? {
            return Ok(answer);
        }
        let record = ensure_integration(&self.port, integration).await?;
        let mapping = Mapping::parse(&record.config)?;
        let discovery = accounts::discover(&self.identities, &self.settings.accounts, &request.narrowing).await?;
        let epoch = previous.as_ref().map_or(1, |(current, _)| current.epoch + 1);
        let plan = self.plan(&request, epoch, port_organization, &record, &mapping, discovery);
        if plan.targets.is_empty() {
            return Err(ScheduleError::NoTargets);
        }
        let previous_version = previous.map(|(_, version)| version);
        let summary = self.start(&request, &place, &plan, &record.config, &mapping, previous_version).await?;
        Ok(Answer::Started(Box::new(shortened(summary))))
    }

    /// The answer where there is a run already: the one that this very event started before, or one that is still
    /// going.
    async fn answer_of_running(
        &self,
        request: &RunRequest,
        place: &Place,
        previous: Option<&(Current, Version)>,
    ) -> Result<Option<Answer>, ScheduleError> {
        let Some((current, _)) = previous else {
            return Ok(None);
        };
        let repeated = request.scheduled_time.is_some()
            && request.scheduled_time == current.scheduled_time
            && request.mode == current.mode
            && !matches!(current.phase, Phase::Starting | Phase::Aborted);
        if repeated
            && let Some((summary, _)) = read_json::<Summary>(self.store.as_ref(), &place.summary(&current.run)).await?
        {
            return Ok(Some(Answer::Started(Box::new(shortened(summary)))));
        }
        if !current.is_going(self.clock.now()) || request.force {
            return Ok(None);
        }
        let reason = format!(
            "the run {} is still going, since {}; wait for it, or supersede it with {{\"force\":true}}",
            current.run, current.started
        );
        events::run_refused(&current.run, &reason);
        Ok(Some(Answer::Refused { outcome: "refused", run: current.run.clone(), reason }))
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
        }
    }

    /// Plan and mapping first, then the claim, then the messages: whoever reads a message finds all of it.
    async fn start(
        &self,
        request: &RunRequest,
        place: &Place,
        plan: &Plan,
        config: &Value,
        mapping: &Mapping,
        previous: Option<Version>,
    ) -> Result<Summary, ScheduleError> {
        let store = self.store.as_ref();
        write_json(store, &place.plan(&plan.run), plan, Condition::Always).await?;
        write_json(store, &place.mapping(&plan.run), config, Condition::Always).await?;
        let summary = first_summary(plan, mapping);
        write_json(store, &place.summary(&plan.run), &summary, Condition::Always).await?;
        let current = Current {
            epoch: plan.epoch,
            run: plan.run.clone(),
            mode: plan.mode,
            phase: Phase::Starting,
            started: plan.started,
            deadline: plan.deadline,
            scheduled_time: request.scheduled_time.clone(),
        };
        claim(store, place, &current, previous).await?;
        // Before the messages: a small run may have ended by the time they are all sent.
        self.catalog.report(RunReport::Started(plan)).await;
        if let Err(source) = self.send_messages(plan).await {
            let failed = Summary { outcome: "failed".to_owned(), ..summary };
            self.catalog.report(RunReport::Ended(plan, &failed)).await;
            self.change_phase(place, &current, Phase::Aborted).await?;
            return Err(ScheduleError::Enqueue { run: plan.run.clone(), source });
        }
        match self.change_phase(place, &current, Phase::Running).await {
            // Its sweep has begun already.
            Err(ScheduleError::Current(CurrentError::Lost)) => {}
            moved => moved?,
        }
        for problem in &summary.mapping_problems {
            events::mapping_problem(problem);
        }
        for warning in &summary.mapping_warnings {
            events::mapping_warning(warning);
        }
        events::run_started(&summary);
        Ok(summary)
    }

    async fn send_messages(&self, plan: &Plan) -> Result<(), QueueError> {
        let body = |step| Message::of_run(plan, step).to_body();
        let targets =
            plan.targets.iter().map(|target| body(Step::Sync { target: target.clone(), hops_without_progress: 0 }));
        self.queue.send(targets.collect(), Duration::ZERO).await?;
        self.queue.send(vec![body(Step::Sweep { polls: 0 })], FIRST_SWEEP_DELAY).await
    }

    /// Moves the run out of its start. After an abort, what of it is on the queue has no effect.
    async fn change_phase(&self, place: &Place, current: &Current, phase: Phase) -> Result<(), ScheduleError> {
        if let Some((found, version)) = load_current(self.store.as_ref(), place).await?
            && found == *current
        {
            set_phase(self.store.as_ref(), place, &found, version, phase).await?;
        }
        Ok(())
    }
}

fn first_summary(plan: &Plan, mapping: &Mapping) -> Summary {
    Summary {
        run: plan.run.clone(),
        mode: plan.mode,
        outcome: "started".to_owned(),
        accounts: plan.accounts.len(),
        targets: plan.targets.len(),
        messages: plan.targets.len() + 1,
        inaccessible_accounts: plan.inaccessible.values().cloned().collect(),
        mapping_problems: mapping_problems(plan, mapping),
        mapping_warnings: mapping.warnings.clone(),
        failed_targets: Vec::new(),
        kinds: Default::default(),
        deletions: None,
    }
}

fn mapping_problems(plan: &Plan, mapping: &Mapping) -> Vec<String> {
    let mut problems: Vec<String> = mapping.disabled.iter().map(ToString::to_string).collect();
    problems.extend(targets::unreachable_kinds(mapping, &plan.strategy));
    problems
}

/// A console shows short answers; the whole summary is in the state bucket.
fn shortened(mut summary: Summary) -> Summary {
    summary.inaccessible_accounts.truncate(MOST_ACCOUNTS_IN_ANSWER);
    summary.failed_targets.truncate(MOST_ACCOUNTS_IN_ANSWER);
    summary
}
