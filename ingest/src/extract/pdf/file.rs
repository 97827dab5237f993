//! Reads a whole PDF file: its pages one by one, then all of them through the layout.
//!
//! A page that cannot be read becomes a warning, and the others stay.

use lopdf::{Document as Pdf, Object, ObjectId, decode_text_string};

use super::font::Fonts;
use super::link::Links;
use super::{object, open, outline, page};
use crate::document::Document;
use crate::error::ReadError;
use crate::layout::{self, Page};
use crate::limits::Limits;
use crate::password::Passwords;
use crate::quality;

/// Most warnings kept for one file.
const WARNINGS_MAX: usize = 50;

/// Quality below which the text of a page is called doubtful. Chosen: a fifth of its characters are none, as in a wrong
/// encoding; honest text with a few odd signs has hardly any.
const DOUBTFUL_QUALITY: f32 = 0.5;

/// Reads a PDF file.
///
/// A page without text that shows a picture is named in the warnings as one that needs OCR, and so is one whose text
/// does not look like any.
///
/// # Errors
/// `Encrypted`, `Corrupt`, `LimitExceeded` for pages or characters, `NoText` for a file of scans or blank pages.
pub fn read(bytes: &[u8], limits: &Limits, passwords: &Passwords) -> Result<Document, ReadError> {
    let (pdf, warnings) = open::open(bytes, passwords)?;
    let is_rebuilt = !warnings.is_empty();
    let mut document = read_opened(&pdf, warnings, limits)?;
    // An index may lead to every page and still miss what they show.
    let is_blank = document.blocks.is_empty() && !has_image(&pdf);
    let may_gain = !is_rebuilt && (is_blank || page::lacks_content(&pdf));
    if let Some((pdf, warnings)) = may_gain.then(|| open::rebuild(bytes, passwords).ok()).flatten() {
        let rebuilt = read_opened(&pdf, warnings, limits)?;
        if rebuilt.text.len() > document.text.len() {
            document = rebuilt;
        }
    }
    match document.blocks.is_empty() && document.needs_ocr.is_empty() {
        true => Err(ReadError::NoText { detail: if has_image(&pdf) { "scanned" } else { "blank" }.into() }),
        false => Ok(document),
    }
}

fn read_opened(pdf: &Pdf, mut warnings: Vec<String>, limits: &Limits) -> Result<Document, ReadError> {
    let ids: Vec<_> = pdf.page_iter().take(limits.pages_max as usize + 1).collect();
    if ids.len() > limits.pages_max as usize {
        return Err(ReadError::LimitExceeded { what: "pages".into(), limit: u64::from(limits.pages_max) });
    }
    let mut links = Links::default();
    let (pages, unknown) = read_pages(pdf, &ids, &mut warnings, &mut links, limits)?;
    let mut document = Document {
        media_type: "application/pdf".into(),
        title: information(pdf, b"Title"),
        author: information(pdf, b"Author"),
        created: information(pdf, b"CreationDate").and_then(|date| rfc3339(&date)),
        pages: Some(ids.len() as u32),
        extractor: "pdf-extract 0.12.1".into(),
        warnings,
        links: links.found,
        ..Document::default()
    };
    let seen =
        pages.iter().zip(&unknown).map(|(page, unknown)| Seen::of(pdf, page, *unknown, &ids)).collect::<Vec<_>>();
    layout::lay_out(pages, &outline::read(pdf), &mut document);
    judge(&seen, &mut document);
    document.warnings.truncate(WARNINGS_MAX);
    Ok(document)
}

fn read_pages(
    pdf: &Pdf,
    ids: &[ObjectId],
    warnings: &mut Vec<String>,
    links: &mut Links,
    limits: &Limits,
) -> Result<(Vec<Page>, Vec<usize>), ReadError> {
    let mut fonts = Fonts::default();
    let mut unknown = Vec::with_capacity(ids.len());
    let mut left = limits.text_chars_max;
    let mut pages = Vec::with_capacity(ids.len());
    for (number, id) in (1..).zip(ids) {
        match page::read(pdf, &mut fonts, *id, number, left + 1) {
            Ok((page, _)) if page.glyphs.len() > left => {
                let limit = limits.text_chars_max as u64;
                return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit });
            }
            Ok((page, without_meaning)) => {
                left -= page.glyphs.len();
                links.add(pdf, *id, &page);
                pages.push(page);
                unknown.push(without_meaning);
            }
            Err(reason) => warnings.push(format!("page {number}: {reason}")),
        }
    }
    Ok((pages, unknown))
}

/// What a reader sees on a page.
struct Seen {
    page: u32,
    /// How much of it is characters, from 0 to 1; 0 for a picture alone.
    legibility: f32,
    /// Whether it shows text of any kind.
    has_text: bool,
}

impl Seen {
    fn of(pdf: &Pdf, page: &Page, unknown: usize, ids: &[ObjectId]) -> Self {
        let has_text = !page.glyphs.is_empty() || unknown > 0;
        let legibility = match has_text {
            true => quality::legibility(page.glyphs.iter().map(|glyph| &*glyph.text), unknown),
            false if page::has_picture(pdf, ids[page.number as usize - 1]) => 0.0,
            false => 1.0,
        };
        Self { page: page.number, legibility, has_text }
    }
}

/// Gives each page its quality, and names those that are better read from their picture.
fn judge(seen: &[Seen], document: &mut Document) {
    let mut texts = vec![String::new(); document.pages.unwrap_or(0) as usize];
    let mut rest = document.text.chars();
    let mut at = 0;
    for block in &document.blocks {
        let text: String = rest.by_ref().skip(block.start - at).take(block.end - block.start).collect();
        at = block.end;
        if let Some(page) = block.page.and_then(|page| texts.get_mut(page as usize - 1)) {
            page.push_str(&text);
            page.push('\n');
        }
    }
    document.page_quality = vec![0.0; texts.len()];
    for &Seen { page, legibility, has_text } in seen {
        let at = page as usize - 1;
        document.page_quality[at] = legibility.min(quality::quality(&texts[at]));
        if legibility >= DOUBTFUL_QUALITY {
            continue;
        }
        let reason = if has_text { "its text is not in a known encoding" } else { "it shows a picture and no text" };
        document.needs_ocr.push(page);
        document.warnings.push(format!("page {page}: needs_ocr, {reason}"));
    }
}

/// Returns an entry of the information dictionary.
fn information(pdf: &Pdf, key: &[u8]) -> Option<String> {
    let dictionary = object::dictionary(pdf, &pdf.trailer, b"Info")?;
    let text = super::stage::quietly(|| decode_text_string(object::entry(pdf, dictionary, key)?).ok()).flatten()?;
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Turns `D:20240131120000+01'00'` into RFC 3339; a date without a zone counts as UTC.
fn rfc3339(date: &str) -> Option<String> {
    let date = date.strip_prefix("D:").unwrap_or(date);
    let end = date.find(|c: char| !c.is_ascii_digit()).unwrap_or(date.len());
    let (digits, zone) = date.split_at(end);
    let part = |from: usize, to: usize, low: u32, high: u32, missing: &'static str| {
        let text = digits.get(from..to).unwrap_or(missing);
        text.parse::<u32>().ok().filter(|value| (low..=high).contains(value)).map(|_| text.to_owned())
    };
    let (year, month, day) = (part(0, 4, 0, 9999, "")?, part(4, 6, 1, 12, "01")?, part(6, 8, 1, 31, "01")?);
    let (hour, minute) = (part(8, 10, 0, 23, "00")?, part(10, 12, 0, 59, "00")?);
    let second = part(12, 14, 0, 59, "00")?;
    let zone: String = zone.chars().filter(|c| c.is_ascii_digit() || matches!(c, '+' | '-')).collect();
    let zone = match zone.get(..5) {
        Some(zone) if zone.starts_with(['+', '-']) && zone[1..].bytes().all(|b| b.is_ascii_digit()) => {
            format!("{}:{}", &zone[..3], &zone[3..])
        }
        _ => "Z".into(),
    };
    Some(format!("{year}-{month}-{day}T{hour}:{minute}:{second}{zone}"))
}

fn has_image(pdf: &Pdf) -> bool {
    pdf.objects.values().any(|object| match object {
        Object::Stream(stream) => object::name(pdf, &stream.dict, b"Subtype") == Some(b"Image"),
        _ => false,
    })
}
