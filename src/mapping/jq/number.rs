//! Numbers: doubles, as jq has them, except that whole numbers that nobody calculated with stay exact.

use std::cmp::Ordering;
use std::fmt;

/// Up to here a double tells all whole numbers apart.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    Whole(i64),
    /// More than fits into `Whole`.
    Large(u64),
    /// Whole only if written with a fraction or too large for the others.
    Double(f64),
}

impl Number {
    /// A calculated number: whole if it can be.
    pub(super) fn calculated(value: f64) -> Self {
        if value.fract() == 0.0 && value.abs() <= EXACT && !(value == 0.0 && value.is_sign_negative()) {
            return Self::Whole(value as i64);
        }
        Self::Double(value)
    }

    /// A number as written in a text, which keeps a fraction of zero.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(whole) = text.parse() {
            return Some(Self::Whole(whole));
        }
        if let Ok(large) = text.parse() {
            return Some(Self::Large(large));
        }
        text.parse().ok().map(Self::Double)
    }

    pub(super) fn as_f64(self) -> f64 {
        match self {
            Self::Whole(whole) => whole as f64,
            Self::Large(large) => large as f64,
            Self::Double(double) => double,
        }
    }

    pub(super) fn as_isize(self) -> Option<isize> {
        match self {
            Self::Whole(whole) => isize::try_from(whole).ok(),
            Self::Large(_) => None,
            Self::Double(double) => (double.fract() == 0.0 && double.abs() < EXACT).then_some(double as isize),
        }
    }

    pub(super) fn is_nan(self) -> bool {
        matches!(self, Self::Double(double) if double.is_nan())
    }

    /// As JSON: whole numbers without a fraction; no number becomes null, the infinite the largest double.
    pub(super) fn to_json(self) -> serde_json::Value {
        match self {
            Self::Whole(whole) => whole.into(),
            Self::Large(large) => large.into(),
            Self::Double(double) if double.is_nan() => serde_json::Value::Null,
            Self::Double(double) if double.is_infinite() => f64::MAX.copysign(double).into(),
            Self::Double(double) if double.fract() == 0.0 && double.abs() < i64::MAX as f64 => (double as i64).into(),
            Self::Double(double) if double.fract() == 0.0 && (0.0..u64::MAX as f64).contains(&double) => {
                (double as u64).into()
            }
            Self::Double(double) => double.into(),
        }
    }

    /// The order of jq's sort: what is no number comes first.
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(left), Self::Whole(right)) => left.cmp(&right),
            (Self::Large(left), Self::Large(right)) => left.cmp(&right),
            _ => match (self.as_f64(), other.as_f64()) {
                (left, right) if left.is_nan() || right.is_nan() => right.is_nan().cmp(&left.is_nan()),
                (left, right) => left.partial_cmp(&right).unwrap_or(Ordering::Equal),
            },
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let double = match self {
            Self::Whole(whole) => return whole.fmt(formatter),
            Self::Large(large) => return large.fmt(formatter),
            Self::Double(double) if double.is_nan() => return formatter.write_str("null"),
            Self::Double(double) if double.is_infinite() => f64::MAX.copysign(*double),
            Self::Double(double) => *double,
        };
        let text = format!("{double:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i32;
        let digits_before_point = exponent.parse::<i32>().unwrap_or(0) + 1;
        if digits_before_point > -4 && digits_before_point <= digits + 15 {
            let was_written_with_fraction = double.fract() == 0.0 && double.abs() <= EXACT && double != 0.0;
            return match was_written_with_fraction {
                true => write!(formatter, "{double:.1}"),
                false => write!(formatter, "{double}"),
            };
        }
        // C writes exponents with a sign and at least two digits.
        let (sign, digits) = match exponent.strip_prefix('-') {
            Some(digits) => ('-', digits),
            None => ('+', exponent),
        };
        write!(formatter, "{mantissa}e{sign}{digits:0>2}")
    }
}
