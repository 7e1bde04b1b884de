//! Search queries: a combinator and rules, which may be queries themselves.

use std::cmp::Ordering;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::entities::StoredEntity;

/// A rule that Port knows and this emulator does not.
#[derive(Debug)]
pub struct NotEmulated(pub String);

/// Whether an entity matches a query.
pub fn matches(entity: &StoredEntity, query: &Value) -> Result<bool, NotEmulated> {
    let Some(rules) = query.get("rules").and_then(Value::as_array) else {
        return rule_matches(entity, query);
    };
    let any_is_enough = query["combinator"] == "or";
    for rule in rules {
        if matches(entity, rule)? == any_is_enough {
            return Ok(any_is_enough);
        }
    }
    // Nothing decided: all of an `and` matched (a query without rules matches everything), or none of an `or`.
    Ok(!any_is_enough || rules.is_empty())
}

fn rule_matches(entity: &StoredEntity, rule: &Value) -> Result<bool, NotEmulated> {
    let (Some(property), Some(operator)) = (rule["property"].as_str(), rule["operator"].as_str()) else {
        return Err(NotEmulated(format!("the rule {rule}")));
    };
    let actual = entity.lookup(property);
    let wanted = &rule["value"];
    let outcome = match operator {
        "=" if wanted.is_object() => return Err(NotEmulated(format!("the rule {rule}"))),
        "=" => equals(&actual, wanted),
        "!=" => !equals(&actual, wanted),
        "in" => is_one_of(&actual, wanted),
        "notIn" => !is_one_of(&actual, wanted),
        "contains" => contains(&actual, wanted),
        "doesNotContains" => !contains(&actual, wanted),
        "containsAny" => elements(wanted).any(|element| contains(&actual, element)),
        "beginsWith" => both_texts(&actual, wanted, |text, start| text.starts_with(start)),
        "doesNotBeginsWith" => !both_texts(&actual, wanted, |text, start| text.starts_with(start)),
        "endsWith" => both_texts(&actual, wanted, |text, end| text.ends_with(end)),
        "doesNotEndsWith" => !both_texts(&actual, wanted, |text, end| text.ends_with(end)),
        "isEmpty" => is_empty(&actual),
        "isNotEmpty" => !is_empty(&actual),
        "<" => compare(&actual, wanted).is_some_and(Ordering::is_lt),
        "<=" => compare(&actual, wanted).is_some_and(Ordering::is_le),
        ">" => compare(&actual, wanted).is_some_and(Ordering::is_gt),
        ">=" => compare(&actual, wanted).is_some_and(Ordering::is_ge),
        "between" if wanted.get("from").is_some() => is_between(&actual, wanted),
        "notBetween" if wanted.get("from").is_some() => !is_between(&actual, wanted),
        _ => return Err(NotEmulated(format!("the rule {rule}"))),
    };
    Ok(outcome)
}

fn equals(actual: &Value, wanted: &Value) -> bool {
    match (actual.as_f64(), wanted.as_f64()) {
        (Some(actual), Some(wanted)) => actual == wanted,
        _ => actual == wanted,
    }
}

fn is_one_of(actual: &Value, wanted: &Value) -> bool {
    elements(wanted).any(|element| equals(actual, element))
}

fn contains(actual: &Value, wanted: &Value) -> bool {
    match actual {
        Value::Array(values) => elements(wanted).all(|element| values.iter().any(|value| equals(value, element))),
        _ => both_texts(actual, wanted, |text, part| text.contains(part)),
    }
}

/// The elements of an array, or a single value as the only one.
fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    let elements = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    elements.iter()
}

fn both_texts(actual: &Value, wanted: &Value, test: impl Fn(&str, &str) -> bool) -> bool {
    let (Some(actual), Some(wanted)) = (actual.as_str(), wanted.as_str()) else {
        return false;
    };
    test(actual, wanted)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Numbers, or moments.
fn compare(actual: &Value, wanted: &Value) -> Option<Ordering> {
    if let (Some(actual), Some(wanted)) = (actual.as_f64(), wanted.as_f64()) {
        return actual.partial_cmp(&wanted);
    }
    let actual = moment(actual.as_str()?)?;
    let wanted = moment(wanted.as_str()?)?;
    Some(actual.cmp(&wanted))
}

fn is_between(actual: &Value, range: &Value) -> bool {
    let from = compare(actual, &range["from"]);
    let to = compare(actual, &range["to"]);
    from.is_some_and(Ordering::is_ge) && to.is_some_and(Ordering::is_le)
}

pub fn moment(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}
