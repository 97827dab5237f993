//! Reads the outline of a file: the titles of its parts, as its author nested them.
//!
//! Where a title leads is not looked at; the layout finds it on the page by its words.

use std::collections::HashSet;

use lopdf::{Document, ObjectId, decode_text_string};

use super::object;
use super::stage::quietly;

/// Most titles of one file.
const TITLES_MAX: usize = 20_000;
/// Deepest nesting of titles.
const DEPTH_MAX: u8 = 16;

/// Returns the titles of a file in their order, each with its depth from 1.
pub fn read(document: &Document) -> Vec<(String, u8)> {
    let outline = document.catalog().ok().and_then(|catalog| object::dictionary(document, catalog, b"Outlines"));
    let first = outline.and_then(|outline| outline.get(b"First").ok()).and_then(|first| first.as_reference().ok());
    let mut waiting: Vec<(ObjectId, u8)> = first.map(|id| (id, 1)).into_iter().collect();
    let mut seen = HashSet::new();
    let mut titles = Vec::new();
    while let Some((id, depth)) = waiting.pop() {
        let node = document.get_dictionary(id).ok();
        let Some(node) = node.filter(|_| seen.insert(id) && seen.len() <= TITLES_MAX) else { continue };
        let next = |key: &[u8]| node.get(key).ok().and_then(|next| next.as_reference().ok());
        let title = object::entry(document, node, b"Title");
        let title = title.and_then(|title| quietly(|| decode_text_string(title).ok()).flatten());
        titles.extend(title.map(|title| (title, depth)));
        waiting.extend(next(b"Next").map(|id| (id, depth)));
        waiting.extend(next(b"First").filter(|_| depth < DEPTH_MAX).map(|id| (id, depth + 1)));
    }
    titles
}
