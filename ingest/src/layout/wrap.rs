//! Joins the lines of a table whose cells wrap: those of its header, and those of a row's label.
//!
//! Lines of one row stand closer together than rows do, and all but one of them hold no value. A cell that stands over
//! several others heads a group of columns and becomes a row of its own. Tables of text alone are left as they are,
//! unless they look like nothing but a header: there a second line cannot be told from a second row.

use super::row::Segment;
use super::text;

/// Most lines of a header that stands without rows.
const HEADER_LINES_MAX: usize = 5;
/// Distance of the lines of one row, as a share of the usual distance of rows.
const TIGHT_SHARE: f32 = 0.9;
/// The same in font sizes, where there are too few rows to tell.
const TIGHT_SIZES: f32 = 1.2;

/// A row of a table: its cells from the left.
type Row = Vec<Segment>;

/// Returns the rows of a table, from its lines.
pub fn rows(lines: Vec<Row>) -> Vec<Row> {
    let tight = match row_distance(&lines) {
        Some(distance) => TIGHT_SHARE * distance,
        None if is_header(&lines) => TIGHT_SIZES * lines[0][0].size,
        None => return lines,
    };
    let heights: Vec<f32> = lines.iter().map(|line| line[0].y).collect();
    let mut rows: Vec<Row> = Vec::with_capacity(lines.len());
    for (at, line) in lines.into_iter().enumerate() {
        let above = if at > 0 { heights[at - 1] - heights[at] } else { f32::MAX };
        let below = heights.get(at + 1).map_or(f32::MAX, |next| heights[at] - next);
        let is_lower = has_value(&line) || above < 0.97 * below;
        match rows.pop() {
            Some(row) if above < tight && (is_lower || !has_value(&row)) => join(row, line, above, &mut rows),
            row => rows.extend(row.into_iter().chain([line])),
        }
    }
    rows
}

/// Returns the rows of a table of records, from its lines and the number of lines that each record has.
pub fn records(lines: Vec<Row>, lengths: &[usize]) -> Vec<Row> {
    let mut lines = lines.into_iter();
    let mut rows = Vec::with_capacity(lengths.len());
    for length in lengths {
        let mut row = lines.next().unwrap_or_default();
        for cell in lines.by_ref().take(length - 1).flatten() {
            // Cells are set to the left, so the column is the last one that has begun.
            let begun = row.iter().rposition(|above| above.x0 < cell.x0 + 1.5 * cell.size);
            let column = begun.unwrap_or_default();
            row.iter_mut().skip(column).take(1).for_each(|above| add(above, &cell));
        }
        rows.push(row);
    }
    rows
}

fn add(above: &mut Segment, cell: &Segment) {
    text::append(&mut above.text, &cell.text);
    above.x0 = above.x0.min(cell.x0);
    above.x1 = above.x1.max(cell.x1);
}

/// Returns the usual distance of lines that hold values; `None` for a table of text.
fn row_distance(lines: &[Row]) -> Option<f32> {
    let pairs = lines.windows(2).filter(|pair| pair.iter().all(|line| has_value(line)));
    let mut distances: Vec<f32> = pairs.map(|pair| pair[0][0].y - pair[1][0].y).collect();
    distances.sort_by(f32::total_cmp);
    distances.get(distances.len() / 2).copied()
}

/// Returns whether lines get fuller from the top, as those of a header do, and hold no value.
fn is_header(lines: &[Row]) -> bool {
    let fuller = lines.windows(2).all(|pair| pair[0].len() <= pair[1].len());
    let ends = lines.first().zip(lines.last());
    let is_fuller = fuller && ends.is_some_and(|(first, last)| first.len() < last.len());
    lines.len() <= HEADER_LINES_MAX && is_fuller && !lines.iter().any(|line| has_value(line))
}

fn has_value(line: &[Segment]) -> bool {
    line.iter().any(|cell| is_value(&cell.text))
}

/// Returns whether a cell holds a number or a dash; a year heads a column.
fn is_value(text: &str) -> bool {
    let is_year = text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    !is_year && !text.chars().any(char::is_alphabetic)
}

/// Adds a line to the row `distance` above it, or as a row of its own where the two cannot be one.
fn join(above: Row, line: Row, distance: f32, rows: &mut Vec<Row>) {
    let is_label = |row: &[Segment], other: &[Segment]| row.len() == 1 && (row[0].x0 - other[0].x0).abs() < row[0].size;
    let can_join = match (has_value(&above), has_value(&line)) {
        (false, false) => true,
        (false, true) => is_label(&above, &line),
        (true, false) => is_label(&line, &above),
        (true, true) => false,
    };
    let is_wide = line.iter().any(|cell| above.iter().filter(|it| meet(it, cell)).count() > 1);
    let is_beside = distance < 0.6 * line[0].size || line.iter().any(|cell| above.iter().any(|it| meet(it, cell)));
    if !can_join || is_wide || !is_beside {
        rows.extend([above, line]);
        return;
    }
    let heads = |cell: &Segment| line.iter().filter(|it| meet(it, cell)).count() > 1;
    let (heading, mut row): (Row, Row) = above.into_iter().partition(heads);
    rows.extend(Some(heading).filter(|heading| !heading.is_empty()));
    for cell in line {
        match row.iter_mut().find(|above| meet(above, &cell)) {
            Some(above) => add(above, &cell),
            None => row.push(cell),
        }
    }
    row.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    rows.push(row);
}

fn meet(a: &Segment, b: &Segment) -> bool {
    a.x0 < b.x1 && b.x0 < a.x1
}
