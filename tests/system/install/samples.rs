//! The sample events are what the functions take.

use std::fs;
use std::path::PathBuf;

use portolan::message::{Message, Step};
use portolan::run::Summary;
use portolan::schedule::RunRequest;
use serde_json::Value;

use super::read;

fn json(path: &str) -> Value {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_sample_event_is_understood() {
    let mut of_scheduler = 0;
    for entry in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("events")).expect("the samples are there")
    {
        let name = entry.expect("a readable folder").file_name().to_string_lossy().into_owned();
        let path = format!("events/{name}");
        match name.split('-').next() {
            Some("manual" | "schedule") => {
                RunRequest::parse(&json(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
                of_scheduler += 1;
            }
            Some("message") => {
                Message::parse(&read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
            }
            Some("worker") => {
                let event = json(&path);
                let body = event["Records"][0]["body"].as_str().expect("a record with a body");
                let message = Message::parse(body).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert_eq!(matches!(message.step, Step::Sweep { .. }), name.contains("sweep"), "{path}");
            }
            Some("summary.json") => {
                let summary: Summary =
                    serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
                assert!(!summary.outcome.is_empty());
            }
            _ => panic!("{path} is no sample that this test knows"),
        }
    }
    assert_eq!(of_scheduler, 12);
}
