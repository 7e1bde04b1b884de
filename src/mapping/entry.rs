//! One entry of a mapping at work: which items of a resource it takes, and what it makes of them.

use serde_json::Value;

use super::document::brief;
use super::items;
use super::jq::Input;
use super::{Mapped, MappingEntry, MappingNotes};
use crate::run::FieldNote;

/// What as a whole used too much is told of here; the notes name the fields.
const TEMPLATE: &str = "port.entity.mappings";

impl MappingEntry {
    /// Maps one raw resource, item by item where the entry asks for that, and hands over what comes out.
    pub fn map_all(&self, raw: &Input<'_>, notes: &mut MappingNotes, mut take: impl FnMut(Mapped)) {
        let Some(to_parse) = &self.items else {
            return take(self.map(raw, notes));
        };
        let list = match to_parse.items(raw) {
            Ok(list) => list,
            Err(reason) => {
                notes.add(items::PATH, FieldNote { has_value: false, failure: Some(reason.clone()) });
                return take(Mapped::faulty(items::PATH, reason));
            }
        };
        notes.add(items::PATH, FieldNote { has_value: true, failure: None });
        let rest = match to_parse.rest(raw) {
            Ok(rest) => rest,
            Err(reason) => return take(Mapped::faulty(items::PATH, reason)),
        };
        let rest = rest.as_ref().map(|rest| Input::part_of(raw, rest));
        let rest = rest.as_ref().unwrap_or(raw);
        for (done, item) in list.iter().enumerate() {
            let mapped = self.map(&Input::with_member(rest, &to_parse.name, item), notes);
            if let Some(exhausted) = raw.exhausted() {
                let reason = format!(
                    "after {done} of {} items, {exhausted}; simpler expressions, or less of the resource in each item, would help",
                    list.len()
                );
                return take(Mapped::faulty(items::PATH, reason));
            }
            take(mapped);
        }
    }

    /// Maps one raw resource or item. Fields are evaluated each by itself; what is wrong with one is noted and gives
    /// null.
    pub(super) fn map(&self, input: &Input<'_>, notes: &mut MappingNotes) -> Mapped {
        match self.selector.first(input) {
            Ok(Some(Value::Bool(true))) => {}
            Ok(Some(Value::Bool(false))) => return Mapped::FilteredOut,
            Ok(Some(other)) => {
                return Mapped::faulty("selector.query", format!("gave {}; true or false is expected", brief(&other)));
            }
            Ok(None) => return Mapped::faulty("selector.query", "gave nothing; true or false is expected".to_owned()),
            Err(error) => return Mapped::faulty("selector.query", error.to_string()),
        }
        let mapped = self.template.map(input, notes);
        // What came out after the end of the budget is null, and must not be taken for what the resource is.
        match input.exhausted() {
            Some(exhausted) => Mapped::faulty(TEMPLATE, exhausted.to_string()),
            None => mapped,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Mapping;
    use super::*;

    #[test]
    fn a_selector_must_give_a_boolean() {
        let raw = json!({"a": 1});
        let map = |query: &str| {
            let mappings = json!({"identifier": ".a", "blueprint": "\"b\""});
            let resource = json!({"kind": "AWS::S3::Bucket", "selector": {"query": query}, "port": {"entity": {"mappings": mappings}}});
            let mapping = Mapping::parse(&json!({"resources": [resource]})).unwrap();
            mapping.entries[0].map(&Input::new(&raw), &mut MappingNotes::default())
        };
        assert_eq!(map("false"), Mapped::FilteredOut);
        assert!(matches!(map("true"), Mapped::Entity(_)));
        for query in [".a", ".missing", "empty", "\"true\"", ".a.b", "{}"] {
            let mapped = map(query);
            assert!(matches!(mapped, Mapped::Faulty { field: "selector.query", .. }), "{query}: {mapped:?}");
        }
    }

    #[test]
    fn each_item_is_mapped_with_what_is_around_it() {
        let port = json!({
            "itemsToParse": ".Rules",
            "entity": {"mappings": {
                "identifier": ".Id + \"/\" + .item.Name", "blueprint": "\"rule\"",
                "properties": {"name": ".item.Name", "all": ".Rules", "whole": "."},
            }},
        });
        let resource = json!({"kind": "AWS::S3::Bucket", "selector": {"query": ".item.Name != \"no\""}, "port": port});
        let mapping = Mapping::parse(&json!({"resources": [resource]})).unwrap();
        let map_all = |raw: &Value| {
            let (mut all, mut notes) = (Vec::new(), MappingNotes::default());
            mapping.entries[0].map_all(&Input::new(raw), &mut notes, |mapped| all.push(mapped));
            (all, notes)
        };
        let (all, _) =
            map_all(&json!({"Id": "b", "Rules": [{"Name": "one"}, {"Name": "no"}, {"Name": 5}, {"Name": "two"}]}));
        let [Mapped::Entity(one), Mapped::FilteredOut, Mapped::Faulty { field: "identifier", .. }, Mapped::Entity(two)] =
            all.as_slice()
        else {
            panic!("{all:?}");
        };
        assert_eq!(one.key().unwrap().identifier, "b/one");
        assert_eq!(two.key().unwrap().identifier, "b/two");
        let expected = json!({"name": "two", "all": null, "whole": {"Id": "b", "item": {"Name": "two"}}});
        assert_eq!(two.body["properties"], expected);

        assert_eq!(map_all(&json!({"Id": "b", "Rules": []})).0, []);
        let (all, notes) = map_all(&json!({"Id": "b"}));
        assert!(matches!(all.as_slice(), [Mapped::Faulty { field: "port.itemsToParse", .. }]), "{all:?}");
        assert!(notes.fields["port.itemsToParse"].problem().is_some());
    }

    /// What the last of some entries makes of a resource, and the notes of it.
    fn mapped_last(resources: Value, input: &Input<'_>) -> (Vec<Mapped>, MappingNotes) {
        let mapping = Mapping::parse(&json!({"resources": resources})).unwrap();
        let (mut all, mut notes) = (Vec::new(), MappingNotes::default());
        for entry in &mapping.entries {
            (all, notes) = (Vec::new(), MappingNotes::default());
            entry.map_all(input, &mut notes, |mapped| all.push(mapped));
        }
        (all, notes)
    }

    fn resource(port: Value) -> Value {
        json!({"kind": "AWS::S3::Bucket", "selector": {"query": "true"}, "port": port})
    }

    #[test]
    fn a_resource_on_which_the_mapping_works_too_long_is_held_and_not_sent_in_part() {
        let properties: serde_json::Map<String, Value> =
            (0..100).map(|number| (format!("p{number}"), json!("[range(1000)] | length"))).collect();
        let mappings = json!({"identifier": ".id", "blueprint": "'b'", "properties": properties});
        let heavy = resource(json!({"entity": {"mappings": mappings}}));
        let light = resource(json!({"entity": {"mappings": {"identifier": ".id", "blueprint": "'b'"}}}));
        let raw = json!({"id": "x"});
        let (all, notes) = mapped_last(json!([heavy]), &Input::with_steps(&raw, 50_000));
        let [Mapped::Faulty { field: "port.entity.mappings", reason }] = all.as_slice() else { panic!("{all:?}") };
        assert!(reason.contains("steps on this resource"), "{reason}");
        assert!(notes.fields["properties.p0"].problem().is_none());
        assert!(
            notes.fields["properties.p99"].problem().is_some_and(|problem| problem.contains("steps on this resource"))
        );
        // The budget is that of the resource: whatever comes after it is held as well.
        let (all, _) = mapped_last(json!([heavy, light]), &Input::with_steps(&raw, 50_000));
        assert!(matches!(all.as_slice(), [Mapped::Faulty { field: "selector.query", .. }]), "{all:?}");
    }

    #[test]
    fn items_beyond_the_budget_hold_the_resource() {
        let mappings = json!({"identifier": "\"\\(.item)\"", "blueprint": "'b'", "properties": {"whole": "."}});
        let port =
            json!({"itemsToParse": ".Ids", "itemsToParseTopLevelTransform": false, "entity": {"mappings": mappings}});
        let ids: Vec<u64> = (1..=1000).collect();
        let raw = json!({"Ids": ids, "Text": "x".repeat(1 << 20)});
        let (all, _) = mapped_last(json!([resource(port)]), &Input::new(&raw));
        let Some((Mapped::Faulty { field: "port.itemsToParse", reason }, before)) = all.split_last() else {
            panic!("{} of them", all.len());
        };
        assert!(before.iter().all(|mapped| matches!(mapped, Mapped::Entity(_))));
        assert!((30..64).contains(&before.len()), "{}", before.len());
        assert!(reason.contains(&format!("after {} of 1000 items", before.len())), "{reason}");
        assert!(reason.contains("more than 64 MiB for this resource"), "{reason}");
    }
}
