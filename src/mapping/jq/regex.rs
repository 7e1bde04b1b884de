//! What the regular expressions of jaq leave out: groups that took no part in a match.
//!
//! jaq lists only the groups that matched, so that their number is lost. Naming all groups by their number brings it
//! back.

use super::meter::{self, Charge};
use super::value::{Text, Value};
use jaq_core::{Error, ValR};
use std::rc::Rc;

/// What a match takes while the engine lists it. Each character may be one.
const BYTES_PER_MATCH: usize = 96;

/// An expression whose groups are all named by their number, and the names that they had.
struct Numbered {
    expression: String,
    names: Vec<Option<String>>,
}

fn number_groups(expression: &str) -> Numbered {
    let mut numbered = Numbered { expression: String::with_capacity(expression.len() + 16), names: Vec::new() };
    let mut rest = expression;
    let mut class_depth = 0_usize;
    while let Some(character) = rest.chars().next() {
        let mut taken = character.len_utf8();
        match character {
            '\\' => taken += rest[1..].chars().next().map_or(0, char::len_utf8),
            '[' => class_depth += 1,
            ']' => class_depth = class_depth.saturating_sub(1),
            '(' if class_depth == 0 => {
                if let Some((name, length)) = group_opening(rest) {
                    numbered.names.push(name.map(str::to_owned));
                    numbered.expression += &format!("(?P<g{}>", numbered.names.len());
                    rest = &rest[length..];
                    continue;
                }
            }
            _ => {}
        }
        numbered.expression.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    numbered
}

/// Name and length of what opens a capturing group; nothing for groups like `(?:` and `(?i)`.
fn group_opening(text: &str) -> Option<(Option<&str>, usize)> {
    for opening in ["(?P<", "(?<"] {
        let Some(rest) = text.strip_prefix(opening) else {
            continue;
        };
        if rest.starts_with(['=', '!']) {
            return None;
        }
        let length = rest.find('>')?;
        return Some((Some(&rest[..length]), opening.len() + length + 1));
    }
    match text.starts_with("(?") {
        true => None,
        false => Some((None, 1)),
    }
}

/// `[expression, names]` for a regular expression, whose cost for `input` is counted.
pub(super) fn prepare(input: &Value, expression: &Value) -> ValR<Value> {
    let Value::Text(text) = input else {
        return Err(Error::str(format!("{} cannot be matched, as it is not a string", input.described())));
    };
    let Value::Text(expression) = expression else {
        return Err(Error::str(format!("{} cannot be matched, as it is not a string", expression.described())));
    };
    // The engine lists all matches before any of them can be counted.
    drop(Charge::new(text.as_str().len().saturating_mul(BYTES_PER_MATCH)));
    let size = written_out_size(expression.as_str());
    meter::step(size / 8);
    meter::step((text.as_str().len() as u64).saturating_mul(size) / 64);
    let numbered = number_groups(expression.as_str());
    let names = numbered.names.into_iter();
    let names: Value = names.map(|name| name.map_or(Value::Null, Value::text)).collect();
    Ok([Value::text(numbered.expression), names].into_iter().collect())
}

/// How long the expression is once its counted repetitions are written out, which is what the engine does with them.
fn written_out_size(expression: &str) -> u64 {
    let mut size = expression.len() as u64;
    for repetition in expression.split('{').skip(1) {
        let counts = repetition.split('}').next().unwrap_or_default().split(',');
        let largest = counts.filter_map(|count| count.trim().parse::<u64>().ok()).max();
        size = size.saturating_mul(largest.unwrap_or(1).max(1));
    }
    size
}

/// The matches, as jaq lists them for a numbered expression, in the form of libjq.
pub(super) fn complete(matches: &Value, names: &Value) -> ValR<Value> {
    let (Value::Array(matches), Value::Array(names)) = (matches, names) else {
        return Err(Error::str("matches are arrays"));
    };
    let complete = matches.items().iter().map(|found| complete_one(found, names.items()));
    Ok(complete.collect())
}

fn complete_one(found: &Value, names: &[Value]) -> Value {
    let Value::Array(found) = found else {
        return Value::Null;
    };
    let captures = names.iter().enumerate().map(|(position, name)| {
        let number = Value::text(format!("g{}", position + 1));
        let group = found.items().iter().find(|group| field(group, "name") == number);
        described_match(group, Some(name.clone()))
    });
    let captures: Value = captures.collect();
    match described_match(found.items().first(), None) {
        Value::Object(mut whole) => {
            Rc::make_mut(&mut whole).insert(Rc::new(Text::new("captures".to_owned())), captures);
            Value::Object(whole)
        }
        other => other,
    }
}

fn field(object: &Value, name: &str) -> Value {
    match object {
        Value::Object(object) => object.get(name).cloned().unwrap_or_default(),
        _ => Value::Null,
    }
}

fn described_match(found: Option<&Value>, name: Option<Value>) -> Value {
    let entry = |name: &str, value: Value| (Rc::new(Text::new(name.to_owned())), value);
    let entries = match found {
        Some(found) => ["offset", "length", "string"].map(|name| entry(name, field(found, name))),
        None => [
            entry("offset", Value::from(-1_isize)),
            entry("string", Value::Null),
            entry("length", Value::from(0_isize)),
        ],
    };
    Value::object(entries.into_iter().chain(name.map(|name| entry("name", name))))
}
