//! Finds what stands beside the body: footnotes, endnotes, comments and text boxes, by the position that refers to each.
//!
//! Returns where the texts stand and reads none of them.

use std::collections::HashMap;

use super::fib::{Fib, Part, Table};
use crate::little::{u16_at, u32_at, usize_at};

/// Bytes that a comment's reference has behind the positions, and where in them the number of its author stands.
const COMMENT_BYTES: usize = 30;
const COMMENT_AUTHOR: usize = 20;
/// Bytes of a shape's anchor, and of a text box's entry, and where in the latter its shape stands.
const ANCHOR_BYTES: usize = 26;
const BOX_BYTES: usize = 22;
const BOX_SHAPE: usize = 14;

/// What a position refers to.
#[derive(Clone, Debug)]
pub(super) enum Reference {
    Footnote(Part),
    Endnote(Part),
    Comment(Part, Option<String>),
    Box(Part),
}

/// Returns what each position of the body refers to.
pub(super) fn references(fib: &Fib) -> HashMap<usize, Reference> {
    let mut found = HashMap::new();
    add_notes(fib, [Table::FootnoteReferences, Table::FootnoteTexts], fib.footnotes, Reference::Footnote, &mut found);
    if !fib.is_97 {
        // Word 6 keeps comments and boxes in tables of other shapes.
        return found;
    }
    add_notes(fib, [Table::EndnoteReferences, Table::EndnoteTexts], fib.endnotes, Reference::Endnote, &mut found);
    add_comments(fib, &mut found);
    add_boxes(fib, &mut found);
    found
}

fn add_notes(
    fib: &Fib,
    [references, texts]: [Table; 2],
    part: Part,
    reference: fn(Part) -> Reference,
    found: &mut HashMap<usize, Reference>,
) {
    let positions = positions(fib.table(references), 2);
    for (position, text) in positions.into_iter().zip(texts_of(fib.table(texts), 0, part)) {
        found.insert(position, reference(text));
    }
}

fn add_comments(fib: &Fib, found: &mut HashMap<usize, Reference>) {
    let table = fib.table(Table::CommentReferences);
    let positions = positions(table, COMMENT_BYTES);
    let authors = authors(fib.table(Table::CommentAuthors));
    let entries = 4 * (positions.len() + 1);
    let texts = texts_of(fib.table(Table::CommentTexts), 0, fib.comments);
    for (at, (position, text)) in positions.into_iter().zip(texts).enumerate() {
        let number = u16_at(table, entries + COMMENT_BYTES * at + COMMENT_AUTHOR);
        let author = number.and_then(|number| authors.get(usize::from(number))).cloned();
        found.insert(position, Reference::Comment(text, author));
    }
}

fn add_boxes(fib: &Fib, found: &mut HashMap<usize, Reference>) {
    let anchors = fib.table(Table::Shapes);
    let positions = positions(anchors, ANCHOR_BYTES);
    let table = fib.table(Table::BoxTexts);
    let texts = texts_of(table, BOX_BYTES, fib.boxes);
    let entries = 4 * (texts.len() + 1);
    let shape_of = |at: usize| u32_at(table, entries + BOX_BYTES * at + BOX_SHAPE);
    let shapes: HashMap<u32, Part> =
        texts.iter().enumerate().filter_map(|(at, text)| Some((shape_of(at)?, *text))).collect();
    let first = 4 * (positions.len() + 1);
    for (at, position) in positions.into_iter().enumerate() {
        let shape = u32_at(anchors, first + ANCHOR_BYTES * at);
        if let Some(text) = shape.and_then(|shape| shapes.get(&shape)) {
            found.entry(position).or_insert(Reference::Box(*text));
        }
    }
}

/// Returns the positions of a table whose entries have `entry_bytes` each, without the last, which only ends it.
fn positions(table: &[u8], entry_bytes: usize) -> Vec<usize> {
    let count = table.len().saturating_sub(4) / (4 + entry_bytes);
    (0..count).filter_map(|at| usize_at(table, 4 * at)).collect()
}

/// Returns the stretches between the positions of a table of texts, moved to where their part begins.
fn texts_of(table: &[u8], entry_bytes: usize, part: Part) -> Vec<Part> {
    let count = table.len().saturating_sub(4) / (4 + entry_bytes);
    let text = |at: usize| {
        let (start, end) = (usize_at(table, 4 * at)?, usize_at(table, 4 * at + 4)?);
        let (start, end) = (part.start.checked_add(start)?, part.start.checked_add(end)?);
        Some(Part { start: start.min(part.end), end: end.clamp(start.min(part.end), part.end) })
    };
    (0..count).map_while(text).collect()
}

fn authors(table: &[u8]) -> Vec<String> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(chars) = u16_at(table, at).map(usize::from) {
        let Some(name) = table.get(at + 2..at + 2 + 2 * chars) else { break };
        let units: Vec<u16> = name.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).collect();
        found.push(String::from_utf16_lossy(&units));
        at += 2 + 2 * chars;
    }
    found
}
