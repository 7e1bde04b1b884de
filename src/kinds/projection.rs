//! Kinds whose service speaks XML: the SDK's types are projected, member by member, onto the names that mappings know.

use aws_smithy_types::DateTime;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::fields::format_moment;

/// An object under construction. A member that AWS did not answer is left out; one that is empty is kept.
#[derive(Default)]
pub struct Members(Map<String, Value>);

impl Members {
    pub fn new() -> Self {
        Self::default()
    }

    /// A tag in the form that most services have.
    pub fn tag(key: Option<&str>, value: Option<&str>) -> Self {
        Self::new().text("Key", &key).text("Value", &value)
    }

    /// A number or a boolean.
    pub fn value(mut self, name: &str, value: Option<impl Into<Value>>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
        self
    }

    /// A text, or one of the SDK's enumerations.
    pub fn text(mut self, name: &str, text: &Option<impl AsRef<str>>) -> Self {
        if let Some(text) = text {
            self.0.insert(name.to_owned(), Value::from(text.as_ref()));
        }
        self
    }

    /// A point in time.
    pub fn time(mut self, name: &str, time: &Option<DateTime>) -> Self {
        if let Some(text) = time.as_ref().and_then(format_time) {
            self.0.insert(name.to_owned(), Value::String(text));
        }
        self
    }

    /// An object.
    pub fn object<T>(mut self, name: &str, object: &Option<T>, project: impl Fn(&T) -> Members) -> Self {
        if let Some(object) = object {
            self.0.insert(name.to_owned(), project(object).into());
        }
        self
    }

    /// A list of objects.
    pub fn objects<T>(mut self, name: &str, items: &Option<Vec<T>>, project: impl Fn(&T) -> Members) -> Self {
        if let Some(items) = items {
            self.0.insert(name.to_owned(), items.iter().map(|item| Value::from(project(item))).collect());
        }
        self
    }

    /// A list of texts.
    pub fn texts(mut self, name: &str, items: &Option<Vec<impl AsRef<str>>>) -> Self {
        if let Some(items) = items {
            self.0.insert(name.to_owned(), items.iter().map(|item| Value::from(item.as_ref())).collect());
        }
        self
    }

    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }
}

impl From<Members> for Value {
    fn from(members: Members) -> Self {
        Value::Object(members.0)
    }
}

/// A time of the SDK in the form that mappings know; none for a time that no calendar has.
pub fn format_time(time: &DateTime) -> Option<String> {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(time.as_nanos()).ok()?;
    Some(format_moment(moment))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn absent_members_are_left_out_and_empty_ones_are_kept() {
        let members = Members::new()
            .text("Absent", &None::<String>)
            .text("Empty", &Some(String::new()))
            .texts("List", &Some(Vec::<String>::new()))
            .value("Zero", Some(0))
            .time("Time", &Some(DateTime::from_nanos(1_704_164_645_123_456_700).unwrap()))
            .object("Object", &Some(()), |_| Members::new());
        assert_eq!(
            Value::from(members),
            json!({"Empty": "", "List": [], "Zero": 0, "Time": "2024-01-02T03:04:05.123456Z", "Object": {}})
        );
    }
}
