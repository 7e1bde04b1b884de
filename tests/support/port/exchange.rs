//! What happens to every request, whatever its route.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State as AxumState};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::calls::{Call, CallNumber};
use super::faults::{Disturbance, Effect, FaultTarget, Storm};
use super::limits::{BODY_LIMIT, http_date};
use super::routes::{self, Found};
use super::schema;
use super::server::Shared;
use super::state::State;
use crate::support::connection::Connection;

/// Bodies are read up to here, far above what is allowed, to answer a refusal instead of breaking the connection.
const READ_LIMIT: usize = 64 * BODY_LIMIT;

/// The only route that works without a token.
const TOKEN_ROUTE: &str = "POST /auth/access_token";

/// A request as the routes see it.
pub struct Incoming {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub user_agent: String,
    pub body_bytes: Vec<u8>,
    /// Null when there is none.
    pub body: Value,
    body_is_json: bool,
    /// The caller asks that no resync request is made of what it writes.
    pub skips_resync: bool,
    content_type: String,
    authorization: Option<String>,
    /// None for a route that does not exist.
    found: Option<Found>,
}

impl Incoming {
    fn read(head: &Parts, body_bytes: Vec<u8>) -> Self {
        let header = |name: HeaderName| {
            let value = head.headers.get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let method = head.method.as_str().to_owned();
        let path = head.uri.path().to_owned();
        let parsed = if body_bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body_bytes) };
        Self {
            found: routes::find(&method, &path),
            query: decode_query(head.uri.query().unwrap_or_default()),
            user_agent: header(USER_AGENT).unwrap_or_default(),
            skips_resync: header(HeaderName::from_static("x-skip-resync")).as_deref() == Some("true"),
            content_type: header(CONTENT_TYPE).unwrap_or_default(),
            authorization: header(AUTHORIZATION),
            body_is_json: parsed.is_ok(),
            body: parsed.unwrap_or_default(),
            body_bytes,
            method,
            path,
        }
    }

    /// Decoded path parameter; empty when the route has fewer.
    pub fn parameter(&self, index: usize) -> &str {
        let found = self.found.as_ref();
        found.and_then(|found| found.parameters.get(index)).map_or("", String::as_str)
    }

    pub fn flag(&self, name: &str) -> bool {
        self.query.iter().any(|(key, value)| key == name && value == "true")
    }

    pub fn query_values(&self, name: &str) -> Vec<&str> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.as_str()).collect()
    }

    fn template(&self) -> &str {
        self.found.as_ref().map_or(&self.path, |found| found.route.template)
    }

    fn route_name(&self) -> String {
        format!("{} {}", self.method, self.template())
    }

    fn blueprint(&self) -> Option<&str> {
        let found = self.found.as_ref()?;
        let names_blueprint = found.route.template.starts_with("/blueprints/{blueprint}");
        names_blueprint.then(|| self.parameter(0))
    }

    fn items(&self) -> &[Value] {
        let lists = ["entities", "syncKindsMetrics", "logs", "examples"];
        let list = lists.iter().find_map(|name| self.body.get(name)?.as_array());
        list.map_or(&[], Vec::as_slice)
    }

    fn identifiers(&self) -> HashSet<String> {
        let identifiers = self.items().iter().filter_map(|item| item["identifier"].as_str());
        identifiers.map(str::to_owned).collect()
    }

    fn call(&self, arrived_at: OffsetDateTime) -> Call {
        Call {
            method: self.method.clone(),
            route: self.template().to_owned(),
            path: self.path.clone(),
            query: self.query.clone(),
            status: None,
            user_agent: self.user_agent.clone(),
            body: self.body_bytes.clone(),
            items: self.items().len(),
            in_flight: 0,
            arrived_at,
        }
    }
}

/// An answer before it becomes HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn new(status: u16, body: Value) -> Self {
        Self { status, body, headers: Vec::new() }
    }

    pub fn ok(body: Value) -> Self {
        Self::new(200, body)
    }

    pub fn error(status: u16, error: &str, message: impl Into<String>) -> Self {
        let message: String = message.into();
        Self::new(status, json!({"ok": false, "error": error, "message": message}))
    }

    pub fn not_found(what: &str, identifier: &str) -> Self {
        Self::error(404, "not_found", format!("{what} with identifier \"{identifier}\" was not found"))
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::error(422, "invalid_request", message)
    }
}

pub async fn handle(
    AxumState(shared): AxumState<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, READ_LIMIT).await else {
        let answer = Answer::error(400, "bad_request", "the body cannot be read");
        return into_response(answer, &shared);
    };
    let incoming = Incoming::read(&head, body.to_vec());
    let (in_flight, disturbance) = arrive(&shared, &incoming);

    if !disturbance.delay.is_zero() {
        tokio::time::sleep(disturbance.delay).await;
    }
    if matches!(disturbance.effect, Some(Effect::Disconnect)) {
        connection.cut();
        return Response::new(Body::empty());
    }
    let answer = decide(&mut shared.lock(), &incoming, disturbance.effect.as_ref());
    if matches!(disturbance.effect, Some(Effect::LoseAnswer)) {
        connection.cut();
        return Response::new(Body::empty());
    }
    if let Some(Effect::SlowAnswer(delay)) = disturbance.effect {
        tokio::time::sleep(delay).await;
    }
    shared.lock().calls.answered(in_flight.number, answer.status);
    into_response(answer, &shared)
}

/// A request being answered; also counted out when the client leaves before its answer.
struct InFlight {
    shared: Arc<Shared>,
    number: CallNumber,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.shared.lock().calls.left();
    }
}

fn arrive(shared: &Arc<Shared>, incoming: &Incoming) -> (InFlight, Disturbance) {
    let mut state = shared.lock();
    let now = state.clock.now();
    let number = state.calls.arrived(incoming.call(now));
    let mut disturbance = state.faults.for_call(&FaultTarget {
        route: &incoming.route_name(),
        blueprint: incoming.blueprint(),
        identifiers: &incoming.identifiers(),
    });
    disturbance.delay += state.latency;
    let in_flight = InFlight { shared: Arc::clone(shared), number };
    (in_flight, disturbance)
}

fn decide(state: &mut State, incoming: &Incoming, effect: Option<&Effect>) -> Answer {
    let now = state.clock.now();
    let rate_headers = |state: &State| {
        let headers = state.rate.headers();
        headers.map(|(name, value)| (name.to_owned(), value)).to_vec()
    };
    let is_admitted = state.rate.admit(now);
    let storm = state.storm.as_mut().and_then(Storm::refuse);
    let mut answer = if is_admitted && storm.is_none() {
        decide_admitted(state, incoming, effect, now)
    } else {
        Answer::error(429, "rate_limit_exceeded", "too many requests")
    };
    answer.headers.extend(storm.unwrap_or_default());
    let mut headers = rate_headers(state);
    // The clock of the limit's end.
    headers.push(("date".to_owned(), http_date(now)));
    headers.retain(|(name, _)| !answer.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
    answer.headers.append(&mut headers);
    answer
}

fn decide_admitted(state: &mut State, incoming: &Incoming, effect: Option<&Effect>, now: OffsetDateTime) -> Answer {
    let Some(found) = &incoming.found else {
        state.violations.push(format!("{}: no such route", incoming.route_name()));
        return Answer::error(404, "not_found", "no such route");
    };
    if incoming.body_bytes.len() > BODY_LIMIT {
        return Answer::error(413, "payload_too_large", "Request body is too large (limit is 1MiB)");
    }
    if let Some(Effect::Answer { status, error, message, headers }) = effect {
        let mut answer = Answer::error(*status, error, message.as_str());
        answer.headers.clone_from(headers);
        return answer;
    }
    let is_token_call = incoming.route_name() == TOKEN_ROUTE;
    if !is_token_call && !state.tokens.accepts(incoming.authorization.as_deref(), now) {
        return Answer::error(401, "unauthorized", "the access token is missing, wrong or expired");
    }
    if let Some(refusal) = check_form(state, incoming) {
        return refusal;
    }
    let answer = (found.route.handler)(state, incoming, effect, now);
    if let Some(problem) = schema::answer_problem(&incoming.method, found.route.template, answer.status, &answer.body) {
        let route = incoming.route_name();
        state.violations.push(format!("the emulator's own answer to {route}: {problem}"));
    }
    answer
}

/// Content type, JSON and schema.
fn check_form(state: &mut State, incoming: &Incoming) -> Option<Answer> {
    let route = incoming.route_name();
    let template = incoming.template();
    let content_type = incoming.content_type.split(';').next().unwrap_or_default().trim();
    if !incoming.body_bytes.is_empty() && content_type != "application/json" {
        state.violations.push(format!("{route}: content type \"{content_type}\""));
        return Some(Answer::error(415, "unsupported_media_type", "the body has to be application/json"));
    }
    if !incoming.body_is_json {
        state.violations.push(format!("{route}: the body is not JSON"));
        return Some(Answer::error(400, "invalid_json", "the body is not JSON"));
    }
    for name in schema::unknown_query(&incoming.method, template, &incoming.query) {
        // Port ignores them, but they are typing errors of somebody.
        state.violations.push(format!("{route}: unknown query parameter {name}"));
    }
    let problem = schema::request_problem(&incoming.method, template, &incoming.query, &incoming.body)?;
    state.violations.push(format!("{route}: {problem}"));
    Some(Answer::invalid(problem))
}

fn into_response(answer: Answer, shared: &Shared) -> Response<Body> {
    let mut response = Response::new(Body::from(answer.body.to_string()));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    let trace_id = ("x-trace-id".to_owned(), Uuid::new_v4().to_string());
    for (name, value) in answer.headers.into_iter().chain([trace_id]) {
        let parsed = (name.parse::<HeaderName>(), value.parse::<HeaderValue>());
        let (Ok(parsed_name), Ok(parsed_value)) = parsed else {
            let problem = format!("a fault has the impossible header {name}: {value}");
            shared.lock().violations.push(problem);
            continue;
        };
        headers.insert(parsed_name, parsed_value);
    }
    response
}

fn decode_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}
