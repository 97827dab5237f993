//! Reads Excel workbooks of 95 to 2003 (.xls, [MS-XLS]): each sheet is a page with its name as heading and one table.
//!
//! A file passes through [`read()`] (sheets in their order), [`record`] (the records that a stream is made of, and their
//! texts) and [`sheet`] (rows of cells). Which numbers are dates is known as in [`super::xlsx`]. A formula counts as the
//! value that was last computed for it. Comments, charts and macros are not read.

mod read;
mod record;
mod sheet;

pub use read::read;
