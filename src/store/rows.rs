//! Whole rows by row id, with the most recently used ones in memory.
//!
//! A row id stands for one immutable row, so what is kept never goes stale; only a change of the fields themselves
//! clears it.

use crate::config::limits::ROW_CACHE_ROWS;
use crate::error::Result;
use crate::schema::{ChunkRow, CollectionSchema, row};
use crate::table::Table;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows in two generations: when the young one is full it becomes the old one, and the old one is let go.
#[derive(Default)]
pub struct RowCache {
    generations: Mutex<[HashMap<u64, Arc<ChunkRow>>; 2]>,
}

impl RowCache {
    /// Returns rows in the order of their row ids; their embeddings are left out.
    pub async fn fetch(&self, table: &Table, schema: &CollectionSchema, row_ids: &[u64]) -> Result<Vec<Arc<ChunkRow>>> {
        let mut rows: Vec<Option<Arc<ChunkRow>>> = row_ids.iter().map(|&row_id| self.get(row_id)).collect();
        let missing: Vec<u64> =
            row_ids.iter().zip(&rows).filter(|(_, row)| row.is_none()).map(|(&row_id, _)| row_id).collect();
        if !missing.is_empty() {
            let arrow = row::arrow_schema(schema);
            let columns: Vec<&str> = arrow
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .filter(|&name| name != row::EMBEDDING && name != row::EMBEDDING_HASH)
                .collect();
            let batch = table.take(&missing, &columns).await?;
            let mut taken = (0..batch.num_rows()).map(|at| Arc::new(row::from_batch(schema, &batch, at)));
            for (row_id, row) in row_ids.iter().zip(&mut rows).filter(|(_, row)| row.is_none()) {
                *row = taken.next();
                if let Some(row) = row {
                    self.put(*row_id, row.clone());
                }
            }
        }
        Ok(rows.into_iter().flatten().collect())
    }

    /// Forgets every row.
    pub fn clear(&self) {
        *self.lock() = Default::default();
    }

    fn get(&self, row_id: u64) -> Option<Arc<ChunkRow>> {
        let mut generations = self.lock();
        if let Some(row) = generations[0].get(&row_id) {
            return Some(row.clone());
        }
        let row = generations[1].remove(&row_id)?;
        generations[0].insert(row_id, row.clone());
        Some(row)
    }

    fn put(&self, row_id: u64, row: Arc<ChunkRow>) {
        let mut generations = self.lock();
        if generations[0].len() >= ROW_CACHE_ROWS / 2 {
            generations.swap(0, 1);
            generations[0].clear();
        }
        generations[0].insert(row_id, row);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, [HashMap<u64, Arc<ChunkRow>>; 2]> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
