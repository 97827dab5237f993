//! Cuts a document into chunks: the rows of a collection.
//!
//! A document passes through [`mod@unit`] (headings, sentences and table rows with their places), [`pack`] (which units
//! share a chunk) and out as [`Chunk`]s, whose text is a range of the document's text. Structure decides before size:
//! a section's end is a better edge than a full chunk. Chunks are not overlapped by characters, only by sentences.

mod context;
mod pack;
mod sentence;
mod unit;

use serde::{Deserialize, Serialize};

use crate::document::PageBox;

pub use context::{document_name, embedding_text};
pub use pack::split;

/// How documents are cut; part of every chunk's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkRules {
    /// Size that chunks are filled up to.
    pub target_tokens: usize,
    /// Size that no chunk exceeds.
    pub max_tokens: usize,
    /// What is repeated from the end of the chunk before, inside one section.
    pub overlap: Overlap,
    /// Where chunks end beside where they are full.
    pub strategy: ChunkStrategy,
}

/// What a chunk repeats from the one before. Whole sentences in any case, but for chunks of fixed size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlap {
    /// Up to so many sentences, together no more than a quarter of a chunk.
    Sentences(usize),
    /// As many sentences as have up to so many tokens.
    Tokens(usize),
}

impl std::fmt::Display for Overlap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sentences(count) => write!(f, "{count}"),
            Self::Tokens(count) => write!(f, "{count}t"),
        }
    }
}

/// Where chunks end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChunkStrategy {
    /// At sections, then between blocks, then between sentences. Lists and code stay whole where they can.
    #[default]
    Structure,
    /// Between blocks, then between sentences; headings are text like any other.
    Recursive,
    /// Wherever the target is reached, in the middle of a sentence too.
    Fixed,
    /// At the end of each page, and inside a page only where it is larger than a chunk may be.
    Page,
}

impl ChunkStrategy {
    /// Every strategy, by the name that callers use.
    pub const NAMED: [(&'static str, Self); 4] =
        [("structure", Self::Structure), ("recursive", Self::Recursive), ("fixed", Self::Fixed), ("page", Self::Page)];

    /// Returns its name with the version of how it cuts.
    fn id(self) -> &'static str {
        match self {
            Self::Structure => "structure-2",
            Self::Recursive => "recursive-1",
            Self::Fixed => "fixed-1",
            Self::Page => "page-1",
        }
    }
}

impl Default for ChunkRules {
    fn default() -> Self {
        Self { target_tokens: 256, max_tokens: 512, overlap: Overlap::Sentences(1), strategy: ChunkStrategy::Structure }
    }
}

impl ChunkRules {
    /// Returns the name of these rules, which changes when the same document would be cut differently.
    pub fn rule_id(&self) -> String {
        let Self { target_tokens, max_tokens, overlap, strategy } = self;
        format!("{}/{target_tokens}/{max_tokens}/{overlap}", strategy.id())
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
    /// First character of the section around it: all that stands below the same heading of level 1 or 2, or between
    /// two of them. Several chunks of a section have it in common, as their parent.
    pub section_start: usize,
    /// One past the last character of that section.
    pub section_end: usize,
    /// Where its blocks stand on their pages.
    pub boxes: Vec<PageBox>,
    /// Tokens in `text`, as counted by the caller's counter.
    pub tokens: usize,
    /// What read its blocks; several names are joined by `, `.
    pub extractor: String,
}
