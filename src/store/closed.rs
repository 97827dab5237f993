//! What a list says of a collection that is not open: read from its table alone, and remembered until it is opened.
//!
//! Only this process writes to the folder, so what was true when it was read, or when the collection was closed, stays
//! true until somebody opens it.

use super::load::Pointer;
use super::view::CollectionInfo;
use crate::error::Result;
use crate::index::Generation;
use crate::index::generation::Verify;
use crate::schema::{Version, row};
use crate::table::{ROW_VERSION, Table};
use arrow::array::AsArray;
use arrow::datatypes::UInt64Type;
use futures::TryStreamExt;
use std::collections::HashSet;
use xxhash_rust::xxh3::xxh3_128;

/// Returns what the collection of a table is and holds; costs a pass over its document ids.
pub async fn closed_info(table: &Table) -> Result<CollectionInfo> {
    let schema = table.schema()?;
    let mut documents: HashSet<u128> = HashSet::new();
    let (mut chunks, mut written) = (0, Version(0));
    let mut batches = table.scan(&[row::DOCUMENT_ID, ROW_VERSION]).await?;
    while let Some(batch) = batches.try_next().await? {
        let ids = batch.column_by_name(row::DOCUMENT_ID).and_then(|column| column.as_string_opt::<i32>());
        documents.extend(ids.into_iter().flatten().flatten().map(|id| xxh3_128(id.as_bytes())));
        let versions = batch.column_by_name(ROW_VERSION).and_then(|column| column.as_primitive_opt::<UInt64Type>());
        written = written.max(Version(versions.into_iter().flatten().flatten().max().unwrap_or(0)));
        chunks += batch.num_rows();
    }
    let pointer = Pointer::of(table).filter(|pointer| pointer.has_vectors_of(table));
    let sealed = pointer.and_then(|pointer| {
        let generation = Generation::open(&pointer.vectors(table), Verify::Header).ok()?;
        Some((pointer, generation.len()))
    });
    let (covered_version, covered_rows) = match &sealed {
        None => (Version(0), 0),
        Some((pointer, rows)) if written.0 <= pointer.built_version => (table.version(), *rows),
        Some((pointer, rows)) => (Version(pointer.built_version), *rows),
    };
    Ok(CollectionInfo {
        name: table.name().clone(),
        description: schema.description,
        embedding: schema.embedding,
        fields: schema.fields,
        chunking: schema.chunking,
        documents: documents.len(),
        chunks,
        version: table.version(),
        bytes: table.bytes(),
        generation: sealed.map(|(pointer, _)| pointer.generation),
        covered_version,
        covered_rows,
    })
}
