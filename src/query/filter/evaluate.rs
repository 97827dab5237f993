//! Runs a filter over Arrow columns: one pass a condition, or none where the order of its column is known; one bit a row.
//!
//! Two-valued: each condition is false where the value is missing, and `Not` turns bits around. Chooses no order of
//! conditions and stops early nowhere.

use super::column::{Clash, compare, has_any, is_in, is_like};
use super::ordered;
use super::tree::{Comparison, Filter};
use crate::error::{Error, Result};
use crate::index::column::Order;
use crate::schema::FieldType;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::BooleanBuffer;

impl Filter {
    /// Returns one bit a row: whether the row passes.
    ///
    /// A column that the batch does not have counts as missing in every row. A column of another type than the filter
    /// was read for is a [`Error::FieldTypeMismatch`].
    pub fn evaluate(&self, columns: &RecordBatch) -> Result<BooleanBuffer> {
        self.evaluate_with(columns, &|_| None)
    }

    /// The same with the order of the values of some columns, by name, which must be that of these very rows.
    pub fn evaluate_with<'a>(
        &self,
        columns: &RecordBatch,
        order_of: &dyn Fn(&str) -> Option<&'a Order>,
    ) -> Result<BooleanBuffer> {
        let rows = columns.num_rows();
        let each = |part: &Self| part.evaluate_with(columns, order_of);
        let find = |field: &str, test: &dyn Fn(&ArrayRef) -> Result<BooleanBuffer, Clash>| {
            on_column(columns, field, |column| {
                let found = order_of(field).and_then(|order| ordered::find(self, column, order));
                found.map_or_else(|| test(column), Ok)
            })
        };
        match self {
            Self::All => Ok(BooleanBuffer::new_set(rows)),
            Self::And(parts) => {
                parts.iter().try_fold(BooleanBuffer::new_set(rows), |bits, part| Ok(&bits & &each(part)?))
            }
            Self::Or(parts) => {
                parts.iter().try_fold(BooleanBuffer::new_unset(rows), |bits, part| Ok(&bits | &each(part)?))
            }
            Self::Not(inner) => Ok(!&each(inner)?),
            Self::Compare { field, op: Comparison::NotEqual, value } => {
                let equal = Self::Compare { field: field.clone(), op: Comparison::Equal, value: value.clone() };
                Ok(!&each(&equal)?)
            }
            Self::Compare { field, op, value } => find(field, &|column| compare(column, *op, value)),
            Self::Between { field, low, high } => find(field, &|column| {
                let at_least = compare(column, Comparison::GreaterOrEqual, low)?;
                Ok(&at_least & &compare(column, Comparison::LessOrEqual, high)?)
            }),
            Self::In { field, values } => find(field, &|column| is_in(column, values)),
            Self::Like { field, pattern } => find(field, &|column| is_like(column, pattern)),
            Self::IsNull { field } => {
                Ok(!&on_column(columns, field, |column| Ok(BooleanBuffer::new_set(column.len())))?)
            }
            Self::ArrayHasAny { field, items } => find(field, &|column| has_any(column, items)),
        }
    }
}

/// Tests a column's values, and makes the rows without one false; what the test says about those does not matter.
fn on_column(
    columns: &RecordBatch,
    field: &str,
    test: impl FnOnce(&ArrayRef) -> Result<BooleanBuffer, Clash>,
) -> Result<BooleanBuffer> {
    let Some(column) = columns.column_by_name(field) else {
        return Ok(BooleanBuffer::new_unset(columns.num_rows()));
    };
    let bits = test(column).map_err(|Clash { found }| Error::FieldTypeMismatch {
        field: field.to_owned(),
        expected: FieldType::from_arrow(column.data_type()).map_or("not filterable", FieldType::name),
        found,
    })?;
    Ok(match column.nulls() {
        Some(present) => &bits & present.inner(),
        None => bits,
    })
}
