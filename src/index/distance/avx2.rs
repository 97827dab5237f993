//! Kernels for processors with AVX2 and FMA.
//!
//! Takes slices of one length: the caller has checked that.

use super::kernels::{CODE_ZERO, for_bit_rows};
use std::arch::x86_64::*;

/// Proof that the processor has AVX2, FMA, POPCNT and BMI1.
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

impl Avx2 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("bmi1");
        found.then_some(Self(()))
    }

    /// Sums the products of two vectors.
    #[inline]
    pub fn dot_f32(self, a: &[f32], b: &[f32]) -> f32 {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { dot_f32(a, b) }
    }

    /// Sums the squared differences of two vectors.
    #[inline]
    pub fn l2sq_f32(self, a: &[f32], b: &[f32]) -> f32 {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { l2sq_f32(a, b) }
    }

    /// Sums the products of signed query codes and shifted row codes.
    #[inline]
    pub fn dot_i8(self, query: &[i8], row: &[u8]) -> i32 {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { dot_i8(query, row) }
    }

    /// Appends the numbers of the bits that are set.
    #[inline]
    pub fn members(self, words: &[u64], first: u32, out: &mut Vec<u32>) {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { members(words, first, out) }
    }

    /// Sums the query codes whose bit is set.
    #[inline]
    pub fn sum_set(self, query: &[i8], bits: &[u64]) -> i32 {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { sum_set(query, bits) }
    }

    /// Sums the query codes whose bit is set in each named row.
    #[inline]
    pub fn sum_set_rows(self, query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { sum_set_rows(query, rows, stride, ids, out) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    let (mut first, mut second) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    let (a_pairs, b_pairs) = (a.chunks_exact(16), b.chunks_exact(16));
    let tail: f32 = a_pairs.remainder().iter().zip(b_pairs.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_pairs.zip(b_pairs) {
        first = _mm256_fmadd_ps(load_f32(&a[..8]), load_f32(&b[..8]), first);
        second = _mm256_fmadd_ps(load_f32(&a[8..]), load_f32(&b[8..]), second);
    }
    sum_f32(_mm256_add_ps(first, second)) + tail
}

#[target_feature(enable = "avx2,fma")]
fn l2sq_f32(a: &[f32], b: &[f32]) -> f32 {
    let (mut first, mut second) = (_mm256_setzero_ps(), _mm256_setzero_ps());
    let (a_pairs, b_pairs) = (a.chunks_exact(16), b.chunks_exact(16));
    let tail: f32 = a_pairs.remainder().iter().zip(b_pairs.remainder()).map(|(a, b)| (a - b) * (a - b)).sum();
    for (a, b) in a_pairs.zip(b_pairs) {
        let low = _mm256_sub_ps(load_f32(&a[..8]), load_f32(&b[..8]));
        let high = _mm256_sub_ps(load_f32(&a[8..]), load_f32(&b[8..]));
        first = _mm256_fmadd_ps(low, low, first);
        second = _mm256_fmadd_ps(high, high, second);
    }
    sum_f32(_mm256_add_ps(first, second)) + tail
}

/// Widens to 16 bits first: multiplying bytes directly saturates at 32,767 for codes above 128.
#[target_feature(enable = "avx2,fma")]
fn dot_i8(query: &[i8], row: &[u8]) -> i32 {
    let zero = _mm256_set1_epi16(i16::from(CODE_ZERO));
    let mut sum = _mm256_setzero_si256();
    let (query, row) = (query.chunks_exact(16), row.chunks_exact(16));
    let tail = super::scalar::dot_i8(query.remainder(), row.remainder());
    for (query, row) in query.zip(row) {
        // SAFETY: both chunks are 16 bytes long and the loads need no alignment.
        let (query, row) = unsafe { (_mm_loadu_si128(query.as_ptr().cast()), _mm_loadu_si128(row.as_ptr().cast())) };
        let row = _mm256_sub_epi16(_mm256_cvtepu8_epi16(row), zero);
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_cvtepi8_epi16(query), row));
    }
    sum_i32(sum) + tail
}

#[target_feature(enable = "popcnt,bmi1")]
fn members(words: &[u64], first: u32, out: &mut Vec<u32>) {
    super::scalar::members(words, first, out);
}

/// Gives each of 32 codes the byte that holds its bit, tests the bit, and adds codes in pairs as 16 bits.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn sum_set(query: &[i8], bits: &[u64]) -> i32 {
    let spread = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let bit_of_byte = _mm256_set1_epi64x(0x8040_2010_0804_0201_u64 as i64);
    let (ones, pairs) = (_mm256_set1_epi8(1), _mm256_set1_epi16(1));
    let mut sum = _mm256_setzero_si256();
    let halves = bits.iter().flat_map(|&word| [word as u32, (word >> 32) as u32]);
    for (codes, half) in query.as_chunks::<32>().0.iter().zip(halves) {
        let bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(half as i32), spread);
        let set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, bit_of_byte), bit_of_byte);
        // SAFETY: 32 codes are there, and the load needs no alignment.
        let codes = unsafe { _mm256_loadu_si256(codes.as_ptr().cast()) };
        let added = _mm256_maddubs_epi16(ones, _mm256_and_si256(codes, set));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(added, pairs));
    }
    sum_i32(sum)
}

#[target_feature(enable = "avx2,fma")]
fn sum_set_rows(query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
    for_bit_rows(query, rows, stride, ids, out, |row| sum_set(query, row));
}

#[target_feature(enable = "avx2,fma")]
fn load_f32(values: &[f32]) -> __m256 {
    assert!(values.len() >= 8);
    // SAFETY: eight values are there, and the load needs no alignment.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

#[target_feature(enable = "avx2,fma")]
fn sum_f32(lanes: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
}

#[target_feature(enable = "avx2,fma")]
fn sum_i32(lanes: __m256i) -> i32 {
    let four = _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes));
    let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b01_00_11_10>(four));
    _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32::<0b00_00_00_01>(two)))
}
