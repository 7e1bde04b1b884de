//! Metrics in CloudWatch's embedded metric format: lines of the log that CloudWatch Logs makes metrics of. They go past
//! `tracing` and its level, which is for people who read the log.
//!
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::fmt::Display;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use time::OffsetDateTime;

const NAMESPACE: &str = "Portolan";
/// The only dimension. One for each run, account, region or kind would be a metric of its own, and be paid for as one.
const DIMENSION: &str = "Integration";

/// Set once, when a function starts. Until then, and so in everything that is no function, nothing is counted or
/// written.
static STARTED: OnceLock<Started> = OnceLock::new();

struct Started {
    /// The identifier of the integration.
    integration: String,
    aws_throttles: AtomicU64,
    port_throttles: AtomicU64,
}

/// The list of all metrics, with their units.
macro_rules! metrics {
    ($($name:ident: $unit:ident),+ $(,)?) => {
        /// What is measured. `docs/metrics.md` says when, and what to do about it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Metric { $($name),+ }

        impl Metric {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }

            pub fn unit(self) -> &'static str {
                match self { $(Self::$name => stringify!($unit)),+ }
            }
        }
    };
}

metrics! {
    RunsStarted: Count,
    RunsRefused: Count,
    RunsCompleted: Count,
    RunsIncomplete: Count,
    RunDuration: Seconds,
    InaccessibleAccounts: Count,
    FailedTargets: Count,
    EntitiesDeleted: Count,
    EntitiesRefused: Count,
    DeletionsHeldBack: Count,
    UnknownInPort: Count,
    TargetsDone: Count,
    TargetsFailed: Count,
    EntitiesSent: Count,
    EntitiesUnchanged: Count,
    StaleEntities: Count,
    TargetDuration: Milliseconds,
    AwsThrottles: Count,
    PortThrottles: Count,
    StepsGivenUp: Count,
    MessagesRejected: Count,
}

/// From now on metrics are written, for this integration.
pub fn start(integration: &str) {
    STARTED.get_or_init(|| Started {
        integration: integration.to_owned(),
        aws_throttles: AtomicU64::new(0),
        port_throttles: AtomicU64::new(0),
    });
}

/// Counts one, to be written when the invocation ends.
pub fn count_aws_throttle() {
    if let Some(started) = STARTED.get() {
        started.aws_throttles.fetch_add(1, Ordering::Relaxed);
    }
}

/// Counts one, to be written when the invocation ends.
pub fn count_port_throttle() {
    if let Some(started) = STARTED.get() {
        started.port_throttles.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes what was counted, if anything was, and counts from zero again.
pub fn write_counted() {
    let Some(started) = STARTED.get() else { return };
    let counted = [
        (Metric::AwsThrottles, started.aws_throttles.swap(0, Ordering::Relaxed)),
        (Metric::PortThrottles, started.port_throttles.swap(0, Ordering::Relaxed)),
    ];
    let met: Vec<(Metric, u64)> = counted.into_iter().filter(|(_, count)| *count > 0).collect();
    if !met.is_empty() {
        write(&met, &[]);
    }
}

/// Writes values in one line, with fields for who searches the log: those are no dimensions.
pub fn write(values: &[(Metric, u64)], fields: &[(&str, &dyn Display)]) {
    let Some(started) = STARTED.get() else { return };
    let line = line(&started.integration, OffsetDateTime::now_utc(), values, fields);
    // At once, so that no other line comes in between. If it fails, there is nowhere to say so.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

fn line(integration: &str, now: OffsetDateTime, values: &[(Metric, u64)], fields: &[(&str, &dyn Display)]) -> String {
    let definition = |(metric, _): &(Metric, u64)| json!({"Name": metric.name(), "Unit": metric.unit()});
    let definitions: Vec<Value> = values.iter().map(definition).collect();
    let mut line = json!({
        "_aws": {
            "Timestamp": now.unix_timestamp() * 1000 + i64::from(now.millisecond()),
            "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [[DIMENSION]], "Metrics": definitions}],
        },
        DIMENSION: integration,
    });
    for (metric, value) in values {
        line[metric.name()] = json!(value);
    }
    for (name, value) in fields {
        line[*name] = json!(value.to_string());
    }
    format!("{line}\n")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_line_has_the_form_that_cloudwatch_reads() {
        let values = [(Metric::RunDuration, 84), (Metric::RunsCompleted, 1)];
        let line = line("my-integration", datetime!(2026-11-22 06:00:00.250 UTC), &values, &[("mode", &"full")]);
        let (text, rest) = line.split_once('\n').expect("the end of a line");
        assert_eq!(rest, "");
        let expected = json!({
            "_aws": {
                "Timestamp": 1_795_327_200_250_u64,
                "CloudWatchMetrics": [{
                    "Namespace": "Portolan",
                    "Dimensions": [["Integration"]],
                    "Metrics": [
                        {"Name": "RunDuration", "Unit": "Seconds"},
                        {"Name": "RunsCompleted", "Unit": "Count"},
                    ],
                }],
            },
            "Integration": "my-integration",
            "RunDuration": 84,
            "RunsCompleted": 1,
            "mode": "full",
        });
        assert_eq!(serde_json::from_str::<Value>(text).expect("JSON"), expected);
    }

    /// A line has at most 100 metrics, and a unit is one of CloudWatch's.
    #[test]
    fn every_metric_is_one_that_cloudwatch_takes() {
        assert!(Metric::ALL.len() <= 100);
        for (index, metric) in Metric::ALL.iter().enumerate() {
            assert!(matches!(metric.unit(), "Count" | "Seconds" | "Milliseconds"), "{metric:?}");
            assert!(!Metric::ALL[..index].contains(metric), "{metric:?}");
        }
    }
}
