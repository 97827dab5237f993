//! Reads Word documents (.docx, .docm, .dotx, transitional and strict): one zip package, a handful of XML parts.
//!
//! A file passes through [`package`] (which parts there are), [`styles`] and [`numbering`] (what a paragraph is called
//! and how it is numbered), [`body`] (text in reading order, tracked changes accepted) and [`read()`] (one document).
//! Element names are matched without their namespace, so that both dialects of the format go one way. Headers, footers,
//! pictures and embedded files are not read; pages are not known, because only a layout engine knows them.

mod body;
mod numbering;
mod package;
mod read;
mod styles;

pub use read::read;
