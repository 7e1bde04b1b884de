//! `+ - * / %` and negation.

use super::meter;
use super::number::Number;
use super::object::Object;
use super::value::{Array, Text, Value};
use jaq_core::{Error, ValR};
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

fn failure(left: &Value, right: &Value, what: &str) -> Error<Value> {
    Error::str(format!("{} and {} cannot be {what}", left.described(), right.described()))
}

fn calculated(value: f64) -> ValR<Value> {
    Ok(Value::Number(Number::calculated(value)))
}

impl Add for Value {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> ValR<Self> {
        match (self, other) {
            (Self::Null, value) | (value, Self::Null) => Ok(value),
            (Self::Number(left), Self::Number(right)) => calculated(left.as_f64() + right.as_f64()),
            (Self::Text(mut left), Self::Text(right)) => {
                Rc::make_mut(&mut left).push(right.as_str());
                Ok(Self::Text(left))
            }
            (Self::Array(mut left), Self::Array(right)) => {
                let items = Rc::make_mut(&mut left);
                for value in right.items() {
                    items.push(value.clone());
                }
                Ok(Self::Array(left))
            }
            (Self::Object(mut left), Self::Object(right)) => {
                let entries = Rc::make_mut(&mut left);
                for (name, value) in right.iter() {
                    entries.insert(Rc::clone(name), value.clone());
                }
                Ok(Self::Object(left))
            }
            (left, right) => Err(failure(&left, &right, "added")),
        }
    }
}

impl Sub for Value {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> ValR<Self> {
        match (&self, &other) {
            (Self::Number(left), Self::Number(right)) => calculated(left.as_f64() - right.as_f64()),
            (Self::Array(left), Self::Array(right)) => {
                let kept = left.items().iter().filter(|item| !right.items().contains(item));
                Ok(kept.cloned().collect())
            }
            _ => Err(failure(&self, &other, "subtracted")),
        }
    }
}

impl Mul for Value {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> ValR<Self> {
        match (&self, &other) {
            (Self::Number(left), Self::Number(right)) => calculated(left.as_f64() * right.as_f64()),
            (Self::Text(text), Self::Number(times)) | (Self::Number(times), Self::Text(text)) => {
                Ok(repeated(text, times.as_f64()))
            }
            (Self::Object(left), Self::Object(right)) => Ok(Self::Object(merged(left, right))),
            _ => Err(failure(&self, &other, "multiplied")),
        }
    }
}

fn repeated(text: &Text, times: f64) -> Value {
    if times.is_nan() || times < 0.0 {
        return Value::Null;
    }
    let mut result = Text::new(String::new());
    // Casting saturates; the meter ends what is too long.
    for _ in 0..times as u64 {
        if text.as_str().is_empty() {
            break;
        }
        result.push(text.as_str());
    }
    Value::Text(Rc::new(result))
}

/// Objects within objects are merged too, anything else is replaced.
fn merged(left: &Rc<Object>, right: &Rc<Object>) -> Rc<Object> {
    let mut result = Rc::clone(left);
    let entries = Rc::make_mut(&mut result);
    for (name, value) in right.iter() {
        let value = match (entries.get(name.as_str()), value) {
            (Some(Value::Object(old)), Value::Object(new)) => Value::Object(merged(old, new)),
            _ => value.clone(),
        };
        entries.insert(Rc::clone(name), value);
    }
    result
}

impl Div for Value {
    type Output = ValR<Self>;

    fn div(self, other: Self) -> ValR<Self> {
        match (&self, &other) {
            (Self::Number(_), Self::Number(right)) if right.as_f64() == 0.0 => {
                Err(failure(&self, &other, "divided because the divisor is zero"))
            }
            (Self::Number(left), Self::Number(right)) => calculated(left.as_f64() / right.as_f64()),
            (Self::Text(text), Self::Text(separator)) => Ok(divided(text.as_str(), separator.as_str())),
            _ => Err(failure(&self, &other, "divided")),
        }
    }
}

fn divided(text: &str, separator: &str) -> Value {
    meter::step(text.len() as u64 / 64);
    if text.is_empty() {
        return Value::Array(Rc::new(Array::default()));
    }
    if separator.is_empty() {
        return text.chars().map(Value::text).collect();
    }
    text.split(separator).map(Value::text).collect()
}

impl Rem for Value {
    type Output = ValR<Self>;

    fn rem(self, other: Self) -> ValR<Self> {
        let (Self::Number(left), Self::Number(right)) = (&self, &other) else {
            return Err(failure(&self, &other, "divided (remainder)"));
        };
        if left.is_nan() || right.is_nan() {
            return calculated(f64::NAN);
        }
        // Fractions are cut off before, and casting saturates: the remainder of infinity is defined.
        let (dividend, divisor) = (left.as_f64() as i64, right.as_f64() as i64);
        if divisor == 0 {
            return Err(failure(&self, &other, "divided (remainder) because the divisor is zero"));
        }
        let remainder = dividend.unsigned_abs() % divisor.unsigned_abs();
        calculated((remainder as f64).copysign(if dividend < 0 && remainder > 0 { -1.0 } else { 1.0 }))
    }
}

impl Neg for Value {
    type Output = ValR<Self>;

    fn neg(self) -> ValR<Self> {
        match self {
            Self::Number(Number::Whole(whole)) if whole != i64::MIN => Ok(Self::Number(Number::Whole(-whole))),
            Self::Number(number) => calculated(-number.as_f64()),
            other => Err(Error::str(format!("{} cannot be negated", other.described()))),
        }
    }
}
