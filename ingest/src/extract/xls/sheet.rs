//! Reads the cells of one sheet.

use std::collections::BTreeMap;

use super::record::{Record, Texts, records};
use crate::error::ReadError;
use crate::extract::xlsx::{Shown, grid, written};
use crate::limits::Limits;
use crate::little::{u16_at, u32_at, u64_at};

/// What cells of a workbook refer to.
#[derive(Default)]
pub struct Book {
    pub texts: Texts,
    pub shared: Vec<String>,
    /// How each cell format shows numbers.
    pub formats: Vec<Shown>,
    pub is_1904: bool,
}

type Rows = BTreeMap<u16, Vec<(usize, String)>>;

/// Reads the rows of the sheet that begins at `at`. `left` bounds the characters of all sheets.
pub fn read(
    stream: &[u8],
    at: usize,
    book: &Book,
    left: &mut usize,
    limits: &Limits,
) -> Result<Vec<Vec<String>>, ReadError> {
    let mut rows = Rows::new();
    // The cell of a formula whose text is in the next record.
    let mut waiting = None;
    let mut depth = 0;
    for record in records(stream, at) {
        let cells = match record.kind {
            0x809 => {
                depth += 1;
                continue;
            }
            // A chart inside the sheet has an end of its own.
            0x0A if depth <= 1 => break,
            0x0A => {
                depth -= 1;
                continue;
            }
            0x207 => waiting.take().map(|place| (place, book.texts.read(&record, 0, 2))).into_iter().collect(),
            0x06 if is_text_formula(record.bytes()) => {
                waiting = place(record.bytes());
                continue;
            }
            _ => cells(&record, book),
        };
        for ((row, column), text) in cells {
            let over =
                || ReadError::LimitExceeded { what: "characters of text".into(), limit: limits.text_chars_max as u64 };
            *left = left.checked_sub(text.chars().count()).ok_or_else(over)?;
            if !text.trim().is_empty() {
                rows.entry(row).or_default().push((column, text.trim().to_owned()));
            }
        }
    }
    grid(rows.into_values().collect(), limits)
}

type Place = (u16, usize);

fn place(bytes: &[u8]) -> Option<Place> {
    Some((u16_at(bytes, 0)?, usize::from(u16_at(bytes, 2)?) + 1))
}

fn is_text_formula(bytes: &[u8]) -> bool {
    u16_at(bytes, 12) == Some(0xFFFF) && bytes.get(6) == Some(&0)
}

/// Returns the cells of a record, with their text as it is shown; none for records of another kind.
fn cells(record: &Record, book: &Book) -> Vec<(Place, String)> {
    let bytes = record.bytes();
    let Some(place) = place(bytes) else { return Vec::new() };
    let number = |value: f64, format: usize| {
        let shown = u16_at(bytes, format).and_then(|format| book.formats.get(usize::from(format)));
        written(&value.to_string(), shown.copied().unwrap_or_default(), book.is_1904)
    };
    let text = match record.kind {
        0xFD => u32_at(bytes, 6).and_then(|at| book.shared.get(at as usize).cloned()),
        0x204 | 0xD6 => Some(book.texts.read(record, 6, 2)),
        0x203 => u64_at(bytes, 6).map(|bits| number(f64::from_bits(bits), 4)),
        0x27E => u32_at(bytes, 6).map(|packed| number(unpacked(packed), 4)),
        0x06 if u16_at(bytes, 12) != Some(0xFFFF) => u64_at(bytes, 6).map(|bits| number(f64::from_bits(bits), 4)),
        0x06 => (bytes.get(6) == Some(&1)).then(|| truth(bytes.get(8))),
        0x205 if bytes.get(7) == Some(&0) => Some(truth(bytes.get(6))),
        0xBD => {
            let count = bytes.len().saturating_sub(6) / 6;
            let cell =
                |at: usize| Some(((place.0, place.1 + at), number(unpacked(u32_at(bytes, 6 + 6 * at)?), 4 + 6 * at)));
            return (0..count).filter_map(cell).collect();
        }
        _ => None,
    };
    text.map(|text| (place, text)).into_iter().collect()
}

fn truth(value: Option<&u8>) -> String {
    if value == Some(&0) { "FALSE" } else { "TRUE" }.into()
}

/// Unpacks a number of 30 bits: the upper ones of a float, or an integer; both maybe of hundredths.
fn unpacked(packed: u32) -> f64 {
    let number = match packed & 2 {
        0 => f64::from_bits(u64::from(packed & !3) << 32),
        _ => f64::from((packed as i32) >> 2),
    };
    if packed & 1 == 0 { number } else { number / 100.0 }
}
