//! Puts one legacy Word document together from its streams.

use super::body;
use super::fib::Fib;
use super::piece::Text;
use crate::compound::Compound;
use crate::document::Document;
use crate::error::ReadError;
use crate::extract::{item, summary};
use crate::limits::Limits;

/// Reads a Word document of 97 to 2003, or of Word 6 and 95, from its bytes.
///
/// Footnotes, endnotes, comments and text boxes follow the paragraph that refers to them. The title is the stated one,
/// else the paragraph in the title style.
///
/// # Errors
/// `Corrupt`, `Encrypted`, `UnsupportedFormat` for versions before Word 6, `LimitExceeded`, and `NoText` when no text is
/// left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let file = Compound::open(bytes, limits)?;
    let fib = Fib::parse(&file)?;
    let text = Text::parse(&fib, limits.text_chars_max)?;
    let stated = summary::parse(&file);
    let mut document = Document {
        media_type: "application/msword".into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        extractor: concat!("ragstone-doc ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let title = item::write(body::read(&fib, &text, limits)?, None, &mut document);
    document.title = document.title.take().or(title);
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}
