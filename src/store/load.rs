//! Opening a version: from the table and the files of its generation to everything a search reads.
//!
//! A past version whose rows all have slots in the newest one shares everything with it but the set of rows that live.
//! Rows of the sealed files take the slots that these were sealed for: postings, columns and vectors are mapped and not
//! read, so that a large collection answers at once. The table says which of these rows still live, and gives the rows
//! written since. A file that is missing, damaged or of another shape is left out: columns are then scanned, and rows
//! without a generation are searched exactly until a new one is sealed.

use super::collection::State;
use super::document::word_text;
use crate::error::{Error, Result};
use crate::index::generation::{FILE_NAME, Verify};
use crate::index::keys::Keys;
use crate::index::passage::Passages;
use crate::index::placed::Placed;
use crate::index::row_places::RowPlaces;
use crate::index::sealed::SealedRows;
use crate::index::snapshot::NewRows;
use crate::index::text::Analyzer;
use crate::index::{Bitset, Generation, Segment, Snapshot};
use crate::schema::{ChunkRow, CollectionSchema, row};
use crate::table::{ROW_ID, ROW_VERSION, Table};
use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Key of the table's configuration that names the generation.
pub const POINTER_KEY: &str = "ragstone.hnsw.embedding";
/// Rows whose texts and vectors are fetched at once.
const FETCH_ROWS: usize = 2_048;

/// Size up to which a generation is compared with its checksums before it is used; a larger one is checked beside
/// searches, so that it answers at once.
const CHECKED_AT_ONCE_BYTES: u64 = 256 << 20;

/// What the table's configuration says about its generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointer {
    /// Name of the generation's folders.
    pub generation: String,
    /// Version whose live rows it was built from.
    pub built_version: u64,
    /// Id of the column whose vectors it holds. `None` in pointers of earlier builds, which knew only a table's first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<i32>,
}

impl Pointer {
    /// Returns the pointer of a version.
    pub fn of(table: &Table) -> Option<Self> {
        serde_json::from_str(table.pointer(POINTER_KEY)?).ok()
    }

    /// Says whether its vectors are those of a version, and not of the model that the collection had before.
    pub fn has_vectors_of(&self, table: &Table) -> bool {
        let ids = table.column_ids();
        match self.column {
            Some(column) => ids.get(row::EMBEDDING) == Some(&column),
            // The columns of a new table are numbered in their order; a column that came later has a higher number.
            None => ids.get(row::EMBEDDING) < ids.get(row::INGESTED_AT),
        }
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
pub async fn load(table: Table, analyzer: &Analyzer) -> Result<State> {
    let schema = Arc::new(table.schema()?);
    let pointer = Pointer::of(&table);
    let sealed = beside(&table, &pointer, open_sealed);
    let generation = beside(&table, &pointer, open_generation);
    let mut rows = scan_rows(&table).await?;
    let (sealed, generation) = (sealed.await.unwrap_or_default(), generation.await.unwrap_or_default());
    let mut snapshot = Snapshot::empty(table.version(), schema.embedding.dimension, schema.embedding.metric);
    if let Some(sealed) = sealed {
        snapshot = place_sealed(snapshot, &table, &schema, sealed, &mut rows).await?;
    }
    let mut sealed_slots = snapshot.slots() as usize;
    // Joined fragments come last in the table; slots follow the order in which rows were written.
    rows.sort_unstable();
    snapshot = append_unsealed(snapshot, &table, &schema, &rows, analyzer).await?;
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
    let missing = fetch_missing_vectors(&snapshot, &table, sealed_slots).await?;
    if snapshot.placed().is_none() && !missing.is_empty() {
        // Nothing counts as sealed, so that the next build is due at once.
        sealed_slots = 0;
    }
    let passages = pointer.and_then(|pointer| Passages::open(&pointer.text(&table))).map(Arc::new);
    Ok(State { table, schema, snapshot: snapshot.with_vectors(&missing), sealed_slots, passages })
}

/// Takes the sealed ones out of the rows of a table and puts them at the slots that they were sealed for; a row that is
/// gone leaves a dead slot.
async fn place_sealed(
    snapshot: Snapshot,
    table: &Table,
    schema: &CollectionSchema,
    sealed: SealedRows,
    rows: &mut Vec<(u64, u64)>,
) -> Result<Snapshot> {
    let SealedRows { row_ids, text, columns } = sealed;
    let slots = row_ids.len();
    let places = RowPlaces::new(row_ids.iter().copied().zip(0..));
    let (mut live, mut versions) = (Bitset::new(slots), vec![0; slots]);
    rows.retain(|&(row_id, version)| {
        let Some(slot) = places.slot(row_id) else { return true };
        live.set(slot as usize);
        versions[slot as usize] = version;
        false
    });
    let ids = table.column_ids();
    let mapped = columns.and_then(|columns| columns.segment(row_ids.clone(), versions.clone(), &ids));
    let segment = match mapped {
        Some(segment) => segment,
        None => match scan_segment(table, schema, row_ids, versions).await? {
            Some(segment) => segment,
            None => return Ok(snapshot),
        },
    };
    let added = NewRows { segment, vectors: Vec::new(), texts: Vec::new() };
    Ok(snapshot.with_text(text).next(table.version(), &[], Some(added))?.with_live(live))
}

/// Opens a past version beside the newest: by its row ids alone where all its rows still have slots.
pub async fn load_past(newest: &State, table: Table, analyzer: &Analyzer) -> Result<State> {
    if table.has_fields_of(&newest.table) {
        let row_ids: Vec<u64> = scan_rows(&table).await?.into_iter().map(|(row_id, _)| row_id).collect();
        if let Some(snapshot) = newest.snapshot.past(table.version(), &row_ids) {
            let sealed_slots = newest.sealed_slots;
            let missing = fetch_missing_vectors(&snapshot, &table, usize::MAX).await?;
            let snapshot = snapshot.with_vectors(&missing);
            let passages = newest.passages.clone();
            return Ok(State { schema: Arc::new(table.schema()?), table, snapshot, sealed_slots, passages });
        }
    }
    load(table, analyzer).await
}

/// Returns the id of every row and the version that wrote it, which the table knows without reading a column.
async fn scan_rows(table: &Table) -> Result<Vec<(u64, u64)>> {
    let batches: Vec<RecordBatch> = table.scan(&[ROW_VERSION]).await?.try_collect().await?;
    let rows =
        |batch: &RecordBatch| numbers(batch, ROW_ID).into_iter().zip(numbers(batch, ROW_VERSION)).collect::<Vec<_>>();
    Ok(batches.iter().flat_map(rows).collect())
}

/// Names the columns of a table that are held in memory.
fn held_columns(schema: &CollectionSchema) -> Vec<String> {
    let arrow = row::arrow_schema(schema);
    arrow.fields().iter().map(|field| field.name().clone()).filter(|name| Segment::holds(name)).collect()
}

/// Returns a column of row ids or versions.
fn numbers(batch: &RecordBatch, name: &str) -> Vec<u64> {
    let column = batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<UInt64Type>());
    column.map(|column| column.values().to_vec()).unwrap_or_default()
}

/// Reads the columns of every row, and lays them out in the order of sealed rows; `None` where no row is left.
async fn scan_segment(
    table: &Table,
    schema: &CollectionSchema,
    sealed: Vec<u64>,
    versions: Vec<u64>,
) -> Result<Option<Segment>> {
    let held = held_columns(schema);
    let wanted: Vec<&str> = held.iter().map(String::as_str).collect();
    let batches: Vec<RecordBatch> = table.scan(&wanted).await?.try_collect().await?;
    let internal = |error: arrow::error::ArrowError| Error::Internal(error.to_string());
    let Some(first) = batches.first() else { return Ok(None) };
    let columns = concat_batches(&first.schema(), &batches).map_err(internal)?;
    if columns.num_rows() == 0 {
        return Ok(None);
    }
    let places = RowPlaces::new(numbers(&columns, ROW_ID).into_iter().zip(0..));
    // What the columns of a dead slot hold is never read.
    let order: Vec<u32> = sealed.iter().map(|&row_id| places.slot(row_id).unwrap_or(0)).collect();
    let columns = take_record_batch(&columns, &UInt32Array::from(order)).map_err(internal)?;
    Segment::new(0, sealed, versions, &columns).map(Some)
}

fn open_sealed(table: &Table, pointer: &Pointer) -> Option<SealedRows> {
    SealedRows::open(&pointer.text(table))
        .inspect_err(|error| tracing::warn!(collection = %table.name(), %error, "postings are analysed anew"))
        .ok()
}

fn open_generation(table: &Table, pointer: &Pointer) -> Option<Generation> {
    let path = pointer.vectors(table);
    if !path.exists() || !pointer.has_vectors_of(table) {
        return None;
    }
    let small = std::fs::metadata(path.join(FILE_NAME)).is_ok_and(|file| file.len() <= CHECKED_AT_ONCE_BYTES);
    let verify = if small { Verify::Full } else { Verify::Graph };
    Generation::open(&path, verify)
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

async fn append_unsealed(
    mut snapshot: Snapshot,
    table: &Table,
    schema: &CollectionSchema,
    rows: &[(u64, u64)],
    analyzer: &Analyzer,
) -> Result<Snapshot> {
    let held = held_columns(schema);
    let fetched = [row::TEXT, row::EMBEDDING, row::HEADING];
    let wanted: Vec<&str> = held.iter().map(String::as_str).chain(fetched).collect();
    for part in rows.chunks(FETCH_ROWS) {
        let (row_ids, versions): (Vec<u64>, Vec<u64>) = part.iter().copied().unzip();
        let batch = table.take(&row_ids, &wanted).await?;
        let rows: Vec<ChunkRow> = (0..row_ids.len()).map(|at| row::from_batch(schema, &batch, at)).collect();
        let texts = rows.iter().map(|row| word_text(row).map(|text| analyzer.analyze(&text))).collect();
        let vectors = rows.iter().map(|row| row.embedding.as_deref()).collect();
        let segment = Segment::new(snapshot.slots(), row_ids, versions, &batch)?;
        snapshot = snapshot.next(table.version(), &[], Some(NewRows { segment, vectors, texts }))?;
    }
    Ok(snapshot)
}

/// Fetches vectors that neither the generation nor memory holds of rows below a slot, as after a damaged generation, or of
/// rows that died before it was built.
async fn fetch_missing_vectors(snapshot: &Snapshot, table: &Table, slots_end: usize) -> Result<Vec<(u32, Vec<f32>)>> {
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
    Ok(found)
}

/// Collects the ids of the rows that live.
pub fn collect_keys(snapshot: &Snapshot) -> Keys {
    let mut keys = Keys::with_capacity(snapshot.len());
    for segment in snapshot.columns().segments() {
        let column = |name| segment.columns().column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(ids), Some(documents)) = (column(row::ID), column(row::DOCUMENT_ID)) else { continue };
        for slot in (segment.base()..segment.end()).filter(|&slot| snapshot.live().contains(slot as usize)) {
            let at = (slot - segment.base()) as usize;
            if ids.is_valid(at) && documents.is_valid(at) {
                keys.insert(ids.value(at), documents.value(at), slot);
            }
        }
    }
    keys
}
