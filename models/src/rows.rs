//! A matrix of activations in panels, as the products read and write it.
//!
//! It does not compute.

use crate::gemm::{BYTE_DEPTH, Buffer, HALF_DEPTH, Left, Number, PANEL};

/// A matrix of activations: panels of columns, each with its rows behind each other.
///
/// There is room for rows up to the next multiple of 16, because some products write whole tiles, and for one more: with
/// an odd distance between panels, the parts of a row fall into different sets of the first cache.
pub(crate) struct Rows<N> {
    numbers: Buffer<N>,
    /// Columns in a panel.
    width: usize,
    rows: usize,
    panels: usize,
}

impl Rows<f32> {
    /// Returns an empty matrix of f32.
    pub(crate) fn floats() -> Rows<f32> {
        Rows { numbers: Buffer::new(), width: PANEL, rows: 0, panels: 0 }
    }
}

impl Rows<u16> {
    /// Returns an empty matrix of bf16.
    pub(crate) fn halves() -> Rows<u16> {
        Rows { numbers: Buffer::new(), width: HALF_DEPTH, rows: 0, panels: 0 }
    }
}

impl Rows<u8> {
    /// Returns an empty matrix of bytes.
    pub(crate) fn bytes() -> Rows<u8> {
        Rows { numbers: Buffer::new(), width: BYTE_DEPTH, rows: 0, panels: 0 }
    }
}

impl<N: Number> Rows<N> {
    /// Makes it a matrix of so many rows and columns, with whatever values.
    pub(crate) fn shape(&mut self, rows: usize, columns: usize) {
        self.rows = rows;
        self.panels = columns.div_ceil(self.width);
        self.numbers.reserve(self.panels * self.stride());
    }

    /// Makes it a matrix of fewer rows, with whatever values.
    pub(crate) fn cut(&mut self, rows: usize) {
        self.rows = rows;
    }

    /// Keeps only the numbered rows, which come in ascending order.
    pub(crate) fn keep(&mut self, rows: &[usize]) {
        let (from, width) = (self.stride(), self.width);
        self.rows = rows.len();
        let to_panel = self.stride();
        // No row moves to where one lies that is still to be moved: panels and rows only come closer to the front.
        for panel in 0..self.panels {
            for (to, row) in rows.iter().enumerate() {
                let source = panel * from + row * width;
                self.numbers.copy_within(source..source + width, panel * to_panel + to * width);
            }
        }
    }

    /// Returns the number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the distance between panels in numbers.
    pub(crate) fn stride(&self) -> usize {
        (self.rows.next_multiple_of(16) + 1) * self.width
    }

    /// Returns all numbers; the first panel's first row comes first.
    pub(crate) fn numbers_mut(&mut self) -> &mut [N] {
        &mut self.numbers
    }

    /// Returns the panels, each with the room behind its rows.
    pub(crate) fn panels(&self) -> impl Iterator<Item = &[N]> {
        self.numbers.chunks_exact(self.stride()).take(self.panels)
    }

    /// Returns the panels, each with the room behind its rows.
    pub(crate) fn panels_mut(&mut self) -> impl Iterator<Item = &mut [N]> + Send {
        self.groups_mut(1)
    }

    /// Returns groups of so many panels.
    pub(crate) fn groups_mut(&mut self, panels: usize) -> impl Iterator<Item = &mut [N]> + Send {
        let size = panels * self.stride();
        self.numbers.chunks_exact_mut(size).take(self.panels / panels)
    }

    /// Returns the rows from `row` on, and the columns from the panel on.
    pub(crate) fn left(&self, panel: usize, row: usize) -> Left<'_, N> {
        let values = &self.numbers[panel * self.stride() + row * self.width..];
        Left { values, stride: self.stride(), rows: self.rows - row }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_rows_are_those_that_were_there() {
        let mut rows = Rows::floats();
        rows.shape(70, 3 * PANEL);
        let stride = rows.stride();
        let value = |panel: usize, row: usize| (panel * 100 + row) as f32;
        for panel in 0..3 {
            for row in 0..70 {
                rows.numbers_mut()[panel * stride + row * PANEL..][..PANEL].fill(value(panel, row));
            }
        }
        let kept = [0, 3, 4, 40, 69];
        rows.keep(&kept);
        assert_eq!(rows.rows(), kept.len());
        for (panel, values) in rows.panels().enumerate() {
            for (row, values) in kept.into_iter().zip(values.chunks_exact(PANEL)) {
                assert_eq!(values, [value(panel, row); PANEL]);
            }
        }
    }
}
