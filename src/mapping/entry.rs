//! One entry of a mapping at work: which items of a resource it takes, and what it makes of them.

use std::time::Instant;

use serde_json::Value;

use super::document::brief;
use super::items;
use super::jq::Input;
use super::{Mapped, MappingEntry, MappingNotes};
use crate::run::FieldNote;

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
        let rest = rest.as_ref().map(Input::new);
        let rest = rest.as_ref().unwrap_or(raw);
        let start = Instant::now();
        for (done, item) in list.iter().enumerate() {
            if start.elapsed() > items::LONGEST {
                let reason = format!(
                    "{done} of {} items took {} seconds; simpler expressions, or less of the resource in each item, would help",
                    list.len(),
                    items::LONGEST.as_secs()
                );
                return take(Mapped::faulty(items::PATH, reason));
            }
            take(self.map(&Input::with_member(rest, &to_parse.name, item), notes));
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
        self.template.map(input, notes)
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
}
