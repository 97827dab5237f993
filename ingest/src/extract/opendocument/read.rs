//! Puts one OpenDocument file together from its parts.

use super::body::{self, Kind};
use super::style::Styles;
use crate::document::Document;
use crate::error::ReadError;
use crate::extract::ooxml::xml_part;
use crate::extract::properties;
use crate::limits::Limits;
use crate::zip::Container;

/// Media types, the usual one last.
const MEDIA_TYPES: [(&str, Kind); 3] = [
    ("application/vnd.oasis.opendocument.presentation", Kind::Presentation),
    ("application/vnd.oasis.opendocument.spreadsheet", Kind::Spreadsheet),
    ("application/vnd.oasis.opendocument.text", Kind::Text),
];

/// Reads a text, a presentation or a spreadsheet.
///
/// # Errors
/// `Corrupt` when it has no content, `Encrypted`, `UnsupportedFormat` for drawings and charts, `LimitExceeded`, and
/// `NoText` when no text is left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let mut container = Container::open(bytes, limits)?;
    let stated = container.part("mimetype")?.unwrap_or_default();
    let stated = String::from_utf8_lossy(&stated).trim().to_owned();
    let known = MEDIA_TYPES.into_iter().find(|(media_type, _)| stated.starts_with(media_type));
    let Some((media_type, kind)) = known.or(MEDIA_TYPES.last().copied().filter(|_| stated.is_empty())) else {
        let format = stated.rsplit('.').next().unwrap_or("opendocument").to_owned();
        return Err(ReadError::UnsupportedFormat { format });
    };
    if xml_part(&mut container, "META-INF/manifest.xml")?.is_some_and(|xml| xml.contains("encryption-data")) {
        return Err(ReadError::Encrypted);
    }
    let content = xml_part(&mut container, "content.xml")?
        .ok_or_else(|| ReadError::Corrupt { format: "opendocument".into(), detail: "it has no content part".into() })?;
    let mut styles = Styles::default();
    if let Some(xml) = xml_part(&mut container, "styles.xml")? {
        styles.add(&xml, limits)?;
    }
    styles.add(&content, limits)?;
    let meta = match xml_part(&mut container, "meta.xml")? {
        Some(xml) => properties::parse(&xml, limits.depth_max)?,
        None => Default::default(),
    };
    let mut document = Document {
        media_type: media_type.into(),
        title: meta.title,
        author: meta.author,
        created: meta.created,
        extractor: concat!("ragstone-opendocument ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    body::read(&content, kind, styles, limits, &mut document)?;
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}
