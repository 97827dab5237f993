//! From what a caller sends to rows that can be committed.
//!
//! Everything a caller can get wrong is found here, before the writer's queue: ids, lengths, vectors, metadata types.
//! The writer checks metadata once more, since fields may have been added in between.

use super::view::NewChunk;
use crate::config::limits::{CHUNK_TEXT_BYTES_MAX, UPSERT_CHUNKS_MAX};
use crate::error::{Error, Result};
use crate::schema::collection::FIELDS_MAX;
use crate::schema::{ChunkId, ChunkRow, CollectionSchema, DocumentId, Field, Metric, Value, field, row};
use serde_json::Map;
use xxhash_rust::xxh3::xxh3_64;

/// A row whose metadata is still as the caller sent it.
#[derive(Clone, Debug)]
pub struct PendingRow {
    /// The row, without metadata.
    pub row: ChunkRow,
    /// The metadata.
    pub metadata: Map<String, serde_json::Value>,
}

/// Checks chunks and turns them into rows; embeddings that are missing stay missing.
pub fn check_chunks(schema: &CollectionSchema, chunks: Vec<NewChunk>, now_micros: i64) -> Result<Vec<PendingRow>> {
    if chunks.len() > UPSERT_CHUNKS_MAX {
        return Err(Error::LimitExceeded { what: "chunks in one request", limit: UPSERT_CHUNKS_MAX as u64 });
    }
    let mut rows = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        rows.push(check_chunk(schema, chunk, now_micros)?);
    }
    let mut evolved = schema.clone();
    for pending in &rows {
        let mut trial = ChunkRow::default();
        for (key, json) in &pending.metadata {
            resolve_value(&mut evolved, &mut trial, key, json)?;
        }
    }
    Ok(rows)
}

fn check_chunk(schema: &CollectionSchema, chunk: NewChunk, now_micros: i64) -> Result<PendingRow> {
    ChunkId::parse(&chunk.id)?;
    let document_id = match chunk.document_id {
        Some(id) => DocumentId::parse(&id).map(|_| id)?,
        None => chunk.id.clone(),
    };
    if chunk.text.as_ref().is_some_and(|text| text.len() > CHUNK_TEXT_BYTES_MAX) {
        return Err(Error::LimitExceeded { what: "bytes of a chunk's text", limit: CHUNK_TEXT_BYTES_MAX as u64 });
    }
    if chunk.text.is_none() && chunk.embedding.is_none() {
        let detail = format!("chunk '{}' has neither text nor embedding", chunk.id);
        return Err(Error::InvalidArgument { field: "chunks", detail });
    }
    let embedding = chunk.embedding.map(|vector| stored_vector(schema, vector)).transpose()?;
    let embedding_hash = embedding.as_deref().map(hash_vector);
    let row = ChunkRow {
        id: chunk.id,
        document_id,
        text: chunk.text,
        embedding,
        embedding_hash,
        ingested_at: now_micros,
        ..ChunkRow::default()
    };
    Ok(PendingRow { row, metadata: chunk.metadata })
}

/// Checks a vector and brings it into the form in which it is stored: that of a question, in the numbers of the table.
pub fn stored_vector(schema: &CollectionSchema, vector: Vec<f32>) -> Result<Vec<f32>> {
    let mut vector = check_vector(schema, vector)?;
    match schema.embedding.forms.storage.round(&mut vector) {
        true => Ok(vector),
        false => Err(Error::InvalidEmbedding { detail: "a value is beyond 65,504, the largest that f16 stores" }),
    }
}

/// Checks a vector and brings it into the form in which it is compared: of length 1 for cosine.
pub fn check_vector(schema: &CollectionSchema, mut vector: Vec<f32>) -> Result<Vec<f32>> {
    let expected = schema.embedding.dimension;
    if vector.len() != expected {
        return Err(Error::DimensionMismatch { expected, found: vector.len() });
    }
    if !vector.iter().all(|value| value.is_finite()) {
        return Err(Error::InvalidEmbedding { detail: "it holds NaN or an infinity" });
    }
    if schema.embedding.metric == Metric::Cosine {
        let length = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt();
        if length < f64::from(f32::MIN_POSITIVE) {
            return Err(Error::InvalidEmbedding { detail: "its length is zero, which has no cosine" });
        }
        vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    }
    Ok(vector)
}

/// Returns a hash by which equal vectors are known.
pub fn hash_vector(vector: &[f32]) -> u64 {
    let mut bytes = vec![0; size_of_val(vector)];
    for (place, value) in bytes.chunks_exact_mut(size_of::<f32>()).zip(vector) {
        place.copy_from_slice(&value.to_le_bytes());
    }
    xxh3_64(&bytes)
}

/// Types the metadata of a row by the schema, adds fields that are new to the schema, and returns those.
pub fn resolve_metadata(schema: &mut CollectionSchema, pending: &mut PendingRow) -> Result<Vec<Field>> {
    let mut added = Vec::new();
    for (key, json) in std::mem::take(&mut pending.metadata) {
        added.extend(resolve_value(schema, &mut pending.row, &key, &json)?);
    }
    Ok(added)
}

/// Puts one value of metadata into a row, typed by the schema; returns the field that the schema gets for it.
///
/// Keys that name a lineage column set it for rows without a document file.
fn resolve_value(
    schema: &mut CollectionSchema,
    row: &mut ChunkRow,
    key: &str,
    json: &serde_json::Value,
) -> Result<Option<Field>> {
    if row::LINEAGE_METADATA.contains(&key) {
        return set_lineage(row, key, json).map(|()| None);
    }
    if row::is_system_column(key) {
        return Err(Error::ReservedField { field: key.to_owned() });
    }
    let known = schema.field_type(key);
    let Some(value) = Value::from_json(key, known, json)? else { return Ok(None) };
    let mut added = None;
    if known.is_none() {
        field::check_field_name(key)?;
        if schema.fields.len() == FIELDS_MAX {
            return Err(Error::LimitExceeded { what: "fields", limit: FIELDS_MAX as u64 });
        }
        let new = Field { name: key.to_owned(), field_type: value.field_type() };
        schema.fields.push(new.clone());
        added = Some(new);
    }
    row.metadata.insert(key.to_owned(), value);
    Ok(added)
}

fn set_lineage(row: &mut ChunkRow, key: &str, json: &serde_json::Value) -> Result<()> {
    let clash = |expected| {
        let found = if json.is_string() { "string" } else { "another type" };
        Error::FieldTypeMismatch { field: key.to_owned(), expected, found }
    };
    if json.is_null() {
        return Ok(());
    }
    if key == row::PAGE {
        let page = json.as_i64().and_then(|page| i32::try_from(page).ok());
        row.page = Some(page.ok_or_else(|| clash("integer"))?);
        row.page_end = row.page_end.or(row.page);
        return Ok(());
    }
    let text = json.as_str().ok_or_else(|| clash("string"))?.to_owned();
    match key {
        row::URI => row.uri = Some(text),
        row::TITLE => row.title = Some(text),
        _ => row.media_type = Some(text),
    }
    Ok(())
}
