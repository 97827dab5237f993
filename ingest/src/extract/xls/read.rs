//! Finds the sheets of a workbook in their order, and what their cells refer to.

use std::collections::HashMap;

use super::record::{Record, Texts, records, shared};
use super::sheet::{self, Book};
use crate::compound::Compound;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::xlsx::{Shown, built_in, of_code};
use crate::extract::{codepage, summary};
use crate::limits::Limits;
use crate::little::{u16_at, usize_at};

/// Version that a workbook of Excel 97 to 2003 states; texts of those before it are not Unicode.
const EXCEL_97: u16 = 0x600;

/// Reads a workbook; its pages are its sheets, hidden ones too.
///
/// # Errors
/// `Corrupt` when there is no workbook stream, `Encrypted`, `LimitExceeded`, and `NoText` when no cell has a value.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let file = Compound::open(bytes, limits)?;
    let stream = file.stream("Workbook").or_else(|| file.stream("Book"));
    let stream =
        stream.ok_or_else(|| ReadError::Corrupt { format: "xls".into(), detail: "it has no workbook".into() })?;
    let (book, sheets) = globals(&stream, limits)?;
    let stated = summary::parse(&file);
    let mut document = Document {
        media_type: "application/vnd.ms-excel".into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        pages: Some(sheets.len() as u32),
        extractor: concat!("ragstone-xls ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let mut left = limits.text_chars_max;
    for (page, (name, at)) in (1..).zip(sheets) {
        let rows = sheet::read(&stream, at, &book, &mut left, limits)?;
        if !rows.is_empty() {
            document.push(BlockKind::Heading, Some(2), Some(page), &name);
            document.push_table(Some(page), rows);
        }
    }
    match document.blocks.is_empty() {
        true => Err(ReadError::NoText { detail: "blank".into() }),
        false => Ok(document),
    }
}

/// Reads what stands before the sheets, and where each of those begins.
fn globals(stream: &[u8], limits: &Limits) -> Result<(Book, Vec<(String, usize)>), ReadError> {
    let (mut book, mut sheets) = (Book::default(), Vec::new());
    let mut own: HashMap<u16, Shown> = HashMap::new();
    for record in records(stream, 0) {
        let bytes = record.bytes();
        match record.kind {
            0x809 => book.texts.is_unicode = u16_at(bytes, 0) >= Some(EXCEL_97),
            0x0A => break,
            0x2F => return Err(ReadError::Encrypted),
            0x22 => book.is_1904 = u16_at(bytes, 0) == Some(1),
            0x42 => {
                let page = u16_at(bytes, 0).and_then(|page| codepage::numbered(u32::from(page)));
                book.texts.encoding = page.unwrap_or(book.texts.encoding);
            }
            0x41E => own.extend(u16_at(bytes, 0).map(|id| (id, of_code(&format_code(&record, book.texts))))),
            0xE0 => {
                let id = u16_at(bytes, 2).unwrap_or(0);
                book.formats.push(own.get(&id).copied().unwrap_or_else(|| built_in(u32::from(id))));
            }
            0xFC => book.shared = shared(&record, limits.text_chars_max.saturating_mul(4)),
            // Sheets of charts and of old macros hold no cells.
            0x85 if bytes.get(5) == Some(&0) => {
                sheets.extend(usize_at(bytes, 0).map(|at| (book.texts.read(&record, 6, 1), at)));
            }
            _ => {}
        }
    }
    if sheets.len() > limits.pages_max as usize {
        return Err(ReadError::LimitExceeded { what: "sheets".into(), limit: u64::from(limits.pages_max) });
    }
    Ok((book, sheets))
}

fn format_code(record: &Record, texts: Texts) -> String {
    texts.read(record, 2, if texts.is_unicode { 2 } else { 1 })
}
