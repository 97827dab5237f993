//! Chunks from an Arrow stream: the columns `id, document_id?, text?, embedding?`, and every other one as metadata.
//!
//! Types are widened to those of a collection (any text, integer, float or timestamp column fits). A column that no
//! metadata type can hold is refused by name. A stream cannot make this process hold much more than its own bytes: the
//! push decoder takes nothing on the word of a length, and columns that say more than they hold are weighed before they
//! are widened. Nothing is written here.

use super::error::Problem;
use crate::config::limits::{JSON_BODY_BYTES_MAX, UPSERT_CHUNKS_MAX};
use crate::error::{Error, Result};
use crate::schema::field::format_timestamp;
use crate::schema::row;
use crate::store::NewChunk;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::Buffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::ipc::reader::StreamDecoder;
use axum::body::Bytes;
use serde_json::{Map, Value};

/// Media type of the stream.
pub const MEDIA_TYPE: &str = "application/vnd.apache.arrow.stream";

/// Reads the chunks of a stream on a thread of its own.
pub async fn read(bytes: Bytes) -> Result<Vec<NewChunk>, Problem> {
    let reading = tokio::task::spawn_blocking(move || read_now(&bytes)).await;
    // The reader panics on some streams that lie about their own layout; the thread ends and the request is refused.
    Ok(reading.map_err(|_| malformed("the stream contradicts itself"))??)
}

fn read_now(bytes: &[u8]) -> Result<Vec<NewChunk>> {
    let mut rest = Buffer::from(bytes);
    let mut decoder = StreamDecoder::new();
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let Some(batch) = decoder.decode(&mut rest).map_err(malformed)? else { continue };
        if batch.num_rows() > UPSERT_CHUNKS_MAX - chunks.len() {
            return Err(Error::LimitExceeded { what: "chunks in one request", limit: UPSERT_CHUNKS_MAX as u64 });
        }
        read_batch(&batch, &mut chunks)?;
    }
    decoder.finish().map_err(malformed)?;
    if decoder.schema().is_none() {
        return Err(malformed("it is empty"));
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

/// Brings a column of a chunk's own into the type that it is read as.
fn convert(name: &str, column: &ArrayRef, wanted: &DataType, expected: &'static str) -> Result<ArrayRef> {
    let found = column.data_type();
    let fits = match wanted {
        DataType::Utf8 => is_text(found),
        _ => *found == DataType::Null || item_type(found).is_some_and(DataType::is_numeric),
    };
    if !fits {
        return Err(Error::FieldTypeMismatch { field: name.to_owned(), expected, found: "another column type" });
    }
    cast_checked(name, column, wanted)
}

fn cast_checked(name: &str, column: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if *wanted == DataType::Utf8 && text_bytes(column) > JSON_BODY_BYTES_MAX {
        return Err(Error::LimitExceeded { what: "bytes of a text column", limit: JSON_BODY_BYTES_MAX as u64 });
    }
    cast(column, wanted).map_err(|error| Error::Malformed { detail: format!("column '{name}': {error}") })
}

/// Returns the bytes that a column of texts has when each row holds its own; many rows may share one before.
fn text_bytes(column: &ArrayRef) -> usize {
    if let Some(views) = column.as_string_view_opt() {
        return views.iter().flatten().map(str::len).sum();
    }
    let Some(dictionary) = column.as_any_dictionary_opt() else { return 0 };
    let Ok(values) = cast(dictionary.values(), &DataType::Utf8) else { return 0 };
    let Some(texts) = values.as_string_opt::<i32>() else { return 0 };
    let lengths: Vec<usize> = texts.iter().map(|text| text.map_or(0, str::len)).collect();
    if lengths.is_empty() {
        return 0;
    }
    dictionary.normalized_keys().into_iter().map(|key| lengths[key]).sum()
}

fn is_text(found: &DataType) -> bool {
    let is_plain = |found: &DataType| matches!(found, DataType::Utf8 | DataType::LargeUtf8);
    match found {
        DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_plain(values),
        _ => is_plain(found),
    }
}

/// Returns the type of the items of a list column.
fn item_type(found: &DataType) -> Option<&DataType> {
    match found {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => Some(item.data_type()),
        _ => None,
    }
}

/// Brings a metadata column into one of the types that [`value_at`] reads.
fn widen(name: &str, column: &ArrayRef) -> Result<ArrayRef> {
    let found = column.data_type();
    let wanted = match found {
        _ if is_text(found) => DataType::Utf8,
        _ if found.is_integer() => DataType::Int64,
        _ if found.is_floating() => DataType::Float64,
        DataType::Boolean => DataType::Boolean,
        // Instants are counted in UTC with or without a zone, so none is named; one without counts as UTC.
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            DataType::Timestamp(TimeUnit::Microsecond, None)
        }
        _ if matches!(item_type(found), Some(DataType::Utf8 | DataType::LargeUtf8)) => {
            DataType::new_list(DataType::Utf8, true)
        }
        _ => {
            let expected = "string, number, bool, timestamp or list of strings";
            return Err(Error::FieldTypeMismatch { field: name.to_owned(), expected, found: "another column type" });
        }
    };
    cast_checked(name, column, &wanted)
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
    use arrow::array::{
        BooleanArray, DictionaryArray, FixedSizeListArray, Float64Array, Int32Array, LargeStringArray, StringArray,
        TimestampSecondArray,
    };
    use arrow::datatypes::{Field, Int8Type};
    use arrow::ipc::writer::StreamWriter;
    use std::sync::Arc;

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
            ("at", Arc::new(TimestampSecondArray::from(vec![Some(60), None]).with_timezone("UTC"))),
        ]);
        let chunks = read_now(&bytes).unwrap();
        assert_eq!(chunks[0].id, "a");
        assert_eq!(chunks[0].text.as_deref(), Some("words"));
        assert_eq!(chunks[1].embedding, Some(vec![3.0, 4.0]));
        assert_eq!(
            Value::from(chunks[0].metadata.clone()),
            serde_json::json!({"year": 2020, "open": true, "at": "1970-01-01T00:01:00Z"})
        );
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
    fn a_dictionary_cannot_grow_beyond_a_body() {
        let keyed = |text: &str| {
            let column: DictionaryArray<Int8Type> = std::iter::repeat_n(text, 100).collect();
            let ids: Vec<String> = (0..100).map(|id| id.to_string()).collect();
            let ids = Arc::new(StringArray::from(ids)) as ArrayRef;
            read_now(&stream(vec![("id", ids), ("text", Arc::new(column))]))
        };
        assert_eq!(keyed("short").unwrap()[99].text.as_deref(), Some("short"));
        assert_eq!(keyed(&"x".repeat(1 << 20)).unwrap_err().code(), "limit_exceeded");
    }

    #[test]
    fn bytes_that_are_no_stream_are_malformed() {
        let whole = stream(vec![("id", texts(&["a", "b"]))]);
        for bytes in [&b""[..], b"not arrow", &whole[..whole.len() / 2], &[0xff; 64]] {
            assert_eq!(read_now(bytes).unwrap_err().code(), "malformed_request");
        }
    }

    /// The pull reader of the library allocates what a stream declares for a body. A declared length of 2^62 ended the
    /// whole process, since a failed allocation is not a panic; every changed byte here must end in an answer.
    #[tokio::test]
    async fn a_damaged_stream_is_answered() {
        let whole = stream(vec![("id", texts(&["a", "b"])), ("text", texts(&["one", "two"]))]);
        for at in 0..whole.len() {
            for value in [0x00, 0x40, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                // Most changes are refused, some only change a text.
                let _ = read(bytes.into()).await;
            }
        }
    }
}
