//! A page of documentation for each kind, and one that lists them.

use std::fmt::Write;
use std::fs;

use portolan::kinds::{KINDS, Kind, Scope};
use serde_json::Value;

use super::{Derived, in_repository};

const NOTE: &str = "<!-- Derived from src/kinds and src/port/defaults by `make derived`. -->\n";

pub fn all() -> Vec<Derived> {
    let mut pages: Vec<Derived> =
        KINDS.iter().map(|kind| Derived { path: path_of(kind), text: page_of(kind) }).collect();
    pages.push(Derived { path: "docs/kinds/README.md".to_owned(), text: index() });
    pages
}

fn file_of(kind: &Kind) -> String {
    format!("{}.md", kind.name.replace("::", "-"))
}

fn path_of(kind: &Kind) -> String {
    format!("docs/kinds/{}", file_of(kind))
}

fn index() -> String {
    let mut text = format!(
        "{NOTE}
# Kinds

These kinds have a reader of their own. Any other type that AWS Cloud Control lists is read [through it](../cloud-control.md), by the
name that AWS gives it.

What every raw resource has: `Type`, `Properties` (see the kind's page) and `__Kind`. Most have `__ExtraContext`, with `AccountId` and, for
what is read by region, `Region`. `__AccountId` stands beside it where the resource is of an account, `__Region` where its region is known
(that of a bucket stands there alone). `AWS::Account::Info` has no `__ExtraContext`; `AWS::Organizations::Account` has `Type`, `Properties`
and `__Kind` alone.

| Kind | Read once for each | AWS calls for n resources | Options (`includeActions`) |
|---|---|---|---|
"
    );
    let mut kinds = KINDS.to_vec();
    kinds.sort_by_key(|kind| kind.name);
    for kind in kinds {
        let options: Vec<String> = kind.include_actions.iter().map(|action| format!("`{}`", action.name)).collect();
        let _ = writeln!(
            text,
            "| [`{}`]({}) | {} | {} | {} |",
            kind.name,
            file_of(kind),
            scope_in_words(kind.scope),
            kind.calls,
            options.join(", ")
        );
    }
    text
}

fn scope_in_words(scope: Scope) -> &'static str {
    match scope {
        Scope::Regional => "account and region",
        Scope::Global => "account",
        Scope::Organization => "organization",
    }
}

fn page_of(kind: &Kind) -> String {
    let mut text = format!("{NOTE}\n# {}\n\n", kind.name);
    let _ = writeln!(text, "Read once for each {}.\n", scope_in_words(kind.scope));
    let _ = writeln!(text, "AWS calls for n resources: {}.\n", kind.calls);
    add_history(&mut text, kind);
    add_actions(&mut text, kind);
    add_options(&mut text, kind);
    add_fields(&mut text, kind);
    add_defaults(&mut text, kind);
    text
}

fn add_history(text: &mut String, kind: &Kind) {
    if kind.is_history {
        let _ = writeln!(
            text,
            "This is a history. {}. Without these bounds, all of it is read that AWS keeps. What a bound leaves out leaves Port.\n",
            bounds_in_words(kind)
        );
    }
}

/// What the bounds of a history count, which is as the service lists it.
fn bounds_in_words(kind: &Kind) -> &'static str {
    match kind.name {
        "AWS::CodeDeploy::DeploymentTarget" => {
            "The bounds are those of the deployments: `selector.maxResults` takes the targets of the newest so many of an account and region,
`selector.maxAgeDays` the targets of those that were created at most so many days before the run"
        }
        "AWS::CodeDeploy::Deployment" => {
            "`selector.maxResults` bounds it to the newest so many of each account and region, `selector.maxAgeDays` to what was created
at most so many days before the run"
        }
        "AWS::CodePipeline::ActionExecution" | "AWS::CodePipeline::PipelineExecution" => {
            "`selector.maxResults` bounds it to the newest so many of each pipeline, `selector.maxAgeDays` to what began at most so many
days before the run"
        }
        _ => {
            "`selector.maxResults` bounds it to the newest so many of each account and region, `selector.maxAgeDays` to what began at most
so many days before the run"
        }
    }
}

fn add_actions(text: &mut String, kind: &Kind) {
    if kind.iam_actions.is_empty() {
        return;
    }
    let actions: Vec<String> = kind.iam_actions.iter().map(|action| format!("`{action}`")).collect();
    let _ = writeln!(text, "IAM actions: {}.\n", actions.join(", "));
}

fn add_options(text: &mut String, kind: &Kind) {
    if kind.include_actions.is_empty() {
        return;
    }
    text.push_str("## Options (`selector.includeActions`)\n\n| Name | Further calls for n resources | IAM actions |\n|---|---|---|\n");
    for action in kind.include_actions {
        let actions: Vec<String> = action.iam_actions.iter().map(|action| format!("`{action}`")).collect();
        let _ = writeln!(text, "| `{}` | {} | {} |", action.name, action.calls, actions.join(", "));
    }
    text.push('\n');
}

fn add_fields(text: &mut String, kind: &Kind) {
    text.push_str(
        "## `Properties`\n\nA member that AWS does not answer is left out.\n\n| Member | What it is |\n|---|---|\n",
    );
    for (path, form) in kind.fields {
        let _ = writeln!(text, "| `{path}` | {} |", form.in_words());
    }
    text.push('\n');
    if kind.context.is_empty() {
        return;
    }
    text.push_str("`__ExtraContext` has, beyond account and region:\n\n| Member | What it is |\n|---|---|\n");
    for (path, form) in kind.context {
        let _ = writeln!(text, "| `{path}` | {} |", form.in_words());
    }
    text.push('\n');
}

/// The resource that the default mapping is tested with, the blueprint and the mapping.
fn add_defaults(text: &mut String, kind: &Kind) {
    let (stem, default) = default_of(kind.name);
    let raw = read_json(&format!("tests/support/raw/{stem}.json"));
    let _ = writeln!(text, "## Example\n\nWhat a mapping may see:\n\n{}", json_block(&raw["full"]));
    let _ = writeln!(text, "## Blueprint\n\n{}", json_block(&default["blueprint"]));
    let _ = write!(text, "## Mapping\n\nAn item of `resources`:\n\n{}", json_block(&default["mapping"]));
}

/// The name of the kind's files, and its default.
fn default_of(kind: &str) -> (String, Value) {
    let folder = fs::read_dir(in_repository("src/port/defaults")).expect("the defaults are there");
    for file in folder {
        let name = file.expect("a file").file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let default = read_json(&format!("src/port/defaults/{name}"));
        if default["mapping"]["kind"] == kind {
            return (stem.to_owned(), default);
        }
    }
    panic!("{kind} has no default")
}

fn read_json(path: &str) -> Value {
    let text = fs::read_to_string(in_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json_block(value: &Value) -> String {
    format!("```json\n{}\n```\n", serde_json::to_string_pretty(value).expect("JSON"))
}
