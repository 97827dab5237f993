//! The choice of kernels for this processor, made once, and the checked calls into them.
//!
//! Knows no metric: what a dot product or a squared distance means is decided by the caller.

#[cfg(target_arch = "x86_64")]
use super::{avx2::Avx2, avx512::Avx512};
use super::{prefetch::prefetch, scalar};
use std::sync::OnceLock;

/// Row code that stands for 0: rows are stored shifted, because the processor multiplies unsigned by signed bytes.
pub const CODE_ZERO: u8 = 128;

/// Rows of codes or numbers that are fetched ahead.
pub(super) const CODE_ROWS_AHEAD: usize = 4;

/// Rows of bits that are fetched ahead: one is a cache line, and is done in a few nanoseconds.
pub(super) const BIT_ROWS_AHEAD: usize = 16;

/// The kernels that this processor can run.
///
/// The SIMD variants hold a value that exists only after the processor was asked, so calling them is safe.
#[derive(Clone, Copy, Debug)]
pub enum Kernels {
    /// Any processor.
    Scalar,
    /// AVX2 with FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 with VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

macro_rules! dispatch {
    ($kernels:expr, $name:ident($($argument:expr),*)) => {
        match $kernels {
            Kernels::Scalar => scalar::$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx2(proof) => proof.$name($($argument),*),
            #[cfg(target_arch = "x86_64")]
            Kernels::Avx512(proof) => proof.$name($($argument),*),
        }
    };
}

impl Kernels {
    /// Returns the fastest kernels of this processor.
    pub fn get() -> Self {
        static CHOSEN: OnceLock<Kernels> = OnceLock::new();
        *CHOSEN.get_or_init(|| Self::available().pop().unwrap_or(Self::Scalar))
    }

    /// Returns every kind that this processor can run, the slowest first.
    pub fn available() -> Vec<Self> {
        let mut kinds = vec![Self::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            kinds.extend(Avx2::detect().map(Self::Avx2));
            kinds.extend(Avx512::detect().map(Self::Avx512));
        }
        kinds
    }

    /// Returns the name for logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }

    /// Returns the dot product of two vectors of one length.
    #[inline]
    pub fn dot_f32(self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "vectors of one length");
        dispatch!(self, dot_f32(a, b))
    }

    /// Returns the squared Euclidean distance of two vectors of one length.
    #[inline]
    pub fn l2sq_f32(self, a: &[f32], b: &[f32]) -> f32 {
        assert_eq!(a.len(), b.len(), "vectors of one length");
        dispatch!(self, l2sq_f32(a, b))
    }

    /// Returns the dot product of query codes and one row of codes shifted by [`CODE_ZERO`]; exact up to 65,536 codes.
    #[inline]
    pub fn dot_i8(self, query: &[i8], row: &[u8]) -> i32 {
        assert_eq!(query.len(), row.len(), "codes of one length");
        dispatch!(self, dot_i8(query, row))
    }

    /// Writes the dot product with each named row of a row-major matrix.
    pub fn dot_f32_rows(self, query: &[f32], rows: &[f32], ids: &[u32], out: &mut [f32]) {
        for_rows(query.len(), rows, ids, out, |row| dispatch!(self, dot_f32(query, row)));
    }

    /// Writes the squared Euclidean distance to each named row of a row-major matrix.
    pub fn l2sq_f32_rows(self, query: &[f32], rows: &[f32], ids: &[u32], out: &mut [f32]) {
        for_rows(query.len(), rows, ids, out, |row| dispatch!(self, l2sq_f32(query, row)));
    }

    /// Writes the dot product of query codes with each named row of shifted codes; rows are as long as the query.
    pub fn dot_i8_rows(self, query: &[i8], codes: &[u8], ids: &[u32], out: &mut [i32]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(proof) => {
                assert_eq!(ids.len(), out.len(), "one result for each row");
                proof.dot_i8_rows(query, codes, ids, out);
            }
            _ => for_rows(query.len(), codes, ids, out, |row| self.dot_i8(query, row)),
        }
    }

    /// Returns the sum of the query codes whose bit is set; exact for any number of codes that a vector has.
    #[inline]
    pub fn sum_set(self, query: &[i8], bits: &[u64]) -> i32 {
        assert_eq!(query.len(), bits.len() * 64, "a code for each bit");
        dispatch!(self, sum_set(query, bits))
    }

    /// Appends the numbers of the bits that are set, counted from `first`, in rising order.
    pub fn members(self, words: &[u64], first: u32, out: &mut Vec<u32>) {
        dispatch!(self, members(words, first, out));
    }

    /// Writes the sum of the query codes whose bit is set in each named row; a row starts every `stride` words.
    pub fn sum_set_rows(self, query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
        assert_eq!(ids.len(), out.len(), "one result for each row");
        assert!(query.len().is_multiple_of(64) && query.len() / 64 <= stride, "a code for each bit of a row");
        dispatch!(self, sum_set_rows(query, rows, stride, ids, out));
    }
}

/// Applies a kernel to named rows while those of rows to come are being fetched.
#[inline(always)]
pub(super) fn for_rows<T, R>(len: usize, rows: &[T], ids: &[u32], out: &mut [R], kernel: impl Fn(&[T]) -> R) {
    assert_eq!(ids.len(), out.len(), "one result for each row");
    for (at, (&id, out)) in ids.iter().zip(out).enumerate() {
        if let Some(&ahead) = ids.get(at + CODE_ROWS_AHEAD) {
            prefetch(rows, ahead as usize * len, len);
        }
        *out = kernel(&rows[id as usize * len..][..len]);
    }
}

/// Applies a kernel to the bits of named rows while those of rows to come are being fetched.
#[inline(always)]
pub(super) fn for_bit_rows(
    query: &[i8],
    rows: &[u64],
    stride: usize,
    ids: &[u32],
    out: &mut [i32],
    kernel: impl Fn(&[u64]) -> i32,
) {
    let words = query.len() / 64;
    for (at, (&id, out)) in ids.iter().zip(out).enumerate() {
        if let Some(&ahead) = ids.get(at + BIT_ROWS_AHEAD) {
            prefetch(rows, ahead as usize * stride, stride);
        }
        *out = kernel(&rows[id as usize * stride..][..words]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers from a seed, in [-scale, scale].
    fn numbers(len: usize, seed: u64, scale: f32) -> Vec<f32> {
        let mut state = seed.wrapping_mul(2) + 1;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..len).map(|_| next() * scale).collect()
    }

    proptest! {
        #[test]
        fn every_kernel_agrees_with_its_scalar_twin(
            len in 1usize..1025, seed in any::<u64>(), scale in prop::sample::select(vec![1e-3f32, 1.0, 1e4])
        ) {
            let (a, b) = (numbers(len, seed, scale), numbers(len, seed ^ 99, scale));
            let magnitude: f32 = a.iter().zip(&b).map(|(a, b)| (a * b).abs() + (a - b) * (a - b)).sum();
            let codes: Vec<i8> = a.iter().map(|x| (x / scale * 127.0) as i8).collect();
            let row: Vec<u8> = b.iter().map(|x| (x / scale * 127.0) as i8 as u8 ^ CODE_ZERO).collect();
            for kernels in Kernels::available() {
                let close = |x: f32, y: f32| (x - y).abs() <= magnitude * 1e-5;
                prop_assert!(close(kernels.dot_f32(&a, &b), scalar::dot_f32(&a, &b)), "{}", kernels.name());
                prop_assert!(close(kernels.l2sq_f32(&a, &b), scalar::l2sq_f32(&a, &b)), "{}", kernels.name());
                prop_assert_eq!(kernels.dot_i8(&codes, &row), scalar::dot_i8(&codes, &row));
            }
        }

        #[test]
        fn members_are_those_whose_bit_is_set(words in prop::collection::vec(any::<u64>(), 0..20), thin in 0u32..3) {
            let thinned = |word: &u64| (0..thin).fold(*word, |word, turn| word & word.rotate_left(7 + turn) & word >> 1);
            let words: Vec<u64> = words.iter().map(thinned).collect();
            let set = |at: &u32| words[*at as usize / 64] >> (at % 64) & 1 == 1;
            let expected: Vec<u32> = (0..words.len() as u32 * 64).filter(set).map(|at| at + 1000).collect();
            for kernels in Kernels::available() {
                let mut found = vec![7];
                kernels.members(&words, 1000, &mut found);
                prop_assert_eq!((found[0], &found[1..]), (7, &expected[..]), "{}", kernels.name());
            }
        }

        #[test]
        fn sums_over_set_bits_agree(words in 1usize..20, rows in 1usize..20, pad in 0usize..3, seed in any::<u64>()) {
            let query: Vec<i8> = numbers(words * 64, seed, 127.9).iter().map(|&x| x as i8).collect();
            let stride = words + pad;
            let bits: Vec<u64> = numbers(stride * rows * 2, !seed, 1.0).chunks(2)
                .map(|pair| u64::from(pair[0].to_bits()) << 41 ^ u64::from(pair[1].to_bits())).collect();
            let ids: Vec<u32> = (0..rows as u32).rev().chain([0]).collect();
            for kernels in Kernels::available() {
                let mut sums = vec![0; ids.len()];
                kernels.sum_set_rows(&query, &bits, stride, &ids, &mut sums);
                for (&id, sum) in ids.iter().zip(sums) {
                    let row = &bits[id as usize * stride..][..words];
                    let set = |at: &usize| row[at / 64] >> (at % 64) & 1 == 1;
                    let expected: i32 = (0..words * 64).filter(set).map(|at| i32::from(query[at])).sum();
                    prop_assert_eq!((sum, kernels.sum_set(&query, row)), (expected, expected), "{}", kernels.name());
                }
            }
        }

        #[test]
        fn batch_kernels_agree_with_single_ones(
            len in prop_oneof![1usize..200, prop::sample::select(vec![256, 384, 512, 768, 1_024])],
            rows in 1usize..20,
            seed in any::<u64>()
        ) {
            let (query, matrix) = (numbers(len, seed, 1.0), numbers(len * rows, !seed, 1.0));
            let codes: Vec<i8> = query.iter().map(|x| (x * 127.0) as i8).collect();
            let bytes: Vec<u8> = matrix.iter().map(|x| (x * 127.0) as i8 as u8 ^ CODE_ZERO).collect();
            let ids: Vec<u32> = (0..rows as u32).rev().chain([0]).collect();
            for kernels in Kernels::available() {
                let (mut dots, mut squares, mut ints) = (vec![0.0; ids.len()], vec![0.0; ids.len()], vec![0; ids.len()]);
                kernels.dot_f32_rows(&query, &matrix, &ids, &mut dots);
                kernels.l2sq_f32_rows(&query, &matrix, &ids, &mut squares);
                kernels.dot_i8_rows(&codes, &bytes, &ids, &mut ints);
                for (at, &id) in ids.iter().enumerate() {
                    let part = id as usize * len..(id as usize + 1) * len;
                    prop_assert_eq!(dots[at], kernels.dot_f32(&query, &matrix[part.clone()]));
                    prop_assert_eq!(squares[at], kernels.l2sq_f32(&query, &matrix[part.clone()]));
                    prop_assert_eq!(ints[at], scalar::dot_i8(&codes, &bytes[part]));
                }
            }
        }
    }

    #[test]
    fn the_largest_codes_do_not_overflow() {
        let (query, row) = (vec![-127i8; 65_536], vec![255u8; 65_536]);
        for kernels in Kernels::available() {
            assert_eq!(kernels.dot_i8(&query, &row), -127 * 127 * 65_536, "{}", kernels.name());
            assert_eq!(kernels.sum_set(&query, &[u64::MAX; 1_024]), -127 * 65_536, "{}", kernels.name());
        }
    }

    #[test]
    fn values_that_are_no_numbers_do_not_panic() {
        let (a, b) = (vec![f32::NAN; 37], vec![f32::INFINITY; 37]);
        for kernels in Kernels::available() {
            assert!(kernels.dot_f32(&a, &b).is_nan());
            assert!(kernels.l2sq_f32(&b, &b).is_nan());
        }
    }
}
