//! What all expressions on one raw resource may use together.
//!
//! Each expression is bounded by itself, but a resource may have thousands of items and a mapping hundreds of
//! expressions.

use serde_json::Value;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Seconds of work: ten thousand items with twenty expressions of a hundred steps each.
const MAXIMUM_STEPS: u64 = 20_000_000;
/// An invocation has other resources to read. Steps end first, unless they are uncommonly slow ones.
const MAXIMUM_TIME: Duration = Duration::from_secs(20);
/// An eighth of the worker's memory. All results of a resource are held until they are sent.
const MAXIMUM_OUTPUT_BYTES: usize = 64 << 20;
/// What one node of a result takes, whatever it is.
pub(super) const BYTES_PER_OUTPUT_NODE: usize = 72;

/// Why no further expression is evaluated on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// Depends on nothing but mapping and resource.
    #[error("the expressions of the mapping took more than {MAXIMUM_STEPS} steps on this resource")]
    Steps,
    /// They took too long, although their steps were few.
    #[error("the expressions of the mapping took more than {} seconds on this resource", MAXIMUM_TIME.as_secs())]
    Time,
    /// They gave too much.
    #[error("the expressions of the mapping gave more than {} MiB for this resource", MAXIMUM_OUTPUT_BYTES >> 20)]
    Output,
}

/// What is left for a resource.
pub(super) struct Budget {
    steps_left: Cell<u64>,
    output_bytes_left: Cell<usize>,
    start: Instant,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self::of_steps(MAXIMUM_STEPS)
    }

    pub(super) fn of_steps(steps: u64) -> Self {
        Self { steps_left: Cell::new(steps), output_bytes_left: Cell::new(MAXIMUM_OUTPUT_BYTES), start: Instant::now() }
    }

    /// # Errors
    /// What is used up.
    pub(super) fn check(&self) -> Result<(), Exhausted> {
        if self.steps_left.get() == 0 {
            return Err(Exhausted::Steps);
        }
        if self.output_bytes_left.get() == 0 {
            return Err(Exhausted::Output);
        }
        if self.start.elapsed() > MAXIMUM_TIME {
            return Err(Exhausted::Time);
        }
        Ok(())
    }

    /// Takes off what one evaluation used. Even the simplest counts as a step.
    pub(super) fn spend(&self, steps: u64, output: Option<&Value>) {
        self.steps_left.set(self.steps_left.get().saturating_sub(steps.max(1)));
        let bytes = output.map_or(0, bytes_of);
        self.output_bytes_left.set(self.output_bytes_left.get().saturating_sub(bytes));
    }
}

fn bytes_of(value: &Value) -> usize {
    let content = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes_of).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + bytes_of(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    BYTES_PER_OUTPUT_NODE + content
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{EvaluationError, Expression, Input};
    use super::*;

    /// How many evaluations an input allows before it is exhausted, and by what.
    fn evaluations(text: &str, input: &Input<'_>) -> (u64, Exhausted) {
        let expression = Expression::compile(text).unwrap();
        for done in 0.. {
            match expression.first(input) {
                Ok(_) | Err(EvaluationError::Runaway { .. }) => {}
                Err(EvaluationError::Exhausted(exhausted)) => return (done, exhausted),
                Err(error) => panic!("{text}: {error}"),
            }
        }
        unreachable!("there is an end to everything")
    }

    #[test]
    fn steps_count_for_the_resource_whatever_they_were_taken_for() {
        let raw = json!({"a": 1});
        let resource = Input::with_steps(&raw, 10_000);
        let (done, exhausted) = evaluations("[range(1000)] | length", &resource);
        assert_eq!(exhausted, Exhausted::Steps);
        assert!((1..=10).contains(&done), "{done}");
        let item = json!(1);
        let same = Input::with_member(&resource, "item", &item);
        assert_eq!(evaluations(".a", &same), (0, Exhausted::Steps));
        let rest = json!({});
        assert_eq!(evaluations(".a", &Input::part_of(&resource, &rest)), (0, Exhausted::Steps));
        assert!(
            Expression::compile(".a").unwrap().first(&Input::new(&raw)).is_ok(),
            "another resource is not concerned"
        );
    }

    #[test]
    fn what_runs_on_the_large_stack_and_what_is_stopped_count_as_well() {
        let raw = json!(null);
        for text in ["def f: f; f", "last(repeat(1))"] {
            // Each is stopped by its own limit, after more steps than the resource has.
            assert_eq!(evaluations(text, &Input::with_steps(&raw, 10_000)), (1, Exhausted::Steps), "{text}");
        }
    }

    #[test]
    fn results_count_also_where_they_cost_no_steps() {
        let raw = json!({"large": "x".repeat(1 << 20)});
        let (done, exhausted) = evaluations(".", &Input::new(&raw));
        assert_eq!((done, exhausted), (64, Exhausted::Output));
    }
}
