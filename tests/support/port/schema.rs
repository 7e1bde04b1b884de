//! The contract: requests, and the emulator's own answers, are held to the published schema.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime, PrimitiveDateTime};

const PUBLISHED: &str = include_str!("openapi.json");
const UNPUBLISHED: &str = include_str!("unpublished.json");

/// Longest part of a validator's message that is kept: it quotes the whole value.
const MESSAGE_LIMIT: usize = 400;

/// Query parameters that Port's own exporters send although they are not published: their resync's id and kind,
/// and on the integration record their version.
const TOLERATED_QUERY: [&str; 4] = ["ocean_info_event_type", "ocean_info_resync_id", "oceanCoreVersion", "isPolling"];

/// Operations that are known to answer more than their published success schema lists: entities come with their
/// blueprint and times.
const ANSWER_MORE_THAN_PUBLISHED: [&str; 5] = [
    "POST /blueprints/{}/entities",
    "GET /blueprints/{}/entities",
    "GET /blueprints/{}/entities/{}",
    "POST /blueprints/{}/entities/search",
    "POST /entities/search",
];

/// Why a request breaks its schema; None when it does not, or when nothing is known about its route.
pub fn request_problem(method: &str, template: &str, query: &[(String, String)], body: &Value) -> Option<String> {
    let operation = operation(method, template)?;
    operation.query_problem(query).or_else(|| operation.body_problem(body))
}

/// Names of query parameters that the route is not known to take.
pub fn unknown_query(method: &str, template: &str, query: &[(String, String)]) -> Vec<String> {
    let Some(operation) = operation(method, template) else {
        return Vec::new();
    };
    let unknown = query.iter().map(|(name, _)| name.as_str()).filter(|name| {
        let known = operation.query.iter().any(|parameter| parameter.name == *name);
        !known && !TOLERATED_QUERY.contains(name)
    });
    unknown.map(str::to_owned).collect()
}

/// Why an answer of the emulator itself is not what Port publishes.
pub fn answer_problem(method: &str, template: &str, status: u16, body: &Value) -> Option<String> {
    let key = operation_key(method, template);
    if ANSWER_MORE_THAN_PUBLISHED.contains(&key.as_str()) {
        return None;
    }
    let schema = OPERATIONS.get(&key)?.answers.get(&status)?;
    schema.problem(body)
}

/// Validators of one blueprint's properties.
pub struct PropertyValidators(BTreeMap<String, Validator>);

impl PropertyValidators {
    /// Property definitions are JSON schemas with a few more keywords.
    pub fn compile(properties: &Value) -> Result<Self, String> {
        let mut validators = BTreeMap::new();
        for (name, definition) in properties.as_object().into_iter().flatten() {
            let validator = compile(definition).map_err(|error| format!("property {name}: {error}"))?;
            validators.insert(name.clone(), validator);
        }
        Ok(Self(validators))
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Why `value` cannot be the value of the property `name`.
    pub fn problem(&self, name: &str, value: &Value) -> Option<String> {
        let Some(validator) = self.0.get(name) else {
            return Some(format!("the blueprint has no property \"{name}\""));
        };
        let error = validator.validate(value).err()?;
        Some(format!("property \"{name}\": {}", shortened(&error.to_string())))
    }
}

static OPERATIONS: LazyLock<HashMap<String, Operation>> = LazyLock::new(|| {
    let mut operations = HashMap::new();
    for text in [PUBLISHED, UNPUBLISHED] {
        let document: Value = serde_json::from_str(text).expect("the contract is JSON");
        for (path, methods) in document["paths"].as_object().into_iter().flatten() {
            for (method, definition) in methods.as_object().into_iter().flatten() {
                let template = path.strip_prefix("/v1").unwrap_or(path);
                let key = operation_key(&method.to_uppercase(), template);
                let earlier = operations.insert(key, Operation::read(definition, &document["components"]));
                assert!(earlier.is_none(), "{method} {path} is defined twice");
            }
        }
    }
    operations
});

fn operation(method: &str, template: &str) -> Option<&'static Operation> {
    OPERATIONS.get(&operation_key(method, template))
}

/// Parameters are named differently in the document and here; their names do not matter.
fn operation_key(method: &str, template: &str) -> String {
    let segments = template.split('/');
    let segments = segments.map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    format!("{method} {}", segments.collect::<Vec<_>>().join("/"))
}

struct Operation {
    query: Vec<QueryParameter>,
    body: Option<Schema>,
    body_required: bool,
    answers: BTreeMap<u16, Schema>,
}

struct QueryParameter {
    name: String,
    required: bool,
    kind: Value,
    schema: Schema,
}

impl Operation {
    fn read(definition: &Value, components: &Value) -> Self {
        let parameters = definition["parameters"].as_array().into_iter().flatten();
        let query = parameters.filter(|parameter| parameter["in"] == "query").map(|parameter| QueryParameter {
            name: parameter["name"].as_str().unwrap_or_default().to_owned(),
            required: parameter["required"] == true,
            kind: parameter["schema"]["type"].clone(),
            schema: Schema::new(&parameter["schema"], components),
        });
        let body = definition["requestBody"]["content"]["application/json"].get("schema");
        let mut answers = BTreeMap::new();
        for (status, answer) in definition["responses"].as_object().into_iter().flatten() {
            let schema = answer["content"]["application/json"].get("schema");
            if let (Ok(status), Some(schema)) = (status.parse(), schema) {
                answers.insert(status, Schema::new(schema, components));
            }
        }
        Self {
            query: query.collect(),
            body: body.map(|schema| Schema::new(schema, components)),
            body_required: definition["requestBody"]["required"] == true,
            answers,
        }
    }

    fn query_problem(&self, query: &[(String, String)]) -> Option<String> {
        for parameter in &self.query {
            let values = query.iter().filter(|(name, _)| *name == parameter.name);
            let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
            if values.is_empty() {
                if parameter.required {
                    return Some(format!("query parameter {} is required", parameter.name));
                }
                continue;
            }
            let value = parameter.read(&values);
            if let Some(problem) = parameter.schema.problem(&value) {
                return Some(format!("query parameter {}: {problem}", parameter.name));
            }
        }
        None
    }

    fn body_problem(&self, body: &Value) -> Option<String> {
        let schema = self.body.as_ref()?;
        if body.is_null() {
            return self.body_required.then(|| "a body is required".to_owned());
        }
        schema.problem(body)
    }
}

impl QueryParameter {
    fn read(&self, values: &[&str]) -> Value {
        if self.kind == "array" {
            return json!(values);
        }
        // A scalar that is given twice is an array, which no scalar's schema takes.
        let [value] = values else {
            return json!(values);
        };
        match (self.kind.as_str(), *value) {
            (Some("boolean"), "true") => json!(true),
            (Some("boolean"), "false") => json!(false),
            (_, text) => json!(text),
        }
    }
}

/// A schema of the contract, compiled when it is first needed: most tests touch few of them.
struct Schema {
    definition: Value,
    validator: OnceLock<Validator>,
}

impl Schema {
    fn new(definition: &Value, components: &Value) -> Self {
        let mut definition = definition.clone();
        resolve_nullable(&mut definition);
        if let Some(fields) = definition.as_object_mut() {
            fields.insert("components".to_owned(), components.clone());
        }
        Self { definition, validator: OnceLock::new() }
    }

    fn problem(&self, value: &Value) -> Option<String> {
        let validator =
            self.validator.get_or_init(|| compile(&self.definition).expect("the contract has valid schemas"));
        let error = validator.validate(value).err()?;
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { "/".to_owned() } else { place };
        Some(format!("{place}: {}", shortened(&error.to_string())))
    }
}

/// The document calls itself OpenAPI 3.1, but marks one field `nullable` as in 3.0, which Port's server understands.
fn resolve_nullable(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("nullable") == Some(&json!(true))
                && let Some(Value::String(kind)) = fields.get("type").cloned()
            {
                fields.insert("type".to_owned(), json!([kind, "null"]));
            }
            fields.values_mut().for_each(resolve_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(resolve_nullable),
        _ => {}
    }
}

fn compile(schema: &Value) -> Result<Validator, String> {
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .with_format("date-time", is_moment)
        .with_format("url", is_url)
        .with_format("uri", is_url)
        .build(&without_null_keywords(schema))
        .map_err(|error| error.to_string())
}

/// Blueprints in the wild carry `"enum": null` and the like, which mean nothing.
fn without_null_keywords(schema: &Value) -> Value {
    let Some(fields) = schema.as_object() else {
        return schema.clone();
    };
    let fields = fields.iter().filter(|(_, value)| !value.is_null());
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// Lenient: any ISO 8601 moment, also without an offset.
fn is_moment(text: &str) -> bool {
    OffsetDateTime::parse(text, &Rfc3339).is_ok()
        || OffsetDateTime::parse(text, &Iso8601::DEFAULT).is_ok()
        || PrimitiveDateTime::parse(text, &Iso8601::DEFAULT).is_ok()
        || Date::parse(text, &Iso8601::DEFAULT).is_ok()
}

/// Lenient: a scheme and something behind it.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let scheme_is_plausible = scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && scheme.chars().all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter));
    scheme_is_plausible && !rest.trim_start_matches('/').is_empty() && !text.contains(char::is_whitespace)
}

fn shortened(message: &str) -> String {
    if message.chars().count() <= MESSAGE_LIMIT {
        return message.to_owned();
    }
    let start: String = message.chars().take(MESSAGE_LIMIT / 2).collect();
    let end: Vec<char> = message.chars().rev().take(MESSAGE_LIMIT / 2).collect();
    let end: String = end.into_iter().rev().collect();
    format!("{start} … {end}")
}
