//! S3 as far as the state of runs needs it: objects with ETags, conditional writes, a listing. It counts what goes
//! through, and takes objects of any size at memory speed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The running service, in which every bucket is the same one. It ends with this value.
pub struct Bucket {
    url: String,
    objects: Arc<Mutex<Objects>>,
    server: JoinHandle<()>,
}

/// What went through since the counts were last cleared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// By operation.
    pub calls: BTreeMap<&'static str, usize>,
    pub bytes_written: u64,
    pub bytes_read: u64,
    /// Of the largest object that was written.
    pub largest_object: u64,
}

#[derive(Default)]
struct Objects {
    by_key: BTreeMap<String, Object>,
    versions: u64,
    traffic: Traffic,
}

struct Object {
    bytes: Bytes,
    e_tag: String,
}

impl Bucket {
    pub async fn start() -> Self {
        let objects = Arc::new(Mutex::new(Objects::default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("a bound socket has an address"));
        let router = Router::new().fallback(answer).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&objects));
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving does not end");
        });
        Self { url, objects, server }
    }

    /// The URL for `AWS_ENDPOINT_URL_S3`.
    pub fn endpoint(&self) -> &str {
        &self.url
    }

    /// The object with the first key that ends so.
    pub fn read(&self, end_of_key: &str) -> Option<Vec<u8>> {
        let objects = lock(&self.objects);
        let (_, object) = objects.by_key.iter().find(|(key, _)| key.ends_with(end_of_key))?;
        Some(object.bytes.to_vec())
    }

    pub fn traffic(&self) -> Traffic {
        lock(&self.objects).traffic.clone()
    }

    pub fn clear_traffic(&self) {
        lock(&self.objects).traffic = Traffic::default();
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn lock(objects: &Mutex<Objects>) -> MutexGuard<'_, Objects> {
    objects.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    State(objects): State<Arc<Mutex<Objects>>>,
    method: Method,
    uri: Uri,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    // `/<bucket>` or `/<bucket>/<key>`
    let path = uri.path().trim_start_matches('/');
    let key = path.split_once('/').map(|(_, key)| key).unwrap_or_default();
    let mut objects = lock(&objects);
    match (method, key) {
        (Method::GET, "") => objects.list(query.get("prefix").map_or("", String::as_str)),
        (Method::GET, key) => objects.get(key),
        (Method::PUT, key) => objects.put(key, &headers, body),
        (Method::DELETE, key) => objects.delete(key, &headers),
        (method, _) => error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", method.as_str()),
    }
}

impl Objects {
    fn count(&mut self, operation: &'static str) {
        *self.traffic.calls.entry(operation).or_default() += 1;
    }

    /// All keys on one page.
    fn list(&mut self, prefix: &str) -> Response {
        self.count("ListObjectsV2");
        let keys = self.by_key.keys().filter(|key| key.starts_with(prefix));
        let contents: String = keys.map(|key| format!("<Contents><Key>{key}</Key></Contents>")).collect();
        xml(StatusCode::OK, format!("<ListBucketResult><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"))
    }

    fn get(&mut self, key: &str) -> Response {
        self.count("GetObject");
        let Some(object) = self.by_key.get(key) else {
            return error(StatusCode::NOT_FOUND, "NoSuchKey", key);
        };
        self.traffic.bytes_read += object.bytes.len() as u64;
        ([("etag", object.e_tag.clone())], object.bytes.clone()).into_response()
    }

    fn put(&mut self, key: &str, headers: &HeaderMap, body: Bytes) -> Response {
        self.count("PutObject");
        if headers.get("content-encoding").is_some_and(|encoding| encoding == "aws-chunked") {
            return error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", "bodies in signed chunks");
        }
        if let Some(refusal) = self.refusal(key, headers) {
            return refusal;
        }
        let bytes = body.len() as u64;
        self.traffic.bytes_written += bytes;
        self.traffic.largest_object = self.traffic.largest_object.max(bytes);
        self.versions += 1;
        let e_tag = format!("\"{:032x}\"", self.versions);
        self.by_key.insert(key.to_owned(), Object { bytes: body, e_tag: e_tag.clone() });
        ([("etag", e_tag)], "").into_response()
    }

    fn delete(&mut self, key: &str, headers: &HeaderMap) -> Response {
        self.count("DeleteObject");
        if let Some(refusal) = self.refusal(key, headers) {
            return refusal;
        }
        self.by_key.remove(key);
        StatusCode::NO_CONTENT.into_response()
    }

    /// What S3 answers where the condition of a write does not hold.
    fn refusal(&self, key: &str, headers: &HeaderMap) -> Option<Response> {
        let found = self.by_key.get(key).map(|object| object.e_tag.as_bytes());
        if headers.contains_key("if-none-match") && found.is_some() {
            return Some(error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", key));
        }
        let expected = headers.get("if-match")?.as_bytes();
        match found {
            None => Some(error(StatusCode::NOT_FOUND, "NoSuchKey", key)),
            Some(found) if found == expected => None,
            Some(_) => Some(error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", key)),
        }
    }
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    xml(status, format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
}

fn xml(status: StatusCode, body: String) -> Response {
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{body}");
    (status, [("content-type", "application/xml")], body).into_response()
}
