//! What a row holds beside the columns in memory (text, place, headings): from the sealed passages, from memory where it
//! was written or used not long ago, or else from the table.
//!
//! A row id stands for one immutable row, so what is kept never goes stale, whatever version asks for it.

use super::collection::State;
use crate::config::limits::ROW_CACHE_BYTES;
use crate::error::Result;
use crate::schema::{ChunkRow, row};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The columns of a table that a passage is read from.
const PASSAGE: &[&str] =
    &[row::TEXT, row::PAGE_END, row::CHAR_START, row::CHAR_END, row::HEADING, row::BOXES, row::EXTRACTOR];

/// The part of a row that is not held in memory, by number of the collection and row id.
type Parts = HashMap<(u64, u64), Arc<ChunkRow>>;

/// Rows of all collections, the most recently used ones.
#[derive(Default)]
pub struct RowCache {
    generations: Mutex<Generations>,
}

/// Two generations: when the young one is full it becomes the old one, and the old one is let go.
#[derive(Default)]
struct Generations {
    young: Parts,
    old: Parts,
    young_bytes: usize,
}

impl RowCache {
    /// Returns rows of a collection in the order of their slots; their embeddings are left out.
    pub async fn fetch(&self, collection: u64, state: &State, slots: &[u32]) -> Result<Vec<ChunkRow>> {
        let columns = state.snapshot.columns();
        let row_ids: Vec<u64> = slots.iter().map(|&slot| columns.row_id(slot)).collect();
        let parts = self.parts(collection, state, &row_ids).await?;
        let whole = |(&slot, part): (&u32, Arc<ChunkRow>)| {
            let segment = columns.segment_of(slot);
            let row = row::from_batch(&state.schema, segment.columns(), (slot - segment.base()) as usize);
            put_together(ChunkRow::clone(&part), row)
        };
        Ok(slots.iter().zip(parts).map(whole).collect())
    }

    /// Keeps rows that were written, since what is new is asked for soon.
    pub fn keep(&self, collection: u64, row_ids: &[u64], rows: Vec<ChunkRow>) {
        let mut generations = self.lock();
        for (&row_id, row) in row_ids.iter().zip(rows) {
            let part = put_together(row, ChunkRow::default());
            generations.put((collection, row_id), Arc::new(part));
        }
    }

    async fn parts(&self, collection: u64, state: &State, row_ids: &[u64]) -> Result<Vec<Arc<ChunkRow>>> {
        let sealed = |row_id: &u64| state.passages.as_ref()?.get(*row_id).map(Arc::new);
        let mut parts: Vec<Option<Arc<ChunkRow>>> = row_ids.iter().map(sealed).collect();
        let without = |parts: &[Option<Arc<ChunkRow>>]| (0..parts.len()).filter(|&at| parts[at].is_none()).collect();
        let unsealed: Vec<usize> = without(&parts);
        if !unsealed.is_empty() {
            let mut generations = self.lock();
            unsealed.iter().for_each(|&at| parts[at] = generations.get((collection, row_ids[at])));
        }
        let missing: Vec<usize> = without(&parts);
        let missing_ids: Vec<u64> = missing.iter().map(|&at| row_ids[at]).collect();
        for (at, row) in missing.into_iter().zip(read_passages(state, &missing_ids).await?) {
            let part = Arc::new(row);
            self.lock().put((collection, row_ids[at]), part.clone());
            parts[at] = Some(part);
        }
        Ok(parts.into_iter().flatten().collect())
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Generations {
    fn get(&mut self, key: (u64, u64)) -> Option<Arc<ChunkRow>> {
        if let Some(part) = self.young.get(&key) {
            return Some(part.clone());
        }
        let part = self.old.remove(&key)?;
        self.put(key, part.clone());
        Some(part)
    }

    fn put(&mut self, key: (u64, u64), part: Arc<ChunkRow>) {
        if self.young_bytes >= ROW_CACHE_BYTES / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes_of(&part);
        self.young.insert(key, part);
    }
}

/// Reads what rows say besides the columns in memory from the table, in the order of their ids.
pub async fn read_passages(state: &State, row_ids: &[u64]) -> Result<Vec<ChunkRow>> {
    if row_ids.is_empty() {
        return Ok(Vec::new());
    }
    let batch = state.table.take(row_ids, PASSAGE).await?;
    Ok((0..batch.num_rows()).map(|at| row::from_batch(&state.schema, &batch, at)).collect())
}

/// Returns a row with the values of one that memory holds no column for, and all others of another.
fn put_together(part: ChunkRow, columns: ChunkRow) -> ChunkRow {
    let ChunkRow { text, page_end, char_start, char_end, heading, boxes, extractor, .. } = part;
    ChunkRow { text, page_end, char_start, char_end, heading, boxes, extractor, ..columns }
}

/// Returns the bytes that a part takes, to within the allocator's own.
fn bytes_of(part: &ChunkRow) -> usize {
    let texts = part.text.iter().chain(&part.extractor).chain(&part.heading);
    size_of::<ChunkRow>() + texts.map(|text| text.len() + size_of::<String>()).sum::<usize>() + part.boxes.len() * 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_used_stay_and_the_cache_keeps_its_size() {
        let cache = RowCache::default();
        let row = || ChunkRow { text: Some("x".repeat(1 << 20)), ..ChunkRow::default() };
        for row_id in 0..400 {
            cache.keep(1, &[row_id], vec![row()]);
            assert!(cache.lock().get((1, 0)).is_some(), "a row in use is kept");
        }
        let mut generations = cache.lock();
        assert!(generations.get((1, 399)).is_some() && generations.get((1, 100)).is_none());
        assert!(generations.get((2, 399)).is_none(), "another collection has rows of its own");
        assert!((generations.young.len() + generations.old.len()) << 20 <= ROW_CACHE_BYTES + (2 << 20));
    }
}
