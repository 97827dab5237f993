//! What reading a file yields: its text once, and the blocks, pages and places that point into it.
//!
//! Holds no parser and no chunking. Every position is a range of Unicode scalar values (characters, not bytes) in
//! [`Document::text`], so that a citation can be cut out of the text by any client.

use serde::{Deserialize, Serialize};

/// A document as read: text, structure and where each part stood.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Document {
    /// Media type found by content, for example `application/pdf`.
    pub media_type: String,
    /// Title that the file states about itself, or its first level-1 heading.
    pub title: Option<String>,
    /// Author that the file states.
    pub author: Option<String>,
    /// Creation time that the file states, RFC 3339.
    pub created: Option<String>,
    /// Number of pages; `None` where the format has no pages.
    pub pages: Option<u32>,
    /// The whole text: blocks joined by a blank line, in reading order.
    pub text: String,
    /// Structure, in reading order; ranges are disjoint and ascending.
    pub blocks: Vec<Block>,
    /// Name and version of what read the file, for example `pdf-extract 0.12.1`.
    pub extractor: String,
    /// What was lost or doubtful, one line each, without text of the document.
    pub warnings: Vec<String>,
}

/// A paragraph, heading, list item, table or note of a document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What kind of text this is.
    pub kind: BlockKind,
    /// Heading level, 1 the highest; `None` for everything that is not a heading.
    pub level: Option<u8>,
    /// First page it stands on, from 1; `None` where the format has no pages.
    pub page: Option<u32>,
    /// First character in [`Document::text`].
    pub start: usize,
    /// One past the last character in [`Document::text`].
    pub end: usize,
    /// Rows of cells, for tables. The block's text holds the same rows as lines of cells joined by ` | `.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<Vec<String>>,
    /// Where it stands on its pages, in points from the lower left corner.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<PageBox>,
}

/// Kind of a [`Block`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockKind {
    /// A heading, with its level.
    Heading,
    /// Running text.
    Paragraph,
    /// One item of a list, its marker included.
    ListItem,
    /// A table, with its cells.
    Table,
    /// A footnote or endnote.
    Note,
    /// A reviewer's comment.
    Comment,
    /// Preformatted text or program code.
    Code,
}

/// A rectangle on a page: `(page, x0, y0, x1, y1)`, page from 1, points from the lower left corner.
pub type PageBox = (u32, f32, f32, f32, f32);

impl Document {
    /// Appends a block and its text, and keeps the ranges right. Empty text is not added.
    pub fn push(&mut self, kind: BlockKind, level: Option<u8>, page: Option<u32>, text: &str) -> Option<&mut Block> {
        let text = text.trim_matches(|c: char| c.is_whitespace());
        if text.is_empty() {
            return None;
        }
        let mut start = self.blocks.last().map_or(0, |block| block.end);
        if start > 0 {
            self.text.push_str("\n\n");
            start += 2;
        }
        self.text.push_str(text);
        let end = start + text.chars().count();
        self.blocks.push(Block { kind, level, page, start, end, cells: Vec::new(), boxes: Vec::new() });
        self.blocks.last_mut()
    }

    /// Appends all blocks of another document, on `page` where the format has pages.
    pub(crate) fn append(&mut self, other: Document, page: Option<u32>) {
        let characters: Vec<char> = other.text.chars().collect();
        for block in other.blocks {
            let text: String = characters.get(block.start..block.end).unwrap_or_default().iter().collect();
            if let Some(own) = self.push(block.kind, block.level, page, &text) {
                own.cells = block.cells;
            }
        }
    }

    /// Appends a table whose rows are lines of cells joined by ` | `.
    pub(crate) fn push_table(&mut self, page: Option<u32>, cells: Vec<Vec<String>>) {
        let lines: Vec<String> = cells.iter().map(|row| row.join(" | ").trim().to_owned()).collect();
        if let Some(block) = self.push(BlockKind::Table, None, page, &lines.join("\n")) {
            block.cells = cells;
        }
    }
}
