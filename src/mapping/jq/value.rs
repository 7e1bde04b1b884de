//! The values that the interpreter works on, and the ways from and to JSON.
//!
//! They are our own, and not those of `jaq-json`, for two reasons: they report to the meter what they hold, without
//! which no expression could be kept from filling the memory; and they calculate, index and assign as libjq does.

use super::budget::BYTES_PER_OUTPUT_NODE;
use super::meter::{self, Charge, Limit, MAXIMUM_OUTPUT_BYTES, check_depth, stop};
use super::number::Number;
use super::object::Object;
use std::cmp::Ordering;
use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

const BYTES_PER_ITEM: usize = 24;
const BYTES_PER_TEXT: usize = 64;

/// A JSON value, or a number that JSON cannot write.
#[derive(Debug, Default)]
pub(super) enum Value {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    Text(Rc<Text>),
    Array(Rc<Array>),
    Object(Rc<Object>),
}

/// Every loop of the interpreter copies a value or its context: copies are what is counted as steps.
impl Clone for Value {
    fn clone(&self) -> Self {
        meter::step(1);
        match self {
            Self::Null => Self::Null,
            Self::Bool(bool) => Self::Bool(*bool),
            Self::Number(number) => Self::Number(*number),
            Self::Text(text) => Self::Text(Rc::clone(text)),
            Self::Array(array) => Self::Array(Rc::clone(array)),
            Self::Object(object) => Self::Object(Rc::clone(object)),
        }
    }
}

/// A string.
#[derive(Debug)]
pub(super) struct Text {
    text: String,
    charge: Charge,
}

impl Text {
    pub(super) fn new(text: String) -> Self {
        Self { charge: Charge::new(BYTES_PER_TEXT + text.len()), text }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn push(&mut self, more: &str) {
        self.charge.grow(more.len());
        self.text.push_str(more);
    }
}

impl Clone for Text {
    fn clone(&self) -> Self {
        // Counted first: what is too large must not be allocated.
        let charge = Charge::new(BYTES_PER_TEXT + self.text.len());
        let text = self.text.clone();
        Self { text, charge }
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Text {}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

/// A list of values.
#[derive(Debug, Default)]
pub(super) struct Array {
    items: Vec<Value>,
    depth: u16,
    charge: Charge,
}

impl Clone for Array {
    fn clone(&self) -> Self {
        Self { charge: Charge::new(self.items.len() * BYTES_PER_ITEM), items: self.items.clone(), depth: self.depth }
    }
}

impl Array {
    pub(super) fn items(&self) -> &[Value] {
        &self.items
    }

    pub(super) fn into_items(mut self) -> Vec<Value> {
        std::mem::take(&mut self.items)
    }

    pub(super) fn push(&mut self, value: Value) {
        self.depth = self.depth.max(value.depth());
        check_depth(self.depth + 1);
        self.charge.grow(BYTES_PER_ITEM);
        self.items.push(value);
    }

    /// Sets an item, filling up with nulls before it.
    pub(super) fn set(&mut self, index: usize, value: Value) {
        if index >= self.items.len() {
            let missing = index + 1 - self.items.len();
            self.charge.grow(missing.saturating_mul(BYTES_PER_ITEM));
            self.items.resize_with(index + 1, Value::default);
        }
        self.depth = self.depth.max(value.depth());
        check_depth(self.depth + 1);
        self.items[index] = value;
    }

    pub(super) fn take(&mut self, index: usize) -> Value {
        self.items.get_mut(index).map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn remove(&mut self, index: usize) {
        meter::step(self.items.len() as u64 / 64);
        self.items.remove(index);
    }

    pub(super) fn replace(&mut self, range: std::ops::Range<usize>, values: &[Value]) {
        let rest = self.items.split_off(range.end);
        self.items.truncate(range.start);
        for value in values {
            self.push(value.clone());
        }
        self.items.extend(rest);
    }
}

impl FromIterator<Value> for Array {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        let mut array = Self::default();
        for value in values {
            array.push(value);
        }
        array
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> Self {
        Self::Array(Rc::new(values.into_iter().collect()))
    }
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(Rc::new(Text::new(text.into())))
    }

    pub(super) fn object(entries: impl IntoIterator<Item = (Rc<Text>, Value)>) -> Self {
        let mut object = Object::default();
        for (name, value) in entries {
            object.insert(name, value);
        }
        Self::Object(Rc::new(object))
    }

    /// An object with one more member, or with another value for it; anything else as it is.
    pub(super) fn with_member(self, name: &str, value: Self) -> Self {
        let Self::Object(object) = self else { return self };
        let mut object = Object::clone(&object);
        object.insert(Rc::new(Text::new(name.to_owned())), value);
        Self::Object(Rc::new(object))
    }

    /// How deep arrays and objects nest: 0 for anything else. Never too small, but too large after deep parts were
    /// removed.
    pub(super) fn depth(&self) -> u16 {
        match self {
            Self::Array(array) => array.depth + 1,
            Self::Object(object) => object.depth() + 1,
            _ => 0,
        }
    }

    /// What jq calls its type.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Type and beginning, for messages.
    pub(super) fn described(&self) -> String {
        const SHOWN: usize = 60;
        let mut beginning = Beginning(String::new(), SHOWN);
        match write!(beginning, "{self}") {
            Ok(()) => format!("{} ({})", self.kind(), beginning.0),
            Err(_) => format!("{} ({}...)", self.kind(), beginning.0),
        }
    }

    /// jq's own order of values, total because sorting needs that: what is no number equals itself here.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        meter::step(1);
        match (self, other) {
            (Self::Bool(left), Self::Bool(right)) => left.cmp(right),
            (Self::Number(left), Self::Number(right)) => left.compare(*right),
            (Self::Text(left), Self::Text(right)) => left.as_str().cmp(right.as_str()),
            (Self::Array(left), Self::Array(right)) => {
                let pairs = left.items.iter().zip(&right.items);
                let mut orders = pairs.map(|(left, right)| left.order(right));
                let first_difference = orders.find(|order| order.is_ne());
                first_difference.unwrap_or(left.items.len().cmp(&right.items.len()))
            }
            (Self::Object(left), Self::Object(right)) => {
                let (left, right) = (left.sorted(), right.sorted());
                let left_names = left.iter().map(|(name, _)| name.as_str());
                let right_names = right.iter().map(|(name, _)| name.as_str());
                left_names.cmp(right_names).then_with(|| {
                    let mut orders = left.iter().zip(&right).map(|((_, left), (_, right))| left.order(right));
                    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
                })
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(false) => 1,
            Self::Bool(true) => 2,
            Self::Number(_) => 3,
            Self::Text(_) => 4,
            Self::Array(_) => 5,
            Self::Object(_) => 6,
        }
    }

    pub(super) fn from_json(json: &serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(bool) => Self::Bool(*bool),
            serde_json::Value::Number(number) => Self::Number(number_from_json(number)),
            serde_json::Value::String(text) => Self::text(text.as_str()),
            serde_json::Value::Array(items) => items.iter().map(Self::from_json).collect(),
            serde_json::Value::Object(entries) => {
                let entries = entries.iter();
                Self::object(entries.map(|(name, value)| (Rc::new(Text::new(name.clone())), Self::from_json(value))))
            }
        }
    }

    /// The value as JSON. Stops the evaluation if that is too large.
    pub(super) fn to_json(&self) -> serde_json::Value {
        let mut room = MAXIMUM_OUTPUT_BYTES;
        self.to_json_within(&mut room)
    }

    fn to_json_within(&self, room: &mut usize) -> serde_json::Value {
        take_room(room, BYTES_PER_OUTPUT_NODE);
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(bool) => (*bool).into(),
            Self::Number(number) => number.to_json(),
            Self::Text(text) => {
                take_room(room, text.as_str().len());
                text.as_str().into()
            }
            Self::Array(array) => array.items.iter().map(|item| item.to_json_within(room)).collect(),
            Self::Object(object) => {
                let entries = object.iter().map(|(name, value)| {
                    take_room(room, name.as_str().len());
                    (name.as_str().to_owned(), value.to_json_within(room))
                });
                serde_json::Value::Object(entries.collect())
            }
        }
    }
}

fn take_room(room: &mut usize, bytes: usize) {
    meter::step(1);
    match room.checked_sub(bytes) {
        Some(left) => *room = left,
        None => stop(Limit::Output),
    }
}

fn number_from_json(number: &serde_json::Number) -> Number {
    if let Some(whole) = number.as_i64() {
        return Number::Whole(whole);
    }
    if let Some(large) = number.as_u64() {
        return Number::Large(large);
    }
    Number::Double(number.as_f64().unwrap_or(f64::NAN))
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        if let (Self::Number(left), Self::Number(right)) = (self, other) {
            return !left.is_nan() && !right.is_nan() && left.compare(*right).is_eq();
        }
        self.order(other).is_eq()
    }
}

impl Eq for Value {}

#[expect(clippy::non_canonical_partial_ord_impl, reason = "sorting needs a total order, and `<` must not have one")]
impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        // For jq, what is no number is less than anything, itself included.
        match self {
            Self::Number(number) if number.is_nan() => match other {
                Self::Number(_) => Some(Ordering::Less),
                _ => Some(self.order(other)),
            },
            _ => Some(self.order(other)),
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.order(other)
    }
}

/// As compact JSON, the way jq writes it.
impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        meter::step(1);
        match self {
            Self::Null => formatter.write_str("null"),
            Self::Bool(bool) => bool.fmt(formatter),
            Self::Number(number) => number.fmt(formatter),
            Self::Text(text) => write_quoted(formatter, text.as_str()),
            Self::Array(array) => {
                formatter.write_char('[')?;
                for (position, item) in array.items.iter().enumerate() {
                    if position > 0 {
                        formatter.write_char(',')?;
                    }
                    item.fmt(formatter)?;
                }
                formatter.write_char(']')
            }
            Self::Object(object) => {
                formatter.write_char('{')?;
                for (position, (name, value)) in object.iter().enumerate() {
                    if position > 0 {
                        formatter.write_char(',')?;
                    }
                    write_quoted(formatter, name.as_str())?;
                    formatter.write_char(':')?;
                    value.fmt(formatter)?;
                }
                formatter.write_char('}')
            }
        }
    }
}

fn write_quoted(formatter: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    // Messages are written to plain strings, which nothing else counts.
    meter::step(text.len() as u64 / 16);
    formatter.write_char('"')?;
    // All that is escaped is ASCII, so that splitting there leaves whole characters.
    let is_escaped = |character: char| matches!(character, '"' | '\\' | '\0'..='\u{1f}' | '\u{7f}');
    for part in text.split_inclusive(is_escaped) {
        let Some(last) = part.chars().next_back().filter(|character| is_escaped(*character)) else {
            formatter.write_str(part)?;
            continue;
        };
        formatter.write_str(&part[..part.len() - 1])?;
        match last {
            '"' => formatter.write_str("\\\"")?,
            '\\' => formatter.write_str("\\\\")?,
            '\n' => formatter.write_str("\\n")?,
            '\r' => formatter.write_str("\\r")?,
            '\t' => formatter.write_str("\\t")?,
            '\u{8}' => formatter.write_str("\\b")?,
            '\u{c}' => formatter.write_str("\\f")?,
            other => write!(formatter, "\\u{:04x}", u32::from(other))?,
        }
    }
    formatter.write_char('"')
}

/// Refuses what comes after the first bytes.
struct Beginning(String, usize);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.0.len() + character.len_utf8() > self.1 {
                return Err(fmt::Error);
            }
            self.0.push(character);
        }
        Ok(())
    }
}

/// Writes a value as JSON, counting while writing: a value may share its parts and be far larger written than held.
pub(super) fn written(value: &Value) -> Text {
    struct Counted(Text);
    impl fmt::Write for Counted {
        fn write_str(&mut self, more: &str) -> fmt::Result {
            self.0.push(more);
            Ok(())
        }
    }
    let mut counted = Counted(Text::new(String::new()));
    // Writing into memory cannot fail.
    let _ = write!(counted, "{value}");
    counted.0
}
