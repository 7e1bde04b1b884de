//! Functions of jq that are written in Rust: those of jaq that are harmless, and our own.

use super::engine::Kind;
use super::meter::{self, Charge};
use super::value::{Array, Value, written};
use super::{format, regex};
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::path::Opt;
use jaq_core::{Bind, Error, RunPtr, ValR, ValT as _};
use std::rc::Rc;

/// Functions of jaq's standard library that may be called: none reads the environment or a file, writes to the process'
/// output or ends the process.
const HARMLESS: &[&str] = &[
    "ascii_downcase",
    "ascii_upcase",
    "ceil",
    "endswith",
    "explode",
    "floor",
    "group_by",
    "implode",
    "ltrim",
    "ltrimstr",
    "matches",
    "max_by_or_empty",
    "min_by_or_empty",
    "reverse",
    "round",
    "rtrim",
    "rtrimstr",
    "sort",
    "sort_by",
    "split_",
    "startswith",
    "trim",
    "utf8bytelength",
    "gmtime",
    "mktime",
    "now",
    "strftime",
    "strptime",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "cbrt",
    "copysign",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp10",
    "exp2",
    "expm1",
    "fabs",
    "fdim",
    "fma",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "hypot",
    "ilogb",
    "j0",
    "j1",
    "jn",
    "ldexp",
    "lgamma",
    "log",
    "log10",
    "log1p",
    "log2",
    "modf",
    "nearbyint",
    "nextafter",
    "pow",
    "remainder",
    "rint",
    "scalbln",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "tgamma",
    "trunc",
    "y0",
    "y1",
    "yn",
];

/// Functions of jaq that the prelude wraps under their usual names.
const WRAPPED: &[(&str, &str)] = &[
    ("mktime", "mktime_unchecked"),
    ("reverse", "reverse_unchecked"),
    ("limit", "limit_unchecked"),
    ("skip", "skip_unchecked"),
    ("range", "range_unchecked"),
];

/// The functions among those that `is_wanted`: an expression keeps only what it mentions.
pub(super) fn functions(is_wanted: impl Fn(&str) -> bool) -> Vec<Fun<Kind>> {
    let standard = jaq_std::funs::<Kind>().filter(|(name, ..)| HARMLESS.contains(name));
    let foreign = jaq_core::funs::<Kind>().chain(standard).map(|(name, arguments, function)| {
        let renamed = WRAPPED.iter().find(|(old, _)| *old == name);
        (renamed.map_or(name, |(_, new)| *new), arguments, function)
    });
    let own = own().into_iter().map(run::<Kind>);
    foreign.chain(own).filter(|(name, ..)| is_wanted(name)).collect()
}

/// What the shortest JSON values, like `[],`, take per byte of text.
const BYTES_PER_PARSED_BYTE: usize = 16;

type Function = (&'static str, Box<[Bind]>, RunPtr<Kind>);

fn own() -> Vec<Function> {
    vec![
        ("null", v(0), |_| bome(Ok(Value::Null))),
        ("true", v(0), |_| bome(Ok(Value::Bool(true)))),
        ("false", v(0), |_| bome(Ok(Value::Bool(false)))),
        ("nan", v(0), |_| bome(Ok(f64::NAN.into()))),
        ("infinite", v(0), |_| bome(Ok(f64::INFINITY.into()))),
        ("type", v(0), |cv| bome(Ok(Value::text(cv.1.kind())))),
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("logb", v(0), |cv| bome(on_number(&cv.1, exponent))),
        ("significand", v(0), |cv| bome(on_number(&cv.1, |number| number / exponent(number).exp2()))),
        ("tojson", v(0), |cv| bome(Ok(Value::Text(Rc::new(written(&cv.1)))))),
        ("fromjson", v(0), |cv| bome(from_json(&cv.1))),
        ("tonumber", v(0), |cv| bome(to_number(cv.1))),
        ("format", v(1), |cv| {
            unary(cv, |value, name| match name {
                Value::Text(name) => format::format(value, name.as_str()),
                other => Err(Error::str(format!("{} is not a valid format", other.described()))),
            })
        }),
        ("has", v(1), |cv| unary(cv, |value, key| has(&value, &key))),
        ("contains", v(1), |cv| unary(cv, |value, part| contains(&value, &part).map(Value::Bool))),
        ("indices", v(1), |cv| unary(cv, |value, part| value.indices(&part))),
        ("bsearch", v(1), |cv| unary(cv, |value, target| search(&value, &target))),
        ("flatten_unchecked", v(1), |cv| unary(cv, |value, depth| flatten(value, &depth))),
        ("setpath", v(2), |mut cv| {
            let value = cv.0.pop_var();
            let path = cv.0.pop_var();
            bome(path_of(&path).and_then(|path| set_path(cv.1, path.items(), value)))
        }),
        ("delpaths", v(1), |cv| unary(cv, |value, paths| delete_paths(value, &paths))),
        ("prepare_regex", v(1), |cv| unary(cv, |value, expression| regex::prepare(&value, &expression))),
        ("complete_matches", v(1), |cv| unary(cv, |matches, names| regex::complete(&matches, &names))),
    ]
}

fn length(value: &Value) -> ValR<Value> {
    Ok(match value {
        Value::Null => Value::from(0_usize),
        Value::Bool(_) => return Err(Error::str(format!("{} has no length", value.described()))),
        Value::Number(number) => Value::from(number.as_f64().abs()),
        Value::Text(text) => {
            meter::step(text.as_str().len() as u64 / 256);
            Value::from(text.as_str().chars().count())
        }
        Value::Array(array) => Value::from(array.items().len()),
        Value::Object(object) => Value::from(object.len()),
    })
}

fn on_number(value: &Value, function: impl Fn(f64) -> f64) -> ValR<Value> {
    match value {
        Value::Number(number) => Ok(function(number.as_f64()).into()),
        other => Err(Error::str(format!("{} number required", other.described()))),
    }
}

fn exponent(number: f64) -> f64 {
    if number == 0.0 {
        return f64::NEG_INFINITY;
    }
    number.abs().log2().floor()
}

fn from_json(value: &Value) -> ValR<Value> {
    let Value::Text(text) = value else {
        return Err(Error::str(format!("{} cannot be parsed as JSON", value.described())));
    };
    // Parsed values take more than their text, and are not counted until they are ours.
    let _parsed = Charge::new(text.as_str().len().saturating_mul(BYTES_PER_PARSED_BYTE));
    if text.as_str().trim() == "nan" {
        return Ok(f64::NAN.into());
    }
    match serde_json::from_str(text.as_str()) {
        Ok(json) => Ok(Value::from_json(&json)),
        Err(error) => Err(Error::str(format!("{error} (while parsing {})", value.described()))),
    }
}

fn to_number(value: Value) -> ValR<Value> {
    let parsed = match &value {
        Value::Number(_) => return Ok(value),
        Value::Text(text) => format::parse_number(text.as_str()),
        _ => None,
    };
    let refusal = || Error::str(format!("{} cannot be parsed as a number", value.described()));
    parsed.map(Value::Number).ok_or_else(refusal)
}

fn has(value: &Value, key: &Value) -> ValR<Value> {
    let found = match (value, key) {
        (Value::Null, Value::Text(_) | Value::Number(_)) => false,
        (Value::Object(object), Value::Text(name)) => object.get(name.as_str()).is_some(),
        (Value::Array(array), Value::Number(index)) => {
            // Negative indices are no elements here.
            (0.0..array.items().len() as f64).contains(&index.as_f64())
        }
        _ => {
            let message = format!("Cannot check whether {} has a {} key", value.kind(), key.kind());
            return Err(Error::str(message));
        }
    };
    Ok(found.into())
}

fn contains(value: &Value, part: &Value) -> ValR<bool, Value> {
    meter::step(1);
    match (value, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (name, part) in part.iter() {
                let Some(value) = whole.get(name.as_str()) else {
                    return Ok(false);
                };
                if !contains(value, part)? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Array(whole), Value::Array(part)) => {
            for part in part.items() {
                let same_kind = whole.items().iter().filter(|value| value.kind() == part.kind());
                let found: Vec<bool> = same_kind.map(|value| contains(value, part)).collect::<Result<_, _>>()?;
                if !found.contains(&true) {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        (Value::Text(whole), Value::Text(part)) => {
            meter::step(whole.as_str().len() as u64 / 64);
            Ok(whole.as_str().contains(part.as_str()))
        }
        _ if value.kind() == part.kind() => Ok(value == part),
        _ => {
            let (value, part) = (value.described(), part.described());
            Err(Error::str(format!("{value} and {part} cannot have their containment checked")))
        }
    }
}

/// The position of the target in a sorted array; if it is missing, -1 minus the position where it belongs.
fn search(value: &Value, target: &Value) -> ValR<Value> {
    let Value::Array(array) = value else {
        return Err(Error::str(format!("{} cannot be searched from", value.described())));
    };
    // The first of equal items, other than `binary_search` promises.
    let position = array.items().partition_point(|item| item < target);
    if array.items().get(position) == Some(target) {
        return Ok(position.into());
    }
    Ok(Value::from(-1 - position as isize))
}

fn flatten(value: Value, depth: &Value) -> ValR<Value> {
    let Value::Number(depth) = depth else {
        return Err(Error::str("flatten depth must be a number"));
    };
    let depth = depth.as_f64();
    if depth < 0.0 {
        return Err(Error::str("flatten depth must not be negative"));
    }
    let mut flat = Array::default();
    for item in value.values() {
        flatten_into(&mut flat, item?, depth);
    }
    Ok(Value::Array(Rc::new(flat)))
}

fn flatten_into(flat: &mut Array, value: Value, depth: f64) {
    match value {
        Value::Array(array) if depth > 0.0 => {
            for item in array.items() {
                flatten_into(flat, item.clone(), depth - 1.0);
            }
        }
        other => flat.push(other),
    }
}

fn path_of(path: &Value) -> ValR<Rc<Array>, Value> {
    match path {
        Value::Array(path) => Ok(Rc::clone(path)),
        _ => Err(Error::str("Path must be specified as an array")),
    }
}

fn set_path(value: Value, path: &[Value], new: Value) -> ValR<Value> {
    change_path(value, path, &mut || Some(new.clone()))
}

/// Replaces what stands at a path, or removes it if there is no replacement.
fn change_path(value: Value, path: &[Value], new: &mut dyn FnMut() -> Option<Value>) -> ValR<Value> {
    meter::step(1);
    let Some((first, rest)) = path.split_first() else {
        return Ok(new().unwrap_or_default());
    };
    let new = std::cell::RefCell::new(new);
    let change = |old: Value| {
        let mut new = new.borrow_mut();
        let changed = match rest.is_empty() {
            true => new().map(Ok),
            false => Some(change_path(old, rest, *new)),
        };
        changed.map(|changed| changed.map_err(jaq_core::Exn::from)).into_iter()
    };
    let changed = value.map_index(first, Opt::Essential, change);
    changed.map_err(|exception| {
        let error = exception.get_err();
        error.unwrap_or_else(|_| Error::str("a path cannot be left by break"))
    })
}

fn delete_paths(value: Value, paths: &Value) -> ValR<Value> {
    let Value::Array(paths) = paths else {
        return Err(Error::str("Paths must be specified as an array"));
    };
    let mut paths: Vec<Rc<Array>> = paths.items().iter().map(path_of).collect::<Result<_, _>>()?;
    // From the back, so that positions stay what they were.
    paths.sort_by(|left, right| right.items().cmp(left.items()));
    paths.dedup_by(|left, right| left.items() == right.items());
    let mut value = value;
    for path in paths {
        if path.items().is_empty() {
            return Ok(Value::Null);
        }
        if exists(&value, path.items())? {
            value = change_path(value, path.items(), &mut || None)?;
        }
    }
    Ok(value)
}

/// Whether there is something at the path: deleting nothing must not create what leads to it.
fn exists(value: &Value, path: &[Value]) -> ValR<bool, Value> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(true);
    };
    match (value, first) {
        (Value::Null, _) => Ok(false),
        (Value::Array(_), Value::Object(_)) if rest.is_empty() => Ok(true),
        (Value::Array(array), Value::Number(index)) => {
            let position = index.as_f64().floor();
            let length = array.items().len() as f64;
            let position = if position < 0.0 { position + length } else { position };
            if !(0.0..length).contains(&position) {
                return Ok(false);
            }
            exists(&array.items()[position as usize], rest)
        }
        (Value::Object(object), Value::Text(name)) => match object.get(name.as_str()) {
            Some(value) => exists(value, rest),
            None => Ok(false),
        },
        _ => {
            let next = value.clone().index(first)?;
            exists(&next, rest)
        }
    }
}
