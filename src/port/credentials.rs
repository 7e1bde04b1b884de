//! Port's credentials and the token made from them.

use std::fmt;
use std::time::{Duration, Instant};

/// Client id and secret of a Port organization.
#[derive(Clone, PartialEq, Eq)]
pub struct PortCredentials {
    pub client_id: String,
    pub client_secret: String,
}

impl fmt::Debug for PortCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PortCredentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Where credentials come from when they are first needed.
pub enum CredentialSource {
    Known(PortCredentials),
    Secret { client: aws_sdk_secretsmanager::Client, arn: String },
}

/// A token is renewed this long before it ends. Port hands out the same token until then, so that a fresh one may be
/// old already.
const MARGIN: Duration = Duration::from_secs(5 * 60);

/// Port's tokens live for three hours.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    /// `<type> <token>`, as the header wants it.
    pub header: String,
    renew_at: Instant,
}

impl Token {
    pub fn new(token_type: &str, token: &str, expires_in: Duration) -> Self {
        // Near its end of life a token is used all the same, once: asking again would give the same one.
        let life = expires_in.min(LONGEST_LIFE).saturating_sub(MARGIN);
        Self { header: format!("{token_type} {token}"), renew_at: Instant::now() + life }
    }

    pub fn is_fresh(&self) -> bool {
        Instant::now() < self.renew_at
    }
}
