//! Reading and changing parts of values: what `.[]`, `.a`, `.[1:2]` and their assignments mean.
//!
//! Other than in jaq and as in libjq, null can be indexed, sliced and assigned to.

use super::meter;
use super::number::Number;
use super::object::Object;
use super::value::{Array, Text, Value, written};
use jaq_core::box_iter::box_once;
use jaq_core::path::Opt;
use jaq_core::val::Range;
use jaq_core::{Error, Exn, ValR, ValT, ValX};
use std::rc::Rc;

/// Arrays are not filled up further than this, to have one message instead of a full memory.
const LARGEST_INDEX: f64 = 100_000_000.0;

type Children<T> = Box<dyn Iterator<Item = ValR<T, Value>>>;

fn cannot_iterate(value: &Value) -> Error<Value> {
    Error::str(format!("Cannot iterate over {}", value.described()))
}

fn cannot_index(value: &Value, index: &Value) -> Error<Value> {
    Error::str(format!("Cannot index {} with {}", value.kind(), index.described()))
}

/// The position an index means, if it is within the array.
fn position(length: usize, index: Number) -> Option<usize> {
    let index = index.as_f64().floor();
    let index = if index < 0.0 { index + length as f64 } else { index };
    // False for what is no number.
    (0.0..length as f64).contains(&index).then_some(index as usize)
}

/// The positions a slice means, clipped to the length.
fn bounds(length: usize, range: &Range<&Value>) -> ValR<std::ops::Range<usize>, Value> {
    let bound = |value: Option<&Value>, default: usize, round: fn(f64) -> f64| {
        let number = match value {
            None | Some(Value::Null) => return Ok(default),
            Some(Value::Number(number)) => number.as_f64(),
            Some(_) => {
                return Err(Error::str("Start and end indices of an array slice must be numbers"));
            }
        };
        let absolute = if number < 0.0 { number + length as f64 } else { number };
        Ok(round(absolute).clamp(0.0, length as f64) as usize)
    };
    let start = bound(range.start, 0, f64::floor)?;
    let end = bound(range.end, length, f64::ceil)?;
    Ok(start..end.max(start))
}

/// Characters, not bytes, are what slices of strings count.
fn text_slice<'t>(text: &'t str, range: &Range<&Value>) -> ValR<&'t str, Value> {
    meter::step(text.len() as u64 / 64);
    let characters = bounds(text.chars().count(), range)?;
    let byte = |character: usize| text.char_indices().nth(character).map_or(text.len(), |(byte, _)| byte);
    Ok(&text[byte(characters.start)..byte(characters.end)])
}

/// `{"start": 1, "end": 2}`, the form slices have in paths.
fn as_range(object: &Object) -> Range<&Value> {
    object.get("start")..object.get("end")
}

impl Value {
    /// Where an array is found in this value: positions at which all of `part` stands, or one value equal to it.
    pub(super) fn indices(&self, part: &Value) -> ValR<Value> {
        let found: Vec<usize> = match (self, part) {
            (Self::Null, _) => return Ok(Self::Null),
            (Self::Text(text), Self::Text(part)) => text_indices(text.as_str(), part.as_str()),
            (Self::Array(_), Self::Array(part)) if part.items().is_empty() => {
                return Ok(Self::Null);
            }
            (Self::Array(array), Self::Array(part)) => {
                let windows = array.items().windows(part.items().len()).enumerate();
                let equal = windows.filter(|(_, window)| *window == part.items());
                equal.map(|(position, _)| position).collect()
            }
            (Self::Array(array), value) => {
                let items = array.items().iter().enumerate();
                items.filter(|(_, item)| *item == value).map(|(position, _)| position).collect()
            }
            _ => return Err(cannot_index(self, part)),
        };
        Ok(found.into_iter().map(Self::from).collect())
    }
}

fn text_indices(text: &str, part: &str) -> Vec<usize> {
    meter::step((text.len() as u64).saturating_mul(part.len() as u64) / 1024);
    if part.is_empty() {
        return Vec::new();
    }
    let characters = text.char_indices().enumerate();
    let found = characters.filter(|(_, (byte, _))| text[*byte..].starts_with(part));
    found.map(|(position, _)| position).collect()
}

impl ValT for Value {
    fn from_num(text: &str) -> ValR<Self> {
        match Number::parse(text) {
            Some(number) => Ok(Self::Number(number)),
            None => Err(Error::str(format!("{text} is not a number"))),
        }
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR<Self> {
        let mut object = Object::default();
        for (name, value) in entries {
            let Self::Text(name) = name else {
                return Err(Error::str(format!("Cannot use {} as object key", name.described())));
            };
            object.insert(name, value);
        }
        Ok(Self::Object(Rc::new(object)))
    }

    fn key_values(self) -> Children<(Self, Self)> {
        match self {
            Self::Array(array) => {
                let items = Rc::unwrap_or_clone(array).into_items().into_iter().enumerate();
                Box::new(items.map(|(position, item)| Ok((Self::from(position), item))))
            }
            Self::Object(object) => {
                let entries = Rc::unwrap_or_clone(object).into_entries().into_iter();
                Box::new(entries.map(|(name, value)| Ok((Self::Text(name), value))))
            }
            other => box_once(Err(cannot_iterate(&other))),
        }
    }

    fn values(self) -> Children<Self> {
        match self {
            Self::Array(array) => Box::new(Rc::unwrap_or_clone(array).into_items().into_iter().map(Ok)),
            Self::Object(object) => {
                let entries = Rc::unwrap_or_clone(object).into_entries().into_iter();
                Box::new(entries.map(|(_, value)| Ok(value)))
            }
            other => box_once(Err(cannot_iterate(&other))),
        }
    }

    fn index(self, index: &Self) -> ValR<Self> {
        match (&self, index) {
            (Self::Object(object), Self::Text(name)) => Ok(object.get(name.as_str()).cloned().unwrap_or_default()),
            (Self::Array(array), Self::Number(number)) => {
                let found = position(array.items().len(), *number);
                Ok(found.map(|position| array.items()[position].clone()).unwrap_or_default())
            }
            (Self::Null, Self::Text(_) | Self::Number(_) | Self::Null) => Ok(Self::Null),
            (Self::Array(_) | Self::Text(_) | Self::Null, Self::Object(range)) => self.clone().range(as_range(range)),
            (Self::Array(_), Self::Array(_)) => self.indices(index),
            _ => Err(cannot_index(&self, index)),
        }
    }

    fn range(self, range: Range<&Self>) -> ValR<Self> {
        match &self {
            Self::Null => Ok(Self::Null),
            Self::Text(text) => text_slice(text.as_str(), &range).map(Self::text),
            Self::Array(array) => {
                let bounds = bounds(array.items().len(), &range)?;
                Ok(array.items()[bounds].iter().cloned().collect())
            }
            other => Err(Error::str(format!("Cannot index {} with object", other.kind()))),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        optional: Opt,
        change: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match self {
            Self::Array(array) => {
                let mut changed = Array::default();
                for item in Rc::unwrap_or_clone(array).into_items() {
                    if let Some(value) = change(item).next().transpose()? {
                        changed.push(value);
                    }
                }
                Ok(Self::Array(Rc::new(changed)))
            }
            Self::Object(object) => {
                let mut changed = Object::default();
                for (name, value) in Rc::unwrap_or_clone(object).into_entries() {
                    if let Some(value) = change(value).next().transpose()? {
                        changed.insert(name, value);
                    }
                }
                Ok(Self::Object(Rc::new(changed)))
            }
            other => optional.fail(other, |other| Exn::from(cannot_iterate(&other))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        optional: Opt,
        change: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match (self, index) {
            (Self::Null, Self::Text(name)) => change_name(Rc::default(), name, change),
            (Self::Object(object), Self::Text(name)) => change_name(object, name, change),
            (Self::Null, Self::Number(index)) => change_item(Rc::default(), *index, change),
            (Self::Array(array), Self::Number(index)) => change_item(array, *index, change),
            (value @ (Self::Null | Self::Array(_)), Self::Object(range)) => {
                value.map_range(as_range(range), optional, change)
            }
            (value, index) => optional.fail(value, |value| Exn::from(cannot_index(&value, index))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<&Self>,
        optional: Opt,
        change: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let (mut array, slice) = match self {
            Self::Null => (Rc::default(), Self::Null),
            Self::Array(array) => {
                let bounds = bounds(array.items().len(), &range)?;
                let slice = array.items()[bounds].iter().cloned().collect();
                (array, slice)
            }
            other => {
                let message = format!("Cannot update slices of {}", other.described());
                return optional.fail(other, |_| Exn::from(Error::str(message)));
            }
        };
        let bounds = bounds(array.items().len(), &range)?;
        let changed = change(slice).next().transpose()?;
        let replacement = match changed {
            None => Rc::default(),
            Some(Self::Array(replacement)) => replacement,
            Some(_) => {
                return Err(Exn::from(Error::str("A slice of an array can only be assigned another array")));
            }
        };
        Rc::make_mut(&mut array).replace(bounds, replacement.items());
        Ok(Self::Array(array))
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            text @ Self::Text(_) => text,
            other => Self::Text(Rc::new(written(&other))),
        }
    }
}

fn change_name<'a, I: Iterator<Item = ValX<'a, Value>>>(
    mut object: Rc<Object>,
    name: &Rc<Text>,
    change: impl Fn(Value) -> I,
) -> ValX<'a, Value> {
    let entries = Rc::make_mut(&mut object);
    // Taken out, so that the change can work in place.
    let old = entries.take(name.as_str());
    match change(old).next().transpose()? {
        Some(new) => {
            entries.insert(Rc::clone(name), new);
        }
        None => entries.remove(name.as_str()),
    }
    Ok(Value::Object(object))
}

fn change_item<'a, I: Iterator<Item = ValX<'a, Value>>>(
    mut array: Rc<Array>,
    index: Number,
    change: impl Fn(Value) -> I,
) -> ValX<'a, Value> {
    let length = array.items().len();
    let floor = index.as_f64().floor();
    if floor < 0.0 && position(length, index).is_none() {
        return Err(Exn::from(Error::str("Out of bounds negative array index")));
    }
    if floor.is_nan() || floor > LARGEST_INDEX {
        return Err(Exn::from(Error::str("Array index too large")));
    }
    let position = position(length, index).unwrap_or(floor as usize);
    let items = Rc::make_mut(&mut array);
    let old = items.take(position);
    match change(old).next().transpose()? {
        Some(new) => items.set(position, new),
        None if position < length => items.remove(position),
        None => {}
    }
    Ok(Value::Array(array))
}

impl jaq_std::ValT for Value {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self {
            Self::Array(array) => Ok(Rc::unwrap_or_clone(array).into_items().into_iter().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        matches!(self, Self::Number(number) if number.as_isize().is_some())
    }

    fn as_isize(&self) -> Option<isize> {
        match self {
            Self::Number(number) => number.as_isize(),
            _ => None,
        }
    }

    fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.as_f64()),
            _ => None,
        }
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::Text(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Text(text) => Some(text.as_str().as_bytes()),
            _ => None,
        }
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Self::text(String::from_utf8_lossy(part))
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::text(String::from_utf8_lossy(bytes.as_ref()))
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<isize> for Value {
    fn from(number: isize) -> Self {
        Self::Number(Number::Whole(number as i64))
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        // No collection has more items than fit.
        Self::Number(Number::Whole(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(Number::calculated(number))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<Range<Value>> for Value {
    fn from(range: Range<Value>) -> Self {
        let entry = |name: &str, value: Option<Value>| (Rc::new(Text::new(name.to_owned())), value.unwrap_or_default());
        Self::object([entry("start", range.start), entry("end", range.end)])
    }
}
