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
    let same = match &request.abort {
        // It goes with nothing else.
        Some(run) => json!({"abort": run}),
        None => in_other_words(&request),
    };
    assert_eq!(RunRequest::parse(&same).expect("what was taken is taken again"), request);
});

fn in_other_words(request: &RunRequest) -> Value {
    let narrowing = &request.narrowing;
    let mut same = json!({
        "mode": request.mode, "resend": request.resend, "removeUnknown": request.remove_unknown, "accounts": narrowing.accounts, "regions": narrowing.regions, "kinds": narrowing.kinds,
        "force": request.force, "scheduledTime": request.scheduled_time,
    });
    if let Some(run) = &request.confirms {
        same["confirm"] = json!(run);
    }
    same
}
