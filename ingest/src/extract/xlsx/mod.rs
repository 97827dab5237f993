//! Reads Excel workbooks (.xlsx, .xlsm and templates): each sheet is a page with its name as heading and one table.
//!
//! A file passes through [`read()`] (sheets in their order), [`shared`] (texts that cells share), [`style`] (which numbers
//! are dates or shares) and [`sheet`] (rows of cells). A formula counts as the value that was last computed for it.
//! Charts, pictures and pivot caches are not read.

mod read;
mod shared;
mod sheet;
mod style;

pub use read::read;
pub(super) use sheet::grid;
pub(super) use style::{Shown, built_in, of_code, written};
