//! What Cloud Control's errors mean. It passes on what the handlers of types meet, and has few words for it.

use std::error::Error;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::kinds::ReadError;

/// Words of services that mean that the caller may not, as handlers pass them on.
const DENIED: &[&str] = &["AccessDenied", "Access Denied", "access denied", "not authorized", "UnauthorizedOperation"];

/// Words of services that mean too many calls.
const THROTTLED: &[&str] = &["Rate exceeded", "Throttling", "TooManyRequests", "RequestLimitExceeded"];

/// What handlers say where a listing needs a resource model.
const NEEDS_MODEL: &[&str] = &["ResourceModel", "required key", "required property"];

/// Turns an SDK error into ours. To be used as `.map_err(error::of("cloudformation:ListResources"))`.
pub fn of<E>(call: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> ReadError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    move |error| tell_apart(ReadError::of(call)(error))
}

fn tell_apart(error: ReadError) -> ReadError {
    let ReadError::Failed(failure) = error else { return error };
    let says = |words: &[&str]| words.iter().any(|word| failure.message.contains(word));
    match failure.code.as_str() {
        "TypeNotFoundException" => ReadError::TypeNotFound(failure),
        "UnsupportedActionException" => ReadError::Unsupported(failure),
        "InvalidRequestException" if says(NEEDS_MODEL) => ReadError::Unsupported(failure),
        // The service's error had no counterpart among the codes of handlers.
        "GeneralServiceException" if says(DENIED) => ReadError::Denied(failure),
        "GeneralServiceException" if says(THROTTLED) => ReadError::Throttled(failure),
        _ => ReadError::Failed(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Failure;

    #[test]
    fn what_a_handler_met_is_told_by_code_and_message() {
        for (code, message, class) in [
            ("TypeNotFoundException", "The type 'AWS::S3::Bukcet' cannot be found.", "type not found"),
            ("UnsupportedActionException", "Resource type AWS::X::Y does not support LIST action", "not supported"),
            ("InvalidRequestException", "Missing or invalid ResourceModel property in AWS::X::Y", "not supported"),
            ("InvalidRequestException", "#: required key [ClusterName] not found", "not supported"),
            ("InvalidRequestException", "Invalid NextToken", "failed"),
            ("GeneralServiceException", "User: u is not authorized to perform: x:ListY", "access denied"),
            ("GeneralServiceException", "Access Denied (Service: S3, Status Code: 403)", "access denied"),
            ("GeneralServiceException", "Rate exceeded (Service: X, Status Code: 400)", "throttled"),
            ("GeneralServiceException", "something else", "failed"),
            ("HandlerInternalFailureException", "Internal Failure", "failed"),
            ("ServiceInternalErrorException", "Internal error", "failed"),
            ("PrivateTypeException", "the handler returned an invalid response", "failed"),
        ] {
            let failure = Failure { call: "test:List", code: code.to_owned(), message: message.to_owned() };
            assert_eq!(tell_apart(ReadError::Failed(failure)).class(), class, "{code} {message}");
        }
    }
}
