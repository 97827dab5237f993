//! The conditions of a filter on one column whose values are known in order: the rows are found, not tested.
//!
//! What is found is what [`super::column`] finds, which does the work where an order is no help.

use super::like::{LikePattern, Shape};
use super::tree::{Comparison, Filter};
use crate::index::column::Order;
use crate::schema::Value;
use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::buffer::{BooleanBuffer, Buffer};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use std::cmp::Ordering;
use std::ops::Range;

/// How many times fewer texts than rows there must be for a pattern to be tried on each text: they lie apart in memory.
const ROWS_PER_TEXT: usize = 4;

/// Distinct values, by their number.
type Values = Range<usize>;

/// Returns the rows that pass a condition on a column; `None` where the order is no help, or a wrong value is to be told.
pub(super) fn find(condition: &Filter, column: &ArrayRef, order: &Order) -> Option<BooleanBuffer> {
    let values = match condition {
        Filter::Compare { op, value, .. } => vec![compared(column, order, *op, value)?],
        Filter::Between { low, high, .. } => {
            let start = compared(column, order, Comparison::GreaterOrEqual, low)?.start;
            vec![Values { start, end: compared(column, order, Comparison::LessOrEqual, high)?.end }]
        }
        Filter::In { values, .. } => {
            let each = values.iter().map(|value| compared(column, order, Comparison::Equal, value));
            each.collect::<Option<Vec<_>>>()?
        }
        Filter::Like { pattern, .. } => like(column.as_string_opt()?, order, pattern)?,
        Filter::ArrayHasAny { items, .. } => {
            let texts: &StringArray = column.as_list_opt::<i32>()?.values().as_string_opt()?;
            items.iter().map(|item| between(order, |place| texts.value(place).cmp(item))).collect()
        }
        Filter::All | Filter::And(_) | Filter::Or(_) | Filter::Not(_) | Filter::IsNull { .. } => return None,
    };
    let rows = column.len();
    let is_list = matches!(column.data_type(), DataType::List(_));
    let in_order = order.rows(0..order.len()).len();
    Some(match values.as_slice() {
        // Most rows pass, so the others are found; a missing value counts as passing here, and one that is no number must not.
        [most] if 2 * order.rows(most.clone()).len() > rows && !is_list && in_order + column.null_count() == rows => {
            !&bits(rows, order, &[0..most.start, most.end..order.len()])
        }
        values => bits(rows, order, values),
    })
}

/// Returns the values that compare so with one.
fn compared(column: &ArrayRef, order: &Order, op: Comparison, value: &Value) -> Option<Values> {
    let equal = match (column.data_type(), value) {
        (DataType::Utf8, Value::String(text)) => {
            let texts: &StringArray = column.as_string();
            between(order, |place| texts.value(place).cmp(text))
        }
        (DataType::Int32, Value::Integer(whole)) => {
            let values = column.as_primitive::<Int32Type>().values();
            between(order, |place| i64::from(values[place]).cmp(whole))
        }
        (DataType::Int64, Value::Integer(whole)) => {
            let values = column.as_primitive::<Int64Type>().values();
            between(order, |place| values[place].cmp(whole))
        }
        (DataType::Timestamp(..), Value::Timestamp(micros)) => {
            let values = column.as_primitive::<TimestampMicrosecondType>().values();
            between(order, |place| values[place].cmp(micros))
        }
        (DataType::Float64, Value::Number(number)) => {
            let values = column.as_primitive::<Float64Type>().values();
            between(order, |place| values[place].partial_cmp(number).unwrap_or(Ordering::Less))
        }
        _ => return None,
    };
    Some(match op {
        Comparison::Equal => equal,
        Comparison::NotEqual => return None,
        Comparison::Less => 0..equal.start,
        Comparison::LessOrEqual => 0..equal.end,
        Comparison::Greater => equal.end..order.len(),
        Comparison::GreaterOrEqual => equal.start..order.len(),
    })
}

/// Returns the neighbouring values that are neither less nor greater; `compare` is told where each stands.
fn between(order: &Order, compare: impl Fn(usize) -> Ordering) -> Values {
    let less = order.count_below(|place| compare(place) == Ordering::Less);
    less..order.count_below(|place| compare(place) != Ordering::Greater)
}

fn like(texts: &StringArray, order: &Order, pattern: &LikePattern) -> Option<Vec<Values>> {
    match pattern.shape() {
        Shape::Exact(literal) => Some(vec![between(order, |place| texts.value(place).cmp(literal))]),
        Shape::Prefix(literal) => Some(vec![between(order, |place| match texts.value(place) {
            text if text.starts_with(literal) => Ordering::Equal,
            text => text.cmp(literal),
        })]),
        Shape::Suffix(_) | Shape::Contains(_) | Shape::Other if order.len() <= texts.len() / ROWS_PER_TEXT => {
            let matching = (0..order.len()).filter(|&value| pattern.matches(texts.value(order.place(value))));
            Some(matching.map(|value| value..value + 1).collect())
        }
        Shape::Suffix(_) | Shape::Contains(_) | Shape::Other => None,
    }
}

/// Returns one bit a row: whether it has one of the values.
fn bits(rows: usize, order: &Order, values: &[Values]) -> BooleanBuffer {
    let mut words = vec![0_u64; rows.div_ceil(64)];
    for &row in values.iter().flat_map(|values| order.rows(values.clone())) {
        words[row as usize / 64] |= 1 << (row % 64);
    }
    BooleanBuffer::new(Buffer::from_vec(words), 0, rows)
}
