//! Opening a version: from the table and the files of its generation to everything a search reads.
//!
//! A past version whose rows all have slots in the newest one shares everything with it but the set of rows that live.
//! The columns of every row are scanned. Rows that the sealed postings know take the slots that these were sealed for,
//! so nothing is analysed twice; texts and vectors of the others are fetched. A generation that is missing, damaged or
//! of another shape is left out: its rows are then searched exactly, until a new one is sealed.

use super::collection::State;
use super::document::word_text;
use crate::error::{Error, Result};
use crate::index::keys::Keys;
use crate::index::placed::Placed;
use crate::index::sealed::SealedText;
use crate::index::snapshot::NewRows;
use crate::index::text::Analyzer;
use crate::index::{Bitset, Generation, Segment, Snapshot};
use crate::schema::{ChunkRow, CollectionSchema, row};
use crate::table::{ROW_ID, ROW_VERSION, Table};
use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Key of the table's configuration that names the generation.
pub const POINTER_KEY: &str = "ragstone.hnsw.embedding";
/// Rows whose texts and vectors are fetched at once.
const FETCH_ROWS: usize = 2_048;

/// What the table's configuration says about its generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Name of the generation's folders.
    pub generation: String,
    /// Version whose live rows it was built from.
    pub built_version: u64,
}

impl Pointer {
    /// Returns the pointer of a version.
    pub fn of(table: &Table) -> Option<Self> {
        serde_json::from_str(table.pointer(POINTER_KEY)?).ok()
    }

    /// Returns the folder of the sealed vectors.
    pub fn vectors(&self, table: &Table) -> PathBuf {
        generation_folder(table, "embedding").join(&self.generation)
    }

    /// Returns the folder of the sealed postings.
    pub fn text(&self, table: &Table) -> PathBuf {
        generation_folder(table, "text").join(&self.generation)
    }
}

/// Returns the folder that holds the generations of one kind.
pub fn generation_folder(table: &Table, kind: &str) -> PathBuf {
    table.folder().join("_hnsw").join(kind)
}

/// Opens a version of a table.
pub async fn load(table: Table, analyzer: &Analyzer) -> Result<(State, Keys)> {
    let schema = Arc::new(table.schema()?);
    let pointer = Pointer::of(&table);
    let sealed = beside(&table, &pointer, open_sealed);
    let generation = beside(&table, &pointer, open_generation);
    let rows = scan(&table, &schema).await?;
    let (sealed, generation) = (sealed.await.unwrap_or_default(), generation.await.unwrap_or_default());
    let mut snapshot = Snapshot::empty(table.version(), schema.embedding.dimension, schema.embedding.metric);
    let mut sealed_slots = 0;
    let mut known = HashSet::new();
    if let Some(sealed) = sealed
        && let Some((segment, live)) = sealed_segment(&sealed.row_ids, &rows)?
    {
        sealed_slots = sealed.row_ids.len();
        known.extend(sealed.row_ids.iter().copied());
        let added = NewRows { segment, vectors: vec![None; sealed_slots], texts: none(sealed_slots) };
        snapshot = snapshot.with_text(sealed.text).next(table.version(), &[], Some(added))?.with_live(live);
    }
    snapshot = append_unsealed(snapshot, &table, &schema, &rows, &known, analyzer).await?;
    let fits = |generation: &Generation| {
        generation.dim() == schema.embedding.dimension && generation.metric() == schema.embedding.metric
    };
    if let Some(pointer) = &pointer
        && let Some(generation) = generation.filter(fits)
    {
        let name = pointer.generation.clone();
        let placed = Placed::new(name, pointer.built_version, Arc::new(generation), snapshot.columns());
        snapshot = snapshot.with_generation(placed);
    }
    snapshot = fetch_missing_vectors(snapshot, &table, sealed_slots).await?;
    let keys = collect_keys(&snapshot);
    Ok((State { table, schema, snapshot, sealed_slots }, keys))
}

/// Opens a past version beside the newest: by its row ids alone where all its rows still have slots.
pub async fn load_past(newest: &State, table: Table, analyzer: &Analyzer) -> Result<State> {
    if table.has_fields_of(&newest.table) {
        let row_ids = scan_row_ids(&table).await?;
        if let Some(snapshot) = newest.snapshot.past(table.version(), &row_ids) {
            let sealed_slots = newest.sealed_slots;
            let snapshot = fetch_missing_vectors(snapshot, &table, usize::MAX).await?;
            return Ok(State { schema: Arc::new(table.schema()?), table, snapshot, sealed_slots });
        }
    }
    Ok(load(table, analyzer).await?.0)
}

async fn scan_row_ids(table: &Table) -> Result<Vec<u64>> {
    let batches: Vec<RecordBatch> = table.scan(&[]).await?.try_collect().await?;
    let column = |batch: &RecordBatch| -> Vec<u64> {
        let column = batch.column_by_name(ROW_ID).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        column.map(|column| column.values().to_vec()).unwrap_or_default()
    };
    Ok(batches.iter().flat_map(column).collect())
}

fn none<T>(count: usize) -> Vec<Option<T>> {
    (0..count).map(|_| None).collect()
}

/// The in-memory columns of every row, with row ids and versions.
struct Scanned {
    columns: RecordBatch,
    row_ids: Vec<u64>,
    versions: Vec<u64>,
}

async fn scan(table: &Table, schema: &CollectionSchema) -> Result<Scanned> {
    let arrow = row::arrow_schema(schema);
    let mut wanted: Vec<&str> =
        arrow.fields().iter().map(|field| field.name().as_str()).filter(|name| Segment::holds(name)).collect();
    wanted.push(ROW_VERSION);
    let batches: Vec<RecordBatch> = table.scan(&wanted).await?.try_collect().await?;
    let internal = |error: arrow::error::ArrowError| Error::Internal(error.to_string());
    let columns = match batches.first() {
        Some(first) => concat_batches(&first.schema(), &batches).map_err(internal)?,
        None => RecordBatch::new_empty(arrow),
    };
    let numbers = |name: &str| -> Vec<u64> {
        let column = columns.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        column.map(|column| column.values().to_vec()).unwrap_or_default()
    };
    let (row_ids, mut versions) = (numbers(ROW_ID), numbers(ROW_VERSION));
    versions.resize(row_ids.len(), 0);
    Ok(Scanned { row_ids, versions, columns })
}

fn open_sealed(table: &Table, pointer: &Pointer) -> Option<SealedText> {
    SealedText::open(&pointer.text(table))
        .inspect_err(|error| tracing::warn!(collection = %table.name(), %error, "postings are analysed anew"))
        .ok()
}

fn open_generation(table: &Table, pointer: &Pointer) -> Option<Generation> {
    let path = pointer.vectors(table);
    if !path.exists() {
        return None;
    }
    Generation::open(&path, crate::index::generation::Verify::Full)
        .inspect_err(|error| tracing::warn!(collection = %table.name(), %error, "generation is not used"))
        .ok()
}

/// Opens a file of a generation on a thread of its own; what cannot be opened is left out.
fn beside<T: Send + 'static>(
    table: &Table,
    pointer: &Option<Pointer>,
    open: impl FnOnce(&Table, &Pointer) -> Option<T> + Send + 'static,
) -> JoinHandle<Option<T>> {
    let (table, pointer) = (table.clone(), pointer.clone());
    tokio::task::spawn_blocking(move || open(&table, &pointer?))
}

/// Lays the scanned rows out in the order of the sealed postings; `None` where no row of them is left.
fn sealed_segment(sealed: &[u64], rows: &Scanned) -> Result<Option<(Segment, Bitset)>> {
    if rows.row_ids.is_empty() {
        return Ok(None);
    }
    let position: HashMap<u64, u32> = rows.row_ids.iter().zip(0..).map(|(&row_id, at)| (row_id, at)).collect();
    let mut live = Bitset::new(sealed.len());
    let order: Vec<u32> = sealed
        .iter()
        .enumerate()
        .map(|(slot, row_id)| match position.get(row_id) {
            Some(&at) => {
                live.set(slot);
                at
            }
            // A row that is gone leaves a dead slot; what its columns hold is never read.
            None => 0,
        })
        .collect();
    let versions = order.iter().map(|&at| rows.versions[at as usize]).collect();
    let columns = take_record_batch(&rows.columns, &UInt32Array::from(order))
        .map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Some((Segment::new(0, sealed.to_vec(), versions, &columns)?, live)))
}

async fn append_unsealed(
    mut snapshot: Snapshot,
    table: &Table,
    schema: &CollectionSchema,
    rows: &Scanned,
    sealed: &HashSet<u64>,
    analyzer: &Analyzer,
) -> Result<Snapshot> {
    let mut unsealed: Vec<u32> =
        (0..).zip(&rows.row_ids).filter(|(_, row_id)| !sealed.contains(row_id)).map(|(at, _)| at).collect();
    // Joined fragments come last in the table; slots follow the order in which rows were written.
    unsealed.sort_unstable_by_key(|&at| rows.row_ids[at as usize]);
    for part in unsealed.chunks(FETCH_ROWS) {
        let row_ids: Vec<u64> = part.iter().map(|&at| rows.row_ids[at as usize]).collect();
        let versions = part.iter().map(|&at| rows.versions[at as usize]).collect();
        let columns = take_record_batch(&rows.columns, &UInt32Array::from(part.to_vec()))
            .map_err(|error| Error::Internal(error.to_string()))?;
        let fetched = table.take(&row_ids, &[row::TEXT, row::EMBEDDING, row::HEADING]).await?;
        let texts = (0..part.len())
            .map(|at| {
                let lineage = row::from_batch(schema, &columns, at);
                let content = row::from_batch(schema, &fetched, at);
                let whole = ChunkRow { text: content.text, heading: content.heading, ..lineage };
                word_text(&whole).map(|text| analyzer.analyze(&text))
            })
            .collect();
        let vectors: Vec<Option<Vec<f32>>> =
            (0..part.len()).map(|at| row::from_batch(schema, &fetched, at).embedding).collect();
        let segment = Segment::new(snapshot.slots(), row_ids, versions, &columns)?;
        let added = NewRows { segment, vectors: vectors.iter().map(Option::as_deref).collect(), texts };
        snapshot = snapshot.next(table.version(), &[], Some(added))?;
    }
    Ok(snapshot)
}

/// Fetches vectors that neither the generation nor memory holds of rows below a slot, as after a damaged generation, or of
/// rows that died before it was built.
async fn fetch_missing_vectors(snapshot: Snapshot, table: &Table, slots_end: usize) -> Result<Snapshot> {
    let missing: Vec<u32> = snapshot
        .live()
        .iter()
        .map(|slot| slot as u32)
        .take_while(|&slot| (slot as usize) < slots_end)
        .filter(|&slot| snapshot.vector(slot).is_none())
        .collect();
    let mut found = Vec::new();
    for part in missing.chunks(FETCH_ROWS) {
        let row_ids: Vec<u64> = part.iter().map(|&slot| snapshot.columns().row_id(slot)).collect();
        let batch = table.take(&row_ids, &[row::EMBEDDING]).await?;
        for (at, &slot) in part.iter().enumerate() {
            if let Some(vector) = row::vector(&batch, at) {
                found.push((slot, vector));
            }
        }
    }
    Ok(snapshot.with_vectors(&found))
}

fn collect_keys(snapshot: &Snapshot) -> Keys {
    let mut keys = Keys::default();
    for slot in snapshot.live().iter() {
        let slot = slot as u32;
        let segment = snapshot.columns().segment_of(slot);
        if let (Some(id), Some(document)) = (segment.text(row::ID, slot), segment.text(row::DOCUMENT_ID, slot)) {
            keys.insert(id, document, slot);
        }
    }
    keys
}
