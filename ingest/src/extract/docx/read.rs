//! Puts one Word document together from its parts.
//!
//! Decides title and warnings; what a part means is decided in the modules below.

use super::body::{Surroundings, read_body, read_notes};
use super::numbering;
use super::package::{self, Package};
use super::styles::Styles;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::item;
use crate::extract::list::Numbering;
use crate::extract::properties;
use crate::limits::Limits;

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

/// Reads a Word document from its bytes.
///
/// Footnotes, endnotes and comments follow the paragraph that refers to them. The title is the stated one, else the
/// paragraph in the title style, else the first heading of level 1.
///
/// # Errors
/// `Corrupt`, `Encrypted`, `LimitExceeded`, and `NoText` when no text is left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let package = package::open(bytes, limits)?;
    let mut document = described(&package, limits)?;
    let styles = package.styles.as_deref().map_or(Ok(Styles::default()), |xml| Styles::parse(xml, limits.depth_max))?;
    let numbering = match &package.numbering {
        Some(xml) => numbering::parse(xml, limits.depth_max)?,
        None => Numbering::default(),
    };
    let notes = |part: &Option<String>| match part {
        Some(xml) => read_notes(xml, &styles, limits),
        None => Ok(Default::default()),
    };
    let around = Surroundings {
        styles: &styles,
        footnotes: notes(&package.footnotes)?,
        endnotes: notes(&package.endnotes)?,
        comments: notes(&package.comments)?,
    };
    let title = item::write(read_body(&package.document, &around, numbering, limits)?, None, &mut document);
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    document.title = document.title.take().or(title).or_else(|| first_heading(&document));
    Ok(document)
}

fn described(package: &Package, limits: &Limits) -> Result<Document, ReadError> {
    let stated = match &package.core {
        Some(xml) => properties::parse(xml, limits.depth_max)?,
        None => Default::default(),
    };
    let mut warnings = Vec::new();
    if package.has_foreign_parts {
        warnings.push("embedded content of another format (altChunk) was not read".to_owned());
    }
    Ok(Document {
        media_type: MEDIA_TYPE.into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        extractor: concat!("ragstone-docx ", env!("CARGO_PKG_VERSION")).into(),
        warnings,
        ..Document::default()
    })
}

fn first_heading(document: &Document) -> Option<String> {
    let is_top = |block: &&crate::document::Block| block.kind == BlockKind::Heading && block.level == Some(1);
    let block = document.blocks.iter().find(is_top)?;
    Some(document.text.chars().skip(block.start).take(block.end - block.start).collect())
}
