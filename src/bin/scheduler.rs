//! The scheduler function: an event in, a run started.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::Value;
use time::OffsetDateTime;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portolan::events::start_logging();
    let scheduler = portolan::context::scheduler().await.inspect_err(portolan::events::start_failed)?;
    portolan::events::start_metrics(&scheduler.settings.integration.identifier);
    let scheduler = &scheduler;
    let handler = |event: LambdaEvent<Value>| async move {
        let deadline = OffsetDateTime::from(event.context.deadline());
        scheduler.handle(&event.payload, deadline).await
    };
    lambda_runtime::run(service_fn(handler)).await
}
