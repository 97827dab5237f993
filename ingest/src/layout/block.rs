//! Joins the rows of one column to paragraphs, list items and tables.
//!
//! Decides from leading, indents, sizes and markers. Headings are only marked by size and weight here; their rank is
//! given over the whole file, in [`super::heading`].

use super::grid;
use super::row::Segment;
use super::{text, wrap};
use crate::document::BlockKind;

/// Fewest rows with several cells that make a table.
const TABLE_ROWS_MIN: usize = 3;
/// How much wider than usual a gap between rows must be to end a paragraph.
const LEADING: f32 = 1.28;

/// A stretch of text that belongs together.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What it is; headings are paragraphs until they are ranked.
    pub kind: BlockKind,
    /// Its text.
    pub text: String,
    /// Rows of cells, for tables.
    pub cells: Vec<Vec<String>>,
    /// Font size.
    pub size: f32,
    /// Whether all of it is bold.
    pub bold: bool,
    /// How many rows it has.
    pub rows: usize,
    /// Left, lower, right, upper end.
    pub area: [f32; 4],
}

/// One row of a column: its cells from the left.
struct Line {
    cells: Vec<Segment>,
}

impl Line {
    fn first(&self) -> &Segment {
        &self.cells[0]
    }

    fn x1(&self) -> f32 {
        self.cells[self.cells.len() - 1].x1
    }

    fn size(&self) -> f32 {
        self.first().size
    }

    fn text(&self) -> String {
        self.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("  ")
    }

    fn area(&self) -> [f32; 4] {
        let (y, size) = (self.first().y, self.cells.iter().fold(0.0, |size, cell| cell.size.max(size)));
        [self.first().x0, y - 0.25 * size, self.x1(), y + 0.8 * size]
    }
}

/// Returns the blocks of one group of segments.
pub fn drafts(group: Vec<Segment>) -> Vec<Draft> {
    let lines = lines(group);
    let leading = leading(&lines);
    let right = lines.iter().fold(f32::MIN, |right, line| right.max(line.x1()));
    let mut drafts = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let rows = table_rows(&lines[at..], leading);
        if rows > 0 {
            drafts.push(table(&lines[at..at + rows]));
            at += rows;
            continue;
        }
        let mut end = at + 1;
        while end < lines.len()
            && table_rows(&lines[end..], leading) == 0
            && !breaks(&lines[at], &lines[end - 1], &lines[end], leading, right)
        {
            end += 1;
        }
        drafts.push(paragraph(&lines[at..end]));
        at = end;
    }
    drafts
}

fn lines(group: Vec<Segment>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for segment in group {
        match lines.last_mut() {
            Some(line) if line.first().row == segment.row => add_cell(&mut line.cells, segment),
            _ => lines.push(Line { cells: vec![segment] }),
        }
    }
    lines
}

/// Adds a cell; a currency sign, a list marker and the rest of a number are part of the cell beside them.
fn add_cell(cells: &mut Vec<Segment>, mut segment: Segment) {
    let Some(last) = cells.last_mut() else { return cells.push(segment) };
    // The sign stands at the left edge of its column, which can be close to the number in the column before.
    if let Some(number) = last.text.strip_suffix(" $").filter(|_| segment.text.starts_with(is_numeric)) {
        last.text = number.to_owned();
        segment.text = format!("$ {}", segment.text);
    }
    let opens = matches!(last.text.as_str(), "$" | "€" | "£" | "¥" | "(" | "$(" | "$ (");
    let closes = matches!(segment.text.as_str(), ")" | "%" | ")%" | "%)" | ") %");
    let marked = cells.len() == 1 && is_marker(&cells[0].text);
    let Some(last) = cells.last_mut() else { return };
    if opens || closes || marked {
        let space = if closes || last.text.ends_with('(') { "" } else { " " };
        last.text = format!("{}{space}{}", last.text, segment.text);
        last.x1 = segment.x1;
        if marked {
            last.size = segment.size;
            last.bold = segment.bold;
        }
    } else {
        cells.push(segment);
    }
}

fn is_numeric(character: char) -> bool {
    character.is_ascii_digit() || matches!(character, '(' | '-' | '—' | '–' | '.')
}

/// Returns the usual distance of baselines, in font sizes.
fn leading(lines: &[Line]) -> f32 {
    let mut distances: Vec<f32> = lines
        .windows(2)
        .map(|pair| (pair[0].first().y - pair[1].first().y) / pair[1].size())
        .filter(|distance| (0.7..2.2).contains(distance))
        .collect();
    if distances.is_empty() {
        return 1.2;
    }
    distances.sort_by(f32::total_cmp);
    let usual = distances[distances.len() * 2 / 5];
    // A few rows far apart are as likely paragraphs as double-spaced text.
    if distances.len() < 6 { usual.min(1.5) } else { usual }
}

/// Returns how many lines from the first on are a table; 0 if they are none.
fn table_rows(lines: &[Line], leading: f32) -> usize {
    if lines[0].cells.len() < 2 {
        return 0;
    }
    let (mut rows, mut end) = (0, 0);
    for (at, line) in lines.iter().enumerate() {
        let far = at > 0 && lines[at - 1].first().y - line.first().y > 2.6 * leading.max(1.0) * line.size();
        if far {
            break;
        }
        if line.cells.len() >= 2 {
            rows += 1;
            end = at + 1;
        } else if at + 1 - end > 2 || is_running(line) {
            break;
        }
    }
    if rows >= TABLE_ROWS_MIN { end } else { 0 }
}

/// Returns whether a line of one cell is too long to be a label inside a table.
fn is_running(line: &Line) -> bool {
    line.first().text.chars().count() > 90
}

fn table(lines: &[Line]) -> Draft {
    let rows = wrap::rows(lines.iter().map(|line| line.cells.clone()).collect());
    let written = |row: &Vec<Segment>| row.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" | ");
    let text = rows.iter().map(written).collect::<Vec<_>>().join("\n");
    let mut draft = joined(lines, BlockKind::Table, text);
    draft.cells = grid::aligned(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    draft
}

fn paragraph(lines: &[Line]) -> Draft {
    let mut text = String::new();
    for line in lines {
        text::append(&mut text, &line.text());
    }
    let first = text.split(' ').next().unwrap_or_default();
    let kind = if is_marker(first) && text.len() > first.len() { BlockKind::ListItem } else { BlockKind::Paragraph };
    joined(lines, kind, text)
}

fn joined(lines: &[Line], kind: BlockKind, text: String) -> Draft {
    let area =
        lines.iter().map(Line::area).reduce(|a, b| [a[0].min(b[0]), a[1].min(b[1]), a[2].max(b[2]), a[3].max(b[3])]);
    Draft {
        kind,
        text,
        cells: Vec::new(),
        size: lines[0].size(),
        bold: lines.iter().all(|line| line.cells.iter().all(|cell| cell.bold)),
        rows: lines.len(),
        area: area.unwrap_or_default(),
    }
}

/// Returns whether `line` starts another block than `before`, whose block began with `first`.
fn breaks(first: &Line, before: &Line, line: &Line, leading: f32, right: f32) -> bool {
    let (size, distance) = (line.size(), before.first().y - line.first().y);
    let resized = (size / before.size() - 1.0).abs() > 0.09;
    let spaced = distance > LEADING * leading * size.max(before.size()) + 0.08 * size;
    let reweighed =
        line.first().bold != before.first().bold && before.cells.iter().all(|cell| cell.bold) != line.first().bold;
    let tabular = line.cells.len() > 1 || before.cells.len() > 1;
    if resized || spaced || reweighed || distance < 0.0 || tabular {
        return true;
    }
    let marker = line.first().text.split(' ').next().unwrap_or_default();
    if is_marker(marker) && !marker.ends_with(')') || is_bullet(marker) {
        return true;
    }
    let indented = line.first().x0 > before.first().x0 + 0.9 * size && !is_marker_line(first);
    let ended = before.first().text.ends_with(['.', ':', '?', '!', '。', '！', '？', ';', '；', '：']);
    let short = before.x1() < right - 8.0 * size;
    let full = before.x1() > right - 6.0 * size;
    (indented && (full || ended)) || (short && ended)
}

fn is_marker_line(line: &Line) -> bool {
    line.first().text.split(' ').next().is_some_and(is_marker)
}

fn is_bullet(text: &str) -> bool {
    matches!(text, "•" | "●" | "○" | "■" | "□" | "▪" | "▫" | "◦" | "‣" | "–" | "-" | "·" | "" | "☐" | "☒")
}

/// Returns whether a word marks a list item: a bullet, `1.`, `(a)`, `iv)`.
fn is_marker(text: &str) -> bool {
    if is_bullet(text) {
        return true;
    }
    let inner = text.strip_prefix('(').unwrap_or(text);
    let Some(label) = inner.strip_suffix(['.', ')']) else { return false };
    let number = label.len() <= 2 && label.bytes().all(|byte| byte.is_ascii_digit());
    let letter = label.len() == 1 && label.bytes().all(|byte| byte.is_ascii_alphabetic());
    let roman = label.len() <= 4 && label.bytes().all(|byte| matches!(byte, b'i' | b'v' | b'x'));
    !label.is_empty() && (number || letter || roman)
}
