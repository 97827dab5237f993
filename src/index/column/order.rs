//! The rows of a segment in the order of one column's values, so that a condition finds its rows instead of testing all.
//!
//! The distinct values stand in rising order, each with its rows: those of one value are its posting list, and those of a
//! range of values lie side by side. Of a list, every item is a value. Values are not copied; each is known by a place in
//! the column where it stands. Which values a condition asks for is known to `query/filter`.

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use std::cmp::Ordering;
use std::ops::Range;

/// Rows by value; those without one are left out, and so are those whose number is none.
pub struct Order {
    /// Rows by value, rising for each one.
    rows: Vec<u32>,
    /// Where in `rows` each distinct value begins, and the end of the last one.
    starts: Vec<u32>,
    /// Where each distinct value stands: a row, or of a list column the place of an item.
    places: Vec<u32>,
}

impl Order {
    /// Puts the rows of a column in order; `None` where its type has no order worth keeping.
    pub fn new(column: &ArrayRef) -> Option<Self> {
        let rows = (0..column.len()).filter(|&row| column.is_valid(row));
        Some(match column.data_type() {
            DataType::Utf8 => {
                let texts: &StringArray = column.as_string();
                sorted(rows.map(|row| (texts.value(row), row as u32)).collect())
            }
            DataType::Int32 => {
                let values = column.as_primitive::<Int32Type>().values();
                sorted(rows.map(|row| (values[row], row as u32)).collect())
            }
            DataType::Int64 => {
                let values = column.as_primitive::<Int64Type>().values();
                sorted(rows.map(|row| (values[row], row as u32)).collect())
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let values = column.as_primitive::<TimestampMicrosecondType>().values();
                sorted(rows.map(|row| (values[row], row as u32)).collect())
            }
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>().values();
                sorted(rows.filter(|&row| !values[row].is_nan()).map(|row| (values[row], row as u32)).collect())
            }
            DataType::List(_) => by_item(column.as_list())?,
            _ => return None,
        })
    }

    /// Returns the number of distinct values.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns whether no row has a value.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the bytes held in memory.
    pub fn bytes(&self) -> usize {
        (self.rows.len() + self.starts.len() + self.places.len()) * size_of::<u32>()
    }

    /// Returns where a distinct value stands in the column, or among the items of a list column.
    pub fn place(&self, value: usize) -> usize {
        self.places[value] as usize
    }

    /// Returns the number of distinct values before the first one that is not below; `is_below` is told its place.
    pub fn count_below(&self, is_below: impl Fn(usize) -> bool) -> usize {
        self.places.partition_point(|&place| is_below(place as usize))
    }

    /// Returns the rows of neighbouring distinct values.
    pub fn rows(&self, values: Range<usize>) -> &[u32] {
        if values.is_empty() {
            return &[];
        }
        &self.rows[self.starts[values.start] as usize..self.starts[values.end] as usize]
    }
}

/// Makes an order of values with their places, which rise.
fn sorted<V: PartialOrd>(mut values: Vec<(V, u32)>) -> Order {
    values.sort_by(|(a, _), (b, _)| a.partial_cmp(b).unwrap_or(Ordering::Equal));
    let (mut starts, mut places) = (Vec::new(), Vec::new());
    for (at, (value, place)) in values.iter().enumerate() {
        if at == 0 || values[at - 1].0 != *value {
            starts.push(at as u32);
            places.push(*place);
        }
    }
    starts.push(values.len() as u32);
    starts.shrink_to_fit();
    places.shrink_to_fit();
    Order { rows: values.iter().map(|&(_, place)| place).collect(), starts, places }
}

/// Makes the order of the items of lists of texts.
fn by_item(lists: &ListArray) -> Option<Order> {
    let texts = lists.values().as_string_opt::<i32>()?;
    let offsets = lists.value_offsets();
    let mut owners = vec![0; texts.len()];
    let mut items = Vec::with_capacity(texts.len());
    for row in (0..lists.len()).filter(|&row| lists.is_valid(row)) {
        for place in (offsets[row] as usize..offsets[row + 1] as usize).filter(|&place| texts.is_valid(place)) {
            owners[place] = row as u32;
            items.push((texts.value(place), place as u32));
        }
    }
    let mut order = sorted(items);
    order.rows.iter_mut().for_each(|row| *row = owners[*row as usize]);
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BooleanArray, Float64Array, Int64Array, ListBuilder, StringBuilder};
    use std::sync::Arc;

    /// Checks the rows of each distinct value, in order.
    fn check(column: ArrayRef, expected: &[&[u32]]) {
        let order = Order::new(&column).expect("the type has an order");
        let found: Vec<&[u32]> = (0..order.len()).map(|value| order.rows(value..value + 1)).collect();
        assert_eq!(found, expected);
        let all: Vec<u32> = expected.concat();
        assert_eq!(order.rows(0..order.len()), all);
        assert_eq!(order.is_empty(), all.is_empty());
    }

    #[test]
    fn rows_stand_by_value_and_those_without_one_nowhere() {
        check(
            Arc::new(StringArray::from(vec![Some("b"), None, Some("a"), Some("b"), Some("")])),
            &[&[4], &[2], &[0, 3]],
        );
        check(Arc::new(Int64Array::from(vec![Some(7), Some(i64::MIN), None, Some(7)])), &[&[1], &[0, 3]]);
        let numbers = vec![0.5, f64::NAN, -0.0, f64::NEG_INFINITY, 0.0, -f64::NAN];
        check(Arc::new(Float64Array::from(numbers)), &[&[3], &[2, 4], &[0]]);
        check(Arc::new(StringArray::from(Vec::<&str>::new())), &[]);
        check(Arc::new(Int64Array::from(vec![1, 2, 3, 2]).slice(1, 3)), &[&[0, 2], &[1]]);
    }

    #[test]
    fn lists_stand_by_their_items() {
        let mut lists = ListBuilder::new(StringBuilder::new());
        lists.append_value([Some("x"), Some("y"), Some("x")]);
        lists.append_null();
        lists.append_value([None, Some("y")]);
        lists.append_value([None::<&str>; 0]);
        let lists = lists.finish();
        check(Arc::new(lists.clone()), &[&[0, 0], &[0, 2]]);
        check(Arc::new(lists.slice(2, 2)), &[&[0]]);
    }

    #[test]
    fn values_below_a_limit_are_counted_by_halving() {
        let column: ArrayRef = Arc::new(StringArray::from(vec!["c", "a", "b", "a"]));
        let texts: &StringArray = column.as_string();
        let order = Order::new(&column).unwrap();
        let below = |limit: &str| order.count_below(|place| texts.value(place) < limit);
        assert_eq!(["", "a", "b", "bb", "z"].map(below), [0, 0, 1, 2, 3]);
        assert!(Order::new(&(Arc::new(BooleanArray::from(vec![true])) as ArrayRef)).is_none());
    }
}
