//! Consecutive slots with their row ids and columns.
//!
//! A segment never changes. Columns that a row's table did not have when it was written are absent here, which filters
//! read as null.

use super::file::aligned;
use super::order::Order;
use crate::error::{Error, Result};
use crate::schema::row;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, TimestampMicrosecondType};
use std::sync::{Arc, OnceLock};

/// Columns of a table that are not held in memory.
const LEFT_IN_TABLE: &[&str] = &[
    row::TEXT,
    row::EMBEDDING,
    row::EMBEDDING_HASH,
    row::MODEL,
    row::PAGE_END,
    row::CHAR_START,
    row::CHAR_END,
    row::HEADING,
    row::BOXES,
    row::EXTRACTOR,
];

/// Rows at consecutive slots.
pub struct Segment {
    base: u32,
    row_ids: Vec<u64>,
    versions: Vec<u64>,
    columns: RecordBatch,
    /// For each column the order of its values, once it was made; `None` where its type has none.
    orders: Vec<OnceLock<Option<Order>>>,
}

impl Segment {
    /// Makes a segment from rows of a table; columns that are not held in memory are dropped.
    pub fn new(base: u32, row_ids: Vec<u64>, versions: Vec<u64>, rows: &RecordBatch) -> Result<Self> {
        if row_ids.len() != rows.num_rows() || versions.len() != rows.num_rows() {
            let detail = format!("{} rows with {} row ids", rows.num_rows(), row_ids.len());
            return Err(Error::Internal(detail));
        }
        let kept: Vec<usize> =
            (0..rows.num_columns()).filter(|&at| Self::holds(rows.schema().field(at).name())).collect();
        let columns = rows.project(&kept).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self::of(base, row_ids, versions, columns))
    }

    fn of(base: u32, row_ids: Vec<u64>, versions: Vec<u64>, columns: RecordBatch) -> Self {
        let orders = columns.columns().iter().map(|_| OnceLock::new()).collect();
        Self { base, row_ids, versions, columns, orders }
    }

    /// Returns whether a column of a table is held in memory.
    pub fn holds(column: &str) -> bool {
        !LEFT_IN_TABLE.contains(&column) && !column.starts_with('_')
    }

    /// Returns the first slot.
    pub fn base(&self) -> u32 {
        self.base
    }

    /// Returns one past the last slot.
    pub fn end(&self) -> u32 {
        self.base + self.row_ids.len() as u32
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.row_ids.len()
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.row_ids.is_empty()
    }

    /// Returns the columns, one row for each slot.
    pub fn columns(&self) -> &RecordBatch {
        &self.columns
    }

    /// Returns the row id of a slot of this segment.
    pub fn row_id(&self, slot: u32) -> u64 {
        self.row_ids[(slot - self.base) as usize]
    }

    /// Returns the version that wrote a slot of this segment.
    pub fn version(&self, slot: u32) -> u64 {
        self.versions[(slot - self.base) as usize]
    }

    /// Returns the order of a column's values, `None` unless it was made.
    pub fn order(&self, column: &str) -> Option<&Order> {
        self.orders[self.columns.schema_ref().index_of(column).ok()?].get()?.as_ref()
    }

    /// Returns whether nothing is left to do for the order of a column.
    pub fn is_in_order(&self, column: &str) -> bool {
        self.columns.schema_ref().index_of(column).map_or(true, |at| self.orders[at].get().is_some())
    }

    /// Makes the order of a column's values, which takes about a second for a million texts, unless it is there.
    pub fn put_in_order(&self, column: &str) {
        if let Ok(at) = self.columns.schema_ref().index_of(column) {
            self.orders[at].get_or_init(|| Order::new(self.columns.column(at)));
        }
    }

    /// Returns a text column's value at a slot, `None` for null or an absent column.
    pub fn text(&self, column: &str, slot: u32) -> Option<&str> {
        let column = self.columns.column_by_name(column)?.as_string_opt::<i32>()?;
        let at = (slot - self.base) as usize;
        column.is_valid(at).then(|| column.value(at))
    }

    /// Returns a whole-number or timestamp column's value at a slot, `None` for null or an absent column.
    pub fn integer(&self, column: &str, slot: u32) -> Option<i64> {
        let column = self.columns.column_by_name(column)?;
        let at = (slot - self.base) as usize;
        if column.is_null(at) {
            return None;
        }
        match column.data_type() {
            DataType::Int32 => Some(i64::from(column.as_primitive::<Int32Type>().value(at))),
            DataType::Int64 => Some(column.as_primitive::<Int64Type>().value(at)),
            DataType::Timestamp(_, _) => Some(column.as_primitive::<TimestampMicrosecondType>().value(at)),
            _ => None,
        }
    }

    /// Returns the hash of the document's bytes at a slot.
    pub fn sha256(&self, slot: u32) -> Option<[u8; 32]> {
        let column = self.columns.column_by_name(row::SHA256)?.as_fixed_size_binary_opt()?;
        let at = (slot - self.base) as usize;
        column.is_valid(at).then(|| column.value(at).try_into().ok()).flatten()
    }

    /// Returns the bytes of rows, columns and their orders, those of a mapped file among them.
    pub fn bytes(&self) -> usize {
        let column = |column: &ArrayRef| column.to_data().get_slice_memory_size().unwrap_or(0);
        let columns: usize = self.columns.columns().iter().map(column).sum();
        let orders: usize = self.orders.iter().filter_map(|order| order.get()?.as_ref()).map(Order::bytes).sum();
        self.len() * (size_of::<u64>() + size_of::<u64>()) + columns + orders
    }

    /// Joins two neighbours into one segment.
    pub fn join(left: &Self, right: &Self) -> Result<Self> {
        let internal = |error: arrow::error::ArrowError| Error::Internal(error.to_string());
        let mut fields: Vec<Arc<Field>> = left.columns.schema().fields().iter().cloned().collect();
        for field in right.columns.schema().fields() {
            if !fields.iter().any(|known| known.name() == field.name()) {
                fields.push(field.clone());
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let parts = [aligned(&left.columns, &schema)?, aligned(&right.columns, &schema)?];
        let columns = concat_batches(&schema, &parts).map_err(internal)?;
        let row_ids = [left.row_ids.as_slice(), &right.row_ids].concat();
        let versions = [left.versions.as_slice(), &right.versions].concat();
        Ok(Self::of(left.base, row_ids, versions, columns))
    }
}
