//! One reader for each format, all with the same signature: bytes in, [`Document`](crate::Document) out.
//!
//! Readers do not look at file names to find a format; [`crate::detect`] has done that by content.

pub mod csv;
pub mod doc;
pub mod docx;
pub mod epub;
pub mod html;
pub mod json;
pub mod mail;
pub mod markdown;
pub mod msg;
pub mod opendocument;
pub mod pdf;
pub mod ppt;
pub mod pptx;
pub mod rtf;
pub mod text;
pub mod xls;
pub mod xlsx;

mod codepage;
mod date;
mod flow;
mod item;
mod list;
mod ooxml;
mod properties;
mod summary;
mod symbol;
mod table;
mod xml;
