//! The product of bf16 rows with one panel of bf16 weights, summed in f32.
//!
//! Weights are stored in pairs of inputs: for each pair and column two numbers behind each other. It does not choose when
//! to use bf16.

use super::{Arithmetic, Left, Level, PANEL, Pass};
#[cfg(target_arch = "x86_64")]
use super::{amx, amx::Amx, avx512, avx512::HalfDot, memory::bytes};

/// Inputs in a panel of the left side; depths are multiples of it.
pub(crate) const HALF_DEPTH: usize = 32;

/// How products of bf16 are computed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HalfKernel {
    /// On f32, after widening.
    Widened(Level),
    /// By the dot product of pairs that AVX-512 has.
    #[cfg(target_arch = "x86_64")]
    Dot(HalfDot),
    /// On tiles.
    #[cfg(target_arch = "x86_64")]
    Tiles(Amx),
}

impl HalfKernel {
    /// Returns the fastest kernel of this processor.
    pub(crate) fn get() -> HalfKernel {
        HalfKernel::available().pop().unwrap_or(HalfKernel::Widened(Level::Portable))
    }

    /// Returns every kernel that this processor has, the slowest first.
    pub(crate) fn available() -> Vec<HalfKernel> {
        let mut kernels: Vec<HalfKernel> = Level::available().into_iter().map(HalfKernel::Widened).collect();
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(HalfDot::detect().map(HalfKernel::Dot));
            kernels.extend(Amx::detect().map(HalfKernel::Tiles));
        }
        kernels
    }

    /// Returns the name for logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            HalfKernel::Widened(_) => "bf16-widened",
            #[cfg(target_arch = "x86_64")]
            HalfKernel::Dot(_) => "bf16-avx512",
            #[cfg(target_arch = "x86_64")]
            HalfKernel::Tiles(_) => "bf16-amx",
        }
    }

    /// Says whether products run on tiles, many times faster than those of floats.
    pub(crate) fn is_tiles(self) -> bool {
        match self {
            HalfKernel::Widened(_) => false,
            #[cfg(target_arch = "x86_64")]
            HalfKernel::Dot(_) => false,
            #[cfg(target_arch = "x86_64")]
            HalfKernel::Tiles(_) => true,
        }
    }

    /// Writes the product of every row with a panel of weights, [`PANEL`] values a row.
    ///
    /// `depth` is a multiple of [`HALF_DEPTH`]. Left side and result have room for rows up to the next multiple of 16;
    /// what is written to the rows between is of no use.
    pub(crate) fn multiply(self, left: Left<u16>, depth: usize, panel: &[u16], ahead: &[u16], out: &mut [f32]) {
        let rows = left.rows.next_multiple_of(16);
        assert!(depth > 0 && depth.is_multiple_of(HALF_DEPTH), "a depth of {depth} is not whole panels");
        left.check(depth / HALF_DEPTH, HALF_DEPTH, rows);
        assert!(panel.len() >= depth * PANEL, "a panel has {} values, expected {depth} rows", panel.len());
        assert!(out.len() >= rows * PANEL, "there is room for {} values of {rows} rows", out.len());
        match self {
            HalfKernel::Widened(level) => level.run(Product { left, depth, panel, out }),
            // SAFETY: the value proves the features, and the lengths were checked.
            #[cfg(target_arch = "x86_64")]
            HalfKernel::Dot(_) => unsafe {
                let (panel, out) = (panel.as_ptr().cast(), out.as_mut_ptr().cast());
                avx512::multiply_halves(left.operand(), depth / 2, panel, out, bytes(ahead));
            },
            // SAFETY: the value proves the features, and the lengths were checked for whole tiles.
            #[cfg(target_arch = "x86_64")]
            HalfKernel::Tiles(_) => unsafe {
                let (panel, out) = (panel.as_ptr().cast(), out.as_mut_ptr().cast());
                amx::multiply_halves(left.operand(), depth / HALF_DEPTH, panel, out, bytes(ahead));
            },
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = ahead;
    }
}

/// Returns the nearest bf16, of two equally near ones the even one.
#[inline(always)]
pub(crate) fn round_half(value: f32) -> u16 {
    let bits = value.to_bits();
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

/// Returns the f32 of the same value.
#[inline(always)]
pub(super) fn widen_half(half: u16) -> f32 {
    f32::from_bits(u32::from(half) << 16)
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
            for (pair, weights) in panel.as_chunks::<{ 2 * PANEL }>().0.iter().enumerate().take(depth / 2) {
                let at = 2 * pair;
                let inputs = &left.values[at / HALF_DEPTH * left.stride + row * HALF_DEPTH + at % HALF_DEPTH..][..2];
                let (even, odd) = (widen_half(inputs[0]), widen_half(inputs[1]));
                for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<2>().0) {
                    *sum = A::multiply_add(odd, widen_half(weights[1]), *sum);
                    *sum = A::multiply_add(even, widen_half(weights[0]), *sum);
                }
            }
            out.copy_from_slice(&sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::sample::{floats, shapes};

    fn halves(length: usize, seed: u64) -> Vec<u16> {
        floats(length, seed).into_iter().map(round_half).collect()
    }

    #[test]
    fn every_kernel_agrees_with_its_portable_twin() {
        for (rows, depth, seed) in shapes() {
            let depth = depth.next_multiple_of(HALF_DEPTH);
            let stride = rows.next_multiple_of(16) * HALF_DEPTH;
            let (values, panel) = (halves(stride * depth / HALF_DEPTH, seed), halves(depth * PANEL, !seed));
            let left = Left { values: &values, stride, rows };
            let product = |kernel: HalfKernel| {
                let mut out = vec![0.0; rows.next_multiple_of(16) * PANEL];
                kernel.multiply(left, depth, &panel, &panel, &mut out);
                out.truncate(rows * PANEL);
                out
            };
            let expected = product(HalfKernel::Widened(Level::Portable));
            for kernel in HalfKernel::available() {
                let close = |(a, b): (&f32, &f32)| (a - b).abs() <= depth as f32 * 2e-7;
                assert!(product(kernel).iter().zip(&expected).all(close), "{} {rows} {depth}", kernel.name());
            }
        }
    }

    #[test]
    fn rounding_is_to_nearest_even() {
        let check = |value: f32, expected: f32| assert_eq!(widen_half(round_half(value)), expected, "{value}");
        check(1.0, 1.0);
        check(1.0 + 1.0 / 256.0, 1.0);
        check(1.0 + 3.0 / 256.0, 1.0 + 4.0 / 256.0);
        check(-1.0 - 1.0 / 200.0, -1.0 - 1.0 / 128.0);
        check(0.0, 0.0);
    }
}
