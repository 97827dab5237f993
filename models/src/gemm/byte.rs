//! The product of rows of bytes with one panel of signed weights, exact in i32.
//!
//! Weights are stored in fours of inputs: for each four and column four numbers behind each other. It does not know what
//! a byte stands for.

use super::{Arithmetic, Left, Level, PANEL, Pass};
#[cfg(target_arch = "x86_64")]
use super::{amx, amx::Amx, avx512, avx512::ByteDot, memory::bytes};

/// Inputs in a panel of the left side; depths are multiples of it.
pub(crate) const BYTE_DEPTH: usize = 64;

/// How products of bytes are computed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ByteKernel {
    /// In plain code.
    Portable(Level),
    /// By the dot product of fours that AVX-512 has (VNNI).
    #[cfg(target_arch = "x86_64")]
    Dot(ByteDot),
    /// On tiles.
    #[cfg(target_arch = "x86_64")]
    Tiles(Amx),
}

impl ByteKernel {
    /// Returns the fastest kernel of this processor.
    pub(crate) fn get() -> ByteKernel {
        ByteKernel::available().pop().unwrap_or(ByteKernel::Portable(Level::Portable))
    }

    /// Returns every kernel that this processor has, the slowest first.
    pub(crate) fn available() -> Vec<ByteKernel> {
        let mut kernels: Vec<ByteKernel> = Level::available().into_iter().map(ByteKernel::Portable).collect();
        #[cfg(target_arch = "x86_64")]
        {
            kernels.extend(ByteDot::detect().map(ByteKernel::Dot));
            kernels.extend(Amx::detect().map(ByteKernel::Tiles));
        }
        kernels
    }

    /// Returns the name for logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            ByteKernel::Portable(_) => "int8-portable",
            #[cfg(target_arch = "x86_64")]
            ByteKernel::Dot(_) => "int8-avx512",
            #[cfg(target_arch = "x86_64")]
            ByteKernel::Tiles(_) => "int8-amx",
        }
    }

    /// Writes the product of every row with a panel of weights, [`PANEL`] sums a row, each as the bits of an i32.
    ///
    /// `depth` is a multiple of [`BYTE_DEPTH`], up to 65,536, so that no sum overflows. Left side and result have room for
    /// rows up to the next multiple of 16; what is written to the rows between is of no use. Bits of f32 are what the
    /// other products write, so that all share one buffer.
    pub(crate) fn multiply(self, left: Left<u8>, depth: usize, panel: &[i8], ahead: &[i8], out: &mut [f32]) {
        let rows = left.rows.next_multiple_of(16);
        assert!(
            (1..=65_536).contains(&depth) && depth.is_multiple_of(BYTE_DEPTH),
            "a depth of {depth} is not whole panels"
        );
        left.check(depth / BYTE_DEPTH, BYTE_DEPTH, rows);
        assert!(panel.len() >= depth * PANEL, "a panel has {} values, expected {depth} rows", panel.len());
        assert!(out.len() >= rows * PANEL, "there is room for {} values of {rows} rows", out.len());
        match self {
            ByteKernel::Portable(level) => level.run(Product { left, depth, panel, out }),
            // SAFETY: the value proves the features, and the lengths were checked.
            #[cfg(target_arch = "x86_64")]
            ByteKernel::Dot(_) => unsafe {
                let (panel, out) = (panel.as_ptr().cast(), out.as_mut_ptr().cast());
                avx512::multiply_bytes(left.operand(), depth / 4, panel, out, bytes(ahead));
            },
            // SAFETY: the value proves the features, and the lengths were checked for whole tiles.
            #[cfg(target_arch = "x86_64")]
            ByteKernel::Tiles(_) => unsafe {
                let (panel, out) = (panel.as_ptr().cast(), out.as_mut_ptr().cast());
                amx::multiply_bytes(left.operand(), depth / BYTE_DEPTH, panel, out, bytes(ahead));
            },
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = ahead;
    }
}

/// The product in plain code.
struct Product<'a> {
    left: Left<'a, u8>,
    depth: usize,
    panel: &'a [i8],
    out: &'a mut [f32],
}

impl Pass for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Product { left, depth, panel, out } = self;
        for (row, out) in out.chunks_exact_mut(PANEL).enumerate().take(left.rows) {
            let mut sums = [0i32; PANEL];
            for (four, weights) in panel.as_chunks::<{ 4 * PANEL }>().0.iter().enumerate().take(depth / 4) {
                let at = 4 * four;
                let inputs = &left.values[at / BYTE_DEPTH * left.stride + row * BYTE_DEPTH + at % BYTE_DEPTH..][..4];
                for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<4>().0) {
                    for (input, weight) in inputs.iter().zip(weights) {
                        *sum += i32::from(*input) * i32::from(*weight);
                    }
                }
            }
            for (out, sum) in out.iter_mut().zip(sums) {
                *out = f32::from_bits(sum as u32);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::sample::{floats, shapes};

    /// Returns the sums of a product.
    fn product(kernel: ByteKernel, left: Left<u8>, depth: usize, panel: &[i8]) -> Vec<i32> {
        let mut out = vec![0.0; left.rows.next_multiple_of(16) * PANEL];
        kernel.multiply(left, depth, panel, panel, &mut out);
        out[..left.rows * PANEL].iter().map(|sum| sum.to_bits() as i32).collect()
    }

    #[test]
    fn every_kernel_equals_its_portable_twin() {
        for (rows, depth, seed) in shapes() {
            let depth = depth.next_multiple_of(BYTE_DEPTH);
            let stride = rows.next_multiple_of(16) * BYTE_DEPTH;
            let values = floats(stride * depth / BYTE_DEPTH, seed).into_iter().map(|x| (x * 127.0 + 128.0) as u8);
            let values: Vec<u8> = values.collect();
            let panel: Vec<i8> = floats(depth * PANEL, !seed).into_iter().map(|x| (x * 127.0) as i8).collect();
            let left = Left { values: &values, stride, rows };
            let expected = product(ByteKernel::Portable(Level::Portable), left, depth, &panel);
            for kernel in ByteKernel::available() {
                assert_eq!(product(kernel, left, depth, &panel), expected, "{} {rows} {depth}", kernel.name());
            }
        }
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let depth = 65_536;
        let (values, panel) = (vec![255u8; 16 * depth], vec![-127i8; depth * PANEL]);
        for kernel in ByteKernel::available() {
            let left = Left { values: &values, stride: 16 * BYTE_DEPTH, rows: 2 };
            assert_eq!(product(kernel, left, depth, &panel), [-127 * 255 * 65_536; 2 * PANEL], "{}", kernel.name());
        }
    }
}
