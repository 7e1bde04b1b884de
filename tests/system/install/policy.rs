//! IAM policies as they were deployed, and whether they allow a call. Conditions are not evaluated.

use serde_json::{Value, json};

use crate::permissions::iam_action_of;
use crate::support::aws::{Aws, AwsCall};

/// One statement of a policy of a role.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Of the policy, or of the statement where it has one.
    pub name: String,
    pub allows: bool,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    pub condition: Value,
}

/// A call as IAM looks at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Request {
    pub action: String,
    /// The resource that the call names, if it names one that the layer understands; `*` otherwise.
    pub resource: String,
}

impl Request {
    pub fn of(call: &AwsCall) -> Self {
        let resource = call.resource.clone().unwrap_or_else(|| "*".to_owned());
        Self { action: iam_action_of(&call.name()), resource }
    }
}

impl Statement {
    pub fn covers(&self, request: &Request) -> bool {
        let resource = |pattern: &String| request.resource == "*" || matches(pattern, &request.resource);
        self.covers_action(&request.action) && self.resources.iter().any(resource)
    }

    fn covers_action(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| matches(&pattern.to_lowercase(), &action.to_lowercase()))
    }
}

/// Whether the statements allow it: one does, and none denies it.
pub fn allow(statements: &[Statement], request: &Request) -> bool {
    let covering: Vec<_> = statements.iter().filter(|statement| statement.covers(request)).collect();
    // Whether a denial with a condition holds is not known here.
    let is_denied = covering.iter().any(|statement| !statement.allows && statement.condition.is_null());
    covering.iter().any(|statement| statement.allows) && !is_denied
}

/// One action on one resource that a statement allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub statement: String,
    pub action: String,
    pub resource: String,
}

/// What is allowed and no request made use of.
pub fn unused(statements: &[Statement], requests: &[Request]) -> Vec<Grant> {
    let mut unused = Vec::new();
    for statement in statements.iter().filter(|statement| statement.allows) {
        for action in &statement.actions {
            for resource in &statement.resources {
                let (actions, resources) = (vec![action.clone()], vec![resource.clone()]);
                let alone = Statement { actions, resources, ..statement.clone() };
                if !requests.iter().any(|request| alone.covers(request)) {
                    let statement = statement.name.clone();
                    unused.push(Grant { statement, action: action.clone(), resource: resource.clone() });
                }
            }
        }
    }
    unused
}

/// Every statement of a role's policies, its own and the managed ones, as IAM gives them back. The managed policies of
/// AWS are not among them.
pub async fn statements_of(aws: &Aws, account: &str, region: &str, role: &str) -> Vec<Statement> {
    let iam = async |operation, parameters: Value| {
        let answer = aws.call(account, region, "iam", operation, parameters).await;
        answer.unwrap_or_else(|error| panic!("{operation} of {role} in {account}: {error}"))
    };
    let mut statements = Vec::new();
    let inline = iam("list_role_policies", json!({"RoleName": role})).await;
    for name in texts(&inline["PolicyNames"]) {
        let policy = iam("get_role_policy", json!({"RoleName": role, "PolicyName": name})).await;
        statements.extend(statements_in(&name, &policy["PolicyDocument"]));
    }
    let attached = iam("list_attached_role_policies", json!({"RoleName": role})).await;
    for policy in attached["AttachedPolicies"].as_array().expect("a list") {
        let arn = policy["PolicyArn"].as_str().expect("an ARN");
        if arn.contains(":iam::aws:") {
            continue;
        }
        let policy = iam("get_policy", json!({"PolicyArn": arn})).await;
        let version = &policy["Policy"]["DefaultVersionId"];
        let version = iam("get_policy_version", json!({"PolicyArn": arn, "VersionId": version})).await;
        statements.extend(statements_in(arn, &version["PolicyVersion"]["Document"]));
    }
    statements
}

/// The statements of a policy document, which may be given as a text.
pub fn statements_in(policy: &str, document: &Value) -> Vec<Statement> {
    let parsed: Value = match document.as_str() {
        Some(text) => serde_json::from_str(text).unwrap_or_else(|error| panic!("{policy}: {error}")),
        None => document.clone(),
    };
    let statements = parsed["Statement"].as_array().unwrap_or_else(|| panic!("{policy} has no statements: {parsed}"));
    let read = statements.iter().map(|statement| Statement {
        name: statement["Sid"].as_str().unwrap_or(policy).to_owned(),
        allows: match statement["Effect"].as_str() {
            Some("Allow") => true,
            Some("Deny") => false,
            other => panic!("{policy}: the effect {other:?}"),
        },
        actions: texts(&statement["Action"]),
        resources: texts(&statement["Resource"]),
        condition: statement["Condition"].clone(),
    });
    read.inspect(|statement| assert!(!statement.actions.is_empty() && !statement.resources.is_empty(), "{statement:?}"))
        .collect()
}

/// A text, or a list of texts.
pub fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// IAM's wildcards: `*` for any text, `?` for any letter.
fn matches(pattern: &str, text: &str) -> bool {
    let Some(first) = pattern.chars().next() else { return text.is_empty() };
    let rest = &pattern[first.len_utf8()..];
    if first == '*' {
        return text.char_indices().map(|(index, _)| index).chain([text.len()]).any(|at| matches(rest, &text[at..]));
    }
    let Some(letter) = text.chars().next() else { return false };
    (first == '?' || first == letter) && matches(rest, &text[letter.len_utf8()..])
}

#[test]
fn wildcards_match_as_in_iam() {
    for (pattern, text) in [("s3:Get*", "s3:GetObject"), ("*", ""), ("a*/b?", "a/x/bc"), ("a", "a"), ("a**", "a")] {
        assert!(matches(pattern, text), "{pattern} {text}");
    }
    for (pattern, text) in [("s3:Get", "s3:GetObject"), ("a?", "a"), ("*/b", "a/bc"), ("", "a")] {
        assert!(!matches(pattern, text), "{pattern} {text}");
    }
}

#[test]
fn a_denial_wins_and_what_nobody_uses_is_named() {
    let document = json!({"Statement": [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["arn:b/x/*", "arn:b/y/*"]},
        {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"},
    ]});
    let statements = statements_in("test", &document);
    let request = |action: &str, resource: &str| Request { action: action.to_owned(), resource: resource.to_owned() };
    let get = request("s3:GetObject", "arn:b/x/1");
    assert!(allow(&statements, &get));
    assert!(!allow(&statements, &request("s3:PutObject", "arn:b/x/1")));
    assert!(!allow(&statements, &request("s3:GetObject", "arn:b/z/1")));
    let unused = unused(&statements, &[get]);
    let unused: Vec<_> = unused.iter().map(|grant| (grant.action.as_str(), grant.resource.as_str())).collect();
    let (get, put) = ("s3:GetObject", "s3:PutObject");
    assert_eq!(unused, [(get, "arn:b/y/*"), (put, "arn:b/x/*"), (put, "arn:b/y/*")]);
}
