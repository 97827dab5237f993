//! The sealed rows of a collection: a folder with the row ids of their slots, their postings and their columns.
//!
//! Written as a whole into a temporary folder and renamed, so a folder that can be opened is complete. It belongs to the
//! generation of vectors of the same name, and like that one it is a cache of the table.

use super::column::SealedColumns;
use super::text::TextIndex;
use crate::error::{Error, Result};
use std::io::Write;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

const ROWS_NAME: &str = "rows.bin";
const TEXT_NAME: &str = "text.bin";
const ROWS_MAGIC: &[u8; 8] = b"RAGROWS1";
/// Bytes before the row ids: magic, count, checksum.
const HEADER_BYTES: usize = 24;

/// Postings and columns whose slots `0..row_ids.len()` hold these rows.
pub struct SealedRows {
    /// Row id of each slot.
    pub row_ids: Vec<u64>,
    /// The postings.
    pub text: TextIndex,
    /// The columns, `None` where they are to be read from the table.
    pub columns: Option<SealedColumns>,
}

impl SealedRows {
    /// Writes the rows as a folder that did not exist, with the files that `write_more` puts into it.
    pub fn write(&self, folder: &Path, write_more: impl FnOnce(&Path)) -> Result<()> {
        let failed = |error: std::io::Error| Error::Index(format!("{}: {error}", folder.display()));
        let parent = folder.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).map_err(failed)?;
        let temporary = tempfile::tempdir_in(parent).map_err(failed)?;
        self.text.write(&temporary.path().join(TEXT_NAME)).map_err(|error| Error::Index(error.to_string()))?;
        if let Some(columns) = &self.columns {
            columns.write(temporary.path())?;
        }
        write_more(temporary.path());
        let mut rows = std::fs::File::create(temporary.path().join(ROWS_NAME)).map_err(failed)?;
        rows.write_all(&encode_rows(&self.row_ids)).and_then(|()| rows.sync_all()).map_err(failed)?;
        std::fs::File::open(temporary.path()).and_then(|file| file.sync_all()).map_err(failed)?;
        std::fs::rename(temporary.keep(), folder).map_err(failed)?;
        std::fs::File::open(parent).and_then(|file| file.sync_all()).map_err(failed)
    }

    /// Opens a folder that [`Self::write`] wrote; any doubt is an error.
    pub fn open(folder: &Path) -> Result<Self> {
        let damaged = |detail: String| Error::Damaged { what: folder.display().to_string(), detail };
        let rows = std::fs::read(folder.join(ROWS_NAME)).map_err(|error| damaged(error.to_string()))?;
        let row_ids = decode_rows(&rows).ok_or_else(|| damaged("row ids are not what was written".into()))?;
        let text = TextIndex::open(&folder.join(TEXT_NAME)).map_err(|error| damaged(error.to_string()))?;
        Ok(Self { row_ids, text, columns: SealedColumns::open(folder) })
    }
}

fn encode_rows(row_ids: &[u64]) -> Vec<u8> {
    let body: Vec<u8> = row_ids.iter().flat_map(|row_id| row_id.to_le_bytes()).collect();
    let mut bytes = Vec::with_capacity(HEADER_BYTES + body.len());
    bytes.extend_from_slice(ROWS_MAGIC);
    bytes.extend_from_slice(&(row_ids.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&xxh3_64(&body).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

fn decode_rows(bytes: &[u8]) -> Option<Vec<u64>> {
    let (header, body) = bytes.split_at_checked(HEADER_BYTES)?;
    let number = |at: usize| header[at..at + 8].try_into().ok().map(u64::from_le_bytes);
    let whole = body.len().is_multiple_of(8) && number(8)? == (body.len() / 8) as u64;
    if &header[..8] != ROWS_MAGIC || !whole || number(16)? != xxh3_64(body) {
        return None;
    }
    Some(body.chunks_exact(8).filter_map(|part| part.try_into().ok().map(u64::from_le_bytes)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_ids_with_any_byte_changed_are_refused() {
        let bytes = encode_rows(&[1, u64::MAX, 7]);
        assert_eq!(decode_rows(&bytes), Some(vec![1, u64::MAX, 7]));
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(decode_rows(&damaged), None, "byte {at}");
        }
        assert_eq!(decode_rows(&bytes[..bytes.len() - 8]), None);
        assert_eq!(decode_rows(&[]), None);
    }
}
