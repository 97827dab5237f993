//! Which slot holds a chunk id, and which slots hold a document, at the newest version.
//!
//! Kept by hash, so that a million ids cost 50 MB; a hit is compared with the id itself by the caller. Older versions
//! are not answered here.

use ahash::AHashMap;
use xxhash_rust::xxh3::xxh3_128;

/// Slots by chunk id and by document id.
#[derive(Default)]
pub struct Keys {
    chunks: AHashMap<u128, u32>,
    /// In rising order, so that one of a million is found at once.
    documents: AHashMap<u128, Vec<u32>>,
}

impl Keys {
    /// Makes room for so many rows.
    pub fn with_capacity(rows: usize) -> Self {
        Self { chunks: AHashMap::with_capacity(rows), documents: AHashMap::new() }
    }

    /// Adds a row.
    pub fn insert(&mut self, chunk_id: &str, document_id: &str, slot: u32) {
        self.chunks.insert(xxh3_128(chunk_id.as_bytes()), slot);
        let slots = self.documents.entry(xxh3_128(document_id.as_bytes())).or_default();
        // Slots come in rising order, and so this is the end.
        slots.insert(slots.partition_point(|&held| held < slot), slot);
    }

    /// Forgets a row; a chunk id that has moved on to another slot keeps it.
    pub fn remove(&mut self, chunk_id: &str, document_id: &str, slot: u32) {
        let chunk = xxh3_128(chunk_id.as_bytes());
        if self.chunks.get(&chunk) == Some(&slot) {
            self.chunks.remove(&chunk);
        }
        let document = xxh3_128(document_id.as_bytes());
        if let Some(slots) = self.documents.get_mut(&document) {
            if let Ok(at) = slots.binary_search(&slot) {
                slots.remove(at);
            }
            if slots.is_empty() {
                self.documents.remove(&document);
            }
        }
    }

    /// Returns the slot of a chunk id.
    pub fn chunk(&self, id: &str) -> Option<u32> {
        self.chunks.get(&xxh3_128(id.as_bytes())).copied()
    }

    /// Returns the slots of a document, in no promised order.
    pub fn document(&self, id: &str) -> &[u32] {
        self.document_by_key(xxh3_128(id.as_bytes()))
    }

    /// Returns the slots of the document whose id has this hash, in no promised order.
    pub fn document_by_key(&self, key: u128) -> &[u32] {
        self.documents.get(&key).map_or(&[], Vec::as_slice)
    }

    /// Returns the bytes held in memory, roughly.
    pub fn bytes(&self) -> usize {
        let of_document = size_of::<(u128, Vec<u32>)>() + size_of::<u32>();
        self.chunks.capacity() * size_of::<(u128, u32)>() + self.documents.capacity() * of_document
    }

    /// Returns the number of documents.
    pub fn documents(&self) -> usize {
        self.documents.len()
    }
}
