//! The session policy: what a worker may do with a role it assumes, however much the role itself allows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::kinds::{self, Options};

/// Allows exactly the read actions of the given kinds with their options, and nothing where they need none.
pub fn read_policy(kinds_with_options: &BTreeMap<String, Options>) -> String {
    let mut actions = BTreeSet::new();
    for (name, options) in kinds_with_options {
        if let Some(kind) = kinds::find(name) {
            actions.extend(kinds::iam_actions(kind, &options.include_actions));
        }
    }
    // A policy without actions is malformed; a session without a policy may do all that the role may.
    let statement = match actions.is_empty() {
        true => json!({"Effect": "Deny", "Action": "*", "Resource": "*"}),
        false => json!({"Effect": "Allow", "Action": actions, "Resource": "*"}),
    };
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STS API reference: the plain text of a session policy has at most 2,048 characters.
    const LONGEST_SESSION_POLICY: usize = 2048;

    #[test]
    fn only_what_the_mapping_reads_is_allowed() {
        let kinds = BTreeMap::from([("AWS::Lambda::Function".to_owned(), Options::default())]);
        let policy = read_policy(&kinds);
        assert!(
            policy.contains("lambda:ListFunctions") && !policy.contains("lambda:ListTags") && !policy.contains("s3:")
        );
        assert!(read_policy(&BTreeMap::from([("AWS::Account::Info".to_owned(), Options::default())])).contains("Deny"));
    }

    #[test]
    fn all_kinds_with_all_options_fit() {
        let all = kinds::KINDS.iter().map(|kind| {
            let include_actions = kind.include_actions.iter().map(|action| action.name.to_owned()).collect();
            (kind.name.to_owned(), Options { include_actions, ..Options::default() })
        });
        let policy = read_policy(&all.collect());
        assert!(policy.len() <= LONGEST_SESSION_POLICY, "{}", policy.len());
    }
}
