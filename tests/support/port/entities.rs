//! One entity as the catalog keeps it, and as it is read.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::EntityKey;
use super::limits::iso;
use super::state::StoredBlueprint;

#[derive(Debug, Clone)]
pub struct StoredEntity {
    pub identifier: String,
    pub blueprint: String,
    pub title: Option<String>,
    pub icon: Option<String>,
    pub team: Vec<Value>,
    /// Never null: a null clears.
    pub properties: Map<String, Value>,
    /// A string, or an array where the relation is `many`. Never null.
    pub relations: Map<String, Value>,
    /// User-Agent of the last writer.
    pub datasource: String,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

impl StoredEntity {
    pub fn bare(blueprint: &str, identifier: &str, datasource: &str, now: OffsetDateTime) -> Self {
        Self {
            identifier: identifier.to_owned(),
            blueprint: blueprint.to_owned(),
            title: None,
            icon: None,
            team: Vec::new(),
            properties: Map::new(),
            relations: Map::new(),
            datasource: datasource.to_owned(),
            created_at: now,
            updated_at: now,
        }
    }

    /// Reads an entity unchecked. None without an identifier or a blueprint.
    pub fn from_value(value: &Value, datasource: &str, now: OffsetDateTime) -> Option<Self> {
        let mut entity = Self::bare(value["blueprint"].as_str()?, value["identifier"].as_str()?, datasource, now);
        entity.title = value["title"].as_str().map(str::to_owned);
        entity.icon = value["icon"].as_str().map(str::to_owned);
        entity.team = team_list(&value["team"]);
        merge_without_nulls(&mut entity.properties, &value["properties"]);
        merge_without_nulls(&mut entity.relations, &value["relations"]);
        if let Some(updated_at) = value["$updatedAt"].as_str() {
            entity.updated_at = OffsetDateTime::parse(updated_at, &Rfc3339).ok()?;
        }
        Some(entity)
    }

    pub fn key(&self) -> EntityKey {
        (self.blueprint.clone(), self.identifier.clone())
    }

    /// Whether the relation `name` points at one of the identifiers that `is_target` knows.
    pub fn points_at(&self, name: &str, is_target: impl Fn(&str) -> bool) -> bool {
        match self.relations.get(name) {
            Some(Value::String(identifier)) => is_target(identifier),
            Some(Value::Array(identifiers)) => identifiers.iter().filter_map(Value::as_str).any(is_target),
            _ => false,
        }
    }

    /// Takes the matching identifiers out of the relation `name`.
    pub fn clear_relation(&mut self, name: &str, is_target: impl Fn(&str) -> bool) {
        match self.relations.get_mut(name) {
            Some(Value::String(identifier)) if is_target(identifier) => {
                self.relations.shift_remove(name);
            }
            Some(Value::Array(identifiers)) => {
                identifiers.retain(|identifier| !identifier.as_str().is_some_and(&is_target));
            }
            _ => {}
        }
    }

    /// The value of a rule's or an include's property: a meta property with a `$`, or a property of the blueprint.
    pub fn lookup(&self, property: &str) -> Value {
        match property {
            "$identifier" => json!(self.identifier),
            "$blueprint" => json!(self.blueprint),
            "$title" => json!(self.title),
            "$icon" => json!(self.icon),
            "$team" => json!(self.team),
            "$datasource" => json!(self.datasource),
            "$createdAt" => json!(iso(self.created_at)),
            "$updatedAt" => json!(iso(self.updated_at)),
            name => self.properties.get(name).cloned().unwrap_or_default(),
        }
    }

    /// As the API answers it.
    pub fn to_value(&self) -> Value {
        let mut value = json!({"identifier": self.identifier, "blueprint": self.blueprint});
        if let Some(title) = &self.title {
            value["title"] = json!(title);
        }
        if let Some(icon) = &self.icon {
            value["icon"] = json!(icon);
        }
        value["team"] = json!(self.team);
        value["properties"] = Value::Object(self.properties.clone());
        value["relations"] = Value::Object(self.relations.clone());
        value["createdAt"] = json!(iso(self.created_at));
        value["updatedAt"] = json!(iso(self.updated_at));
        value
    }

    /// As [`StoredEntity::to_value`], with the properties that `blueprint` has and the entity has not as null.
    pub fn to_value_with_nulls(&self, blueprint: Option<&StoredBlueprint>) -> Value {
        let mut value = self.to_value();
        for name in blueprint.into_iter().flat_map(|blueprint| blueprint.properties.names()) {
            if value["properties"].get(name).is_none() {
                value["properties"][name] = Value::Null;
            }
        }
        value
    }

    /// For tests: with the writer and both times.
    pub fn with_meta_fields(&self) -> Value {
        let mut value = self.to_value();
        if let Some(fields) = value.as_object_mut() {
            fields.shift_remove("createdAt");
            fields.shift_remove("updatedAt");
        }
        value["$datasource"] = json!(self.datasource);
        value["$createdAt"] = json!(iso(self.created_at));
        value["$updatedAt"] = json!(iso(self.updated_at));
        value
    }
}

/// One team or several, as a list.
pub fn team_list(team: &Value) -> Vec<Value> {
    match team {
        Value::String(_) => vec![team.clone()],
        Value::Array(teams) => teams.clone(),
        _ => Vec::new(),
    }
}

/// Puts the fields of `changes` into `fields`; a null takes one out.
pub fn merge_without_nulls(fields: &mut Map<String, Value>, changes: &Value) {
    for (name, value) in changes.as_object().into_iter().flatten() {
        if value.is_null() {
            fields.shift_remove(name);
            continue;
        }
        fields.insert(name.clone(), value.clone());
    }
}
