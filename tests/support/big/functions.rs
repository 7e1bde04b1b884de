//! AWS Lambda with as many functions as a test wants, and one operation: `ListFunctions`. Its answer is all that there
//! is to know of a function, so the calls are the fewest and everything else is the worker's own work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::world::all_kinds_mapping;

/// The kind of the functions, and the blueprint that they are mapped to.
pub const KIND: &str = "AWS::Lambda::Function";
pub const BLUEPRINT: &str = "lambdaFunction";

const PATH: &str = "/2015-03-31/functions";

/// A mapping of functions alone, without the options that cost a call for each of them.
pub fn functions_mapping() -> Value {
    let mut mapping = all_kinds_mapping();
    let entries = mapping["resources"].as_array_mut().expect("a list of entries");
    entries.retain(|entry| entry["kind"] == KIND);
    for entry in entries {
        let selector = entry["selector"].as_object_mut().expect("an entry has a selector");
        selector.remove("includeActions");
    }
    mapping
}

/// How the functions of an account in a region are listed.
#[derive(Clone, Debug)]
pub struct Shape {
    pub account: String,
    pub region: String,
    pub functions: usize,
    /// At most 50 on AWS.
    pub page_size: usize,
    /// What a page takes.
    pub latency: Duration,
}

/// The running service. It ends with this value.
pub struct ManyFunctions {
    url: String,
    service: Arc<Service>,
    server: JoinHandle<()>,
}

struct Service {
    shape: Shape,
    /// The configuration of one function; the others differ in their names.
    pattern: Value,
    state: Mutex<Listed>,
}

#[derive(Default)]
struct Listed {
    deleted: BTreeSet<usize>,
    calls: usize,
}

impl ManyFunctions {
    pub async fn start(shape: Shape) -> Self {
        let mut sample: Value = serde_json::from_str(include_str!("../raw/lambda-function.json")).expect("JSON");
        let pattern = sample["full"]["Properties"].take();
        let service = Arc::new(Service { shape, pattern, state: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = Router::new().fallback(answer).with_state(service.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving does not end");
        });
        Self { url, service, server }
    }

    /// The URL for `AWS_ENDPOINT_URL_LAMBDA`.
    pub fn endpoint(&self) -> &str {
        &self.url
    }

    /// The ARN of a function by its number.
    pub fn arn(&self, number: usize) -> String {
        self.service.shape.arn(number)
    }

    /// The ARNs of the functions that there are, in order.
    pub fn arns(&self) -> Vec<String> {
        let state = self.service.lock();
        let all = 0..self.service.shape.functions;
        all.filter(|number| !state.deleted.contains(number)).map(|number| self.arn(number)).collect()
    }

    /// Deletes functions by their numbers.
    pub fn delete(&self, numbers: impl IntoIterator<Item = usize>) {
        self.service.lock().deleted.extend(numbers);
    }

    /// The bytes of one function in an answer.
    pub fn bytes_of_one(&self) -> usize {
        self.service.configuration(0).to_string().len()
    }

    /// Calls since they were last cleared.
    pub fn calls(&self) -> usize {
        self.service.lock().calls
    }

    pub fn clear_calls(&self) {
        self.service.lock().calls = 0;
    }
}

impl Drop for ManyFunctions {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shape {
    /// The numbers have leading zeros: the order of the ARNs is that of the numbers.
    fn name(&self, number: usize) -> String {
        format!("function-{number:07}")
    }

    fn arn(&self, number: usize) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", self.region, self.account, self.name(number))
    }
}

impl Service {
    fn lock(&self) -> MutexGuard<'_, Listed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn configuration(&self, number: usize) -> Value {
        let mut configuration = self.pattern.clone();
        configuration["FunctionName"] = json!(self.shape.name(number));
        configuration["FunctionArn"] = json!(self.shape.arn(number));
        configuration
    }

    /// The functions from a number on, and the number at which the next page begins.
    fn page(&self, first: usize) -> (Vec<usize>, Option<usize>) {
        let mut state = self.lock();
        state.calls += 1;
        let mut rest = (first..self.shape.functions).filter(|number| !state.deleted.contains(number));
        let page: Vec<usize> = rest.by_ref().take(self.shape.page_size).collect();
        let next = rest.next();
        (page, next)
    }
}

async fn answer(
    State(service): State<Arc<Service>>,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if uri.path().trim_end_matches('/') != PATH {
        return (StatusCode::NOT_IMPLEMENTED, format!("{} is not emulated", uri.path())).into_response();
    }
    tokio::time::sleep(service.shape.latency).await;
    let first = match query.get("Marker").map(|marker| marker.parse()) {
        None => 0,
        Some(Ok(first)) => first,
        Some(Err(_)) => return (StatusCode::BAD_REQUEST, "the marker is not one of ours").into_response(),
    };
    let (page, next) = service.page(first);
    let functions: Vec<Value> = page.into_iter().map(|number| service.configuration(number)).collect();
    let mut body = json!({"Functions": functions});
    if let Some(next) = next {
        body["NextMarker"] = json!(next.to_string());
    }
    ([("content-type", "application/json")], body.to_string()).into_response()
}
