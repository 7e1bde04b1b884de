//! SQS: waiting, and time on demand.

use std::time::{Duration, Instant};

use super::small_organization;
use crate::support::aws::{Aws, QueueCounts};

#[tokio::test]
async fn time_passes_on_demand_and_in_order() {
    let organization = small_organization().await;
    let aws = Aws::shared().await;
    let queue = organization.queue();
    organization.send_message("in fifteen minutes", 900).await;
    organization.send_message("in five minutes", 300).await;
    organization.send_message("in ten minutes", 600).await;
    let delayed = QueueCounts { delayed: 3, ..QueueCounts::default() };
    assert_eq!(aws.queue_counts(queue).await, delayed);

    assert_eq!(aws.advance_queue(queue, &[]).await, 1);
    let messages = aws.queue_messages(queue).await;
    let visible: Vec<_> = messages.iter().filter(|message| message.state == "visible").collect();
    assert_eq!(visible.len(), 1);
    assert_eq!(visible[0].body, "in five minutes");

    let kept = messages.iter().find(|message| message.body == "in ten minutes").expect("it waits");
    assert_eq!(aws.advance_queue(queue, std::slice::from_ref(&kept.message_id)).await, 1);
    assert_eq!(aws.advance_queue_to_the_end(queue).await, 1);
    let visible = QueueCounts { visible: 3, ..QueueCounts::default() };
    assert_eq!(aws.queue_counts(queue).await, visible);
}

#[tokio::test]
async fn received_messages_come_back_and_go_to_the_dead_letters_in_the_end() {
    let organization = small_organization().await;
    let aws = Aws::shared().await;
    let client = aws_sdk_sqs::Client::new(&organization.sdk_config());
    organization.send_message("poison", 0).await;
    let receive = || async {
        let received = client.receive_message().queue_url(&organization.queue().url).send().await;
        received.expect("the queue is there").messages().len()
    };
    for _ in 0..3 {
        assert_eq!(receive().await, 1);
        assert_eq!(receive().await, 0, "a received message is invisible");
        assert_eq!(aws.advance_queue(organization.queue(), &[]).await, 1);
    }
    assert_eq!(receive().await, 0, "three times are enough");
    let dead = aws.queue_messages(organization.dead_letter_queue()).await;
    assert_eq!(dead[0].body, "poison");
}

#[tokio::test]
async fn waiting_for_a_message_ends_with_its_arrival_and_stops_nobody() {
    let organization = small_organization().await;
    let client = aws_sdk_sqs::Client::new(&organization.sdk_config());
    let start = Instant::now();
    let receive = client.receive_message().queue_url(&organization.queue().url).wait_time_seconds(20).send();
    let (received, ()) = tokio::join!(receive, organization.send_message("soon", 0));
    assert_eq!(received.expect("the queue is there").messages().len(), 1);
    assert!(start.elapsed() < Duration::from_secs(10));
}
