//! The columns of a generation's rows as a file that is mapped, so that opening a table need not read them from it.
//!
//! The file is a head (magic, XXH3 of what follows) and an Arrow stream of one batch. Each column says its id in the table,
//! by which a column that was dropped or renamed since is known.
//! Like all files here it is a cache: whoever opens it may be told that it does not fit, and reads the table then.

use super::{Columns, Segment};
use crate::error::{Error, Result};
use crate::index::Bitset;
use crate::index::map::map_file;
use arrow::array::{RecordBatch, UInt32Array, new_null_array};
use arrow::buffer::Buffer;
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Name of the file in the folder of sealed postings.
const FILE_NAME: &str = "columns.bin";
const MAGIC: &[u8; 8] = b"RAGCOLS1";
/// Bytes before the stream, so that what is aligned in it is aligned in the file.
const HEADER_BYTES: usize = 64;
/// Key of a column's id in its metadata.
const ID_KEY: &str = "ragstone.id";

/// Columns by slot, as a file holds them.
pub struct SealedColumns(RecordBatch);

impl SealedColumns {
    /// Gathers the columns of the slots that live, in their order, with the table's ids of columns.
    pub fn gather(columns: &Columns, live: &Bitset, ids: &HashMap<String, i32>) -> Result<Self> {
        let mut parts = Vec::new();
        for segment in columns.segments() {
            let kept = (segment.base()..segment.end()).filter(|&slot| live.contains(slot as usize));
            let kept: UInt32Array = kept.map(|slot| slot - segment.base()).collect();
            parts.push(take_record_batch(segment.columns(), &kept).map_err(failed)?);
        }
        let mut fields: Vec<Field> = Vec::new();
        for field in parts.iter().flat_map(|part| part.schema().fields().iter().cloned().collect::<Vec<_>>()) {
            if let Some(id) = ids.get(field.name()).filter(|_| !fields.iter().any(|known| known.name() == field.name()))
            {
                let metadata = HashMap::from([(ID_KEY.to_owned(), id.to_string())]);
                fields.push(field.as_ref().clone().with_nullable(true).with_metadata(metadata));
            }
        }
        let schema = Arc::new(Schema::new(fields));
        let aligned = parts.iter().map(|part| aligned(part, &schema)).collect::<Result<Vec<_>>>()?;
        concat_batches(&schema, &aligned).map(Self).map_err(failed)
    }

    /// Writes the file into a folder, to the disk.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut writer = StreamWriter::try_new(Vec::new(), &self.0.schema()).map_err(failed)?;
        writer.write(&self.0).map_err(failed)?;
        let stream = writer.into_inner().map_err(failed)?;
        let mut head = [0; HEADER_BYTES];
        head[..8].copy_from_slice(MAGIC);
        head[8..16].copy_from_slice(&xxh3_64(&stream).to_le_bytes());
        let write = || {
            let mut file = std::fs::File::create(folder.join(FILE_NAME))?;
            file.write_all(&head)?;
            file.write_all(&stream)?;
            file.sync_all()
        };
        write().map_err(failed)
    }

    /// Maps the file of a folder; `None` where there is none, or it is not what was written.
    pub fn open(folder: &Path) -> Option<Self> {
        let path = folder.join(FILE_NAME);
        let map = map_file(&path).ok()?;
        let (head, stream) = map.split_at_checked(HEADER_BYTES)?;
        if !head.starts_with(MAGIC) || head[8..16] != xxh3_64(stream).to_le_bytes() {
            tracing::warn!(path = %path.display(), "columns are damaged and read from the table");
            return None;
        }
        let mut bytes = Buffer::from(bytes::Bytes::from_owner(map)).slice(HEADER_BYTES);
        StreamDecoder::new().decode(&mut bytes).ok()?.map(Self)
    }

    /// Returns the rows of these ids as a segment from slot 0 on; `None` unless each column is still a column of the
    /// table, which may have others besides.
    pub fn segment(&self, row_ids: Vec<u64>, versions: Vec<u64>, ids: &HashMap<String, i32>) -> Option<Segment> {
        let same = |field: &Arc<Field>| {
            let id = field.metadata().get(ID_KEY).and_then(|id| id.parse().ok());
            id.is_some() && ids.get(field.name()).copied() == id
        };
        if !self.0.schema().fields().iter().all(same) {
            return None;
        }
        Segment::new(0, row_ids, versions, &self.0).ok()
    }
}

/// Removes the file of a folder, before a column is dropped or renamed: its id may be given to another one later.
pub fn forget(folder: &Path) -> Result<()> {
    match std::fs::remove_file(folder.join(FILE_NAME)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}

/// Returns a batch with exactly the columns of a schema; missing ones are null.
pub(super) fn aligned(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => column.clone(),
            None => new_null_array(field.data_type(), batch.num_rows()),
        })
        .collect();
    RecordBatch::try_new(schema.clone(), columns).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Index(error.to_string())
}
