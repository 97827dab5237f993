//! Turning a change into one commit: new fragments, deletion vectors, manifest.
//!
//! The caller is the table's only writer and hands over rows that fit the schema and row ids that live; nothing here
//! looks for duplicates or waits for others.

use super::{Table, storage};
use crate::error::{Error, Result};
use arrow::array::RecordBatch;
use lance::dataset::rowids::{get_row_id_index, load_row_id_sequence};
use lance::dataset::transaction::{Operation, TransactionBuilder};
use lance::dataset::{CommitBuilder, InsertBuilder, WriteMode, WriteParams};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// What one commit changes.
#[derive(Default)]
pub struct Changes {
    /// Rows to add, in the order in which they get their row ids.
    pub rows: Vec<RecordBatch>,
    /// Row ids of live rows to remove.
    pub removed: Vec<u64>,
    /// Properties stored with the commit: what it was, and for whom.
    pub properties: HashMap<String, String>,
}

/// What a commit did.
pub struct Committed {
    /// The table at the new version.
    pub table: Table,
    /// Row ids of the added rows, in order.
    pub row_ids: Vec<u64>,
}

impl Table {
    /// Commits a change as the next version; it is durable when this returns.
    pub async fn commit(&self, changes: Changes) -> Result<Committed> {
        let known: HashSet<u64> = self.dataset.fragments().iter().map(|fragment| fragment.id).collect();
        let new_fragments = self.write_fragments(changes.rows).await?;
        let (updated_fragments, removed_fragment_ids) = self.write_deletions(&changes.removed).await?;
        let operation = match (new_fragments.is_empty(), changes.removed.is_empty()) {
            (_, true) => Operation::Append { fragments: new_fragments },
            (true, false) => Operation::Delete {
                updated_fragments,
                deleted_fragment_ids: removed_fragment_ids,
                predicate: String::new(),
            },
            (false, false) => Operation::Update {
                removed_fragment_ids,
                updated_fragments,
                new_fragments,
                fields_modified: Vec::new(),
                compacted_sstables: Vec::new(),
                fields_for_preserving_frag_bitmap: Vec::new(),
                update_mode: None,
                inserted_rows_filter: None,
                updated_fragment_offsets: None,
            },
        };
        let table = self.apply(operation, changes.properties).await?;
        let dataset = &table.dataset;
        let mut row_ids = Vec::new();
        for fragment in dataset.fragments().iter().filter(|fragment| !known.contains(&fragment.id)) {
            row_ids.extend(load_row_id_sequence(dataset, fragment).await.map_err(storage)?.iter());
        }
        Ok(Committed { table, row_ids })
    }

    /// Commits an operation of Lance's as the next version.
    pub(super) async fn apply(&self, operation: Operation, properties: HashMap<String, String>) -> Result<Self> {
        let transaction = TransactionBuilder::new(self.dataset.version().version, operation)
            .transaction_properties(Some(Arc::new(properties)))
            .build();
        let dataset = CommitBuilder::new(self.dataset.clone())
            .with_skip_auto_cleanup(true)
            .execute(transaction)
            .await
            .map_err(storage)?;
        self.sync_checksums();
        Ok(self.with_dataset(dataset))
    }

    pub(super) fn sync_checksums(&self) {
        if let Err(error) = self.checksums.sync() {
            tracing::warn!(collection = %self.name, %error, "checksums not logged");
        }
    }

    async fn write_fragments(&self, rows: Vec<RecordBatch>) -> Result<Vec<lance::table::format::Fragment>> {
        if rows.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(Vec::new());
        }
        let params = WriteParams { mode: WriteMode::Append, skip_auto_cleanup: true, ..WriteParams::default() };
        let transaction = InsertBuilder::new(self.dataset.clone())
            .with_params(&params)
            .execute_uncommitted(rows)
            .await
            .map_err(storage)?;
        match transaction.operation {
            Operation::Append { fragments } => Ok(fragments),
            other => Err(Error::Internal(format!("appending gave the operation {other}"))),
        }
    }

    async fn write_deletions(&self, removed: &[u64]) -> Result<(Vec<lance::table::format::Fragment>, Vec<u64>)> {
        if removed.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let index = get_row_id_index(&self.dataset)
            .await
            .map_err(storage)?
            .ok_or_else(|| Error::Internal("table has no stable row ids".into()))?;
        let mut offsets: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &row_id in removed {
            let address = index.get(row_id).map_err(storage)?;
            let address = address.ok_or_else(|| Error::Internal(format!("row id {row_id} is not in the table")))?;
            offsets.entry(address.fragment_id()).or_default().push(address.row_offset());
        }
        let (mut updated, mut emptied) = (Vec::new(), Vec::new());
        for (fragment_id, offsets) in offsets {
            let fragment = self
                .dataset
                .get_fragment(fragment_id as usize)
                .ok_or_else(|| Error::Internal(format!("fragment {fragment_id} is not in the table")))?;
            match fragment.extend_deletions(offsets).await.map_err(storage)? {
                Some(fragment) => updated.push(fragment.metadata().clone()),
                None => emptied.push(u64::from(fragment_id)),
            }
        }
        Ok((updated, emptied))
    }
}
