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
            for signature in signatures(segment, number) {
                for place in [-1, 0, 1] {
                    seen.entry((signature.clone(), height(segment) + place)).or_default().insert(number);
                }
            }
        }
    }
    let is_running = |segment: &Segment, number: usize| {
        let mut pages = signatures(segment, number).into_iter().map(|it| seen.get(&(it, height(segment))));
        pages.any(|pages| pages.is_some_and(|pages| pages.len() >= PAGES_MIN))
    };
    let mut kept: HashSet<String> = HashSet::new();
    let numbers = numbered(pages);
    let mut running: Vec<HashSet<usize>> = Vec::with_capacity(pages.len());
    for (number, (page, printed)) in pages.iter().zip(numbers).enumerate() {
        let mut rows: HashSet<usize> = printed.into_iter().collect();
        for segment in edge(page).filter(|segment| is_running(segment, number)) {
            let text: String = segment.text.to_lowercase().split(|c: char| c.is_ascii_digit()).collect();
            if !text.chars().any(char::is_alphabetic) || !kept.insert(text) {
                rows.insert(segment.row);
            }
        }
        running.push(rows);
    }
    let left = |(page, rows): (&Rows, &HashSet<usize>)| page.segments.iter().any(|it| !rows.contains(&it.row));
    if pages.iter().zip(&running).any(left) {
        for (number, (page, rows)) in pages.iter_mut().zip(&running).enumerate() {
            let alone = |row: usize, segments: &[Segment]| segments.iter().filter(|it| it.row == row).count() == 1;
            let single: HashSet<usize> = rows.iter().copied().filter(|row| alone(*row, &page.segments)).collect();
            page.segments.retain(|it| !rows.contains(&it.row) || !(single.contains(&it.row) || is_running(it, number)));
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

/// Returns the texts by which a segment of page `number` can be the same as one of another page: as it is, and with its
/// first or its last number counted from the page's own. Other numbers are what a page says.
fn signatures(segment: &Segment, number: usize) -> Vec<String> {
    let text = segment.text.to_lowercase();
    let runs: Vec<&str> = text.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    let counted = |run: &str| Some(format!("#{}#", run.parse::<i64>().ok()? - i64::try_from(number).ok()?));
    let first = runs.first().and_then(|run| Some(text.replacen(run, &counted(run)?, 1)));
    let last = runs.last().filter(|_| runs.len() > 1).and_then(|run| {
        let at = text.rfind(run)?;
        Some(format!("{}{}{}", &text[..at], counted(run)?, &text[at + run.len()..]))
    });
    [first, last].into_iter().flatten().chain([text]).collect()
}

fn height(segment: &Segment) -> i32 {
    (segment.y / 4.0).round() as i32
}
