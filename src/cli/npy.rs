//! Matrices of floats as NumPy's `.npy` files: version 1.0, float32, little-endian, in C order.
//!
//! Reads and writes only that; any other file is refused by name of what is different.

use super::failure::Failure;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// First bytes and version of a file.
const MAGIC: [u8; 8] = *b"\x93NUMPY\x01\x00";
/// The header ends at a multiple of this, as NumPy writes it.
const ALIGN: usize = 64;
/// Most bytes that are read in one go.
const PART_BYTES: usize = 1 << 20;

/// Rows of floats, one behind the other.
#[derive(Debug, PartialEq)]
pub struct Matrix {
    /// Length of a row.
    pub columns: usize,
    /// All rows.
    pub values: Vec<f32>,
}

impl Matrix {
    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Returns a row.
    pub fn row(&self, at: usize) -> &[f32] {
        &self.values[at * self.columns..][..self.columns]
    }
}

/// Reads a matrix.
pub fn read_matrix(path: &Path) -> Result<Matrix, Failure> {
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    let bytes = file.metadata().map_err(|error| Failure::file(path, &error))?.len();
    read_from(BufReader::with_capacity(PART_BYTES, file), bytes)
        .map_err(|detail| Failure::new("invalid_npy", format!("{}: {detail}", path.display())))
}

/// Reads a matrix from a file of known length, and checks the length before anything is allocated.
fn read_from(mut from: impl Read, file_bytes: u64) -> Result<Matrix, String> {
    let mut start = [0; 10];
    from.read_exact(&mut start).map_err(|_| "it is too short for a .npy file".to_owned())?;
    if start[..8] != MAGIC {
        return Err("it is not a .npy file of version 1.0".to_owned());
    }
    let header_bytes = u16::from_le_bytes([start[8], start[9]]);
    let mut header = vec![0; usize::from(header_bytes)];
    from.read_exact(&mut header).map_err(|_| "its header is cut off".to_owned())?;
    let (rows, columns) = parse_header(&header)?;
    let bytes = rows.checked_mul(columns).and_then(|values| values.checked_mul(4));
    let there = file_bytes.saturating_sub(10 + u64::from(header_bytes));
    if columns == 0 || bytes != Some(there) {
        return Err(format!("{rows} x {columns} float32 do not fill the {there} bytes behind its header"));
    }
    let mut values = Vec::with_capacity((there / 4) as usize);
    let mut part = vec![0; PART_BYTES];
    let mut left = there;
    while left > 0 {
        let part = &mut part[..(left as usize).min(PART_BYTES)];
        from.read_exact(part).map_err(|error| error.to_string())?;
        values.extend(part.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
        left -= part.len() as u64;
    }
    Ok(Matrix { columns: columns as usize, values })
}

/// Reads rows and columns from the Python literal of a header, whose three keys may come in any order.
fn parse_header(header: &[u8]) -> Result<(u64, u64), String> {
    let malformed = || "its header is malformed".to_owned();
    let text = std::str::from_utf8(header).ok().filter(|text| text.is_ascii()).ok_or_else(malformed)?;
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let mut rest = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).ok_or_else(malformed)?;
    let (mut has_type, mut has_order, mut shape) = (false, false, None);
    while !rest.is_empty() {
        let (key, behind) = rest.split_once(':').ok_or_else(malformed)?;
        rest = match key {
            "'descr'" if !has_type => {
                has_type = true;
                behind.strip_prefix("'<f4'").ok_or("its values are not little-endian float32 ('<f4')")?
            }
            "'fortran_order'" if !has_order => {
                has_order = true;
                behind.strip_prefix("False").ok_or("its values are not in C order")?
            }
            "'shape'" if shape.is_none() => {
                let inside = behind.strip_prefix('(').and_then(|behind| behind.split_once(')'));
                let (inside, behind) = inside.ok_or_else(malformed)?;
                let (rows, columns) = inside.split_once(',').ok_or_else(malformed)?;
                let number =
                    |text: &str| text.parse::<u64>().map_err(|_| "its shape is not (rows, columns)".to_owned());
                shape = Some((number(rows)?, number(columns)?));
                behind
            }
            _ => return Err(malformed()),
        };
        rest = match rest.strip_prefix(',') {
            Some(next) => next,
            None if rest.is_empty() => rest,
            None => return Err(malformed()),
        };
    }
    shape.filter(|_| has_type && has_order).ok_or_else(malformed)
}

/// Writes a matrix whose size is known beforehand, row after row.
pub struct MatrixWriter {
    path: PathBuf,
    file: BufWriter<File>,
    values_left: usize,
}

impl MatrixWriter {
    /// Creates the file and writes its header.
    pub fn create(path: &Path, rows: usize, columns: usize) -> Result<Self, Failure> {
        let file = File::create(path).map_err(|error| Failure::file(path, &error))?;
        let mut file = BufWriter::with_capacity(PART_BYTES, file);
        file.write_all(&header(rows, columns)).map_err(|error| Failure::file(path, &error))?;
        Ok(Self { path: path.to_owned(), file, values_left: rows * columns })
    }

    /// Writes the values of the next rows.
    pub fn write(&mut self, values: &[f32]) -> Result<(), Failure> {
        self.values_left =
            self.values_left.checked_sub(values.len()).expect("callers write the rows that they announced");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.file.write_all(&bytes).map_err(|error| Failure::file(&self.path, &error))
    }

    /// Finishes the file.
    pub fn finish(mut self) -> Result<(), Failure> {
        assert_eq!(self.values_left, 0, "callers write the rows that they announced");
        self.file.flush().map_err(|error| Failure::file(&self.path, &error))
    }
}

fn header(rows: usize, columns: usize) -> Vec<u8> {
    let literal = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    // Two bytes of length stand before the literal, a line feed ends it.
    let bytes = (MAGIC.len() + 2 + literal.len() + 1).next_multiple_of(ALIGN);
    let literal_bytes = bytes - MAGIC.len() - 2;
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&(literal_bytes as u16).to_le_bytes());
    header.extend_from_slice(literal.as_bytes());
    header.resize(bytes - 1, b' ');
    header.push(b'\n');
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Matrix, String> {
        read_from(bytes, bytes.len() as u64)
    }

    fn file(literal: &str, values: &[u8]) -> Vec<u8> {
        [&MAGIC, &(literal.len() as u16).to_le_bytes()[..], literal.as_bytes(), values].concat()
    }

    #[test]
    fn a_matrix_reads_back_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.npy");
        let values = vec![1.0, -2.5, f32::MIN_POSITIVE, 3e8, 0.0, 7.0];
        let mut writer = MatrixWriter::create(&path, 2, 3).unwrap();
        writer.write(&values[..3]).unwrap();
        writer.write(&values[3..]).unwrap();
        writer.finish().unwrap();
        assert_eq!(read_matrix(&path).unwrap(), Matrix { columns: 3, values });
        assert_eq!(std::fs::metadata(&path).unwrap().len() % 64, 24);
    }

    #[test]
    fn a_header_may_have_its_keys_in_any_order() {
        let bytes = file("{'shape': (1, 1), 'fortran_order': False, 'descr': '<f4'}\n", &[0, 0, 128, 63]);
        assert_eq!(read(&bytes), Ok(Matrix { columns: 1, values: vec![1.0] }));
    }

    #[test]
    fn a_hostile_header_is_an_error() {
        let literals = [
            "",
            "{}",
            "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), }",
            "{'descr': '>f4', 'fortran_order': False, 'shape': (1, 1), }",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1, 1), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -1), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 0), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551616, 1), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }",
            "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), 'x': 1}",
            "{'descr': '<f4''fortran_order': False, 'shape': (1, 1)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)",
        ];
        for literal in literals {
            assert!(read(&file(literal, &[0; 4])).is_err(), "{literal}");
        }
        let whole = file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", &[0; 4]);
        assert!(read(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
        assert!(read(&[&whole[..], &[0]].concat()).is_err());
    }
}
