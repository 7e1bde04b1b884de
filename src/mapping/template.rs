//! `port.entity.mappings`: from a raw resource, or an item of it, to an entity.

use serde_json::{Map, Value};

use super::apostrophes::compile;
use super::document::brief;
use super::entity::{Address, Entity, Mapped, MappingNotes};
use super::field::{Field, expression_text};
use super::identifier::to_port_identifier;
use super::jq::{Expression, Input};
use super::query::SearchQuery;
use super::reference::Reference;
use crate::seams::EntityKey;

/// The expressions of `port.entity.mappings`.
pub struct EntityTemplate {
    identifier: Identifier,
    blueprint: Expression,
    title: Option<Field>,
    icon: Option<Field>,
    team: Option<Reference>,
    properties: Vec<(String, Field)>,
    relations: Vec<(String, Reference)>,
}

/// Which entity is meant.
enum Identifier {
    Expression(Expression),
    Query(SearchQuery),
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
        let identifier = match fields.get("identifier") {
            Some(query @ Value::Object(_)) => {
                Identifier::Query(SearchQuery::parse("identifier", query, Field::parse_needed)?)
            }
            _ => Identifier::Expression(key_expression(fields, "identifier")?),
        };
        let team = fields.get("team").filter(|team| !team.is_null());
        Ok(Self {
            identifier,
            blueprint: key_expression(fields, "blueprint")?,
            title: optional(fields, "title")?,
            icon: optional(fields, "icon")?,
            team: team.map(|team| Reference::parse("team", team)).transpose()?,
            properties: group(fields, "properties", Field::parse)?,
            relations: group(fields, "relations", Reference::parse)?,
        })
    }

    /// The blueprint, where it is the same for every resource.
    pub fn constant_blueprint(&self) -> Option<String> {
        // A text of JSON is one of jq; what is put together has a backslash and a parenthesis, which JSON does not know.
        serde_json::from_str(self.blueprint.text().trim()).ok()
    }

    /// Whether the entity is one that Port has already.
    pub fn is_addressed_by_query(&self) -> bool {
        matches!(self.identifier, Identifier::Query(_))
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
        Some(value) => Field::parse(name, value).map(Some),
    }
}

fn group<T>(
    fields: &Map<String, Value>,
    name: &str,
    parse: impl Fn(&str, &Value) -> Result<T, String>,
) -> Result<Vec<(String, T)>, String> {
    let members = match fields.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Object(members)) => members,
        Some(_) => return Err(format!("`{name}` is no object of expressions")),
    };
    let mut compiled = Vec::new();
    for (member, value) in members {
        compiled.push((member.clone(), parse(&format!("{name}.{member}"), value)?));
    }
    Ok(compiled)
}

impl EntityTemplate {
    pub(super) fn map(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Mapped {
        let identifier = match self.identifier.evaluate(input, notes) {
            Ok(identifier) => identifier,
            Err(reason) => return Mapped::faulty("identifier", reason),
        };
        let blueprint = match key_part("blueprint", &self.blueprint, input) {
            Ok(blueprint) => blueprint,
            Err(reason) => return Mapped::faulty("blueprint", reason),
        };
        let mut needs_search = identifier.is_object();
        let mut body = Map::new();
        body.insert("identifier".to_owned(), identifier.clone());
        body.insert("blueprint".to_owned(), Value::from(blueprint.as_str()));
        for (name, field) in [("title", &self.title), ("icon", &self.icon)] {
            // Port's API takes a text or nothing here, and would refuse the whole request for a null.
            if let Some(label) = field.as_ref().and_then(|field| as_label(field.evaluate(input, notes))) {
                body.insert(name.to_owned(), label);
            }
        }
        // The same holds for teams.
        if let Some(team) = self.team.as_ref().and_then(|team| team.team(input, notes)) {
            needs_search |= team.is_object();
            body.insert("team".to_owned(), team);
        }
        if !self.properties.is_empty() {
            let mut properties = Map::new();
            for (name, field) in &self.properties {
                properties.insert(name.clone(), field.evaluate(input, notes));
            }
            body.insert("properties".to_owned(), Value::Object(properties));
        }
        let mut relates_to = Vec::new();
        if !self.relations.is_empty() {
            let mut relations = Map::new();
            for (name, reference) in &self.relations {
                let value = reference.relation(name, input, notes, &mut relates_to);
                needs_search |= value.is_object();
                relations.insert(name.clone(), value);
            }
            body.insert("relations".to_owned(), Value::Object(relations));
        }
        let address = match identifier {
            Value::String(identifier) => {
                Address::Key(EntityKey { blueprint: blueprint.into(), identifier: identifier.into() })
            }
            query => Address::Query { blueprint, query },
        };
        Mapped::Entity(Box::new(Entity { address, relates_to, needs_search, body: Value::Object(body) }))
    }
}

impl Identifier {
    /// A text that Port takes, or a search query.
    fn evaluate(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Result<Value, String> {
        let identifier = match self {
            Self::Query(query) => return query.evaluate(input, notes),
            Self::Expression(expression) => key_part("identifier", expression, input)?,
        };
        let accepted = to_port_identifier(&identifier);
        if accepted != identifier {
            notes.rewritten_identifiers += 1;
        }
        Ok(Value::String(accepted))
    }
}

/// Identifier or blueprint: a text that is not empty. Numbers become text, because Port's identifiers are texts.
fn key_part(field: &str, expression: &Expression, input: &Input<'_>) -> Result<String, String> {
    let value = expression.first(input).map_err(|error| error.to_string())?;
    match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        // Zero counts as nothing in Port's engine.
        Some(Value::Number(number)) if number.as_f64() != Some(0.0) => Ok(number.to_string()),
        Some(other) => Err(format!("`{}` gave {}, which is no {field}", expression.text(), brief(&other))),
        None => Err(format!("`{}` gave nothing", expression.text())),
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

    fn entity(mappings: Value, raw: &Value) -> (Box<Entity>, MappingNotes) {
        match map("true", mappings, raw) {
            (Mapped::Entity(entity), notes) => (entity, notes),
            (mapped, _) => panic!("{mapped:?}"),
        }
    }

    fn by_email() -> Value {
        let rule = json!({"property": "'email'", "operator": "'='", "value": ".email"});
        json!({"combinator": "'and'", "rules": [rule]})
    }

    fn found_by(email: &str) -> Value {
        json!({"combinator": "and", "rules": [{"property": "email", "operator": "=", "value": email}]})
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
        assert_eq!(entity.key().unwrap().identifier, to_port_identifier("a b"));
        assert!(!entity.needs_search);
        assert_eq!(notes.rewritten_identifiers, 2);
        let related: Vec<(&str, &str)> =
            entity.relates_to.iter().map(|relation| (relation.name.as_str(), relation.identifier.as_str())).collect();
        assert_eq!(related, [("account", "111111111111"), ("many", rewritten.as_str()), ("many", "z"), ("many", "7")]);
    }

    #[test]
    fn an_entity_by_query_has_no_key_and_none_without_what_it_is_found_by() {
        let fields = json!({"identifier": by_email(), "blueprint": "\"user\"", "properties": {"seen": "true"}});
        let (found, _) = entity(fields.clone(), &json!({"email": "a@example.com"}));
        assert_eq!(found.key(), None);
        assert_eq!(found.blueprint(), "user");
        assert!(found.needs_search);
        assert_eq!(found.body["identifier"], found_by("a@example.com"));
        for raw in [json!({}), json!({"email": null}), json!({"email": ""})] {
            let (mapped, notes) = map("true", fields.clone(), &raw);
            let Mapped::Faulty { field: "identifier", reason } = mapped else { panic!("{raw}: {mapped:?}") };
            assert!(reason.contains("identifier.rules.0.value"), "{reason}");
            assert!(notes.fields.contains_key("identifier.rules.0.value"));
        }
    }

    #[test]
    fn relations_by_query_are_sent_or_null() {
        let relations = json!({"owner": by_email(), "built": "{combinator: \"or\", rules: [.rule]}", "plain": ".id"});
        let fields = json!({"identifier": ".id", "blueprint": "\"b\"", "relations": relations});
        let (found, _) = entity(fields.clone(), &json!({"id": "x", "email": "a@example.com", "rule": {}}));
        let expected =
            json!({"owner": found_by("a@example.com"), "built": {"combinator": "or", "rules": [{}]}, "plain": "x"});
        assert_eq!(found.body["relations"], expected);
        assert!(found.needs_search);
        assert_eq!(found.relates_to.len(), 1);
        assert_eq!(found.key().map(|key| key.identifier.as_str()), Some("x"));

        let relations = json!({"owner": by_email()});
        let fields = json!({"identifier": ".id", "blueprint": "\"b\"", "relations": relations});
        let (found, notes) = entity(fields, &json!({"id": "x"}));
        assert_eq!(found.body["relations"], json!({"owner": null}));
        assert!(!found.needs_search, "nothing is searched for");
        assert!(!notes.fields["relations.owner.rules.0.value"].has_value);
    }

    #[test]
    fn a_team_is_a_name_names_or_a_query() {
        let team = |team: Value, raw: Value| {
            let (found, _) = entity(json!({"identifier": "\"x\"", "blueprint": "\"b\"", "team": team}), &raw);
            (found.body.get("team").cloned(), found.needs_search)
        };
        assert_eq!(team(json!(".team"), json!({"team": "sea"})), (Some(json!("sea")), false));
        assert_eq!(team(json!(".team"), json!({"team": ["sea", 7, null]})), (Some(json!(["sea", "7"])), false));
        assert_eq!(team(json!(".team"), json!({"team": []})), (Some(json!([])), false));
        assert_eq!(team(json!(42), json!({})), (Some(json!("42")), false));
        for nothing in [json!(null), json!(""), json!(true)] {
            assert_eq!(team(json!(".team"), json!({"team": nothing})), (None, false));
        }
        assert_eq!(team(json!(null), json!({})), (None, false));
        assert_eq!(team(by_email(), json!({"email": "a@example.com"})), (Some(found_by("a@example.com")), true));
        assert_eq!(team(by_email(), json!({})), (None, false));
    }
}
