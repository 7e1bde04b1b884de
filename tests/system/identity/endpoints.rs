//! Where a container and an EC2 instance get their credentials from, on a free port of 127.0.0.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::{REGION, Session};

const ROLE_NAME: &str = "of-the-instance";
const METADATA_TOKEN: &str = "token-of-the-instance";
const METADATA_TOKEN_SECONDS: &str = "21600";
const METADATA_TOKEN_SECONDS_HEADER: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const METADATA_TOKEN_HEADER: &str = "x-aws-ec2-metadata-token";

/// An endpoint that hands out credentials. It ends with this value.
pub struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    credentials: Value,
    /// What a container must show.
    authorization: String,
    given: AtomicUsize,
    refused: AtomicUsize,
}

impl Endpoint {
    /// What the ECS agent and the EKS Pod Identity agent serve, for whoever shows this authorization.
    pub async fn of_container(session: &Session, authorization: &str) -> Self {
        let router = Router::new().route("/v2/credentials", get(give_to_container));
        Self::serve(router, session, authorization).await
    }

    /// The instance metadata service, version 2.
    pub async fn of_instance(session: &Session) -> Self {
        let router = Router::new()
            .route("/latest/api/token", put(give_token))
            .route("/latest/meta-data/placement/region", get(give_region))
            .route("/latest/meta-data/iam/security-credentials/", get(give_role_name))
            .route("/latest/meta-data/iam/security-credentials/{role}", get(give_to_instance));
        Self::serve(router, session, "").await
    }

    /// For `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
    pub fn container_url(&self) -> String {
        format!("http://{}/v2/credentials", self.address)
    }

    /// For `AWS_EC2_METADATA_SERVICE_ENDPOINT`.
    pub fn metadata_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often credentials were given.
    pub fn given(&self) -> usize {
        self.shared.given.load(Ordering::Relaxed)
    }

    /// How often somebody was refused.
    pub fn refused(&self) -> usize {
        self.shared.refused.load(Ordering::Relaxed)
    }

    async fn serve(router: Router<Arc<Shared>>, session: &Session, authorization: &str) -> Self {
        let credentials = json!({
            "Code": "Success",
            "Type": "AWS-HMAC",
            "LastUpdated": "2026-01-01T00:00:00Z",
            "RoleArn": session.role_arn,
            "AccessKeyId": session.access_key_id,
            "SecretAccessKey": session.secret_access_key,
            "Token": session.token,
            "Expiration": "2100-01-01T00:00:00Z",
        });
        let shared = Arc::new(Shared {
            credentials,
            authorization: authorization.to_owned(),
            given: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let router = router.with_state(shared.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("serving does not end");
        });
        Self { address, shared, server }
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    fn give(&self) -> Response {
        self.given.fetch_add(1, Ordering::Relaxed);
        self.credentials.to_string().into_response()
    }

    fn refuse(&self) -> Response {
        self.refused.fetch_add(1, Ordering::Relaxed);
        (StatusCode::UNAUTHORIZED, r#"{"code":"Unauthorized","message":"not with this authorization"}"#).into_response()
    }

    fn has_token(&self, headers: &HeaderMap) -> bool {
        headers.get(METADATA_TOKEN_HEADER).is_some_and(|token| token == METADATA_TOKEN)
    }
}

async fn give_to_container(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if headers.get("authorization").is_some_and(|shown| shown == shared.authorization.as_str()) {
        return shared.give();
    }
    shared.refuse()
}

async fn give_token(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !headers.contains_key(METADATA_TOKEN_SECONDS_HEADER) {
        return shared.refuse();
    }
    ([(METADATA_TOKEN_SECONDS_HEADER, METADATA_TOKEN_SECONDS)], METADATA_TOKEN).into_response()
}

async fn give_region(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.has_token(&headers) {
        return shared.refuse();
    }
    REGION.into_response()
}

async fn give_role_name(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !shared.has_token(&headers) {
        return shared.refuse();
    }
    ROLE_NAME.into_response()
}

async fn give_to_instance(State(shared): State<Arc<Shared>>, Path(role): Path<String>, headers: HeaderMap) -> Response {
    if !shared.has_token(&headers) {
        return shared.refuse();
    }
    if role != ROLE_NAME {
        return StatusCode::NOT_FOUND.into_response();
    }
    shared.give()
}
