//! Vectors of another model, made before a collection changes to it, in a file that an interrupted change goes on with.
//!
//! A row id stands for one immutable row, so a vector holds for as long as the row lives. The file is only appended to,
//! each part with its checksum; what a crash left of the last part is dropped. It is no data: without it the vectors are
//! made again.

use crate::error::{Error, Result};
use ragstone_models::Identity;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

/// Folder below the table's.
const FOLDER: &str = "_reembed";
/// Bytes of a part's head: the number of its rows, and the checksum of what follows.
const HEAD_BYTES: usize = 16;
/// Most rows of a part, so that a damaged head asks for no more.
const PART_ROWS_MAX: u64 = 65_536;

/// Vectors of one model by row id.
pub struct Prepared {
    path: PathBuf,
    file: File,
    dimension: usize,
    places: HashMap<u64, usize>,
    vectors: Vec<f32>,
}

impl Prepared {
    /// Opens what was made of a model's vectors for a table.
    pub fn open(table: &Path, identity: &Identity) -> Result<Self> {
        let described = serde_json::to_vec(identity).map_err(|error| Error::Internal(error.to_string()))?;
        let key: String = Sha256::digest(described).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        let path = table.join(FOLDER).join(key);
        let open = || -> std::io::Result<File> {
            std::fs::create_dir_all(table.join(FOLDER))?;
            OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)
        };
        let file = open().map_err(|error| failed(&path, &error))?;
        let dimension = identity.dimension;
        let mut prepared = Self { path, file, dimension, places: HashMap::new(), vectors: Vec::new() };
        let end = prepared.read().map_err(|error| failed(&prepared.path, &error))?;
        let cut = prepared.file.set_len(end).and_then(|()| prepared.file.seek(SeekFrom::End(0)));
        cut.map_err(|error| failed(&prepared.path, &error))?;
        Ok(prepared)
    }

    /// Returns the number of vectors.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Returns the vector of a row.
    pub fn get(&self, row_id: u64) -> Option<&[f32]> {
        let at = *self.places.get(&row_id)?;
        self.vectors.get(at * self.dimension..(at + 1) * self.dimension)
    }

    /// Keeps vectors, one behind the other.
    pub fn append(&mut self, row_ids: &[u64], vectors: &[f32]) -> Result<()> {
        debug_assert_eq!(row_ids.len() * self.dimension, vectors.len());
        let mut body = Vec::with_capacity(size_of_val(row_ids) + size_of_val(vectors));
        row_ids.iter().for_each(|row_id| body.extend(row_id.to_le_bytes()));
        vectors.iter().for_each(|value| body.extend(value.to_le_bytes()));
        let head = [(row_ids.len() as u64).to_le_bytes(), xxh3_64(&body).to_le_bytes()].concat();
        self.file
            .write_all(&head)
            .and_then(|()| self.file.write_all(&body))
            .map_err(|error| failed(&self.path, &error))?;
        self.keep(row_ids, vectors);
        Ok(())
    }

    /// Removes all vectors that were made for a table, of whatever model.
    pub fn remove_all(table: &Path) {
        // What stays is used or replaced by the next change.
        let _ = std::fs::remove_dir_all(table.join(FOLDER));
    }

    fn keep(&mut self, row_ids: &[u64], vectors: &[f32]) {
        let first = self.vectors.len() / self.dimension;
        self.places.extend(row_ids.iter().copied().zip(first..));
        self.vectors.extend_from_slice(vectors);
    }

    /// Reads the parts that are whole, and returns where they end.
    fn read(&mut self) -> std::io::Result<u64> {
        let mut bytes = Vec::new();
        self.file.read_to_end(&mut bytes)?;
        let (mut rest, row_bytes) = (bytes.as_slice(), size_of::<u64>() + self.dimension * size_of::<f32>());
        while let Some((head, behind)) = rest.split_at_checked(HEAD_BYTES) {
            let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("eight bytes were taken"));
            let rows = number(0);
            if rows == 0 || rows > PART_ROWS_MAX {
                break;
            }
            let Some((body, behind)) = behind.split_at_checked(rows as usize * row_bytes) else { break };
            if xxh3_64(body) != number(8) {
                break;
            }
            let (row_ids, vectors) = body.split_at(rows as usize * size_of::<u64>());
            let row_ids: Vec<u64> = row_ids.as_chunks().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
            let vectors: Vec<f32> = vectors.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            self.keep(&row_ids, &vectors);
            rest = behind;
        }
        Ok((bytes.len() - rest.len()) as u64)
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::DiskFull,
        _ => Error::DataFolder { path: path.to_owned(), detail: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ragstone_models::Precision;

    fn identity(revision: &str) -> Identity {
        Identity {
            name: "m".into(),
            revision: revision.into(),
            weights_sha256: String::new(),
            dimension: 2,
            pooling: "mean".into(),
            normalize: true,
            query_prefix: String::new(),
            document_prefix: String::new(),
            max_tokens: 8,
            precision: Precision::F32,
        }
    }

    #[test]
    fn vectors_are_there_again_and_a_torn_part_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let mut prepared = Prepared::open(folder.path(), &identity("1")).unwrap();
        prepared.append(&[7, 9], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        prepared.append(&[11], &[5.0, 6.0]).unwrap();
        let path = prepared.path.clone();
        drop(prepared);
        let whole = std::fs::read(&path).unwrap();
        for (spoil, left) in [(whole.len(), 3), (whole.len() - 1, 2), (60, 2), (20, 0), (3, 0)] {
            std::fs::write(&path, &whole[..spoil]).unwrap();
            let prepared = Prepared::open(folder.path(), &identity("1")).unwrap();
            assert_eq!(prepared.len(), left, "{spoil} bytes");
            assert_eq!(prepared.get(9), (left > 0).then_some([3.0, 4.0].as_slice()));
        }
        let mut damaged = whole.clone();
        damaged[HEAD_BYTES + 20] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        let mut prepared = Prepared::open(folder.path(), &identity("1")).unwrap();
        assert_eq!(prepared.len(), 0);
        prepared.append(&[7], &[1.0, 2.0]).unwrap();
        drop(prepared);
        assert_eq!(Prepared::open(folder.path(), &identity("1")).unwrap().get(7), Some([1.0, 2.0].as_slice()));
        assert_eq!(Prepared::open(folder.path(), &identity("2")).unwrap().len(), 0, "another model has its own");
    }
}
