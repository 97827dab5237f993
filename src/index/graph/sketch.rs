//! Vectors as one bit for each dimension: the first sieve of a scan, a sixth of the bytes of codes.
//!
//! A sketch holds the signs of a rotated row, less the mean of all rows, and the factor that makes the product of signs
//! with a query an unbiased estimate of the true one (RaBitQ, Gao and Long 2024). What a row has along the mean is kept as
//! a number, so that only the part of the query across it is estimated, in eight bits for each dimension. Estimates only
//! choose candidates; codes and vectors rank them.

use super::rotation::rotate;
use super::space::Space;
use crate::index::distance::Kernels;
use crate::schema::Metric;

/// Sketches start at a multiple of this many words, a cache line.
const STRIDE_WORDS: usize = 8;

/// Words behind the signs: the factor and what a row is lowered by, and what it has along the mean.
const NUMBER_WORDS: usize = 2;

const CODE_MAX: f32 = 127.0;

/// Shortest vectors that are sketched: the error of an estimate falls with the root of the dimension, and the codes of
/// shorter vectors are few bytes themselves.
const DIMENSION_MIN: usize = 256;

/// Returns the words of 64 bits that one sketch takes: the signs, two words of numbers, and padding; 0 for vectors that are
/// too short to be sketched.
pub fn sketch_stride(dimension: usize) -> usize {
    if dimension < DIMENSION_MIN { 0 } else { stride_of(dimension) }
}

fn stride_of(dimension: usize) -> usize {
    (sign_words(dimension) + NUMBER_WORDS).next_multiple_of(STRIDE_WORDS)
}

fn sign_words(dimension: usize) -> usize {
    dimension.div_ceil(64)
}

/// Sketches of the rows of a space, one after another in a given order, around their mean.
pub fn sketches_of<'a>(
    space: &'a Space<'_>,
    order: &'a [u32],
    mean: &'a [f32],
) -> impl Iterator<Item = Vec<u64>> + use<'a> {
    let mut values = Vec::new();
    order.iter().map(move |&row| {
        let vector = space.vector(row);
        let offset = match space.metric() {
            Metric::Cosine | Metric::Dot => 0.0,
            Metric::L2 => space.kernels().dot_f32(vector, vector) / 2.0,
        };
        values.clear();
        values.extend(vector.iter().zip(mean).map(|(value, mean)| value - mean));
        let along = space.kernels().dot_f32(&values, mean);
        rotate(&mut values);
        sketch(&values, offset, along)
    })
}

/// Returns the mean of the rows of a space.
pub fn mean_of(space: &Space<'_>) -> Vec<f32> {
    let mut sums = vec![0.0_f64; space.dimension()];
    for row in 0..space.rows() as u32 {
        sums.iter_mut().zip(space.vector(row)).for_each(|(sum, &value)| *sum += f64::from(value));
    }
    let mean = |sum: f64| (sum / space.rows().max(1) as f64) as f32;
    // One row that is no number must not make all of them so.
    sums.into_iter().map(mean).map(|mean| if mean.is_finite() { mean } else { 0.0 }).collect()
}

fn sketch(values: &[f32], offset: f32, along: f32) -> Vec<u64> {
    let mut words = vec![0; stride_of(values.len())];
    for (word, values) in words.iter_mut().zip(values.chunks(64)) {
        let bits = values.iter().enumerate().map(|(bit, &value)| u64::from(value > 0.0) << bit);
        *word = bits.sum();
    }
    let squared: f32 = values.iter().map(|value| value * value).sum();
    let length: f32 = values.iter().map(|value| value.abs()).sum();
    let factor = if length > 0.0 { squared / length } else { 0.0 };
    let numbers = &mut words[sign_words(values.len())..];
    numbers[0] = u64::from(factor.to_bits()) << 32 | u64::from(offset.to_bits());
    numbers[1] = u64::from(along.to_bits());
    words
}

/// A rotated query in eight bits for each dimension, with what turns a sum over the signs of a row into its score.
#[derive(Clone, Debug, Default)]
pub struct SketchedQuery {
    codes: Vec<i8>,
    total: i32,
    scale: f32,
    weight: f32,
    /// How often the query holds the mean.
    along: f32,
}

impl SketchedQuery {
    /// Takes a query of a caller, and the mean that the rows were sketched around; reuses the memory of the last one.
    pub fn encode(&mut self, kernels: Kernels, metric: Metric, query: &[f32], mean: &[f32]) {
        let squared = kernels.dot_f32(mean, mean);
        self.along = if squared > 0.0 { kernels.dot_f32(query, mean) / squared } else { 0.0 };
        let mut values: Vec<f32> = query.iter().zip(mean).map(|(value, mean)| value - self.along * mean).collect();
        rotate(&mut values);
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        self.scale = largest / CODE_MAX;
        self.weight = if metric == Metric::L2 { 1.0 } else { 0.0 };
        self.codes.clear();
        // The cast sends what is no number to 0.
        self.codes.extend(values.iter().map(|value| (value / self.scale).round() as i8));
        self.codes.resize(sign_words(query.len()) * 64, 0);
        self.total = self.codes.iter().map(|&code| i32::from(code)).sum();
    }

    /// Returns the codes, padded with zeros to whole words of signs.
    pub fn codes(&self) -> &[i8] {
        &self.codes
    }

    /// Returns what estimates the score of a row from the numbers of its sketch and the sum of the codes where it has a
    /// set bit: as that of [`super::CodedQuery::score`], but for a number that is the same for all rows.
    #[inline]
    pub fn scorer(&self) -> impl Fn([u64; NUMBER_WORDS], i32) -> f32 {
        let Self { total, scale, weight, along, .. } = *self;
        move |[first, second], sum| {
            let (factor, offset) = (f32::from_bits((first >> 32) as u32), f32::from_bits(first as u32));
            factor * scale * (2 * sum - total) as f32 + along * f32::from_bits(second as u32) - weight * offset
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::distance::TopK;

    /// Numbers that a seed gives, around `middle`.
    fn numbers(count: usize, middle: f32) -> Vec<f32> {
        let mut state = 7_u64;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
        };
        (0..count).map(|_| next() + middle).collect()
    }

    #[test]
    fn estimates_order_rows_nearly_as_their_products_do() {
        const ROWS: usize = 2_000;
        for (metric, dimension, middle) in
            [(Metric::Dot, 384, 0.0), (Metric::Dot, 300, 3.0), (Metric::L2, 768, 1.0), (Metric::Cosine, 257, 0.0)]
        {
            let vectors = numbers(ROWS * dimension, middle);
            let space = Space::new(Kernels::get(), metric, dimension, vectors.chunks(dimension).collect());
            let order: Vec<u32> = (0..ROWS as u32).collect();
            let query: Vec<f32> = space.vector(5).iter().zip(space.vector(6)).map(|(a, b)| a + 0.5 * b).collect();
            let mut sketched = SketchedQuery::default();
            let mean = mean_of(&space);
            sketched.encode(Kernels::get(), metric, &query, &mean);
            let estimate = |sketch: Vec<u64>| {
                let (signs, numbers) = sketch.split_at(dimension.div_ceil(64));
                let sum = Kernels::get().sum_set(sketched.codes(), signs);
                sketched.scorer()(*numbers.first_chunk().unwrap(), sum)
            };
            let exact = |row: &u32| {
                let vector = space.vector(*row);
                let offset = Kernels::get().dot_f32(vector, vector) / 2.0;
                Kernels::get().dot_f32(&query, vector) - if metric == Metric::L2 { offset } else { 0.0 }
            };
            let estimated = best(sketches_of(&space, &order, &mean).map(estimate), ROWS / 10);
            let found = best(order.iter().map(exact), 10).iter().filter(|row| estimated.contains(row)).count();
            assert!(found >= 8, "{metric:?} {dimension}: {found}");
        }
    }

    /// Returns the numbers of the highest scores.
    fn best(scores: impl Iterator<Item = f32>, count: usize) -> Vec<u32> {
        let mut top = TopK::new(count);
        (0..).zip(scores).for_each(|(row, score)| top.push(row, score));
        top.take().into_iter().map(|(row, _)| row).collect()
    }

    #[test]
    fn what_is_no_number_is_sketched_as_something() {
        for value in [0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE, f32::MAX] {
            let mut query = SketchedQuery::default();
            query.encode(Kernels::get(), Metric::L2, &[value; 3], &[0.1; 3]);
            assert_eq!(query.codes().len(), 64);
            assert_eq!(sketch(&[value; 3], 0.0, value).len(), 8);
        }
    }
}
