//! Limits of AWS, kept for every call of a client: below the SDK, where each of its tries is a call of its own.
//!
//! The SDK has an adaptive retry mode. It is not used: it limits the rate and not the calls in flight, it starts at full
//! speed even where a service is known to be slow, and accounts share it unless every client of every service is
//! configured by itself.

mod limiter;
mod quotas;

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{RuntimeComponents, RuntimeComponentsBuilder};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;

pub use limiter::Limiter;
pub use quotas::{KNOWN_QUOTAS, KnownQuota, Quota, USUAL, quota_of};

use crate::events;
use crate::kinds::is_throttle;

/// What an error says is short, and has been sent when its status comes.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// An HTTP client whose calls keep to a limit, and teach it.
#[derive(Debug)]
pub struct LimitedHttpClient {
    pub inner: SharedHttpClient,
    pub limiter: Arc<Limiter>,
}

impl HttpClient for LimitedHttpClient {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(LimitedConnector {
            inner: self.inner.http_connector(settings, components),
            limiter: self.limiter.clone(),
        })
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        self.inner.validate_base_client_config(components, config)
    }

    fn validate_final_config(&self, components: &RuntimeComponents, config: &ConfigBag) -> Result<(), BoxError> {
        self.inner.validate_final_config(components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

#[derive(Debug)]
struct LimitedConnector {
    inner: SharedHttpConnector,
    limiter: Arc<Limiter>,
}

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, limiter) = (self.inner.clone(), self.limiter.clone());
        HttpConnectorFuture::new(async move {
            let call = limiter.begin().await;
            let mut response = inner.call(request).await?;
            if is_refusal(&mut response).await? {
                call.refused();
                events::aws_call_refused();
            } else {
                call.answered();
            }
            Ok(response)
        })
    }
}

/// Whether the service refused a call because it had too many. The SDK finds that out too, but later, and tells nobody
/// before its last try.
async fn is_refusal(response: &mut HttpResponse) -> Result<bool, ConnectorError> {
    let status = response.status().as_u16();
    if matches!(status, 429 | 503) {
        return Ok(true);
    }
    if status < 400 {
        return Ok(false);
    }
    let body = ByteStream::new(std::mem::replace(response.body_mut(), SdkBody::empty()));
    let body = match tokio::time::timeout(ERROR_BODY_TIMEOUT, body.collect()).await {
        Ok(body) => body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes(),
        Err(elapsed) => return Err(ConnectorError::timeout(elapsed.into())),
    };
    let is_refusal = error_code(&String::from_utf8_lossy(&body)).is_some_and(is_throttle);
    *response.body_mut() = SdkBody::from(body);
    Ok(is_refusal)
}

/// The code in the body of an error: `<Code>` in XML; in JSON `__type`, or `code`, perhaps behind a namespace and before
/// a URL.
fn error_code(body: &str) -> Option<&str> {
    if let Some((_, rest)) = body.split_once("<Code>") {
        return rest.split_once("</Code>").map(|(code, _)| code);
    }
    let (_, rest) = body.split_once("\"__type\"").or_else(|| body.split_once("\"code\""))?;
    let code = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.split('"').next()?;
    let code = code.rsplit('#').next()?;
    code.split(':').next()
}

#[cfg(test)]
mod tests {
    use aws_smithy_runtime_api::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn refusals_are_recognized_in_every_protocol_and_stay_readable() {
        for (status, body, expected) in [
            (400, r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#, true),
            (400, r#"{"__type" : "com.amazon.coral.availability#ThrottlingException"}"#, true),
            (400, r#"{"code":"TooManyRequestsException:http://internal.amazon.com/"}"#, true),
            (400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>", true),
            (403, "<ErrorResponse><Error><Code>RequestThrottled</Code></Error></ErrorResponse>", true),
            (503, "<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>", true),
            (503, "", true),
            (429, "{}", true),
            (400, r#"{"__type":"AccessDeniedException","message":"no ThrottlingException"}"#, false),
            (404, "<Error><Code>NoSuchBucket</Code></Error>", false),
            (500, r#"{"message":"__type"}"#, false),
            (400, "", false),
            (200, r#"{"__type":"ThrottlingException"}"#, false),
        ] {
            let status = StatusCode::try_from(status).unwrap();
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            assert_eq!(is_refusal(&mut response).await.unwrap(), expected, "{status} {body}");
            assert_eq!(response.body().bytes(), Some(body.as_bytes()));
        }
    }
}
