//! A default mapping entry for a blueprint that somebody else made.

use serde_json::{Map, Value};

use super::DefaultKind;

impl DefaultKind {
    /// Leaves out of the mapping entry what an existing blueprint does not have, or has in another form: Port would
    /// refuse every entity for it. Gives what was left out, in words.
    pub(super) fn keep_what_fits(&mut self, existing: &Value) -> Vec<String> {
        let mappings = &mut self.mapping["port"]["entity"]["mappings"];
        let mut left_out = Vec::new();
        if let Some(expressions) = mappings["properties"].as_object_mut() {
            let (ours, theirs) = (&self.blueprint["schema"]["properties"], &existing["schema"]["properties"]);
            left_out.extend(keep(expressions, |name| property_misfit(name, &ours[name], &theirs[name])));
        }
        if let Some(expressions) = mappings["relations"].as_object_mut() {
            let (ours, theirs) = (&self.blueprint["relations"], &existing["relations"]);
            left_out.extend(keep(expressions, |name| relation_misfit(name, &ours[name], &theirs[name])));
        }
        left_out
    }
}

/// Keeps the expressions that have no misfit; gives the misfits of the others.
fn keep(expressions: &mut Map<String, Value>, misfit: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut misfits = Vec::new();
    expressions.retain(|name, _| {
        let found = misfit(name);
        let fits = found.is_none();
        misfits.extend(found);
        fits
    });
    misfits
}

/// Null stands for a property that the blueprint does not have.
fn property_misfit(name: &str, ours: &Value, theirs: &Value) -> Option<String> {
    let expected = ours["type"].as_str().unwrap_or_default();
    if theirs.is_null() {
        return Some(format!("property `{name}` ({expected})"));
    }
    // One without a type takes every value.
    let found = theirs["type"].as_str().filter(|found| *found != expected)?;
    Some(format!("property `{name}` ({expected}, but {found} there)"))
}

/// Null stands for a relation that the blueprint does not have.
fn relation_misfit(name: &str, ours: &Value, theirs: &Value) -> Option<String> {
    let expected = ends_of(ours);
    if theirs.is_null() {
        return Some(format!("relation `{name}` (to {expected})"));
    }
    let found = ends_of(theirs);
    (found != expected).then(|| format!("relation `{name}` (to {expected}, but to {found} there)"))
}

fn ends_of(relation: &Value) -> String {
    let target = relation["target"].as_str().unwrap_or_default();
    let number = if relation["many"] == true { "many" } else { "one" };
    format!("{number} `{target}`")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::port::defaults::all_kinds;

    fn volumes() -> DefaultKind {
        all_kinds().unwrap().into_iter().find(|kind| kind.identifier() == "ebsVolume").unwrap()
    }

    #[test]
    fn what_another_blueprint_lacks_or_has_otherwise_is_left_out() {
        let mut kind = volumes();
        let mut existing = kind.blueprint.clone();
        let properties = existing["schema"]["properties"].as_object_mut().unwrap();
        properties.remove("region");
        properties["arn"] = json!({"type": "number"});
        properties["size"] = json!({"title": "Of any type"});
        existing["relations"]["account"]["target"] = json!("team");
        existing["relations"]["instances"]["many"] = json!(false);
        let before = kind.mapping.clone();

        let expected = [
            "property `arn` (string, but number there)",
            "property `region` (string)",
            "relation `account` (to one `awsAccount`, but to one `team` there)",
            "relation `instances` (to many `ec2Instance`, but to one `ec2Instance` there)",
        ];
        let mut left_out = kind.keep_what_fits(&existing);
        left_out.sort();
        assert_eq!(left_out, expected);
        let mut mapping = before;
        let mappings = &mut mapping["port"]["entity"]["mappings"];
        for (group, name) in
            [("properties", "arn"), ("properties", "region"), ("relations", "account"), ("relations", "instances")]
        {
            mappings[group].as_object_mut().unwrap().remove(name).unwrap();
        }
        assert_eq!(kind.mapping, mapping);
    }

    #[test]
    fn a_blueprint_that_has_everything_fits() {
        let mut kind = volumes();
        let mut existing = kind.blueprint.clone();
        existing["schema"]["properties"]["owner"] = json!({"type": "string"});
        let before = kind.mapping.clone();
        assert_eq!(kind.keep_what_fits(&existing), Vec::<String>::new());
        assert_eq!(kind.mapping, before);
    }

    #[test]
    fn identifier_and_title_are_left_for_an_empty_blueprint() {
        for empty in [json!({"title": "Ours"}), json!({"schema": {"properties": {}}, "relations": {}})] {
            let mut kind = volumes();
            kind.keep_what_fits(&empty);
            let mappings = &kind.mapping["port"]["entity"]["mappings"];
            assert_eq!((&mappings["properties"], &mappings["relations"]), (&json!({}), &json!({})));
            assert!(mappings["identifier"].is_string() && mappings["title"].is_string());
        }
    }
}
