//! What the system says about itself. Every line that an operator may search for is written here, with its fields, and
//! every metric beside it.

mod logging;
mod metrics;

use std::fmt::Display;
use std::time::Duration;

use time::OffsetDateTime;

use crate::run::{Deletions, DoneMark, Plan, RunId, Summary, UnitReport};
use crate::target::{AccountId, Target};

pub use logging::start_logging;
pub use metrics::{Metric, start as start_metrics};

pub fn start_failed(reason: &impl Display) {
    tracing::error!(%reason, "start failed");
}

/// A value that names no level. It is not printed: it may have been meant for another variable.
fn log_level_unknown() {
    tracing::warn!("PORTOLAN_LOG_LEVEL is none of error, warn, info, debug and trace; info is taken");
}

/// Variables that are set and have no meaning, each with what to do, and without its value.
pub fn settings_ignored(variables: &[String]) {
    tracing::warn!(variables = variables.join("; "), "settings ignored");
}

pub fn event_failed(reason: &impl Display) {
    tracing::error!(%reason, "no run started or aborted");
}

pub fn run_started(summary: &Summary) {
    tracing::info!(
        run = %summary.run,
        mode = summary.mode.as_str(),
        accounts = summary.accounts,
        targets = summary.targets,
        inaccessible_accounts = summary.inaccessible_accounts.len(),
        "run started"
    );
    metrics::write(&[(Metric::RunsStarted, 1)], &[("run", &summary.run), ("mode", &summary.mode.as_str())]);
}

/// All messages of a run are sent, and the state bucket does not say so yet.
pub fn phase_not_written(run: &RunId, reason: &impl Display) {
    tracing::warn!(%run, %reason, "run not marked as running");
}

/// A run was asked for and does not start. `run` is the one that is in the way, or that cannot be confirmed.
pub fn run_refused(run: &RunId, reason: &str) {
    tracing::warn!(%run, reason, "run refused");
    metrics::write(&[(Metric::RunsRefused, 1)], &[("run", run)]);
}

/// A user asked Port for a run, at this time by Port's clock.
pub fn resync_requested(requested_at: OffsetDateTime) {
    tracing::info!(%requested_at, "resync requested in Port");
}

/// Whoever presses Port's button waits for a later answer, or for the next scheduled run.
pub fn resync_request_unknown(reason: &impl Display) {
    tracing::warn!(%reason, "Port does not say whether a resync was requested");
}

/// Users press the button very often, or Port makes requests of what runs write.
pub fn many_resync_requests(in_a_row: u32, next_at: OffsetDateTime) {
    tracing::warn!(in_a_row, %next_at, "a resync was requested in Port again and again");
}

pub fn run_aborted(run: &RunId) {
    tracing::warn!(%run, "run aborted");
}

/// The run is not going, so there is nothing to abort.
pub fn abort_refused(run: &RunId, reason: &str) {
    tracing::warn!(%run, reason, "abort refused");
}

pub fn account_inaccessible(account: &AccountId, reason: &str, check: &str) {
    tracing::warn!(%account, reason, check, "account inaccessible");
}

/// AWS packs policies into a form of its own, and found this one too large. A short one is used instead.
pub fn session_policy_shortened(bytes: usize) {
    tracing::warn!(bytes, "session policy shortened: STS cannot pack the one that names every action of the mapping");
}

pub fn mapping_problem(problem: &str) {
    tracing::warn!(problem, "mapping problem");
}

/// Nothing is disabled by it.
pub fn mapping_warning(warning: &str) {
    tracing::warn!(warning, "mapping warning");
}

pub fn field_misconfigured(kind: &str, field: &str, problem: &str) {
    tracing::warn!(kind, field, problem, "mapping field misconfigured");
}

pub fn unit_done(target: &Target, report: &UnitReport) {
    let fields = (
        report.resources,
        report.entities,
        report.accepted,
        report.unchanged,
        report.refused,
        report.held,
        report.stale,
    );
    let (resources, entities, accepted, unchanged, refused, held, stale) = fields;
    let is_quiet = accepted + refused + held + stale == 0 && report.problems.is_empty();
    match report.listing.problem() {
        // An organization has many units, and most of them never change: what nobody reads is not paid for.
        None if is_quiet => {
            tracing::debug!(%target, kind = report.kind, resources, entities, unchanged, "unit unchanged")
        }
        None => tracing::info!(
            %target, kind = report.kind, resources, entities, accepted, unchanged, refused, held, stale,
            problems = ?report.problems, "unit done"
        ),
        Some(reason) if report.listing.is_absent() => {
            tracing::info!(%target, kind = report.kind, reason, "kind not available")
        }
        Some(reason) => tracing::warn!(
            %target, kind = report.kind, reason, resources, entities, accepted, unchanged, refused, held,
            problems = ?report.problems, "unit incomplete"
        ),
    }
}

/// What an invocation did for a target: how long it took, and what the done mark says if it wrote one. Where a message
/// came twice, both may have, and both count.
pub fn target_worked_on(run: &RunId, target: &Target, took: Duration, mark: Option<&DoneMark>) {
    let mut values = vec![(Metric::TargetDuration, took.as_millis() as u64)];
    if let Some(mark) = mark {
        let sum = |count: fn(&UnitReport) -> u64| mark.units.iter().map(count).sum();
        values.extend([
            (Metric::TargetsDone, 1),
            (Metric::EntitiesSent, sum(|unit| unit.accepted)),
            (Metric::EntitiesUnchanged, sum(|unit| unit.unchanged)),
            (Metric::StaleEntities, sum(|unit| unit.stale)),
        ]);
    }
    metrics::write(&values, &[("run", run), ("target", target)]);
}

/// A target was given up, and its done mark says so.
pub fn target_failed(run: &RunId, target: &Target) {
    metrics::write(&[(Metric::TargetsFailed, 1)], &[("run", run), ("target", target)]);
}

/// Entities of a target that is done, which Port refused at first and accepted when they were sent again.
pub fn entities_accepted_late(run: &RunId, target: &Target, count: u64) {
    metrics::write(&[(Metric::EntitiesSent, count)], &[("run", run), ("target", target)]);
}

pub fn message_rejected(reason: &impl Display, body: &str) {
    let beginning: String = body.chars().take(200).collect();
    // Not `message`: that is the key of the event's own words.
    tracing::error!(%reason, body = beginning, "message rejected");
    metrics::write(&[(Metric::MessagesRejected, 1)], &[]);
}

pub fn message_without_effect(step: &str, reason: &str) {
    tracing::info!(step, reason, "message without effect");
}

pub fn step_failed(step: &str, receives: u32, reason: &impl Display) {
    tracing::warn!(step, receives, %reason, "step failed, to be tried again");
}

/// Not a failure: its invocation ended, and another one goes on.
pub fn target_continues(target: &Target, reason: &str, hops_without_progress: u32, seconds: u64) {
    tracing::info!(%target, reason, hops_without_progress, seconds, "target continues");
}

pub fn listing_begins_again(target: &Target, kind: &str) {
    tracing::warn!(%target, kind, "the cursor of an earlier invocation is no longer accepted, the listing begins again");
}

pub fn progress_not_kept(target: &Target, reason: &impl Display) {
    tracing::warn!(%target, %reason, "progress not kept, some of it is done again");
}

pub fn step_continues_later(step: &str, reason: &impl Display, seconds: u64) {
    tracing::warn!(step, %reason, seconds, "step continues later");
}

pub fn step_given_up(step: &str, receives: u32, reason: &impl Display) {
    tracing::error!(step, receives, %reason, "step given up");
    metrics::write(&[(Metric::StepsGivenUp, 1)], &[("step", &step)]);
}

pub fn ledger_damaged(target: &Target, reason: &str) {
    tracing::error!(%target, reason, "ledger damaged; nothing is deleted anywhere until this target was completely read");
}

pub fn ledger_lost(target: &Target) {
    tracing::error!(%target, "ledger lost; nothing is deleted anywhere until this target was completely read");
}

/// AWS refused a call, because it had too many.
pub fn aws_call_refused() {
    metrics::count_aws_throttle();
}

/// Port answered a call with 429.
pub fn port_call_refused() {
    metrics::count_port_throttle();
}

/// Says how many calls were refused since the one before ended, if any were.
pub fn invocation_ended() {
    metrics::write_counted();
}

/// From now on this process leaves Port to others, for so many seconds.
pub fn port_limit_half_used(limit: u64, remaining: u64, seconds: f64) {
    tracing::info!(limit, remaining, seconds, "half of Port's rate limit is used; no call begins before it resets");
}

/// Port answered 429, for the so-manieth time in a row.
pub fn port_refuses_calls(refusals: u32, seconds: f64) {
    tracing::warn!(refusals, seconds, "Port refuses calls for its rate limit; no call begins for a while");
}

pub fn pause_ignored(key: &str, reason: &impl Display) {
    tracing::warn!(key, %reason, "pause ignored");
}

pub fn pause_not_written(reason: &impl Display) {
    tracing::warn!(%reason, "pause not written; other workers find out by themselves");
}

pub fn report_to_port_failed(path: &str, reason: &impl Display) {
    tracing::warn!(path, %reason, "report to Port failed");
}

pub fn sweep_postponed(run: &RunId, reason: &impl Display) {
    tracing::warn!(%run, %reason, "sweep postponed");
}

pub fn sweep_waits(plan: &Plan, missing: usize, seconds: u64) {
    tracing::info!(run = %plan.run, missing_targets = missing, seconds, "sweep waits");
}

pub fn sweep_continues(plan: &Plan, stage: &str) {
    tracing::info!(run = %plan.run, stage, "sweep continues in another invocation");
}

pub fn run_repairs(plan: &Plan, lost: usize, targets: usize) {
    tracing::warn!(run = %plan.run, lost_in_port = lost, targets, "Port has lost entities, their targets are read again");
}

pub fn deletion_held_back(run: &RunId, reason: &str) {
    tracing::warn!(%run, reason, "deletions held back");
}

/// `took` is the time since the run was started. To be said when the run has ended and not before, so that it is said
/// once, and never of an aborted run.
pub fn run_ended(plan: &Plan, summary: &Summary, took: Duration) {
    let is_narrowed = plan.narrowing.is_narrowed();
    let none = Deletions::default();
    let deletions = summary.deletions.as_ref().unwrap_or(&none);
    let failed_targets = summary.failed_targets.len() + summary.more_failed_targets;
    let refused = summary.kinds.values().map(|kind| kind.refused).sum::<u64>();
    tracing::info!(
        run = %summary.run,
        outcome = summary.outcome,
        narrowed = is_narrowed,
        accounts = summary.accounts,
        inaccessible_accounts = summary.inaccessible_accounts.len(),
        targets = summary.targets,
        failed_targets,
        accepted = summary.kinds.values().map(|kind| kind.accepted).sum::<u64>(),
        unchanged = summary.kinds.values().map(|kind| kind.unchanged).sum::<u64>(),
        refused,
        deleted = deletions.deleted,
        held_back = deletions.held_back.len(),
        unknown_deleted = deletions.unknown_deleted,
        lost_in_port = deletions.lost_in_port,
        missing_in_port = deletions.missing_in_port,
        unknown_in_port = deletions.unknown_in_port,
        "run ended"
    );
    let mut values = vec![(Metric::EntitiesDeleted, deletions.deleted as u64), (Metric::EntitiesRefused, refused)];
    // The others tell how the whole stands, and alarms go by the last one: what a narrowed run did not look at must not
    // seem to be in order.
    if !is_narrowed {
        // What the mapping or Port did not take does not count here: it may be so for long, and what AWS has was read.
        let was_read = summary.inaccessible_accounts.is_empty() && failed_targets == 0;
        values.extend([
            (Metric::RunsCompleted, u64::from(was_read)),
            (Metric::RunsIncomplete, u64::from(!was_read)),
            (Metric::RunDuration, took.as_secs()),
            (Metric::InaccessibleAccounts, summary.inaccessible_accounts.len() as u64),
            (Metric::FailedTargets, failed_targets as u64),
            (Metric::DeletionsHeldBack, deletions.held_back.len() as u64),
        ]);
        // Without Port's list, or with a part of it, there may be any number of them.
        if deletions.not_verified.is_none() {
            values.push((Metric::UnknownInPort, deletions.unknown_in_port as u64));
        }
    }
    let fields: [(&str, &dyn Display); 3] =
        [("run", &summary.run), ("mode", &summary.mode.as_str()), ("outcome", &summary.outcome)];
    metrics::write(&values, &fields);
}
