//! docs/GUARANTEES.md names the tests that hold each promise; here is seen that it names all of them, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

type TestsByPromise = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_promise_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let written = tests_in_document(&std::fs::read_to_string(root.join("docs/GUARANTEES.md")).expect("the document"));
    let mut sources = Vec::new();
    for folder in ["src", "tests"] {
        collect_sources(&root.join(folder), &mut sources);
    }
    let mut there = TestsByPromise::new();
    for source in &sources {
        tests_in_source(&std::fs::read_to_string(source).expect("a source"), &mut there);
    }
    assert_eq!(written.len(), 6, "promises in the document");
    assert_eq!(written, there, "in the document, and in the tests");
}

/// The names in backticks after each heading with a number, without what is no test's name.
fn tests_in_document(document: &str) -> TestsByPromise {
    let mut tests = TestsByPromise::new();
    let mut promise = None;
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            let number = heading.split('.').next().unwrap_or_default();
            promise = number.parse::<u32>().is_ok().then(|| number.to_owned());
            continue;
        }
        let Some(promise) = &promise else { continue };
        let quoted = line.split('`').skip(1).step_by(2);
        let names = quoted
            .filter(|text| text.contains('_') && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        tests.entry(promise.clone()).or_default().extend(names.map(str::to_owned));
    }
    tests
}

fn tests_in_source(source: &str, tests: &mut TestsByPromise) {
    for part in source.split("fn promise_").skip(1) {
        let name = part.split('(').next().unwrap_or_default();
        if let Some((promise, name)) = name.split_once('_')
            && promise.parse::<u32>().is_ok()
        {
            tests.entry(promise.to_owned()).or_default().insert(name.to_owned());
        }
    }
}

fn collect_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_sources(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}
