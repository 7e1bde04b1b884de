//! Ways to servers on which a test can stand: it counts the calls of all ways together, holds a certain one of them,
//! and closes a way.
//!
//! What happens at which call is told by counts and never by the time that passed, so a story told by its numbers is
//! the same on a fast machine and on a slow one.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Response};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use super::connection::{Connection, CuttableListener};

/// Counts calls on all of its ways.
#[derive(Default)]
pub struct Relay {
    calls: Arc<Calls>,
}

/// A way to one server. It ends with this value.
pub struct Way {
    url: String,
    line: Arc<Line>,
    server: JoinHandle<()>,
}

/// When a call is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the server sees it.
    Before,
    /// When the server has answered, before the caller sees the answer.
    After,
}

/// Which calls are counted, by their names.
pub type Choice = fn(&str) -> bool;

pub fn any_call(_: &str) -> bool {
    true
}

/// A call that is held until it is decided what becomes of it. Dropped, it is passed on.
pub struct HeldCall {
    /// What was called: action, target, or method and path.
    pub name: String,
    verdict: oneshot::Sender<Verdict>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Pass,
    Cut,
}

#[derive(Default)]
struct Calls {
    counting: Mutex<Counting>,
    under_way: watch::Sender<usize>,
}

#[derive(Default)]
struct Counting {
    calls: u64,
    order: Option<Order>,
}

/// To hold a call.
struct Order {
    /// Calls until then, itself included.
    countdown: u64,
    counts: Choice,
    moment: Moment,
    held: oneshot::Sender<HeldCall>,
}

struct Line {
    server: String,
    http: reqwest::Client,
    calls: Arc<Calls>,
    is_closed: AtomicBool,
    lost: watch::Sender<u64>,
}

impl HeldCall {
    pub fn pass(self) {
        // The caller may be gone; the call is made all the same.
        let _ = self.verdict.send(Verdict::Pass);
    }

    /// The caller's connection breaks, and a call that the server has not seen it never will.
    pub fn cut(self) {
        let _ = self.verdict.send(Verdict::Cut);
    }
}

impl Relay {
    /// A new way to a server, given by its URL without a path.
    pub async fn way_to(&self, server: &str) -> Way {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let line = Arc::new(Line {
            server: server.to_owned(),
            http,
            calls: self.calls.clone(),
            is_closed: AtomicBool::new(false),
            lost: watch::Sender::new(0),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = Router::new().fallback(pass_on).with_state(line.clone());
        let service = router.into_make_service_with_connect_info::<Connection>();
        let server = tokio::spawn(async move {
            axum::serve(CuttableListener::new(listener), service).await.expect("serving does not end");
        });
        Way { url, line, server }
    }

    /// The calls so far.
    pub fn calls(&self) -> u64 {
        self.calls.lock().calls
    }

    /// Waits for the call that is the `nth` of its kind from now on. One order replaces another.
    pub async fn hold(&self, nth: u64, counts: Choice, moment: Moment) -> HeldCall {
        let (held, call) = oneshot::channel();
        self.calls.lock().order = Some(Order { countdown: nth, counts, moment, held });
        call.await.expect("nobody else orders")
    }

    /// Waits until no call is under way, with or without a caller.
    pub async fn is_idle(&self) {
        let mut under_way = self.calls.under_way.subscribe();
        under_way.wait_for(|count| *count == 0).await.expect("the sender is not dropped before self");
    }
}

impl Way {
    /// Where the server can be called.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on every call breaks before the server sees it.
    pub fn close(&self) {
        self.line.is_closed.store(true, Ordering::SeqCst);
    }

    pub fn open(&self) {
        self.line.is_closed.store(false, Ordering::SeqCst);
    }

    /// Waits until so many more calls were lost: the way was closed, or the server was not there.
    pub async fn lost(&self, count: u64) {
        let mut lost = self.line.lost.subscribe();
        let enough = *lost.borrow() + count;
        lost.wait_for(|lost| *lost >= enough).await.expect("the sender is not dropped before self");
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Counting> {
        self.counting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call; gives the order if this is the one to hold.
    fn count(&self, name: &str) -> Option<Order> {
        let mut counting = self.lock();
        counting.calls += 1;
        let order = counting.order.as_mut().filter(|order| (order.counts)(name))?;
        order.countdown -= 1;
        if order.countdown > 0 {
            return None;
        }
        counting.order.take()
    }
}

impl Order {
    async fn hold(self, name: &str) -> Verdict {
        let (verdict, decided) = oneshot::channel();
        let call = HeldCall { name: name.to_owned(), verdict };
        if self.held.send(call).is_err() {
            // Nobody waits for it any more.
            return Verdict::Pass;
        }
        decided.await.unwrap_or(Verdict::Pass)
    }
}

async fn pass_on(
    State(line): State<Arc<Line>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: Request,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return Response::new(Body::empty());
    };
    // In a task of its own: a call that was made goes on when its caller is gone.
    let answer = tokio::spawn(async move {
        line.calls.under_way.send_modify(|count| *count += 1);
        let answer = line.answer(&head, body).await;
        line.calls.under_way.send_modify(|count| *count -= 1);
        answer
    });
    match answer.await.expect("the relay does not panic") {
        Some(answer) => answer,
        None => {
            connection.cut();
            Response::new(Body::empty())
        }
    }
}

impl Line {
    /// The server's answer; none where the caller shall not get one.
    async fn answer(&self, head: &Parts, body: Bytes) -> Option<Response<Body>> {
        let name = name_of(head, &body);
        let mut order = self.calls.count(&name);
        if let Some(order) = order.take_if(|order| order.moment == Moment::Before)
            && order.hold(&name).await == Verdict::Cut
        {
            return None;
        }
        if self.is_closed.load(Ordering::SeqCst) {
            self.lost.send_modify(|lost| *lost += 1);
            return None;
        }
        let answer = self.forward(head, body).await;
        if answer.is_none() {
            self.lost.send_modify(|lost| *lost += 1);
        }
        if let Some(order) = order
            && order.hold(&name).await == Verdict::Cut
        {
            return None;
        }
        answer
    }

    /// None where the server is not there.
    async fn forward(&self, head: &Parts, body: Bytes) -> Option<Response<Body>> {
        let url = format!("{}{}", self.server, head.uri);
        let headers = end_to_end(head.headers.clone());
        let answered = self.http.request(head.method.clone(), url).headers(headers).body(body).send().await.ok()?;
        let (status, headers) = (answered.status(), end_to_end(answered.headers().clone()));
        let mut answer = Response::new(Body::from(answered.bytes().await.ok()?));
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Some(answer)
    }
}

/// Without what concerns one connection only.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    headers
}

fn name_of(head: &Parts, body: &[u8]) -> String {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = header("x-amz-target");
    if !target.is_empty() {
        return target.to_owned();
    }
    if header(CONTENT_TYPE.as_str()).starts_with("application/x-www-form-urlencoded") {
        let form = String::from_utf8_lossy(body);
        if let Some(action) = form.split('&').find_map(|field| field.strip_prefix("Action=")) {
            return action.to_owned();
        }
    }
    format!("{} {}", head.method, head.uri.path())
}
