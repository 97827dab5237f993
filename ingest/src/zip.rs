//! Reads the parts of a zip container in memory, under bounds on entries, bytes and compression ratio.
//!
//! Writes nothing to disk, so entry names are only keys: a name with `..` in it is harmless. Knows no document format.

use std::collections::HashMap;
use std::io::{Cursor, Read};

use ::zip::ZipArchive;
use ::zip::result::ZipError;

use crate::error::ReadError;
use crate::extract::text::guess;
use crate::limits::Limits;

/// Unpacked size below which the compression ratio is not looked at.
const RATIO_FREE_BYTES: u64 = 1 << 20;
/// Where an entry of the directory states the length of its name, and where the name itself. Specified by APPNOTE 4.3.12.
const NAME_LENGTH_AT: usize = 28;
const NAME_AT: usize = 46;

/// An opened zip container, whose parts are unpacked when asked for.
pub struct Container<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    /// Lower-case names with `/` separators, because some writers use `\` and other capitals.
    positions: HashMap<String, usize>,
    unpacked_bytes: u64,
    limits: Limits,
}

impl<'a> Container<'a> {
    /// Opens a container and reads its directory.
    ///
    /// # Errors
    /// `Corrupt` when the directory cannot be read, `LimitExceeded` when it has too many entries.
    pub fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ReadError> {
        let archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
        if archive.len() > limits.zip_entries_max {
            return Err(over("zip entries", limits.zip_entries_max as u64));
        }
        let mut positions = HashMap::with_capacity(archive.len());
        for position in 0..archive.len() {
            let header = archive.by_index_data(position).map_err(damaged)?.central_header_start();
            let name = stated_name(bytes, header).ok_or_else(|| corrupt("a name is missing".into()))?;
            positions.insert(key(&String::from_utf8_lossy(name)), position);
        }
        Ok(Self { archive, positions, unpacked_bytes: 0, limits: *limits })
    }

    /// Returns the unpacked bytes of one entry, or `None` when there is no such entry.
    ///
    /// # Errors
    /// `Encrypted`, `LimitExceeded` for a part, the sum of parts or the ratio, `Corrupt` for everything else.
    pub fn part(&mut self, name: &str) -> Result<Option<Vec<u8>>, ReadError> {
        self.positions.get(&key(name)).copied().map(|position| self.part_at(position)).transpose()
    }

    /// Returns the names of all entries, in the order of the directory; those of folders end with `/`.
    ///
    /// Those that are not UTF-8 are in the code page of the machine that packed them, which all of them tell together.
    pub fn names(&self) -> Vec<String> {
        let raw: Vec<&[u8]> = self.archive.file_names_raw().collect();
        let foreign: Vec<&[u8]> = raw.iter().copied().filter(|name| std::str::from_utf8(name).is_err()).collect();
        let encoding = guess(&foreign.join(&b'\n'));
        let name = |raw: &&[u8]| match std::str::from_utf8(raw) {
            Ok(name) => name.replace('\\', "/"),
            Err(_) => encoding.decode_without_bom_handling(raw).0.replace('\\', "/"),
        };
        raw.iter().map(name).collect()
    }

    /// Returns the unpacked bytes of the entry at a position of the directory.
    ///
    /// # Errors
    /// As [`Container::part`].
    pub fn part_at(&mut self, position: usize) -> Result<Vec<u8>, ReadError> {
        let entry = self.archive.by_index_data(position).map_err(damaged)?;
        if entry.encrypted() {
            return Err(ReadError::Encrypted);
        }
        let file = self.archive.by_index(position).map_err(damaged)?;
        let packed = file.compressed_size();
        let room = self.limits.package_bytes_max.saturating_sub(self.unpacked_bytes);
        let bytes = unpack(file, packed, room, &self.limits)?;
        self.unpacked_bytes += bytes.len() as u64;
        Ok(bytes)
    }
}

/// Returns the name in an entry of the directory itself.
///
/// A field beside it may state another one in Unicode, which names of archives are taken from. The names of parts are
/// ASCII, and programs that read packages do not look at that field: with it, a document would have another text here
/// than a person sees.
fn stated_name(bytes: &[u8], header: u64) -> Option<&[u8]> {
    let header = bytes.get(usize::try_from(header).ok()?..)?;
    let length = header.get(NAME_LENGTH_AT..NAME_LENGTH_AT + 2)?;
    header.get(NAME_AT..NAME_AT + usize::from(u16::from_le_bytes([length[0], length[1]])))
}

/// Unpacks in steps, so that a bomb is refused after the first step that breaks a bound.
fn unpack(mut file: impl Read, packed: u64, room: u64, limits: &Limits) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    loop {
        let step = (&mut file).take(RATIO_FREE_BYTES).read_to_end(&mut bytes);
        let read = step.map_err(|error| corrupt(format!("zip entry: {error}")))?;
        let size = bytes.len() as u64;
        if size > limits.part_bytes_max {
            return Err(over("bytes of a zip part", limits.part_bytes_max));
        }
        if size > room {
            return Err(over("bytes of a zip package", limits.package_bytes_max));
        }
        if size > RATIO_FREE_BYTES && size / packed.max(1) >= limits.inflate_ratio_max {
            return Err(over("zip inflate ratio", limits.inflate_ratio_max));
        }
        if read == 0 {
            return Ok(bytes);
        }
    }
}

fn key(name: &str) -> String {
    name.replace('\\', "/").trim_start_matches('/').to_lowercase()
}

fn damaged(error: ZipError) -> ReadError {
    corrupt(error.to_string())
}

fn corrupt(detail: String) -> ReadError {
    ReadError::Corrupt { format: "zip".into(), detail }
}

fn over(what: &str, limit: u64) -> ReadError {
    ReadError::LimitExceeded { what: what.into(), limit }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ::zip::ZipWriter;
    use ::zip::write::SimpleFileOptions;

    use super::*;

    fn packed(parts: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in parts {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn limit_named(result: Result<Option<Vec<u8>>, ReadError>) -> String {
        match result {
            Err(ReadError::LimitExceeded { what, .. }) => what,
            other => panic!("expected a limit, got {other:?}"),
        }
    }

    #[test]
    fn a_part_is_found_whatever_its_capitals_and_slashes() {
        let bytes = packed(&[("Word\\Document.xml", b"x")]);
        let mut container = Container::open(&bytes, &Limits::default()).unwrap();
        assert_eq!(container.part("/word/document.xml").unwrap().as_deref(), Some(&b"x"[..]));
        assert_eq!(container.part("word/none.xml").unwrap(), None);
    }

    fn checksum(bytes: &[u8]) -> u32 {
        let bit = |sum: u32, _| if sum & 1 > 0 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 };
        !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), bit))
    }

    /// Gives the first entry of the directory a field with another name.
    fn renamed(mut bytes: Vec<u8>, name: &str) -> Vec<u8> {
        let find = |bytes: &[u8], sign: &[u8]| bytes.windows(4).position(|part| part == sign).unwrap();
        let header = find(&bytes, b"PK\x01\x02");
        let length = usize::from(bytes[header + NAME_LENGTH_AT]);
        let stated = checksum(&bytes[header + NAME_AT..][..length]);
        let field = [b"\x01".as_slice(), &stated.to_le_bytes(), name.as_bytes()].concat();
        let field = [b"up".as_slice(), &(field.len() as u16).to_le_bytes(), &field].concat();
        bytes[header + NAME_LENGTH_AT + 2] = field.len() as u8;
        let behind = header + NAME_AT + length;
        bytes.splice(behind..behind, field.iter().copied());
        let end = find(&bytes, b"PK\x05\x06");
        bytes[end + 12] += field.len() as u8;
        bytes
    }

    /// A text part had the name of the document in a field that no word processor looks at, and was read in its place.
    #[test]
    fn a_part_has_the_name_that_its_entry_states() {
        let parts = packed(&[("other", b"hidden"), ("word/document.xml", b"shown")]);
        let bytes = renamed(parts, "word/Document.xml");
        let mut container = Container::open(&bytes, &Limits::default()).unwrap();
        assert_eq!(container.names()[0], "word/Document.xml");
        assert_eq!(container.part("word/document.xml").unwrap().as_deref(), Some(&b"shown"[..]));
        assert_eq!(container.part("other").unwrap().as_deref(), Some(&b"hidden"[..]));
    }

    #[test]
    fn a_part_that_inflates_too_far_is_refused() {
        let bytes = packed(&[("bomb", &vec![0; 4 << 20])]);
        let mut container = Container::open(&bytes, &Limits::default()).unwrap();
        assert_eq!(limit_named(container.part("bomb")), "zip inflate ratio");
    }

    #[test]
    fn a_part_and_a_package_have_their_own_bounds() {
        let bytes = packed(&[("a", b"12345678"), ("b", b"12345678")]);
        let mut container =
            Container::open(&bytes, &Limits { part_bytes_max: 7, ..Limits::default() }).expect("two entries open");
        assert_eq!(limit_named(container.part("a")), "bytes of a zip part");
        let mut container =
            Container::open(&bytes, &Limits { package_bytes_max: 12, ..Limits::default() }).expect("two entries open");
        assert!(container.part("a").unwrap().is_some());
        assert_eq!(limit_named(container.part("b")), "bytes of a zip package");
    }

    #[test]
    fn too_many_entries_and_no_zip_at_all_are_refused() {
        let bytes = packed(&[("a", b""), ("b", b"")]);
        let limits = Limits { zip_entries_max: 1, ..Limits::default() };
        assert!(matches!(Container::open(&bytes, &limits), Err(ReadError::LimitExceeded { .. })));
        assert!(matches!(Container::open(b"PK\x03\x04nothing", &limits), Err(ReadError::Corrupt { .. })));
    }
}
