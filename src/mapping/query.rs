//! Search queries of a mapping: Port itself finds the entities that are meant, by what it knows of them.

use serde_json::{Value, json};

use super::MappingNotes;
use super::document::brief;
use super::field::Field;
use super::identifier::to_port_identifier;
use super::jq::Input;

/// A combinator and rules, all of them expressions.
pub(super) struct SearchQuery {
    combinator: Field,
    rules: Vec<Rule>,
}

enum Rule {
    Comparison(Box<Comparison>),
    Group(SearchQuery),
}

struct Comparison {
    property: Field,
    operator: Field,
    value: Field,
}

/// How the expressions of a query are read: an identifier cannot do without any of them.
type ParsePart = fn(&str, &Value) -> Result<Field, String>;

impl SearchQuery {
    /// # Errors
    /// Names the path, if a part is missing or is no expression. A query without rules is refused too: it would find
    /// every entity.
    pub fn parse(path: &str, value: &Value, parse_part: ParsePart) -> Result<Self, String> {
        let part = |object: &Value, path: String, name: &str| match object.get(name) {
            Some(value) => parse_part(&format!("{path}.{name}"), value),
            None => Err(format!("`{path}.{name}` is missing")),
        };
        let combinator = part(value, path.to_owned(), "combinator")?;
        let rules = match value.get("rules") {
            Some(Value::Array(rules)) if !rules.is_empty() => rules,
            Some(other) => {
                return Err(format!("`{path}.rules` is {}; a list with at least one rule is expected", brief(other)));
            }
            None => return Err(format!("`{path}.rules` is missing")),
        };
        let mut parsed = Vec::new();
        for (position, rule) in rules.iter().enumerate() {
            let path = format!("{path}.rules.{position}");
            if rule.get("rules").is_some() {
                parsed.push(Rule::Group(Self::parse(&path, rule, parse_part)?));
                continue;
            }
            parsed.push(Rule::Comparison(Box::new(Comparison {
                property: part(rule, path.clone(), "property")?,
                operator: part(rule, path.clone(), "operator")?,
                value: part(rule, path, "value")?,
            })));
        }
        Ok(Self { combinator, rules: parsed })
    }

    /// The query for one input, as Port takes it.
    ///
    /// # Errors
    /// Says which part has no value. Such a query must not be sent: it would find something else.
    pub fn evaluate(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Result<Value, String> {
        let combinator = text_of(&self.combinator, input, notes, |text| matches!(text, "and" | "or"), "and or or");
        let mut rules = Vec::new();
        let mut problem = None;
        for rule in &self.rules {
            // All of them, also after a problem: what is wrong with the others is noted as well.
            let rule = match rule {
                Rule::Group(group) => group.evaluate(input, notes),
                Rule::Comparison(comparison) => comparison.evaluate(input, notes),
            };
            match rule {
                Ok(rule) => rules.push(rule),
                Err(reason) => problem = problem.or(Some(reason)),
            }
        }
        let combinator = combinator?;
        match problem {
            Some(reason) => Err(reason),
            None => Ok(json!({"combinator": combinator, "rules": rules})),
        }
    }
}

impl Comparison {
    fn evaluate(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Result<Value, String> {
        let property = text_of(&self.property, input, notes, |text| !text.is_empty(), "the name of a property");
        let operator = text_of(&self.operator, input, notes, |text| !text.is_empty(), "an operator");
        let value = comparable(self.value.evaluate(input, notes))
            .ok_or_else(|| format!("`{}` gave nothing to compare with", self.value.path()));
        let (property, operator, mut value) = (property?, operator?, value?);
        if property == "$identifier" && matches!(operator.as_str(), "=" | "in") {
            value = as_identifiers(value);
        }
        Ok(json!({"property": property, "operator": operator, "value": value}))
    }
}

fn text_of(
    field: &Field,
    input: &Input<'_>,
    notes: &mut MappingNotes,
    is_good: impl Fn(&str) -> bool,
    expected: &str,
) -> Result<String, String> {
    match field.evaluate(input, notes) {
        Value::String(text) if is_good(&text) => Ok(text),
        Value::Null => Err(format!("`{}` gave nothing; {expected} is expected", field.path())),
        other => {
            field.reject(&other, expected, notes);
            Err(format!("`{}` gave {}; {expected} is expected", field.path(), brief(&other)))
        }
    }
}

/// What entities can be compared with; none for what stands for nothing. An empty text is in every text, and null
/// equals what is not set: both would find what nobody means. Port takes lists of texts only.
fn comparable(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => {
            let texts = items.into_iter().filter_map(|item| match item {
                Value::String(text) if text.is_empty() => None,
                Value::String(_) => Some(item),
                Value::Number(number) => Some(Value::String(number.to_string())),
                _ => None,
            });
            let texts: Vec<Value> = texts.collect();
            (!texts.is_empty()).then_some(Value::Array(texts))
        }
        other => Some(other),
    }
}

/// Identifiers as they are in Port.
fn as_identifiers(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(to_port_identifier(&text)),
        Value::Number(number) => Value::String(number.to_string()),
        Value::Array(items) => items.into_iter().map(as_identifiers).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluate(query: Value, raw: Value) -> (Result<Value, String>, MappingNotes) {
        let query = SearchQuery::parse("relations.owner", &query, Field::parse).unwrap();
        let mut notes = MappingNotes::default();
        (query.evaluate(&Input::new(&raw), &mut notes), notes)
    }

    fn rule(property: &str, operator: &str, value: &str) -> Value {
        json!({"property": property, "operator": operator, "value": value})
    }

    #[test]
    fn all_parts_are_expressions() {
        let group = json!({"combinator": ".how", "rules": [rule("\"arn\"", "\"in\"", "[.arn, \"\", null, 7]")]});
        let query = json!({"combinator": "\"and\"", "rules": [rule("'email'", "'='", ".email"), group]});
        let (sent, _) = evaluate(query, json!({"email": "a@example.com", "how": "or", "arn": "x"}));
        let expected = json!({"combinator": "and", "rules": [
            {"property": "email", "operator": "=", "value": "a@example.com"},
            {"combinator": "or", "rules": [{"property": "arn", "operator": "in", "value": ["x", "7"]}]},
        ]});
        assert_eq!(sent, Ok(expected));
    }

    #[test]
    fn identifiers_are_searched_as_they_are_in_port() {
        let by = |operator: &str, value: &str| {
            let query = json!({"combinator": "\"and\"", "rules": [rule("\"$identifier\"", operator, value)]});
            evaluate(query, json!({"id": "a b", "number": 7})).0.unwrap()["rules"][0]["value"].clone()
        };
        assert_eq!(by("\"=\"", ".id"), json!(to_port_identifier("a b")));
        assert_eq!(by("\"in\"", "[.id, .number]"), json!([to_port_identifier("a b"), "7"]));
        assert_eq!(by("\"contains\"", ".id"), json!("a b"));
    }

    #[test]
    fn a_part_without_a_value_is_named_by_its_dotted_path() {
        for (combinator, rule, path) in [
            ("and", rule("\"p\"", "\"=\"", ".id"), "relations.owner.combinator"),
            ("\"nand\"", rule("\"p\"", "\"=\"", ".id"), "relations.owner.combinator"),
            ("\"and\"", rule("email", "\"=\"", ".id"), "relations.owner.rules.0.property"),
            ("\"and\"", rule("\"p\"", "=", ".id"), "relations.owner.rules.0.operator"),
            ("\"and\"", rule("\"p\"", ".list", ".id"), "relations.owner.rules.0.operator"),
            ("\"and\"", rule("\"p\"", "\"=\"", ".absent"), "relations.owner.rules.0.value"),
            ("\"and\"", rule("\"p\"", "\"contains\"", "\"\""), "relations.owner.rules.0.value"),
            ("\"and\"", rule("\"p\"", "\"in\"", "[\"\"]"), "relations.owner.rules.0.value"),
            ("\"and\"", rule("\"p\"", "\"=\"", ".id.x"), "relations.owner.rules.0.value"),
        ] {
            let query = json!({"combinator": combinator, "rules": [rule]});
            let (sent, notes) = evaluate(query, json!({"id": "x", "list": ["="]}));
            let reason = sent.expect_err(path);
            assert!(reason.contains(path), "{reason} should name {path}");
            assert!(notes.fields.contains_key(path), "{path}: {notes:?}");
        }
    }

    #[test]
    fn a_query_of_another_form_is_refused() {
        let good = rule("\"p\"", "\"=\"", ".id");
        for (query, named) in [
            (json!({"combinator": "\"and\"", "rules": []}), "identifier.rules"),
            (json!({"combinator": "\"and\"", "rules": {}}), "identifier.rules"),
            (json!({"combinator": "\"and\""}), "identifier.rules"),
            (json!({"rules": [good]}), "identifier.combinator"),
            (json!({"combinator": "\"and\"", "rules": [good, {"property": "\"p\""}]}), "identifier.rules.1.operator"),
            (json!({"combinator": "\"and\"", "rules": ["x"]}), "identifier.rules.0.property"),
            (json!({"combinator": "\"and\"", "rules": [rule("p", "\"=\"", ".id")]}), "identifier.rules.0.property"),
            (
                json!({"combinator": "\"and\"", "rules": [{"combinator": "\"or\"", "rules": []}]}),
                "identifier.rules.0.rules",
            ),
        ] {
            let Err(reason) = SearchQuery::parse("identifier", &query, Field::parse_needed) else {
                panic!("{query} is taken");
            };
            assert!(reason.contains(named), "{reason} should name {named}");
        }
    }
}
