//! The changes of a group of writes, put together request by request until they are one commit.
//!
//! What a request does to the others of its group is decided here: the later row of one id counts, a document that is
//! replaced loses the rows that an earlier request gave it. Committing is the writer's.

use super::collection::{State, document_slots, find_chunk};
use super::upsert::{PendingRow, resolve_metadata};
use super::view::{OnConflict, Written};
use crate::error::{Error, Result};
use crate::index::keys::Keys;
use crate::index::text::Analyzed;
use crate::schema::{ChunkRow, CollectionSchema, Field};
use std::collections::{HashMap, HashSet};
use tokio::task::JoinHandle;

/// Words of the rows of a request, being found on a thread of their own; `None` for a row without text.
pub type Words = JoinHandle<Vec<Option<Analyzed>>>;

/// Changes of a group of writes, put together request by request.
pub struct Stage<'a> {
    state: &'a State,
    schema: CollectionSchema,
    new_fields: Vec<Field>,
    rows: Vec<Option<StagedRow>>,
    words: Vec<Words>,
    row_of_id: HashMap<String, usize>,
    removed: HashSet<u32>,
}

/// Changes that are ready to be committed.
pub struct Staged {
    /// What the collection is made of afterwards.
    pub schema: CollectionSchema,
    /// Fields that it gets.
    pub new_fields: Vec<Field>,
    /// Rows that it gets.
    pub rows: Vec<StagedRow>,
    /// Words of the rows of each request.
    pub words: Vec<Words>,
    /// Slots that die, ascending.
    pub removed: Vec<u32>,
}

/// A row that is ready to be committed.
pub struct StagedRow {
    /// The row, its metadata typed.
    pub row: ChunkRow,
    /// Where its words are: which request, and which row of it.
    pub words: (usize, usize),
}

impl<'a> Stage<'a> {
    /// Starts without changes to a state.
    pub fn new(state: &'a State) -> Self {
        Self {
            state,
            schema: state.schema.as_ref().clone(),
            new_fields: Vec::new(),
            rows: Vec::new(),
            words: Vec::new(),
            row_of_id: HashMap::new(),
            removed: HashSet::new(),
        }
    }

    /// Returns whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.row_of_id.is_empty() && self.removed.is_empty()
    }

    /// Lets slots die.
    pub fn remove(&mut self, slots: Vec<u32>) {
        self.removed.extend(slots);
    }

    /// Adds one request, or leaves everything as it was.
    pub fn add(
        &mut self,
        keys: &Keys,
        (rows, words): (Vec<PendingRow>, Words),
        replaced_documents: &[String],
        on_conflict: OnConflict,
    ) -> Result<Written> {
        let mut schema = self.schema.clone();
        let mut new_fields = Vec::new();
        let mut staged = Vec::with_capacity(rows.len());
        for (at, mut pending) in rows.into_iter().enumerate() {
            new_fields.extend(resolve_metadata(&mut schema, &mut pending)?);
            staged.push(StagedRow { row: pending.row, words: (self.words.len(), at) });
        }
        let mut rows = staged;
        let exists = |stage: &Self, id: &str| {
            let stored = find_chunk(stage.state, keys, id).is_some_and(|slot| !stage.removed.contains(&slot));
            stored || stage.row_of_id.contains_key(id)
        };
        if on_conflict == OnConflict::Fail
            && let Some(row) = rows.iter().find(|row| exists(self, &row.row.id))
        {
            return Err(Error::ChunkExists { id: row.row.id.clone() });
        }
        let mut skipped = 0;
        if on_conflict == OnConflict::Skip {
            let offered = rows.len();
            rows.retain(|row| !exists(self, &row.row.id));
            skipped = offered - rows.len();
        }
        self.schema = schema;
        self.new_fields.extend(new_fields);
        let removed_before = self.removed.len();
        for document in replaced_documents {
            self.remove_document(keys, document);
        }
        let deleted = self.removed.len() - removed_before;
        let mut ids = HashSet::new();
        for row in rows {
            ids.insert(row.row.id.clone());
            self.put(keys, row);
        }
        self.words.push(words);
        Ok(Written { version: self.state.table.version(), written: ids.len(), skipped, deleted })
    }

    fn put(&mut self, keys: &Keys, row: StagedRow) {
        let id = row.row.id.clone();
        if let Some(slot) = find_chunk(self.state, keys, &id) {
            self.removed.insert(slot);
        }
        if let Some(at) = self.row_of_id.insert(id, self.rows.len()) {
            self.rows[at] = None;
        }
        self.rows.push(Some(row));
    }

    fn remove_document(&mut self, keys: &Keys, document: &str) {
        self.removed.extend(document_slots(self.state, keys, document));
        for staged in &mut self.rows {
            if let Some(row) = staged
                && row.row.document_id == document
            {
                self.row_of_id.remove(&row.row.id);
                *staged = None;
            }
        }
    }

    /// Returns the changes for a commit.
    pub fn finish(self) -> Staged {
        let rows = self.rows.into_iter().flatten().collect();
        let mut removed: Vec<u32> = self.removed.into_iter().collect();
        removed.sort_unstable();
        Staged { schema: self.schema, new_fields: self.new_fields, rows, words: self.words, removed }
    }
}

/// Waits for the words of requests, and returns those at some places.
pub async fn words_at(places: &[(usize, usize)], words: Vec<Words>) -> Result<Vec<Option<Analyzed>>> {
    let mut found = Vec::with_capacity(words.len());
    for words in words {
        found.push(words.await.map_err(|error| Error::Internal(error.to_string()))?);
    }
    Ok(places.iter().map(|&(request, at)| found[request][at].take()).collect())
}
