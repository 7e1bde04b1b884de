#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan::message::Message;

fuzz_target!(|body: &str| {
    let _ = Message::parse(body);
});
