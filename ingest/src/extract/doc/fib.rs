//! The head of a Word file: its version, and where text and tables stand ([MS-DOC] FIB).
//!
//! Positions are kept as stated and checked where they are used.

use crate::compound::Compound;
use crate::error::ReadError;
use crate::little::{u16_at, usize_at};

/// Word 97 to 2003.
const MARK_97: u16 = 0xA5EC;
/// Word 6 and 95.
const MARK_6: u16 = 0xA5DC;
/// Word 97's version number; a quick save by Word 95 keeps the mark and has a lower one.
const VERSION_97: u16 = 106;
/// Lengths of the parts of the text, of which the third (headers) and fourth (macros) are passed over.
const PARTS: usize = 7;

/// Where one table stands in [`Fib`]'s list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Table {
    Styles = 1,
    FootnoteReferences = 2,
    FootnoteTexts = 3,
    CommentReferences = 4,
    CommentTexts = 5,
    CharacterPages = 12,
    ParagraphPages = 13,
    Fonts = 15,
    Pieces = 33,
    CommentAuthors = 36,
    Shapes = 40,
    EndnoteReferences = 46,
    EndnoteTexts = 47,
    BoxTexts = 56,
    Lists = 73,
    ListUses = 74,
}

/// A stretch of character positions that one part of the text takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Part {
    pub start: usize,
    pub end: usize,
}

/// The streams of a Word file, and what its head says about them.
pub(super) struct Fib {
    /// The main stream: head, text and formatting pages.
    pub main: Vec<u8>,
    /// The stream of tables; Word 6 keeps them in the main stream, and this is empty.
    tables: Vec<u8>,
    /// Large paragraph properties and pictures.
    pub data: Vec<u8>,
    /// Whether it is Word 97 or later.
    pub is_97: bool,
    /// Whether the text is in pieces, in Word 6.
    pub is_complex: bool,
    /// Language of the writer, which gives the code page in Word 6.
    pub language: u16,
    /// First and past the last byte of the text, in Word 6.
    pub text_bytes: (usize, usize),
    /// The body.
    pub body: Part,
    /// Footnotes.
    pub footnotes: Part,
    /// Comments.
    pub comments: Part,
    /// Endnotes.
    pub endnotes: Part,
    /// Text boxes.
    pub boxes: Part,
}

impl Fib {
    /// Reads the head.
    ///
    /// # Errors
    /// `Corrupt` when it is cut off, `Encrypted`, `UnsupportedFormat` for a version before Word 6 and for other files.
    pub(super) fn parse(file: &Compound) -> Result<Self, ReadError> {
        // A workbook may hold a Word document as an object, whose streams are not those of the file.
        let Some(main) = file.stream("WordDocument") else {
            return Err(ReadError::UnsupportedFormat { format: "ole2".into() });
        };
        let word = |at| u16_at(&main, at).ok_or_else(|| corrupt("its head is cut off"));
        let (mark, version, flags) = (word(0)?, word(2)?, word(10)?);
        let is_97 = mark == MARK_97 && version >= VERSION_97 || mark != MARK_6 && version > VERSION_97;
        if !is_97 && version < 100 {
            return Err(ReadError::UnsupportedFormat { format: "doc before Word 6".into() });
        }
        if flags & 0x0100 != 0 {
            return Err(ReadError::Encrypted);
        }
        let tables = if is_97 { table_stream(file, flags) } else { Vec::new() };
        let lengths: Vec<usize> = {
            // Word 97 puts a reserved number where Word 6 has the macros' length, and both are passed over.
            let start = if is_97 { 0x4C } else { 0x34 };
            (0..PARTS).map(|at| usize_at(&main, start + 4 * at).unwrap_or(0).min(i32::MAX as usize)).collect()
        };
        let mut end = 0;
        let parts: Vec<Part> = lengths
            .into_iter()
            .map(|length| {
                let start = end;
                end += length;
                Part { start, end }
            })
            .collect();
        Ok(Self {
            is_97,
            is_complex: flags & 4 != 0,
            language: word(6)?,
            text_bytes: (usize_at(&main, 0x18).unwrap_or(0), usize_at(&main, 0x1C).unwrap_or(0)),
            body: parts[0],
            footnotes: parts[1],
            comments: parts[4],
            endnotes: parts[5],
            boxes: parts[6],
            data: file.stream("Data").unwrap_or_default(),
            tables,
            main,
        })
    }

    /// Returns a table; empty when the file has none, or it is said to stand beyond the stream's end.
    pub(super) fn table(&self, table: Table) -> &[u8] {
        let (start, bytes) = self.place(table);
        start.checked_add(bytes).and_then(|end| self.tables().get(start..end)).unwrap_or_default()
    }

    /// Returns what follows a table, in which some tables go on.
    pub(super) fn behind(&self, table: Table) -> &[u8] {
        let (start, bytes) = self.place(table);
        start.checked_add(bytes).filter(|_| bytes > 0).and_then(|end| self.tables().get(end..)).unwrap_or_default()
    }

    fn tables(&self) -> &[u8] {
        if self.is_97 { &self.tables } else { &self.main }
    }

    fn place(&self, table: Table) -> (usize, usize) {
        let index = table as usize;
        // Word 6 has no table behind that of the last endnote.
        let known = if self.is_97 { usize::from(u16_at(&self.main, 0x98).unwrap_or(0)) } else { 48 };
        let at = if self.is_97 { 0x9A } else { 0x58 } + 8 * index;
        match (index < known, usize_at(&self.main, at), usize_at(&self.main, at + 4)) {
            (true, Some(start), Some(bytes)) => (start, bytes),
            _ => (0, 0),
        }
    }
}

/// Returns the table stream that the flags name, or the other one where it is missing.
fn table_stream(file: &Compound, flags: u16) -> Vec<u8> {
    let (named, other) = if flags & 0x0200 != 0 { ("1Table", "0Table") } else { ("0Table", "1Table") };
    file.stream(named).or_else(|| file.stream(other)).unwrap_or_default()
}

pub(super) fn corrupt(detail: &str) -> ReadError {
    ReadError::Corrupt { format: "doc".into(), detail: detail.into() }
}
