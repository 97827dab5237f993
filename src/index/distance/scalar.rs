//! The plain form of every kernel: what the SIMD forms must agree with, and what runs where there is no SIMD.
//!
//! Written for the eye; the compiler vectorises what it can.

use super::kernels::{CODE_ZERO, for_bit_rows};

/// Sums the products of two vectors.
pub fn dot_f32(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Sums the squared differences of two vectors.
pub fn l2sq_f32(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Sums the products of signed query codes and shifted row codes.
pub fn dot_i8(query: &[i8], row: &[u8]) -> i32 {
    query.iter().zip(row).map(|(&q, &r)| i32::from(q) * (i32::from(r) - i32::from(CODE_ZERO))).sum()
}

/// Sums the query codes whose bit is set.
pub fn sum_set(query: &[i8], bits: &[u64]) -> i32 {
    let word = |(codes, &word): (&[i8], &u64)| -> i32 {
        codes.iter().enumerate().map(|(bit, &code)| i32::from(code) & -((word >> bit & 1) as i32)).sum()
    };
    query.chunks_exact(64).zip(bits).map(word).sum()
}

/// Sums the query codes whose bit is set in each named row.
pub fn sum_set_rows(query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
    for_bit_rows(query, rows, stride, ids, out, |row| sum_set(query, row));
}

/// Appends the numbers of the bits that are set, counted from `first`.
///
/// Four places are written for each word whatever it holds, and what is too much is overwritten by the next: most words
/// of a thin set have fewer, and a loop that ends after an unknown number of turns would be guessed wrongly each time.
#[inline(always)]
pub fn members(words: &[u64], first: u32, out: &mut Vec<u32>) {
    let mut end = out.len();
    let total: usize = words.iter().map(|word| word.count_ones() as usize).sum();
    out.resize(end + total + 4, 0);
    for (base, &word) in (first..).step_by(64).zip(words) {
        let count = word.count_ones() as usize;
        let mut rest = word;
        let mut next = || {
            let bit = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            base + bit
        };
        let places = &mut out[end..];
        places[..4].fill_with(&mut next);
        if count > 4 {
            places[4..count].fill_with(&mut next);
        }
        end += count;
    }
    out.truncate(end);
}
