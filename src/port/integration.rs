//! The integration record: what Port knows of this installation, with the mapping that users edit.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::answer::Answer;
use super::catalog::segment;
use super::client::{Call, PortClient, Role};
use super::defaults::{self, Installed};
use crate::config::{DefaultResources, IntegrationSettings, Settings};
use crate::events;
use crate::seams::CatalogError;

/// What a run needs of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct IntegrationRecord {
    /// The mapping document.
    pub config: Value,
    /// Default blueprints that Port refused, and what the default mapping leaves out, in words.
    pub problems: Vec<String>,
    /// Where Port takes metrics of runs.
    pub metrics_url: Option<String>,
    /// Whether the record, or its mapping, was written just now. Port may take that for a user who asks for a resync.
    pub was_written: bool,
}

/// Whether fields of the record may be written beside its mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordUpdates {
    Allowed,
    /// They are left to another run.
    Left,
}

/// A record that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IntegrationError {
    #[error(
        "the integration `{identifier}` belongs to Port's hosted runtime ({installation_type}); two writers would delete each other's \
         entities: give this installation another identifier"
    )]
    Hosted { identifier: String, installation_type: String },
    #[error(
        "the integration `{identifier}` is one of type {found}, this installation is one of type {expected}: give it \
         another identifier, or set OCEAN__INTEGRATION__TYPE"
    )]
    OtherType { identifier: String, found: String, expected: String },
    #[error(
        "the default blueprints could not be installed: {source}; give the credentials the right to create and read \
         blueprints, or set PORTOLAN_DEFAULT_RESOURCES=none and create blueprints and the mapping by hand"
    )]
    BlueprintsDenied {
        #[source]
        source: CatalogError,
    },
    #[error("the integration record could not be {action}: {source}")]
    Port {
        action: &'static str,
        #[source]
        source: CatalogError,
    },
}

/// Makes sure of the integration record, and on the first run of the default blueprints and the default mapping.
///
/// Blueprints and mappings that exist are never changed.
pub async fn ensure_integration(
    client: &PortClient,
    settings: &Settings,
    updates: RecordUpdates,
) -> Result<IntegrationRecord, IntegrationError> {
    let integration = &settings.integration;
    let found = read(client, integration).await?;
    // Before the record, whose mapping is to fit the blueprints that there are.
    let installed = match are_defaults_missing(integration, found.as_ref()) {
        true => Some(install_defaults(client, settings).await?),
        false => None,
    };
    let has_own_mapping = found.as_ref().is_some_and(has_mapping);
    let mut was_written = found.is_none();
    let mut record = match found {
        Some(record) => record,
        None => create(client, integration, installed.as_ref()).await?,
    };
    if let Some(installed) = &installed
        && !has_mapping(&record)
    {
        give_mapping(client, integration, &installed.mapping).await?;
        record["config"] = installed.mapping.clone();
        was_written = true;
    }
    if updates == RecordUpdates::Allowed
        && let Some(fields) = missing_fields(&record, installed.as_ref())
    {
        update(client, integration, fields).await?;
        was_written = true;
    }
    let metrics_url = record["metricAttributes"]["ingestUrl"].as_str().map(|url| url.trim_end_matches('/').to_owned());
    let problems = installed.map(|installed| problems_of(installed, has_own_mapping)).unwrap_or_default();
    Ok(IntegrationRecord { config: record["config"].take(), problems, metrics_url, was_written })
}

/// The mapping that the record has now; none where it has none.
pub async fn read_mapping(
    client: &PortClient,
    integration: &IntegrationSettings,
) -> Result<Option<Value>, IntegrationError> {
    let record = read(client, integration).await?.filter(has_mapping);
    Ok(record.map(|mut record| record["config"].take()))
}

/// What the record is still to say, if anything.
fn missing_fields(record: &Value, installed: Option<&Installed>) -> Option<Value> {
    // A blueprint that was refused is tried again by the next run.
    let is_complete = installed.is_some_and(|installed| installed.refused.is_empty());
    // A record that claims another processing mode would have Port wait for raw data that never comes.
    let is_mode_wrong = record["processingMode"] != json!("ocean-core");
    match (is_complete, is_mode_wrong) {
        (true, _) => Some(json!({"arePortResourcesInitialized": true, "processingMode": "ocean-core"})),
        (false, true) => Some(json!({"processingMode": "ocean-core"})),
        (false, false) => None,
    }
}

/// A record is marked once everything is installed, so that what a user deletes later stays deleted.
fn are_defaults_missing(settings: &IntegrationSettings, record: Option<&Value>) -> bool {
    let is_marked = record.is_some_and(|record| record["arePortResourcesInitialized"] == json!(true));
    settings.default_resources != DefaultResources::None && !is_marked
}

async fn install_defaults(client: &PortClient, settings: &Settings) -> Result<Installed, IntegrationError> {
    let failed = |source| IntegrationError::Port { action: "initialized", source };
    let kinds = defaults::kinds_of(settings).map_err(failed)?;
    defaults::install(client, kinds).await.map_err(|source| match source {
        CatalogError::Credentials(_) | CatalogError::Denied(_) => IntegrationError::BlueprintsDenied { source },
        source => failed(source),
    })
}

/// What was left out of the default mapping does not concern a record that has a mapping of its own.
fn problems_of(installed: Installed, has_own_mapping: bool) -> Vec<String> {
    let mut problems = installed.refused;
    if has_own_mapping {
        return problems;
    }
    for problem in installed.left_out {
        // Told once, and a run that fails later has no summary that could tell it.
        events::mapping_problem(&problem);
        problems.push(problem);
    }
    problems
}

/// Anything but an empty one is a user's, even where it is no mapping: then the run says so.
fn has_mapping(record: &Value) -> bool {
    match &record["config"] {
        Value::Null => false,
        Value::Object(config) => !config.is_empty(),
        _ => true,
    }
}

/// Refuses a record that another writer owns.
fn check_owner(settings: &IntegrationSettings, record: &Value) -> Result<(), IntegrationError> {
    let installation_type = record["installationType"].as_str().unwrap_or_default();
    if installation_type.starts_with("Saas") {
        return Err(IntegrationError::Hosted {
            identifier: settings.identifier.clone(),
            installation_type: installation_type.to_owned(),
        });
    }
    let app_type = record["installationAppType"].as_str().unwrap_or(&settings.kind);
    if !app_type.eq_ignore_ascii_case(&settings.kind) {
        return Err(IntegrationError::OtherType {
            identifier: settings.identifier.clone(),
            found: app_type.to_owned(),
            expected: settings.kind.clone(),
        });
    }
    Ok(())
}

pub(super) fn path_of(settings: &IntegrationSettings) -> String {
    format!("/integration/{}", segment(&settings.identifier))
}

async fn read(client: &PortClient, settings: &IntegrationSettings) -> Result<Option<Value>, IntegrationError> {
    let failed = |source| IntegrationError::Port { action: "read", source };
    let path = path_of(settings);
    let call =
        Call { method: Method::GET, path: &path, query: &[], body: None, role: Role::Integration, repeatable: true };
    let answer = client.call(call).await.map_err(failed)?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let record = record_of(answer).map_err(failed)?;
    check_owner(settings, &record)?;
    Ok(Some(record))
}

fn record_of(answer: Answer) -> Result<Value, CatalogError> {
    let mut body = answer.success()?.json()?;
    match body["integration"].take() {
        record @ Value::Object(_) => Ok(record),
        _ => Err(CatalogError::Unavailable("Port's answer has no integration".to_owned())),
    }
}

async fn create(
    client: &PortClient,
    settings: &IntegrationSettings,
    installed: Option<&Installed>,
) -> Result<Value, IntegrationError> {
    let failed = |source| IntegrationError::Port { action: "created", source };
    // Without its blueprints, the default mapping would write into what nobody installs.
    let config = installed.map_or_else(|| json!({}), |installed| installed.mapping.clone());
    let body = json!({
        "installationId": settings.identifier,
        "installationAppType": settings.kind,
        "version": env!("CARGO_PKG_VERSION"),
        "changelogDestination": {},
        "config": config,
        "actionsProcessingEnabled": false,
        "incrementalSyncEnabled": false,
        "createPortResourcesOrigin": "Default",
    });
    let body = Some(body.to_string().into_bytes());
    let call =
        Call { method: Method::POST, path: "/integration", query: &[], body, role: Role::Upkeep, repeatable: false };
    let answer = client.call(call).await.map_err(failed)?;
    // Another invocation was faster.
    if answer.status == StatusCode::CONFLICT {
        return read(client, settings).await?.ok_or_else(|| failed(answer.into_error()));
    }
    record_of(answer).map_err(failed)
}

async fn give_mapping(
    client: &PortClient,
    settings: &IntegrationSettings,
    mapping: &Value,
) -> Result<(), IntegrationError> {
    let failed = |source| IntegrationError::Port { action: "initialized", source };
    // By the route that takes the mapping alone: writing the whole record can start a resync on Port's side.
    let path = format!("{}/config", path_of(settings));
    let body = Some(json!({"config": mapping}).to_string().into_bytes());
    let call = Call { method: Method::PATCH, path: &path, query: &[], body, role: Role::Upkeep, repeatable: true };
    client.call(call).await.map_err(failed)?.success().map_err(failed)?;
    Ok(())
}

async fn update(
    client: &PortClient,
    settings: &IntegrationSettings,
    mut fields: Value,
) -> Result<(), IntegrationError> {
    let failed = |source| IntegrationError::Port { action: "updated", source };
    fields["version"] = json!(env!("CARGO_PKG_VERSION"));
    let path = path_of(settings);
    let body = Some(fields.to_string().into_bytes());
    let call = Call { method: Method::PATCH, path: &path, query: &[], body, role: Role::Upkeep, repeatable: true };
    client.call(call).await.map_err(failed)?.success().map_err(failed)?;
    Ok(())
}
