//! Runs a filter over Arrow columns: one pass a condition, one bit a row.
//!
//! Two-valued: each condition is false where the value is missing, and `Not` turns bits around. Chooses no order of
//! conditions and stops early nowhere, so the cost depends on the filter and the number of rows only.

use super::column::{Clash, compare, has_any, is_in, is_like};
use super::tree::{Comparison, Filter};
use crate::error::{Error, Result};
use crate::schema::FieldType;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::buffer::BooleanBuffer;

impl Filter {
    /// Returns one bit a row: whether the row passes.
    ///
    /// A column that the batch does not have counts as missing in every row. A column of another type than the filter
    /// was read for is a [`Error::FieldTypeMismatch`].
    pub fn evaluate(&self, columns: &RecordBatch) -> Result<BooleanBuffer> {
        let rows = columns.num_rows();
        match self {
            Self::All => Ok(BooleanBuffer::new_set(rows)),
            Self::And(parts) => {
                parts.iter().try_fold(BooleanBuffer::new_set(rows), |bits, part| Ok(&bits & &part.evaluate(columns)?))
            }
            Self::Or(parts) => {
                parts.iter().try_fold(BooleanBuffer::new_unset(rows), |bits, part| Ok(&bits | &part.evaluate(columns)?))
            }
            Self::Not(inner) => Ok(!&inner.evaluate(columns)?),
            Self::Compare { field, op: Comparison::NotEqual, value } => {
                Ok(!&on_column(columns, field, |column| compare(column, Comparison::Equal, value))?)
            }
            Self::Compare { field, op, value } => on_column(columns, field, |column| compare(column, *op, value)),
            Self::Between { field, low, high } => on_column(columns, field, |column| {
                let at_least = compare(column, Comparison::GreaterOrEqual, low)?;
                Ok(&at_least & &compare(column, Comparison::LessOrEqual, high)?)
            }),
            Self::In { field, values } => on_column(columns, field, |column| is_in(column, values)),
            Self::Like { field, pattern } => on_column(columns, field, |column| is_like(column, pattern)),
            Self::IsNull { field } => {
                Ok(!&on_column(columns, field, |column| Ok(BooleanBuffer::new_set(column.len())))?)
            }
            Self::ArrayHasAny { field, items } => on_column(columns, field, |column| has_any(column, items)),
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
