//! Builds one table from rows of cells, and flattens what stands inside a cell to one line.
//!
//! A table of one column is a frame around ordinary text, and is taken apart again. Merged cells keep their text in the
//! first place and are empty in the others, so that columns stay aligned and nothing is said twice.

use super::item::Item;
use crate::document::BlockKind;
use crate::error::ReadError;

/// Most columns of a table, as in Word; a larger span is a lie.
const COLUMNS_MAX: usize = 63;

/// A table whose end has not been met.
#[derive(Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Default)]
struct Row {
    cells: Vec<Cell>,
    before: usize,
    is_deleted: bool,
}

struct Cell {
    items: Vec<Item>,
    span: usize,
    is_continued: bool,
}

impl Table {
    pub(super) fn open_row(&mut self) {
        self.rows.push(Row::default());
    }

    pub(super) fn open_cell(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.cells.push(Cell { items: Vec::new(), span: 1, is_continued: false });
        }
    }

    pub(super) fn delete_row(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.is_deleted = true;
        }
    }

    /// Leaves columns free before the first cell of the open row.
    pub(super) fn skip_columns(&mut self, columns: usize) {
        if let Some(row) = self.rows.last_mut() {
            row.before = columns.min(COLUMNS_MAX);
        }
    }

    pub(super) fn span_columns(&mut self, columns: usize) {
        if let Some(cell) = self.open() {
            cell.span = columns.clamp(1, COLUMNS_MAX);
        }
    }

    /// Marks the open cell as the lower part of the cell above it.
    pub(super) fn continue_cell(&mut self) {
        if let Some(cell) = self.open() {
            cell.is_continued = true;
        }
    }

    /// Gives the open cell its content.
    pub(super) fn fill_cell(&mut self, items: Vec<Item>) {
        if let Some(cell) = self.open() {
            cell.items = items;
        }
    }

    fn open(&mut self) -> Option<&mut Cell> {
        self.rows.last_mut()?.cells.last_mut()
    }

    /// Returns the table as one item, or the items of a frame one by one.
    ///
    /// # Errors
    /// `LimitExceeded` when the lines grow beyond `chars_max`.
    pub(super) fn finish(self, chars_max: usize) -> Result<Vec<Item>, ReadError> {
        let mut rows: Vec<Row> = self.rows.into_iter().filter(|row| !row.is_deleted).collect();
        if rows.iter().all(|row| row.cells.len() <= 1) {
            return Ok(rows.iter_mut().flat_map(|row| row.cells.drain(..)).flat_map(|cell| cell.items).collect());
        }
        let mut cells = Vec::with_capacity(rows.len());
        let mut text = String::new();
        for row in &rows {
            let line = written(row);
            if line.iter().all(String::is_empty) {
                continue;
            }
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(line.join(" | ").trim_matches([' ', '|']));
            if text.len() > chars_max.saturating_mul(4) {
                return Err(ReadError::LimitExceeded { what: "characters of text".into(), limit: chars_max as u64 });
            }
            cells.push(padded(row, line));
        }
        Ok(vec![Item { cells, ..Item::of(BlockKind::Table, text) }])
    }
}

/// Returns the text of each cell that the row has, without padding for spans, which only clutters a line.
fn written(row: &Row) -> Vec<String> {
    let text = |cell: &Cell| if cell.is_continued { String::new() } else { flat(&cell.items) };
    row.cells.iter().map(text).collect()
}

/// Spreads the cells over the columns of the grid.
fn padded(row: &Row, line: Vec<String>) -> Vec<String> {
    let mut columns = vec![String::new(); row.before];
    for (cell, text) in row.cells.iter().zip(line) {
        columns.push(text);
        columns.extend(std::iter::repeat_n(String::new(), cell.span - 1));
    }
    columns
}

/// Joins all text of a cell with single spaces.
fn flat(items: &[Item]) -> String {
    let words = items.iter().flat_map(|item| item.text.split_whitespace());
    words.fold(String::new(), |mut line, word| {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        line
    })
}
