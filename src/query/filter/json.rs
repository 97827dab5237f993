//! Reads the JSON form of a filter, which says the same as the SQL form.
//!
//! Exact about keys and operators: what is not understood is refused, since a condition that is passed over would find
//! rows that nobody asked for.

use super::limit::{self, Budget, FILTER_BYTES_MAX, LIST_ITEMS_MAX};
use super::literal::mismatch;
use super::operand::Operand;
use super::tree::{Comparison, Filter};
use crate::error::{Error, Result};
use crate::schema::{CollectionSchema, Value};
use serde_json::{Map, Value as Json};

impl Filter {
    /// Reads the filter of a request: a string in SQL form or an object in JSON form.
    pub fn from_request(json: &Json, schema: &CollectionSchema) -> Result<Self> {
        match json {
            Json::String(text) => Self::parse_sql(text, schema),
            Json::Object(_) => Self::parse_json(json, schema),
            other => Err(expected("a string or an object", other)),
        }
    }

    /// Reads a filter in JSON form.
    ///
    /// `== null` and `!= null` mean `IS NULL` and `IS NOT NULL`; an empty `and` or `or` is refused; an empty list in
    /// `in` passes nothing. A backslash escapes in `like`.
    pub fn parse_json(json: &Json, schema: &CollectionSchema) -> Result<Self> {
        read(json, schema, &mut Budget::default())
    }
}

fn read(json: &Json, schema: &CollectionSchema, budget: &mut Budget) -> Result<Filter> {
    let Json::Object(object) = json else { return Err(expected("an object", json)) };
    let mut entries = object.iter();
    let only = entries.next().filter(|_| object.len() == 1);
    match only.map(|(key, value)| (key.as_str(), value)) {
        Some(("and", parts)) => read_parts("and", parts, schema, budget).map(Filter::and),
        Some(("or", parts)) => read_parts("or", parts, schema, budget).map(Filter::or),
        Some(("not", part)) => {
            budget.enter()?;
            let filter = read(part, schema, budget)?;
            budget.leave();
            Ok(Filter::negate(filter))
        }
        _ => {
            budget.condition()?;
            read_condition(object, schema)
        }
    }
}

fn read_parts(key: &str, json: &Json, schema: &CollectionSchema, budget: &mut Budget) -> Result<Vec<Filter>> {
    match json {
        Json::Array(parts) if !parts.is_empty() => {
            budget.enter()?;
            let filters = parts.iter().map(|part| read(part, schema, budget)).collect::<Result<_>>()?;
            budget.leave();
            Ok(filters)
        }
        Json::Array(_) => Err(malformed(format!("expected at least one filter in \"{key}\", found []"))),
        other => Err(expected(&format!("a list of filters in \"{key}\""), other)),
    }
}

fn read_condition(object: &Map<String, Json>, schema: &CollectionSchema) -> Result<Filter> {
    if let Some(key) = object.keys().find(|key| !matches!(key.as_str(), "field" | "op" | "value")) {
        return Err(malformed(format!(
            "expected field, op and value, or one of and, or, not, found \"{}\"",
            shown(key)
        )));
    }
    let operand = Operand::resolve(read_text(object, "field")?, schema)?;
    let op = read_text(object, "op")?;
    match (op, object.get("value")) {
        ("exists", None | Some(Json::Bool(true))) => Ok(Filter::negate(operand.without_value())),
        ("exists", Some(Json::Bool(false))) => Ok(operand.without_value()),
        ("exists", Some(other)) => Err(expected("true or false", other)),
        ("==", Some(Json::Null)) => Ok(operand.without_value()),
        ("!=", Some(Json::Null)) => Ok(Filter::negate(operand.without_value())),
        (op, Some(value)) => read_with_value(operand, op, value),
        (_, None) => Err(malformed("expected \"value\", found none".to_owned())),
    }
}

fn read_with_value(operand: Operand, op: &str, json: &Json) -> Result<Filter> {
    if let Some(comparison) = read_comparison(op) {
        let value = read_literal(&operand, json)?;
        return operand.compare(comparison, value);
    }
    match op {
        "in" => read_in(operand, json),
        "not_in" => read_in(operand, json).map(Filter::negate),
        "like" => {
            let Json::String(pattern) = json else { return Err(expected("a pattern", json)) };
            operand
                .like(pattern, Some('\\'))?
                .ok_or_else(|| malformed("expected a character after the escape, found the end".to_owned()))
        }
        "array_has" => {
            let item = operand.convert_item(read_literal(&operand, json)?)?;
            operand.array_has_any(vec![item])
        }
        "array_has_any" => {
            let items = read_list(json, |item| operand.convert_item(read_literal(&operand, item)?))?;
            operand.array_has_any(items)
        }
        other => Err(malformed(format!(
            "expected one of == != < <= > >= in not_in like exists array_has array_has_any, found \"{}\"",
            shown(other)
        ))),
    }
}

fn read_comparison(op: &str) -> Option<Comparison> {
    Some(match op {
        "==" => Comparison::Equal,
        "!=" => Comparison::NotEqual,
        "<" => Comparison::Less,
        "<=" => Comparison::LessOrEqual,
        ">" => Comparison::Greater,
        ">=" => Comparison::GreaterOrEqual,
        _ => return None,
    })
}

fn read_in(operand: Operand, json: &Json) -> Result<Filter> {
    let values = read_list(json, |item| operand.convert(read_literal(&operand, item)?))?;
    operand.in_list(values)
}

fn read_list<T>(json: &Json, convert: impl Fn(&Json) -> Result<T>) -> Result<Vec<T>> {
    let Json::Array(items) = json else { return Err(expected("a list", json)) };
    limit::check("items of a filter list", items.len(), LIST_ITEMS_MAX)?;
    items.iter().map(convert).collect()
}

/// Reads a single value, with the type it is written with.
fn read_literal(operand: &Operand, json: &Json) -> Result<Value> {
    let mismatch = |found| mismatch(&operand.field, operand.field_type, found);
    match json {
        Json::String(text) => {
            limit::check("bytes of a filter text", text.len(), FILTER_BYTES_MAX)?;
            Ok(Value::String(text.clone()))
        }
        Json::Bool(flag) => Ok(Value::Bool(*flag)),
        Json::Number(number) => match (number.as_i64(), number.as_f64().filter(|number| number.is_finite())) {
            (Some(whole), _) => Ok(Value::Integer(whole)),
            (None, Some(number)) => Ok(Value::Number(number)),
            (None, None) => Err(malformed("expected a 64-bit number, found a larger one".to_owned())),
        },
        Json::Null => Err(expected("a value", json)),
        Json::Array(_) => Err(mismatch("list")),
        Json::Object(_) => Err(mismatch("object")),
    }
}

fn read_text<'a>(object: &'a Map<String, Json>, key: &str) -> Result<&'a str> {
    match object.get(key) {
        Some(Json::String(text)) => Ok(text),
        Some(other) => Err(expected(&format!("a string as \"{key}\""), other)),
        None => Err(malformed(format!("expected \"{key}\", found none"))),
    }
}

fn expected(what: &str, found: &Json) -> Error {
    let found = match found {
        Json::Null => "null",
        Json::Bool(_) => "a bool",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "a list",
        Json::Object(_) => "an object",
    };
    malformed(format!("expected {what}, found {found}"))
}

/// Builds the error; the JSON form has no position.
fn malformed(detail: String) -> Error {
    Error::InvalidFilter { position: 0, detail }
}

/// Shortens a caller's text for a message.
fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}
