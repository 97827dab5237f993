//! Takes running headers, footers and page numbers out: what stands at the same place on several pages.
//!
//! Only near the upper and lower edge, only where it repeats on at least three pages, and never all the text of a file.
//! The first occurrence of a running line with words stays, because it may be the only place that says them.

use std::collections::{HashMap, HashSet};

use super::row::Segment;

/// Fewest pages that a running line stands on.
const PAGES_MIN: usize = 3;
/// Share of the page height, above and below, that running lines stand in.
const EDGE: f32 = 0.13;
/// Most rows looked at on each edge of a page.
const ROWS_MAX: usize = 4;

/// A page with its segments: number, height, and what stands on it upright.
pub struct Rows {
    /// Height of the page in points.
    pub height: f32,
    /// Segments of the page, from the top.
    pub segments: Vec<Segment>,
}

/// Removes the running lines of all pages.
pub fn remove(pages: &mut [Rows]) {
    let mut seen: HashMap<(String, i32), HashSet<usize>> = HashMap::new();
    for (number, page) in pages.iter().enumerate() {
        for segment in edge(page) {
            for place in [-1, 0, 1] {
                let (text, at) = signature(segment);
                seen.entry((text, at + place)).or_default().insert(number);
            }
        }
    }
    let is_running = |segment: &Segment| seen.get(&signature(segment)).is_some_and(|pages| pages.len() >= PAGES_MIN);
    let mut kept: HashSet<String> = HashSet::new();
    let numbers = numbered(pages);
    let mut running: Vec<HashSet<usize>> = Vec::with_capacity(pages.len());
    for (page, number) in pages.iter().zip(numbers) {
        let mut rows: HashSet<usize> = number.into_iter().collect();
        for segment in edge(page).filter(|segment| is_running(segment)) {
            let (text, _) = signature(segment);
            if !text.chars().any(char::is_alphabetic) || !kept.insert(text) {
                rows.insert(segment.row);
            }
        }
        running.push(rows);
    }
    let left = |(page, rows): (&Rows, &HashSet<usize>)| page.segments.iter().any(|it| !rows.contains(&it.row));
    if pages.iter().zip(&running).any(left) {
        for (page, rows) in pages.iter_mut().zip(&running) {
            let alone = |row: usize, segments: &[Segment]| segments.iter().filter(|it| it.row == row).count() == 1;
            let single: HashSet<usize> = rows.iter().copied().filter(|row| alone(*row, &page.segments)).collect();
            page.segments.retain(|it| !rows.contains(&it.row) || !(single.contains(&it.row) || is_running(it)));
        }
    }
}

/// Returns for each page the row of its printed number: alone at its end or start, wherever that is, and counting on
/// from page to page.
fn numbered(pages: &[Rows]) -> Vec<Option<usize>> {
    let mut printed: Vec<[Option<(i64, usize)>; 2]> = Vec::with_capacity(pages.len());
    let mut offsets: HashMap<(usize, i64), usize> = HashMap::new();
    for (number, page) in (0..).zip(pages) {
        let ends = [page.segments.last(), page.segments.first()];
        let found = ends.map(|segment| {
            let segment = segment?;
            let alone = page.segments.iter().filter(|it| it.row == segment.row).count() == 1;
            let printed: i64 = segment.text.trim_matches(['-', '–', ' ']).parse().ok()?;
            alone.then_some((printed - number, segment.row))
        });
        for (end, (offset, _)) in found.iter().enumerate().filter_map(|(end, found)| Some((end, (*found)?))) {
            *offsets.entry((end, offset)).or_default() += 1;
        }
        printed.push(found);
    }
    let counts_on = |end: usize, offset: i64| offsets.get(&(end, offset)).is_some_and(|pages| *pages >= PAGES_MIN);
    let row = |found: [Option<(i64, usize)>; 2]| {
        found
            .into_iter()
            .enumerate()
            .find_map(|(end, it)| it.filter(|(offset, _)| counts_on(end, *offset)))
            .map(|it| it.1)
    };
    printed.into_iter().map(row).collect()
}

/// Returns the segments of the first and last rows, as far as they stand near the edge.
fn edge(page: &Rows) -> impl Iterator<Item = &Segment> {
    let first = page.segments.first().map_or(0, |segment| segment.row);
    let last = page.segments.last().map_or(0, |segment| segment.row);
    page.segments.iter().filter(move |segment| {
        let upper = segment.row < first + ROWS_MAX && segment.y > page.height * (1.0 - EDGE);
        let lower = segment.row + ROWS_MAX > last && segment.y < page.height * EDGE;
        upper || lower
    })
}

/// Returns what makes two running lines the same: their text without numbers, and their height on the page.
fn signature(segment: &Segment) -> (String, i32) {
    let mut text = String::new();
    for character in segment.text.chars() {
        match character {
            '0'..='9' if text.ends_with('#') => {}
            '0'..='9' => text.push('#'),
            _ => text.extend(character.to_lowercase()),
        }
    }
    (text, (segment.y / 4.0).round() as i32)
}
