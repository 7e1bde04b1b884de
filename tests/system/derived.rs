//! What is written down of the kinds outside of their code says what the code says: pages of documentation, policies.
//!
//! `make derived` writes it; the test reads it.

mod pages;
mod policies;

use std::fs;
use std::path::PathBuf;

/// Set, the files are written instead of compared.
const WRITE: &str = "PORTOLAN_WRITE_DERIVED";

/// A derived file, or a file with derived parts, as it should be.
struct Derived {
    /// From the root of the repository.
    path: String,
    text: String,
}

#[test]
fn derived_files_are_current() {
    let derived: Vec<Derived> = pages::all().into_iter().chain(policies::all()).collect();
    let is_writing = std::env::var_os(WRITE).is_some();
    let mut outdated = Vec::new();
    for Derived { path, text } in &derived {
        let file = in_repository(path);
        if fs::read_to_string(&file).ok().as_ref() == Some(text) {
            continue;
        }
        if is_writing {
            fs::create_dir_all(file.parent().expect("a folder")).unwrap_or_else(|error| panic!("{path}: {error}"));
            fs::write(&file, text).unwrap_or_else(|error| panic!("{path}: {error}"));
        }
        outdated.push(path.as_str());
    }
    assert!(is_writing || outdated.is_empty(), "not current, run `make derived`: {outdated:?}");

    let pages = fs::read_dir(in_repository("docs/kinds")).expect("the pages are there");
    let names = pages.map(|page| format!("docs/kinds/{}", page.expect("a page").file_name().to_string_lossy()));
    let left_over: Vec<String> = names.filter(|name| derived.iter().all(|derived| derived.path != *name)).collect();
    assert!(left_over.is_empty(), "pages of no kind: {left_over:?}");
}

fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The file with the lines between `<start> begin derived: <part>` and `<start> end derived` replaced. Lines are
/// indented as the markers are.
fn with_part(text: &str, part: &str, lines: &[String]) -> String {
    let begin = format!("begin derived: {part}");
    let mut result = String::new();
    let mut is_inside = false;
    let mut found = 0;
    for line in text.lines() {
        if line.contains("end derived") {
            is_inside = false;
        }
        if !is_inside {
            result.push_str(line);
            result.push('\n');
        }
        if line.ends_with(&begin) {
            let indentation: String = line.chars().take_while(|letter| *letter == ' ').collect();
            for derived in lines {
                result.push_str(&format!("{indentation}{derived}\n"));
            }
            is_inside = true;
            found += 1;
        }
    }
    assert!(found > 0 && !is_inside, "`{begin}` and its end are not there");
    result
}

#[test]
fn a_part_is_replaced_and_the_rest_stays() {
    let text = "a\n  # begin derived: x\n  old\n  # end derived\nb\n";
    let lines = ["new".to_owned(), "newer".to_owned()];
    let expected = "a\n  # begin derived: x\n  new\n  newer\n  # end derived\nb\n";
    assert_eq!(with_part(text, "x", &lines), expected);
    assert_eq!(with_part(expected, "x", &lines), expected);
}
