//! The vectors a graph is built over, and their distances from each other.
//!
//! Dot products are no distances: a long vector is near to all others. They become distances when each vector gets one
//! more dimension that brings it to the length of the longest; queries have 0 there, so their ranking stays.

use crate::index::distance::Kernels;
use crate::schema::Metric;

/// Vectors under a metric, wherever each of them lies.
pub struct Space<'a> {
    kernels: Kernels,
    metric: Metric,
    dimension: usize,
    vectors: Vec<&'a [f32]>,
    /// For dot products, the additional dimension; otherwise empty.
    extra: Vec<f32>,
}

impl<'a> Space<'a> {
    /// Looks at vectors of one length, which is at least 1, under a metric.
    pub fn new(kernels: Kernels, metric: Metric, dimension: usize, vectors: Vec<&'a [f32]>) -> Self {
        debug_assert!(vectors.iter().all(|vector| vector.len() == dimension));
        let extra = match metric {
            Metric::Dot => extra_dimension(vectors.iter().map(|row| kernels.dot_f32(row, row)).collect()),
            Metric::Cosine | Metric::L2 => Vec::new(),
        };
        Self { kernels, metric, dimension, vectors, extra }
    }

    /// Returns the number of vectors.
    pub fn rows(&self) -> usize {
        self.vectors.len()
    }

    /// Returns the length of a vector.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Returns the measure of nearness.
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// Returns the kernels in use.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }

    /// Returns one vector.
    pub fn vector(&self, row: u32) -> &'a [f32] {
        self.vectors[row as usize]
    }

    /// Returns the additional dimension of a vector; 0 but for dot products.
    pub fn extra(&self, row: u32) -> f32 {
        self.extra.get(row as usize).copied().unwrap_or(0.0)
    }

    /// Returns the squared Euclidean distance of two rows: a number from 0 on, for any input.
    pub fn distance(&self, a: u32, b: u32) -> f32 {
        let (left, right) = (self.vector(a), self.vector(b));
        let squared = match self.metric {
            Metric::Cosine => 2.0 - 2.0 * self.kernels.dot_f32(left, right),
            Metric::Dot | Metric::L2 => {
                let apart = self.extra(a) - self.extra(b);
                self.kernels.l2sq_f32(left, right) + apart * apart
            }
        };
        if squared.is_nan() { f32::MAX } else { squared.clamp(0.0, f32::MAX) }
    }
}

fn extra_dimension(squared_lengths: Vec<f32>) -> Vec<f32> {
    let longest = squared_lengths.iter().copied().filter(|length| length.is_finite()).fold(0.0, f32::max);
    squared_lengths.into_iter().map(|length| (longest - length).max(0.0).sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_numbers_from_zero_on() {
        let vectors = [3.0, 4.0, 0.0, 0.0, f32::NAN, 1.0, f32::INFINITY, 0.0];
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            let space = Space::new(Kernels::get(), metric, 2, vectors.chunks(2).collect());
            for (a, b) in (0..4).flat_map(|a| (0..4).map(move |b| (a, b))) {
                assert!(space.distance(a, b) >= 0.0 && space.distance(a, b) <= f32::MAX);
            }
        }
    }

    #[test]
    fn under_dot_products_every_vector_is_as_long_as_the_longest() {
        let space = Space::new(Kernels::get(), Metric::Dot, 2, vec![&[3.0, 4.0], &[0.0, 3.0]]);
        assert_eq!((space.extra(0), space.extra(1)), (0.0, 4.0));
        assert_eq!(space.distance(0, 1), 2.0 * (25.0 - 12.0));
    }
}
