//! Finds tables drawn with rules, and takes their text out of the page cell by cell, so that cells may wrap and stand close.
//!
//! A table is rules that touch each other and part at least two rows and two columns. A cell goes on where the rule that
//! would end it is missing. Frames, forms of one column and drawings are none, and what has rules between rows alone is
//! found by its alignment.

use std::rc::Rc;

use super::glyph::Glyph;
use super::row::{self, Segment};
use super::text;

/// How far rules may miss each other, and how far apart two may be to be one, in points.
const NEAR: f32 = 3.0;
/// Most rows and columns of a table.
const ROWS_MAX: usize = 500;
const COLUMNS_MAX: usize = 64;
/// Fewest cells with text.
const FILLED_MIN: usize = 4;
/// Longest text of a cell in characters; more is a page in a frame.
const CELL_CHARS_MAX: usize = 2_000;
/// How much of the height of a table its upright rules have on average, and of the width the level ones. Boxes around
/// words, and drawings, touch each other as well, but their lines end where each of them does.
const DRAWN_SHARE: f32 = 0.5;
/// Room between the texts of two cells, in font sizes. What stands closer beside a rule is one text, and the rule a drawing.
const ROOM_MIN: f32 = 0.4;
/// Most tables of one page.
const TABLES_MAX: usize = 64;

/// A straight line that is level or upright.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Height of a level one; distance from the left of an upright one.
    pub at: f32,
    /// Where it begins: at the left or below.
    pub from: f32,
    /// Where it ends.
    pub to: f32,
    /// Whether it is level.
    pub is_level: bool,
}

/// A table drawn with rules.
#[derive(Clone, Debug)]
pub struct Ruled {
    /// Its rows of cells; empty where a cell goes on from the left or from above.
    pub cells: Vec<Vec<String>>,
    /// Left, lower, right, upper end.
    pub area: [f32; 4],
}

/// Returns the segments of upright glyphs as [`row::segments`] does, with one segment for each table that rules draw.
pub fn segments(glyphs: Vec<Glyph>, rules: &[Rule]) -> Vec<Segment> {
    let grids = grids(rules);
    if grids.is_empty() {
        return row::segments(&glyphs);
    }
    let mut inside: Vec<Vec<Glyph>> = vec![Vec::new(); grids.len()];
    let mut rest = Vec::new();
    for glyph in glyphs {
        // A table in a cell of another one comes first, because it is smaller.
        match grids.iter().position(|grid| grid.place(&glyph).is_some()) {
            Some(at) => inside[at].push(glyph),
            None => rest.push(glyph),
        }
    }
    let mut tables = Vec::new();
    for (grid, glyphs) in grids.iter().zip(inside) {
        match grid.table(&glyphs) {
            Some(table) => tables.push(table),
            None => rest.extend(glyphs),
        }
    }
    let mut segments = row::segments(&rest);
    for table in tables {
        let at = segments.iter().position(|segment| segment.y < table.y).unwrap_or(segments.len());
        segments.insert(at, table);
    }
    number(&mut segments);
    segments
}

/// Numbers the rows anew, where tables have come between them.
fn number(segments: &mut [Segment]) {
    let (mut row, mut last) = (0, None);
    for segment in segments {
        let own = (segment.row, segment.ruled.is_some());
        if last.is_some_and(|last| last != own || own.1) {
            row += 1;
        }
        last = Some(own);
        segment.row = row;
    }
}

/// Rules that touch each other.
struct Grid {
    /// Places of the upright rules, from the left.
    columns: Vec<f32>,
    /// Heights of the level rules, from the top.
    rows: Vec<f32>,
    /// For each field, row by row, the number of the field whose cell it belongs to.
    owners: Vec<usize>,
}

fn grids(rules: &[Rule]) -> Vec<Grid> {
    let (level, upright): (Vec<Rule>, Vec<Rule>) = rules.iter().partition(|rule| rule.is_level);
    if level.len() < 3 || upright.len() < 3 {
        return Vec::new();
    }
    let rules = [joined(level), joined(upright)].concat();
    let mut parts: Vec<usize> = (0..rules.len()).collect();
    for (a, one) in rules.iter().enumerate().filter(|(_, rule)| rule.is_level) {
        for (b, other) in rules.iter().enumerate().filter(|(_, rule)| !rule.is_level) {
            if touch(one, other) {
                let (a, b) = (root(&mut parts, a), root(&mut parts, b));
                parts[a] = b;
            }
        }
    }
    let roots: Vec<usize> = (0..rules.len()).map(|at| root(&mut parts, at)).collect();
    let mut order: Vec<usize> = (0..rules.len()).collect();
    order.sort_by_key(|at| roots[*at]);
    let mut grids: Vec<Grid> = order
        .chunk_by(|a, b| roots[*a] == roots[*b])
        .filter_map(|part| Grid::of(&part.iter().map(|at| rules[*at]).collect::<Vec<_>>()))
        .collect();
    grids.sort_by(|a, b| a.extent().total_cmp(&b.extent()));
    grids.truncate(TABLES_MAX);
    grids
}

fn root(parts: &mut [usize], mut at: usize) -> usize {
    while parts[at] != at {
        parts[at] = parts[parts[at]];
        at = parts[at];
    }
    at
}

/// Joins the pieces of one rule, which producers draw cell by cell.
fn joined(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.from.total_cmp(&b.from)));
    let mut lines: Vec<Rule> = Vec::new();
    for near in rules.chunk_by(|a, b| b.at - a.at < 0.5) {
        let mut near = near.to_vec();
        near.sort_by(|a, b| a.from.total_cmp(&b.from));
        for rule in near {
            match lines.last_mut() {
                Some(line) if (line.at - rule.at).abs() < NEAR && (line.from..=line.to + NEAR).contains(&rule.from) => {
                    line.to = line.to.max(rule.to);
                }
                _ => lines.push(rule),
            }
        }
    }
    lines
}

fn touch(level: &Rule, upright: &Rule) -> bool {
    let meets = |rule: &Rule, at: f32| at > rule.from - NEAR && at < rule.to + NEAR;
    meets(level, upright.at) && meets(upright, level.at)
}

/// Returns the places of rules, each once, ascending.
fn places(rules: &[&Rule]) -> Vec<f32> {
    let mut places: Vec<f32> = rules.iter().map(|rule| rule.at).collect();
    places.sort_by(f32::total_cmp);
    places.dedup_by(|next, kept| *next - *kept < NEAR);
    places
}

/// Returns the length of all rules.
fn drawn(rules: &[&Rule]) -> f32 {
    rules.iter().map(|rule| rule.to - rule.from).sum()
}

impl Grid {
    fn of(rules: &[Rule]) -> Option<Self> {
        let (level, upright): (Vec<&Rule>, Vec<&Rule>) = rules.iter().partition(|rule| rule.is_level);
        let (mut rows, columns) = (places(&level), places(&upright));
        rows.reverse();
        if !(3..=ROWS_MAX + 1).contains(&rows.len()) || !(3..=COLUMNS_MAX + 1).contains(&columns.len()) {
            return None;
        }
        let (width, height) = (columns[columns.len() - 1] - columns[0], rows[0] - rows[rows.len() - 1]);
        if drawn(&upright) < DRAWN_SHARE * height * columns.len() as f32
            || drawn(&level) < DRAWN_SHARE * width * rows.len() as f32
        {
            return None;
        }
        let is_drawn = |rules: &[&Rule], at: f32, across: f32| {
            rules.iter().any(|rule| (rule.at - at).abs() < NEAR && rule.from < across && across < rule.to)
        };
        let width = columns.len() - 1;
        let mut owners: Vec<usize> = Vec::with_capacity(width * (rows.len() - 1));
        for (row, heights) in rows.windows(2).enumerate() {
            for (column, sides) in columns.windows(2).enumerate() {
                let (x, y) = ((sides[0] + sides[1]) / 2.0, (heights[0] + heights[1]) / 2.0);
                let own = owners.len();
                owners.push(if column > 0 && !is_drawn(&upright, sides[0], y) {
                    owners[own - 1]
                } else if row > 0 && !is_drawn(&level, heights[0], x) {
                    owners[own - width]
                } else {
                    own
                });
            }
        }
        Some(Self { columns, rows, owners })
    }

    fn extent(&self) -> f32 {
        let [left, lower, right, upper] = self.area();
        (right - left) * (upper - lower)
    }

    fn area(&self) -> [f32; 4] {
        [self.columns[0], self.rows[self.rows.len() - 1], self.columns[self.columns.len() - 1], self.rows[0]]
    }

    /// Returns the number of the field that a glyph stands in.
    fn place(&self, glyph: &Glyph) -> Option<usize> {
        let (x, y) = (glyph.x + glyph.width / 2.0, glyph.y + 0.3 * glyph.size);
        let column = self.columns.partition_point(|place| *place <= x);
        let row = self.rows.partition_point(|place| *place >= y);
        let is_inside = (1..self.columns.len()).contains(&column) && (1..self.rows.len()).contains(&row);
        is_inside.then(|| (row - 1) * (self.columns.len() - 1) + column - 1)
    }

    /// Returns the segment that stands for the table; `None` if its text is not that of one.
    fn table(&self, glyphs: &[Glyph]) -> Option<Segment> {
        let mut fields: Vec<Vec<Glyph>> = vec![Vec::new(); self.owners.len()];
        for glyph in glyphs {
            fields[self.owners[self.place(glyph)?]].push(glyph.clone());
        }
        let width = self.columns.len() - 1;
        let texts: Vec<String> = fields.iter().map(|glyphs| cell(glyphs)).collect();
        let cells: Vec<Vec<String>> =
            texts.chunks(width).filter(|row| row.iter().any(|it| !it.is_empty())).map(<[String]>::to_vec).collect();
        let filled = texts.iter().filter(|text| !text.is_empty()).count();
        let has_columns = (0..width).filter(|at| cells.iter().any(|row| !row[*at].is_empty())).count() >= 2;
        let is_table = filled >= FILLED_MIN && cells.len() >= 2 && has_columns;
        if !is_table || self.cuts(glyphs) || texts.iter().any(|text| text.chars().count() > CELL_CHARS_MAX) {
            return None;
        }
        let mut sizes: Vec<f32> = glyphs.iter().map(|glyph| glyph.size).collect();
        sizes.sort_by(f32::total_cmp);
        let area = self.area();
        let lines: Vec<String> = cells.iter().map(|row| written(row)).collect();
        Some(Segment {
            text: lines.join("\n"),
            x0: area[0],
            x1: area[2],
            y: area[3],
            size: sizes[sizes.len() / 2],
            bold: false,
            row: usize::MAX,
            ruled: Some(Rc::new(Ruled { cells, area })),
        })
    }
}

impl Grid {
    /// Returns whether rules pass through words or between them, in a third of the places where a line of text meets one.
    fn cuts(&self, glyphs: &[Glyph]) -> bool {
        let mut glyphs: Vec<&Glyph> = glyphs.iter().filter(|glyph| !glyph.is_space()).collect();
        glyphs.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x.total_cmp(&b.x)));
        let (mut met, mut cut) = (0, 0);
        for line in glyphs.chunk_by(|a, b| a.y - b.y < 0.2 * a.size) {
            let mut line = line.to_vec();
            line.sort_by(|a, b| a.x.total_cmp(&b.x));
            for pair in line.windows(2) {
                let owner = |glyph: &Glyph| self.place(glyph).map(|at| self.owners[at]);
                if owner(pair[0]) != owner(pair[1]) {
                    met += 1;
                    cut += usize::from(pair[1].x - pair[0].x - pair[0].width < ROOM_MIN * pair[0].size);
                }
            }
        }
        3 * cut > met
    }
}

/// Returns the text of a cell.
fn cell(glyphs: &[Glyph]) -> String {
    let mut cell = String::new();
    for segment in row::segments(glyphs) {
        text::append(&mut cell, &segment.text);
    }
    cell
}

fn written(row: &[String]) -> String {
    row.iter().filter(|cell| !cell.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" | ")
}
