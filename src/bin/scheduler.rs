//! The scheduler function: an event in, a run started.

use lambda_runtime::{Diagnostic, Error, LambdaEvent, service_fn};
use serde_json::Value;
use time::OffsetDateTime;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portolan::events::start_logging();
    let scheduler = match portolan::context::scheduler().await {
        Ok(scheduler) => scheduler,
        Err(error) => {
            portolan::events::start_failed(&error);
            return answer_with(&error.to_string()).await;
        }
    };
    portolan::events::start_metrics(&scheduler.settings.integration.identifier);
    let scheduler = &scheduler;
    let handler = |event: LambdaEvent<Value>| async move {
        let deadline = OffsetDateTime::from(event.context.deadline());
        scheduler.handle(&event.payload, deadline).await
    };
    lambda_runtime::run(service_fn(handler)).await
}

/// Fails every invocation with what is wrong with the environment: a process that ended would tell whoever invokes the
/// function by hand that it ended, and nothing of why. Each invocation has its line in the log: the process may live
/// for days, and its start is far back then.
async fn answer_with(reason: &str) -> Result<(), Error> {
    let handler = |_: LambdaEvent<Value>| async move {
        portolan::events::event_failed(&reason);
        Err::<Value, _>(Diagnostic { error_type: "Configuration".to_owned(), error_message: reason.to_owned() })
    };
    lambda_runtime::run(service_fn(handler)).await
}
