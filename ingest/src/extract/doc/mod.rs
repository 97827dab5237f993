//! Reads legacy Word documents (.doc, .dot): Word 97 to 2003 whole, Word 6 and 95 as far as text, cells and styles go.
//!
//! A file passes through [`fib`] (where everything stands), [`piece`] (all text in the order of character positions),
//! [`mod@format`] (which stretch of the file has which properties), [`style`] and [`list`] (what a paragraph is called and how
//! it is numbered), [`note`] (footnotes, comments and text boxes by the position that refers to them), [`body`] (text in
//! reading order, tracked deletions left out, fields as their results) and [`read()`] (one document). Headers, footers,
//! pictures and embedded objects are not read; pages are not known, because only a layout engine knows them.

mod body;
mod fib;
mod format;
mod list;
mod note;
mod piece;
mod read;
mod sprm;
mod style;

pub use read::read;
