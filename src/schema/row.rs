//! A chunk as a row, and rows as one Arrow batch.
//!
//! Column names stand here once. Row ids, versions and files belong to `table`.

use super::collection::{CollectionSchema, EmbeddingSchema};
use super::field::{FieldType, Metadata, Value};
use super::form::{Half, Storage};
use crate::error::{Error, Result};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, FixedSizeBinaryBuilder, FixedSizeListBuilder, Float32Builder,
    Float64Builder, Int32Builder, Int64Builder, ListBuilder, PrimitiveBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder, UInt64Builder,
};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field as ArrowField, Float16Type, Float32Type, Float64Type, Int32Type, Int64Type,
    Schema, SchemaRef, TimestampMicrosecondType,
};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

/// Primary key: id of the chunk.
pub const ID: &str = "id";
/// Id of the document that the chunk belongs to.
pub const DOCUMENT_ID: &str = "document_id";
/// Position of the chunk in its document, from 0.
pub const CHUNK_INDEX: &str = "chunk_index";
/// Text of the chunk, verbatim.
pub const TEXT: &str = "text";
/// Vector of the chunk.
pub const EMBEDDING: &str = "embedding";
/// Hash of what was embedded.
pub const EMBEDDING_HASH: &str = "embedding_hash";
/// Name of the model that embedded it.
pub const MODEL: &str = "model";
/// Where the document came from: path below the ingested folder, or the caller's own.
pub const URI: &str = "uri";
/// SHA-256 of the document's bytes.
pub const SHA256: &str = "sha256";
/// Media type of the document.
pub const MEDIA_TYPE: &str = "media_type";
/// Title of the document.
pub const TITLE: &str = "title";
/// Bytes of the document.
pub const DOCUMENT_BYTES: &str = "document_bytes";
/// Pages of the document.
pub const DOCUMENT_PAGES: &str = "document_pages";
/// First page of the chunk, from 1.
pub const PAGE: &str = "page";
/// Last page of the chunk.
pub const PAGE_END: &str = "page_end";
/// First character of the chunk in the extracted text.
pub const CHAR_START: &str = "char_start";
/// One past the last character of the chunk in the extracted text.
pub const CHAR_END: &str = "char_end";
/// Headings above the chunk, outermost first.
pub const HEADING: &str = "heading";
/// Where the chunk stands: five numbers a box, page and corners in points.
pub const BOXES: &str = "boxes";
/// Name and version of what read the document.
pub const EXTRACTOR: &str = "extractor";
/// When the row was written.
pub const INGESTED_AT: &str = "ingested_at";

/// Lineage columns that a filter may name, with the type they are compared as.
pub const FILTERABLE_SYSTEM_COLUMNS: &[(&str, FieldType)] = &[
    (ID, FieldType::String),
    (DOCUMENT_ID, FieldType::String),
    (URI, FieldType::String),
    (TITLE, FieldType::String),
    (MEDIA_TYPE, FieldType::String),
    (PAGE, FieldType::Integer),
    (INGESTED_AT, FieldType::Timestamp),
];

/// Metadata keys that name a lineage column, and set it for rows that no document file stands behind.
pub const LINEAGE_METADATA: &[&str] = &[URI, TITLE, MEDIA_TYPE, PAGE];

/// Columns that a change of the model replaces.
pub const EMBEDDED_COLUMNS: [&str; 3] = [EMBEDDING, EMBEDDING_HASH, MODEL];
/// What stands before their names while the new ones are not in use.
const STAGED_PREFIX: &str = "_reembed_";

const SYSTEM_COLUMNS: &[&str] = &[
    ID,
    DOCUMENT_ID,
    CHUNK_INDEX,
    TEXT,
    EMBEDDING,
    EMBEDDING_HASH,
    MODEL,
    URI,
    SHA256,
    MEDIA_TYPE,
    TITLE,
    DOCUMENT_BYTES,
    DOCUMENT_PAGES,
    PAGE,
    PAGE_END,
    CHAR_START,
    CHAR_END,
    HEADING,
    BOXES,
    EXTRACTOR,
    INGESTED_AT,
];

/// Returns whether a column belongs to the store and not to the user's metadata.
pub fn is_system_column(name: &str) -> bool {
    SYSTEM_COLUMNS.contains(&name) || name.starts_with(STAGED_PREFIX)
}

/// Returns the name of a column that is to replace another one.
pub fn staged_name(column: &str) -> String {
    format!("{STAGED_PREFIX}{column}")
}

/// One chunk: what is searched, filtered and cited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkRow {
    /// Primary key.
    pub id: String,
    /// Document that it belongs to.
    pub document_id: String,
    /// Position in the document.
    pub chunk_index: i32,
    /// Text, verbatim; `None` for a bare vector.
    pub text: Option<String>,
    /// Vector, normalised for cosine; `None` for a row that only lexical search finds.
    pub embedding: Option<Vec<f32>>,
    /// Hash of what was embedded.
    pub embedding_hash: Option<u64>,
    /// Model that embedded it.
    pub model: Option<String>,
    /// Where the document came from.
    pub uri: Option<String>,
    /// SHA-256 of the document's bytes.
    pub sha256: Option<[u8; 32]>,
    /// Media type of the document.
    pub media_type: Option<String>,
    /// Title of the document.
    pub title: Option<String>,
    /// Bytes of the document.
    pub document_bytes: Option<i64>,
    /// Pages of the document.
    pub document_pages: Option<i32>,
    /// First page, from 1.
    pub page: Option<i32>,
    /// Last page.
    pub page_end: Option<i32>,
    /// First character in the extracted text.
    pub char_start: Option<i64>,
    /// One past the last character.
    pub char_end: Option<i64>,
    /// Headings above, outermost first.
    pub heading: Vec<String>,
    /// Boxes, five numbers each.
    pub boxes: Vec<f32>,
    /// What read the document.
    pub extractor: Option<String>,
    /// Microseconds since the epoch.
    pub ingested_at: i64,
    /// The user's fields.
    pub metadata: Metadata,
}

/// Returns the Arrow schema of a collection's table.
///
/// `id` is non-null and marked as the unenforced primary key, as Lance's merge reads it.
pub fn arrow_schema(schema: &CollectionSchema) -> SchemaRef {
    let key = HashMap::from([("lance-schema:unenforced-primary-key".to_owned(), "true".to_owned())]);
    let text_list = || DataType::new_list(DataType::Utf8, true);
    let optional = |name: &str, data_type| ArrowField::new(name, data_type, true);
    let mut fields = vec![
        ArrowField::new(ID, DataType::Utf8, false).with_metadata(key),
        ArrowField::new(DOCUMENT_ID, DataType::Utf8, false),
        ArrowField::new(CHUNK_INDEX, DataType::Int32, false),
        optional(TEXT, DataType::Utf8),
        optional(EMBEDDING, embedding_type(&schema.embedding)),
        optional(EMBEDDING_HASH, DataType::UInt64),
        optional(MODEL, DataType::Utf8),
        optional(URI, DataType::Utf8),
        optional(SHA256, DataType::FixedSizeBinary(32)),
        optional(MEDIA_TYPE, DataType::Utf8),
        optional(TITLE, DataType::Utf8),
        optional(DOCUMENT_BYTES, DataType::Int64),
        optional(DOCUMENT_PAGES, DataType::Int32),
        optional(PAGE, DataType::Int32),
        optional(PAGE_END, DataType::Int32),
        optional(CHAR_START, DataType::Int64),
        optional(CHAR_END, DataType::Int64),
        optional(HEADING, text_list()),
        optional(BOXES, DataType::new_list(DataType::Float32, true)),
        optional(EXTRACTOR, DataType::Utf8),
        ArrowField::new(INGESTED_AT, FieldType::Timestamp.arrow(), false),
    ];
    fields.extend(schema.fields.iter().map(|field| optional(&field.name, field.field_type.arrow())));
    Arc::new(Schema::new(fields))
}

fn embedding_type(embedding: &EmbeddingSchema) -> DataType {
    let value = match embedding.forms.storage {
        Storage::F32 => DataType::Float32,
        Storage::F16 => DataType::Float16,
    };
    DataType::FixedSizeList(Arc::new(ArrowField::new("item", value, true)), embedding.dimension as i32)
}

fn halves(vector: &[f32]) -> Cow<'_, [Half]> {
    Cow::Owned(vector.iter().map(|&value| Half::from_f32(value)).collect())
}

/// Builds one batch of a collection's table from rows whose metadata fits the schema.
pub fn to_batch(schema: &CollectionSchema, rows: &[ChunkRow]) -> Result<RecordBatch> {
    let arrow = arrow_schema(schema);
    let columns = arrow.fields().iter().map(|field| column(field.name(), schema, rows)).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new(arrow, columns).map_err(|error| Error::Internal(error.to_string()))
}

/// Returns the schema of [`staged_batch`].
pub fn staged_schema(embedding: &EmbeddingSchema) -> SchemaRef {
    let types = [embedding_type(embedding), DataType::UInt64, DataType::Utf8];
    let fields = EMBEDDED_COLUMNS.iter().zip(types);
    let fields = fields.map(|(name, data_type)| ArrowField::new(staged_name(name), data_type, true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Builds the columns that replace those of another model; of the rows, only what these columns hold counts.
pub fn staged_batch(embedding: &EmbeddingSchema, rows: &[ChunkRow]) -> Result<RecordBatch> {
    let columns = vec![vectors(embedding, rows)?, hashes_of_vectors(rows), texts(rows, |row| row.model.as_ref())];
    RecordBatch::try_new(staged_schema(embedding), columns).map_err(|error| Error::Internal(error.to_string()))
}

fn column(name: &str, schema: &CollectionSchema, rows: &[ChunkRow]) -> Result<ArrayRef> {
    Ok(match name {
        ID => texts(rows, |row| Some(&row.id)),
        DOCUMENT_ID => texts(rows, |row| Some(&row.document_id)),
        CHUNK_INDEX => i32s(rows, |row| Some(row.chunk_index)),
        TEXT => texts(rows, |row| row.text.as_ref()),
        EMBEDDING => vectors(&schema.embedding, rows)?,
        EMBEDDING_HASH => hashes_of_vectors(rows),
        MODEL => texts(rows, |row| row.model.as_ref()),
        URI => texts(rows, |row| row.uri.as_ref()),
        SHA256 => hashes(rows)?,
        MEDIA_TYPE => texts(rows, |row| row.media_type.as_ref()),
        TITLE => texts(rows, |row| row.title.as_ref()),
        DOCUMENT_BYTES => i64s(rows, |row| row.document_bytes),
        DOCUMENT_PAGES => i32s(rows, |row| row.document_pages),
        PAGE => i32s(rows, |row| row.page),
        PAGE_END => i32s(rows, |row| row.page_end),
        CHAR_START => i64s(rows, |row| row.char_start),
        CHAR_END => i64s(rows, |row| row.char_end),
        HEADING => text_lists(rows, |row| (!row.heading.is_empty()).then_some(&row.heading)),
        BOXES => boxes(rows),
        EXTRACTOR => texts(rows, |row| row.extractor.as_ref()),
        INGESTED_AT => timestamps(rows, |row| Some(row.ingested_at)),
        field => metadata_column(field, schema, rows)?,
    })
}

fn vectors(embedding: &EmbeddingSchema, rows: &[ChunkRow]) -> Result<ArrayRef> {
    match embedding.forms.storage {
        Storage::F32 => embeddings::<Float32Type>(rows, embedding.dimension, |vector| Cow::Borrowed(vector)),
        Storage::F16 => embeddings::<Float16Type>(rows, embedding.dimension, halves),
    }
}

fn hashes_of_vectors(rows: &[ChunkRow]) -> ArrayRef {
    let mut builder = UInt64Builder::with_capacity(rows.len());
    rows.iter().for_each(|row| builder.append_option(row.embedding_hash));
    Arc::new(builder.finish())
}

fn metadata_column(name: &str, schema: &CollectionSchema, rows: &[ChunkRow]) -> Result<ArrayRef> {
    let field_type = schema.field_type(name).ok_or_else(|| Error::Internal(format!("column {name} has no field")))?;
    let value = |row: &'_ ChunkRow| row.metadata.get(name).cloned();
    Ok(match field_type {
        FieldType::String => texts(rows, |row| match row.metadata.get(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }),
        FieldType::Integer => i64s(rows, |row| match value(row) {
            Some(Value::Integer(whole)) => Some(whole),
            _ => None,
        }),
        FieldType::Number => {
            let mut builder = Float64Builder::with_capacity(rows.len());
            for row in rows {
                builder.append_option(match row.metadata.get(name) {
                    Some(Value::Number(number)) => Some(*number),
                    _ => None,
                });
            }
            Arc::new(builder.finish())
        }
        FieldType::Bool => {
            let mut builder = BooleanBuilder::with_capacity(rows.len());
            for row in rows {
                builder.append_option(match row.metadata.get(name) {
                    Some(Value::Bool(flag)) => Some(*flag),
                    _ => None,
                });
            }
            Arc::new(builder.finish())
        }
        FieldType::Timestamp => timestamps(rows, |row| match value(row) {
            Some(Value::Timestamp(micros)) => Some(micros),
            _ => None,
        }),
        FieldType::StringList => text_lists(rows, |row| match row.metadata.get(name) {
            Some(Value::StringList(items)) => Some(items),
            _ => None,
        }),
    })
}

fn texts<'a>(rows: &'a [ChunkRow], get: impl Fn(&'a ChunkRow) -> Option<&'a String>) -> ArrayRef {
    let bytes = rows.iter().filter_map(&get).map(String::len).sum();
    let mut builder = StringBuilder::with_capacity(rows.len(), bytes);
    rows.iter().for_each(|row| builder.append_option(get(row)));
    Arc::new(builder.finish())
}

fn i32s(rows: &[ChunkRow], get: impl Fn(&ChunkRow) -> Option<i32>) -> ArrayRef {
    let mut builder = Int32Builder::with_capacity(rows.len());
    rows.iter().for_each(|row| builder.append_option(get(row)));
    Arc::new(builder.finish())
}

fn i64s(rows: &[ChunkRow], get: impl Fn(&ChunkRow) -> Option<i64>) -> ArrayRef {
    let mut builder = Int64Builder::with_capacity(rows.len());
    rows.iter().for_each(|row| builder.append_option(get(row)));
    Arc::new(builder.finish())
}

fn timestamps(rows: &[ChunkRow], get: impl Fn(&ChunkRow) -> Option<i64>) -> ArrayRef {
    let mut builder = TimestampMicrosecondBuilder::with_capacity(rows.len()).with_timezone("UTC");
    rows.iter().for_each(|row| builder.append_option(get(row)));
    Arc::new(builder.finish())
}

fn text_lists<'a>(rows: &'a [ChunkRow], get: impl Fn(&'a ChunkRow) -> Option<&'a Vec<String>>) -> ArrayRef {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for row in rows {
        builder.append_option(get(row).map(|items| items.iter().map(Some)));
    }
    Arc::new(builder.finish())
}

fn boxes(rows: &[ChunkRow]) -> ArrayRef {
    let mut builder = ListBuilder::new(Float32Builder::new());
    for row in rows {
        builder.append_option((!row.boxes.is_empty()).then(|| row.boxes.iter().copied().map(Some)));
    }
    Arc::new(builder.finish())
}

fn hashes(rows: &[ChunkRow]) -> Result<ArrayRef> {
    let mut builder = FixedSizeBinaryBuilder::with_capacity(rows.len(), 32);
    for row in rows {
        match row.sha256 {
            Some(hash) => builder.append_value(hash).map_err(|error| Error::Internal(error.to_string()))?,
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

fn embeddings<T: ArrowPrimitiveType>(
    rows: &[ChunkRow],
    dimension: usize,
    stored: for<'a> fn(&'a [f32]) -> Cow<'a, [T::Native]>,
) -> Result<ArrayRef> {
    let values = PrimitiveBuilder::<T>::with_capacity(rows.len() * dimension);
    let mut builder = FixedSizeListBuilder::with_capacity(values, dimension as i32, rows.len());
    for row in rows {
        match &row.embedding {
            Some(vector) if vector.len() == dimension => {
                builder.values().append_slice(&stored(vector));
                builder.append(true);
            }
            Some(vector) => return Err(Error::DimensionMismatch { expected: dimension, found: vector.len() }),
            None => {
                builder.values().append_nulls(dimension);
                builder.append(false);
            }
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Reads one row of a batch that holds any of a table's columns; absent columns read as nothing.
pub fn from_batch(schema: &CollectionSchema, batch: &RecordBatch, at: usize) -> ChunkRow {
    let cell = Cell { batch, at };
    let metadata = schema
        .fields
        .iter()
        .filter_map(|field| Some((field.name.clone(), cell.value(&field.name, field.field_type)?)))
        .collect();
    ChunkRow {
        id: cell.text(ID).unwrap_or_default(),
        document_id: cell.text(DOCUMENT_ID).unwrap_or_default(),
        chunk_index: cell.i32(CHUNK_INDEX).unwrap_or_default(),
        text: cell.text(TEXT),
        embedding: cell.vector(),
        embedding_hash: None,
        model: cell.text(MODEL),
        uri: cell.text(URI),
        sha256: cell.sha256(),
        media_type: cell.text(MEDIA_TYPE),
        title: cell.text(TITLE),
        document_bytes: cell.i64(DOCUMENT_BYTES),
        document_pages: cell.i32(DOCUMENT_PAGES),
        page: cell.i32(PAGE),
        page_end: cell.i32(PAGE_END),
        char_start: cell.i64(CHAR_START),
        char_end: cell.i64(CHAR_END),
        heading: cell.texts(HEADING).unwrap_or_default(),
        boxes: cell.floats(BOXES),
        extractor: cell.text(EXTRACTOR),
        ingested_at: cell.timestamp(INGESTED_AT).unwrap_or_default(),
        metadata,
    }
}

/// Reads the vector of one row of a batch, `None` where it has none.
pub fn vector(batch: &RecordBatch, at: usize) -> Option<Vec<f32>> {
    Cell { batch, at }.vector()
}

/// One row of a batch, read by column name.
struct Cell<'a> {
    batch: &'a RecordBatch,
    at: usize,
}

impl Cell<'_> {
    fn column(&self, name: &str) -> Option<&ArrayRef> {
        self.batch.column_by_name(name).filter(|column| column.is_valid(self.at))
    }

    fn text(&self, name: &str) -> Option<String> {
        Some(self.column(name)?.as_string_opt::<i32>()?.value(self.at).to_owned())
    }

    fn i32(&self, name: &str) -> Option<i32> {
        Some(self.column(name)?.as_primitive_opt::<Int32Type>()?.value(self.at))
    }

    fn i64(&self, name: &str) -> Option<i64> {
        Some(self.column(name)?.as_primitive_opt::<Int64Type>()?.value(self.at))
    }

    fn timestamp(&self, name: &str) -> Option<i64> {
        Some(self.column(name)?.as_primitive_opt::<TimestampMicrosecondType>()?.value(self.at))
    }

    fn texts(&self, name: &str) -> Option<Vec<String>> {
        let items = self.column(name)?.as_list_opt::<i32>()?.value(self.at);
        let items = items.as_string_opt::<i32>()?;
        Some(items.iter().flatten().map(str::to_owned).collect())
    }

    fn floats(&self, name: &str) -> Vec<f32> {
        let Some(list) = self.column(name).and_then(|column| column.as_list_opt::<i32>()) else { return Vec::new() };
        let items = list.value(self.at);
        items.as_primitive_opt::<Float32Type>().map(|items| items.values().to_vec()).unwrap_or_default()
    }

    fn vector(&self) -> Option<Vec<f32>> {
        let items = self.column(EMBEDDING)?.as_fixed_size_list_opt()?.value(self.at);
        match items.as_primitive_opt::<Float32Type>() {
            Some(values) => Some(values.values().to_vec()),
            None => {
                Some(items.as_primitive_opt::<Float16Type>()?.values().iter().map(|value| value.to_f32()).collect())
            }
        }
    }

    fn sha256(&self) -> Option<[u8; 32]> {
        self.column(SHA256)?.as_fixed_size_binary_opt()?.value(self.at).try_into().ok()
    }

    fn value(&self, name: &str, field_type: FieldType) -> Option<Value> {
        Some(match field_type {
            FieldType::String => Value::String(self.text(name)?),
            FieldType::Integer => Value::Integer(self.i64(name)?),
            FieldType::Number => Value::Number(self.column(name)?.as_primitive_opt::<Float64Type>()?.value(self.at)),
            FieldType::Bool => Value::Bool(self.column(name)?.as_boolean_opt()?.value(self.at)),
            FieldType::Timestamp => Value::Timestamp(self.timestamp(name)?),
            FieldType::StringList => Value::StringList(self.texts(name)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Chunking;
    use crate::schema::VectorForms;
    use crate::schema::{Field, Metric};

    #[test]
    fn a_row_reads_back_as_it_was_written() {
        let field = |name: &str, field_type| Field { name: name.into(), field_type };
        let schema = CollectionSchema {
            description: String::new(),
            embedding: EmbeddingSchema {
                model: None,
                dimension: 2,
                metric: Metric::Dot,
                forms: VectorForms::default(),
            },
            chunking: Chunking::default(),
            fields: vec![field("year", FieldType::Number), field("tags", FieldType::StringList)],
        };
        let full = ChunkRow {
            id: "a".into(),
            document_id: "d".into(),
            text: Some("text".into()),
            embedding: Some(vec![1.0, 2.0]),
            sha256: Some([7; 32]),
            page: Some(3),
            heading: vec!["One".into()],
            boxes: vec![1.0, 2.0, 3.0, 4.0, 5.0],
            ingested_at: 5,
            metadata: Metadata::from([
                ("year".to_owned(), Value::Number(2020.0)),
                ("tags".to_owned(), Value::StringList(vec!["x".into()])),
            ]),
            ..ChunkRow::default()
        };
        let bare = ChunkRow { id: "b".into(), document_id: "b".into(), ..ChunkRow::default() };
        let rows = [full, bare];
        let batch = to_batch(&schema, &rows).unwrap();
        for (at, row) in rows.iter().enumerate() {
            assert_eq!(&from_batch(&schema, &batch, at), row);
        }
    }
}
