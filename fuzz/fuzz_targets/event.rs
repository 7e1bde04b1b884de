//! An event that starts a run: whatever is taken names accounts, regions and kinds that can be, and says it again in
//! other words.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan::kinds;
use portolan::schedule::RunRequest;
use portolan::target::validate_region;
use serde_json::{Value, json};

fuzz_target!(|text: &[u8]| {
    let Ok(event) = serde_json::from_slice::<Value>(text) else { return };
    let Ok(request) = RunRequest::parse(&event) else { return };
    let narrowing = &request.narrowing;
    for account in &narrowing.accounts {
        let account = account.as_str();
        assert!(account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit()), "{account}");
    }
    assert!(narrowing.regions.iter().all(|region| validate_region(region).is_ok()), "{narrowing:?}");
    assert!(narrowing.kinds.iter().all(|kind| kinds::find(kind).is_some()), "{narrowing:?}");
    let same = json!({
        "mode": request.mode, "accounts": narrowing.accounts, "regions": narrowing.regions, "kinds": narrowing.kinds,
        "force": request.force, "scheduledTime": request.scheduled_time,
    });
    assert_eq!(RunRequest::parse(&same).expect("what was taken is taken again"), request);
});
