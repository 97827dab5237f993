//! The product of f32 rows with one panel of f32 weights, each number split into two bf16, summed in f32.
//!
//! A number is its nearest bf16 and the nearest bf16 to the rest, which together keep 16 of its 24 bits. Of the four
//! products of two such numbers the smallest is left out, so a product is within 2^-14 of itself. Three products of
//! bf16 on tiles take a third of the time of one of f32. It does not choose when to split.

use super::half::{HALF_DEPTH, round_half, widen_half};
use super::{Arithmetic, Left, Level, PANEL, Pass};
#[cfg(target_arch = "x86_64")]
use super::{amx, amx::Amx, memory::bytes};

/// Numbers of a step of weights: their upper parts, two inputs of a column behind each other, then their lower parts.
const STEP: usize = 2 * HALF_DEPTH * PANEL;

/// How products of split numbers are computed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SplitKernel {
    /// On f32, after widening: slower than without splitting.
    #[cfg_attr(not(test), expect(dead_code, reason = "the twin of the tests"))]
    Widened(Level),
    /// On tiles.
    #[cfg(target_arch = "x86_64")]
    Tiles(Amx),
}

impl SplitKernel {
    /// Returns the kernel that is faster than products of f32, if this processor has one.
    pub(crate) fn get() -> Option<SplitKernel> {
        #[cfg(target_arch = "x86_64")]
        return Amx::detect().map(SplitKernel::Tiles);
        #[cfg(not(target_arch = "x86_64"))]
        None
    }

    /// Returns the name for logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SplitKernel::Widened(_) => "f32-split",
            #[cfg(target_arch = "x86_64")]
            SplitKernel::Tiles(_) => "f32-amx",
        }
    }

    /// Writes the product of every row with a panel of weights, [`PANEL`] values a row.
    ///
    /// `depth` is a multiple of [`HALF_DEPTH`]. The left side has two panels for each of its columns', upper parts and lower
    /// parts. Left side and result have room for rows up to the next multiple of 16; what is written to the rows between is of
    /// no use.
    pub(crate) fn multiply(self, left: Left<u16>, depth: usize, panel: &[u16], ahead: &[u16], out: &mut [f32]) {
        let rows = left.rows.next_multiple_of(16);
        assert!(depth > 0 && depth.is_multiple_of(HALF_DEPTH), "a depth of {depth} is not whole panels");
        left.check(2 * depth / HALF_DEPTH, HALF_DEPTH, rows);
        assert!(panel.len() >= 2 * depth * PANEL, "a panel has {} values, expected {depth} rows", panel.len());
        assert!(out.len() >= rows * PANEL, "there is room for {} values of {rows} rows", out.len());
        match self {
            SplitKernel::Widened(level) => level.run(Product { left, depth, panel, out }),
            // SAFETY: the value proves the features, and the lengths were checked for whole tiles.
            #[cfg(target_arch = "x86_64")]
            SplitKernel::Tiles(_) => unsafe {
                let (panel, out) = (panel.as_ptr().cast(), out.as_mut_ptr().cast());
                amx::multiply_split(left.operand(), depth / HALF_DEPTH, panel, out, bytes(ahead));
            },
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = ahead;
    }
}

/// Returns the upper and the lower part of a number.
#[inline(always)]
pub(crate) fn split(value: f32) -> [u16; 2] {
    let high = round_half(value);
    [high, round_half(value - widen_half(high))]
}

/// Returns the weights of a panel in the order of the kernels.
pub(crate) fn split_panel(depth: usize, at: impl Fn(usize, usize) -> f32) -> Vec<u16> {
    let mut numbers = Vec::with_capacity(depth * 2 * PANEL);
    for first in (0..depth).step_by(HALF_DEPTH) {
        for part in 0..2 {
            for pair in (first..first + HALF_DEPTH).step_by(2) {
                for column in 0..PANEL {
                    numbers.extend([pair, pair + 1].map(|input| split(at(column, input))[part]));
                }
            }
        }
    }
    numbers
}

/// The product in plain code.
struct Product<'a> {
    left: Left<'a, u16>,
    depth: usize,
    panel: &'a [u16],
    out: &'a mut [f32],
}

impl Pass for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Product { left, depth, panel, out } = self;
        for (row, out) in out.chunks_exact_mut(PANEL).enumerate().take(left.rows) {
            let mut sums = [0.0; PANEL];
            for (step, weights) in panel.chunks_exact(STEP).enumerate().take(depth / HALF_DEPTH) {
                let inputs =
                    |part: usize| &left.values[(2 * step + part) * left.stride + row * HALF_DEPTH..][..HALF_DEPTH];
                let (high, low) = weights.split_at(STEP / 2);
                for (inputs, weights) in [(inputs(0), high), (inputs(1), high), (inputs(0), low)] {
                    add_products::<A>(inputs, weights, &mut sums);
                }
            }
            out.copy_from_slice(&sums);
        }
    }
}

#[inline(always)]
fn add_products<A: Arithmetic>(inputs: &[u16], weights: &[u16], sums: &mut [f32; PANEL]) {
    for (inputs, weights) in inputs.as_chunks::<2>().0.iter().zip(weights.as_chunks::<{ 2 * PANEL }>().0) {
        for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
            *sum = A::multiply_add(widen_half(inputs[1]), widen_half(weights[1]), *sum);
            *sum = A::multiply_add(widen_half(inputs[0]), widen_half(weights[0]), *sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::sample::{floats, shapes};

    /// Returns floats split as a left side, with the distance between its panels.
    fn split_left(values: &[f32], rows: usize, depth: usize) -> (Vec<u16>, usize) {
        let stride = rows.next_multiple_of(16) * HALF_DEPTH;
        let mut left = vec![0; 2 * depth / HALF_DEPTH * stride];
        for row in 0..rows {
            for column in 0..depth {
                let at = 2 * (column / HALF_DEPTH) * stride + row * HALF_DEPTH + column % HALF_DEPTH;
                [left[at], left[at + stride]] = split(values[row * depth + column]);
            }
        }
        (left, stride)
    }

    fn kernels() -> impl Iterator<Item = SplitKernel> {
        Level::available().into_iter().map(SplitKernel::Widened).chain(SplitKernel::get())
    }

    #[test]
    fn every_kernel_is_as_near_to_the_product_as_is_promised() {
        for (rows, depth, seed) in shapes() {
            let depth = depth.next_multiple_of(HALF_DEPTH);
            let (values, weights) = (floats(rows * depth, seed), floats(PANEL * depth, !seed));
            let weight = |column: usize, input: usize| weights[column * depth + input];
            let ((left, stride), panel) = (split_left(&values, rows, depth), split_panel(depth, weight));
            for kernel in kernels() {
                let mut out = vec![0.0; rows.next_multiple_of(16) * PANEL];
                kernel.multiply(Left { values: &left, stride, rows }, depth, &panel, &panel, &mut out);
                for (at, found) in out[..rows * PANEL].iter().enumerate() {
                    let (row, column) = (at / PANEL, at % PANEL);
                    let products = (0..depth)
                        .map(|input| f64::from(values[row * depth + input]) * f64::from(weight(column, input)));
                    let (sum, all) = products.fold((0.0, 0.0), |(sum, all), one| (sum + one, all + one.abs()));
                    let apart = (f64::from(*found) - sum).abs();
                    assert!(apart <= all / 16_384.0, "{} {rows} {depth}: {apart:e} of {all}", kernel.name());
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_product_beside_any_others() {
        let (rows, depth) = (40, 96);
        let (values, weights) = (floats(rows * depth, 1), floats(PANEL * depth, 2));
        let panel = split_panel(depth, |column, input| weights[column * depth + input]);
        for kernel in kernels() {
            let product = |from: usize, rows: usize| {
                let (left, stride) = split_left(&values[from * depth..], rows, depth);
                let mut out = vec![0.0; rows.next_multiple_of(16) * PANEL];
                kernel.multiply(Left { values: &left, stride, rows }, depth, &panel, &[], &mut out);
                out.truncate(rows * PANEL);
                out
            };
            let all = product(0, rows);
            for start in 0..rows {
                for rows in 1..=rows - start {
                    assert!(
                        product(start, rows) == all[start * PANEL..][..rows * PANEL],
                        "{} {start} {rows}",
                        kernel.name()
                    );
                }
            }
        }
    }
}
