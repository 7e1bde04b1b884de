use serde_json::json;

use super::*;

#[test]
fn every_way_to_start_a_run() {
    assert_eq!(RunRequest::parse(&json!({})).unwrap(), RunRequest::default());
    assert_eq!(RunRequest::parse(&Value::Null).unwrap(), RunRequest::default());
    let envelope = json!({"version": "0", "id": "1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "111111111111",
        "time": "2026-11-21T06:00:00Z", "region": "eu-west-1", "resources": [], "detail": {}});
    assert_eq!(RunRequest::parse(&envelope).unwrap().scheduled_time.as_deref(), Some("2026-11-21T06:00:00Z"));
    let full = json!({"mode": "full", "scheduledTime": "2026-11-21T06:00:00Z"});
    assert_eq!(RunRequest::parse(&full).unwrap().mode, Mode::Full);
    let narrow = json!({"mode": "full", "accounts": ["111111111111"], "regions": ["eu-west-1"], "kinds": ["AWS::S3::Bucket"], "force": true});
    let narrow = RunRequest::parse(&narrow).unwrap();
    assert!(narrow.force && narrow.narrowing.is_narrowed());
}

const RUN: &str = "0f8b6d1e-5a3c-4c1f-9d2e-7b64a1c0e935";

#[test]
fn what_a_person_can_ask_for() {
    let parse = |event| RunRequest::parse(&event).unwrap();
    let resend = parse(json!({"resend": true, "kinds": ["AWS::S3::Bucket"], "force": true}));
    assert!(resend.resend && resend.narrowing.is_narrowed() && resend.mode == Mode::Incremental);
    let remove = parse(json!({"removeUnknown": true, "mode": "full", "resend": true}));
    assert!(remove.remove_unknown && remove.resend && remove.mode == Mode::Full);
    let confirm = parse(json!({"confirm": RUN.to_uppercase(), "mode": "full", "removeUnknown": true}));
    assert_eq!((confirm.confirms.as_ref().map(RunId::as_str), confirm.abort.is_none()), (Some(RUN), true));
    let abort = parse(json!({"abort": RUN}));
    assert_eq!(abort.abort.as_ref().map(RunId::as_str), Some(RUN));
    let requested = parse(json!({"onlyIfRequested": true, "scheduledTime": "2026-11-21T06:00:00Z"}));
    assert!(requested.only_if_requested && requested.mode == Mode::Incremental);
    assert!(!parse(json!({"onlyIfRequested": false, "mode": "full"})).only_if_requested);
    let nothing = json!({"removeUnknown": false, "accounts": ["111111111111"]});
    assert!(!parse(nothing).remove_unknown);
}

#[test]
fn what_does_not_go_together_is_refused() {
    for (event, words) in [
        (json!({"abort": RUN, "force": false}), "abort starts no run"),
        (json!({"abort": RUN, "mode": "incremental"}), "abort starts no run"),
        (json!({"abort": RUN, "confirm": RUN}), "abort starts no run"),
        (json!({"removeUnknown": true, "accounts": ["111111111111"]}), "removeUnknown takes a whole run"),
        (json!({"removeUnknown": true, "regions": ["eu-west-1"]}), "removeUnknown takes a whole run"),
        (json!({"removeUnknown": true, "kinds": ["AWS::S3::Bucket"]}), "removeUnknown takes a whole run"),
        (json!({"confirm": RUN, "kinds": ["AWS::S3::Bucket"]}), "confirm takes a whole run"),
        (json!({"confirm": RUN, "force": true}), "confirm goes without force"),
        (json!({"onlyIfRequested": true, "mode": "full"}), "onlyIfRequested goes with nothing but"),
        (
            json!({"onlyIfRequested": true, "force": false, "scheduledTime": "x"}),
            "onlyIfRequested goes with nothing but",
        ),
        (json!({"onlyIfRequested": true, "accounts": ["111111111111"]}), "onlyIfRequested goes with nothing but"),
        (json!({"onlyIfRequested": true, "abort": RUN}), "abort starts no run"),
    ] {
        match RunRequest::parse(&event) {
            Err(EventError::Combination(problem)) => assert!(problem.contains(words), "{event}: {problem}"),
            other => panic!("{event} gives {other:?}"),
        }
    }
}

#[test]
fn what_is_too_large_is_told_with_its_size() {
    let accounts: Vec<String> = (0..10_001).map(|number| format!("{number:012}")).collect();
    let regions: Vec<String> = (0..101).map(|number| format!("eu-west-{number}")).collect();
    let kinds: Vec<String> = (0..1001).map(|number| format!("AWS::A{number}::B")).collect();
    let time = "2".repeat(65);
    let envelope = json!({"detail-type": "x", "source": "y", "time": time});
    let large = json!({"accounts": "x".repeat(256 * 1024)});
    let size = large.to_string().len().to_string();
    for (event, told) in [
        (large, ["event", size.as_str(), "262144"]),
        (json!({"accounts": accounts}), ["accounts", "10001", "10000"]),
        (json!({"regions": regions}), ["regions", "101", "100"]),
        (json!({"kinds": kinds}), ["kinds", "1001", "1000"]),
        (json!({"scheduledTime": time}), ["scheduledTime", "65", "64"]),
        (envelope, ["time", "65", "64"]),
    ] {
        let text = RunRequest::parse(&event).unwrap_err().to_string();
        assert!(told.iter().all(|part| text.contains(part)), "{text} should tell {told:?}");
    }
    let all: Vec<String> = (0..10_000).map(|number| format!("{number:012}")).collect();
    assert_eq!(RunRequest::parse(&json!({"accounts": all})).unwrap().narrowing.accounts.len(), 10_000);
}

#[test]
fn an_envelope_holds_no_other() {
    let inner = json!({"detail-type": "x", "source": "y", "detail": {}});
    let outer = json!({"detail-type": "x", "source": "y", "detail": inner});
    let text = RunRequest::parse(&outer).unwrap_err().to_string();
    assert!(text.contains("detail-type"), "{text}");
}

#[test]
fn what_is_wrong_is_named() {
    for (event, named) in [
        (json!({"mod": "full"}), "mod"),
        (json!({"mode": "partial"}), "partial"),
        (json!({"accounts": ["1"]}), "`1`"),
        (json!({"accounts": "111111111111"}), "sequence"),
        (json!({"regions": ["Ireland"]}), "Ireland"),
        (json!({"kinds": ["s3-bucket"]}), "s3-bucket"),
        (json!({"force": "yes"}), "boolean"),
        (json!({"resend": 1}), "boolean"),
        (json!({"onlyIfRequested": "true"}), "boolean"),
        (json!({"onlyIfRequested": null}), "null"),
        (json!({"mod": "full"}), "onlyIfRequested, scheduledTime"),
        (json!({"confirm": "yesterday"}), "the id of a run"),
        (json!({"abort": ""}), "the id of a run"),
        (json!({"abort": true}), "expected a string"),
        (json!({"abort": null}), "null"),
        (json!([]), "[]"),
        (json!("full"), "full"),
    ] {
        let text = RunRequest::parse(&event).unwrap_err().to_string();
        assert!(text.contains(named), "{text} should name {named}");
    }
}
