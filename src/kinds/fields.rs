//! The members of `Properties`, as each kind states them: for users to read, and for what has to be converted.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Iso8601;

/// A member of `Properties`, or one below it (`Phases[].startTime`), and what it is.
pub type Field = (&'static str, Form);

/// What a member is in the raw resource that mappings see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Text,
    /// A text that holds a JSON document; `fromjson` opens it.
    Document,
    Integer,
    /// A number that may have a fraction.
    Number,
    Boolean,
    /// A point in time, as `2024-01-02T03:04:05Z`, or with exactly six digits of a fraction.
    Time,
    Object,
    Texts,
    Objects,
}

impl Form {
    /// In words, for documentation.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Document => "text (a JSON document)",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Time => "time",
            Self::Object => "object",
            Self::Texts => "list of texts",
            Self::Objects => "list of objects",
        }
    }
}

/// Writes every time that the table names in the one form that mappings know.
///
/// AWS sends times as epoch seconds or as ISO 8601, with or without a fraction, as each service likes. A member that is
/// neither is left as it is: one odd time is no reason to lose the resource.
pub fn write_times(properties: &mut Map<String, Value>, fields: &[Field]) {
    for (path, form) in fields {
        if *form == Form::Time {
            write_time_in_object(properties, path);
        }
    }
}

fn write_time_in_object(object: &mut Map<String, Value>, path: &str) {
    let (step, rest) = match path.split_once('.') {
        Some((step, rest)) => (step, Some(rest)),
        None => (path, None),
    };
    let (name, is_list) = match step.strip_suffix("[]") {
        Some(name) => (name, true),
        None => (step, false),
    };
    let Some(member) = object.get_mut(name) else { return };
    let Some(rest) = rest else {
        if let Some(text) = time_text(member) {
            *member = Value::String(text);
        }
        return;
    };
    match member {
        Value::Object(inner) if !is_list => write_time_in_object(inner, rest),
        Value::Array(items) if is_list => {
            for item in items.iter_mut().filter_map(Value::as_object_mut) {
                write_time_in_object(item, rest);
            }
        }
        _ => {}
    }
}

fn time_text(value: &Value) -> Option<String> {
    match value {
        Value::Number(seconds) => format_epoch(seconds.as_f64()?),
        Value::String(text) => OffsetDateTime::parse(text, &Iso8601::DEFAULT).ok().map(format_moment),
        _ => None,
    }
}

/// Epoch seconds, rounded to microseconds, as ISO 8601; none for a time that no calendar has.
fn format_epoch(seconds: f64) -> Option<String> {
    let microseconds = (seconds * 1e6).round() as i128;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(microseconds.checked_mul(1000)?).ok()?;
    Some(format_moment(moment))
}

/// ISO 8601, in UTC or in the zone that it has: no fraction for whole seconds, else exactly six digits (finer ones are
/// cut).
pub fn format_moment(moment: OffsetDateTime) -> String {
    let (date, time, offset) = (moment.date(), moment.time(), moment.offset());
    let whole = format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        date.year(),
        u8::from(date.month()),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    let fraction = match time.microsecond() {
        0 => String::new(),
        microseconds => format!(".{microseconds:06}"),
    };
    let zone = match offset.is_utc() {
        true => "Z".to_owned(),
        false => {
            let sign = if offset.is_negative() { '-' } else { '+' };
            let (hours, minutes, _) = offset.as_hms();
            format!("{sign}{:02}:{:02}", hours.unsigned_abs(), minutes.unsigned_abs())
        }
    };
    format!("{whole}{fraction}{zone}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn epoch_seconds_become_text_with_no_or_six_fraction_digits() {
        for (seconds, text) in [
            (1_704_164_645.0, "2024-01-02T03:04:05Z"),
            (1_704_164_645.5, "2024-01-02T03:04:05.500000Z"),
            (1_704_164_645.123_456_7, "2024-01-02T03:04:05.123457Z"),
            (1.7e9, "2023-11-14T22:13:20Z"),
        ] {
            assert_eq!(format_epoch(seconds).as_deref(), Some(text));
        }
        assert_eq!(format_epoch(1e300), None);
    }

    #[test]
    fn iso_texts_take_the_same_form_and_keep_their_zone() {
        for (wire, text) in [
            ("2024-01-02T03:04:05.000Z", "2024-01-02T03:04:05Z"),
            ("2024-01-02T03:04:05.123Z", "2024-01-02T03:04:05.123000Z"),
            ("2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.123456Z"),
            ("2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05+02:00"),
        ] {
            assert_eq!(time_text(&json!(wire)).as_deref(), Some(text));
        }
        assert_eq!(time_text(&json!("soon")), None);
    }

    #[test]
    fn times_are_found_at_every_depth_and_other_members_are_left_alone() {
        let Value::Object(mut build) = json!({
            "Created": 1_704_164_645,
            "Phases": [{"startTime": 1_704_164_645.5}, {"name": 5}, 7],
            "Webhook": {"secret": {"changed": 1_704_164_645}},
            "Number": 1_704_164_645,
        }) else {
            unreachable!()
        };
        let fields = [
            ("Created", Form::Time),
            ("Phases", Form::Objects),
            ("Phases[].startTime", Form::Time),
            ("Webhook.secret.changed", Form::Time),
            ("Number", Form::Integer),
            ("Absent.time", Form::Time),
            ("Number.below", Form::Time),
        ];
        write_times(&mut build, &fields);
        assert_eq!(
            Value::Object(build),
            json!({
                "Created": "2024-01-02T03:04:05Z",
                "Phases": [{"startTime": "2024-01-02T03:04:05.500000Z"}, {"name": 5}, 7],
                "Webhook": {"secret": {"changed": "2024-01-02T03:04:05Z"}},
                "Number": 1_704_164_645,
            })
        );
    }
}
