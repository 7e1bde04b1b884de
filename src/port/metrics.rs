//! What Port is told about a run: the state of the last sync, and counts by mapping entry. None of it is published API;
//! none of it fails a run.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::catalog::segment;
use super::client::{Call, PortClient, Role};
use crate::config::IntegrationSettings;
use crate::run::{KindSummary, Plan, Summary};
use crate::seams::RunReport;

/// The version of the framework whose reports these follow.
const FRAMEWORK_VERSION: &str = "0.48.12";

/// How long a report waits for Port's rate limit: who makes it has more important things to do.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn report(client: &PortClient, integration: &IntegrationSettings, report: RunReport<'_>) {
    let client = &client.with_patience(PATIENCE);
    match report {
        RunReport::Started(plan) => {
            let state = json!({"status": "running", "lastResyncStart": now(), "lastResyncEnd": null, "nextResync": null, "intervalInMinuets": null});
            resync_state(client, integration, state).await;
            let runtime = record(integration, plan, "__runtime__", 0, "syncing", Map::new());
            metrics(client, plan, vec![runtime]).await;
        }
        RunReport::StillRunning(plan) => heartbeat(client, plan).await,
        RunReport::Ended(plan, summary) => {
            let status = match summary.outcome.as_str() {
                outcome @ ("failed" | "aborted") => outcome,
                _ => "completed",
            };
            metrics(client, plan, final_records(integration, plan, summary, status)).await;
            let state =
                json!({"status": status, "lastResyncEnd": now(), "nextResync": null, "intervalInMinuets": null});
            resync_state(client, integration, state).await;
        }
    }
}

fn now() -> String {
    OffsetDateTime::now_utc().format(&Rfc3339).unwrap_or_default()
}

async fn resync_state(client: &PortClient, integration: &IntegrationSettings, state: Value) {
    let path = format!("/integration/{}/resync-state", segment(&integration.identifier));
    tell(client, Method::PATCH, &path, state, Role::Upkeep).await;
}

async fn metrics(client: &PortClient, plan: &Plan, records: Vec<Value>) {
    if let Some(url) = &plan.metrics_url {
        let records = json!({"syncKindsMetrics": records});
        tell(client, Method::POST, &format!("{url}/syncMetrics"), records, Role::Integration).await;
    }
}

async fn heartbeat(client: &PortClient, plan: &Plan) {
    if let Some(url) = &plan.metrics_url {
        let event = json!({"eventId": plan.run});
        tell(client, Method::POST, &format!("{url}/heartbeat"), event, Role::Integration).await;
    }
}

async fn tell(client: &PortClient, method: Method, path: &str, body: Value, role: Role) {
    let call = Call { method, path, query: &[], body: Some(body.to_string().into_bytes()), role, repeatable: false };
    let error = match client.call(call).await {
        Ok(answer) => answer.success().err(),
        Err(error) => Some(error),
    };
    if let Some(error) = error {
        crate::events::report_to_port_failed(path, &error);
    }
}

fn final_records(integration: &IntegrationSettings, plan: &Plan, summary: &Summary, status: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for (index, (kind, counts)) in summary.kinds.iter().enumerate() {
        let success = counts.incomplete_units == 0 && counts.refused == 0;
        let state = if success { "completed" } else { "failed" };
        records.push(record(
            integration,
            plan,
            &format!("{kind}-{index}"),
            index,
            state,
            kind_metrics(counts, success),
        ));
    }
    let deleted = summary.deletions.as_ref().map_or(0, |deletions| deletions.deleted);
    let reconciliation =
        Map::from_iter([("delete".to_owned(), json!({"object_count_type": {"deleted": {"object_count": deleted}}}))]);
    records.push(record(integration, plan, "__reconciliation__", 0, status, reconciliation));
    records.push(record(integration, plan, "__runtime__", 0, status, Map::new()));
    records
}

fn kind_metrics(counts: &KindSummary, success: bool) -> Map<String, Value> {
    let phase = |members: &[(&str, u64)]| {
        let members = members.iter().map(|(name, count)| ((*name).to_owned(), json!({"object_count": count})));
        json!({"object_count_type": Map::from_iter(members)})
    };
    Map::from_iter([
        ("extract".to_owned(), phase(&[("raw_extracted", counts.resources), ("failed", counts.incomplete_units)])),
        (
            "transform".to_owned(),
            phase(&[("transformed", counts.entities), ("filtered_out", counts.filtered_out), ("failed", counts.held)]),
        ),
        (
            "load".to_owned(),
            phase(&[("loaded", counts.accepted), ("failed", counts.refused), ("skipped", counts.unchanged)]),
        ),
        ("resync".to_owned(), json!({"success": u8::from(success)})),
    ])
}

fn record(
    integration: &IntegrationSettings,
    plan: &Plan,
    identifier: &str,
    index: usize,
    state: &str,
    phases: Map<String, Value>,
) -> Value {
    let kind = identifier.rsplit_once('-').map_or(identifier, |(kind, _)| kind);
    json!({
        "integrationType": integration.kind,
        "installationType": "OnPrem",
        "executionMode": "single_process",
        "integrationIdentifier": integration.identifier,
        "integrationVersion": env!("CARGO_PKG_VERSION"),
        "oceanVersion": FRAMEWORK_VERSION,
        "kindIdentifier": identifier,
        "kind": kind,
        "kindIndex": index,
        "eventId": plan.run,
        "syncState": state,
        "blueprint": "",
        "metrics": {"phase": phases},
    })
}
