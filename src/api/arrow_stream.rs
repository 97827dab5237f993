//! Chunks from an Arrow stream: the columns `id, document_id?, text?, embedding?`, and every other one as metadata.
//!
//! Types are widened to those of a collection (any text, integer, float or timestamp column fits). A column that no
//! metadata type can hold is refused by name. Nothing is written here.

use super::error::Problem;
use crate::config::limits::UPSERT_CHUNKS_MAX;
use crate::error::{Error, Result};
use crate::schema::field::format_timestamp;
use crate::schema::row;
use crate::store::NewChunk;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::ipc::reader::StreamReader;
use axum::body::Bytes;
use serde_json::{Map, Value};
use std::io::Cursor;
use std::sync::Arc;

/// Media type of the stream.
pub const MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// Reads the chunks of a stream on a thread of its own.
pub async fn read(bytes: Bytes) -> Result<Vec<NewChunk>, Problem> {
    let reading = tokio::task::spawn_blocking(move || read_now(&bytes)).await;
    // The reader panics on some streams that lie about their own layout; the thread ends and the request is refused.
    Ok(reading.map_err(|_| malformed("the stream contradicts itself"))??)
}

fn read_now(bytes: &[u8]) -> Result<Vec<NewChunk>> {
    let reader = StreamReader::try_new(Cursor::new(bytes), None).map_err(malformed)?;
    let mut chunks = Vec::new();
    for batch in reader {
        let batch = batch.map_err(malformed)?;
        if chunks.len() + batch.num_rows() > UPSERT_CHUNKS_MAX {
            return Err(Error::LimitExceeded { what: "chunks in one request", limit: UPSERT_CHUNKS_MAX as u64 });
        }
        read_batch(&batch, &mut chunks)?;
    }
    Ok(chunks)
}

fn malformed(reason: impl std::fmt::Display) -> Error {
    Error::Malformed { detail: format!("not an Arrow stream: {reason}") }
}

fn read_batch(batch: &RecordBatch, chunks: &mut Vec<NewChunk>) -> Result<()> {
    let columns = Columns::of(batch)?;
    for at in 0..batch.num_rows() {
        chunks.push(columns.chunk(at)?);
    }
    Ok(())
}

/// The columns of a batch in the types that they are read as.
struct Columns {
    id: ArrayRef,
    document_id: Option<ArrayRef>,
    text: Option<ArrayRef>,
    embedding: Option<ArrayRef>,
    metadata: Vec<(String, ArrayRef)>,
}

impl Columns {
    fn of(batch: &RecordBatch) -> Result<Self> {
        let named = |name: &str, wanted: &DataType, expected| {
            batch.column_by_name(name).map(|column| convert(name, column, wanted, expected)).transpose()
        };
        let vector = DataType::new_list(DataType::Float32, true);
        let id = named(row::ID, &DataType::Utf8, "string")?;
        let known = [row::ID, row::DOCUMENT_ID, row::TEXT, row::EMBEDDING];
        let schema = batch.schema();
        let metadata =
            schema.fields().iter().zip(batch.columns()).filter(|(field, _)| !known.contains(&field.name().as_str()));
        Ok(Self {
            id: id.ok_or_else(|| Error::InvalidArgument {
                field: "id",
                detail: "the stream has no such column".into(),
            })?,
            document_id: named(row::DOCUMENT_ID, &DataType::Utf8, "string")?,
            text: named(row::TEXT, &DataType::Utf8, "string")?,
            embedding: named(row::EMBEDDING, &vector, "list of numbers")?,
            metadata: metadata
                .map(|(field, column)| Ok((field.name().clone(), widen(field.name(), column)?)))
                .collect::<Result<_>>()?,
        })
    }

    fn chunk(&self, at: usize) -> Result<NewChunk> {
        let id =
            text_at(&self.id, at).ok_or_else(|| Error::InvalidArgument { field: "id", detail: "it is null".into() })?;
        let text = |column: &Option<ArrayRef>| column.as_ref().and_then(|column| text_at(column, at));
        let mut metadata = Map::new();
        for (name, column) in &self.metadata {
            if column.is_valid(at) {
                metadata.insert(name.clone(), value_at(column, at)?);
            }
        }
        Ok(NewChunk {
            id,
            document_id: text(&self.document_id),
            text: text(&self.text),
            embedding: self.embedding.as_ref().map_or(Ok(None), |column| vector_at(column, at))?,
            metadata,
        })
    }
}

fn convert(name: &str, column: &ArrayRef, wanted: &DataType, expected: &'static str) -> Result<ArrayRef> {
    let found = "another column type";
    let fits = match wanted {
        DataType::Utf8 => is_text(column.data_type()),
        _ => is_list(column.data_type()),
    };
    let converted = if fits { cast(column, wanted).ok() } else { None };
    converted.ok_or_else(|| Error::FieldTypeMismatch { field: name.to_owned(), expected, found })
}

fn is_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

fn is_list(found: &DataType) -> bool {
    matches!(found, DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) | DataType::Null)
}

/// Brings a metadata column into one of the types that [`value_at`] reads.
fn widen(name: &str, column: &ArrayRef) -> Result<ArrayRef> {
    let found = column.data_type();
    let wanted = match found {
        _ if is_text(found) => DataType::Utf8,
        _ if found.is_integer() => DataType::Int64,
        _ if found.is_floating() => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
        }
        _ if is_list(found) => DataType::new_list(DataType::Utf8, true),
        _ => {
            let expected = "string, number, bool, timestamp or list of strings";
            return Err(Error::FieldTypeMismatch { field: name.to_owned(), expected, found: "another column type" });
        }
    };
    cast(column, &wanted).map_err(|error| Error::Malformed { detail: format!("column '{name}': {error}") })
}

fn text_at(column: &ArrayRef, at: usize) -> Option<String> {
    let texts = column.as_string_opt::<i32>()?;
    texts.is_valid(at).then(|| texts.value(at).to_owned())
}

fn vector_at(column: &ArrayRef, at: usize) -> Result<Option<Vec<f32>>> {
    let Some(lists) = column.as_list_opt::<i32>().filter(|lists| lists.is_valid(at)) else { return Ok(None) };
    let items = lists.value(at);
    if items.null_count() > 0 {
        return Err(Error::InvalidEmbedding { detail: "it holds a null" });
    }
    Ok(items.as_primitive_opt::<Float32Type>().map(|items| items.values().to_vec()))
}

fn value_at(column: &ArrayRef, at: usize) -> Result<Value> {
    let value = match column.data_type() {
        DataType::Utf8 => text_at(column, at).map(Value::from),
        DataType::Int64 => column.as_primitive_opt::<Int64Type>().map(|numbers| numbers.value(at).into()),
        // A number that JSON cannot hold becomes null there, and so is left out.
        DataType::Float64 => column.as_primitive_opt::<Float64Type>().map(|numbers| numbers.value(at).into()),
        DataType::Boolean => column.as_boolean_opt().map(|flags| flags.value(at).into()),
        DataType::Timestamp(..) => column
            .as_primitive_opt::<TimestampMicrosecondType>()
            .map(|instants| format_timestamp(instants.value(at)).into()),
        DataType::List(_) => column.as_list_opt::<i32>().map(|lists| texts_of(&lists.value(at))),
        _ => None,
    };
    value.ok_or_else(|| Error::Internal(format!("column of {} was not widened", column.data_type())))
}

fn texts_of(items: &ArrayRef) -> Value {
    let texts = items.as_string_opt::<i32>();
    texts.map(|texts| texts.iter().flatten().map(Value::from).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{BooleanArray, FixedSizeListArray, Float64Array, Int32Array, LargeStringArray, StringArray};
    use arrow::datatypes::Field;
    use arrow::ipc::writer::StreamWriter;

    fn stream(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).unwrap();
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        bytes
    }

    fn texts(values: &[&str]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn columns_become_chunks_with_metadata() {
        let item = Arc::new(Field::new("item", DataType::Float64, true));
        let values = Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0, 4.0]));
        let bytes = stream(vec![
            ("id", Arc::new(LargeStringArray::from(vec!["a", "b"])) as ArrayRef),
            ("text", Arc::new(StringArray::from(vec![Some("words"), None]))),
            ("embedding", Arc::new(FixedSizeListArray::new(item, 2, values, None))),
            ("year", Arc::new(Int32Array::from(vec![Some(2020), None]))),
            ("open", Arc::new(BooleanArray::from(vec![true, false]))),
        ]);
        let chunks = read_now(&bytes).unwrap();
        assert_eq!(chunks[0].id, "a");
        assert_eq!(chunks[0].text.as_deref(), Some("words"));
        assert_eq!(chunks[1].embedding, Some(vec![3.0, 4.0]));
        assert_eq!(Value::from(chunks[0].metadata.clone()), serde_json::json!({"year": 2020, "open": true}));
        assert_eq!(Value::from(chunks[1].metadata.clone()), serde_json::json!({"open": false}));
    }

    #[test]
    fn a_column_of_the_wrong_type_is_named() {
        let numbers = || Arc::new(Int32Array::from(vec![1])) as ArrayRef;
        let code = |columns| read_now(&stream(columns)).unwrap_err().code();
        assert_eq!(code(vec![("id", numbers())]), "field_type_mismatch");
        assert_eq!(code(vec![("id", texts(&["a"])), ("embedding", numbers())]), "field_type_mismatch");
        assert_eq!(code(vec![("text", texts(&["a"]))]), "invalid_argument");
    }

    #[test]
    fn bytes_that_are_no_stream_are_malformed() {
        let whole = stream(vec![("id", texts(&["a", "b"]))]);
        for bytes in [&b"not arrow"[..], &whole[..whole.len() / 2], &[0xff; 64]] {
            assert_eq!(read_now(bytes).unwrap_err().code(), "malformed_request");
        }
    }
}
