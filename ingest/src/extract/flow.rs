//! Collects items in reading order for formats that say of each paragraph how many tables it stands in.
//!
//! Word's own formats have no element that begins or ends a table: a change of depth does, and marks end cells and rows.

use super::item::Item;
use super::table::Table;
use crate::error::ReadError;
use crate::limits::Limits;

/// What ends together with a paragraph.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum End {
    Paragraph,
    Cell,
    Row,
}

/// Items of one stretch of text, and the tables that are open at its end.
pub(super) struct Flow {
    items: Vec<Item>,
    tables: Vec<OpenTable>,
    depth_max: usize,
    chars_max: usize,
}

/// A table whose end has not been met, with the items of its open cell.
#[derive(Default)]
struct OpenTable {
    table: Table,
    is_row_open: bool,
    cell: Vec<Item>,
}

impl Flow {
    /// Makes an empty one.
    pub(super) fn new(limits: &Limits) -> Self {
        Self { items: Vec::new(), tables: Vec::new(), depth_max: limits.depth_max, chars_max: limits.text_chars_max }
    }

    /// Adds the items of one paragraph that stands in `depth` tables, and what ends with it; blank items are left out.
    ///
    /// # Errors
    /// `LimitExceeded` for the depth, or for the characters of a table that ends here.
    pub(super) fn add(&mut self, depth: usize, items: Vec<Item>, end: End) -> Result<(), ReadError> {
        if depth > self.depth_max {
            return Err(ReadError::LimitExceeded { what: "depth of tables".into(), limit: self.depth_max as u64 });
        }
        while self.tables.len() > depth {
            self.close_table()?;
        }
        self.tables.resize_with(depth, OpenTable::default);
        let items = items.into_iter().filter(|item| !item.text.trim().is_empty());
        let Some(open) = self.tables.last_mut() else {
            self.items.extend(items);
            return Ok(());
        };
        open.cell.extend(items);
        match end {
            End::Paragraph => {}
            End::Cell => open.end_cell(),
            End::Row => open.end_row(),
        }
        Ok(())
    }

    /// Ends all tables and returns the items.
    ///
    /// # Errors
    /// `LimitExceeded` for the characters of a table.
    pub(super) fn finish(mut self) -> Result<Vec<Item>, ReadError> {
        while !self.tables.is_empty() {
            self.close_table()?;
        }
        Ok(self.items)
    }

    fn close_table(&mut self) -> Result<(), ReadError> {
        let Some(mut open) = self.tables.pop() else { return Ok(()) };
        open.end_row();
        let items = open.table.finish(self.chars_max)?;
        match self.tables.last_mut() {
            Some(outer) => outer.cell.extend(items),
            None => self.items.extend(items),
        }
        Ok(())
    }
}

impl OpenTable {
    fn end_cell(&mut self) {
        if !self.is_row_open {
            self.table.open_row();
            self.is_row_open = true;
        }
        self.table.open_cell();
        self.table.fill_cell(std::mem::take(&mut self.cell));
    }

    /// Ends the row; text behind its last cell becomes a cell of its own, so that nothing is lost.
    fn end_row(&mut self) {
        if !self.cell.is_empty() {
            self.end_cell();
        }
        self.is_row_open = false;
    }
}
