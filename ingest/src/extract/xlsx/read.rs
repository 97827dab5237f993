//! Finds the sheets of a workbook in their order, and what belongs to each.

use super::{shared, sheet, style};
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::ooxml::{Relation, relations, target, xml_part};
use crate::extract::properties;
use crate::extract::xml::{Token, attribute, walk};
use crate::limits::Limits;
use crate::zip::Container;

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// Reads a workbook; its pages are its sheets, hidden ones too.
///
/// # Errors
/// `Corrupt` when there is no workbook part, `Encrypted`, `LimitExceeded`, and `NoText` when no cell has a value.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let mut container = Container::open(bytes, limits)?;
    let roots = relations(&mut container, "", limits)?;
    let main = target(&roots, "officedocument").unwrap_or_else(|| "xl/workbook.xml".into());
    let workbook = xml_part(&mut container, &main)?.ok_or_else(|| corrupt("package has no workbook part"))?;
    let core = target(&roots, "core-properties").unwrap_or_else(|| "docProps/core.xml".into());
    let stated = match xml_part(&mut container, &core)? {
        Some(xml) => properties::parse(&xml, limits.depth_max)?,
        None => Default::default(),
    };
    let related = relations(&mut container, &main, limits)?;
    let (sheets, is_1904) = sheets(&workbook, &related, limits)?;
    let mut left = limits.text_chars_max;
    let mut book = sheet::Book { is_1904, ..sheet::Book::default() };
    if let Some(xml) = part(&mut container, &related, "sharedstrings")? {
        book.texts = shared::parse(&xml, &mut left, limits)?;
    }
    if let Some(xml) = part(&mut container, &related, "styles")? {
        book.styles = style::parse(&xml, limits)?;
    }
    let mut document = Document {
        media_type: MEDIA_TYPE.into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        pages: Some(sheets.len() as u32),
        extractor: concat!("ragstone-xlsx ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    // Shared texts are counted where cells show them, too: one text may be shown many times.
    left = limits.text_chars_max;
    for (page, (name, target)) in (1..).zip(&sheets) {
        let Some(xml) = xml_part(&mut container, target)? else { continue };
        let rows = sheet::read(&xml, &book, &mut left, limits)?;
        if !rows.is_empty() {
            document.push(BlockKind::Heading, Some(2), Some(page), name);
            document.push_table(Some(page), rows);
        }
        for relation in relations(&mut container, target, limits)? {
            if relation.kind == "comments"
                && let Some(xml) = xml_part(&mut container, &relation.target)?
            {
                for comment in sheet::comments(&xml, &mut left, limits)? {
                    document.push(BlockKind::Comment, None, Some(page), &comment);
                }
            }
        }
    }
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

fn part(container: &mut Container, related: &[Relation], kind: &str) -> Result<Option<String>, ReadError> {
    target(related, kind).map_or(Ok(None), |name| xml_part(container, &name))
}

/// Returns names and parts of the sheets, and whether days count from 1904.
fn sheets(xml: &str, related: &[Relation], limits: &Limits) -> Result<(Vec<(String, String)>, bool), ReadError> {
    let (mut found, mut is_1904) = (Vec::new(), false);
    walk(xml, limits.depth_max, |token| {
        let Token::Open(element) = token else { return Ok(()) };
        match element.local_name().as_ref() {
            "workbookPr" => {
                is_1904 = attribute(element, "date1904").is_some_and(|value| value == "1" || value == "true")
            }
            "sheet" => {
                let (name, id) = (attribute(element, "name").unwrap_or_default(), attribute(element, "id"));
                let sheet = related.iter().find(|relation| Some(&relation.id) == id.as_ref());
                // Sheets of charts and of old macros hold no cells.
                let sheet = sheet.filter(|sheet| sheet.kind == "worksheet");
                found.extend(sheet.map(|sheet| (name, sheet.target.clone())));
            }
            _ => {}
        }
        Ok(())
    })?;
    if found.len() > limits.pages_max as usize {
        return Err(ReadError::LimitExceeded { what: "sheets".into(), limit: u64::from(limits.pages_max) });
    }
    Ok((found, is_1904))
}

fn corrupt(detail: &str) -> ReadError {
    ReadError::Corrupt { format: "xlsx".into(), detail: detail.into() }
}
