//! Reads OpenDocument files: text (.odt), presentations (.odp: a slide is a page) and spreadsheets (.ods: a sheet is one).
//!
//! A file passes through [`read()`] (its parts), [`style`] (what styles and lists mean) and [`body`] (text in reading
//! order, tracked deletions left out). Headers, footers, pictures, charts and formulas as objects are not read.

mod body;
mod read;
mod style;

pub use read::read;
