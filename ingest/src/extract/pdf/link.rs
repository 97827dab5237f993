//! Finds where the links of a page lead, and the words that they stand on.
//!
//! Keeps addresses of the web, of mail and of telephones; every other kind is left out, scripts and files among them. A
//! link to a place in the same file is none here. Follows nothing.

use lopdf::{Dictionary, Document, Object, ObjectId, decode_text_string};

use super::object::{self, Matrix, as_dictionary};
use super::page::{Frame, is_hidden};
use super::stage::quietly;
use crate::document::Link;
use crate::layout::{Glyph, Page};

/// Most links of one file. Chosen: books of a thousand pages have some thousand.
const LINKS_MAX: usize = 10_000;
/// Longest address in bytes; what browsers and servers agree on.
const URI_BYTES_MAX: usize = 2_048;
/// Longest text of a link in characters: some lines.
const TEXT_CHARS_MAX: usize = 300;
/// Most parts that one link is made of, one for each line.
const PARTS_MAX: usize = 32;
/// Most comparisons of a glyph with a part over one file, about a tenth of a second; links behind them have no text.
const COMPARED_MAX: usize = 50_000_000;
/// Beginnings of addresses that are kept, in lower case. The last one lacks its `http`.
const STARTS: [&str; 6] = ["http://", "https://", "ftp://", "mailto:", "tel:", "www."];

/// The links of a file, page by page.
#[derive(Default)]
pub struct Links {
    /// Those that were found, in the order of the file.
    pub found: Vec<Link>,
    compared: usize,
}

impl Links {
    /// Adds the links of a page, with what its glyphs say there.
    pub fn add(&mut self, document: &Document, id: ObjectId, page: &Page) {
        let Ok(dictionary) = document.get_dictionary(id) else { return };
        let annotations = object::array(document, dictionary, b"Annots").unwrap_or_default();
        let frame = Frame::of(document, dictionary);
        for annotation in annotations {
            let annotation = object::resolve(document, annotation).and_then(as_dictionary);
            let Some((annotation, uri)) = annotation.and_then(|it| Some((it, target(document, it)?))) else { continue };
            let text = self.text(&parts(document, annotation, &frame.matrix), &page.glyphs);
            self.put(Link { page: Some(page.number), text, uri });
            if self.found.len() >= LINKS_MAX {
                break;
            }
        }
    }

    /// Adds a link, or to the one before it where that is its earlier part: each line of some links has an annotation.
    fn put(&mut self, link: Link) {
        let is_full = self.found.len() >= LINKS_MAX;
        match self.found.last_mut().filter(|last| last.page == link.page && last.uri == link.uri) {
            Some(last) => {
                let joined = format!("{} {}", last.text, link.text);
                last.text = joined.trim().chars().take(TEXT_CHARS_MAX).collect();
            }
            None if is_full => {}
            None => self.found.push(link),
        }
    }

    /// Returns what stands in some rectangles, on one line.
    fn text(&mut self, parts: &[[f64; 4]], glyphs: &[Glyph]) -> String {
        self.compared = self.compared.saturating_add(parts.len().saturating_mul(glyphs.len()));
        if self.compared > COMPARED_MAX {
            return String::new();
        }
        let mut text = String::new();
        for part in parts {
            let mut last: Option<&Glyph> = None;
            for glyph in glyphs.iter().filter(|glyph| is_within(glyph, part)) {
                if last.is_none_or(|last| is_apart(last, glyph)) {
                    text.push(' ');
                }
                text.push_str(&glyph.text);
                last = Some(glyph);
            }
            text.push(' ');
        }
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        line.chars().take(TEXT_CHARS_MAX).collect()
    }
}

/// Returns the address that an annotation leads to, if it is a link that can be seen and its address is to be kept.
fn target(document: &Document, annotation: &Dictionary) -> Option<String> {
    let is_link = object::name(document, annotation, b"Subtype") == Some(b"Link") && !is_hidden(document, annotation);
    let action = object::dictionary(document, annotation, b"A").filter(|_| is_link)?;
    if object::name(document, action, b"S") != Some(b"URI") {
        return None;
    }
    let stated = object::entry(document, action, b"URI")?;
    let bytes = stated.as_str().ok().filter(|bytes| bytes.len() <= URI_BYTES_MAX)?;
    let uri = match std::str::from_utf8(bytes) {
        Ok(uri) => uri.to_owned(),
        Err(_) => quietly(|| decode_text_string(stated).ok()).flatten()?,
    };
    let uri = uri.trim();
    let start = uri.chars().take(8).collect::<String>().to_ascii_lowercase();
    let is_kept = STARTS.iter().any(|kept| start.starts_with(kept) && uri.len() > kept.len());
    (is_kept && uri.len() <= URI_BYTES_MAX && !uri.contains(char::is_control)).then(|| uri.to_owned())
}

/// Returns the rectangles of a link as a reader sees them: one for each line where it says so, else its own.
fn parts(document: &Document, annotation: &Dictionary, frame: &Matrix) -> Vec<[f64; 4]> {
    let numbers = |key: &[u8]| -> Vec<f64> {
        let stated = object::array(document, annotation, key).unwrap_or_default().iter().take(8 * PARTS_MAX);
        stated.map_while(|number: &Object| object::as_number(document, number)).collect()
    };
    let around = |corners: &mut dyn Iterator<Item = (f64, f64)>| {
        corners
            .map(|(x, y)| object::apply(frame, x, y))
            .fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |[x0, y0, x1, y1], (x, y)| {
                [x0.min(x), y0.min(y), x1.max(x), y1.max(y)]
            })
    };
    let lines = numbers(b"QuadPoints");
    let lines = lines.chunks_exact(8).map(|quad| around(&mut quad.chunks_exact(2).map(|at| (at[0], at[1]))));
    let lines: Vec<_> = lines.collect();
    match numbers(b"Rect")[..] {
        _ if !lines.is_empty() => lines,
        [x0, y0, x1, y1] => vec![around(&mut [(x0, y0), (x1, y1)].into_iter())],
        _ => Vec::new(),
    }
}

/// Returns whether the middle of a glyph lies in a rectangle.
fn is_within(glyph: &Glyph, [x0, y0, x1, y1]: &[f64; 4]) -> bool {
    let (along, up) = (glyph.width / 2.0, glyph.size * 0.3);
    let (x, y) = match glyph.turn {
        0 => (glyph.x + along, glyph.y + up),
        1 => (glyph.x - up, glyph.y + along),
        2 => (glyph.x - along, glyph.y - up),
        _ => (glyph.x + up, glyph.y - along),
    };
    (*x0..=*x1).contains(&f64::from(x)) && (*y0..=*y1).contains(&f64::from(y))
}

/// Returns whether there is space between a glyph and the next one, or they stand on two lines.
fn is_apart(last: &Glyph, next: &Glyph) -> bool {
    let (x, y) = (next.x - last.x, next.y - last.y);
    let (along, across) = match last.turn {
        0 => (x, y),
        1 => (y, x),
        2 => (-x, y),
        _ => (-y, x),
    };
    across.abs() > last.size / 2.0 || along < -last.size || along - last.width > last.size / 5.0
}
