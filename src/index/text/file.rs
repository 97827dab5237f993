//! The index as one checksummed file, read where it lies: a head that locates five sections, and the sections.
//!
//! Every byte is under a checksum, so a damaged file is an error and never a wrong answer. It neither renames nor removes
//! files: the caller writes to a temporary name and publishes it. What the sections mean is known to [`super::mapped`].
//!
//! Layout, little-endian: magic, version `u32`, section count `u32`, then per section offset, length and XXH3 as `u64`,
//! then the XXH3 of all before. The sections: an entry for each term in byte order (four `u64`: where its letters, its
//! bytes of postings and its blocks end, and how many slots hold it), the blocks (four `u32` each), the length of each
//! slot's document (`u32`), the letters of the terms, and the postings. Their sizes keep each of them aligned.

use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::index::TextIndex;
use super::mapped::Mapped;
use super::postings::Postings;
use crate::index::distance::as_bytes;

const MAGIC: &[u8; 8] = b"RAGTEXT1";
/// Changes with the layout, and with the words that are counted for a row.
const VERSION: u32 = 4;
const SECTIONS: [&str; 5] = ["entries", "blocks", "lengths", "terms", "postings"];
const HEAD_BYTES: usize = 16 + SECTIONS.len() * 24 + 8;

/// Why an index file could not be written or opened.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The disk refused.
    #[error("text index {path}: {source}")]
    Io {
        /// The file that was written or read.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not what was written, or was never such an index.
    #[error("text index {path} is damaged in its {part} section: {found}")]
    Damaged {
        /// The file that was read.
        path: PathBuf,
        /// `head`, `entries`, `blocks`, `lengths`, `terms` or `postings`.
        part: &'static str,
        /// What was found there.
        found: Damage,
    },
    /// The file was written by another version of the program.
    #[error("text index {path} has version {found}, expected {expected}")]
    UnknownVersion {
        /// The file that was read.
        path: PathBuf,
        /// The version in its head.
        found: u32,
        /// The version that this program reads.
        expected: u32,
    },
}

impl TextError {
    /// Returns the stable name of the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "text_index_io",
            Self::Damaged { .. } => "text_index_damaged",
            Self::UnknownVersion { .. } => "text_index_version",
        }
    }
}

/// What is wrong with a damaged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The bytes do not have the checksum that was stored with them.
    #[error("checksum {found:016x}, expected {expected:016x}")]
    Checksum {
        /// The checksum of the bytes as they are.
        found: u64,
        /// The checksum that was stored.
        expected: u64,
    },
    /// The file ends too early or too late.
    #[error("{found} bytes, expected {expected}")]
    Size {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// The file does not begin like a text index.
    #[error("an unknown beginning")]
    Magic,
    /// The checksum holds, but the value at this offset in the section cannot have been written by this program.
    #[error("an impossible value at byte {at}")]
    Value {
        /// Where in the section.
        at: usize,
    },
}

impl TextIndex {
    /// Writes the index to a file, replacing what is there, and returns once it is on the disk.
    pub fn write(&self, path: &Path) -> Result<(), TextError> {
        let sections = sections_of(self);
        let write = || {
            let mut file = File::create(path)?;
            file.write_all(&head_of(&sections))?;
            sections.iter().try_for_each(|section| file.write_all(section))?;
            file.sync_all()
        };
        write().map_err(|source| TextError::Io { path: path.to_owned(), source })
    }

    /// Reads an index from a file that `write` made.
    pub fn open(path: &Path) -> Result<TextIndex, TextError> {
        Mapped::open(path).map(Self::on).map_err(|refusal| match refusal {
            Refusal::Io(source) => TextError::Io { path: path.to_owned(), source },
            Refusal::Damaged(part, found) => TextError::Damaged { path: path.to_owned(), part, found },
            Refusal::Version(found) => TextError::UnknownVersion { path: path.to_owned(), found, expected: VERSION },
        })
    }
}

fn sections_of(index: &TextIndex) -> [Vec<u8>; SECTIONS.len()] {
    let lengths = index.lengths();
    let (mut entries, mut blocks) = (Vec::new(), Vec::new());
    let (mut terms, mut bytes) = (Vec::new(), Vec::new());
    for term in index.terms() {
        let mut postings = Postings::default();
        index.postings_of(term).for_each(|posting| postings.push(posting, lengths));
        terms.extend_from_slice(term.as_bytes());
        blocks.extend_from_slice(postings.write(&mut bytes));
        entries.push([terms.len() as u64, bytes.len() as u64, blocks.len() as u64, postings.len() as u64]);
    }
    let (entries, blocks) = (as_bytes(entries.as_flattened()), as_bytes(blocks.as_flattened()));
    [entries.to_vec(), blocks.to_vec(), as_bytes(lengths).to_vec(), terms, bytes]
}

fn head_of(sections: &[Vec<u8>]) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&(SECTIONS.len() as u32).to_le_bytes());
    let mut offset = HEAD_BYTES as u64;
    for section in sections {
        for value in [offset, section.len() as u64, xxh3_64(section)] {
            head.extend_from_slice(&value.to_le_bytes());
        }
        offset += section.len() as u64;
    }
    let checksum = xxh3_64(&head);
    head.extend_from_slice(&checksum.to_le_bytes());
    head
}

/// A `TextError` that does not know its path yet.
pub(super) enum Refusal {
    Io(std::io::Error),
    Damaged(&'static str, Damage),
    Version(u32),
}

impl From<std::io::Error> for Refusal {
    fn from(source: std::io::Error) -> Self {
        Self::Io(source)
    }
}

/// Returns where each section of a file lies, having compared every byte with its checksum.
pub(super) fn check(file: &[u8]) -> Result<[Range<usize>; SECTIONS.len()], Refusal> {
    let Some(head) = file.first_chunk() else {
        let found = Damage::Size { found: file.len() as u64, expected: HEAD_BYTES as u64 };
        return Err(Refusal::Damaged("head", found));
    };
    let mut start = HEAD_BYTES;
    let table = check_head(head, file.len() as u64)?;
    let mut places = [const { 0..0 }; SECTIONS.len()];
    for ((place, (bytes, expected)), name) in places.iter_mut().zip(table).zip(SECTIONS) {
        // The head's sizes add up to the size of the file.
        *place = start..start + bytes as usize;
        check_sum(name, &file[place.clone()], expected)?;
        start = place.end;
    }
    Ok(places)
}

/// Returns the length and the checksum of each section.
fn check_head(head: &[u8; HEAD_BYTES], file_bytes: u64) -> Result<[(u64, u64); SECTIONS.len()], Refusal> {
    if !head.starts_with(MAGIC) {
        return Err(Refusal::Damaged("head", Damage::Magic));
    }
    let (covered, checksum) = head.split_at(HEAD_BYTES - 8);
    check_sum("head", covered, u64_at(checksum, 0))?;
    let version = u64_at(head, 8) as u32;
    if version != VERSION {
        return Err(Refusal::Version(version));
    }
    if u64_at(head, 8) >> 32 != SECTIONS.len() as u64 {
        return Err(Refusal::Damaged("head", Damage::Value { at: 12 }));
    }
    let mut end = HEAD_BYTES as u64;
    let mut table = [(0, 0); SECTIONS.len()];
    for (section, entry) in table.iter_mut().enumerate() {
        let at = 16 + section * 24;
        if u64_at(head, at) != end {
            return Err(Refusal::Damaged("head", Damage::Value { at }));
        }
        *entry = (u64_at(head, at + 8), u64_at(head, at + 16));
        end = end.checked_add(entry.0).ok_or(Refusal::Damaged("head", Damage::Value { at: at + 8 }))?;
    }
    if end != file_bytes {
        return Err(Refusal::Damaged("head", Damage::Size { found: file_bytes, expected: end }));
    }
    Ok(table)
}

fn check_sum(part: &'static str, bytes: &[u8], expected: u64) -> Result<(), Refusal> {
    let found = xxh3_64(bytes);
    if found == expected { Ok(()) } else { Err(Refusal::Damaged(part, Damage::Checksum { found, expected })) }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes were taken"))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::Analyzer;
    use super::*;

    /// Returns the index as it comes back from a file.
    pub fn reopened(index: &TextIndex) -> TextIndex {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        index.write(&path).unwrap();
        TextIndex::open(&path).unwrap()
    }

    fn sample() -> TextIndex {
        let mut index = TextIndex::new();
        for slot in 0..400 {
            index.add(slot * 2, &Analyzer::new().analyze(&format!("heat flow {} 北京 {}", slot % 7, slot % 50)));
        }
        index
    }

    fn bytes_of(index: &TextIndex) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        index.write(&path).unwrap();
        std::fs::read(&path).unwrap()
    }

    fn open_bytes(bytes: &[u8]) -> Result<TextIndex, TextError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, bytes).unwrap();
        TextIndex::open(&path)
    }

    /// Returns a file whose checksums all hold over sections that the writer would not have made.
    fn forged(entries: &[u64], blocks: &[u32], lengths: &[u8], terms: &[u8], postings: &[u8]) -> Vec<u8> {
        let (entries, blocks) = (as_bytes(entries).to_vec(), as_bytes(blocks).to_vec());
        let sections = [entries, blocks, lengths.to_vec(), terms.to_vec(), postings.to_vec()];
        let mut bytes = head_of(&sections);
        sections.iter().for_each(|section| bytes.extend_from_slice(section));
        bytes
    }

    fn check_refused(bytes: &[u8], expected_part: &str) {
        match open_bytes(bytes) {
            Err(TextError::Damaged { part, .. }) => assert_eq!(part, expected_part),
            other => panic!("expected damage in {expected_part}, found {other:?}"),
        }
    }

    #[test]
    fn an_index_comes_back_and_grows_on() {
        let (mut before, mut after) = (sample(), reopened(&sample()));
        let text = Analyzer::new().analyze("heat pumps in 北京");
        before.add(800, &text);
        after.add(800, &text);
        assert_eq!(before.len(), after.len());
        for query in ["heat", "flow 3 49", "北京", "pump"] {
            let query = Analyzer::new().analyze(query);
            assert_eq!(before.search(&query, 50, |_| true, 900), after.search(&query, 50, |_| true, 900));
        }
    }

    #[test]
    fn an_empty_index_comes_back() {
        assert!(reopened(&TextIndex::new()).is_empty());
    }

    #[test]
    fn equal_indexes_make_equal_files() {
        assert_eq!(bytes_of(&sample()), bytes_of(&sample()));
        assert_eq!(bytes_of(&sample()), bytes_of(&reopened(&sample())));
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = bytes_of(&sample());
        let bits = bytes.len() * 8;
        for step in 0..600 {
            // Half of the flips fall into the head, where each bit has a meaning of its own.
            let bit = if step % 2 == 0 { step * 7919 % (HEAD_BYTES * 8) } else { step * 104_729 % bits };
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(open_bytes(&flipped), Err(TextError::Damaged { .. })), "bit {bit}");
        }
    }

    #[test]
    fn every_truncation_and_every_appended_byte_is_noticed() {
        let bytes = bytes_of(&sample());
        let steps = (0..HEAD_BYTES + 8).chain((HEAD_BYTES..bytes.len()).step_by(17)).chain([bytes.len() - 1]);
        for length in steps {
            assert!(matches!(open_bytes(&bytes[..length]), Err(TextError::Damaged { .. })), "{length} bytes");
        }
        check_refused(&[bytes.as_slice(), &[0]].concat(), "head");
    }

    #[test]
    fn hostile_heads_are_refused_before_memory_is_reserved() {
        let mut bytes = bytes_of(&sample());
        bytes[24..32].copy_from_slice(&u64::MAX.to_le_bytes());
        let checksum = xxh3_64(&bytes[..HEAD_BYTES - 8]);
        bytes[HEAD_BYTES - 8..HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
        check_refused(&bytes, "head");
    }

    #[test]
    fn another_version_is_named() {
        let mut bytes = bytes_of(&sample());
        bytes[8] = VERSION as u8 + 1;
        let checksum = xxh3_64(&bytes[..HEAD_BYTES - 8]);
        bytes[HEAD_BYTES - 8..HEAD_BYTES].copy_from_slice(&checksum.to_le_bytes());
        assert!(matches!(open_bytes(&bytes), Err(TextError::UnknownVersion { found, .. }) if found == VERSION + 1));
    }

    #[test]
    fn impossible_values_under_right_checksums_are_refused() {
        let one = 1_u32.to_le_bytes();
        assert!(open_bytes(&forged(&[1, 1, 0, 1], &[], &one, b"a", &[1])).is_ok());
        check_refused(&forged(&[1, 1, 0], &[], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[1, 1, 0, 0], &[], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[1, 1, 0, 128], &[], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[1, 1, 1, 1], &[0; 4], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[2, 1, 0, 1], &[], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[1, 2, 0, 1], &[], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[u64::MAX; 4], &[], &one, b"a", &[1]), "entries");
        check_refused(&forged(&[1, 1, 0, 1], &[], &one, b"ab", &[1]), "entries");
        check_refused(&forged(&[1, 2, 0, 1, 2, 1, 0, 1], &[], &one, b"ab", &[1, 1]), "entries");
        check_refused(&forged(&[1, 1, 1, 128], &[0; 3], &one, b"a", &[1]), "blocks");
        check_refused(&forged(&[1, 1, 0, 1], &[], &one[..3], b"a", &[1]), "lengths");
        check_refused(&forged(&[1, 1, 0, 1], &[], &one, b"\xff", &[1]), "terms");
        check_refused(&forged(&[1, 1, 0, 1, 2, 2, 0, 1], &[], &one, b"aa", &[1, 1]), "terms");
    }

    #[test]
    fn impossible_postings_under_right_checksums_are_no_hits() {
        let one = 1_u32.to_le_bytes();
        let query = Analyzer::new().analyze("a1");
        let blocks = [5, 1, 1, 0];
        let ones = [0xff; 300];
        for (count, blocks, postings) in [
            (1, &[][..], &[3][..]),
            (1, &[], &[0xff; 9]),
            (3, &[], &[1, 1, 1]),
            (1, &[], &[0, 0]),
            (128, &blocks, &[1; 128]),
            (128, &blocks, &ones),
            (128, &[u32::MAX, 1, 1, u32::MAX], &ones),
            (130, &blocks, &[1; 20]),
        ] {
            let entries = [2, postings.len() as u64, blocks.len() as u64 / 4, count];
            let index = open_bytes(&forged(&entries, blocks, &one, b"a1", postings)).unwrap();
            let hits = index.search(&query, 10, |_| true, u32::MAX);
            assert!(hits.iter().all(|(slot, _)| *slot == 0), "{hits:?}");
            index.score_of(&query, &[0]);
            assert!(index.remap(Some).len() <= 1);
        }
    }

    #[test]
    fn a_missing_file_is_an_io_error() {
        let error = TextIndex::open(Path::new("no-such-folder/text")).unwrap_err();
        assert_eq!(error.code(), "text_index_io");
    }
}
