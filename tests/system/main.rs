<<<<<<< HEAD
#[path = "../support/mod.rs"]
mod support;

mod port_emulator;
=======
fn main() {}
>>>>>>> helper-jq
