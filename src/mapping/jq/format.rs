//! `@csv` and the other ways of writing values into strings.

use super::meter::Charge;
use super::number::Number;
use super::value::{Text, Value, written};
use jaq_core::{Error, ValR};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::rc::Rc;

const KEPT_IN_URI: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// How many times longer than its text a formatted copy may be.
const GROWTH: usize = 6;
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes a value in the format of that name, as in `@name`.
pub(super) fn format(value: Value, name: &str) -> ValR<Value> {
    let formatted = match name {
        "text" | "json" if name == "json" || !matches!(value, Value::Text(_)) => {
            return Ok(Value::Text(Rc::new(written(&value))));
        }
        "text" => return Ok(value),
        "csv" => row(&value, "csv", ",", |text| format!("\"{}\"", text.replace('"', "\"\"")))?,
        "tsv" => row(&value, "tsv", "\t", escape_tsv)?,
        "html" => escape_html(text_of(&value).as_str()),
        "uri" => utf8_percent_encode(text_of(&value).as_str(), KEPT_IN_URI).to_string(),
        "urid" => percent_decode_str(text_of(&value).as_str()).decode_utf8_lossy().into_owned(),
        "sh" => shell(&value)?,
        "base64" => encode_base64(text_of(&value).as_str().as_bytes()),
        "base64d" => decode_base64(text_of(&value).as_str())
            .ok_or_else(|| Error::str(format!("{} is not valid base64 data", value.described())))?,
        other => return Err(Error::str(format!("{other} is not a valid format"))),
    };

    Ok(Value::text(formatted))
}

/// A text to be formatted, with what its formatted copies take until one of them is a value.
struct Source {
    text: Rc<Text>,
    _copies: Charge,
}

impl Source {
    fn new(text: Rc<Text>) -> Self {
        let copies = Charge::new(text.as_str().len().saturating_mul(GROWTH));
        Self { text, _copies: copies }
    }

    fn as_str(&self) -> &str {
        self.text.as_str()
    }
}

fn text_of(value: &Value) -> Source {
    match value {
        Value::Text(text) => Source::new(Rc::clone(text)),
        other => Source::new(Rc::new(written(other))),
    }
}

fn row(value: &Value, format: &str, separator: &str, quote: impl Fn(&str) -> String) -> ValR<String, Value> {
    let Value::Array(array) = value else {
        return Err(Error::str(format!("{} cannot be {format}-formatted, only array", value.described())));
    };
    let mut copies = Charge::default();
    let cells = array.items().iter().map(|cell| match cell {
        Value::Null => Ok(String::new()),
        Value::Bool(bool) => Ok(bool.to_string()),
        Value::Number(number) if number.is_nan() => Ok(String::new()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Text(text) => {
            copies.grow(text.as_str().len().saturating_mul(GROWTH));
            Ok(quote(text.as_str()))
        }
        other => Err(Error::str(format!("{} is not valid in a {format} row", other.described()))),
    });
    Ok(cells.collect::<Result<Vec<String>, _>>()?.join(separator))
}

fn escape_tsv(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('\t', "\\t");
    text.replace('\n', "\\n").replace('\r', "\\r")
}

fn escape_html(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('\'', "&apos;").replace('"', "&quot;")
}

fn shell(value: &Value) -> ValR<String, Value> {
    let mut copies = Charge::default();
    let mut word = |value: &Value| match value {
        Value::Text(text) => {
            copies.grow(text.as_str().len().saturating_mul(GROWTH));
            Ok(format!("'{}'", text.as_str().replace('\'', "'\\''")))
        }
        Value::Array(_) | Value::Object(_) => {
            Err(Error::str(format!("{} can not be escaped for shell", value.described())))
        }
        other => Ok(other.to_string()),
    };
    let Value::Array(array) = value else {
        return word(value);
    };
    let words: Vec<String> = array.items().iter().map(word).collect::<Result<_, _>>()?;
    Ok(words.join(" "))
}

fn encode_base64(bytes: &[u8]) -> String {
    let mut encoded = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |position: usize| u32::from(group.get(position).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for position in 0..4 {
            if position > group.len() {
                encoded.push('=');
                continue;
            }
            let sextet = bits >> (18 - 6 * position) & 63;
            encoded.push(char::from(BASE64[sextet as usize]));
        }
    }
    encoded
}

/// As lenient as libjq: padding may be missing and ends the text; what is not UTF-8 is replaced.
fn decode_base64(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut sextets) = (0_u32, 0);
    for character in text.bytes().take_while(|character| *character != b'=') {
        let sextet = BASE64.iter().position(|known| *known == character)?;
        bits = bits << 6 | sextet as u32;
        sextets += 1;
        if sextets % 4 == 0 {
            decoded.extend_from_slice(&bits.to_be_bytes()[1..]);
            bits = 0;
        }
    }
    match sextets % 4 {
        1 => return None,
        2 => decoded.push((bits >> 4) as u8),
        3 => decoded.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
        _ => {}
    }
    Some(String::from_utf8_lossy(&decoded).into_owned())
}

/// A number as `tonumber` reads it: JSON's form without surrounding space, or `nan`.
pub(super) fn parse_number(text: &str) -> Option<Number> {
    if text == "nan" {
        return Some(Number::Double(f64::NAN));
    }
    let plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'));
    match plain && !text.starts_with('+') {
        true => Number::parse(text),
        false => None,
    }
}
