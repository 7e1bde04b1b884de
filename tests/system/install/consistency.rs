//! Templates, code and documents say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use portolan::schedule::RunRequest;
use portolan::schedule::confirm::STATE_KEPT;
use serde_json::{Value, json};

use super::read;
use super::variations::Variation;
use crate::support::aws::expand;

const TEMPLATES: [&str; 4] = [
    "template.yaml",
    "cloudformation/read-role.yaml",
    "cloudformation/read-role-oidc.yaml",
    "cloudformation/read-role-stackset.yaml",
];
/// What a schedule puts in place of this, EventBridge writes into the event.
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";
/// These have names of variables and read none: the first has a list of those that others read.
const READ_NOTHING: [&str; 2] = ["src/config/ignored.rs", "src/config/tests.rs"];
/// The namespace of the functions' own metrics.
const NAMESPACE: &str = "Portolan";
/// Their only dimension.
const DIMENSION: &str = "Integration";

fn template(path: &str) -> Value {
    expand(path, "eu-west-1", "bucket", &[])
}

#[test]
fn every_variable_of_the_template_is_read_and_documented() {
    let template = template("template.yaml");
    let document = read("docs/configuration.md");
    let mut code = String::new();
    for folder in ["src/config", "src/events"] {
        for file in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("a folder") {
            let path = format!("{folder}/{}", file.expect("a file").file_name().to_string_lossy());
            if !READ_NOTHING.contains(&path.as_str()) {
                code += &read(&path);
            }
        }
    }
    let mut of_functions = Vec::new();
    for function in ["SchedulerFunction", "WorkerFunction"] {
        let variables = &template["Resources"][function]["Properties"]["Environment"]["Variables"];
        of_functions.push(variables.clone());
        let names: BTreeSet<&String> = variables.as_object().expect("variables").keys().collect();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            assert!(code.contains(&format!("\"{name}\"")), "{name} is set by the template and read by nobody");
            assert!(document.contains(&format!("`{name}`")), "docs/configuration.md does not have {name}");
        }
    }
    assert_eq!(of_functions[0], of_functions[1], "both functions check the whole configuration");
}

#[test]
fn every_parameter_is_documented_explained_and_shown() {
    let document = read("docs/configuration.md");
    let mut undocumented = BTreeSet::new();
    for path in TEMPLATES {
        let template = template(path);
        let groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"].to_string();
        for (name, parameter) in template["Parameters"].as_object().expect("parameters") {
            if !document.contains(&format!("`{name}`")) {
                undocumented.insert(format!("{name} of {path}"));
            }
            assert!(parameter["Description"].is_string(), "{name} of {path} has no description");
            assert!(groups.contains(&format!("\"{name}\"")), "{name} of {path} is in no group of the console");
        }
    }
    assert!(undocumented.is_empty(), "docs/configuration.md does not have {undocumented:#?}");
}

#[test]
fn runs_expire_when_the_code_says_so() {
    let template = template("template.yaml");
    let rules = &template["Resources"]["StateBucket"]["Properties"]["LifecycleConfiguration"]["Rules"];
    let rules = rules.as_array().expect("rules");
    let rule = rules.iter().find(|rule| rule["Id"] == "ExpireRuns").expect("the rule that the code names");
    assert_eq!(rule["ExpirationInDays"].as_i64(), Some(STATE_KEPT.whole_days()));
}

#[tokio::test]
async fn every_schedule_sends_what_the_scheduler_understands() {
    let stack = Variation::named("organization").deploy().await;
    for schedule in stack.of_type("AWS::Scheduler::Schedule") {
        let input = stack.properties(schedule)["Target"]["Input"].as_str().expect("an input");
        assert!(input.contains(SCHEDULED_TIME), "{schedule}: a repeated invocation would be another run");
        let event: Value = serde_json::from_str(&input.replace(SCHEDULED_TIME, "2026-01-02T03:04:05Z")).expect("JSON");
        let request = RunRequest::parse(&event).unwrap_or_else(|error| panic!("{schedule}: {error}"));
        assert_eq!(request.scheduled_time.as_deref(), Some("2026-01-02T03:04:05Z"), "{schedule}");
    }
}

#[tokio::test]
async fn every_metric_that_is_looked_at_is_written() {
    let written = documented_metrics();
    let stack = Variation::named("organization").deploy().await;
    let worker = stack.properties("WorkerFunction");
    let identifier = &worker["Environment"]["Variables"]["OCEAN__INTEGRATION__IDENTIFIER"];
    assert!(identifier.as_str().is_some_and(|identifier| !identifier.is_empty()), "{worker:#}");
    let of_alarms = json!([{"Name": DIMENSION, "Value": identifier}]);
    let of_dashboard = json!([DIMENSION, identifier]);
    let mut used = Vec::new();
    for alarm in stack.of_type("AWS::CloudWatch::Alarm") {
        let found = collect_metrics(stack.properties(alarm));
        used.extend(found.into_iter().map(|metric| (alarm, metric, &of_alarms)));
    }
    let alarms = used.len();
    for dashboard in stack.of_type("AWS::CloudWatch::Dashboard") {
        let body = stack.properties(dashboard)["DashboardBody"].as_str().expect("a text");
        let found = collect_metrics(&serde_json::from_str(body).expect("JSON"));
        used.extend(found.into_iter().map(|metric| (dashboard, metric, &of_dashboard)));
    }
    assert!(alarms > 0 && used.len() > alarms, "{used:?}");
    for (place, (metric, dimensions), expected) in &used {
        assert!(written.contains(metric), "{place} looks at {metric}, which docs/metrics.md does not have");
        assert_eq!(dimensions, *expected, "{place} looks at {metric}, which is written with other dimensions");
    }
}

/// The metrics in the table of docs/metrics.md: first column, in backticks.
fn documented_metrics() -> BTreeSet<String> {
    let rows = read("docs/metrics.md");
    let names = rows.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = names.filter_map(|rest| rest.split(" |").next());
    let quoted = cells.flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>());
    quoted.filter(|name| !name.is_empty()).collect()
}

/// The names of the functions' own metrics, each with its dimensions: in an alarm `{Namespace, MetricName,
/// Dimensions}`, in a dashboard `[namespace, name, dimension, value, …]`, at the end of which may be what it is to look
/// like.
fn collect_metrics(value: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    if value["Namespace"] == NAMESPACE {
        found.extend(value["MetricName"].as_str().map(|name| (name.to_owned(), value["Dimensions"].clone())));
    }
    if value[0] == NAMESPACE {
        let dimensions = value.as_array().into_iter().flatten().skip(2).filter(|item| !item.is_object());
        found.extend(value[1].as_str().map(|name| (name.to_owned(), dimensions.cloned().collect())));
    }
    match value {
        Value::Object(members) => found.extend(members.values().flat_map(collect_metrics)),
        Value::Array(items) => found.extend(items.iter().flat_map(collect_metrics)),
        _ => {}
    }
    found
}
