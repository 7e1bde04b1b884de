//! Everything that runs against real parts: an emulated AWS, an emulated Port, the built functions.

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/run_plan.rs"]
mod run_plan;

mod aws_testbed;
mod big_target;
mod by_hand;
mod crashes;
mod defaults;
mod derived;
mod discovery;
mod disturbed;
mod guarantees;
mod identity;
mod inputs;
mod install;
mod kills;
mod kinds;
mod logging;
mod metrics;
mod outages;
mod partitions;
mod permissions;
mod port_client;
mod port_emulator;
mod rate_limit;
mod resync;
mod resync_request;
mod small;
