//! Where each part of a generation's file lies.
//!
//! A header of 512 bytes, then the sections in the order of [`Section::ALL`], each starting at a multiple of 64 bytes
//! with zeros in between, little-endian throughout. Places and lengths follow from the numbers in the header alone, so
//! the table in the header can only agree or be damaged. Sections are not read here.

use crate::index::distance::as_bytes;
use crate::index::graph::{code_stride, sketch_stride};
use crate::schema::Metric;
use std::ops::Range;
use xxhash_rust::xxh3::xxh3_64;

/// First bytes of the file.
pub const MAGIC: [u8; 8] = *b"RAGHNSW1";

/// Number of the format that this program writes and reads.
pub const FORMAT: u32 = 2;

/// Length of the header; its last eight bytes are its checksum.
pub const HEADER_BYTES: usize = 512;

/// Longest vector: the sum of 65,536 products of codes still fits 32 bits.
pub const DIMENSION_MAX: usize = 65_536;

/// Most rows: one bit of a row number is used by the walk.
pub const ROWS_MAX: usize = (1 << 31) - 1;

const ALIGN: u64 = 64;
const DEGREE_MAX: u32 = 128;
const LAYERS_MAX: u32 = 16;
const TABLE_AT: usize = 80;
const ENTRY_BYTES: usize = 32;
const CHECKSUM_AT: usize = HEADER_BYTES - 8;

/// Number of sections.
pub const SECTIONS: usize = 9;

/// Part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Row id of each row, u64.
    RowIds,
    /// Vectors, f32.
    Vectors,
    /// Shifted int8 codes, padded to 64 bytes a row.
    Codes,
    /// Scale and offset of each row, f32.
    Facts,
    /// Signs of each rotated row and three numbers, u64.
    Sketches,
    /// The mean that sketches are around, f32.
    Mean,
    /// Neighbours in layer 0, u32.
    Base,
    /// Number of rows in layer 1, 2 and so on, u32.
    Counts,
    /// Neighbours in the upper layers, u32.
    Upper,
}

impl Section {
    /// All sections in the order of the file.
    pub const ALL: [Self; SECTIONS] = [
        Self::RowIds,
        Self::Vectors,
        Self::Codes,
        Self::Facts,
        Self::Sketches,
        Self::Mean,
        Self::Base,
        Self::Counts,
        Self::Upper,
    ];

    /// Returns the name for messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::RowIds => "row ids",
            Self::Vectors => "vectors",
            Self::Codes => "codes",
            Self::Facts => "facts",
            Self::Sketches => "sketches",
            Self::Mean => "mean",
            Self::Base => "layer 0",
            Self::Counts => "layer sizes",
            Self::Upper => "upper layers",
        }
    }
}

/// The numbers that decide the layout, and those that say how the graph was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of rows.
    pub rows: u64,
    /// Length of a vector.
    pub dimension: u32,
    /// Measure of nearness.
    pub metric: Metric,
    /// Size of a list in layer 0.
    pub degree: u32,
    /// Size of a list in upper layers.
    pub upper_degree: u32,
    /// Number of upper layers.
    pub layers: u32,
    /// Lists in all upper layers together.
    pub upper_rows: u64,
    /// Rows looked at for each insertion.
    pub ef_construction: u32,
    /// Order of insertion.
    pub seed: u64,
    /// Checksum of each section.
    pub checksums: [u64; SECTIONS],
}

/// What is wrong with a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderFault {
    /// Another format.
    Format(u32),
    /// Not what was written.
    Damaged(String),
}

impl Header {
    /// Returns the place of each section; the end of the last one is the length of the file. `None` on overflow.
    pub fn places(&self) -> Option<[Range<usize>; SECTIONS]> {
        let stride = code_stride(self.dimension as usize) as u64;
        let sketch = sketch_stride(self.dimension as usize) as u64 * 8;
        let mut end = HEADER_BYTES as u64;
        let mut places = [const { 0..0 }; SECTIONS];
        for (place, section) in places.iter_mut().zip(Section::ALL) {
            let (count, size) = match section {
                Section::RowIds => (self.rows, 8),
                Section::Vectors => (self.rows, u64::from(self.dimension) * 4),
                Section::Codes => (self.rows, stride),
                Section::Facts => (self.rows, 8),
                Section::Sketches => (self.rows, sketch),
                Section::Mean => (u64::from(self.dimension), 4),
                Section::Base => (self.rows, u64::from(self.degree) * 4),
                Section::Counts => (u64::from(self.layers), 4),
                Section::Upper => (self.upper_rows, u64::from(self.upper_degree) * 4),
            };
            let start = end.checked_next_multiple_of(ALIGN)?;
            end = start.checked_add(count.checked_mul(size)?)?;
            *place = usize::try_from(start).ok()?..usize::try_from(end).ok()?;
        }
        Some(places)
    }

    /// Returns the header as bytes; `None` when the numbers are too large for any file.
    pub fn encode(&self) -> Option<[u8; HEADER_BYTES]> {
        let places = self.places()?;
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        let numbers = [FORMAT, Section::ALL.len() as u32, self.dimension, metric_code(self.metric)];
        bytes[8..24].copy_from_slice(as_bytes(&numbers));
        let numbers = [self.degree, self.upper_degree, self.layers, self.ef_construction];
        bytes[24..40].copy_from_slice(as_bytes(&numbers));
        bytes[40..64].copy_from_slice(as_bytes(&[self.rows, self.upper_rows, self.seed]));
        for (at, (place, checksum)) in places.iter().zip(self.checksums).enumerate() {
            let entry = [at as u64, place.start as u64, place.len() as u64, checksum];
            bytes[TABLE_AT + at * ENTRY_BYTES..][..ENTRY_BYTES].copy_from_slice(as_bytes(&entry));
        }
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        Some(bytes)
    }

    /// Reads a header and checks all that can be known from it.
    pub fn decode(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderFault> {
        let damaged = |detail: &str| HeaderFault::Damaged(detail.to_owned());
        if bytes[..8] != MAGIC {
            return Err(damaged("no magic number"));
        }
        if number(bytes, CHECKSUM_AT) != xxh3_64(&bytes[..CHECKSUM_AT]) {
            return Err(damaged("checksum differs"));
        }
        if short(bytes, 8) != FORMAT {
            return Err(HeaderFault::Format(short(bytes, 8)));
        }
        let header = Self {
            rows: number(bytes, 40),
            dimension: short(bytes, 16),
            metric: metric_of(short(bytes, 20)).ok_or_else(|| damaged("unknown metric"))?,
            degree: short(bytes, 24),
            upper_degree: short(bytes, 28),
            layers: short(bytes, 32),
            upper_rows: number(bytes, 48),
            ef_construction: short(bytes, 36),
            seed: number(bytes, 56),
            checksums: std::array::from_fn(|at| number(bytes, TABLE_AT + at * ENTRY_BYTES + 24)),
        };
        let sane = header.rows <= ROWS_MAX as u64
            && (1..=DIMENSION_MAX as u32).contains(&header.dimension)
            && (1..=DEGREE_MAX).contains(&header.degree)
            && (1..=DEGREE_MAX).contains(&header.upper_degree)
            && header.layers < LAYERS_MAX
            && header.upper_rows <= header.rows * u64::from(header.layers);
        // Encoding again checks the section table, the reserved bytes and the arithmetic in one comparison.
        if !sane || header.encode().as_ref() != Some(bytes) {
            return Err(damaged("numbers that do not fit together"));
        }
        Ok(header)
    }
}

fn metric_code(metric: Metric) -> u32 {
    match metric {
        Metric::Cosine => 0,
        Metric::Dot => 1,
        Metric::L2 => 2,
    }
}

fn metric_of(code: u32) -> Option<Metric> {
    [Metric::Cosine, Metric::Dot, Metric::L2].into_iter().find(|&metric| metric_code(metric) == code)
}

fn short(bytes: &[u8; HEADER_BYTES], at: usize) -> u32 {
    u32::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]))
}

fn number(bytes: &[u8; HEADER_BYTES], at: usize) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|byte| bytes[at + byte]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(rows: u64, dimension: u32, upper_rows: u64) -> Header {
        let metric = Metric::L2;
        let (degree, upper_degree, layers, ef_construction) = (32, 16, 3, 200);
        Header {
            rows,
            dimension,
            metric,
            degree,
            upper_degree,
            layers,
            upper_rows,
            ef_construction,
            seed: 7,
            checksums: [9; SECTIONS],
        }
    }

    proptest! {
        #[test]
        fn headers_read_back_as_written(rows in 0u64..1 << 31, dimension in 1u32..65_537) {
            let header = header(rows, dimension, rows / 10);
            let bytes = header.encode().expect("fits");
            prop_assert_eq!(Header::decode(&bytes), Ok(header));
        }

        #[test]
        fn sections_are_aligned_and_do_not_overlap(rows in 0u64..1000, dimension in 1u32..2000) {
            let places = header(rows, dimension, rows).places().expect("fits");
            prop_assert!(places.iter().all(|place| place.start % 64 == 0));
            prop_assert!(places.windows(2).all(|pair| pair[0].end <= pair[1].start));
        }

        #[test]
        fn any_bytes_behind_a_right_checksum_are_read_without_harm(
            numbers in prop::collection::vec(any::<u8>(), HEADER_BYTES - 8), plain in 0usize..HEADER_BYTES - 8,
        ) {
            let mut bytes = [0; HEADER_BYTES];
            bytes[8..].copy_from_slice(&numbers);
            bytes[plain..].fill(0);
            bytes[..8].copy_from_slice(&MAGIC);
            bytes[8..12].copy_from_slice(&FORMAT.to_le_bytes());
            let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
            bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
            prop_assert!(Header::decode(&bytes).is_err());
        }
    }

    #[test]
    fn numbers_too_large_for_a_file_are_damage() {
        assert_eq!(header(u64::MAX, u32::MAX, 0).encode(), None);
        let header = header(u64::from(u32::MAX), 384, 0).encode().expect("fits");
        assert!(matches!(Header::decode(&header), Err(HeaderFault::Damaged(_))));
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let mut bytes = header(1, 1, 0).encode().expect("fits");
        bytes[8] = 9;
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(Header::decode(&bytes), Err(HeaderFault::Format(9)));
    }
}
