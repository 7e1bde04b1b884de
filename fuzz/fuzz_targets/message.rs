//! A body on the queue: whatever is taken survives being written and read again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan::message::Message;
use portolan::run::is_path_segment;

fuzz_target!(|body: &str| {
    let Ok(message) = Message::parse(body) else { return };
    assert!(is_path_segment(&message.port_organization), "{message:?}");
    let again = Message::parse(&message.to_body()).expect("what was written is taken");
    assert_eq!(again, message);
});
