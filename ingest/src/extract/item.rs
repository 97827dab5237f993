//! One block of text on its way from a reader into a document.
//!
//! Readers that learn late what a block is, or where it belongs, collect items first; the others write blocks at once.

use crate::document::{BlockKind, Document};

/// A block of text before it has a place in the document.
#[derive(Clone, Debug)]
pub(super) struct Item {
    /// What kind of text it is.
    pub kind: BlockKind,
    /// Heading level.
    pub level: Option<u8>,
    /// Whether it has the style of the document's title.
    pub is_title: bool,
    /// Its text.
    pub text: String,
    /// Its cells, for a table.
    pub cells: Vec<Vec<String>>,
}

impl Item {
    /// Makes an item that is no heading and has no cells.
    pub(super) fn of(kind: BlockKind, text: String) -> Self {
        Self { kind, level: None, is_title: false, text, cells: Vec::new() }
    }

    /// Makes a heading.
    pub(super) fn heading(level: u8, text: String) -> Self {
        Self { level: Some(level), ..Self::of(BlockKind::Heading, text) }
    }
}

/// Appends items to a document, on `page` where the format has pages; returns the text of the first title among them.
pub(super) fn write(items: Vec<Item>, page: Option<u32>, document: &mut Document) -> Option<String> {
    let mut title = None;
    for item in items {
        if title.is_none() && item.is_title {
            title = Some(item.text.trim().to_owned());
        }
        if let Some(block) = document.push(item.kind, item.level, page, &item.text) {
            block.cells = item.cells;
        }
    }
    title.filter(|title| !title.is_empty())
}
