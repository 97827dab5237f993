//! Finds columns of running text, so that each is read to its end before the next.
//!
//! Looks for a gutter that few segments cross, cuts the page into bands at those that do, and reads a band column by
//! column only if both sides look like running text; a table is left in rows. Works on itself for more columns.

use super::row::Segment;
use super::{line, table};

/// Most levels of columns in columns.
const DEPTH_MAX: usize = 5;
/// Steps of the search for a gutter, over the width of the text.
const STEPS: usize = 240;
/// Fewest rows on each side of a gutter.
const ROWS_MIN: usize = 3;
/// Fewest characters that a row of running text has on average.
const ROW_CHARS_MIN: usize = 14;

/// Returns groups of segments in reading order; each group is one stretch of rows in one column.
pub fn groups(segments: Vec<Segment>) -> Vec<Vec<Segment>> {
    let mut groups = Vec::new();
    order(segments, 0, &mut groups);
    groups
}

fn order(segments: Vec<Segment>, depth: usize, groups: &mut Vec<Vec<Segment>>) {
    let gutter = if depth < DEPTH_MAX { gutter(&segments) } else { None };
    let Some(gutter) = gutter else {
        groups.extend(Some(segments).filter(|segments| !segments.is_empty()));
        return;
    };
    let mut whole = Vec::new();
    for band in bands(segments, gutter) {
        if !band.crossed && is_columns(&band.segments, gutter) {
            groups.extend(Some(std::mem::take(&mut whole)).filter(|whole: &Vec<Segment>| !whole.is_empty()));
            let (left, right) = band.segments.into_iter().partition(|segment| segment.x1 <= gutter);
            order(left, depth + 1, groups);
            order(right, depth + 1, groups);
        } else {
            whole.extend(band.segments);
        }
    }
    groups.extend(Some(whole).filter(|whole| !whole.is_empty()));
}

/// Consecutive rows of which all or none have a segment across the gutter.
struct Band {
    crossed: bool,
    segments: Vec<Segment>,
}

fn bands(segments: Vec<Segment>, gutter: f32) -> Vec<Band> {
    let crosses = |segment: &Segment| segment.x0 < gutter && segment.x1 > gutter;
    let mut bands: Vec<Band> = Vec::new();
    for row in segments.chunk_by(|a, b| a.row == b.row) {
        let crossed = row.iter().any(crosses);
        match bands.last_mut() {
            Some(band) if band.crossed == crossed => band.segments.extend_from_slice(row),
            _ => bands.push(Band { crossed, segments: row.to_vec() }),
        }
    }
    bands
}

/// Returns whether both sides of the gutter hold running text that goes on by itself.
fn is_columns(segments: &[Segment], gutter: f32) -> bool {
    let (left, right): (Vec<&Segment>, Vec<&Segment>) = segments.iter().partition(|segment| segment.x1 <= gutter);
    is_running(&left) && is_running(&right) && !is_records(segments)
}

/// Returns whether half of the rows are labels with their texts beside them.
fn is_records(segments: &[Segment]) -> bool {
    let lines = line::lines(segments.iter().cloned());
    let leading = line::leading(&lines);
    let (mut at, mut inside) = (0, 0);
    while at < lines.len() {
        let length: usize = table::records(&lines[at..], leading).iter().sum();
        inside += length;
        at += length.max(1);
    }
    2 * inside >= lines.len()
}

fn is_running(segments: &[&Segment]) -> bool {
    let rows = segments.chunk_by(|a, b| a.row == b.row).count();
    let text = || segments.iter().flat_map(|segment| segment.text.chars());
    let (characters, digits) = (text().count(), text().filter(char::is_ascii_digit).count());
    rows >= ROWS_MIN && characters >= ROW_CHARS_MIN * segments.len() && digits * 3 < characters
}

/// Returns the middle of the widest stretch that few rows cross and that has enough rows on both sides.
fn gutter(segments: &[Segment]) -> Option<f32> {
    let rows = segments.chunk_by(|a, b| a.row == b.row).count();
    let left = segments.iter().fold(f32::MAX, |left, segment| left.min(segment.x0));
    let right = segments.iter().fold(f32::MIN, |right, segment| right.max(segment.x1));
    let step = (right - left) / STEPS as f32;
    if rows < 2 * ROWS_MIN || step <= 0.0 {
        return None;
    }
    let mut crossing = vec![0_usize; STEPS + 1];
    for segment in segments {
        let from = ((segment.x0 - left) / step) as usize;
        let to = ((segment.x1 - left) / step) as usize;
        crossing[from.min(STEPS)..=to.min(STEPS)].iter_mut().for_each(|count| *count += 1);
    }
    let range = STEPS / 8..=STEPS - STEPS / 8;
    let least = range.clone().map(|at| crossing[at]).min()?;
    let free: Vec<usize> = range.filter(|&at| crossing[at] <= least + rows / 40).collect();
    let widest = free.chunk_by(|a, b| a + 1 == *b).max_by_key(|stretch| stretch.len())?;
    let middle = left + step * (widest[widest.len() / 2] as f32 + 0.5);
    let beside = |side: fn(&Segment, f32) -> bool| segments.iter().filter(|segment| side(segment, middle)).count();
    let (on_left, on_right) = (beside(|it, x| it.x1 <= x), beside(|it, x| it.x0 >= x));
    let enough = on_left >= ROWS_MIN && on_right >= ROWS_MIN && crossing[widest[widest.len() / 2]] * 2 <= rows;
    enough.then_some(middle)
}
