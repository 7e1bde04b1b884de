//! One expression of a mapping, with the path that it stands at, and what is noted about it.

use serde_json::Value;

use super::MappingNotes;
use super::apostrophes::compile;
use super::document::brief;
use super::jq::{Expression, Input};
use crate::run::FieldNote;

/// An expression that an entity can do without: where it does not compile, it gives null and the rest is sent.
pub(super) struct Field {
    /// Where it stands in `port.entity.mappings`: `properties.name`, `relations.owner.rules.0.value`.
    path: String,
    expression: Result<Expression, String>,
}

impl Field {
    /// # Errors
    /// Names the path, if what stands there is no expression at all.
    pub fn parse(path: &str, value: &Value) -> Result<Self, String> {
        let text = expression_text(path, value)?;
        let expression = compile(&text).map_err(|error| format!("{} is no jq expression: {error}", brief(value)));
        Ok(Self { path: path.to_owned(), expression })
    }

    /// The same for an expression that an entity cannot do without.
    ///
    /// # Errors
    /// Names the path, also if the expression does not compile.
    pub fn parse_needed(path: &str, value: &Value) -> Result<Self, String> {
        let field = Self::parse(path, value)?;
        match &field.expression {
            Ok(_) => Ok(field),
            Err(reason) => Err(format!("`{path}`: {reason}")),
        }
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// The field's value; null where it has none, which is noted.
    pub fn evaluate(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Value {
        let expression = match &self.expression {
            Ok(expression) => expression,
            Err(reason) => {
                notes.add(&self.path, FieldNote { has_value: false, failure: Some(reason.clone()) });
                return Value::Null;
            }
        };
        let (value, note) = match expression.first(input) {
            Ok(None | Some(Value::Null)) => (Value::Null, FieldNote::default()),
            Ok(Some(value)) => (value, FieldNote { has_value: true, failure: None }),
            Err(error) => {
                let failure = format!("`{}`: {error}", expression.text());
                (Value::Null, FieldNote { has_value: false, failure: Some(failure) })
            }
        };
        notes.add(&self.path, note);
        value
    }

    /// Notes that the value is of no use where the field stands.
    pub fn reject(&self, value: &Value, expected: &str, notes: &mut MappingNotes) {
        let failure = Some(format!("gave {}; {expected} is expected", brief(value)));
        notes.add(&self.path, FieldNote { has_value: false, failure });
    }
}

/// Numbers and booleans stand for themselves, as in Port's own engine.
pub(super) fn expression_text(path: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err(format!("`{path}` is no jq expression")),
    }
}
