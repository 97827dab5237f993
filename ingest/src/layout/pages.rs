//! Lays out all pages of a file and writes them into a document, block by block.
//!
//! Upright text of a page comes first, then text that stands turned.

use super::block::{self, Draft};
use super::column;
use super::furniture::{self, Rows};
use super::glyph::{Glyph, Page, turned};
use super::heading::Ranks;
use super::{row, ruling};
use crate::document::{BlockKind, Document, PageBox};

/// A block of one page, with the turn of its text.
struct Placed {
    page: u32,
    turn: u8,
    draft: Draft,
}

/// Appends the text of all pages to a document; `titles` are its headings as far as it states them, with their level.
pub fn lay_out(pages: Vec<Page>, titles: &[(String, u8)], document: &mut Document) {
    let mut blocks = Vec::new();
    let main: Vec<u8> = pages.iter().map(|page| main_turn(&page.glyphs)).collect();
    let mut rows: Vec<Rows> = pages
        .iter()
        .zip(&main)
        .map(|(page, turn)| Rows { height: page.height, segments: segments(page, *turn) })
        .collect();
    furniture::remove(&mut rows);
    for ((page, main), rows) in pages.iter().zip(main).zip(rows) {
        place(page.number, main, rows.segments, &mut blocks);
        for turn in (0..4).filter(|turn| *turn != main) {
            place(page.number, turn, row::segments(&upright(page, turn)), &mut blocks);
        }
    }
    let ranks = Ranks::of(blocks.iter().map(|block| &block.draft), titles);
    for block in blocks {
        write(block, &ranks, document);
    }
    if document.title.is_none() {
        document.title = first_title(document);
    }
}

/// Returns the turn of most glyphs of a page.
fn main_turn(glyphs: &[Glyph]) -> u8 {
    let count = |turn: u8| glyphs.iter().filter(|glyph| glyph.turn == turn).count();
    (0..4).rev().max_by_key(|turn| count(*turn)).unwrap_or(0)
}

/// Returns the segments of the text that stands upright when the page is turned; rules are followed on pages that are not.
fn segments(page: &Page, turn: u8) -> Vec<row::Segment> {
    let rules = if turn == 0 { page.rules.as_slice() } else { &[] };
    ruling::segments(upright(page, turn), rules)
}

fn upright(page: &Page, turn: u8) -> Vec<Glyph> {
    page.glyphs.iter().filter(|glyph| glyph.turn == turn).map(Glyph::upright).collect()
}

fn place(page: u32, turn: u8, segments: Vec<row::Segment>, blocks: &mut Vec<Placed>) {
    for group in column::groups(segments) {
        blocks.extend(block::drafts(group).into_iter().map(|draft| Placed { page, turn, draft }));
    }
}

fn write(placed: Placed, ranks: &Ranks, document: &mut Document) {
    let Placed { page, turn, draft } = placed;
    let level = ranks.level(&draft);
    let kind = if level.is_some() { BlockKind::Heading } else { draft.kind };
    if let Some(block) = document.push(kind, level, Some(page), &draft.text) {
        block.cells = draft.cells;
        block.boxes = vec![on_page(page, turn, draft.area)];
    }
}

/// Turns an area back to where it stands on the page.
fn on_page(page: u32, turn: u8, area: [f32; 4]) -> PageBox {
    let back = (4 - turn) % 4;
    let (ax, ay) = turned(area[0], area[1], back);
    let (bx, by) = turned(area[2], area[3], back);
    let tenth = |value: f32| (value * 10.0).round() / 10.0;
    (page, tenth(ax.min(bx)), tenth(ay.min(by)), tenth(ax.max(bx)), tenth(ay.max(by)))
}

/// Returns the first heading of the first two pages that is of level 1.
fn first_title(document: &Document) -> Option<String> {
    let block = document.blocks.iter().find(|block| block.level == Some(1) && block.page <= Some(2))?;
    let title: String = document.text.chars().skip(block.start).take(block.end - block.start).collect();
    Some(title)
}
