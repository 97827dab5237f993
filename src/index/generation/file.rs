//! The mapped file of a generation, and its sections as slices of numbers.
//!
//! Trusts nothing but that the file is not changed while it is mapped.

use super::error::IndexError;
use super::layout::{FORMAT, HEADER_BYTES, Header, HeaderFault, SECTIONS, Section};
use crate::index::distance::{Plain, as_values};
use crate::index::map::map_file;
use memmap2::Mmap;
use std::ops::Range;
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// Name of the file in the folder of a generation.
pub const FILE_NAME: &str = "generation.bin";

/// A mapped file whose header and length were checked.
#[derive(Debug)]
pub struct MappedFile {
    map: Mmap,
    header: Header,
    places: [Range<usize>; SECTIONS],
}

impl MappedFile {
    /// Maps the file in a generation's folder and checks header and length.
    pub fn open(folder: &Path) -> Result<Self, IndexError> {
        let damaged = |detail: String| IndexError::Damaged { path: folder.to_path_buf(), section: "header", detail };
        let map = map_file(&folder.join(FILE_NAME)).map_err(IndexError::io(folder))?;
        if map.len() < HEADER_BYTES {
            return Err(damaged(format!("file of {} bytes, expected at least {HEADER_BYTES}", map.len())));
        }
        let start = map.first_chunk().ok_or_else(|| damaged("file is empty".to_owned()))?;
        let header = Header::decode(start).map_err(|fault| match fault {
            HeaderFault::Format(found) => IndexError::Format { path: folder.to_path_buf(), found, expected: FORMAT },
            HeaderFault::Damaged(detail) => damaged(detail),
        })?;
        let places = header.places().ok_or_else(|| damaged("sections beyond any file".to_owned()))?;
        let expected = places[SECTIONS - 1].end;
        if map.len() != expected {
            return Err(damaged(format!("file of {} bytes, expected {expected}", map.len())));
        }
        Ok(Self { map, header, places })
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the length of the file.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Returns a section's bytes.
    pub fn bytes(&self, section: Section) -> &[u8] {
        &self.map[self.places[section as usize].clone()]
    }

    /// Returns a section as numbers.
    pub fn values<T: Plain>(&self, section: Section) -> &[T] {
        as_values(self.bytes(section)).expect("sections start at multiples of 64 bytes and hold whole numbers")
    }

    /// Compares every byte of the file with its checksum, and returns the first section that differs.
    pub fn find_damage(&self) -> Option<(Section, &'static str)> {
        let mut end = HEADER_BYTES;
        for (section, checksum) in Section::ALL.into_iter().zip(self.header.checksums) {
            let place = self.places[section as usize].clone();
            if self.map[end..place.start].iter().any(|&byte| byte != 0) {
                return Some((section, "bytes before it are not zero"));
            }
            if xxh3_64(self.bytes(section)) != checksum {
                return Some((section, "checksum differs"));
            }
            end = place.end;
        }
        None
    }
}
