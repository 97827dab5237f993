//! Kernels for processors with AVX-512 and VNNI: the proof that there is one, and the forms that take one row.
//!
//! Takes slices of one length: the caller has checked that. Tails are read under a mask, never beyond the slice. Many rows
//! at a time are `avx512_rows`'.

use super::avx512_rows::{dot_i8_rows, sum_set_rows};
use super::kernels::CODE_ZERO;
use std::arch::x86_64::*;

/// Proof that the processor has AVX-512 F, BW and VNNI, POPCNT and BMI1.
#[derive(Clone, Copy, Debug)]
pub struct Avx512(());

impl Avx512 {
    /// Asks the processor.
    pub fn detect() -> Option<Self> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vnni")
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

    /// Scores named rows of shifted codes, four side by side.
    #[inline]
    pub fn dot_i8_rows(self, query: &[i8], codes: &[u8], ids: &[u32], out: &mut [i32]) {
        // SAFETY: a value of this type exists only after `detect` found the features.
        unsafe { dot_i8_rows(query, codes, ids, out) }
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

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [_mm512_setzero_ps(); 4];
    let (a_blocks, b_blocks) = (a.chunks_exact(64), b.chunks_exact(64));
    let (a_tail, b_tail) = (a_blocks.remainder(), b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            *sum = _mm512_fmadd_ps(load_f32(&a[lane * 16..]), load_f32(&b[lane * 16..]), *sum);
        }
    }
    for (a, b) in a_tail.chunks(16).zip(b_tail.chunks(16)) {
        sums[0] = _mm512_fmadd_ps(load_f32(a), load_f32(b), sums[0]);
    }
    sum_f32(sums)
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn l2sq_f32(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [_mm512_setzero_ps(); 4];
    let (a_blocks, b_blocks) = (a.chunks_exact(64), b.chunks_exact(64));
    let (a_tail, b_tail) = (a_blocks.remainder(), b_blocks.remainder());
    for (a, b) in a_blocks.zip(b_blocks) {
        for (lane, sum) in sums.iter_mut().enumerate() {
            let apart = _mm512_sub_ps(load_f32(&a[lane * 16..]), load_f32(&b[lane * 16..]));
            *sum = _mm512_fmadd_ps(apart, apart, *sum);
        }
    }
    for (a, b) in a_tail.chunks(16).zip(b_tail.chunks(16)) {
        let apart = _mm512_sub_ps(load_f32(a), load_f32(b));
        sums[0] = _mm512_fmadd_ps(apart, apart, sums[0]);
    }
    sum_f32(sums)
}

/// The instruction multiplies unsigned row bytes by signed query bytes, so the shift of the rows is taken off at the
/// end: it adds `CODE_ZERO` times the sum of the query codes to every row.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_i8(query: &[i8], row: &[u8]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    let mut shift = _mm512_setzero_si512();
    for at in (0..query.len()).step_by(64) {
        let part = load_i8(query, at);
        sum = _mm512_dpbusd_epi32(sum, load_u8(row, at), part);
        shift = _mm512_dpbusd_epi32(shift, _mm512_set1_epi8(1), part);
    }
    _mm512_reduce_add_epi32(sum) - i32::from(CODE_ZERO) * _mm512_reduce_add_epi32(shift)
}

#[target_feature(enable = "popcnt,bmi1")]
fn members(words: &[u64], first: u32, out: &mut Vec<u32>) {
    super::scalar::members(words, first, out);
}

/// A word of bits is the mask under which codes are added.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn sum_set(query: &[i8], bits: &[u64]) -> i32 {
    let mut sum = _mm512_setzero_si512();
    for (codes, &word) in query.as_chunks::<64>().0.iter().zip(bits) {
        let codes = _mm512_maskz_mov_epi8(word, load_i8(codes, 0));
        sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi8(1), codes);
    }
    _mm512_reduce_add_epi32(sum)
}

/// Loads up to 16 values, zeros behind the end of the slice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn load_f32(values: &[f32]) -> __m512 {
    let mask = if values.len() >= 16 { u16::MAX } else { (1 << values.len()) - 1 };
    // SAFETY: the mask keeps the load inside the slice, and it needs no alignment.
    unsafe { _mm512_maskz_loadu_ps(mask, values.as_ptr()) }
}

/// Loads up to 64 codes from a place, zeros behind the end of the slice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn load_i8(values: &[i8], at: usize) -> __m512i {
    let values = &values[at..];
    // SAFETY: the mask keeps the load inside the slice, and it needs no alignment.
    unsafe { _mm512_maskz_loadu_epi8(mask_of(values.len()), values.as_ptr()) }
}

/// Loads up to 64 codes from a place, zeros behind the end of the slice.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn load_u8(values: &[u8], at: usize) -> __m512i {
    let values = &values[at..];
    // SAFETY: the mask keeps the load inside the slice, and it needs no alignment.
    unsafe { _mm512_maskz_loadu_epi8(mask_of(values.len()), values.as_ptr().cast()) }
}

#[inline]
fn mask_of(len: usize) -> u64 {
    if len >= 64 { u64::MAX } else { (1 << len) - 1 }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sum_f32(sums: [__m512; 4]) -> f32 {
    let [a, b, c, d] = sums;
    _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)))
}
