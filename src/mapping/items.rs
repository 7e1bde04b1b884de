//! `port.itemsToParse`: one resource that stands for many entities, one for each item of a list in it.

use serde_json::Value;

use super::apostrophes::compile;
use super::document::brief;
use super::field::expression_text;
use super::jq::{Expression, Input};

/// Where items stand unless the mapping names it.
const DEFAULT_NAME: &str = "item";
/// A resource with more items is not mapped at all: an arbitrary part of them would be worse.
pub(super) const MOST_ITEMS: usize = 10_000;
/// What is wrong with `itemsToParse`, and with the resource that it was made for, is noted here.
pub(super) const PATH: &str = "port.itemsToParse";

/// How a resource is taken apart.
pub struct ItemsToParse {
    list: Expression,
    /// The member of the raw resource that carries an item.
    pub(super) name: String,
    /// Takes the list out of the resource, so that not every item has all the others beside it.
    rest: Option<Expression>,
}

impl ItemsToParse {
    /// What the `port` of a mapping entry asks for; none where it asks for nothing.
    ///
    /// # Errors
    /// Names the setting and what is wrong with it.
    pub fn parse(port: &Value) -> Result<Option<Self>, String> {
        let Some(value) = port.get("itemsToParse").filter(|value| !value.is_null()) else { return Ok(None) };
        let text = expression_text(PATH, value)?;
        let list = compile(&text).map_err(|error| format!("`{PATH}`: {error}"))?;
        let name = match port.get("itemsToParseName") {
            None | Some(Value::Null) => DEFAULT_NAME.to_owned(),
            Some(Value::String(name)) if !name.is_empty() => name.clone(),
            Some(other) => return Err(format!("`port.itemsToParseName` is {}; a text is expected", brief(other))),
        };
        let takes_list_out = takes_list_out(port)?;
        let rest = takes_list_out.then(|| rest_of(&text)).flatten();
        Ok(Some(Self { list, name, rest }))
    }

    /// Whether the list should be taken out of the resource, and nobody can tell where it is.
    pub fn keeps_all_unasked(port: &Value) -> bool {
        let text = port.get("itemsToParse").and_then(Value::as_str);
        takes_list_out(port) == Ok(true) && text.is_some_and(|text| rest_of(text).is_none())
    }

    /// The items of a resource.
    ///
    /// # Errors
    /// Says why there is no list: what the resource produced before must stay.
    pub(super) fn items(&self, raw: &Input<'_>) -> Result<Vec<Value>, String> {
        let text = self.list.text();
        match self.list.first(raw) {
            Ok(Some(Value::Array(items))) if items.len() > MOST_ITEMS => {
                Err(format!("`{text}` gave {} items; at most {MOST_ITEMS} of one resource are taken", items.len()))
            }
            Ok(Some(Value::Array(items))) => Ok(items),
            Ok(Some(Value::Null) | None) => Err(format!(
                "`{text}` gave nothing; a list is expected (end it with `// []` where the list may be missing)"
            )),
            Ok(Some(other)) => Err(format!("`{text}` gave {}; a list is expected", brief(&other))),
            Err(error) => Err(format!("`{text}`: {error}")),
        }
    }

    /// The resource without the list; none where items keep the whole resource.
    ///
    /// # Errors
    /// When the list cannot be taken out of this resource: its items would be others than those of the next.
    pub(super) fn rest(&self, raw: &Input<'_>) -> Result<Option<Value>, String> {
        let Some(rest) = &self.rest else { return Ok(None) };
        match rest.first(raw) {
            Ok(Some(rest @ Value::Object(_))) => Ok(Some(rest)),
            Ok(_) => Err(format!("`{}` leaves no object of the resource", rest.text())),
            Err(error) => Err(format!("`{}`: {error}", rest.text())),
        }
    }
}

fn takes_list_out(port: &Value) -> Result<bool, String> {
    match port.get("itemsToParseTopLevelTransform") {
        None | Some(Value::Null) => Ok(true),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(other) => {
            Err(format!("`port.itemsToParseTopLevelTransform` is {}; true or false is expected", brief(other)))
        }
    }
}

/// The expression that takes the list out.
fn rest_of(text: &str) -> Option<Expression> {
    Expression::compile(&format!("del({})", source_path(text)?)).ok()
}

/// Where the list comes from, as far as its expression tells. Port's rule: the first part between pipes that begins
/// with a path, within the parentheses that the expression begins with.
fn source_path(text: &str) -> Option<&str> {
    let text = text.trim();
    let chain = match text.strip_prefix('(') {
        Some(inner) => inner.split_once(')')?.0,
        None => text,
    };
    // `.`, a variable and `. as $name` begin with no path of a member.
    chain.split('|').map(|part| beginning(part.trim())).find(|path| !path.is_empty())
}

/// The path that a text begins with: names and brackets, as in `.a.b[0].["c"]`.
fn beginning(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) = after_step(rest, rest.len() == text.len()) {
        rest = after;
    }
    &text[..text.len() - rest.len()]
}

fn after_step(text: &str, is_first: bool) -> Option<&str> {
    let after_dot = text.strip_prefix('.');
    if let Some(inner) = after_dot.unwrap_or(text).strip_prefix('[')
        && (after_dot.is_some() || !is_first)
    {
        let (index, after) = inner.split_once(']')?;
        return (!index.is_empty()).then_some(after);
    }
    let name = after_dot?;
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    let length = name.find(|character| !is_part(character)).unwrap_or(name.len());
    (length > 0).then(|| &name[length..])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_path_of_the_list_is_told_from_the_text() {
        for (text, path) in [
            (".file.content", Some(".file.content")),
            (" .key ", Some(".key")),
            ("(.file.content)", Some(".file.content")),
            (". as $all | .file.content", Some(".file.content")),
            ("$items | .file.content", Some(".file.content")),
            (". | .file.content", Some(".file.content")),
            (".file.content // []", Some(".file.content")),
            (".[0].key", Some(".[0].key")),
            (".[0].[1].key", Some(".[0].[1].key")),
            (".file[0].content", Some(".file[0].content")),
            (".file.[0].content", Some(".file.[0].content")),
            (". as $all | ($all | .file.content) as $items | $items", Some(".file.content")),
            ("(. as $all | .file.content)", Some(".file.content")),
            (".first.path | .second.path", Some(".first.path")),
            (".[\"key\"].value", Some(".[\"key\"].value")),
            (".Properties.Tags[]", Some(".Properties.Tags")),
            (".a2.b_c | map(select(.x))", Some(".a2.b_c")),
            ("(.Properties.Tags // [] | map(.Key))", Some(".Properties.Tags")),
            ("[.arr[] | select(.x)]", None),
            ("to_entries", None),
            ("$items", None),
            (".", None),
            (". as $root", None),
            ("(.file.content", None),
            ("", None),
        ] {
            assert_eq!(source_path(text), path, "{text}");
        }
    }

    #[test]
    fn the_list_is_taken_out_of_the_resource() {
        let raw = json!({"Properties": {"Tags": [1, 2], "Arn": "x"}, "Type": "t"});
        let input = Input::new(&raw);
        let items = |port: Value| ItemsToParse::parse(&port).unwrap().unwrap();
        let taken = items(json!({"itemsToParse": ".Properties.Tags"}));
        assert_eq!(taken.items(&input), Ok(vec![json!(1), json!(2)]));
        assert_eq!(taken.rest(&input), Ok(Some(json!({"Properties": {"Arn": "x"}, "Type": "t"}))));
        assert_eq!(taken.name, "item");

        let kept = items(json!({"itemsToParse": ".Properties.Tags", "itemsToParseTopLevelTransform": false}));
        assert_eq!(kept.rest(&input), Ok(None));
        let unclear = json!({"itemsToParse": "[.Properties.Tags[] | . + 1]", "itemsToParseName": "tag"});
        assert_eq!((items(unclear.clone()).rest(&input), items(unclear.clone()).name.as_str()), (Ok(None), "tag"));
        assert!(ItemsToParse::keeps_all_unasked(&unclear));
        assert!(!ItemsToParse::keeps_all_unasked(
            &json!({"itemsToParse": "[1]", "itemsToParseTopLevelTransform": false})
        ));
        assert!(!ItemsToParse::keeps_all_unasked(&json!({"itemsToParse": ".Properties.Tags"})));
        assert!(ItemsToParse::parse(&json!({})).unwrap().is_none());
    }

    #[test]
    fn what_gives_no_list_is_told() {
        let raw = json!({"text": "x", "Properties": {}});
        for (text, words) in [
            (".Properties.Tags", "// []"),
            ("empty", "gave nothing"),
            (".text", "gave \"x\"; a list is expected"),
            (".text.x", "Cannot index string"),
            ("[range(10001)]", "at most 10000"),
        ] {
            let items = ItemsToParse::parse(&json!({"itemsToParse": text})).unwrap().unwrap();
            let reason = items.items(&Input::new(&raw)).expect_err(text);
            assert!(reason.contains(words), "{text}: {reason}");
        }
        for (port, named) in [
            (json!({"itemsToParse": ".x ["}), "port.itemsToParse"),
            (json!({"itemsToParse": [1]}), "port.itemsToParse"),
            (json!({"itemsToParse": ".x", "itemsToParseName": 7}), "port.itemsToParseName"),
            (json!({"itemsToParse": ".x", "itemsToParseTopLevelTransform": "no"}), "TopLevelTransform"),
        ] {
            let Err(reason) = ItemsToParse::parse(&port) else { panic!("{port} is taken") };
            assert!(reason.contains(named), "{reason}");
        }
    }
}
