//! The product of f32 rows with one panel of f32 weights, at each level.
//!
//! It does not know where the numbers come from.

#[cfg(target_arch = "x86_64")]
use super::memory::bytes;
use super::operand::row_blocks;
use super::{Arithmetic, Left, Level, PANEL, Pass};

impl Level {
    /// Writes the product of every row with a panel of weights, [`PANEL`] values a row.
    ///
    /// The panel has `depth` times [`PANEL`] values. `ahead` is what the next product reads, to be fetched meanwhile.
    pub(crate) fn multiply(self, left: Left<f32>, depth: usize, panel: &[f32], ahead: &[f32], out: &mut [f32]) {
        left.check(depth.div_ceil(PANEL), PANEL, left.rows);
        assert!(panel.len() >= depth * PANEL, "a panel has {} values, expected {depth} rows", panel.len());
        assert!(out.len() >= left.rows * PANEL, "there is room for {} values of {} rows", out.len(), left.rows);
        match self {
            Level::Portable => self.run(Product { left, depth, panel, out }),
            // SAFETY: the level proves the features, and the lengths were checked.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2(_) => unsafe {
                super::avx2::multiply_floats(left.operand(), depth, panel.as_ptr(), out.as_mut_ptr());
            },
            // SAFETY: the level proves the features, and the lengths were checked.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512(_) => unsafe {
                let (panel, out) = (panel.as_ptr().cast(), out.as_mut_ptr().cast());
                super::avx512::multiply_floats(left.operand(), depth, panel, out, bytes(ahead));
            },
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = ahead;
    }
}

/// The product in plain code: tiles of four rows by eight columns, which fit sixteen registers of four.
struct Product<'a> {
    left: Left<'a, f32>,
    depth: usize,
    panel: &'a [f32],
    out: &'a mut [f32],
}

const ROWS: usize = 4;
const COLUMNS: usize = 8;

impl Pass for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Product { left, depth, panel, out } = self;
        for rows in row_blocks(left.rows, ROWS) {
            for column in (0..PANEL).step_by(COLUMNS) {
                let (start, mut tile) = (rows.start, [[0.0; COLUMNS]; ROWS]);
                match rows.len() {
                    1 => add_products::<A, 1>(left, start, depth, &panel[column..], &mut tile),
                    2 => add_products::<A, 2>(left, start, depth, &panel[column..], &mut tile),
                    3 => add_products::<A, 3>(left, start, depth, &panel[column..], &mut tile),
                    _ => add_products::<A, ROWS>(left, start, depth, &panel[column..], &mut tile),
                }
                for (row, sums) in rows.clone().zip(tile) {
                    out[row * PANEL + column..][..COLUMNS].copy_from_slice(&sums);
                }
            }
        }
    }
}

#[inline(always)]
fn add_products<A: Arithmetic, const M: usize>(
    left: Left<f32>,
    start: usize,
    depth: usize,
    panel: &[f32],
    tile: &mut [[f32; COLUMNS]; ROWS],
) {
    let mut sums = [[0.0; COLUMNS]; M];
    for (at, first) in (0..depth).step_by(PANEL).zip((start * PANEL..).step_by(left.stride.max(1))) {
        let values = PANEL.min(depth - at);
        let rows: [&[f32]; M] = std::array::from_fn(|row| &left.values[first + row * PANEL..][..values]);
        for value in 0..values {
            let weights = &panel[(at + value) * PANEL..][..COLUMNS];
            for (row, sums) in rows.iter().zip(&mut sums) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum = A::multiply_add(row[value], *weight, *sum);
                }
            }
        }
    }
    tile[..M].copy_from_slice(&sums);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::sample::{floats, shapes};

    #[test]
    fn every_level_agrees_with_its_portable_twin() {
        for (rows, depth, seed) in shapes() {
            let stride = (rows + 1) * PANEL;
            let values = floats(stride * depth.div_ceil(PANEL), seed);
            let panel = floats(depth * PANEL, !seed);
            let left = Left { values: &values, stride, rows };
            let product = |level: Level| {
                let mut out = vec![0.0; rows * PANEL];
                level.multiply(left, depth, &panel, &panel, &mut out);
                out
            };
            let expected = product(Level::Portable);
            for level in Level::available() {
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= depth as f32 * 2e-7;
                assert!(product(level).iter().zip(&expected).all(close), "{} {rows} {depth}", level.name());
            }
        }
    }

    #[test]
    fn a_row_has_the_same_product_beside_any_others() {
        let (rows, depth) = (40, 100usize);
        let stride = rows * PANEL;
        let (values, panel) = (floats(stride * depth.div_ceil(PANEL), 1), floats(depth * PANEL, 2));
        for level in Level::available() {
            let mut all = vec![0.0; rows * PANEL];
            level.multiply(Left { values: &values, stride, rows }, depth, &panel, &[], &mut all);
            for start in 0..rows {
                for rows in 1..=rows - start {
                    let mut some = vec![0.0; rows * PANEL];
                    let left = Left { values: &values[start * PANEL..], stride, rows };
                    level.multiply(left, depth, &panel, &[], &mut some);
                    assert!(some == all[start * PANEL..][..rows * PANEL], "{} {start} {rows}", level.name());
                }
            }
        }
    }
}
