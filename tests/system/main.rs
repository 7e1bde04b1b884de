#[path = "../support/mod.rs"]
mod support;

mod port_emulator;
