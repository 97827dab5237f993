//! The product of floats for processors with AVX2 and FMA.
//!
//! A tile is six rows and half a panel of columns: twelve sums, two registers of weights and one of the left side fill
//! fifteen of the sixteen registers. It does not check lengths; its caller has.

use std::arch::x86_64::*;

use super::PANEL;
use super::operand::{Operand, row_blocks};

/// Rows in a tile.
const ROWS: usize = 6;
/// Columns in a tile.
const COLUMNS: usize = 16;

/// Multiplies all rows with one panel of weights.
///
/// # Safety
/// The processor has the features; `left` has its rows in enough panels for `depth` values, `right` has `depth` times
/// [`PANEL`] values, `out` has room for [`PANEL`] values a row.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn multiply_floats(left: Operand<f32>, depth: usize, right: *const f32, out: *mut f32) {
    for half in [0, COLUMNS] {
        for rows in row_blocks(left.rows, ROWS) {
            // SAFETY: the rows are among those that the caller vouches for, the columns are inside the panel.
            unsafe {
                let first = left.values.add(rows.start * PANEL);
                let (right, out) = (right.add(half), out.add(rows.start * PANEL + half));
                match rows.len() {
                    1 => tile::<1>(first, left.stride, depth, right, out),
                    2 => tile::<2>(first, left.stride, depth, right, out),
                    3 => tile::<3>(first, left.stride, depth, right, out),
                    4 => tile::<4>(first, left.stride, depth, right, out),
                    5 => tile::<5>(first, left.stride, depth, right, out),
                    _ => tile::<ROWS>(first, left.stride, depth, right, out),
                }
            }
        }
    }
}

/// Multiplies `M` rows with half a panel.
///
/// # Safety
/// As for the product, for `M` rows from `left` on and the columns from `right` and `out` on.
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const M: usize>(
    mut left: *const f32,
    stride: usize,
    depth: usize,
    mut right: *const f32,
    out: *mut f32,
) {
    let mut sums = [[_mm256_setzero_ps(); 2]; M];
    let mut rest = depth;
    while rest > 0 {
        let values = rest.min(PANEL);
        for value in 0..values {
            // SAFETY: `value` is inside a row of the panel at `left`, `right` inside the panel of weights.
            unsafe {
                let weights = [_mm256_loadu_ps(right), _mm256_loadu_ps(right.add(8))];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let a = _mm256_set1_ps(*left.add(row * PANEL + value));
                    for (sum, b) in sums.iter_mut().zip(weights) {
                        *sum = _mm256_fmadd_ps(a, b, *sum);
                    }
                }
                right = right.wrapping_add(PANEL);
            }
        }
        rest -= values;
        left = left.wrapping_add(stride);
    }
    for (row, sums) in sums.iter().enumerate() {
        // SAFETY: `out` has room for half a panel in `M` rows.
        unsafe {
            _mm256_storeu_ps(out.add(row * PANEL), sums[0]);
            _mm256_storeu_ps(out.add(row * PANEL + 8), sums[1]);
        }
    }
}
