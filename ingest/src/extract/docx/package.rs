//! Finds the parts of a Word package by their relationships, with the usual names as a fallback.
//!
//! Resolves internal targets only; an external target is never opened.

use crate::error::ReadError;
use crate::extract::ooxml::{join, relations, target, xml_part};
use crate::limits::Limits;
use crate::zip::Container;

/// The XML parts of one Word document, decoded.
pub(super) struct Package {
    /// The body.
    pub document: String,
    /// Styles, when there are any.
    pub styles: Option<String>,
    /// List definitions.
    pub numbering: Option<String>,
    /// Footnotes.
    pub footnotes: Option<String>,
    /// Endnotes.
    pub endnotes: Option<String>,
    /// Reviewers' comments.
    pub comments: Option<String>,
    /// Title, author and dates.
    pub core: Option<String>,
    /// Whether foreign content (`altChunk`) or other parts with text were left out.
    pub has_foreign_parts: bool,
}

/// Opens the package and decodes the parts that carry text.
///
/// # Errors
/// `Corrupt` when it is no zip or has no Word body, `Encrypted`, `LimitExceeded`.
pub(super) fn open(bytes: &[u8], limits: &Limits) -> Result<Package, ReadError> {
    let mut container = Container::open(bytes, limits)?;
    let roots = relations(&mut container, "", limits)?;
    let main = target(&roots, "officedocument").unwrap_or_else(|| "word/document.xml".into());
    let Some(document) = xml_part(&mut container, &main)? else {
        return Err(ReadError::Corrupt { format: "docx".into(), detail: "package has no document part".into() });
    };
    let related = relations(&mut container, &main, limits)?;
    let folder = main.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
    let mut part = |kind: &str| -> Result<Option<String>, ReadError> {
        let name = target(&related, kind).unwrap_or_else(|| join(&folder, &format!("{kind}.xml")));
        xml_part(&mut container, &name)
    };
    let (styles, numbering) = (part("styles")?, part("numbering")?);
    let (footnotes, endnotes, comments) = (part("footnotes")?, part("endnotes")?, part("comments")?);
    let core =
        xml_part(&mut container, &target(&roots, "core-properties").unwrap_or_else(|| "docProps/core.xml".into()))?;
    let has_foreign_parts = related.iter().any(|relation| relation.kind == "afchunk");
    Ok(Package { document, styles, numbering, footnotes, endnotes, comments, core, has_foreign_parts })
}
