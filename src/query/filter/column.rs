//! The conditions of a filter on one column: values in, one bit a row out.
//!
//! What a bit says for a row without a value does not matter here: `evaluate` clears it.

use super::like::{LikePattern, Shape};
use super::tree::Comparison;
use crate::schema::{FieldType, Value};
use arrow::array::{Array, ArrayRef, AsArray, BooleanBufferBuilder, StringArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::comparison::{contains, ends_with};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use std::collections::HashSet;

/// Longest list that is compared item by item, one fast pass each, instead of by look-up. Measured: a hashed look-up
/// costs as much as twelve passes over texts, a sorted one as much as six over numbers.
const LINEAR_ITEMS_MAX: usize = 8;

/// Bytes of a text that are compared at once.
const WORD_BYTES: usize = size_of::<u64>();

/// The column is not of the type that the filter compares with.
pub(super) struct Clash {
    pub(super) found: &'static str,
}

/// Returns the rows whose value compares so with one of the column's type.
pub(super) fn compare(column: &ArrayRef, op: Comparison, value: &Value) -> Result<BooleanBuffer, Clash> {
    Ok(match (column.data_type(), value) {
        (DataType::Utf8, Value::String(text)) => compare_texts(column.as_string(), op, text),
        (DataType::Int32, Value::Integer(whole)) => {
            compare_values(column.as_primitive::<Int32Type>().values(), i64::from, op, *whole)
        }
        (DataType::Int64, Value::Integer(whole)) => {
            compare_values(column.as_primitive::<Int64Type>().values(), |value| value, op, *whole)
        }
        (DataType::Int32 | DataType::Int64, Value::Number(number)) => match between_integers(op, *number) {
            Some((op, whole)) => compare(column, op, &Value::Integer(whole))?,
            None => BooleanBuffer::new_unset(column.len()),
        },
        (DataType::Float64, Value::Number(number)) => {
            compare_values(column.as_primitive::<Float64Type>().values(), |value| value, op, *number)
        }
        (DataType::Timestamp(TimeUnit::Microsecond, _), Value::Timestamp(micros)) => {
            compare_values(column.as_primitive::<TimestampMicrosecondType>().values(), |value| value, op, *micros)
        }
        (DataType::Boolean, Value::Bool(flag)) => compare_bools(column.as_boolean().values(), op, *flag),
        (_, value) => return Err(Clash { found: value.field_type().name() }),
    })
}

/// Returns the rows whose value is one of the list.
pub(super) fn is_in(column: &ArrayRef, values: &[Value]) -> Result<BooleanBuffer, Clash> {
    if values.len() <= LINEAR_ITEMS_MAX {
        return values.iter().try_fold(BooleanBuffer::new_unset(column.len()), |bits, value| {
            Ok(&bits | &compare(column, Comparison::Equal, value)?)
        });
    }
    let keys = |key: fn(&Value) -> Option<u64>| {
        let mut keys: Vec<u64> = values.iter().filter_map(key).collect();
        keys.sort_unstable();
        keys
    };
    Ok(match (column.data_type(), &values[0]) {
        (DataType::Utf8, Value::String(_)) => {
            let items: Vec<&str> = values.iter().filter_map(text).collect();
            are_texts_in(column.as_string(), &items)
        }
        (DataType::Int32, Value::Integer(_) | Value::Number(_)) => {
            let keys = keys(integer_key);
            let values = column.as_primitive::<Int32Type>().values();
            test_values(values, |value| keys.binary_search(&(i64::from(value) as u64)).is_ok())
        }
        (DataType::Int64, Value::Integer(_) | Value::Number(_)) => {
            let keys = keys(integer_key);
            let values = column.as_primitive::<Int64Type>().values();
            test_values(values, |value| keys.binary_search(&(value as u64)).is_ok())
        }
        (DataType::Timestamp(TimeUnit::Microsecond, _), Value::Timestamp(_)) => {
            let keys = keys(integer_key);
            let values = column.as_primitive::<TimestampMicrosecondType>().values();
            test_values(values, |value| keys.binary_search(&(value as u64)).is_ok())
        }
        (DataType::Float64, Value::Number(_)) => {
            let keys = keys(number_key);
            let values = column.as_primitive::<Float64Type>().values();
            test_values(values, |value| keys.binary_search(&bits_of(value)).is_ok())
        }
        (_, value) => return Err(Clash { found: value.field_type().name() }),
    })
}

/// Returns the rows whose text has the pattern's shape.
pub(super) fn is_like(column: &ArrayRef, pattern: &LikePattern) -> Result<BooleanBuffer, Clash> {
    let clash = Clash { found: FieldType::String.name() };
    let Some(texts) = column.as_string_opt::<i32>() else { return Err(clash) };
    let shape = pattern.shape();
    let kernel = match shape {
        Shape::Exact(literal) => return Ok(equal_texts(texts, literal)),
        Shape::Prefix(literal) => return Ok(texts_from(texts, literal, |length| length >= literal.len())),
        Shape::Suffix(literal) => ends_with(texts, &StringArray::new_scalar(literal)),
        Shape::Contains(literal) => contains(texts, &StringArray::new_scalar(literal)),
        Shape::Other => return Ok(test_texts(texts, |text| pattern.matches(text))),
    };
    kernel.map(|found| found.values().clone()).map_err(|_| clash)
}

/// Returns the rows whose list has at least one of the items.
pub(super) fn has_any(column: &ArrayRef, items: &[String]) -> Result<BooleanBuffer, Clash> {
    let clash = Clash { found: FieldType::StringList.name() };
    let Some(lists) = column.as_list_opt::<i32>() else { return Err(clash) };
    let Some(texts) = lists.values().as_string_opt::<i32>() else { return Err(clash) };
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let found = are_texts_in(texts, &items);
    let found = match texts.nulls() {
        Some(present) => &found & present.inner(),
        None => found,
    };
    Ok(rows_of_items(&found, lists.value_offsets()))
}

/// Returns the rows that own at least one of the items that were found.
///
/// Goes from hit to hit: asking each row for its items costs five times as much where hits are few.
fn rows_of_items(found: &BooleanBuffer, ends: &[i32]) -> BooleanBuffer {
    let rows = ends.len() - 1;
    let mut bits = BooleanBufferBuilder::new(rows);
    bits.append_n(rows, false);
    let mut row = 0;
    for item in found.set_indices() {
        while row < rows && ends[row + 1] as usize <= item {
            row += 1;
        }
        // A slice has items before its first row and after its last one.
        if row < rows && item >= ends[row] as usize {
            bits.set_bit(row, true);
        }
    }
    bits.finish()
}

/// Turns a comparison of integers with a number that no `i64` equals into one with an integer; `None` never holds.
fn between_integers(op: Comparison, number: f64) -> Option<(Comparison, i64)> {
    let below_all = number < i64::MIN as f64;
    // The cast stops at the ends of `i64`, which is right for every number above them.
    let floor = number.floor() as i64;
    match op {
        Comparison::Less | Comparison::LessOrEqual if below_all => None,
        Comparison::Less | Comparison::LessOrEqual => Some((Comparison::LessOrEqual, floor)),
        Comparison::Greater | Comparison::GreaterOrEqual if below_all => Some((Comparison::GreaterOrEqual, i64::MIN)),
        Comparison::Greater | Comparison::GreaterOrEqual => Some((Comparison::Greater, floor)),
        Comparison::Equal => None,
        Comparison::NotEqual => Some((Comparison::GreaterOrEqual, i64::MIN)),
    }
}

/// Compares every value; the choice of `op` stands outside the loop, so that each loop is one instruction wide.
fn compare_values<T: Copy, K: PartialOrd + Copy>(
    values: &[T],
    key: impl Fn(T) -> K,
    op: Comparison,
    limit: K,
) -> BooleanBuffer {
    match op {
        Comparison::Equal => test_values(values, |value| key(value) == limit),
        Comparison::NotEqual => test_values(values, |value| key(value) != limit),
        Comparison::Less => test_values(values, |value| key(value) < limit),
        Comparison::LessOrEqual => test_values(values, |value| key(value) <= limit),
        Comparison::Greater => test_values(values, |value| key(value) > limit),
        Comparison::GreaterOrEqual => test_values(values, |value| key(value) >= limit),
    }
}

fn compare_texts(texts: &StringArray, op: Comparison, limit: &str) -> BooleanBuffer {
    match op {
        Comparison::Equal => equal_texts(texts, limit),
        Comparison::NotEqual => !&equal_texts(texts, limit),
        Comparison::Less => test_texts(texts, |text| text < limit),
        Comparison::LessOrEqual => test_texts(texts, |text| text <= limit),
        Comparison::Greater => test_texts(texts, |text| text > limit),
        Comparison::GreaterOrEqual => test_texts(texts, |text| text >= limit),
    }
}

/// Returns the rows whose text starts with this one and is of a length that fits.
///
/// The first pass looks at the length and at the first eight bytes as one word, without a branch; the second, for
/// longer texts only, at what that left over.
fn texts_from(texts: &StringArray, start: &str, length_fits: impl Fn(usize) -> bool) -> BooleanBuffer {
    let (data, ends, start) = (texts.value_data(), texts.value_offsets(), start.as_bytes());
    let head = first_word(start);
    let mask = if start.len() < WORD_BYTES { (1 << (8 * start.len())) - 1 } else { u64::MAX };
    let likely = BooleanBuffer::collect_bool(texts.len(), |row| {
        let (from, to) = (ends[row] as usize, ends[row + 1] as usize);
        length_fits(to - from) & (first_word(&data[from..]) & mask == head)
    });
    if start.len() <= WORD_BYTES {
        return likely;
    }
    BooleanBuffer::collect_bool(texts.len(), |row| likely.value(row) && data[ends[row] as usize..].starts_with(start))
}

/// Returns the first bytes as one word, with zeros after the end.
fn first_word(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<WORD_BYTES>() {
        Some(word) => u64::from_le_bytes(*word),
        None => bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte)),
    }
}

fn equal_texts(texts: &StringArray, wanted: &str) -> BooleanBuffer {
    texts_from(texts, wanted, |length| length == wanted.len())
}

fn are_texts_in(texts: &StringArray, items: &[&str]) -> BooleanBuffer {
    if items.len() <= LINEAR_ITEMS_MAX {
        let none = BooleanBuffer::new_unset(texts.len());
        return items.iter().fold(none, |bits, item| &bits | &equal_texts(texts, item));
    }
    let items: HashSet<&str> = items.iter().copied().collect();
    test_texts(texts, |text| items.contains(text))
}

/// Compares bools, false before true.
fn compare_bools(bits: &BooleanBuffer, op: Comparison, limit: bool) -> BooleanBuffer {
    let constant =
        |holds| if holds { BooleanBuffer::new_set(bits.len()) } else { BooleanBuffer::new_unset(bits.len()) };
    match (op, limit) {
        (Comparison::Equal | Comparison::GreaterOrEqual, true)
        | (Comparison::NotEqual | Comparison::Greater, false) => bits.clone(),
        (Comparison::Equal | Comparison::LessOrEqual, false) | (Comparison::NotEqual | Comparison::Less, true) => !bits,
        (Comparison::LessOrEqual, true) | (Comparison::GreaterOrEqual, false) => constant(true),
        (Comparison::Greater, true) | (Comparison::Less, false) => constant(false),
    }
}

fn test_values<T: Copy>(values: &[T], passes: impl Fn(T) -> bool) -> BooleanBuffer {
    BooleanBuffer::collect_bool(values.len(), |row| passes(values[row]))
}

fn test_texts(texts: &StringArray, passes: impl Fn(&str) -> bool) -> BooleanBuffer {
    BooleanBuffer::collect_bool(texts.len(), |row| passes(texts.value(row)))
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// Returns what stands for an integer or an instant in a look-up; a number that is none equals none.
fn integer_key(value: &Value) -> Option<u64> {
    match value {
        Value::Integer(whole) | Value::Timestamp(whole) => Some(*whole as u64),
        _ => None,
    }
}

fn number_key(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => Some(bits_of(*number)),
        _ => None,
    }
}

/// Returns bits that are equal where numbers are: adding zero makes one zero of two.
fn bits_of(number: f64) -> u64 {
    (number + 0.0).to_bits()
}
