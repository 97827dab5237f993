//! Types and values of metadata, and their JSON and Arrow forms.
//!
//! A metadata value is a string, number, bool, timestamp or list of strings, or absent. How fields are compared in a
//! filter is not decided here (`query/filter`).

use crate::error::{Error, Result};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest name of a metadata field, in bytes.
pub const FIELD_NAME_BYTES_MAX: usize = 128;
/// Largest whole number that a `number` holds exactly.
const EXACT_INTEGER_MAX: i64 = 1 << 53;

/// Type of a metadata field, and so of one column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldType {
    /// UTF-8 text.
    String,
    /// 64-bit whole number; only by declaration, since a number in JSON may grow a fraction later.
    #[serde(alias = "int")]
    Integer,
    /// 64-bit floating-point number.
    #[serde(alias = "float")]
    Number,
    /// True or false.
    #[serde(alias = "boolean")]
    Bool,
    /// Instant in UTC with microseconds.
    Timestamp,
    /// List of UTF-8 texts.
    #[serde(alias = "list", alias = "strings")]
    StringList,
}

/// One metadata field of a collection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// Name, as in JSON and in the table.
    pub name: String,
    /// Type, fixed by the first value or by declaration.
    #[serde(rename = "type")]
    pub field_type: FieldType,
}

/// One value of a metadata field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    String(String),
    /// Whole number of a declared `integer` field.
    Integer(i64),
    /// Finite number.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// List of texts.
    StringList(Vec<String>),
}

/// Metadata of one chunk or document: present values by field name.
pub type Metadata = BTreeMap<String, Value>;

impl FieldType {
    /// Returns the name used in requests and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
            Self::StringList => "string_list",
        }
    }

    /// Returns the column type that stores it.
    pub fn arrow(self) -> DataType {
        match self {
            Self::String => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Number => DataType::Float64,
            Self::Bool => DataType::Boolean,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
            Self::StringList => DataType::new_list(DataType::Utf8, true),
        }
    }

    /// Returns the type that a column stores, `None` for columns that hold no metadata.
    pub fn from_arrow(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Utf8 => Some(Self::String),
            DataType::Int32 | DataType::Int64 => Some(Self::Integer),
            DataType::Float64 => Some(Self::Number),
            DataType::Boolean => Some(Self::Bool),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Some(Self::Timestamp),
            DataType::List(item) if item.data_type() == &DataType::Utf8 => Some(Self::StringList),
            _ => None,
        }
    }
}

impl Value {
    /// Returns the type that this value has by itself.
    pub fn field_type(&self) -> FieldType {
        match self {
            Self::String(_) => FieldType::String,
            Self::Integer(_) => FieldType::Integer,
            Self::Number(_) => FieldType::Number,
            Self::Bool(_) => FieldType::Bool,
            Self::Timestamp(_) => FieldType::Timestamp,
            Self::StringList(_) => FieldType::StringList,
        }
    }

    /// Reads a value from JSON; null is `None`.
    ///
    /// A known field decides the type; without one, a whole RFC 3339 date and time becomes a timestamp and any number a
    /// `number`. A value that the type cannot hold exactly is an error that names the field and both types.
    pub fn from_json(field: &str, known: Option<FieldType>, json: &serde_json::Value) -> Result<Option<Self>> {
        use serde_json::Value as Json;
        let clash = |found: &'static str| Error::FieldTypeMismatch {
            field: field.to_owned(),
            expected: known.map_or("string, number, bool, timestamp or list of strings", FieldType::name),
            found,
        };
        Ok(Some(match (json, known) {
            (Json::Null, _) => return Ok(None),
            (Json::String(text), Some(FieldType::Timestamp)) => {
                Self::Timestamp(parse_timestamp(text).ok_or_else(|| clash("string"))?)
            }
            (Json::String(text), Some(FieldType::String)) => Self::String(text.clone()),
            (Json::String(text), None) => match parse_timestamp(text) {
                Some(micros) => Self::Timestamp(micros),
                None => Self::String(text.clone()),
            },
            (Json::Number(number), Some(FieldType::Integer)) => {
                Self::Integer(number.as_i64().ok_or_else(|| clash("number"))?)
            }
            (Json::Number(number), None | Some(FieldType::Number)) => {
                let exact = number.as_i64().is_none_or(|whole| whole.abs() <= EXACT_INTEGER_MAX);
                let value = number.as_f64().filter(|value| value.is_finite() && exact);
                Self::Number(value.ok_or_else(|| clash("integer beyond 2^53: declare the field as integer"))?)
            }
            (Json::Bool(flag), None | Some(FieldType::Bool)) => Self::Bool(*flag),
            (Json::Array(items), None | Some(FieldType::StringList)) => Self::StringList(
                items
                    .iter()
                    .map(|item| item.as_str().map(str::to_owned).ok_or_else(|| clash("list of other things")))
                    .collect::<Result<_>>()?,
            ),
            (Json::String(_), Some(_)) => return Err(clash("string")),
            (Json::Number(_), Some(_)) => return Err(clash("number")),
            (Json::Bool(_), Some(_)) => return Err(clash("bool")),
            (Json::Array(_), Some(_)) => return Err(clash("list")),
            (Json::Object(_), _) => return Err(clash("object")),
        }))
    }

    /// Returns the JSON form: whole numbers without a fraction, timestamps as RFC 3339 in UTC.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::String(text) => text.clone().into(),
            Self::Integer(whole) => (*whole).into(),
            Self::Number(number) if number.fract() == 0.0 && number.abs() <= EXACT_INTEGER_MAX as f64 => {
                (*number as i64).into()
            }
            Self::Number(number) => (*number).into(),
            Self::Bool(flag) => (*flag).into(),
            Self::Timestamp(micros) => format_timestamp(*micros).into(),
            Self::StringList(items) => items.clone().into(),
        }
    }
}

/// Reads an RFC 3339 date and time with zone as microseconds since the epoch.
pub fn parse_timestamp(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() < 20 || !matches!(bytes[10], b'T' | b't') {
        return None;
    }
    DateTime::parse_from_rfc3339(text).ok().map(|instant| instant.timestamp_micros())
}

/// Writes microseconds since the epoch as RFC 3339 in UTC, with a fraction only where there is one.
pub fn format_timestamp(micros: i64) -> String {
    match DateTime::<Utc>::from_timestamp_micros(micros) {
        Some(instant) => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => micros.to_string(),
    }
}

/// Checks the name of a metadata field: 1 to 128 bytes, no control characters, none of `` . ` " ' `` and no leading `_`.
pub fn check_field_name(name: &str) -> Result<()> {
    let forbidden = |c: char| c.is_control() || matches!(c, '.' | '`' | '"' | '\'');
    let well_formed = (1..=FIELD_NAME_BYTES_MAX).contains(&name.len())
        && name.trim() == name
        && !name.starts_with('_')
        && !name.chars().any(forbidden);
    if well_formed { Ok(()) } else { Err(Error::InvalidFieldName { field: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(known: Option<FieldType>, json: serde_json::Value) -> Result<Option<Value>> {
        Value::from_json("f", known, &json)
    }

    #[test]
    fn a_value_round_trips_through_json() {
        for json in [json!("a"), json!(2020), json!(1.5), json!(true), json!(["x", "y"]), json!("2026-03-01T00:00:00Z")]
        {
            assert_eq!(read(None, json.clone()).unwrap().unwrap().to_json(), json);
        }
        assert_eq!(read(None, json!(null)).unwrap(), None);
    }

    #[test]
    fn timestamps_are_compared_as_instants() {
        let zulu = read(None, json!("2026-03-01T00:00:00Z")).unwrap();
        let offset = read(None, json!("2026-03-01T08:00:00+08:00")).unwrap();
        assert_eq!(zulu, offset);
        assert!(matches!(read(None, json!("2026-03-01")).unwrap(), Some(Value::String(_))));
    }

    #[test]
    fn a_type_clash_names_the_field_and_both_types() {
        let error = read(Some(FieldType::Number), json!("x")).unwrap_err().to_string();
        assert!(error.contains('f') && error.contains("number") && error.contains("string"), "{error}");
        assert!(read(Some(FieldType::Integer), json!(1.5)).is_err());
        assert!(read(None, json!({"a": 1})).is_err());
        assert!(read(None, json!([1])).is_err());
        assert!(read(None, json!(9007199254740993_i64)).is_err());
    }

    #[test]
    fn field_names_that_no_table_can_hold_are_refused() {
        for name in ["", "a.b", "_rowid", "a`b", " a", "a\"b", &"x".repeat(129)] {
            assert!(check_field_name(name).is_err(), "{name:?}");
        }
        assert!(check_field_name("部门").is_ok());
    }
}
