//! Lexical search: from text to terms, from terms to the slots that hold them, and the BM25 score of each.
//!
//! A committed batch is analysed outside any lock (`Analyzer`) and then appended (`TextIndex::add`); a query is analysed
//! by the same rules and searched (`TextIndex::search`), pruned by MaxScore over compressed blocks; `write` and `open`
//! carry the whole index through a checksummed file. Every row is covered as soon as it is added, at the price of one
//! index in memory; an index merged from segments on disk would need less of it and leave fresh rows to a flat scan.

mod analyze;
mod fold;
mod identifier;
mod word;

mod terms;

mod block;
mod cursor;
mod index;
mod postings;
mod score;
mod search;

mod file;
mod mapped;

pub use analyze::{Analyzer, TERM_CHARS_MAX};
pub use file::{Damage, TextError};
pub use index::TextIndex;
pub use terms::Analyzed;
