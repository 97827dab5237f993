//! Literals: how a written value becomes one of its field's type.
//!
//! What a literal looks like in SQL is known to `token`, in JSON to `json`; both come here with a [`Value`] that
//! still has the type it was written with.

use crate::error::{Error, Result};
use crate::schema::field::parse_timestamp;
use crate::schema::{FieldType, Value};

/// 0000-01-01 and 10000-01-01 in microseconds: RFC 3339 writes years in four digits.
const YEARS_MICROS: std::ops::Range<i64> = -62_167_219_200_000_000..253_402_300_800_000_000;

/// Turns a written value into one that a field of this type is compared with.
///
/// A number meets an integer field as it is, since `page >= 2.5` has a meaning; an integer meets a number field as the
/// nearest `f64`.
pub(super) fn convert(field: &str, field_type: FieldType, written: Value) -> Result<Value> {
    Ok(match (field_type, written) {
        (FieldType::String, Value::String(text)) => Value::String(text),
        (FieldType::Integer, Value::Integer(whole)) => Value::Integer(whole),
        (FieldType::Integer, Value::Number(number)) => whole(number).map_or(Value::Number(number), Value::Integer),
        (FieldType::Number, Value::Integer(whole)) => Value::Number(whole as f64),
        // Adding zero turns -0.0, which prints otherwise than it compares, into 0.0.
        (FieldType::Number, Value::Number(number)) => Value::Number(number + 0.0),
        (FieldType::Bool, Value::Bool(flag)) => Value::Bool(flag),
        (FieldType::Timestamp, Value::Timestamp(micros)) => Value::Timestamp(micros),
        (FieldType::Timestamp, Value::String(text)) => {
            Value::Timestamp(parse_time(&text).ok_or_else(|| mismatch(field, field_type, "string"))?)
        }
        (_, written) => return Err(mismatch(field, field_type, type_name(&written))),
    })
}

/// Builds the error for a value that a field is not compared with.
pub(super) fn mismatch(field: &str, field_type: FieldType, found: &'static str) -> Error {
    Error::FieldTypeMismatch { field: field.to_owned(), expected: field_type.name(), found }
}

/// Returns what a written value is called in a message: a literal without a fraction is a number, too.
pub(super) fn type_name(written: &Value) -> &'static str {
    match written {
        Value::Integer(_) => FieldType::Number.name(),
        other => other.field_type().name(),
    }
}

/// Reads a number in decimal digits; `None` where it is none or no finite one.
pub(super) fn parse_number(digits: &str) -> Option<Value> {
    if let Ok(whole) = digits.parse::<i64>() {
        return Some(Value::Integer(whole));
    }
    digits.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::Number)
}

/// Reads a date, or a date and time, as microseconds since the epoch.
///
/// `T` or a space stands between them; without a zone it is UTC, as everything stored is; a bare date is its midnight.
pub(super) fn parse_time(text: &str) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let time = match time.as_bytes().first() {
        None => "T00:00:00".to_owned(),
        Some(b' ') => format!("T{}", &time[1..]),
        Some(_) => time.to_owned(),
    };
    parse_timestamp(&format!("{date}{time}"))
        .or_else(|| parse_timestamp(&format!("{date}{time}Z")))
        .filter(|micros| YEARS_MICROS.contains(micros))
}

/// Returns the integer that equals a number.
fn whole(number: f64) -> Option<i64> {
    const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-TWO_TO_63..TWO_TO_63).contains(&number)).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_with_and_without_its_parts() {
        let midnight = parse_time("2026-03-01T00:00:00Z");
        assert_eq!(midnight, Some(1_772_323_200_000_000));
        for same in ["2026-03-01", "2026-03-01 00:00:00", "2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00.000"] {
            assert_eq!(parse_time(same), midnight, "{same}");
        }
        for none in ["", "2026", "2026-13-01", "2026-3-1", "2026-03-01 ", "2026-03-0é", "0000-01-01T00:00:00+01:00"] {
            assert_eq!(parse_time(none), None, "{none}");
        }
    }

    #[test]
    fn a_number_becomes_an_integer_where_one_equals_it() {
        let page = |number| convert("page", FieldType::Integer, Value::Number(number)).unwrap();
        assert_eq!(page(-2.0), Value::Integer(-2));
        assert_eq!(page(2.5), Value::Number(2.5));
        assert_eq!(page(9_223_372_036_854_775_808.0), Value::Number(9_223_372_036_854_775_808.0));
        assert_eq!(page(-9_223_372_036_854_775_808.0), Value::Integer(i64::MIN));
        assert_eq!(parse_number("1e999"), None);
    }
}
