//! The routes: what each does once a request is known to be well-formed.

mod authentication;
pub mod blueprints;
pub mod deletion;
mod ingest;
pub mod integrations;
mod own_entities;
mod pages;
mod search;
mod upsert;

use percent_encoding::percent_decode_str;
use time::OffsetDateTime;

use super::exchange::{Answer, Incoming};
use super::faults::Effect;
use super::state::State;
use super::{EntityKey, entities, faults, limits, rules, schema, state};

/// The only route whose items a fault can pick.
pub const BULK_UPSERT: &str = "POST /blueprints/{blueprint}/entities/bulk";

/// What is below the URLs that an integration record names; everything else is below `/v1`.
pub const INGEST: &str = "/ingest";

type Handler = fn(&mut State, &Incoming, Option<&Effect>, OffsetDateTime) -> Answer;

pub struct Route {
    pub method: &'static str,
    pub template: &'static str,
    pub handler: Handler,
}

const fn route(method: &'static str, template: &'static str, handler: Handler) -> Route {
    Route { method, template, handler }
}

/// A fixed segment comes before a parameter in the same place.
const ROUTES: &[Route] = &[
    route("POST", "/auth/access_token", authentication::access_token),
    route("GET", "/organization", authentication::organization),
    route("GET", "/integration", integrations::list),
    route("POST", "/integration", integrations::create),
    route("GET", "/integration/provision-enabled", integrations::provision_enabled),
    route("GET", "/integration/{identifier}", integrations::get),
    route("PATCH", "/integration/{identifier}", integrations::patch),
    route("DELETE", "/integration/{identifier}", integrations::delete),
    route("PATCH", "/integration/{identifier}/config", integrations::patch_config),
    route("PATCH", "/integration/{identifier}/resync-state", integrations::resync_state),
    route("GET", "/integration/{identifier}/resync-request", integrations::resync_request),
    route("POST", "/integration/{identifier}/kinds/{kind}/examples", integrations::kind_examples),
    route("POST", "/ingest/logs", ingest::logs),
    route("POST", "/ingest/syncMetrics", ingest::sync_metrics),
    route("PUT", "/ingest/syncMetrics/resync/{event}/kind/{kind}", ingest::kind_metrics),
    route("POST", "/ingest/heartbeat", ingest::heartbeat),
    route("GET", "/blueprints", blueprints::list),
    route("POST", "/blueprints", blueprints::create),
    route("GET", "/blueprints/{blueprint}", blueprints::get),
    route("PUT", "/blueprints/{blueprint}", blueprints::replace),
    route("PATCH", "/blueprints/{blueprint}", blueprints::patch),
    route("DELETE", "/blueprints/{blueprint}", blueprints::delete),
    route("POST", "/blueprints/entities/datasource-entities", own_entities::list),
    route("GET", "/blueprints/{blueprint}/entities", search::list),
    route("POST", "/blueprints/{blueprint}/entities", upsert::single),
    route("POST", "/blueprints/{blueprint}/entities/bulk", upsert::bulk),
    route("POST", "/blueprints/{blueprint}/entities/search", search::blueprint_search),
    route("GET", "/blueprints/{blueprint}/entities-count", search::count),
    route("GET", "/blueprints/{blueprint}/entities/{entity}", search::get),
    route("DELETE", "/blueprints/{blueprint}/entities/{entity}", deletion::single),
    route("POST", "/blueprints/{blueprint}/bulk/entities/delete", deletion::bulk),
    route("POST", "/entities/search", search::search),
];

/// A route that fits a request, with its decoded parameters.
pub struct Found {
    pub route: &'static Route,
    pub parameters: Vec<String>,
}

pub fn find(method: &str, path: &str) -> Option<Found> {
    let path = if path.starts_with(INGEST) {
        path
    } else {
        path.strip_prefix("/v1").filter(|path| !path.starts_with(INGEST))?
    };
    ROUTES.iter().filter(|route| route.method == method).find_map(|route| {
        let parameters = match_template(route.template, path)?;
        Some(Found { route, parameters })
    })
}

/// Method and template of every route.
pub fn names() -> impl Iterator<Item = String> {
    ROUTES.iter().map(|route| format!("{} {}", route.method, route.template))
}

fn match_template(template: &str, path: &str) -> Option<Vec<String>> {
    let mut parameters = Vec::new();
    let mut segments = path.split('/');
    for expected in template.split('/') {
        let segment = segments.next()?;
        if expected.starts_with('{') {
            let decoded = percent_decode_str(segment).decode_utf8().ok()?;
            if decoded.is_empty() {
                return None;
            }
            parameters.push(decoded.into_owned());
            continue;
        }
        if expected != segment {
            return None;
        }
    }
    segments.next().is_none().then_some(parameters)
}
