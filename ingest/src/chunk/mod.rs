//! Cuts a document into chunks: the rows of a collection.
//!
//! A document passes through [`mod@unit`] (headings, sentences and table rows with their places), [`pack`] (which units
//! share a chunk) and out as [`Chunk`]s, whose text is a range of the document's text. Structure decides before size:
//! a section's end is a better edge than a full chunk. Chunks are not overlapped by characters, only by sentences.

mod context;
mod pack;
mod sentence;
mod unit;

use crate::document::PageBox;

pub use context::embedding_text;
pub use pack::split;

/// How documents are cut; part of every chunk's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRules {
    /// Size that chunks are filled up to.
    pub target_tokens: usize,
    /// Size that no chunk exceeds.
    pub max_tokens: usize,
    /// Sentences repeated from the end of the chunk before, inside one section.
    pub overlap_sentences: usize,
}

impl Default for ChunkRules {
    fn default() -> Self {
        Self { target_tokens: 256, max_tokens: 512, overlap_sentences: 1 }
    }
}

impl ChunkRules {
    /// Returns the name of these rules, which changes when the same document would be cut differently.
    pub fn rule_id(&self) -> String {
        format!("structure-1/{}/{}/{}", self.target_tokens, self.max_tokens, self.overlap_sentences)
    }
}

/// A passage of a document with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The characters `char_start..char_end` of the document's text; before them the header row and a line end, where
    /// the chunk continues a table.
    pub text: String,
    /// First page, from 1; `None` where the format has no pages.
    pub page: Option<u32>,
    /// Last page.
    pub page_end: Option<u32>,
    /// First character in the document's text.
    pub char_start: usize,
    /// One past the last character.
    pub char_end: usize,
    /// Headings above it, the highest first. A heading that opens the chunk belongs to them.
    pub heading: Vec<String>,
    /// Where its blocks stand on their pages.
    pub boxes: Vec<PageBox>,
    /// Tokens in `text`, as counted by the caller's counter.
    pub tokens: usize,
    /// What read its blocks; several names are joined by `, `.
    pub extractor: String,
}
