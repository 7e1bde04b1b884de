//! What in a mapping has no effect: keys that nothing reads, mostly misspelt.

use serde_json::{Map, Value};

use super::ItemsToParse;
use super::document::brief;
use crate::kinds;

/// More are counted only: a summary is read by people.
const MOST_WARNINGS: usize = 50;

const DOCUMENT: &[&str] = &[
    "enableMergeEntity",
    "deleteDependentEntities",
    "createMissingRelatedEntities",
    "entityDeletionThreshold",
    "resources",
];
const RESOURCE: &[&str] = &["kind", "selector", "port"];
/// `maxConcurrentAccounts` and `exportEnvVariables` are settings of Port's own exporter. They have no meaning here, and
/// do no harm.
const SELECTOR: &[&str] = &[
    "query",
    "regionPolicy",
    "includeActions",
    "maxResults",
    "maxAgeDays",
    "resourceModels",
    "useGetResourceAPI",
    "maxConcurrentAccounts",
    "exportEnvVariables",
];
const REGION_POLICY: &[&str] = &["allow", "deny"];
const PORT: &[&str] = &["entity", "itemsToParse", "itemsToParseName", "itemsToParseTopLevelTransform"];
const ENTITY: &[&str] = &["mappings"];
const MAPPINGS: &[&str] = &["identifier", "blueprint", "title", "icon", "team", "properties", "relations"];
const QUERY: &[&str] = &["combinator", "rules"];
const RULE: &[&str] = &["property", "operator", "value"];

/// All warnings about a document, in its order.
pub(super) fn of_document(document: &Map<String, Value>, resources: &[Value]) -> Vec<String> {
    let mut warnings = Warnings::default();
    warnings.unknown_keys_of("", document, DOCUMENT);
    for (index, resource) in resources.iter().enumerate() {
        warnings.of_resource(&format!("resources[{index}]"), resource);
    }
    warnings.all()
}

#[derive(Default)]
struct Warnings {
    told: Vec<String>,
    untold: usize,
}

impl Warnings {
    fn all(mut self) -> Vec<String> {
        if self.untold > 0 {
            self.told.push(format!("and {} more of this kind", self.untold));
        }
        self.told
    }

    fn add(&mut self, warning: String) {
        if self.told.len() < MOST_WARNINGS {
            self.told.push(warning);
            return;
        }
        self.untold += 1;
    }

    fn of_resource(&mut self, path: &str, resource: &Value) {
        self.unknown_keys(path, resource, RESOURCE);
        let selector_path = format!("{path}.selector");
        self.unknown_keys(&selector_path, &resource["selector"], SELECTOR);
        self.unknown_keys(
            &format!("{selector_path}.regionPolicy"),
            &resource["selector"]["regionPolicy"],
            REGION_POLICY,
        );
        self.unknown_actions(&selector_path, resource);
        let port = &resource["port"];
        self.unknown_keys(&format!("{path}.port"), port, PORT);
        if ItemsToParse::keeps_all_unasked(port) {
            self.add(format!(
                "{path}.port.itemsToParse: where the list is cannot be told from {}, so that each item keeps the whole resource; begin it \
                 with the path of the list, or set itemsToParseTopLevelTransform to false if that is meant",
                brief(&port["itemsToParse"])
            ));
        }
        self.unknown_keys(&format!("{path}.port.entity"), &port["entity"], ENTITY);
        let mappings_path = format!("{path}.port.entity.mappings");
        match &port["entity"]["mappings"] {
            Value::Array(all) => {
                for (position, mappings) in all.iter().enumerate() {
                    self.of_mappings(&format!("{mappings_path}[{position}]"), mappings);
                }
            }
            mappings => self.of_mappings(&mappings_path, mappings),
        }
    }

    fn of_mappings(&mut self, path: &str, mappings: &Value) {
        self.unknown_keys(path, mappings, MAPPINGS);
        for name in ["identifier", "team"] {
            self.of_query(&format!("{path}.{name}"), &mappings[name]);
        }
        for (name, relation) in mappings["relations"].as_object().into_iter().flatten() {
            self.of_query(&format!("{path}.relations.{name}"), relation);
        }
    }

    /// A search query, or anything else.
    fn of_query(&mut self, path: &str, query: &Value) {
        self.unknown_keys(path, query, QUERY);
        for (position, rule) in query["rules"].as_array().into_iter().flatten().enumerate() {
            let path = format!("{path}.rules.{position}");
            match rule.get("rules") {
                Some(_) => self.of_query(&path, rule),
                None => self.unknown_keys(&path, rule, RULE),
            }
        }
    }

    /// A misspelt action asks for nothing, and nobody would notice.
    fn unknown_actions(&mut self, path: &str, resource: &Value) {
        let Some(kind) = resource["kind"].as_str().and_then(kinds::find) else { return };
        let known: Vec<&str> = kind.include_actions().iter().map(|action| action.name).collect();
        let actions = resource["selector"]["includeActions"].as_array().into_iter().flatten();
        for action in actions.filter(|action| action.as_str().is_some_and(|action| !known.contains(&action))) {
            let there_are = if known.is_empty() { "has none".to_owned() } else { format!("has {}", known.join(", ")) };
            let action = brief(action);
            self.add(format!("{path}.includeActions: {action} has no effect; {} {there_are}", kind.name()));
        }
    }

    fn unknown_keys(&mut self, path: &str, value: &Value, known: &[&str]) {
        if let Value::Object(object) = value {
            self.unknown_keys_of(path, object, known);
        }
    }

    fn unknown_keys_of(&mut self, path: &str, object: &Map<String, Value>, known: &[&str]) {
        for key in object.keys().filter(|key| !known.contains(&key.as_str())) {
            let key = brief(&Value::from(key.as_str()));
            let place = if path.is_empty() { "the mapping" } else { path };
            self.add(format!("{place}: the key {key} has no effect; known here are {}", known.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Mapping;
    use super::*;

    fn resource() -> Value {
        let rule = json!({"property": "'p'", "operator": "'='", "value": ".v"});
        let query = json!({"combinator": "'and'", "rules": [rule, {"combinator": "'or'", "rules": [rule]}]});
        json!({
            "kind": "AWS::S3::Bucket",
            "selector": {
                "query": "true", "regionPolicy": {"allow": [], "deny": []}, "includeActions": [],
                "maxConcurrentAccounts": 3, "exportEnvVariables": ["HOME"], "resourceModels": [], "useGetResourceAPI": false,
            },
            "port": {
                "itemsToParse": ".Properties.Tags", "itemsToParseName": "tag", "itemsToParseTopLevelTransform": true,
                "entity": {"mappings": {
                    "identifier": query, "blueprint": "'b'", "title": ".t", "icon": "'AWS'", "team": query,
                    "properties": {"anything": ".x"}, "relations": {"anything": query},
                }},
            },
        })
    }

    fn warnings(document: &Value) -> Vec<String> {
        Mapping::parse(document).unwrap().warnings
    }

    #[test]
    fn what_is_known_is_not_warned_about() {
        let document = json!({
            "enableMergeEntity": true, "deleteDependentEntities": false, "createMissingRelatedEntities": true,
            "entityDeletionThreshold": 0.5, "resources": [resource()],
        });
        assert_eq!(warnings(&document), Vec::<String>::new());
    }

    #[test]
    fn every_unknown_key_is_named_with_its_place_and_disables_nothing() {
        for place in [
            "",
            "/resources/0",
            "/resources/0/selector",
            "/resources/0/selector/regionPolicy",
            "/resources/0/port",
            "/resources/0/port/entity",
            "/resources/0/port/entity/mappings",
            "/resources/0/port/entity/mappings/identifier",
            "/resources/0/port/entity/mappings/identifier/rules/0",
            "/resources/0/port/entity/mappings/team/rules/1",
            "/resources/0/port/entity/mappings/relations/anything/rules/1/rules/0",
        ] {
            let mut document = json!({"resources": [resource()]});
            document.pointer_mut(place).unwrap()["qurey"] = json!("true");
            let mapping = Mapping::parse(&document).unwrap();
            assert_eq!((mapping.entries.len(), mapping.disabled.len()), (1, 0), "{place}");
            let [warning] = mapping.warnings.as_slice() else { panic!("{place}: {:?}", mapping.warnings) };
            assert!(warning.contains("\"qurey\" has no effect; known here are "), "{warning}");
            let last = place.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
            assert!(warning.contains(last), "{warning} should name {place}");
        }
        let mut list = json!({"resources": [resource()]});
        let mappings = &mut list["resources"][0]["port"]["entity"]["mappings"];
        *mappings = json!([mappings.clone(), {"identifier": ".a", "blueprint": "'b'", "titel": ".t"}]);
        assert!(warnings(&list)[0].starts_with("resources[0].port.entity.mappings[1]: the key \"titel\""));
    }

    #[test]
    fn unknown_actions_and_lists_from_nowhere_are_named() {
        let mut document = json!({"resources": [resource()]});
        document["resources"][0]["selector"]["includeActions"] = json!(["GetBucketEncryptionActoin"]);
        document["resources"][0]["port"]["itemsToParse"] = json!("[.Properties.Tags[] | select(.Key)]");
        let warnings = warnings(&document);
        let [action, items] = warnings.as_slice() else { panic!("{warnings:?}") };
        assert!(action.contains("\"GetBucketEncryptionActoin\" has no effect; AWS::S3::Bucket has "), "{action}");
        assert!(items.contains("each item keeps the whole resource"), "{items}");
    }

    #[test]
    fn many_warnings_are_counted() {
        let unknown: Map<String, Value> = (0..70).map(|number| (format!("key{number}"), json!(1))).collect();
        let mut document = json!({"resources": [resource()]});
        document["resources"][0]["port"] = json!({"entity": resource()["port"]["entity"]});
        document.as_object_mut().unwrap().extend(unknown);
        let warnings = warnings(&document);
        assert_eq!(warnings.len(), MOST_WARNINGS + 1);
        assert_eq!(warnings.last().map(String::as_str), Some("and 20 more of this kind"));
    }
}
