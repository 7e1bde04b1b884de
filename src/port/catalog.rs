//! Entities in Port: bulk upserts, deletions, and the listing of what is ours.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;
use futures::StreamExt;
use futures::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

use super::answer::Answer;
use super::client::{Call, PortClient, Role};
use super::metrics;
use crate::seams::{
    Catalog, CatalogError, DeleteOutcome, EntityKey, OwnedPage, RunReport, UpsertOptions, UpsertOutcome,
};

/// Port's API: a bulk upsert has at most 20 entities and a body of at most 1 MiB.
const MOST_ENTITIES: usize = 20;
const LARGEST_BODY: usize = 1024 * 1024;
/// `{"entities":[` and `]}`
const WRAPPER_BYTES: usize = 15;
/// What Port names in the place of an entity whose search query it could not resolve.
const UNRESOLVED: &str = "unknown";
/// Bulk calls in flight at once, per worker.
const CALLS_IN_FLIGHT: usize = 5;
/// Entities of one page of our own; Port's framework asks for as many.
const OWNED_PAGE: usize = 5000;

/// RFC 3986: what a path segment may have unencoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// A blueprint's definition; none where there is no such blueprint.
pub(super) async fn read_blueprint(client: &PortClient, identifier: &str) -> Result<Option<Value>, CatalogError> {
    let path = format!("/blueprints/{}", segment(identifier));
    let call =
        Call { method: Method::GET, path: &path, query: &[], body: None, role: Role::Integration, repeatable: true };
    let answer = client.call(call).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let mut body = answer.success()?.json()?;
    match body["blueprint"].take() {
        definition @ Value::Object(_) => Ok(Some(definition)),
        _ => Err(CatalogError::Unavailable(format!("Port's answer has no blueprint {identifier}"))),
    }
}

/// Port as the steps of a run see it.
#[derive(Clone)]
pub struct PortCatalog {
    client: Arc<PortClient>,
    integration: crate::config::IntegrationSettings,
}

impl PortCatalog {
    pub fn new(client: Arc<PortClient>, integration: crate::config::IntegrationSettings) -> Self {
        Self { client, integration }
    }
}

/// An entity on its way, already in the bytes that are sent.
struct Parcel {
    index: usize,
    /// As JSON: a text, or a search query.
    identifier: String,
    is_addressed_by_query: bool,
    json: String,
}

/// Cuts parcels into bulks by count and by the bytes really sent. One bulk never has the same entity twice: Port does
/// not say which would win.
fn into_bulks(parcels: Vec<Parcel>) -> Vec<Vec<Parcel>> {
    let mut bulks = Vec::new();
    let mut bulk: Vec<Parcel> = Vec::new();
    let mut bytes = WRAPPER_BYTES;
    let mut identifiers = HashSet::new();
    for parcel in parcels {
        let grown = bytes + parcel.json.len() + 1;
        let full = bulk.len() == MOST_ENTITIES || grown >= LARGEST_BODY || identifiers.contains(&parcel.identifier);
        if full && !bulk.is_empty() {
            bulks.push(std::mem::take(&mut bulk));
            identifiers.clear();
            bytes = WRAPPER_BYTES;
        }
        bytes += parcel.json.len() + 1;
        identifiers.insert(parcel.identifier.clone());
        bulk.push(parcel);
    }
    if !bulk.is_empty() {
        bulks.push(bulk);
    }
    bulks
}

#[derive(Deserialize)]
struct BulkAnswer {
    #[serde(default)]
    entities: Vec<BulkSuccess>,
    #[serde(default)]
    errors: Vec<BulkFailure>,
}

#[derive(Deserialize)]
struct BulkSuccess {
    index: usize,
    #[serde(default)]
    identifier: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BulkFailure {
    index: usize,
    #[serde(default)]
    identifier: String,
    #[serde(default)]
    status_code: Option<u16>,
    #[serde(default)]
    error: String,
    #[serde(default)]
    message: String,
}

impl BulkFailure {
    fn outcome(self, parcel: &Parcel) -> UpsertOutcome {
        let status = self.status_code.unwrap_or_default();
        let reason = format!("{} {}", self.error, self.message).trim().to_owned();
        match status {
            429 | 500.. => UpsertOutcome::Unanswered { reason },
            _ if parcel.is_addressed_by_query && self.identifier == UNRESOLVED => UpsertOutcome::Unresolved { reason },
            404 => UpsertOutcome::RelatedMissing { reason },
            status => UpsertOutcome::Refused { status, reason },
        }
    }
}

impl PortCatalog {
    /// Sends one bulk; where Port refuses it as a whole, its halves, so that one entity does not spoil nineteen.
    fn send_bulk<'a>(
        &'a self,
        path: &'a str,
        query: &'a [(&'a str, &'a str)],
        bulk: Vec<Parcel>,
    ) -> BoxFuture<'a, Vec<(usize, UpsertOutcome)>> {
        Box::pin(async move {
            let body = format!(
                "{{\"entities\":[{}]}}",
                bulk.iter().map(|parcel| parcel.json.as_str()).collect::<Vec<_>>().join(",")
            );
            let call = Call {
                method: Method::POST,
                path,
                query,
                body: Some(body.into_bytes()),
                role: Role::Exporter,
                repeatable: true,
            };
            let answer = match self.client.call(call).await {
                Ok(answer) => answer,
                Err(CatalogError::Throttled { retry_after }) => {
                    return all(&bulk, UpsertOutcome::Throttled { retry_after });
                }
                Err(error) => return all(&bulk, UpsertOutcome::Unanswered { reason: error.to_string() }),
            };
            match answer.status {
                StatusCode::OK | StatusCode::CREATED | StatusCode::MULTI_STATUS => read_bulk_answer(&bulk, &answer),
                StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY
                    if bulk.len() > 1 =>
                {
                    let mut first = bulk;
                    let second = first.split_off(first.len() / 2);
                    let mut outcomes = self.send_bulk(path, query, first).await;
                    outcomes.extend(self.send_bulk(path, query, second).await);
                    outcomes
                }
                status => all(&bulk, UpsertOutcome::Refused { status: status.as_u16(), reason: answer.reason() }),
            }
        })
    }
}

fn all(bulk: &[Parcel], outcome: UpsertOutcome) -> Vec<(usize, UpsertOutcome)> {
    bulk.iter().map(|parcel| (parcel.index, outcome.clone())).collect()
}

/// Port answers by position. What it does not mention is not known to be written.
fn read_bulk_answer(bulk: &[Parcel], answer: &Answer) -> Vec<(usize, UpsertOutcome)> {
    let parsed: BulkAnswer = match serde_json::from_slice(&answer.body) {
        Ok(parsed) => parsed,
        Err(error) => {
            return all(
                bulk,
                UpsertOutcome::Unanswered { reason: format!("an answer that cannot be understood: {error}") },
            );
        }
    };
    let mut outcomes =
        all(bulk, UpsertOutcome::Unanswered { reason: "Port's answer does not mention the entity".to_owned() });
    for success in parsed.entities {
        if let (Some((_, outcome)), Some(parcel)) = (outcomes.get_mut(success.index), bulk.get(success.index)) {
            *outcome = match parcel.is_addressed_by_query {
                true => UpsertOutcome::Resolved { identifier: success.identifier },
                false => UpsertOutcome::Accepted,
            };
        }
    }
    for failure in parsed.errors {
        if let (Some((_, outcome)), Some(parcel)) = (outcomes.get_mut(failure.index), bulk.get(failure.index)) {
            *outcome = failure.outcome(parcel);
        }
    }
    outcomes
}

fn flag(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

#[async_trait]
impl Catalog for PortCatalog {
    async fn organization(&self) -> Result<String, CatalogError> {
        self.client.organization().await
    }

    async fn upsert(
        &self,
        blueprint: &str,
        entities: &[Value],
        options: UpsertOptions,
    ) -> Result<Vec<UpsertOutcome>, CatalogError> {
        let path = format!("/blueprints/{}/entities/bulk", segment(blueprint));
        let query = [
            ("upsert", "true"),
            ("merge", flag(options.merge)),
            ("create_missing_related_entities", flag(options.create_missing_related)),
        ];
        let mut outcomes = vec![UpsertOutcome::Unanswered { reason: "not sent".to_owned() }; entities.len()];
        let mut parcels = Vec::new();
        for (index, entity) in entities.iter().enumerate() {
            let json = entity.to_string();
            if json.len() + WRAPPER_BYTES >= LARGEST_BODY {
                outcomes[index] = UpsertOutcome::Refused {
                    status: 413,
                    reason: format!("the entity has {} bytes; Port takes at most 1 MiB", json.len()),
                };
                continue;
            }
            let identifier = &entity["identifier"];
            let is_addressed_by_query = identifier.is_object();
            parcels.push(Parcel { index, identifier: identifier.to_string(), is_addressed_by_query, json });
        }
        let bulks = into_bulks(parcels);
        let mut answers = futures::stream::iter(bulks)
            .map(|bulk| self.send_bulk(&path, &query, bulk))
            .buffer_unordered(CALLS_IN_FLIGHT);
        while let Some(answered) = answers.next().await {
            for (index, outcome) in answered {
                outcomes[index] = outcome;
            }
        }
        Ok(outcomes)
    }

    async fn delete(
        &self,
        blueprint: &str,
        identifiers: &[String],
        with_dependents: bool,
    ) -> Result<DeleteOutcome, CatalogError> {
        let path = format!("/blueprints/{}/bulk/entities/delete", segment(blueprint));
        let body = json!({"entities": identifiers}).to_string().into_bytes();
        let query = [("delete_dependents", flag(with_dependents))];
        let call = Call {
            method: Method::POST,
            path: &path,
            query: &query,
            body: Some(body),
            role: Role::Exporter,
            repeatable: true,
        };
        let answer = self.client.call(call).await?;
        match answer.status {
            status if status.is_success() => Ok(DeleteOutcome::Deleted),
            StatusCode::FORBIDDEN => Err(answer.into_error()),
            _ => Ok(DeleteOutcome::Refused { reason: answer.reason() }),
        }
    }

    async fn still_owned(&self, blueprint: &str, identifiers: &[String]) -> Result<BTreeSet<String>, CatalogError> {
        let (prefix, suffix) = self.client.datasource();
        let body = json!({"combinator": "and", "rules": [
            {"property": "$blueprint", "operator": "=", "value": blueprint},
            {"property": "$identifier", "operator": "in", "value": identifiers},
            {"property": "$datasource", "operator": "contains", "value": prefix},
            {"property": "$datasource", "operator": "contains", "value": suffix},
        ]});
        let query = [("exclude_calculated_properties", "true"), ("include", "blueprint"), ("include", "identifier")];
        let call = Call {
            method: Method::POST,
            path: "/entities/search",
            query: &query,
            body: Some(body.to_string().into_bytes()),
            role: Role::Exporter,
            repeatable: true,
        };
        let body = self.client.call(call).await?.success()?.json()?;
        let Some(found) = body["entities"].as_array() else {
            return Err(CatalogError::Unavailable("Port's answer to a search has no entities".to_owned()));
        };
        // A blueprint that Port could not search looks like one whose entities are gone.
        if body["failedBlueprints"].as_array().is_some_and(|failed| !failed.is_empty()) {
            return Err(CatalogError::Unavailable(format!("Port could not search the blueprint {blueprint}")));
        }
        Ok(found.iter().filter_map(|entity| entity["identifier"].as_str().map(str::to_owned)).collect())
    }

    async fn owned(&self, cursor: Option<String>) -> Result<OwnedPage, CatalogError> {
        #[derive(Deserialize)]
        struct Listing {
            entities: Vec<EntityKey>,
            #[serde(default)]
            next: Option<String>,
        }
        let (prefix, suffix) = self.client.datasource();
        let mut body = json!({"datasource_prefix": prefix, "datasource_suffix": suffix, "limit": OWNED_PAGE});
        if let Some(cursor) = cursor {
            body["from"] = Value::from(cursor);
        }
        let path = "/blueprints/entities/datasource-entities";
        let call = Call {
            method: Method::POST,
            path,
            query: &[],
            body: Some(body.to_string().into_bytes()),
            role: Role::Exporter,
            repeatable: true,
        };
        let answer = self.client.call(call).await?.success()?;
        let listing: Listing = serde_json::from_slice(&answer.body)
            .map_err(|error| CatalogError::Unavailable(format!("a listing that cannot be understood: {error}")))?;
        Ok(OwnedPage { entities: listing.entities, next: listing.next.filter(|next| !next.is_empty()) })
    }

    async fn relations(&self, blueprint: &str) -> Result<Option<Vec<(String, String)>>, CatalogError> {
        let Some(definition) = read_blueprint(&self.client, blueprint).await? else {
            return Ok(None);
        };
        let Some(relations) = definition["relations"].as_object() else {
            return Ok(Some(Vec::new()));
        };
        let targets = relations
            .iter()
            .filter_map(|(name, relation)| Some((name.clone(), relation["target"].as_str()?.to_owned())));
        Ok(Some(targets.collect()))
    }

    async fn report(&self, report: RunReport<'_>) {
        metrics::report(&self.client, &self.integration, report).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parcel(index: usize, identifier: &str, bytes: usize) -> Parcel {
        let (identifier, json) = (identifier.to_owned(), "x".repeat(bytes));
        Parcel { index, identifier, is_addressed_by_query: false, json }
    }

    #[test]
    fn a_query_is_answered_with_what_it_found() {
        let by_query = |index| Parcel { is_addressed_by_query: true, ..parcel(index, "{}", 2) };
        let bulk = [by_query(0), by_query(1), by_query(2), parcel(3, "\"a\"", 2), by_query(4)];
        let body = json!({
            "entities": [{"index": 0, "identifier": "found", "created": false}],
            "errors": [
                {"index": 1, "identifier": "unknown", "statusCode": 404, "error": "not_found", "message": "none"},
                {"index": 2, "identifier": "found", "statusCode": 404, "error": "not_found", "message": "related"},
                {"index": 3, "identifier": "unknown", "statusCode": 404, "error": "not_found", "message": "related"},
                {"index": 4, "identifier": "unknown", "statusCode": 500, "error": "internal", "message": "later"},
            ],
        });
        let answer =
            Answer { status: StatusCode::MULTI_STATUS, trace_id: String::new(), body: body.to_string().into_bytes() };
        let outcomes: Vec<UpsertOutcome> =
            read_bulk_answer(&bulk, &answer).into_iter().map(|(_, outcome)| outcome).collect();
        let related = || UpsertOutcome::RelatedMissing { reason: "not_found related".to_owned() };
        let expected = [
            UpsertOutcome::Resolved { identifier: "found".to_owned() },
            UpsertOutcome::Unresolved { reason: "not_found none".to_owned() },
            related(),
            related(),
            UpsertOutcome::Unanswered { reason: "internal later".to_owned() },
        ];
        assert_eq!(outcomes, expected);
    }

    #[test]
    fn bulks_are_cut_by_count_by_bytes_and_by_repetition() {
        let sizes = |parcels: Vec<Parcel>| into_bulks(parcels).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..45).map(|index| parcel(index, &index.to_string(), 10)).collect()), [20, 20, 5]);
        let half = LARGEST_BODY / 2;
        assert_eq!(sizes(vec![parcel(0, "a", half), parcel(1, "b", half), parcel(2, "c", 10)]), [1, 2]);
        assert_eq!(sizes(vec![parcel(0, "a", 10), parcel(1, "b", 10), parcel(2, "a", 10)]), [2, 1]);
        assert!(into_bulks(Vec::new()).is_empty());
    }

    #[test]
    fn a_bulk_never_reaches_the_limit() {
        for bytes in [52_400, 52_428, 52_429, 100_000, 1_048_000] {
            for bulk in into_bulks((0..50).map(|index| parcel(index, &index.to_string(), bytes)).collect()) {
                let sent = WRAPPER_BYTES + bulk.iter().map(|parcel| parcel.json.len() + 1).sum::<usize>() - 1;
                assert!(sent < LARGEST_BODY, "{} of {bytes}", bulk.len());
            }
        }
    }
}
