//! The index as one checksummed file: a head that locates three sections, then lengths, terms and postings.
//!
//! Every byte is under a checksum, and every value is checked again for what it means before it is used, so a damaged or
//! hostile file is an error and never a wrong answer. It neither renames nor removes files: the caller writes to a
//! temporary name and publishes it.
//!
//! Layout, little-endian: magic, version `u32`, section count `u32`, then per section offset, length and XXH3 as `u64`,
//! then the XXH3 of all before. Terms lie in byte order; their postings follow each other in the same order.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::index::TextIndex;
use super::postings::{Postings, read_varint, write_posting, write_varint};

const MAGIC: &[u8; 8] = b"RAGTEXT1";
/// Changes with the layout, and with the words that are counted for a row.
const VERSION: u32 = 2;
const SECTIONS: [&str; 3] = ["lengths", "terms", "postings"];
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
        /// `head`, `lengths`, `terms` or `postings`.
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
        read(path).map_err(|refusal| match refusal {
            Refusal::Io(source) => TextError::Io { path: path.to_owned(), source },
            Refusal::Damaged(part, found) => TextError::Damaged { path: path.to_owned(), part, found },
            Refusal::Version(found) => TextError::UnknownVersion { path: path.to_owned(), found, expected: VERSION },
        })
    }
}

fn sections_of(index: &TextIndex) -> [Vec<u8>; SECTIONS.len()] {
    let lengths = index.lengths().iter().flat_map(|length| length.to_le_bytes()).collect();
    let (mut terms, mut postings) = (Vec::new(), Vec::new());
    let mut sorted: Vec<_> = index.terms().collect();
    sorted.sort_unstable_by_key(|(term, _)| *term);
    for (term, holders) in sorted {
        write_varint(term.len() as u64, &mut terms);
        terms.extend_from_slice(term.as_bytes());
        write_varint(holders.len() as u64, &mut postings);
        let mut last_slot = 0;
        for posting in holders.iter() {
            write_posting(posting.slot - last_slot, posting.occurrences, &mut postings);
            last_slot = posting.slot;
        }
    }
    [lengths, terms, postings]
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
enum Refusal {
    Io(std::io::Error),
    Damaged(&'static str, Damage),
    Version(u32),
}

impl From<std::io::Error> for Refusal {
    fn from(source: std::io::Error) -> Self {
        Self::Io(source)
    }
}

fn read(path: &Path) -> Result<TextIndex, Refusal> {
    let mut file = File::open(path)?;
    let file_bytes = file.metadata()?.len();
    if file_bytes < HEAD_BYTES as u64 {
        return Err(Refusal::Damaged("head", Damage::Size { found: file_bytes, expected: HEAD_BYTES as u64 }));
    }
    let mut head = [0; HEAD_BYTES];
    file.read_exact(&mut head)?;
    let table = check_head(&head, file_bytes)?;
    let mut sections = [const { Vec::new() }; SECTIONS.len()];
    for ((section, (bytes, expected)), name) in sections.iter_mut().zip(table).zip(SECTIONS) {
        // The head's sizes add up to the size of the file, so this reserves no more than the disk holds.
        section.resize(bytes as usize, 0);
        file.read_exact(section)?;
        check_sum(name, section, expected)?;
    }
    index_of(&sections)
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

fn index_of([lengths, terms, postings]: &[Vec<u8>; SECTIONS.len()]) -> Result<TextIndex, Refusal> {
    let damaged = |part, all: &[u8], rest: &[u8]| Refusal::Damaged(part, Damage::Value { at: all.len() - rest.len() });
    let mut index = TextIndex::new();
    let (lengths, odd) = lengths.as_chunks::<4>();
    if !odd.is_empty() || u32::try_from(lengths.len()).is_err() {
        return Err(Refusal::Damaged("lengths", Damage::Value { at: lengths.len() * 4 }));
    }
    lengths.iter().zip(0..).for_each(|(length, slot)| index.set_length(slot, u32::from_le_bytes(*length)));
    let (mut terms_rest, mut postings_rest) = (terms.as_slice(), postings.as_slice());
    let mut last = None;
    while !terms_rest.is_empty() {
        let term = read_term(&mut terms_rest, last).ok_or_else(|| damaged("terms", terms, terms_rest))?;
        let holders = read_postings(&mut postings_rest, index.lengths())
            .ok_or_else(|| damaged("postings", postings, postings_rest))?;
        index.insert(term, holders);
        last = Some(term);
    }
    if !postings_rest.is_empty() {
        return Err(damaged("postings", postings, postings_rest));
    }
    Ok(index)
}

/// Takes the next term, which must be greater than the last.
fn read_term<'b>(bytes: &mut &'b [u8], last: Option<&str>) -> Option<&'b str> {
    let length = usize::try_from(read_varint(bytes)?).ok()?;
    let (term, rest) = bytes.split_at_checked(length)?;
    let term = std::str::from_utf8(term).ok()?;
    *bytes = rest;
    last.is_none_or(|last| last < term).then_some(term)
}

/// Takes the postings of one term, of which there is at least one.
fn read_postings(bytes: &mut &[u8], lengths: &[u32]) -> Option<Postings> {
    let count = usize::try_from(read_varint(bytes)?).ok()?;
    // A posting takes at least a byte, so a count beyond that is refused before room is made for it.
    if count == 0 || count > bytes.len() {
        return None;
    }
    Postings::read(count, bytes, lengths)
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
    fn forged(lengths: &[u8], terms: &[u8], postings: &[u8]) -> Vec<u8> {
        let sections = [lengths.to_vec(), terms.to_vec(), postings.to_vec()];
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
        assert!(open_bytes(&forged(&one, b"\x01a", &[1, 1])).is_ok());
        check_refused(&forged(&one[..3], b"\x01a", &[1, 1]), "lengths");
        check_refused(&forged(&one, b"\x02a", &[1, 1]), "terms");
        check_refused(&forged(&one, b"\x01\xff", &[1, 1]), "terms");
        check_refused(&forged(&one, b"\x01a\x01a", &[1, 1, 1, 1]), "terms");
        check_refused(&forged(&one, b"\xff\xff\xff\xff\xff\xff\xff\x7fa", &[1, 1]), "terms");
        check_refused(&forged(&one, b"\x01a", &[0]), "postings");
        check_refused(&forged(&one, b"\x01a", &[1]), "postings");
        check_refused(&forged(&one, b"\x01a", &[1, 3]), "postings");
        check_refused(&forged(&one, b"\x01a", &[1, 0, 0]), "postings");
        check_refused(&forged(&one, b"\x01a", &[2, 1, 1]), "postings");
        check_refused(&forged(&one, b"\x01a", &[0xff, 0xff, 0xff, 0xff, 0x0f, 1]), "postings");
        check_refused(&forged(&one, b"\x01a", &[1, 1, 1]), "postings");
        check_refused(&forged(&one, b"", &[1]), "postings");
    }

    #[test]
    fn a_missing_file_is_an_io_error() {
        let error = TextIndex::open(Path::new("no-such-folder/text")).unwrap_err();
        assert_eq!(error.code(), "text_index_io");
    }
}
