//! Least privilege: the read actions of all kinds, as a policy of its own and inside of the templates.

use std::collections::BTreeSet;
use std::fs;

use portolan::aws::DATA_AND_SECRETS;
use portolan::kinds::{KINDS, Scope};
use serde_json::json;

use super::{Derived, in_repository, with_part};

/// Discovery asks it of every account, whatever its kinds.
const REGIONS: &str = "account:ListRegions";

pub fn all() -> Vec<Derived> {
    let organization = list(&actions_of(|scope| scope == Scope::Organization));
    let accounts = list(&actions_of(|scope| scope != Scope::Organization));
    let denied: Vec<String> = DATA_AND_SECRETS.iter().map(|action| format!("- {action}")).collect();
    let read_role = with_part(&read("cloudformation/read-role.yaml"), "kinds of an account", &accounts);
    let read_role = with_part(&read_role, "data and secrets", &denied);
    vec![
        Derived { path: "cloudformation/read-policy.json".to_owned(), text: policy() },
        Derived {
            path: "cloudformation/read-role.yaml".to_owned(),
            text: with_part(&read_role, "kinds of the organization", &organization),
        },
        Derived {
            path: "template.yaml".to_owned(),
            text: with_part(&read("template.yaml"), "kinds of an account", &accounts),
        },
    ]
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
