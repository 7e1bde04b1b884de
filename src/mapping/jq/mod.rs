//! jq, the language of mappings.
//!
//! Expressions come from users and see data from anywhere, so they may do nothing but calculate: they have no
//! environment, files, modules, clock (except `now`) or output, and one that does not end, or grows without bound, is
//! stopped.

mod access;
mod arithmetic;
mod budget;
mod engine;
mod error;
mod format;
mod meter;
mod native;
mod number;
mod object;
mod path;
mod regex;
#[cfg(test)]
mod tests;
mod value;

pub use budget::Exhausted;
pub use error::{CompileError, EvaluationError};
pub use meter::Limit;

use budget::Budget;
use engine::Program;
use path::Simple;
use std::cell::OnceCell;
use std::rc::Rc;
use value::Value;

/// Longer texts are refused: the depth to which the parser calls itself grows with them.
const MAXIMUM_TEXT: usize = 16 << 10;

/// A compiled jq expression of a mapping. Compile once and evaluate often, from any thread.
pub struct Expression {
    text: String,
    form: Form,
}

enum Form {
    Simple(Simple),
    // Boxed, as nearly all expressions are simple.
    Program(Box<Program>),
}

impl Expression {
    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// If the text is no jq, mentions what is not defined, imports a module, is longer than 16 KiB or nested too
    /// deeply.
    pub fn compile(text: &str) -> Result<Self, CompileError> {
        if text.len() > MAXIMUM_TEXT {
            return Err(CompileError::TooLong { bytes: text.len(), allowed: MAXIMUM_TEXT });
        }
        let form = match Simple::parse(text) {
            Some(simple) => Form::Simple(simple),
            None => Form::Program(Box::new(engine::compile(text)?)),
        };
        let text = text.to_owned();
        Ok(Self { text, form })
    }

    /// The text as it was compiled.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first output for an input; none if the expression has no output. Later outputs are not calculated.
    ///
    /// Whole numbers come out without a fraction, what is no number as null, and the infinite as the largest double.
    ///
    /// # Errors
    ///
    /// If the expression fails on this input, or is stopped because it uses too much: a million steps, a second, 32
    /// MiB, nesting of 256, or a result of 16 MiB. Also if all expressions on the resource used too much together, see
    /// [`Exhausted`].
    pub fn first(&self, input: &Input<'_>) -> Result<Option<serde_json::Value>, EvaluationError> {
        input.budget.check()?;
        let steps_before = meter::steps_taken();
        let result = match &self.form {
            Form::Simple(simple) => simple.first(input.source),
            Form::Program(program) => program.first(input.source, || input.converted().clone()),
        };
        let steps = meter::steps_taken().wrapping_sub(steps_before);
        input.budget.spend(steps, result.as_ref().ok().and_then(Option::as_ref));
        result
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Expression").field(&self.text).finish()
    }
}

/// One raw resource, or one item of it, as expressions see it.
///
/// It is converted to the form of the interpreter at most once for all ordinary expressions, when the first needs it.
pub struct Input<'a> {
    source: Source<'a>,
    /// The input that this one only adds a member to.
    base: Option<&'a Input<'a>>,
    converted: OnceCell<Value>,
    /// One for all inputs that are made of the same resource.
    budget: Rc<Budget>,
}

/// What an input consists of, for any thread.
#[derive(Clone, Copy)]
struct Source<'a> {
    json: &'a serde_json::Value,
    /// A member of the object that is not in the JSON, or has another value there.
    member: Option<(&'a str, &'a serde_json::Value)>,
}

impl<'a> Input<'a> {
    /// Wraps a resource. Costs nothing yet.
    pub fn new(value: &'a serde_json::Value) -> Self {
        Self::with_budget(value, Rc::new(Budget::new()))
    }

    /// Wraps what was made of a resource. It counts for that resource.
    pub fn part_of(resource: &Input<'_>, value: &'a serde_json::Value) -> Self {
        Self::with_budget(value, Rc::clone(&resource.budget))
    }

    /// The same with another number of steps, for tests.
    #[cfg(test)]
    pub fn with_steps(value: &'a serde_json::Value, steps: u64) -> Self {
        Self::with_budget(value, Rc::new(Budget::of_steps(steps)))
    }

    fn with_budget(value: &'a serde_json::Value, budget: Rc<Budget>) -> Self {
        Self { source: Source { json: value, member: None }, base: None, converted: OnceCell::new(), budget }
    }

    /// The object `base` with one more member, or with another value for it. Nothing of `base` is copied. `base` is a
    /// whole resource: a member added to it before is not seen.
    pub fn with_member(base: &'a Input<'a>, name: &'a str, value: &'a serde_json::Value) -> Self {
        let source = Source { json: base.source.json, member: Some((name, value)) };
        Self { source, base: Some(base), converted: OnceCell::new(), budget: Rc::clone(&base.budget) }
    }

    /// Why no further expression is evaluated on the resource, if that is so.
    pub fn exhausted(&self) -> Option<Exhausted> {
        self.budget.check().err()
    }

    fn converted(&self) -> &Value {
        self.converted.get_or_init(|| match self.base {
            // Its parts are shared, not converted again.
            Some(base) => self.source.complete(base.converted().clone()),
            None => self.source.convert(),
        })
    }
}

impl Source<'_> {
    fn convert(self) -> Value {
        self.complete(Value::from_json(self.json))
    }

    /// Adds the member to what was made of the JSON.
    fn complete(self, converted: Value) -> Value {
        match self.member {
            Some((name, value)) => converted.with_member(name, Value::from_json(value)),
            None => converted,
        }
    }
}
