//! The Runtime API of one process: where it asks for work and hands in answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{Response, StatusCode};
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;

/// What a process is asked to do.
pub(super) struct Invocation {
    pub request_id: String,
    pub payload: Vec<u8>,
}

/// What a process said.
pub(super) enum RuntimeEvent {
    /// It took the invocation: its time starts.
    Taken,
    Answered(Value),
    Failed {
        error_type: String,
        message: String,
    },
    /// It could not start.
    InitializationFailed {
        error_type: String,
        message: String,
    },
}

/// A Runtime API on a port of its own. It ends with this value.
pub(super) struct RuntimeApi {
    pub address: SocketAddr,
    pub invocations: mpsc::Sender<Invocation>,
    pub events: mpsc::UnboundedReceiver<RuntimeEvent>,
    server: JoinHandle<()>,
}

struct Shared {
    function_arn: String,
    /// What processes are told, from the moment on in which they take an invocation.
    time_limit: Duration,
    invocations: Mutex<mpsc::Receiver<Invocation>>,
    events: mpsc::UnboundedSender<RuntimeEvent>,
}

impl RuntimeApi {
    pub async fn start(function_arn: String, time_limit: Duration) -> Self {
        let (invocations, invocation_receiver) = mpsc::channel(1);
        let (event_sender, events) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            function_arn,
            time_limit,
            invocations: Mutex::new(invocation_receiver),
            events: event_sender,
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next_invocation))
            .route("/2018-06-01/runtime/invocation/{request_id}/response", post(take_response))
            .route("/2018-06-01/runtime/invocation/{request_id}/error", post(take_error))
            .route("/2018-06-01/runtime/init/error", post(take_initialization_error))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let listener = listener.tap_io(|connection| {
            // Answers are small and in two writes: with Nagle's algorithm each would take 40 milliseconds.
            connection.set_nodelay(true).expect("an open connection");
        });
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving does not end");
        });
        Self { address, invocations, events, server }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn next_invocation(State(shared): State<Arc<Shared>>) -> Response<Body> {
    let Some(invocation) = shared.invocations.lock().await.recv().await else {
        // The process is about to be killed.
        return std::future::pending().await;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let deadline = now + shared.time_limit;
    let trace_number = uuid::Uuid::new_v4().simple().to_string();
    let trace = format!("Root=1-{:08x}-{};Sampled=0", now.as_secs(), &trace_number[..24]);
    let response = Response::builder()
        .header("Lambda-Runtime-Aws-Request-Id", &invocation.request_id)
        .header("Lambda-Runtime-Deadline-Ms", deadline.as_millis().to_string())
        .header("Lambda-Runtime-Invoked-Function-Arn", &shared.function_arn)
        .header("Lambda-Runtime-Trace-Id", trace)
        .header("Content-Type", "application/json")
        .body(Body::from(invocation.payload))
        .expect("valid headers");
    shared.report(RuntimeEvent::Taken);
    response
}

async fn take_response(State(shared): State<Arc<Shared>>, Path(_request_id): Path<String>, body: Bytes) -> StatusCode {
    let event = match serde_json::from_slice(&body) {
        Ok(answer) => RuntimeEvent::Answered(answer),
        Err(_) if body.is_empty() => RuntimeEvent::Answered(Value::Null),
        Err(error) => {
            RuntimeEvent::Failed { error_type: "Runtime.InvalidResponse".to_owned(), message: error.to_string() }
        }
    };
    shared.report(event);
    StatusCode::ACCEPTED
}

async fn take_error(State(shared): State<Arc<Shared>>, Path(_request_id): Path<String>, body: Bytes) -> StatusCode {
    let (error_type, message) = read_error(&body);
    shared.report(RuntimeEvent::Failed { error_type, message });
    StatusCode::ACCEPTED
}

async fn take_initialization_error(State(shared): State<Arc<Shared>>, body: Bytes) -> StatusCode {
    let (error_type, message) = read_error(&body);
    shared.report(RuntimeEvent::InitializationFailed { error_type, message });
    StatusCode::ACCEPTED
}

fn read_error(body: &[u8]) -> (String, String) {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (field("errorType"), field("errorMessage"))
}

impl Shared {
    fn report(&self, event: RuntimeEvent) {
        // Nobody listens any more when the process is being killed.
        let _ = self.events.send(event);
    }
}
