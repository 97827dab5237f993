//! Reading one version: whole columns as a stream, or single rows by row id.
//!
//! Neither filters nor ranks; both are done on what the index holds in memory.

use super::{Table, storage};
use crate::error::{Error, Result};
use arrow::array::{AsArray, RecordBatch, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::UInt64Type;
use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use lance::dataset::ProjectionRequest;
use lance::datatypes::Field;
use std::collections::HashMap;

/// Column of row ids in what [`Table::scan`] and [`Table::take`] give.
pub const ROW_ID: &str = "_rowid";
/// Column of the version that wrote a row, which [`Table::scan`] gives when asked for.
pub const ROW_VERSION: &str = "_row_created_at_version";

const SCAN_ROWS: usize = 8192;

impl Table {
    /// Returns the number of rows.
    pub async fn count(&self) -> Result<usize> {
        self.dataset.count_rows(None).await.map_err(storage)
    }

    /// Returns whether every column of this version is the same column in another, whatever that one has besides.
    pub fn has_fields_of(&self, other: &Self) -> bool {
        let known: HashMap<i32, &Field> = other.dataset.schema().fields.iter().map(|field| (field.id, field)).collect();
        let same = |field: &Field| {
            known.get(&field.id).is_some_and(|other| other.name == field.name && other.data_type() == field.data_type())
        };
        self.dataset.schema().fields.iter().all(same)
    }

    /// Returns the id of each column, by which it is known whatever its name becomes.
    pub fn column_ids(&self) -> HashMap<String, i32> {
        self.dataset.schema().fields.iter().map(|field| (field.name.clone(), field.id)).collect()
    }

    /// Streams columns of every row in table order, with [`ROW_ID`].
    pub async fn scan(&self, columns: &[&str]) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let mut scanner = self.dataset.scan();
        scanner.project(columns).map_err(storage)?.with_row_id().scan_in_order(true).batch_size(SCAN_ROWS);
        let stream = scanner.try_into_stream().await.map_err(storage)?;
        Ok(stream.map_err(storage).boxed())
    }

    /// Returns columns of the rows asked for, in the order asked for.
    ///
    /// Lance drops row ids that it does not know without a word, so the answer is aligned here; a row id that is missing
    /// breaks an invariant of the caller and is an error.
    pub async fn take(&self, row_ids: &[u64], columns: &[&str]) -> Result<RecordBatch> {
        let mut wanted: Vec<(String, String)> = columns.iter().map(|&name| (name.to_owned(), quoted(name))).collect();
        wanted.push((ROW_ID.to_owned(), ROW_ID.to_owned()));
        let projection = ProjectionRequest::from_sql(wanted);
        let batch = self.dataset.take_rows(row_ids, projection).await.map_err(storage)?;
        let found = batch
            .column_by_name(ROW_ID)
            .ok_or_else(|| Error::Internal("row ids are missing from a take".into()))?
            .as_primitive::<UInt64Type>();
        if found.values() == row_ids {
            return Ok(batch);
        }
        let position: HashMap<u64, u64> = found.values().iter().zip(0..).map(|(&row_id, at)| (row_id, at)).collect();
        let order = row_ids
            .iter()
            .map(|row_id| position.get(row_id).copied())
            .collect::<Option<UInt64Array>>()
            .ok_or_else(|| Error::Internal(format!("a row of version {} could not be taken", self.version())))?;
        take_record_batch(&batch, &order).map_err(|error| Error::Internal(error.to_string()))
    }
}

/// Quotes a column name for Lance's projection expressions.
fn quoted(name: &str) -> String {
    format!("`{name}`")
}
