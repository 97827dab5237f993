//! One reader for each format, all with the same signature: bytes in, [`Document`](crate::Document) out.
//!
//! Readers do not look at file names to find a format; [`crate::detect`] has done that by content.

pub mod docx;
pub mod html;
pub mod markdown;
pub mod pdf;
pub mod text;
