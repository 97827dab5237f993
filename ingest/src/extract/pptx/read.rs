//! Finds the slides of a presentation in their order, and what belongs to each.

use super::slide;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::extract::item::{self, Item};
use crate::extract::ooxml::{Relation, join, relations, target, xml_part};
use crate::extract::properties;
use crate::extract::xml::{Token, walk};
use crate::limits::Limits;
use crate::zip::Container;

const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

/// Reads a presentation; its pages are its slides, hidden ones too.
///
/// The text of a slide's diagrams, its notes and its comments follow it.
///
/// # Errors
/// `Corrupt` when there is no presentation part, `Encrypted`, `LimitExceeded`, and `NoText` when no text is left.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let mut container = Container::open(bytes, limits)?;
    let roots = relations(&mut container, "", limits)?;
    let main = target(&roots, "officedocument").unwrap_or_else(|| "ppt/presentation.xml".into());
    let presentation = xml_part(&mut container, &main)?.ok_or_else(|| corrupt("package has no presentation part"))?;
    let core = target(&roots, "core-properties").unwrap_or_else(|| "docProps/core.xml".into());
    let stated = match xml_part(&mut container, &core)? {
        Some(xml) => properties::parse(&xml, limits.depth_max)?,
        None => Default::default(),
    };
    let related = relations(&mut container, &main, limits)?;
    let slides = slides(&presentation, &related, limits)?;
    let mut document = Document {
        media_type: MEDIA_TYPE.into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        pages: Some(slides.len() as u32),
        extractor: concat!("ragstone-pptx ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let mut left = limits.text_chars_max;
    for (page, name) in (1..).zip(&slides) {
        let items = slide_items(&mut container, name, &mut left, limits)?;
        item::write(items, Some(page), &mut document);
    }
    if document.blocks.is_empty() {
        return Err(ReadError::NoText { detail: "blank".into() });
    }
    Ok(document)
}

/// Returns the parts of the slides in the order of the presentation.
fn slides(xml: &str, related: &[Relation], limits: &Limits) -> Result<Vec<String>, ReadError> {
    let mut found = Vec::new();
    walk(xml, limits.depth_max, |token| {
        if let Token::Open(element) = token
            && element.local_name().as_ref() == "sldId"
        {
            // The element has an `id` of its own beside the relationship's.
            let mut attributes = element.attributes();
            let id = attributes.with_checks(false).flatten().find(|it| it.key.as_ref().ends_with(":id"));
            let id = id.map(|it| it.value.into_owned());
            let slide = related.iter().find(|relation| Some(&relation.id) == id.as_ref());
            found.extend(slide.map(|slide| slide.target.clone()));
        }
        Ok(())
    })?;
    if found.is_empty() {
        found.extend(related.iter().filter(|relation| relation.kind == "slide").map(|slide| slide.target.clone()));
    }
    if found.len() > limits.pages_max as usize {
        return Err(ReadError::LimitExceeded { what: "slides".into(), limit: u64::from(limits.pages_max) });
    }
    Ok(found)
}

fn slide_items(
    container: &mut Container,
    name: &str,
    left: &mut usize,
    limits: &Limits,
) -> Result<Vec<Item>, ReadError> {
    let Some(xml) = xml_part(container, name)? else { return Ok(Vec::new()) };
    let mut items = slide::read(&xml, left, limits)?;
    // A title reads first, wherever the slide draws it.
    items.sort_by_key(|item| item.kind != BlockKind::Heading);
    for relation in relations(container, name, limits)? {
        let kind = match relation.kind.as_str() {
            "notesslide" => BlockKind::Note,
            "comments" => BlockKind::Comment,
            "diagramdata" => BlockKind::Paragraph,
            _ => continue,
        };
        let Some(xml) = xml_part(container, &join("", &relation.target))? else { continue };
        items.extend(match kind {
            BlockKind::Comment => slide::comments(&xml, left, limits)?,
            BlockKind::Note => slide::notes(&xml, left, limits)?,
            _ => slide::read(&xml, left, limits)?,
        });
    }
    Ok(items)
}

fn corrupt(detail: &str) -> ReadError {
    ReadError::Corrupt { format: "pptx".into(), detail: detail.into() }
}
