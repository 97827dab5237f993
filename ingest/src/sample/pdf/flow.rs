//! Sets a sample document in lines on A4 pages: headings, text, lists, ruled tables, footnotes, page numbers.
//!
//! Writes content streams and nothing around them. Breaks Latin text between words and Chinese between characters.

use super::font::{advance, show, width};
use crate::sample::source::{Part, SampleDocument};

/// A4 in points.
pub(super) const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 72.0;
const COLUMN: f32 = PAGE.0 - 2.0 * MARGIN;
const BODY_SIZE: f32 = 11.0;
const SMALL_SIZE: f32 = 9.0;
const LEADING: f32 = 1.45;
/// White space between a table's lines and its text.
const CELL_PAD: f32 = 4.0;

/// Returns the content stream of each page.
pub(super) fn pages(document: &SampleDocument) -> Vec<String> {
    let mut flow = Flow::new(document);
    flow.text(&document.title, &Setting::heading(20.0));
    flow.y -= 6.0;
    let line = format!("{}  •  {}", document.author, document.date);
    flow.text(&line, &Setting { size: SMALL_SIZE, ..Setting::body() });
    flow.y -= 10.0;
    for (position, part) in document.parts.iter().enumerate() {
        let follower = document.parts.get(position + 1);
        flow.part(part, matches!(follower, Some(Part::Bullet(_) | Part::Numbered(..))));
    }
    flow.notes(&document.notes);
    flow.finish()
}

/// How a run of lines is set.
#[derive(Clone, Copy)]
struct Setting {
    size: f32,
    is_bold: bool,
    indent: f32,
    /// Height that must be left below for what has to follow on the same page.
    keep: f32,
}

impl Setting {
    fn body() -> Self {
        Self { size: BODY_SIZE, is_bold: false, indent: 0.0, keep: 0.0 }
    }

    fn heading(size: f32) -> Self {
        Self { size, is_bold: true, indent: 0.0, keep: 3.0 * BODY_SIZE * LEADING }
    }
}

struct Flow<'a> {
    document: &'a SampleDocument,
    done: Vec<String>,
    content: String,
    /// Height of the next line's top above the page's foot.
    y: f32,
}

impl<'a> Flow<'a> {
    fn new(document: &'a SampleDocument) -> Self {
        Self { document, done: Vec::new(), content: String::new(), y: PAGE.1 - MARGIN }
    }

    fn part(&mut self, part: &Part, is_list_next: bool) {
        match part {
            Part::Heading(level, text) => {
                self.y -= if *level == 1 { 14.0 } else { 9.0 };
                self.text(text, &Setting::heading([17.0, 14.0, 12.0][usize::from(*level).clamp(1, 3) - 1]));
                self.y -= 4.0;
            }
            Part::Paragraph(text) => {
                self.text(&plain(text), &Setting::body());
                self.y -= 7.0;
            }
            Part::Bullet(text) => self.item("•", text, is_list_next),
            Part::Numbered(number, text) => self.item(&format!("{number}."), text, is_list_next),
            Part::Table(rows) => self.table(rows),
        }
    }

    fn item(&mut self, marker: &str, text: &str, is_list_next: bool) {
        let setting = Setting { indent: 18.0, ..Setting::body() };
        self.reserve(BODY_SIZE * LEADING);
        let baseline = self.y - BODY_SIZE;
        self.show(MARGIN + 4.0, baseline, marker, &setting);
        self.text(&plain(text), &setting);
        self.y -= if is_list_next { 3.0 } else { 8.0 };
    }

    /// Sets text in lines of the column.
    fn text(&mut self, text: &str, setting: &Setting) {
        let leading = setting.size * LEADING;
        let lines = wrapped(text, COLUMN - setting.indent, setting.size, setting.is_bold);
        self.reserve(leading * lines.len().min(2) as f32 + setting.keep);
        for line in lines {
            self.reserve(leading);
            self.show(MARGIN + setting.indent, self.y - setting.size, &line, setting);
            self.y -= leading;
        }
    }

    fn show(&mut self, x: f32, y: f32, text: &str, setting: &Setting) {
        self.content.push_str(&format!("BT {x:.2} {y:.2} Td "));
        show(text, setting.size, setting.is_bold, &mut self.content);
        self.content.push_str("ET\n");
    }

    /// Begins a page when less than `height` is left.
    fn reserve(&mut self, height: f32) {
        if self.y - height < MARGIN {
            self.done.push(std::mem::take(&mut self.content));
            self.y = PAGE.1 - MARGIN;
        }
    }

    /// Sets a table with ruled lines; its header is repeated on each page.
    fn table(&mut self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        if columns == 0 {
            return;
        }
        let widths = column_widths(rows, columns);
        let header_height = row_height(&rows[0], &widths, true);
        self.reserve(header_height * 2.5);
        for (position, row) in rows.iter().enumerate() {
            let height = row_height(row, &widths, position == 0);
            let page = self.done.len();
            self.reserve(height);
            if position > 0 && self.done.len() > page {
                self.row(&rows[0], &widths, true);
            }
            self.row(row, &widths, position == 0);
        }
        self.y -= 10.0;
    }

    fn row(&mut self, row: &[String], widths: &[f32], is_bold: bool) {
        let setting = Setting { size: 10.0, is_bold, ..Setting::body() };
        let height = row_height(row, widths, is_bold);
        let mut x = MARGIN;
        for (position, &cell_width) in widths.iter().enumerate() {
            self.content.push_str(&format!("0.5 w {x:.2} {:.2} {cell_width:.2} {height:.2} re S\n", self.y - height));
            let text = row.get(position).map_or("", String::as_str);
            let lines = wrapped(&plain(text), cell_width - 2.0 * CELL_PAD, setting.size, is_bold);
            for (number, line) in lines.iter().enumerate() {
                let down = CELL_PAD + setting.size + number as f32 * setting.size * 1.3;
                self.show(x + CELL_PAD, self.y - down, line, &setting);
            }
            x += cell_width;
        }
        self.y -= height;
    }

    fn notes(&mut self, notes: &[(String, String)]) {
        if notes.is_empty() {
            return;
        }
        self.reserve(40.0);
        self.y -= 8.0;
        self.content.push_str(&format!("0.5 w {MARGIN} {:.2} m {} {:.2} l S\n", self.y, MARGIN + 120.0, self.y));
        self.y -= 6.0;
        for (label, text) in notes {
            self.text(&format!("[{label}] {text}"), &Setting { size: SMALL_SIZE, ..Setting::body() });
        }
    }

    /// Ends the last page and gives every page its header and number.
    fn finish(mut self) -> Vec<String> {
        self.done.push(std::mem::take(&mut self.content));
        let mut pages = std::mem::take(&mut self.done);
        let count = pages.len();
        let setting = Setting { size: SMALL_SIZE, ..Setting::body() };
        for (position, page) in pages.iter_mut().enumerate() {
            let number = format!("{} / {count}", position + 1);
            let header = &self.document.title;
            if position > 0 {
                self.show(MARGIN, PAGE.1 - 46.0, header, &setting);
            }
            let x = (PAGE.0 - width(&number, SMALL_SIZE, false)) / 2.0;
            self.show(x, 40.0, &number, &setting);
            page.push_str(&std::mem::take(&mut self.content));
        }
        pages
    }
}

/// Turns `[^1]` into `[1]`.
fn plain(text: &str) -> String {
    text.replace("[^", "[")
}

/// Shares the column by the longest cell of each table column, none narrower than a sixth of an even share.
fn column_widths(rows: &[Vec<String>], columns: usize) -> Vec<f32> {
    let longest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| width(cell, 10.0, true)).fold(30.0, f32::max).min(COLUMN / 2.0)
    };
    let wanted: Vec<f32> = (0..columns).map(|column| longest(column) + 2.0 * CELL_PAD).collect();
    let sum: f32 = wanted.iter().sum();
    wanted.iter().map(|one| one * COLUMN / sum).collect()
}

fn row_height(row: &[String], widths: &[f32], is_bold: bool) -> f32 {
    let lines =
        row.iter().zip(widths).map(|(cell, width)| wrapped(&plain(cell), width - 2.0 * CELL_PAD, 10.0, is_bold).len());
    lines.max().unwrap_or(1).max(1) as f32 * 13.0 + 2.0 * CELL_PAD
}

/// Breaks a text into lines no wider than `limit`, between words or next to a Chinese character.
fn wrapped(text: &str, limit: f32, size: f32, is_bold: bool) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    for piece in pieces(text) {
        let piece_width = width(piece.trim_end(), size, is_bold);
        if used > 0.0 && used + piece_width > limit {
            lines.push(String::new());
            used = 0.0;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(piece);
        }
        used += piece.chars().map(|character| advance(character, is_bold)).sum::<f32>() * size / 1000.0;
    }
    lines.iter().map(|line| line.trim_end().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// Cuts a text into what must stay together: a word with its space, or a Chinese character with its punctuation.
fn pieces(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        let joins =
            matches!(character, '，' | '。' | '、' | '；' | '：' | '！' | '？' | '）' | '”' | '》' | '…' | '%' | ']');
        let is_open = matches!(before, '（' | '“' | '《' | '[');
        let is_edge = before == ' ' || is_wide(before) || is_wide(character);
        if at > start && is_edge && character != ' ' && !joins && !is_open {
            found.push(&text[start..at]);
            start = at;
        }
        before = character;
    }
    found.push(&text[start..]);
    found
}

fn is_wide(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
}
