//! Least privilege: the read actions of all kinds, as a policy of its own and inside of the templates.

use std::collections::BTreeSet;
use std::fs;

use portolan::aws::DATA_AND_SECRETS;
use portolan::kinds::{KINDS, Scope};
use portolan::schedule::organizations::DISCOVERY_POLICY;
use serde_json::{Value, json};

use super::{Derived, in_repository, with_part};

/// Discovery asks it of every account, whatever its kinds.
const REGIONS: &str = "account:ListRegions";

/// The templates of the role that reads an account: one for each kind of trust, all of them with the same rights.
const READ_ROLES: [&str; 2] = ["cloudformation/read-role.yaml", "cloudformation/read-role-oidc.yaml"];

pub fn all() -> Vec<Derived> {
    let accounts = list(&actions_of(|scope| scope != Scope::Organization));
    let mut derived = vec![
        Derived { path: "cloudformation/read-policy.json".to_owned(), text: policy() },
        Derived {
            path: "template.yaml".to_owned(),
            text: with_part(&read("template.yaml"), "kinds of an account", &accounts),
        },
    ];
    derived.extend(READ_ROLES.iter().map(|path| Derived { path: (*path).to_owned(), text: read_role(&read(path)) }));
    derived
}

fn read_role(template: &str) -> String {
    let parts = [
        ("finding regions", list(&BTreeSet::from([REGIONS]))),
        ("finding accounts", finding_accounts()),
        ("kinds of the organization", list(&actions_of(|scope| scope == Scope::Organization))),
        ("kinds of an account", list(&actions_of(|scope| scope != Scope::Organization))),
        ("data and secrets", DATA_AND_SECRETS.iter().map(|action| format!("- {action}")).collect()),
    ];
    let mut text = template.to_owned();
    for (part, lines) in &parts {
        text = with_part(&text, part, lines);
    }
    text
}

/// What the management role's session is narrowed to when accounts are discovered is what the role must be allowed.
fn finding_accounts() -> Vec<String> {
    let policy: Value = serde_json::from_str(DISCOVERY_POLICY).expect("the policy is JSON");
    let actions = policy["Statement"][0]["Action"].as_array().expect("the policy lists its actions");
    list(&actions.iter().map(|action| action.as_str().expect("an action is a text")).collect())
}

fn read(path: &str) -> String {
    fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn actions_of(is_wanted: impl Fn(Scope) -> bool) -> BTreeSet<&'static str> {
    let mut actions = BTreeSet::new();
    for kind in KINDS.iter().filter(|kind| is_wanted(kind.scope)) {
        actions.extend(kind.iam_actions);
        actions.extend(kind.include_actions.iter().flat_map(|action| action.iam_actions));
    }
    actions
}

fn list(actions: &BTreeSet<&str>) -> Vec<String> {
    actions.iter().map(|action| format!("- {action}")).collect()
}

/// For roles that are made by other means than the templates.
fn policy() -> String {
    let statement =
        |id: &str, actions: &BTreeSet<&str>| json!({"Sid": id, "Effect": "Allow", "Action": actions, "Resource": "*"});
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [
            statement("FindRegions", &BTreeSet::from([REGIONS])),
            statement("ReadKinds", &actions_of(|scope| scope != Scope::Organization)),
        ],
    });
    format!("{}\n", serde_json::to_string_pretty(&policy).expect("JSON"))
}
