//! The lines of one column, with their cells from the left.
//!
//! A currency sign, a list marker and the rest of a number are part of the cell beside them. Knows nothing of blocks.

use super::row::Segment;

/// How much wider than usual a gap between lines must be to end a paragraph.
const LEADING: f32 = 1.28;

/// One row of a column: its cells from the left.
pub struct Line {
    /// Its cells; never none.
    pub cells: Vec<Segment>,
}

impl Line {
    /// Returns whether it stands for a table that rules draw.
    pub fn is_ruled(&self) -> bool {
        self.first().ruled.is_some()
    }

    /// Returns the leftmost cell.
    pub fn first(&self) -> &Segment {
        &self.cells[0]
    }

    /// Returns the right end.
    pub fn x1(&self) -> f32 {
        self.cells[self.cells.len() - 1].x1
    }

    /// Returns the baseline.
    pub fn y(&self) -> f32 {
        self.first().y
    }

    /// Returns the font size of its first cell.
    pub fn size(&self) -> f32 {
        self.first().size
    }

    /// Returns its cells as running text.
    pub fn text(&self) -> String {
        self.cells.iter().map(|cell| cell.text.as_str()).collect::<Vec<_>>().join("  ")
    }

    /// Returns left, lower, right and upper end.
    pub fn area(&self) -> [f32; 4] {
        let size = self.cells.iter().fold(0.0, |size, cell| cell.size.max(size));
        [self.first().x0, self.y() - 0.25 * size, self.x1(), self.y() + 0.8 * size]
    }
}

/// Returns the lines of a group of segments.
pub fn lines(group: impl IntoIterator<Item = Segment>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for segment in group {
        match lines.last_mut() {
            Some(line) if line.first().row == segment.row => add_cell(&mut line.cells, segment),
            _ => lines.push(Line { cells: vec![segment] }),
        }
    }
    lines
}

fn add_cell(cells: &mut Vec<Segment>, mut segment: Segment) {
    let Some(last) = cells.last_mut() else { return cells.push(segment) };
    let is_number = segment.text.starts_with(is_numeric);
    // The sign stands at the left edge of its column, which can be close to the number in the column before.
    if let Some(number) = last.text.strip_suffix(" $").filter(|_| is_number) {
        last.text = number.to_owned();
        segment.text = format!("$ {}", segment.text);
    }
    let opens = matches!(last.text.as_str(), "$" | "€" | "£" | "¥" | "(" | "$(" | "$ (") && is_number;
    let closes = matches!(segment.text.as_str(), ")" | "%" | ")%" | "%)" | ") %")
        && last.text.ends_with(|end: char| end.is_ascii_digit() || matches!(end, ')' | '—' | '–' | '-'));
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
pub fn leading(lines: &[Line]) -> f32 {
    let mut distances: Vec<f32> = lines
        .windows(2)
        .map(|pair| (pair[0].y() - pair[1].y()) / pair[1].size())
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

/// Returns whether there is more room between two lines than inside a paragraph.
pub fn is_spaced(above: &Line, line: &Line, leading: f32) -> bool {
    let size = line.size();
    above.y() - line.y() > LEADING * leading * size.max(above.size()) + 0.08 * size
}

/// Returns whether a word is a bullet.
pub fn is_bullet(text: &str) -> bool {
    matches!(text, "•" | "●" | "○" | "■" | "□" | "▪" | "▫" | "◦" | "‣" | "–" | "-" | "·" | "" | "☐" | "☒")
}

/// Returns whether a word marks a list item: a bullet, `1.`, `(a)`, `iv)`.
pub fn is_marker(text: &str) -> bool {
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
