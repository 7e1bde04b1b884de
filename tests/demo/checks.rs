//! What must be true, each told as it is checked.

use std::fmt::Debug;

use serde_json::Value;

#[derive(Default)]
pub struct Checks {
    count: usize,
    failures: Vec<String>,
}

impl Checks {
    pub fn is(&mut self, what: &str, holds: bool) {
        self.count += 1;
        println!("  {} {what}", if holds { "ok  " } else { "FAIL" });
        if !holds {
            self.failures.push(what.to_owned());
        }
    }

    pub fn equal<T: PartialEq + Debug>(&mut self, what: &str, found: &T, expected: &T) {
        let holds = found == expected;
        self.is(what, holds);
        if !holds {
            self.failures.push(format!("{what}: found {found:#?}, expected {expected:#?}"));
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn failures(&self) -> &[String] {
        &self.failures
    }
}

/// The accounts that a summary names as inaccessible.
pub fn inaccessible_accounts(summary: &Value) -> Vec<String> {
    let accounts = summary["inaccessibleAccounts"].as_array().cloned().unwrap_or_default();
    accounts.iter().filter_map(|account| account["account"].as_str().map(str::to_owned)).collect()
}
