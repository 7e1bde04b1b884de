//! A small installation, and what the tests of failures look at in it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::aws::OrganizationPlan;
use crate::support::lambda::PumpReport;
use crate::support::port::Call;
use crate::support::world::{World, all_kinds_mapping};

pub const REGION: &str = "us-east-1";
pub const TOPIC: &str = "AWS::SNS::Topic";
pub const INSTANCE: &str = "AWS::EC2::Instance";
pub const BULK: &str = "POST /blueprints/{blueprint}/entities/bulk";
pub const DELETE: &str = "POST /blueprints/{blueprint}/bulk/entities/delete";
pub const LISTING: &str = "POST /blueprints/entities/datasource-entities";
pub const TOKEN: &str = "POST /auth/access_token";

/// One member, `alpha`, and one region.
pub fn small_plan() -> OrganizationPlan {
    OrganizationPlan::new().member("alpha", "").regions(&[REGION])
}

/// A small organization with a mapping of some of the kinds.
pub async fn small_world(kinds: &[&str]) -> World {
    let mut world = World::create_empty(small_plan(), &[]).await;
    world.install_catalog(mapping_of(kinds));
    world
}

/// The entries of some of the kinds.
pub fn mapping_of(kinds: &[&str]) -> Value {
    let mut mapping = all_kinds_mapping();
    let entries = mapping["resources"].as_array_mut().expect("a list of entries");
    entries.retain(|entry| kinds.contains(&entry["kind"].as_str().unwrap_or_default()));
    mapping
}

/// An event for the one region of `alpha` alone: one target.
pub fn only_alpha(world: &World) -> Value {
    json!({"accounts": [world.organization.account("alpha")]})
}

/// The states that the ledgers give an entity.
pub async fn states_of(world: &World, identifier: &str) -> Vec<String> {
    let mut states = Vec::new();
    for bytes in world.ledgers().await.into_values() {
        // Each resource has a line: its key and its entries. An identifier that is the key is not repeated.
        let lines = bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
        for line in lines.filter(Value::is_array) {
            let is_meant =
                |entry: &&Value| if entry[1].is_null() { line[0] == identifier } else { entry[1] == identifier };
            for entry in line[1].as_array().into_iter().flatten().filter(is_meant) {
                states.push(entry[3].as_str().unwrap_or_default().split(':').next().unwrap_or_default().to_owned());
            }
        }
    }
    states
}

/// What is in Port is what the ledgers say, and a run on top sends nothing.
pub async fn assert_settled(world: &World, identifiers: &[&str]) {
    for identifier in identifiers {
        assert!(world.catalog().values().flatten().any(|found| found == identifier), "{identifier} is not in Port");
        assert_eq!(states_of(world, identifier).await, ["sent"], "{identifier}");
    }
    world.clear_calls().await;
    let next = world.resync().await;
    assert_eq!(next.summary["outcome"], "completed", "{:#}", next.summary);
    assert_eq!(world.writes_to_port(), 0);
}

/// The calls of a route, in the order of arrival.
pub fn calls_of(world: &World, route: &str) -> Vec<Call> {
    let calls = world.port.calls().into_iter();
    calls.filter(|call| format!("{} {}", call.method, call.route) == route).collect()
}

/// Pumps to the end, and kills the worker as soon as something is the case.
pub async fn pump_and_kill(world: &World, is_time: impl AsyncFn() -> bool) -> PumpReport {
    let kill = async {
        wait_until(is_time).await;
        world.worker.kill().await;
    };
    tokio::join!(world.pump().run(), kill).0
}

pub async fn wait_until(holds: impl AsyncFn() -> bool) {
    for _ in 0..3000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what the test waits for did not come");
}

/// Bodies and reasons in the dead-letter queue.
pub async fn dead_letters(world: &World) -> BTreeMap<String, String> {
    let queue = world.organization.dead_letter_queue();
    let place = world.organization.place("integration", &queue.region);
    let order = json!({"QueueUrl": queue.url, "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]});
    let mut letters = BTreeMap::new();
    loop {
        let received = place.call("sqs", "receive_message", order.clone()).await;
        let Some(messages) = received["Messages"].as_array().filter(|messages| !messages.is_empty()) else {
            return letters;
        };
        for message in messages {
            let reason = message["MessageAttributes"]["reason"]["StringValue"].as_str().unwrap_or_default();
            letters.insert(message["Body"].as_str().unwrap_or_default().to_owned(), reason.to_owned());
        }
    }
}

/// The message of a target, as it lies on the queue.
pub async fn message_of(world: &World, target: &str) -> String {
    let messages = world.organization.aws().queue_messages(world.organization.queue()).await;
    let message = messages.into_iter().find(|message| message.body.contains(target));
    message.unwrap_or_else(|| panic!("there is no message for {target}")).body
}

/// The `current` object.
pub async fn current(world: &World) -> Value {
    let bytes = world.organization.read_state(&current_key(world).await).await.unwrap_or_default();
    serde_json::from_slice(&bytes).expect("the current run is JSON")
}

pub async fn current_key(world: &World) -> String {
    let keys = world.organization.state_keys("state/").await;
    keys.into_iter().find(|key| key.ends_with("/current.json")).expect("there is a current run")
}

/// Orders a fault for the function's own calls to the state bucket.
pub async fn state_fault(world: &World, operation: &str, resource: &str, effect: Value) {
    let fault = json!({
        "account": world.organization.integration_account(), "service": "s3", "operation": operation,
        "resource": resource, "times": 1, "effect": effect,
    });
    world.organization.aws().fault(fault).await;
}
