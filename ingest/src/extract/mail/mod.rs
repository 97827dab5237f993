//! Reads one mail message (.eml, MIME): its header, its text, and the messages it carries.
//!
//! A file passes through [`header`] (fields and their words in any character set), [`decode`] (transfer encodings), and
//! [`read()`] (parts in reading order, plain text before its HTML twin). Attachments are named and not opened.

mod decode;
mod header;
mod read;

pub use read::read;
