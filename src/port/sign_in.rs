//! Signing in to Port: one token for all callers.

use std::time::Duration;

use serde::Deserialize;
use serde_json::json;
use tokio::sync::Mutex;

use super::client::{PortClient, TRIES, Try};
use super::credentials::{CredentialSource, PortCredentials, Token};
use super::limits::backoff;
use crate::seams::CatalogError;

/// Who signs in, and the token that came of it.
pub(super) struct SignIn {
    source: CredentialSource,
    /// Held while a token is fetched, so that all callers get the one.
    token: Mutex<Option<Token>>,
}

impl SignIn {
    pub fn new(source: CredentialSource) -> Self {
        Self { source, token: Mutex::new(None) }
    }

    /// The token that all callers use, fetched through the client of whoever comes first.
    pub async fn token(&self, client: &PortClient) -> Result<Token, CatalogError> {
        let mut known = self.token.lock().await;
        if let Some(token) = known.as_ref().filter(|token| token.is_fresh()) {
            return Ok(token.clone());
        }
        let token = self.fetch(client).await?;
        *known = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that Port refused, unless another caller has replaced it already.
    pub async fn forget(&self, refused: &Token) {
        let mut known = self.token.lock().await;
        if known.as_ref().is_some_and(|token| token.header == refused.header) {
            *known = None;
        }
    }

    async fn fetch(&self, client: &PortClient) -> Result<Token, CatalogError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Granted {
            access_token: String,
            expires_in: u64,
            token_type: Option<String>,
        }
        let credentials = self.credentials().await?;
        let body = json!({"clientId": credentials.client_id, "clientSecret": credentials.client_secret}).to_string();
        let mut patience = client.patience();
        let mut tries = 0;
        loop {
            let error = match client.attempt_sign_in(body.clone(), &mut patience).await? {
                Try::Answered(answer) => {
                    let answer = answer.success()?;
                    let granted: Granted = serde_json::from_slice(&answer.body).map_err(|error| {
                        CatalogError::Unavailable(format!("a token that cannot be understood: {error}"))
                    })?;
                    let token_type = granted.token_type.as_deref().unwrap_or("Bearer");
                    return Ok(Token::new(token_type, &granted.access_token, Duration::from_secs(granted.expires_in)));
                }
                // Wrong credentials stay wrong.
                Try::Unauthorized(answer) => return Err(answer.into_error()),
                Try::Limited => continue,
                Try::Failed(error) => error,
            };
            tries += 1;
            if tries >= TRIES {
                return Err(error);
            }
            tokio::time::sleep(backoff(tries)).await;
        }
    }

    async fn credentials(&self) -> Result<PortCredentials, CatalogError> {
        match &self.source {
            CredentialSource::Known(credentials) => Ok(credentials.clone()),
            CredentialSource::Secret { client, arn } => crate::aws::read_port_credentials(client, arn)
                .await
                .map_err(|error| CatalogError::NoCredentials(error.to_string())),
        }
    }
}
