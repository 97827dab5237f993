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
    /// How much the text of each page looks like text, from 0 to 1; empty where the format has no pages of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub page_quality: Vec<f32>,
    /// Pages that show text only as a picture, or in an encoding that nobody knows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs_ocr: Vec<u32>,
    /// Where links lead, in the order of the file; PDF is the format whose links are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
}

/// A link of a document to an address outside of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Page that it stands on, from 1; `None` where the format has no pages.
    pub page: Option<u32>,
    /// The words that it stands on, on one line; empty for one on a picture.
    pub text: String,
    /// The address as the file states it: of the web, of mail or of a telephone.
    pub uri: String,
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
    /// What read it, where that was not [`Document::extractor`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extractor: Option<String>,
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
        let block = Block { kind, level, page, start, end, cells: Vec::new(), boxes: Vec::new(), extractor: None };
        self.blocks.push(block);
        self.blocks.last_mut()
    }

    /// Appends all blocks of another document.
    pub(crate) fn append(&mut self, other: Document) {
        let characters: Vec<char> = other.text.chars().collect();
        for block in other.blocks {
            let text: String = characters.get(block.start..block.end).unwrap_or_default().iter().collect();
            if let Some(own) = self.push(block.kind, block.level, block.page, &text) {
                own.cells = block.cells;
                own.boxes = block.boxes;
                own.extractor = block.extractor;
            }
        }
    }

    /// Puts blocks in the place of those of one page.
    pub(crate) fn replace_page(&mut self, page: u32, read: Document) {
        let old = std::mem::take(&mut self.blocks);
        let text = std::mem::take(&mut self.text);
        let part = |blocks: Vec<Block>| Document { text: text.clone(), blocks, ..Document::default() };
        let (before, rest): (Vec<_>, Vec<_>) = old.into_iter().partition(|block| block.page < Some(page));
        let after: Vec<_> = rest.into_iter().filter(|block| block.page > Some(page)).collect();
        for part in [part(before), read, part(after)] {
            self.append(part);
        }
    }

    /// Returns the quality of a page's text; 0 for a page without blocks.
    pub(crate) fn page_quality(&self, page: u32) -> f32 {
        let has_text = self.blocks.iter().any(|block| block.page == Some(page));
        let quality = self.page_quality.get((page as usize).saturating_sub(1)).copied().unwrap_or_default();
        if has_text { quality } else { 0.0 }
    }

    pub(crate) fn set_quality(&mut self, page: u32, quality: f32) {
        self.page_quality.iter_mut().skip((page as usize).saturating_sub(1)).take(1).for_each(|old| *old = quality);
    }

    /// Appends a table whose rows are lines of cells joined by ` | `.
    pub(crate) fn push_table(&mut self, page: Option<u32>, cells: Vec<Vec<String>>) {
        let lines: Vec<String> = cells.iter().map(|row| row.join(" | ").trim().to_owned()).collect();
        if let Some(block) = self.push(BlockKind::Table, None, page, &lines.join("\n")) {
            block.cells = cells;
        }
    }
}
