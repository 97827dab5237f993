//! Products for processors with AVX-512: floats, and pairs of bf16 or fours of bytes where the processor has those.
//!
//! One tile is up to 14 rows and one panel of columns, summed in registers over the whole depth, as in Goto and van de
//! Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008). The left side is not packed: 14 rows of a panel
//! lie behind each other already. It does not check lengths; its callers have.

use std::arch::x86_64::*;

use super::PANEL;
use super::operand::{Ahead, Operand, row_blocks};

/// Rows in a tile: 28 sums, two registers of weights and one of the left side nearly fill the 32 registers.
const ROWS: usize = 14;

/// A word of the left side: one f32, two bf16, or four bytes. A row of a panel of weights has as many.
type Word = i32;

/// Defines the product and its tile for one kind of word.
macro_rules! product {
    ($product:ident, $tile:ident, $features:literal, $row_words:literal, |$sum:ident, $a:ident, $b:ident| $dot:expr) => {
        /// Multiplies all rows with one panel of weights.
        ///
        /// # Safety
        /// The processor has the features; `left` has its rows in enough panels for `depth` words, `right` has `depth`
        /// times [`PANEL`] words, `out` has room for [`PANEL`] words a row.
        #[target_feature(enable = $features)]
        pub(super) unsafe fn $product(
            left: Operand<Word>,
            depth: usize,
            right: *const Word,
            out: *mut Word,
            ahead: &[u8],
        ) {
            let blocks = left.rows.div_ceil(ROWS);
            let mut ahead = Ahead::new(ahead, blocks * depth);
            for rows in row_blocks(left.rows, ROWS) {
                // SAFETY: the rows are among those that the caller vouches for.
                unsafe {
                    let first = left.values.add(rows.start * $row_words);
                    let out = out.add(rows.start * PANEL);
                    match rows.len() {
                        1 => $tile::<1>(first, left.stride, depth, right, out, &mut ahead),
                        2 => $tile::<2>(first, left.stride, depth, right, out, &mut ahead),
                        3 => $tile::<3>(first, left.stride, depth, right, out, &mut ahead),
                        4 => $tile::<4>(first, left.stride, depth, right, out, &mut ahead),
                        5 => $tile::<5>(first, left.stride, depth, right, out, &mut ahead),
                        6 => $tile::<6>(first, left.stride, depth, right, out, &mut ahead),
                        7 => $tile::<7>(first, left.stride, depth, right, out, &mut ahead),
                        8 => $tile::<8>(first, left.stride, depth, right, out, &mut ahead),
                        9 => $tile::<9>(first, left.stride, depth, right, out, &mut ahead),
                        10 => $tile::<10>(first, left.stride, depth, right, out, &mut ahead),
                        11 => $tile::<11>(first, left.stride, depth, right, out, &mut ahead),
                        12 => $tile::<12>(first, left.stride, depth, right, out, &mut ahead),
                        13 => $tile::<13>(first, left.stride, depth, right, out, &mut ahead),
                        _ => $tile::<ROWS>(first, left.stride, depth, right, out, &mut ahead),
                    }
                }
            }
        }

        /// Multiplies `M` rows with one panel.
        ///
        /// # Safety
        /// As for the product, for `M` rows from `left` on.
        #[target_feature(enable = $features)]
        unsafe fn $tile<const M: usize>(
            mut left: *const Word,
            stride: usize,
            depth: usize,
            mut right: *const Word,
            out: *mut Word,
            ahead: &mut Ahead,
        ) {
            let mut sums = [[_mm512_setzero_si512(); 2]; M];
            let mut rest = depth;
            while rest > 0 {
                let words = rest.min($row_words);
                for word in 0..words {
                    // SAFETY: `word` is inside a row of the panel at `left`, `right` inside the panel of weights;
                    // prefetching has no effect on memory.
                    unsafe {
                        let weights = [_mm512_loadu_si512(right.cast()), _mm512_loadu_si512(right.add(16).cast())];
                        ahead.fetch();
                        for (row, sums) in sums.iter_mut().enumerate() {
                            let $a = _mm512_set1_epi32(*left.add(row * $row_words + word));
                            for (sum, $b) in sums.iter_mut().zip(weights) {
                                let $sum = *sum;
                                *sum = $dot;
                            }
                        }
                        right = right.add(PANEL);
                    }
                }
                rest -= words;
                left = left.wrapping_add(stride);
            }
            for (row, sums) in sums.iter().enumerate() {
                // SAFETY: `out` has room for `M` rows of a panel.
                unsafe {
                    _mm512_storeu_si512(out.add(row * PANEL).cast(), sums[0]);
                    _mm512_storeu_si512(out.add(row * PANEL + 16).cast(), sums[1]);
                }
            }
        }
    };
}

product!(multiply_floats, float_tile, "avx512f", 32, |sum, a, b| {
    let product = _mm512_fmadd_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b), _mm512_castsi512_ps(sum));
    _mm512_castps_si512(product)
});

product!(multiply_halves, half_tile, "avx512f,avx512bf16", 16, |sum, a, b| {
    let (a, b) = (std::mem::transmute::<__m512i, __m512bh>(a), std::mem::transmute::<__m512i, __m512bh>(b));
    _mm512_castps_si512(_mm512_dpbf16_ps(_mm512_castsi512_ps(sum), a, b))
});

product!(multiply_bytes, byte_tile, "avx512f,avx512vnni", 16, |sum, a, b| _mm512_dpbusd_epi32(sum, a, b));

/// Proof that the processor has AVX-512 with products of bf16.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HalfDot(());

/// Proof that the processor has AVX-512 with products of bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ByteDot(());

impl HalfDot {
    /// Asks the processor.
    pub(super) fn detect() -> Option<HalfDot> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16")).then_some(HalfDot(()))
    }
}

impl ByteDot {
    /// Asks the processor.
    pub(super) fn detect() -> Option<ByteDot> {
        (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")).then_some(ByteDot(()))
    }
}
