//! Reads Rich Text Format (.rtf, and .doc files that are RTF inside).
//!
//! A file passes through [`token`] (groups, control words, text), [`state`] (what a group inherits and where its text
//! belongs) and [`read()`] (paragraphs, list markers, tables, notes, comments). List markers are those that the writer put
//! beside their numbers for old readers. Pictures, headers, footers and equations are not read.

mod read;
mod state;
mod token;

pub use read::read;
