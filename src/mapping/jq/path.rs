//! Paths and literals, which nearly all expressions of mappings are, evaluated without the interpreter.

use super::{EvaluationError, Source};
use serde_json::Value;

/// An expression that needs no interpreter.
#[derive(Debug)]
pub(super) enum Simple {
    /// The same value for every input.
    Literal(Value),
    /// A way into the input.
    Path(Vec<Step>),
}

#[derive(Debug)]
pub(super) struct Step {
    key: Key,
    /// Whether a question mark turns its error into no output.
    is_optional: bool,
}

#[derive(Debug)]
enum Key {
    Name(String),
    Index(i64),
}

impl Simple {
    /// Recognises a simple expression. Any doubt is left to the interpreter.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim_matches([' ', '\t', '\n', '\r']);
        if let Some(literal) = literal(text) {
            return Some(Self::Literal(literal));
        }
        path(text).map(Self::Path)
    }

    pub(super) fn first(&self, source: Source<'_>) -> Result<Option<Value>, EvaluationError> {
        let steps = match self {
            Self::Literal(literal) => return Ok(Some(literal.clone())),
            Self::Path(steps) => steps.as_slice(),
        };
        let (mut value, steps) = match (source.member, steps) {
            (Some((name, member)), [first, rest @ ..]) if first.leads_to(name) => (member, rest),
            (Some((name, member)), []) => return Ok(Some(with_member(normalised(source.json), name, member))),
            _ => (source.json, steps),
        };
        for step in steps {
            value = match step.apply(value) {
                Ok(value) => value,
                Err(_) if step.is_optional => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        Ok(Some(normalised(value)))
    }
}

/// Whole numbers come out without a fraction, however they were written.
fn normalised(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let double = number.as_f64().unwrap_or(f64::NAN);
            super::number::Number::Double(double).to_json()
        }
        Value::Array(items) => items.iter().map(normalised).collect(),
        Value::Object(entries) => {
            let entries = entries.iter().map(|(name, value)| (name.clone(), normalised(value)));
            Value::Object(entries.collect())
        }
        other => other.clone(),
    }
}

fn with_member(mut object: Value, name: &str, member: &Value) -> Value {
    if let Value::Object(members) = &mut object {
        members.insert(name.to_owned(), normalised(member));
    }
    object
}

impl Step {
    fn leads_to(&self, member: &str) -> bool {
        matches!(&self.key, Key::Name(name) if name == member)
    }

    fn apply<'v>(&self, value: &'v Value) -> Result<&'v Value, EvaluationError> {
        match (value, &self.key) {
            (Value::Null, _) => Ok(&Value::Null),
            (Value::Object(entries), Key::Name(name)) => Ok(entries.get(name).unwrap_or(&Value::Null)),
            (Value::Array(items), Key::Index(index)) => {
                let position = match *index {
                    index if index < 0 => index.saturating_add_unsigned(items.len() as u64),
                    index => index,
                };
                let item = usize::try_from(position).ok().and_then(|position| items.get(position));
                Ok(item.unwrap_or(&Value::Null))
            }
            (_, key) => Err(EvaluationError::Failed(format!("Cannot index {} with {key}", kind(value)))),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(formatter, "string (\"{name}\")"),
            Self::Index(index) => write!(formatter, "number ({index})"),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn literal(text: &str) -> Option<Value> {
    match text {
        "null" => return Some(Value::Null),
        "true" => return Some(true.into()),
        "false" => return Some(false.into()),
        _ => {}
    }
    if let Some((string, "")) = quoted(text) {
        return Some(string.into());
    }
    // Fewer digits than a double holds, so that both ways read the same number. Minus zero is a number of its own.
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_plain = (1..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = digits == "0" && text == digits || !digits.starts_with('0');
    if !is_plain || !is_canonical {
        return None;
    }
    text.parse::<i64>().ok().map(Value::from)
}

/// A string without any escape at the beginning of the text, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let (string, rest) = text.strip_prefix('"')?.split_once('"')?;
    let is_plain = !string.chars().any(|character| character == '\\' || character.is_control());
    is_plain.then_some((string, rest))
}

fn path(text: &str) -> Option<Vec<Step>> {
    if text == "." {
        return Some(Vec::new());
    }
    if !text.starts_with('.') || text.starts_with("..") {
        return None;
    }
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        // A bracket may follow the first dot only: `.a.[0]` is left to the interpreter.
        let is_bracket = rest.starts_with('[') && !steps.is_empty() || rest.starts_with(".[") && steps.is_empty();
        let (key, after) = match is_bracket {
            true => bracket(rest.strip_prefix('.').unwrap_or(rest))?,
            false => name(rest.strip_prefix('.')?)?,
        };
        rest = after.strip_prefix('?').unwrap_or(after);
        steps.push(Step { key, is_optional: rest.len() < after.len() });
    }
    Some(steps)
}

fn name(text: &str) -> Option<(Key, &str)> {
    if let Some((name, rest)) = quoted(text) {
        return Some((Key::Name(name.to_owned()), rest));
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let length = text.find(|character| !is_part(character)).unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    if name.is_empty() || name.starts_with(|character: char| character.is_ascii_digit()) {
        return None;
    }
    Some((Key::Name(name.to_owned()), rest))
}

fn bracket(text: &str) -> Option<(Key, &str)> {
    let inner = text.strip_prefix('[')?;
    if let Some((name, rest)) = quoted(inner) {
        return Some((Key::Name(name.to_owned()), rest.strip_prefix(']')?));
    }
    let (index, rest) = inner.split_once(']')?;
    let digits = index.strip_prefix('-').unwrap_or(index);
    let is_plain = (1..=9).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain {
        return None;
    }
    Some((Key::Index(index.parse().ok()?), rest))
}
