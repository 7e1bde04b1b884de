//! HTTP to Port: one client for all callers, repeated tries where they can help.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, LOCATION, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Method, StatusCode};
use tokio::sync::Mutex;

use super::address::{address, redirected};
use super::answer::Answer;
use super::body;
use super::credentials::{CredentialSource, Token};
use super::limits::{Api, RateLimit, backoff};
use super::sign_in::SignIn;
use crate::config::IntegrationSettings;
use crate::seams::CatalogError;

const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Tries of one call, the first included.
pub(super) const TRIES: u32 = 5;

/// A client of Port's API.
pub struct PortClient {
    shared: Arc<Shared>,
    /// How long one call waits for the rate limit, all in all.
    patience: Duration,
}

/// What all clients of a process have in common, whatever their patience.
struct Shared {
    http: reqwest::Client,
    base_url: String,
    user_agent: String,
    sign_in: SignIn,
    /// The organization that a token belongs to, asked for once per token: other credentials may have come with a newer
    /// one.
    organization: Mutex<Option<(String, String)>>,
    limit: RateLimit,
    /// That of the host that takes reports: what it refuses must not hold up anything else.
    limit_of_reports: RateLimit,
}

/// Whether a call owns catalog data: Port marks what such calls write with the caller's name, and by that finds it
/// again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Exporter,
    Integration,
    /// Writes the integration record of its own accord, not for a user: asks Port not to make a resync request of it.
    Upkeep,
}

/// A call, as it is made again and again until it succeeds or there is no use.
pub(super) struct Call<'a> {
    pub method: Method,
    /// Below `/v1`, or a whole URL.
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Option<Vec<u8>>,
    pub role: Role,
    /// Whether making it twice is the same as making it once.
    pub repeatable: bool,
}

/// What one try came to.
pub(super) enum Try {
    Answered(Answer),
    Unauthorized(Answer),
    /// The rate limit has noted it, and makes the next try wait.
    Limited,
    Failed(CatalogError),
}

impl PortClient {
    /// A client that has not talked to Port yet: it fetches credentials and token when first needed. A call that would
    /// have to wait for the rate limit for longer than `patience` fails as [`CatalogError::Throttled`].
    ///
    /// # Errors
    /// When the machine has no usable TLS configuration.
    pub fn new(
        base_url: &str,
        integration: &IntegrationSettings,
        source: CredentialSource,
        patience: Duration,
    ) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).connect_timeout(CONNECT_TIMEOUT);
        // Followed, an answer could send the client secret and all entities to any host.
        let http = http.redirect(Policy::none()).build()?;
        // Port reads the segments: type, version, identifier. The version may change; entities stay owned.
        let user_agent =
            format!("port-ocean/{}/{}/{}", integration.kind, env!("CARGO_PKG_VERSION"), integration.identifier);
        let shared = Shared {
            http,
            base_url: base_url.to_owned(),
            user_agent,
            sign_in: SignIn::new(source),
            organization: Mutex::new(None),
            limit: RateLimit::default(),
            limit_of_reports: RateLimit::default(),
        };
        Ok(Self { shared: Arc::new(shared), patience })
    }

    /// The same client, with the same token and the same knowledge of the rate limit, for calls that wait for that
    /// limit at most so long.
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { shared: self.shared.clone(), patience }
    }

    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Makes a call, with as many tries as are of use.
    ///
    /// # Errors
    /// [`CatalogError`] where no answer came, or one that concerns every call: credentials, rate limit, outage, an
    /// address elsewhere. Other answers are the caller's.
    pub(super) async fn call(&self, call: Call<'_>) -> Result<Answer, CatalogError> {
        let mut refreshed = false;
        let mut patience = self.patience;
        let mut tries = 0;
        loop {
            let token = self.shared.sign_in.token(self).await?;
            match self.attempt(&call, &token, &mut patience).await? {
                Try::Answered(answer) => return Ok(answer),
                Try::Unauthorized(answer) if refreshed => return Err(answer.into_error()),
                Try::Unauthorized(_) => {
                    refreshed = true;
                    self.shared.sign_in.forget(&token).await;
                }
                Try::Limited => {}
                Try::Failed(error) => {
                    tries += 1;
                    if tries >= TRIES || !call.repeatable {
                        return Err(error);
                    }
                    tokio::time::sleep(backoff(tries)).await;
                }
            }
        }
    }

    async fn attempt(&self, call: &Call<'_>, token: &Token, patience: &mut Duration) -> Result<Try, CatalogError> {
        let user_agent = match call.role {
            Role::Exporter => format!("{}/exporter", self.shared.user_agent),
            Role::Integration | Role::Upkeep => self.shared.user_agent.clone(),
        };
        let url = address(&self.shared.base_url, call.path)?;
        let request = self.shared.http.request(call.method.clone(), url).query(call.query);
        let mut request = request.header(USER_AGENT, user_agent).header(AUTHORIZATION, &token.header);
        if call.role == Role::Upkeep {
            request = request.header("x-skip-resync", "true");
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        self.send(request, Api::of(call.path), patience).await
    }

    /// Asks for a token, once. `body` has the credentials.
    pub(super) async fn attempt_sign_in(&self, body: String, patience: &mut Duration) -> Result<Try, CatalogError> {
        let url = address(&self.shared.base_url, "/auth/access_token")?;
        let request = self.shared.http.post(url).header(USER_AGENT, &self.shared.user_agent);
        let request = request.header(CONTENT_TYPE, "application/json").body(body);
        self.send(request, Api::SignIn, patience).await
    }

    /// Sends a request when the rate limit allows it: the one place where anything leaves for Port.
    async fn send(
        &self,
        request: reqwest::RequestBuilder,
        api: Api,
        patience: &mut Duration,
    ) -> Result<Try, CatalogError> {
        let limit = if api == Api::Reports { &self.shared.limit_of_reports } else { &self.shared.limit };
        let admission = limit.admit(api, patience).await;
        let _in_flight = admission.map_err(|retry_after| CatalogError::Throttled { retry_after })?;
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return Ok(Try::Failed(unreachable(&error))),
        };
        let headers = response.headers().clone();
        let status = response.status();
        limit.note(api, status, &headers);
        if status.is_redirection() {
            let location = headers.get(LOCATION).and_then(|location| location.to_str().ok());
            return Err(redirected(status, response.url(), location));
        }
        let body = match body::read(response, body::LARGEST_BODY_BYTES).await {
            Ok(body) => body,
            Err(error) => return Ok(Try::Failed(error)),
        };
        let trace_id = headers.get("x-trace-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
        let answer = Answer { status, body, trace_id };
        Ok(match status {
            StatusCode::UNAUTHORIZED => Try::Unauthorized(answer),
            StatusCode::TOO_MANY_REQUESTS => Try::Limited,
            StatusCode::REQUEST_TIMEOUT => Try::Failed(answer.into_error()),
            status if status.is_server_error() => Try::Failed(answer.into_error()),
            _ => Try::Answered(answer),
        })
    }

    /// Port's id of the organization that the credentials belong to.
    pub async fn organization(&self) -> Result<String, CatalogError> {
        let token = self.shared.sign_in.token(self).await?;
        let mut known = self.shared.organization.lock().await;
        if let Some((_, organization)) = known.as_ref().filter(|(asked_with, _)| *asked_with == token.header) {
            return Ok(organization.clone());
        }
        let (method, path, role) = (Method::GET, "/organization", Role::Integration);
        let call = Call { method, path, query: &[], body: None, role, repeatable: true };
        let body = self.call(call).await?.success()?.json()?;
        match body["organization"]["id"].as_str() {
            Some(id) if crate::run::is_path_segment(id) => {
                *known = Some((token.header, id.to_owned()));
                Ok(id.to_owned())
            }
            _ => Err(CatalogError::Unavailable("Port's answer names no organization".to_owned())),
        }
    }

    /// What the stored name of whoever wrote an entity begins and ends with, if it was this integration.
    pub(super) fn datasource(&self) -> (String, String) {
        let mut segments = self.shared.user_agent.split('/');
        let (framework, kind, _version, identifier) =
            (segments.next(), segments.next(), segments.next(), segments.next());
        let prefix = format!("{}/{}/", framework.unwrap_or_default(), kind.unwrap_or_default());
        (prefix, format!("/{}/exporter", identifier.unwrap_or_default()))
    }
}

pub(super) fn unreachable(error: &reqwest::Error) -> CatalogError {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text = inner.to_string();
        cause = inner.source();
    }
    let host = error.url().and_then(|url| url.host_str()).unwrap_or("Port").to_owned();
    CatalogError::Unavailable(format!("no answer from {host}: {text}"))
}
