//! What can go wrong when AWS is read, told apart by what follows from it.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// A call to AWS that gave nothing. None of these says that a resource is gone.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// The service does not exist in the region, or the region is not enabled.
    #[error("not available here: {0}")]
    NotHere(Failure),
    /// The role, or a policy above it, does not allow the call.
    #[error(
        "access denied: {0}; allow the action in the read role's policy, and look for a service control policy that denies it"
    )]
    Denied(Failure),
    /// AWS took too many calls at once, and went on refusing after the SDK's own retries.
    #[error("throttled: {0}; the next run tries again")]
    Throttled(Failure),
    /// AWS has no such type, here or anywhere: mostly a misspelt name.
    #[error(
        "type not found: {0}; check the spelling of the kind, and where AWS has the type in other regions only, leave this one out with `selector.regionPolicy`"
    )]
    TypeNotFound(Failure),
    /// The type is there, but not to be listed, or not in this way.
    #[error(
        "not supported: {0}; a type that lies in other resources needs them in `selector.resourceModels`, and any other cannot be listed"
    )]
    Unsupported(Failure),
    /// Anything else: a timeout, a server error, an answer that cannot be understood.
    #[error("failed: {0}")]
    Failed(Failure),
}

/// The call that failed, and AWS's words.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The call, as `service:Operation`.
    pub call: &'static str,
    /// AWS's error code; empty where no answer came.
    pub code: String,
    pub message: String,
}

impl Failure {
    /// Whether AWS answered at all.
    pub fn is_answer(&self) -> bool {
        !self.code.is_empty()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code.as_str() {
            "" => write!(formatter, "{} gave no answer", self.call)?,
            code => write!(formatter, "{} answered {code}", self.call)?,
        }
        if self.message.is_empty() {
            return Ok(());
        }
        write!(formatter, " ({})", self.message)
    }
}

/// Codes that mean that the caller may not, across AWS services.
const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Forbidden",
    "ForbiddenException",
    "NotAuthorized",
    "NotAuthorizedException",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

/// Codes that mean that the region or the service in it is not for this account.
const NOT_HERE: &[&str] = &["OptInRequired", "RegionDisabledException", "SubscriptionRequiredException"];

/// Codes that mean too many calls. The SDK has repeated the call by then.
const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// What comes before a resolver's words when a name could not be looked up.
const LOOKUP_FAILED: &str = "failed to lookup address information";

/// What the resolvers of glibc, musl and macOS say of a name that does not exist or has no address. Other failures of a
/// lookup are the network's, and say nothing of the name.
const NO_SUCH_NAME: &[&str] = &[
    "Name or service not known",
    "No address associated with hostname",
    "Name does not resolve",
    "Name has no usable address",
    "nodename nor servname provided, or not known",
];

impl ReadError {
    /// Turns an SDK error into ours. To be used as `.map_err(ReadError::of("s3:ListBuckets"))`.
    pub fn of<E>(call: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        move |error| {
            let status = error.raw_response().map(|response| response.status().as_u16());
            let code = match error.code() {
                Some(code) => code.to_owned(),
                None => status.map(|status| format!("status {status}")).unwrap_or_default(),
            };
            let message = match error.message() {
                Some(message) => message.to_owned(),
                None => innermost(&error),
            };
            let failure = Failure { call, code, message };
            Self::classify(failure, status)
        }
    }

    /// An answer that came but cannot be understood.
    pub fn undecodable(call: &'static str, what: impl Into<String>) -> Self {
        Self::Failed(Failure { call, code: "what cannot be understood".to_owned(), message: what.into() })
    }

    /// A listing that gave the token of a page that it had given before. It would go in circles, or end too early.
    pub fn repeated_token(call: &'static str) -> Self {
        Self::undecodable(call, "the token of a page that was listed already, so the rest of the listing is unknown")
    }

    fn classify(failure: Failure, status: Option<u16>) -> Self {
        let code = failure.code.as_str();
        if NOT_HERE.contains(&code) {
            return Self::NotHere(failure);
        }
        if DENIED.contains(&code) || (status == Some(403) && code.starts_with("status")) {
            return Self::Denied(failure);
        }
        if is_throttle(code) || status == Some(429) {
            return Self::Throttled(failure);
        }
        // A service without an endpoint in a region has no name there either.
        if status.is_none() && is_no_such_name(&failure.message) {
            return Self::NotHere(failure);
        }
        Self::Failed(failure)
    }

    /// What kind of error it is, in two words, for messages that have advice of their own.
    pub fn class(&self) -> &'static str {
        match self {
            Self::NotHere(_) => "not available here",
            Self::Denied(_) => "access denied",
            Self::Throttled(_) => "throttled",
            Self::TypeNotFound(_) => "type not found",
            Self::Unsupported(_) => "not supported",
            Self::Failed(_) => "failed",
        }
    }

    pub fn failure(&self) -> &Failure {
        match self {
            Self::NotHere(failure)
            | Self::Denied(failure)
            | Self::Throttled(failure)
            | Self::TypeNotFound(failure)
            | Self::Unsupported(failure)
            | Self::Failed(failure) => failure,
        }
    }

    /// AWS's error code.
    pub fn code(&self) -> &str {
        &self.failure().code
    }
}

/// Whether an error code means too many calls.
pub fn is_throttle(code: &str) -> bool {
    THROTTLED.contains(&code)
}

/// The cause at the end of a chain: the SDK's own messages ("dispatch failure") say nothing.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

fn is_no_such_name(message: &str) -> bool {
    message.contains(LOOKUP_FAILED) && NO_SUCH_NAME.iter().any(|words| message.contains(words))
}

#[cfg(test)]
mod tests {
    use std::io;

    use aws_sdk_memorydb::operation::describe_users::DescribeUsersError;
    use aws_smithy_runtime_api::client::result::ConnectorError;
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;
    use aws_smithy_types::error::ErrorMetadata;

    use super::*;

    const CALL: &str = "memorydb:DescribeUsers";

    /// What becomes of an answer with this status and code.
    fn answered(status: u16, code: &str) -> ReadError {
        let metadata = ErrorMetadata::builder().code(code).message("as ordered").build();
        let response = HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::empty());
        ReadError::of(CALL)(SdkError::service_error(DescribeUsersError::generic(metadata), response))
    }

    /// What becomes of a call that gave no answer for this reason.
    fn unanswered(reason: &str) -> ReadError {
        let error = ConnectorError::io(Box::new(io::Error::other(reason.to_owned())));
        ReadError::of(CALL)(SdkError::<DescribeUsersError, HttpResponse>::dispatch_failure(error))
    }

    #[test]
    fn codes_are_told_apart_by_what_follows_from_them() {
        for (status, code, class) in [
            (401, "OptInRequired", "not available here"),
            (400, "SubscriptionRequiredException", "not available here"),
            (403, "RegionDisabledException", "not available here"),
            (400, "AccessDeniedException", "access denied"),
            (403, "ForbiddenException", "access denied"),
            (401, "UnauthorizedException", "access denied"),
            (429, "TooManyRequestsException", "throttled"),
            (400, "ThrottlingException", "throttled"),
            (429, "LimitExceeded", "throttled"),
            // An identity that AWS does not know says nothing of the region.
            (403, "UnrecognizedClientException", "failed"),
            (404, "UserNotFoundFault", "failed"),
            (500, "InternalFailure", "failed"),
        ] {
            let error = answered(status, code);
            assert_eq!(error.class(), class, "{status} {code}");
            assert_eq!(error.code(), code);
            assert!(error.to_string().contains(&format!("{CALL} answered {code} (as ordered)")), "{error}");
        }
    }

    #[test]
    fn a_service_that_has_no_name_in_the_region_is_not_here() {
        for words in NO_SUCH_NAME {
            let error = unanswered(&format!("{LOOKUP_FAILED}: {words}"));
            assert_eq!(error.class(), "not available here", "{words}");
            let text = error.to_string();
            assert!(text.starts_with("not available here: memorydb:DescribeUsers gave no answer ("), "{text}");
            assert!(text.contains(words), "{text}");
        }
    }

    #[test]
    fn a_resolver_or_a_network_that_fails_says_nothing_of_the_service() {
        for reason in [
            "failed to lookup address information: Temporary failure in name resolution",
            "failed to lookup address information: Try again",
            "Connection refused (os error 111)",
            "Name or service not known",
        ] {
            assert_eq!(unanswered(reason).class(), "failed", "{reason}");
        }
    }
}
