//! Reads PowerPoint files of 97 to 2003 (.ppt, [MS-PPT]): each slide is a page; its title is a heading.
//!
//! The stream is a tree of records. The list of slides names them in order and holds the texts of their placeholders;
//! the slide that it names holds those of its other shapes. A file that was saved again keeps its old slides, which no
//! list names. Notes, tables as such, pictures and charts are not read.

use std::collections::HashMap;

use encoding_rs::WINDOWS_1252;

use super::summary;
use crate::compound::Compound;
use crate::document::{BlockKind, Document};
use crate::error::ReadError;
use crate::limits::Limits;
use crate::little::{u16_at, u32_at, usize_at};

/// Kinds of records.
const SLIDE: u16 = 0x03EE;
const SLIDE_PERSIST: u16 = 0x03F3;
const TEXT_HEADER: u16 = 0x0F9F;
const TEXT_WIDE: u16 = 0x0FA0;
const TEXT_NARROW: u16 = 0x0FA8;
const SLIDE_LIST: u16 = 0x0FF0;
const USER_EDIT: u16 = 0x0FF5;
const PERSIST_DIRECTORY: u16 = 0x1772;
/// Version of a record that holds others.
const CONTAINER: u16 = 0xF;
/// Deepest nesting of records. Groups of shapes nest, and honest ones are a few deep.
const DEPTH_MAX: usize = 64;
/// Most savings that are followed back.
const EDITS_MAX: usize = 10_000;

/// Reads a presentation.
///
/// # Errors
/// `Corrupt` when there is no document stream, `Encrypted`, `LimitExceeded`, and `NoText` when no slide has text.
pub fn read(bytes: &[u8], _name: &str, limits: &Limits) -> Result<Document, ReadError> {
    let file = Compound::open(bytes, limits)?;
    let stream = file.stream("PowerPoint Document");
    let stream =
        stream.ok_or_else(|| ReadError::Corrupt { format: "ppt".into(), detail: "it has no document".into() })?;
    if file.stream("EncryptedSummary").is_some() {
        return Err(ReadError::Encrypted);
    }
    let places = places(&stream, &file.stream("Current User").unwrap_or_default());
    let mut texts = Vec::new();
    collect(&stream, &places, limits.depth_max.min(DEPTH_MAX), &mut texts);
    let stated = summary::parse(&file);
    let mut document = Document {
        media_type: "application/vnd.ms-powerpoint".into(),
        title: stated.title,
        author: stated.author,
        created: stated.created,
        extractor: concat!("ragstone-ppt ", env!("CARGO_PKG_VERSION")).into(),
        ..Document::default()
    };
    let mut left = limits.text_chars_max;
    for Text { page, kind, text } in texts {
        let over =
            || ReadError::LimitExceeded { what: "characters of text".into(), limit: limits.text_chars_max as u64 };
        left = left.checked_sub(text.chars().count()).ok_or_else(over)?;
        document.pages = Some(page);
        // The kinds 0 and 6 are titles.
        if matches!(kind, 0 | 6) {
            document.push(BlockKind::Heading, Some(2), Some(page), &text.replace(['\r', '\u{b}'], " "));
            continue;
        }
        for paragraph in text.split('\r') {
            document.push(BlockKind::Paragraph, None, Some(page), &paragraph.replace('\u{b}', "\n"));
        }
    }
    match document.blocks.is_empty() {
        true => Err(ReadError::NoText { detail: "blank".into() }),
        false => Ok(document),
    }
}

/// A text of a slide, and what kind of placeholder it fills.
struct Text {
    page: u32,
    kind: u32,
    text: String,
}

/// A record, with its content as far as it goes.
struct Record<'a> {
    instance: u16,
    version: u16,
    kind: u16,
    content: &'a [u8],
}

/// Returns the records that follow each other in `bytes`.
fn records(mut bytes: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let (head, kind, length) = (u16_at(bytes, 0)?, u16_at(bytes, 2)?, usize_at(bytes, 4)?);
        let end = length.saturating_add(8).min(bytes.len());
        let content = bytes.get(8..end)?;
        bytes = &bytes[end..];
        Some(Record { instance: head >> 4, version: head & CONTAINER, kind, content })
    })
}

/// Returns where the objects of the last saving stand, by their number.
fn places(stream: &[u8], user: &[u8]) -> HashMap<u32, usize> {
    let mut places = HashMap::new();
    let mut edit = usize_at(user, 16);
    for _ in 0..EDITS_MAX {
        let Some(record) = edit.and_then(|at| records(stream.get(at..)?).next()) else { break };
        if record.kind != USER_EDIT {
            break;
        }
        let directory = usize_at(record.content, 12).and_then(|at| records(stream.get(at..)?).next());
        let directory = directory.filter(|directory| directory.kind == PERSIST_DIRECTORY);
        let mut at = 0;
        let content = directory.map_or(&[][..], |directory| directory.content);
        while let Some(head) = u32_at(content, at) {
            let (first, count) = (head & 0xF_FFFF, head >> 20);
            let entries = (first..first.saturating_add(count)).zip((at + 4..content.len()).step_by(4));
            for (number, entry) in entries {
                // A later saving, which was looked at before, wins.
                places.entry(number).or_insert(usize_at(content, entry).unwrap_or(usize::MAX));
            }
            at += 4 + 4 * count as usize;
        }
        edit = usize_at(record.content, 8).filter(|before| *before > 0 && edit > Some(*before));
    }
    places
}

/// Collects the texts of all slides, in the order of the last list that names slides.
fn collect(stream: &[u8], places: &HashMap<u32, usize>, depth_max: usize, texts: &mut Vec<Text>) {
    let mut lists = Vec::new();
    find(stream, depth_max, &mut |record| {
        // Lists of masters and of notes have other instances.
        let is_list = record.kind == SLIDE_LIST && record.instance == 0;
        lists.extend(is_list.then_some(record.content));
        !is_list && record.kind != SLIDE
    });
    let (mut page, mut kind, mut named) = (0, 0, None);
    for record in records(lists.last().copied().unwrap_or_default()) {
        if record.kind == SLIDE_PERSIST {
            shapes(stream, places, named.take(), page, depth_max, texts);
            page += 1;
            named = u32_at(record.content, 0);
        }
        text(&record, page, &mut kind, texts);
    }
    shapes(stream, places, named, page, depth_max, texts);
}

/// Collects the texts of a slide's own shapes.
fn shapes(
    stream: &[u8],
    places: &HashMap<u32, usize>,
    number: Option<u32>,
    page: u32,
    depth_max: usize,
    texts: &mut Vec<Text>,
) {
    let at = number.and_then(|number| places.get(&number));
    let slide = at.and_then(|at| records(stream.get(*at..)?).next()).filter(|record| record.kind == SLIDE);
    let mut kind = 4;
    find(slide.map_or(&[][..], |slide| slide.content), depth_max, &mut |record| {
        text(record, page, &mut kind, texts);
        true
    });
}

/// Takes a record in: the kind of the next text, or a text.
fn text(record: &Record, page: u32, kind: &mut u32, texts: &mut Vec<Text>) {
    let text = match record.kind {
        TEXT_HEADER => {
            *kind = u32_at(record.content, 0).unwrap_or(4);
            return;
        }
        TEXT_WIDE => {
            let units: Vec<u16> = record.content.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).collect();
            String::from_utf16_lossy(&units)
        }
        TEXT_NARROW => WINDOWS_1252.decode_without_bom_handling(record.content).0.into_owned(),
        _ => return,
    };
    texts.push(Text { page, kind: *kind, text });
}

/// Visits the records of a tree in order; `enter` says whether those inside one are visited.
fn find<'a>(bytes: &'a [u8], depth_max: usize, enter: &mut dyn FnMut(&Record<'a>) -> bool) {
    for record in records(bytes) {
        if enter(&record) && (record.version == CONTAINER || record.kind == TEXT_BOX) && depth_max > 0 {
            find(record.content, depth_max - 1, enter);
        }
    }
}

/// Holds the text records of a shape.
const TEXT_BOX: u16 = 0xF00D;
