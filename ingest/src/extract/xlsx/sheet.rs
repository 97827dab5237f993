//! Rows of cells of one sheet, and its comments.
//!
//! Only columns that hold a value somewhere are kept, so that a lone cell far to the right costs nothing.

use std::collections::{BTreeSet, HashMap};

use quick_xml::events::BytesStart;

use super::shared::spend;
use super::style::{Shown, written};
use crate::error::ReadError;
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;

/// Most columns of a sheet, as in Excel; a larger reference is a lie.
const COLUMNS_MAX: usize = 16_384;

/// What all sheets of a workbook share.
#[derive(Default)]
pub(super) struct Book {
    /// Texts by number.
    pub texts: Vec<String>,
    /// How cell formats show numbers, by number.
    pub styles: Vec<Shown>,
    /// Whether days count from 1904.
    pub is_1904: bool,
}

/// Reads the rows that hold values.
pub(super) fn read(xml: &str, book: &Book, left: &mut usize, limits: &Limits) -> Result<Vec<Vec<String>>, ReadError> {
    let mut reader = SheetReader { book, rows: Vec::new(), cell: Cell::default(), frames: Vec::new() };
    walk(xml, limits.depth_max, |token| {
        match token {
            Token::Open(element) => {
                let frame = reader.open(element);
                reader.frames.push(frame);
            }
            Token::Text(text) if reader.frames.last() == Some(&Frame::Value) => reader.cell.stored.push_str(text),
            Token::Text(_) => {}
            Token::Close => {
                if reader.frames.pop() == Some(Frame::Cell) {
                    reader.end_cell(left, limits)?;
                }
            }
        }
        Ok(())
    })?;
    grid(reader.rows, limits)
}

/// What an open element means to the reader.
#[derive(Clone, Copy, PartialEq)]
enum Frame {
    Plain,
    Cell,
    Value,
    /// How a text is pronounced.
    Phonetic,
}

/// A cell whose end has not been met.
#[derive(Default)]
struct Cell {
    column: usize,
    kind: String,
    style: usize,
    stored: String,
}

struct SheetReader<'a> {
    book: &'a Book,
    rows: Vec<Vec<(usize, String)>>,
    cell: Cell,
    frames: Vec<Frame>,
}

impl SheetReader<'_> {
    fn open(&mut self, element: &BytesStart) -> Frame {
        match (element.local_name().as_ref(), self.frames.last()) {
            (_, Some(Frame::Phonetic)) | ("rPh", _) => Frame::Phonetic,
            ("row", _) => {
                self.rows.push(Vec::new());
                Frame::Plain
            }
            ("c", _) => {
                let place = attribute(element, "r").and_then(|place| column(&place));
                self.cell = Cell {
                    column: place.unwrap_or(self.cell.column + 1).min(COLUMNS_MAX),
                    kind: attribute(element, "t").unwrap_or_default(),
                    style: attribute(element, "s").and_then(|style| style.parse().ok()).unwrap_or(0),
                    stored: String::new(),
                };
                Frame::Cell
            }
            ("v" | "t", _) => Frame::Value,
            _ => Frame::Plain,
        }
    }

    fn end_cell(&mut self, left: &mut usize, limits: &Limits) -> Result<(), ReadError> {
        let stored = std::mem::take(&mut self.cell.stored);
        let text = match self.cell.kind.as_str() {
            "s" => {
                stored.trim().parse().ok().and_then(|at: usize| self.book.texts.get(at)).cloned().unwrap_or_default()
            }
            "str" | "inlineStr" | "e" | "d" => stored,
            "b" => if stored.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
            _ if stored.trim().is_empty() => return Ok(()),
            _ => {
                let shown = self.book.styles.get(self.cell.style).copied().unwrap_or_default();
                written(&stored, shown, self.book.is_1904)
            }
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if text.is_empty() {
            return Ok(());
        }
        spend(left, &text, limits)?;
        if let Some(row) = self.rows.last_mut() {
            row.push((self.cell.column, text));
        }
        Ok(())
    }
}

/// Returns the column of a reference such as `AB12`, from 1.
fn column(place: &str) -> Option<usize> {
    let letters = place.bytes().take_while(u8::is_ascii_alphabetic);
    let column =
        letters.take(4).fold(0, |column, letter| column * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    Some(column).filter(|column| (1..=COLUMNS_MAX).contains(column))
}

/// Spreads the cells over the columns that are in use.
pub(in crate::extract) fn grid(
    rows: Vec<Vec<(usize, String)>>,
    limits: &Limits,
) -> Result<Vec<Vec<String>>, ReadError> {
    let used: BTreeSet<usize> = rows.iter().flatten().map(|(column, _)| *column).collect();
    let places: HashMap<usize, usize> = used.into_iter().enumerate().map(|(place, column)| (column, place)).collect();
    // An empty cell before a full one takes a separator of three characters, and memory.
    let ends = rows.iter().filter_map(|row| row.iter().map(|(column, _)| places[column] + 1).max());
    if 3 * ends.sum::<usize>() > limits.text_chars_max {
        let limit = limits.text_chars_max as u64 / 3;
        return Err(ReadError::LimitExceeded { what: "cells of a sheet".into(), limit });
    }
    let spread = |row: Vec<(usize, String)>| {
        let mut cells: Vec<String> = Vec::new();
        for (column, text) in row {
            let place = places[&column];
            if cells.len() <= place {
                cells.resize(place + 1, String::new());
            }
            cells[place] = text;
        }
        cells
    };
    Ok(rows.into_iter().filter(|row| !row.is_empty()).map(spread).collect())
}

/// Reads a part of comments: `B3: text`.
pub(super) fn comments(xml: &str, left: &mut usize, limits: &Limits) -> Result<Vec<String>, ReadError> {
    let mut found: Vec<String> = Vec::new();
    let mut is_text = false;
    walk(xml, limits.depth_max, |token| {
        match token {
            Token::Open(element) => {
                let name = element.local_name();
                if name.as_ref() == "comment" {
                    found.push(format!("{}: ", attribute(element, "ref").unwrap_or_default()));
                }
                is_text = name.as_ref() == "t";
            }
            Token::Close => is_text = false,
            Token::Text(text) => {
                if let Some(comment) = found.last_mut().filter(|_| is_text) {
                    spend(left, text, limits)?;
                    comment.push_str(text);
                }
            }
        }
        Ok(())
    })?;
    Ok(found)
}
