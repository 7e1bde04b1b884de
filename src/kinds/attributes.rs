//! Services that answer a resource's attributes as a map from name to text, whatever the attribute's own type is.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::fields::{Field, Form};

/// Adds attributes to a resource's properties: those of the table first, in its order, then others by name and as text.
///
/// Attributes that the table does not name are kept, so that what AWS adds arrives without a release. The order is
/// fixed because the SDK's map has none: an unchanged resource is to stay unchanged.
pub fn add_attributes(properties: &mut Map<String, Value>, mut attributes: HashMap<String, String>, table: &[Field]) {
    for (name, form) in table {
        if let Some(text) = attributes.remove(*name) {
            properties.insert((*name).to_owned(), parse(text, *form));
        }
    }
    properties.extend(sorted_texts(attributes));
}

/// A map of texts as an object whose members are sorted by name.
pub fn sorted_texts(texts: HashMap<String, String>) -> Map<String, Value> {
    let sorted: BTreeMap<String, String> = texts.into_iter().collect();
    sorted.into_iter().map(|(name, text)| (name, Value::String(text))).collect()
}

/// The value that a text stands for. A text that is no such value stays a text: one odd attribute is no reason to lose
/// the resource.
fn parse(text: String, form: Form) -> Value {
    let parsed = match form {
        Form::Integer => text.parse::<i64>().ok().map(Value::from),
        Form::Boolean => text.parse::<bool>().ok().map(Value::from),
        _ => None,
    };
    parsed.unwrap_or(Value::String(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_becomes_the_value_that_it_stands_for_or_stays_a_text() {
        for (text, form, value) in [
            ("30", Form::Integer, json!(30)),
            ("0", Form::Integer, json!(0)),
            ("-1", Form::Integer, json!(-1)),
            ("9223372036854775807", Form::Integer, json!(i64::MAX)),
            ("9223372036854775808", Form::Integer, json!("9223372036854775808")),
            ("", Form::Integer, json!("")),
            ("1.5", Form::Integer, json!("1.5")),
            ("true", Form::Boolean, json!(true)),
            ("false", Form::Boolean, json!(false)),
            ("", Form::Boolean, json!("")),
            ("1", Form::Boolean, json!("1")),
            ("1704164645", Form::Text, json!("1704164645")),
            ("true", Form::Text, json!("true")),
        ] {
            assert_eq!(parse(text.to_owned(), form), value, "{text:?} as {form:?}");
        }
    }

    #[test]
    fn attributes_come_in_the_order_of_the_table_and_unknown_ones_after_them() {
        let table = [("Second", Form::Integer), ("First", Form::Boolean), ("Absent", Form::Text)];
        let attributes = [("Zulu", "1"), ("First", "true"), ("Alpha", "true"), ("Second", "2")];
        let attributes = attributes.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        let mut properties = Map::from_iter([("Key".to_owned(), json!("k"))]);
        add_attributes(&mut properties, attributes, &table);
        let text = Value::Object(properties).to_string();
        assert_eq!(text, r#"{"Key":"k","Second":2,"First":true,"Alpha":"true","Zulu":"1"}"#);
    }
}
