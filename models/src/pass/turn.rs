//! Passes that bring rows into the order, and the precision, in which a product reads them.

use crate::gemm::{Arithmetic, PANEL, Pass, round_half, split};

/// Turns the rows of a panel into the columns of panels: what a text's keys are for its queries.
///
/// Panel `p` of the result has one row for each column of the source, with the source's rows from `PANEL * p` on; its
/// rows behind the source's last are zero. Panels are `stride` numbers apart.
pub(crate) struct Transpose<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) columns: &'a mut [f32],
    pub(crate) stride: usize,
}

impl Pass for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let blocks = self.rows.chunks(PANEL * PANEL);
        for (rows, columns) in blocks.zip(self.columns.chunks_mut(self.stride)) {
            let rows = rows.as_chunks::<PANEL>().0;
            for (column, values) in columns.as_chunks_mut::<PANEL>().0.iter_mut().enumerate().take(PANEL) {
                for (value, row) in values.iter_mut().zip(rows) {
                    *value = row[column];
                }
                values[rows.len()..].fill(0.0);
            }
        }
    }
}

/// Rounds numbers to bf16.
pub(crate) struct RoundHalves<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) halves: &'a mut [u16],
}

impl Pass for RoundHalves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for (half, value) in self.halves.iter_mut().zip(self.values) {
            *half = round_half(*value);
        }
    }
}

/// Splits numbers into two bf16: the upper parts fill the first half of the room, the lower parts the second.
pub(crate) struct SplitHalves<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) halves: &'a mut [u16],
}

impl Pass for SplitHalves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let (high, low) = self.halves.split_at_mut(self.halves.len() / 2);
        for ((high, low), value) in high.iter_mut().zip(low).zip(self.values) {
            [*high, *low] = split(*value);
        }
    }
}

/// Rounds the rows of a panel to bf16 and turns them into the columns of panels, two inputs of a column behind each other.
///
/// The twin of [`Transpose`] for halves; panels of the result are `stride` numbers apart.
pub(crate) struct PairColumns<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) columns: &'a mut [u16],
    pub(crate) stride: usize,
}

impl Pass for PairColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let blocks = self.rows.chunks(PANEL * PANEL);
        for (rows, columns) in blocks.zip(self.columns.chunks_mut(self.stride)) {
            let rows = rows.as_chunks::<PANEL>().0;
            for (pair, columns) in columns.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().enumerate().take(PANEL / 2) {
                for (halves, row) in columns.as_chunks_mut::<2>().0.iter_mut().zip(rows) {
                    *halves = [round_half(row[2 * pair]), round_half(row[2 * pair + 1])];
                }
                columns[2 * rows.len()..].fill(0);
            }
        }
    }
}

/// Rounds the rows of a panel to bf16 and joins each two to one, the halves of a column behind each other.
///
/// Rows of the result behind the last are zero.
pub(crate) struct PairRows<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) pairs: &'a mut [u16],
}

impl Pass for PairRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let rows = self.rows.as_chunks::<PANEL>().0;
        let none = [0.0; PANEL];
        for (index, pair) in self.pairs.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().enumerate() {
            let (even, odd) = (rows.get(2 * index).unwrap_or(&none), rows.get(2 * index + 1).unwrap_or(&none));
            for ((halves, even), odd) in pair.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
                *halves = [round_half(*even), round_half(*odd)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::Level;

    #[test]
    fn transposed_keys_are_where_the_product_looks_for_them() {
        let rows: Vec<f32> = (0..40 * PANEL).map(|i| i as f32).collect();
        let mut columns = vec![-1.0; 2 * PANEL * PANEL];
        Level::get().run(Transpose { rows: &rows, columns: &mut columns, stride: PANEL * PANEL });
        for token in 0..2 * PANEL {
            for column in 0..PANEL {
                let found = columns[token / PANEL * PANEL * PANEL + column * PANEL + token % PANEL];
                assert_eq!(found, if token < 40 { (token * PANEL + column) as f32 } else { 0.0 });
            }
        }
    }
}
