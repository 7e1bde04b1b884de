//! Hosts the built functions as Lambda does: behind a Runtime API, fed from a queue.

#![allow(dead_code, unused_imports, reason = "each test binary uses its own part")]

mod event;
mod function;
mod logs;
mod pump;
mod runtime_api;
mod runtime_process;
mod slot;
mod usage;

pub use function::Function;
pub use pump::{Delivery, Pump, PumpEnd, PumpReport, Time};
pub use runtime_process::{Host, InvocationFailure, Limits};
pub use usage::Usage;
