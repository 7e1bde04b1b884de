//! Fields that name other entities, or let Port search for them: relations and teams.

use serde_json::Value;

use super::MappingNotes;
use super::field::Field;
use super::identifier::to_port_identifier;
use super::jq::Input;
use super::query::SearchQuery;
use crate::ledger::Relation;

/// A field that names other entities, or lets Port search for them.
pub(super) enum Reference {
    Field(Field),
    Query(SearchQuery),
}

impl Reference {
    pub fn parse(path: &str, value: &Value) -> Result<Self, String> {
        if value.is_object() {
            return SearchQuery::parse(path, value, Field::parse).map(Self::Query);
        }
        Field::parse(path, value).map(Self::Field)
    }

    /// Null where it gives nothing. A query of which a part has no value is not sent either: it would find entities
    /// that nobody means.
    fn evaluate(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Value {
        match self {
            Self::Field(field) => field.evaluate(input, notes),
            Self::Query(query) => query.evaluate(input, notes).unwrap_or_default(),
        }
    }

    /// A team as Port takes it; none where there is none to be sent.
    pub fn team(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Option<Value> {
        as_team(self.evaluate(input, notes))
    }

    /// A relation's value as Port takes it. What it relates to is added, as far as that is known here.
    pub fn relation(
        &self,
        name: &str,
        input: &Input<'_>,
        notes: &mut MappingNotes,
        relates_to: &mut Vec<Relation>,
    ) -> Value {
        relation_value(name, self.evaluate(input, notes), notes, relates_to)
    }
}

/// The name of a team, a list of them, or a search query; none for what is nothing of these. Numbers become text.
fn as_team(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(_) => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Number(number) => Some(Value::String(number.to_string())),
        Value::Array(items) => Some(items.into_iter().filter_map(as_team).filter(Value::is_string).collect()),
        query @ Value::Object(_) => Some(query),
    }
}

/// A relation's value with identifiers as Port takes them, and the relations that it stands for.
fn relation_value(name: &str, value: Value, notes: &mut MappingNotes, relates_to: &mut Vec<Relation>) -> Value {
    let mut accept = |text: String| {
        let identifier = to_port_identifier(&text);
        if identifier != text {
            notes.rewritten_identifiers += 1;
        }
        relates_to.push(Relation { name: name.into(), identifier: identifier.as_str().into() });
        Value::String(identifier)
    };
    match value {
        // An empty text names nothing, and Port would refuse the whole entity for it.
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => accept(text),
        Value::Number(number) => accept(number.to_string()),
        Value::Array(items) => {
            let texts = items.into_iter().filter_map(|item| match item {
                Value::String(text) if !text.is_empty() => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            });
            Value::Array(texts.map(accept).collect())
        }
        // Search queries among them: what Port finds is not known here.
        other => other,
    }
}
