//! The plain form of every kernel: what the SIMD forms must agree with, and what runs where there is no SIMD.
//!
//! Written for the eye; the compiler vectorises what it can.

use super::kernels::CODE_ZERO;

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
