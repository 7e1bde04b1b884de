//! The worker function: queue messages in, the ids of those that failed out.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use time::OffsetDateTime;

// One thread: a function has a fraction of a core, and what one thread frees another one does not use.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    portolan::events::start_logging();
    let worker = portolan::context::worker().await.inspect_err(portolan::events::start_failed)?;
    portolan::events::start_metrics(&worker.integration.identifier);
    let worker = &worker;
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        let deadline = OffsetDateTime::from(event.context.deadline());
        Ok::<_, Error>(worker.handle(event.payload, deadline).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
