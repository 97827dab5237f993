//! Joins the rows of one column to paragraphs, list items and tables.
//!
//! Decides from leading, indents, sizes and markers. Headings are only marked by size and weight here; their rank is
//! given over the whole file, in [`super::heading`]. Where a table begins and ends is [`super::table`]'s.

use super::line::{self, Line, is_bullet, is_marker, is_spaced};
use super::row::Segment;
use super::{grid, table, text, wrap};
use crate::document::BlockKind;

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

/// Returns the blocks of one group of segments.
pub fn drafts(group: Vec<Segment>) -> Vec<Draft> {
    let lines = line::lines(group);
    let leading = line::leading(&lines);
    let right = lines.iter().fold(f32::MIN, |right, line| right.max(line.x1()));
    let mut drafts = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if let Some((length, table)) = table_at(&lines[at..], leading) {
            drafts.push(table);
            at += length;
            continue;
        }
        let mut end = at + 1;
        while end < lines.len()
            && !is_table(&lines[end..], leading)
            && !breaks(&lines[at], &lines[end - 1], &lines[end], leading, right)
        {
            end += 1;
        }
        drafts.push(paragraph(&lines[at..end]));
        at = end;
    }
    drafts
}

/// Returns the table that starts with the first line, and how many lines it has.
fn table_at(lines: &[Line], leading: f32) -> Option<(usize, Draft)> {
    if let Some(ruled) = &lines[0].first().ruled {
        let mut draft = joined(&lines[..1], BlockKind::Table, lines[0].first().text.clone());
        draft.cells.clone_from(&ruled.cells);
        draft.area = ruled.area;
        return Some((1, draft));
    }
    let records = table::records(lines, leading);
    let length = if records.is_empty() { table::length(lines, leading) } else { records.iter().sum() };
    let lines = lines.get(..length).filter(|lines| !lines.is_empty())?;
    let cells = lines.iter().map(|line| line.cells.clone()).collect();
    let rows = if records.is_empty() { wrap::rows(cells) } else { wrap::records(cells, &records) };
    let written = |row: &Vec<Segment>| row.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join(" | ");
    let text = rows.iter().map(written).collect::<Vec<_>>().join("\n");
    let mut draft = joined(lines, BlockKind::Table, text);
    draft.cells = grid::aligned(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Some((length, draft))
}

fn is_table(lines: &[Line], leading: f32) -> bool {
    lines[0].is_ruled() || table::length(lines, leading) > 0 || !table::records(lines, leading).is_empty()
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
    let (size, distance) = (line.size(), before.y() - line.y());
    let resized = (size / before.size() - 1.0).abs() > 0.09;
    let spaced = is_spaced(before, line, leading);
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
