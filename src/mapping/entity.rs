//! From a raw resource to an entity.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::MappingEntry;
use super::apostrophes::compile;
use super::identifier::to_port_identifier;
use super::jq::{Expression, Input};
use crate::ledger::Relation;
use crate::run::FieldNote;
use crate::seams::EntityKey;

/// The expressions of `port.entity.mappings`.
pub struct EntityTemplate {
    identifier: Expression,
    blueprint: Expression,
    title: Option<Field>,
    icon: Option<Field>,
    properties: Vec<(String, Field)>,
    relations: Vec<(String, Field)>,
}

/// A field that an entity can do without: where its expression does not compile, the field is null and the rest is
/// sent.
enum Field {
    Compiled(Expression),
    Broken { reason: String },
}

/// An entity as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    pub key: EntityKey,
    pub relates_to: Vec<Relation>,
    /// The body of the upsert.
    pub body: Value,
}

/// What an entry makes of a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapped {
    Entity(Box<Entity>),
    /// The selector says no.
    FilteredOut,
    /// The entry cannot tell what the resource becomes; whatever it became before stays.
    Faulty {
        field: &'static str,
        reason: String,
    },
}

/// What an operator should know about an entry's expressions, gathered over all resources and told once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MappingNotes {
    /// By the path of a field.
    pub fields: BTreeMap<String, FieldNote>,
    /// Identifiers that Port would reject were rewritten.
    pub rewritten_identifiers: u64,
}

impl EntityTemplate {
    /// Compiles the expressions of one mapping.
    ///
    /// # Errors
    /// Names the field and what is wrong with it.
    pub fn parse(mapping: &Value) -> Result<Self, String> {
        let Value::Object(fields) = mapping else {
            return Err("`port.entity.mappings` is no object".to_owned());
        };
        if fields.get("team").is_some_and(|team| !team.is_null()) {
            return Err("`team` is not supported yet".to_owned());
        }
        Ok(Self {
            identifier: key_expression(fields, "identifier")?,
            blueprint: key_expression(fields, "blueprint")?,
            title: optional(fields, "title")?,
            icon: optional(fields, "icon")?,
            properties: group(fields, "properties")?,
            relations: group(fields, "relations")?,
        })
    }
}

/// Without identifier or blueprint there is no entity, so that what does not compile disables the entry.
fn key_expression(fields: &Map<String, Value>, name: &str) -> Result<Expression, String> {
    let value = fields.get(name).filter(|value| !value.is_null()).ok_or_else(|| format!("`{name}` is missing"))?;
    let text = expression_text(name, value)?;
    compile(&text).map_err(|error| format!("`{name}`: {error}"))
}

fn optional(fields: &Map<String, Value>, name: &str) -> Result<Option<Field>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => field(name, value).map(Some),
    }
}

fn group(fields: &Map<String, Value>, name: &str) -> Result<Vec<(String, Field)>, String> {
    let members = match fields.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(format!("`{name}` is no object of expressions")),
    };
    let mut compiled = Vec::new();
    for (member, value) in members {
        compiled.push((member.clone(), field(&format!("{name}.{member}"), value)?));
    }
    Ok(compiled)
}

fn field(path: &str, value: &Value) -> Result<Field, String> {
    let text = expression_text(path, value)?;
    Ok(match compile(&text) {
        Ok(expression) => Field::Compiled(expression),
        Err(error) => Field::Broken { reason: format!("`{text}` is no jq expression: {error}") },
    })
}

/// Numbers and booleans stand for themselves, as in Port's own engine.
fn expression_text(path: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Object(query) if query.contains_key("combinator") => {
            Err(format!("`{path}` is a search query, which is not supported yet"))
        }
        _ => Err(format!("`{path}` is no jq expression")),
    }
}

impl MappingEntry {
    /// Maps one raw resource. Fields are evaluated each by itself; what is wrong with one is noted and gives null.
    pub fn map(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Mapped {
        match self.selector.first(input) {
            Ok(Some(Value::Bool(true))) => {}
            Ok(Some(Value::Bool(false))) => return Mapped::FilteredOut,
            Ok(Some(other)) => return faulty("selector.query", format!("gave {other}; true or false is expected")),
            Ok(None) => return faulty("selector.query", "gave nothing; true or false is expected".to_owned()),
            Err(error) => return faulty("selector.query", error.to_string()),
        }
        self.template.map(input, notes)
    }
}

fn faulty(field: &'static str, reason: String) -> Mapped {
    Mapped::Faulty { field, reason }
}

impl EntityTemplate {
    fn map(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Mapped {
        let identifier = match key_part("identifier", &self.identifier, input) {
            Ok(identifier) => identifier,
            Err(reason) => return faulty("identifier", reason),
        };
        let blueprint = match key_part("blueprint", &self.blueprint, input) {
            Ok(blueprint) => blueprint,
            Err(reason) => return faulty("blueprint", reason),
        };
        let accepted = to_port_identifier(&identifier);
        if accepted != identifier {
            notes.rewritten_identifiers += 1;
        }
        let key = EntityKey { blueprint, identifier: accepted };
        let mut body = Map::new();
        body.insert("identifier".to_owned(), Value::from(key.identifier.as_str()));
        body.insert("blueprint".to_owned(), Value::from(key.blueprint.as_str()));
        for (name, field) in [("title", &self.title), ("icon", &self.icon)] {
            // Port's API takes a text or nothing here, and would refuse the whole request for a null.
            if let Some(label) = field.as_ref().and_then(|field| as_label(evaluate(name, field, input, notes))) {
                body.insert(name.to_owned(), label);
            }
        }
        if !self.properties.is_empty() {
            let mut properties = Map::new();
            for (name, field) in &self.properties {
                properties.insert(name.clone(), evaluate(&format!("properties.{name}"), field, input, notes));
            }
            body.insert("properties".to_owned(), Value::Object(properties));
        }
        let mut relates_to = Vec::new();
        if !self.relations.is_empty() {
            let mut relations = Map::new();
            for (name, field) in &self.relations {
                let value = evaluate(&format!("relations.{name}"), field, input, notes);
                relations.insert(name.clone(), relation_value(name, value, notes, &mut relates_to));
            }
            body.insert("relations".to_owned(), Value::Object(relations));
        }
        Mapped::Entity(Box::new(Entity { key, relates_to, body: Value::Object(body) }))
    }
}

/// Identifier or blueprint: a text that is not empty. Numbers become text, because Port's identifiers are texts.
fn key_part(field: &str, expression: &Expression, input: &Input<'_>) -> Result<String, String> {
    let value = expression.first(input).map_err(|error| error.to_string())?;
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        // Zero counts as nothing in Port's engine.
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => Ok(number.to_string()),
        Some(other) => Err(format!("`{}` gave {other}, which is no {field}", expression.text())),
        None => Err(format!("`{}` gave nothing", expression.text())),
    }
}

/// The field's value; null where it has none, noted once per path.
fn evaluate(path: &str, field: &Field, input: &Input<'_>, notes: &mut MappingNotes) -> Value {
    let problem = match field {
        Field::Broken { reason } => FieldNote { has_value: false, failure: Some(reason.clone()) },
        Field::Compiled(expression) => match expression.first(input) {
            Ok(None | Some(Value::Null)) => FieldNote::default(),
            Ok(Some(value)) => {
                note(notes, path, FieldNote { has_value: true, failure: None });
                return value;
            }
            Err(error) => FieldNote { has_value: false, failure: Some(format!("`{}`: {error}", expression.text())) },
        },
    };
    note(notes, path, problem);
    Value::Null
}

/// Keeps the first failure, and whether there ever was a value.
fn note(notes: &mut MappingNotes, path: &str, new: FieldNote) {
    match notes.fields.get_mut(path) {
        Some(known) => known.add(new),
        None => {
            notes.fields.insert(path.to_owned(), new);
        }
    }
}

/// Titles and icons are texts in Port; other values are written as text.
fn as_label(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(_) => Some(value),
        other => Some(Value::String(other.to_string())),
    }
}

/// A relation's value with identifiers as Port takes them, and the relations that it stands for.
fn relation_value(name: &str, value: Value, notes: &mut MappingNotes, relates_to: &mut Vec<Relation>) -> Value {
    let mut accept = |text: String| {
        let identifier = to_port_identifier(&text);
        if identifier != text {
            notes.rewritten_identifiers += 1;
        }
        relates_to.push(Relation { name: name.to_owned(), identifier: identifier.clone() });
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
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Mapping;
    use super::*;

    fn mapping(query: &str, mappings: Value) -> Mapping {
        let resource = json!({"kind": "AWS::S3::Bucket", "selector": {"query": query}, "port": {"entity": {"mappings": mappings}}});
        Mapping::parse(&json!({"resources": [resource]})).unwrap()
    }

    fn map(query: &str, mappings: Value, raw: &Value) -> (Mapped, MappingNotes) {
        let mut notes = MappingNotes::default();
        let mapped = mapping(query, mappings).entries[0].map(&Input::new(raw), &mut notes);
        (mapped, notes)
    }

    #[test]
    fn a_selector_must_give_a_boolean() {
        let raw = json!({"a": 1});
        let fields = json!({"identifier": ".a", "blueprint": "\"b\""});
        assert_eq!(map("false", fields.clone(), &raw).0, Mapped::FilteredOut);
        assert!(matches!(map("true", fields.clone(), &raw).0, Mapped::Entity(_)));
        for query in [".a", ".missing", "empty", "\"true\"", ".a.b", "{}"] {
            let (mapped, _) = map(query, fields.clone(), &raw);
            assert!(matches!(mapped, Mapped::Faulty { field: "selector.query", .. }), "{query}: {mapped:?}");
        }
    }

    #[test]
    fn without_identifier_or_blueprint_there_is_no_entity() {
        let raw = json!({"null": null, "empty": "", "zero": 0, "no": false, "list": [], "object": {}, "text": "x"});
        for missing in [".null", ".empty", ".zero", ".no", ".list", ".object", ".absent", "empty", ".text.x"] {
            let (mapped, _) = map("true", json!({"identifier": missing, "blueprint": "\"b\""}), &raw);
            assert!(matches!(mapped, Mapped::Faulty { field: "identifier", .. }), "{missing}: {mapped:?}");
            let (mapped, _) = map("true", json!({"identifier": ".text", "blueprint": missing}), &raw);
            assert!(matches!(mapped, Mapped::Faulty { field: "blueprint", .. }), "{missing}: {mapped:?}");
        }
    }

    #[test]
    fn null_is_sent_and_noted_once_and_empty_values_are_kept() {
        let raw = json!({"id": "x", "no": false, "zero": 0, "empty": "", "list": [], "object": {}});
        let properties = json!({"no": ".no", "zero": ".zero", "empty": ".empty", "list": ".list", "object": ".object", "absent": ".absent", "fails": ".id.x", "nothing": "empty", "first": "1, 2", "broken": ".x |"});
        let (mapped, notes) = map(
            "true",
            json!({"identifier": ".id", "blueprint": "\"b\"", "title": ".absent", "properties": properties}),
            &raw,
        );
        let Mapped::Entity(entity) = mapped else { panic!("{mapped:?}") };
        let expected = json!({"no": false, "zero": 0, "empty": "", "list": [], "object": {}, "absent": null, "fails": null, "nothing": null, "first": 1, "broken": null});
        assert_eq!(entity.body, json!({"identifier": "x", "blueprint": "b", "properties": expected}));
        let without_value = notes.fields.iter().filter(|(_, note)| !note.has_value);
        let named: Vec<&str> = without_value.map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            named,
            ["properties.absent", "properties.broken", "properties.fails", "properties.nothing", "title"]
        );
        let failed = notes.fields.iter().filter(|(_, note)| note.failure.is_some());
        assert_eq!(
            failed.map(|(path, _)| path.as_str()).collect::<Vec<_>>(),
            ["properties.broken", "properties.fails"]
        );
    }

    #[test]
    fn an_expression_that_never_ends_is_stopped_and_named() {
        let raw = json!({"id": "x"});
        let endless = "def forever: forever; forever";
        let fields =
            json!({"identifier": ".id", "blueprint": "\"b\"", "properties": {"endless": endless, "id": ".id"}});
        let (mapped, notes) = map("true", fields, &raw);
        let Mapped::Entity(entity) = mapped else { panic!("{mapped:?}") };
        assert_eq!(entity.body["properties"], json!({"endless": null, "id": "x"}));
        let failure = notes.fields["properties.endless"].failure.clone().unwrap_or_default();
        assert!(failure.contains(endless), "{failure}");

        let (mapped, _) = map(endless, json!({"identifier": ".id", "blueprint": "\"b\""}), &raw);
        assert!(matches!(mapped, Mapped::Faulty { field: "selector.query", .. }), "{mapped:?}");
    }

    #[test]
    fn relations_carry_identifiers_that_port_takes() {
        let raw = json!({"id": "a b", "account": "111111111111", "many": ["x y", "z", "", 7], "none": []});
        let relations = json!({"account": ".account", "many": ".many", "none": ".none", "absent": ".absent"});
        let (mapped, notes) =
            map("true", json!({"identifier": ".id", "blueprint": "\"b\"", "relations": relations}), &raw);
        let Mapped::Entity(entity) = mapped else { panic!("{mapped:?}") };
        let rewritten = to_port_identifier("x y");
        assert_eq!(
            entity.body["relations"],
            json!({"account": "111111111111", "many": [rewritten, "z", "7"], "none": [], "absent": null})
        );
        assert_eq!(entity.key.identifier, to_port_identifier("a b"));
        assert_eq!(notes.rewritten_identifiers, 2);
        let related: Vec<(&str, &str)> =
            entity.relates_to.iter().map(|relation| (relation.name.as_str(), relation.identifier.as_str())).collect();
        assert_eq!(related, [("account", "111111111111"), ("many", rewritten.as_str()), ("many", "z"), ("many", "7")]);
    }
}
