//! Finds tables among the lines of a column.
//!
//! A table is told by lines of several cells, or by records: a label and a text side by side, both of which may wrap,
//! with room before the next pair. What stands over a column belongs to it. How wrapped lines become rows is
//! [`wrap`](super::wrap)'s, and which column a cell is in [`grid`](super::grid)'s.

use super::line::{Line, is_spaced};
use super::row::Segment;

/// Fewest lines with several cells that make a table.
const ROWS_MIN: usize = 3;
/// Fewest cells of a line that make a table of two.
const WIDE_CELLS_MIN: usize = 4;
/// Most lines of one cell in a row, as labels between rows have; more if the columns go on behind them.
const LABELS_MAX: usize = 2;
const LABELS_BETWEEN_MAX: usize = 4;
/// Most lines that stand over a single column at the top.
const HATS_MAX: usize = 3;
/// Longest label inside a table, in characters.
const LABEL_CHARS_MAX: usize = 90;
/// Fewest records that make a table.
const RECORDS_MIN: usize = 3;
/// Most lines of one record; longer ones are columns of running text.
const RECORD_LINES_MAX: usize = 40;

/// Returns how many lines from the first on are a table; 0 if they are none.
pub fn length(lines: &[Line], leading: f32) -> usize {
    let hats = hats(lines);
    let (mut rows, mut end) = (0, 0);
    for (at, line) in lines.iter().enumerate().skip(hats) {
        let far = at > hats && lines[at - 1].y() - line.y() > 2.6 * leading.max(1.0) * line.size();
        if far || (at == hats && line.cells.len() < 2) {
            break;
        }
        let labels = at - end.max(hats);
        if line.cells.len() < 2 {
            if labels >= LABELS_BETWEEN_MAX || is_running(line) {
                break;
            }
            continue;
        }
        if labels > LABELS_MAX && !goes_on(&lines[end - 1], line) {
            break;
        }
        rows += 1;
        end = at + 1;
    }
    let is_wide = rows == 2 && is_wide(&lines[hats..end]);
    if rows >= ROWS_MIN || is_wide { end } else { 0 }
}

/// Returns whether a line of one cell is too long to be a label inside a table.
fn is_running(line: &Line) -> bool {
    line.is_ruled() || line.first().text.chars().count() > LABEL_CHARS_MAX
}

/// Returns whether cells of two lines stand in the same columns.
fn goes_on(above: &Line, line: &Line) -> bool {
    line.cells.iter().filter(|cell| above.cells.iter().any(|it| meet(it, cell))).count() >= 2
}

/// Returns whether the two lines with cells are long enough, and alike enough, to be a table of a header and one row.
fn is_wide(lines: &[Line]) -> bool {
    let mut rows = lines.iter().filter(|line| line.cells.len() >= WIDE_CELLS_MIN);
    let (Some(above), Some(line)) = (rows.next(), rows.next()) else { return false };
    let met = |cell: &&Segment| above.cells.iter().any(|it| meet(it, cell));
    above.cells.len() == line.cells.len() && line.cells.iter().filter(met).count() + 1 >= line.cells.len()
}

/// Returns how many lines at the top are the beginning of a wrapped header: one cell right above some of the columns
/// of the line below, which reaches neither the columns beside nor the left edge.
fn hats(lines: &[Line]) -> usize {
    let single = lines.iter().take(HATS_MAX + 1).take_while(|line| line.cells.len() == 1).count();
    let Some(header) = lines.get(single).filter(|_| (1..=HATS_MAX).contains(&single)) else { return 0 };
    let left = lines[single..].iter().take(12).fold(f32::MAX, |left, line| left.min(line.first().x0));
    let is_hat = |at: usize| {
        let hat = lines[at].first();
        let covered: Vec<&Segment> = header.cells.iter().filter(|cell| meet(cell, hat)).collect();
        let is_alike = covered.iter().all(|cell| (hat.size / cell.size - 1.0).abs() < 0.09);
        let is_close = hat.y - lines[at + 1].y() < 1.3 * hat.size;
        let is_inside = (1..=header.cells.len() / 2).contains(&covered.len()) && hat.x0 > left + 2.0 * hat.size;
        is_close && is_alike && is_inside
    };
    if (0..single).all(is_hat) { single } else { 0 }
}

/// Returns the records at the beginning of `lines`, each as the number of its lines; none if they are no table.
///
/// A record starts with its cells side by side, and what follows stands under one of them. There is room between records,
/// the same on both sides, which columns of running text do not have.
pub fn records(lines: &[Line], leading: f32) -> Vec<usize> {
    let mut records = Vec::new();
    let mut at = 0;
    while let Some(first) = lines.get(at).filter(|line| line.cells.len() >= 2) {
        let begins_alike = |cell: (&Segment, &Segment)| (cell.0.x0 - cell.1.x0).abs() < 0.5 * cell.0.size;
        if first.cells.len() != lines[0].cells.len() || !first.cells.iter().zip(&lines[0].cells).all(begins_alike) {
            break;
        }
        let rest = lines[at..].windows(2).take(RECORD_LINES_MAX);
        let length = 1 + rest.take_while(|pair| !is_spaced(&pair[0], &pair[1], leading)).count();
        if length > RECORD_LINES_MAX || !lines[at + 1..at + length].iter().all(|line| is_under(line, first)) {
            break;
        }
        records.push(length);
        at += length;
    }
    let wraps = records.iter().any(|length| *length > 1);
    if wraps && records.len() >= RECORDS_MIN { records } else { Vec::new() }
}

/// Returns whether each cell of a line begins where one of the first line does and ends before the next one.
fn is_under(line: &Line, first: &Line) -> bool {
    line.cells.iter().all(|cell| {
        let column = first.cells.iter().position(|it| (it.x0 - cell.x0).abs() < 1.5 * cell.size);
        let next = column.map(|at| first.cells.get(at + 1).map_or(f32::MAX, |it| it.x0));
        next.is_some_and(|next| cell.x1 < next)
    })
}

fn meet(a: &Segment, b: &Segment) -> bool {
    a.x0 < b.x1 && b.x0 < a.x1
}
