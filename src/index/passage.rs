//! What a row says besides its columns in memory, text and place, by row id: a mapped file, so that an answer does not wait
//! for the table.
//!
//! Records in the order of row ids, each with its checksum, then the ids, where each record begins, and a foot. A record
//! that is not what was written counts as missing: like all files here this one is a cache, and the table is asked then.

use super::map::map_file;
use crate::schema::ChunkRow;
use memmap2::Mmap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Name of the file in the folder of sealed postings.
pub const PASSAGES_NAME: &str = "passages.bin";
const MAGIC: &[u8; 8] = b"RAGPASS1";
/// Bytes of the foot: the number of rows, and the magic.
const FOOT_BYTES: usize = 16;
const NUMBER_BYTES: usize = size_of::<u64>();

/// Passages of rows, as a file holds them.
pub struct Passages {
    map: Mmap,
    rows: usize,
}

impl Passages {
    /// Maps the file of a folder; `None` where there is none, or it is of another shape.
    pub fn open(folder: &Path) -> Option<Self> {
        let map = map_file(&folder.join(PASSAGES_NAME)).ok()?;
        let (body, foot) = map.split_at_checked(map.len().checked_sub(FOOT_BYTES)?)?;
        let rows = usize::try_from(number(foot, 0)?).ok()?;
        let directory = rows.checked_mul(2)?.checked_add(1)?.checked_mul(NUMBER_BYTES)?;
        (foot.ends_with(MAGIC) && directory <= body.len()).then_some(Self { rows, map })
    }

    /// Returns the row of an id with all that was written of it, its other values empty; `None` where it is not to be had.
    pub fn get(&self, row_id: u64) -> Option<ChunkRow> {
        decode(&self.record(row_id)?[NUMBER_BYTES..])
    }

    /// Returns the record of a row, for [`PassageWriter::copy`]; `None` unless it is what was written.
    pub fn record(&self, row_id: u64) -> Option<&[u8]> {
        let record = self.find(row_id)?;
        let (checksum, body) = record.split_first_chunk::<NUMBER_BYTES>()?;
        if u64::from_le_bytes(*checksum) != xxh3_64_with_seed(body, row_id) {
            tracing::warn!(row_id, "passage is damaged and read from the table");
            return None;
        }
        Some(record)
    }

    /// Returns the bytes of a record, whatever became of them.
    fn find(&self, row_id: u64) -> Option<&[u8]> {
        let directory = self.map.len() - FOOT_BYTES - (2 * self.rows + 1) * NUMBER_BYTES;
        let at = |index: usize| number(&self.map, directory + index * NUMBER_BYTES);
        let (mut low, mut high) = (0, self.rows);
        while low < high {
            let middle = low.midpoint(high);
            if at(middle)? < row_id { low = middle + 1 } else { high = middle }
        }
        if low == self.rows || at(low)? != row_id {
            return None;
        }
        let (from, to) = (at(self.rows + low)?, at(self.rows + low + 1)?);
        self.map[..directory].get(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
    }
}

/// Writes a file of passages, row after row.
pub struct PassageWriter {
    file: BufWriter<File>,
    row_ids: Vec<u64>,
    /// Where each record begins, and the end of the last one.
    starts: Vec<u64>,
}

impl PassageWriter {
    /// Begins the file of a folder.
    pub fn create(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::new(File::create(folder.join(PASSAGES_NAME))?);
        Ok(Self { file, row_ids: Vec::new(), starts: vec![0] })
    }

    /// Takes over a record of the same row from another file. Row ids rise.
    pub fn copy(&mut self, row_id: u64, record: &[u8]) -> io::Result<()> {
        assert!(self.row_ids.last().is_none_or(|&last| last < row_id), "row ids rise");
        self.file.write_all(record)?;
        self.row_ids.push(row_id);
        self.starts.push(self.starts[self.starts.len() - 1] + record.len() as u64);
        Ok(())
    }

    /// Writes the passage of a row. Row ids rise.
    pub fn write(&mut self, row_id: u64, row: &ChunkRow) -> io::Result<()> {
        let body = encode(row);
        let checksum = xxh3_64_with_seed(&body, row_id).to_le_bytes();
        self.copy(row_id, &[checksum.as_slice(), &body].concat())
    }

    /// Ends the file, which is on the disk then.
    pub fn finish(mut self) -> io::Result<()> {
        for number in self.row_ids.iter().chain(&self.starts) {
            self.file.write_all(&number.to_le_bytes())?;
        }
        self.file.write_all(&(self.row_ids.len() as u64).to_le_bytes())?;
        self.file.write_all(MAGIC)?;
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Writes what [`decode`] reads: each value behind its length, or behind whether there is one.
fn encode(row: &ChunkRow) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128 + row.text.as_ref().map_or(0, String::len));
    put_text(&mut bytes, row.text.as_deref());
    put_text(&mut bytes, row.extractor.as_deref());
    for number in [row.page_end.map(i64::from), row.char_start, row.char_end] {
        bytes.push(u8::from(number.is_some()));
        bytes.extend(number.unwrap_or(0).to_le_bytes());
    }
    bytes.extend((row.heading.len() as u32).to_le_bytes());
    row.heading.iter().for_each(|heading| put_text(&mut bytes, Some(heading)));
    bytes.extend((row.boxes.len() as u32).to_le_bytes());
    row.boxes.iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    bytes
}

fn put_text(bytes: &mut Vec<u8>, text: Option<&str>) {
    bytes.push(u8::from(text.is_some()));
    bytes.extend((text.map_or(0, str::len) as u32).to_le_bytes());
    bytes.extend(text.unwrap_or_default().as_bytes());
}

fn decode(bytes: &[u8]) -> Option<ChunkRow> {
    let mut values = Values(bytes);
    let (text, extractor) = (values.text()?, values.text()?);
    let [page_end, char_start, char_end] = [values.number()?, values.number()?, values.number()?];
    let headings = values.count()?;
    let heading = (0..headings).map(|_| values.text()?).collect::<Option<_>>()?;
    let boxes = values.count()?;
    let boxes = (0..boxes).map(|_| values.take().map(f32::from_le_bytes)).collect::<Option<_>>()?;
    let page_end = page_end.map(i32::try_from).transpose().ok()?;
    Some(ChunkRow { text, extractor, page_end, char_start, char_end, heading, boxes, ..ChunkRow::default() })
}

/// The values of a record that are left to read.
struct Values<'a>(&'a [u8]);

impl Values<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*value)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn number(&mut self) -> Option<Option<i64>> {
        let [is_some] = self.take()?;
        let number = self.take().map(i64::from_le_bytes)?;
        Some((is_some > 0).then_some(number))
    }

    fn text(&mut self) -> Option<Option<String>> {
        let [is_some] = self.take()?;
        let length = self.count()? as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        let text = std::str::from_utf8(text).ok()?;
        Some((is_some > 0).then(|| text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: u64) -> ChunkRow {
        let text = |text: &str| (!at.is_multiple_of(4)).then(|| text.repeat(at as usize));
        let number = |number: i64| (!at.is_multiple_of(3)).then_some(number);
        ChunkRow {
            text: text("部門 text "),
            extractor: text("x"),
            page_end: number(7).map(|page| page as i32),
            char_start: number(i64::MIN),
            char_end: number(i64::MAX),
            heading: (0..at % 3).map(|level| format!("{level}. heading")).collect(),
            boxes: (0..at % 7).map(|number| number as f32 / 3.0).collect(),
            ..ChunkRow::default()
        }
    }

    fn written(folder: &Path, row_ids: &[u64], earlier: Option<&Passages>) -> Passages {
        let mut writer = PassageWriter::create(folder).unwrap();
        for &row_id in row_ids {
            match earlier.and_then(|earlier| earlier.record(row_id)) {
                Some(record) => writer.copy(row_id, record).unwrap(),
                None => writer.write(row_id, &row(row_id)).unwrap(),
            }
        }
        writer.finish().unwrap();
        Passages::open(folder).unwrap()
    }

    #[test]
    fn passages_are_found_by_row_id_and_go_from_file_to_file() {
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let first = written(folders[0].path(), &[0, 1, 5, 20, 21], None);
        let second = written(folders[1].path(), &[1, 2, 20, 30], Some(&first));
        for (passages, held) in [(&first, &[0, 1, 5, 20, 21][..]), (&second, &[1, 2, 20, 30])] {
            for row_id in (0..40).chain([u64::MAX]) {
                let expected = held.contains(&row_id).then(|| row(row_id));
                assert_eq!(passages.get(row_id), expected, "row {row_id}");
            }
        }
        assert_eq!(written(folders[2].path(), &[], None).get(0), None);
    }

    #[test]
    fn a_file_with_any_byte_changed_or_cut_off_gives_no_other_passage() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), &[3, 4, 9], None);
        let file = folder.path().join(PASSAGES_NAME);
        let bytes = std::fs::read(&file).unwrap();
        let check = |changed: &[u8], what: &str| {
            std::fs::write(&file, changed).unwrap();
            let Some(passages) = Passages::open(folder.path()) else { return };
            for row_id in 0..12 {
                let found = passages.get(row_id);
                assert!(found.is_none() || found == Some(row(row_id)), "{what}, row {row_id}");
            }
        };
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= flip;
                check(&changed, &format!("byte {at} ^ {flip}"));
            }
            check(&bytes[..at], &format!("{at} bytes"));
        }
        check(&[], "no bytes");
    }
}
