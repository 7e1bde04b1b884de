//! The worker function: queue messages in, the ids of those that failed out.

use aws_lambda_events::event::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use time::OffsetDateTime;

#[tokio::main]
async fn main() -> Result<(), Error> {
    portolan::events::start_logging();
    let worker = portolan::context::worker().await.inspect_err(portolan::events::start_failed)?;
    let worker = &worker;
    let handler = |event: LambdaEvent<SqsEvent>| async move {
        let deadline = OffsetDateTime::from(event.context.deadline());
        Ok::<_, Error>(worker.handle(event.payload, deadline).await)
    };
    lambda_runtime::run(service_fn(handler)).await
}
