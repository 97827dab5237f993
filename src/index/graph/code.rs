//! Vectors as one byte for each dimension: a quarter of the memory traffic of a walk, at the price of a later ranking.
//!
//! Symmetric, with one scale for each vector: `value ≈ scale * code`. Exact ranking of what a walk finds belongs to the
//! caller.

use super::space::Space;
use crate::index::distance::CODE_ZERO;
use crate::schema::Metric;

/// Codes of a vector start at a multiple of this, so that they touch no more cache lines than they must.
const STRIDE_BYTES: usize = 64;

const CODE_MAX: f32 = 127.0;

/// Returns the bytes that the codes of one vector take, padding included.
pub fn code_stride(dimension: usize) -> usize {
    dimension.next_multiple_of(STRIDE_BYTES)
}

/// Codes of many vectors.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    /// Shifted codes, [`code_stride`] bytes for each row.
    pub bytes: Vec<u8>,
    /// Two numbers for each row: its scale, and what its score is lowered by for a query of weight 1.
    pub facts: Vec<f32>,
}

impl Codes {
    /// Encodes the rows of a space in a given order.
    pub fn of(space: &Space<'_>, order: &[u32]) -> Self {
        let stride = code_stride(space.dimension());
        let mut codes =
            Self { bytes: vec![CODE_ZERO; order.len() * stride], facts: Vec::with_capacity(order.len() * 2) };
        for (place, &row) in codes.bytes.chunks_exact_mut(stride).zip(order) {
            let vector = space.vector(row);
            let scale = scale_of(vector);
            let steps = steps_of(scale);
            for (code, &value) in place.iter_mut().zip(vector) {
                *code = code_of(value, steps) as u8 ^ CODE_ZERO;
            }
            let offset = match space.metric() {
                Metric::Cosine => 0.0,
                Metric::Dot => space.extra(row),
                Metric::L2 => space.kernels().dot_f32(vector, vector) / 2.0,
            };
            codes.facts.extend([scale, offset]);
        }
        codes
    }
}

/// A query in codes, with what turns a product of codes into a score.
///
/// The score of a row is `factor * scale * product - weight * offset`; a higher one is nearer.
#[derive(Clone, Debug, Default)]
pub struct CodedQuery {
    codes: Vec<i8>,
    factor: f32,
    weight: f32,
}

impl CodedQuery {
    /// Takes a query of a caller; reuses the memory of the last one.
    pub fn encode(&mut self, metric: Metric, query: &[f32]) {
        self.factor = scale_of(query);
        self.weight = if metric == Metric::L2 { 1.0 } else { 0.0 };
        self.codes.clear();
        let steps = steps_of(self.factor);
        self.codes.extend(query.iter().map(|&value| code_of(value, steps)));
        self.codes.resize(code_stride(query.len()), 0);
    }

    /// Takes a row by its codes and facts, to find what is near to it.
    pub fn take_row(&mut self, metric: Metric, codes: &[u8], facts: [f32; 2]) {
        self.factor = facts[0];
        self.weight = match metric {
            Metric::Cosine => 0.0,
            Metric::Dot => -facts[1],
            Metric::L2 => 1.0,
        };
        self.codes.clear();
        self.codes.extend(codes.iter().map(|&code| (code ^ CODE_ZERO) as i8));
    }

    /// Returns the codes, padded with zeros.
    pub fn codes(&self) -> &[i8] {
        &self.codes
    }

    /// Returns the score of a row with these two facts and this product of codes.
    #[inline]
    pub fn score(&self, facts: [f32; 2], product: i32) -> f32 {
        self.factor * facts[0] * product as f32 - self.weight * facts[1]
    }
}

fn scale_of(vector: &[f32]) -> f32 {
    let largest = vector.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    if largest.is_finite() { largest / CODE_MAX } else { f32::MAX / CODE_MAX }
}

/// Returns how many codes a value of 1 takes.
fn steps_of(scale: f32) -> f32 {
    if scale > 0.0 { 1.0 / scale } else { 0.0 }
}

/// Rounds to the nearest code, within their range.
///
/// The sum with 1.5 * 2^23 has no room for a fraction, and its lowest byte is the code: four operations that run on many
/// values at a time, where the rounding of the standard library is a call for each.
fn code_of(value: f32, steps: f32) -> i8 {
    const WHOLE: f32 = 12_582_912.0;
    ((value * steps).clamp(-CODE_MAX, CODE_MAX) + WHOLE).to_bits() as i8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::distance::{Kernels, similarity};

    #[test]
    fn scores_of_codes_are_near_the_exact_ones() {
        let vectors: Vec<f32> = (0..50 * 100).map(|at| ((at * 7919) % 1009) as f32 / 500.0 - 1.0).collect();
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            let space = Space::new(Kernels::get(), metric, 100, vectors.chunks(100).collect());
            let codes = Codes::of(&space, &(0..50).collect::<Vec<_>>());
            let mut query = CodedQuery::default();
            query.encode(metric, space.vector(3));
            for row in 0..50 {
                let product = Kernels::get().dot_i8(query.codes(), &codes.bytes[row * 128..][..128]);
                let score = query.score([codes.facts[row * 2], codes.facts[row * 2 + 1]], product);
                let other = space.vector(row as u32);
                let exact = similarity(Kernels::get(), Metric::Dot, space.vector(3), other);
                let lowered = if metric == Metric::L2 { Kernels::get().dot_f32(other, other) / 2.0 } else { 0.0 };
                assert!((score - (exact - lowered)).abs() < 0.5, "{score} {exact} {lowered}");
            }
        }
    }

    #[test]
    fn codes_are_the_nearest() {
        for at in -1300..=1300 {
            let value = at as f32 / 10.0;
            let near = value.clamp(-127.0, 127.0);
            assert!((f32::from(code_of(value, 1.0)) - near).abs() <= 0.5, "{value}");
        }
        assert_eq!([f32::NAN, f32::INFINITY, f32::NEG_INFINITY].map(|value| code_of(value, 1.0)), [0, 127, -127]);
    }

    #[test]
    fn vectors_without_usable_values_encode_to_something() {
        for values in [[0.0; 3], [f32::NAN; 3], [f32::INFINITY; 3], [f32::MIN_POSITIVE; 3]] {
            let mut query = CodedQuery::default();
            query.encode(Metric::Cosine, &values);
            assert_eq!(query.codes().len(), 64);
        }
    }
}
