//! The session policy: what a worker may do with a role it assumes, however much the role itself allows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::kinds::{self, Options, Reader};

/// What gives data, code, secrets or further rights, however it is called.
///
/// Not all there is: a policy has 2,048 characters. Nor can it name what writes: a wildcard stands for actions of one
/// service (`s3:Create*`) and never for services (`*:Create*`). That a worker changes nothing in an account is the read
/// role's own policy, of which a session policy only ever takes away.
pub const DATA_AND_SECRETS: &[&str] = &[
    "appconfig:GetConfiguration",
    "appconfig:GetLatestConfiguration",
    "appconfig:StartConfigurationSession",
    "athena:GetQueryResults*",
    "cassandra:Select",
    "codeartifact:GetAuthorizationToken",
    "codeartifact:GetPackageVersionAsset",
    "codecommit:GetBlob",
    "codecommit:GetFile",
    "codecommit:GitPull",
    "dax:BatchGetItem",
    "dax:GetItem",
    "dax:Query",
    "dax:Scan",
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:GetRecords",
    "dynamodb:PartiQL*",
    "dynamodb:Query",
    "dynamodb:Scan",
    "ebs:GetSnapshotBlock",
    "ec2:GetConsole*",
    "ec2:GetPasswordData",
    "ecr-public:GetAuthorizationToken",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "es:ESHttp*",
    "execute-api:*",
    "iam:PassRole",
    "kafka-cluster:*",
    "kinesis:GetRecords",
    "kinesis:SubscribeToShard",
    "kinesisvideo:GetMedia*",
    "kms:Decrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
    // Their answers have links to the code. Configurations come with other calls.
    "lambda:GetFunction",
    "lambda:GetLayerVersion",
    "lambda:Invoke*",
    "lightsail:DownloadDefaultKeyPair",
    "lightsail:GetRelationalDatabaseMasterUserPassword",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "logs:GetLogRecord",
    "logs:GetQueryResults",
    "logs:StartLiveTail",
    "logs:StartQuery",
    "neptune-db:*",
    "rds-data:*",
    "rds-db:connect",
    "rds:DownloadComplete*",
    "rds:DownloadDBLogFilePortion",
    "redshift-data:*",
    "redshift-serverless:GetCredentials",
    "redshift:GetClusterCredentials*",
    "s3-object-lambda:*",
    "s3:GetObject*",
    "s3express:CreateSession",
    "s3tables:GetTableData",
    "s3vectors:GetVectors",
    "s3vectors:QueryVectors",
    "secretsmanager:BatchGetSecretValue",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter*",
    "ssm:StartSession",
    "sts:AssumeRole*",
    "timestream:Select",
];

/// What matters most of [`DATA_AND_SECRETS`], in few words.
const DATA_AND_SECRETS_IN_SHORT: &[&str] = &[
    "dynamodb:BatchGetItem",
    "dynamodb:GetItem",
    "dynamodb:PartiQL*",
    "dynamodb:Query",
    "dynamodb:Scan",
    "kms:Decrypt",
    "lambda:GetFunction",
    "lambda:Invoke*",
    "logs:FilterLogEvents",
    "logs:GetLogEvents",
    "s3:GetObject*",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "ssm:GetParameter*",
    "sts:AssumeRole*",
];

/// The policy for reading the given kinds with their options.
///
/// Where all of them have readers of their own, exactly their actions are allowed, and nothing where they need none.
/// The handlers of Cloud Control's types act with the caller's session, and only the schemas of the types say what they
/// call: with one such kind, everything that the role allows is, but for what gives data or secrets.
pub fn read_policy(kinds_with_options: &BTreeMap<String, Options>) -> String {
    let mut actions = BTreeSet::new();
    for (name, options) in kinds_with_options {
        match kinds::find(name) {
            Some(Reader::Native(kind)) => actions.extend(kinds::iam_actions(kind, &options.include_actions)),
            Some(Reader::CloudControl(_)) => return all_but(DATA_AND_SECRETS),
            None => {}
        }
    }
    // A policy without actions is malformed; a session without a policy may do all that the role may.
    match actions.is_empty() {
        true => policy(json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}])),
        false => policy(json!([{"Effect": "Allow", "Action": actions, "Resource": "*"}])),
    }
}

/// The policy for a session whose own one STS finds too large.
///
/// STS packs policies into a form of its own, whose size grows with the number of different actions and whose limit is not
/// published (`PackedPolicyTooLarge`). What a session may do is then for the read role's policy to say, but for what
/// gives the most.
pub fn short_policy() -> String {
    all_but(DATA_AND_SECRETS_IN_SHORT)
}

fn all_but(actions: &[&str]) -> String {
    policy(json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": actions, "Resource": "*"},
    ]))
}

fn policy(statements: Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    /// STS API reference: the plain text of a session policy has at most 2,048 characters.
    const LONGEST_SESSION_POLICY: usize = 2048;

    fn policy_of(names: &[&str]) -> String {
        read_policy(&names.iter().map(|name| ((*name).to_owned(), Options::default())).collect())
    }

    #[test]
    fn only_what_the_mapping_reads_is_allowed() {
        let policy = policy_of(&["AWS::Lambda::Function"]);
        assert!(
            policy.contains("lambda:ListFunctions") && !policy.contains("lambda:ListTags") && !policy.contains("s3:")
        );
        assert!(policy_of(&["AWS::Account::Info"]).contains("Deny"));
    }

    #[test]
    fn all_kinds_with_all_options_fit() {
        let all = KINDS.iter().map(|kind| {
            let include_actions = kind.include_actions.iter().map(|action| action.name.to_owned()).collect();
            (kind.name.to_owned(), Options { include_actions, ..Options::default() })
        });
        let policy = read_policy(&all.collect());
        assert!(policy.len() <= LONGEST_SESSION_POLICY, "{}", policy.len());
    }

    #[test]
    fn with_a_kind_of_cloud_control_everything_is_allowed_but_data() {
        let text = policy_of(&["AWS::S3::Bucket", "AWS::Logs::LogGroup"]);
        assert!(text.len() <= LONGEST_SESSION_POLICY, "{}", text.len());
        let policy: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(policy["Statement"][0], json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
        assert_eq!(policy["Statement"][1]["Effect"], "Deny");
        let mut sorted = DATA_AND_SECRETS.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, DATA_AND_SECRETS);
    }

    #[test]
    fn the_short_policy_denies_a_part_of_the_same() {
        assert!(DATA_AND_SECRETS_IN_SHORT.iter().all(|action| DATA_AND_SECRETS.contains(action)));
        assert!(short_policy().len() < 600, "{}", short_policy().len());
    }

    /// One policy serves all kinds of a mapping, native ones too.
    #[test]
    fn no_native_kind_needs_what_is_denied() {
        let denies = |pattern: &str, action: &str| match pattern.strip_suffix('*') {
            Some(beginning) => action.starts_with(beginning),
            None => action == pattern,
        };
        for kind in KINDS {
            let optional = kind.include_actions.iter().flat_map(|action| action.iam_actions);
            for action in optional.chain(kind.iam_actions) {
                let denied = DATA_AND_SECRETS.iter().find(|pattern| denies(pattern, action));
                assert_eq!(denied, None, "{action} of {}", kind.name);
            }
        }
    }
}
