//! Exact scoring of plain rows: what an index must agree with, and what serves rows that no index covers.
//!
//! Knows nothing of versions or filters but a predicate.

use super::{Kernels, TopK};
use crate::schema::Metric;

/// Rows that are scored in one go: enough to fetch ahead, small enough for the stack.
const BATCH: usize = 64;

/// Consecutive vectors, row-major, with the number of the first.
#[derive(Clone, Copy, Debug)]
pub struct VectorBlock<'a> {
    /// Number under which the first row is collected.
    pub base: u32,
    /// Length of a vector, at least 1.
    pub dimension: usize,
    /// Measure of nearness.
    pub metric: Metric,
    /// The vectors; for cosine they are normalised, as the query is.
    pub rows: &'a [f32],
}

/// Scores the rows of a block that are allowed, by position in the block, and offers them to the collector.
pub fn scan_block(
    kernels: Kernels,
    query: &[f32],
    block: &VectorBlock<'_>,
    allowed: impl Fn(usize) -> bool,
    top: &mut TopK,
) {
    for (at, row) in block.rows.chunks_exact(block.dimension).enumerate().filter(|(at, _)| allowed(*at)) {
        top.push(block.base + at as u32, similarity(kernels, block.metric, query, row));
    }
}

/// Scores the rows at some positions of a block, offers them to the collector, and returns how many there were.
pub fn score_rows(
    kernels: Kernels,
    query: &[f32],
    block: &VectorBlock<'_>,
    positions: impl Iterator<Item = u32>,
    top: &mut TopK,
) -> u64 {
    let (mut batch, mut scores, mut filled, mut total) = ([0u32; BATCH], [0f32; BATCH], 0, 0);
    let mut flush = |batch: &[u32]| {
        let scores = &mut scores[..batch.len()];
        match block.metric {
            Metric::Cosine | Metric::Dot => kernels.dot_f32_rows(query, block.rows, batch, scores),
            Metric::L2 => {
                kernels.l2sq_f32_rows(query, block.rows, batch, scores);
                scores.iter_mut().for_each(|score| *score = of_l2sq(*score));
            }
        }
        batch.iter().zip(scores).for_each(|(&at, &mut score)| top.push(block.base + at, score));
    };
    for position in positions {
        batch[filled] = position;
        filled += 1;
        total += 1;
        if filled == BATCH {
            flush(&batch);
            filled = 0;
        }
    }
    flush(&batch[..filled]);
    total
}

/// Returns the similarity of two vectors: their dot product, or `1 / (1 + d)` of their Euclidean distance `d`.
pub fn similarity(kernels: Kernels, metric: Metric, a: &[f32], b: &[f32]) -> f32 {
    match metric {
        Metric::Cosine | Metric::Dot => kernels.dot_f32(a, b),
        Metric::L2 => of_l2sq(kernels.l2sq_f32(a, b)),
    }
}

fn of_l2sq(squared: f32) -> f32 {
    1.0 / (1.0 + squared.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_ranks_allowed_rows_by_each_metric() {
        let rows = [1.0, 0.0, 0.0, 2.0, 0.6, 0.8];
        let best = |metric| {
            let mut top = TopK::new(2);
            let block = VectorBlock { base: 10, dimension: 2, metric, rows: &rows };
            scan_block(Kernels::get(), &[0.0, 1.0], &block, |at| at != 0, &mut top);
            top.take()
        };
        assert_eq!(best(Metric::Dot), [(11, 2.0), (12, 0.8)]);
        assert_eq!(best(Metric::L2), [(12, 1.0 / (1.0 + 0.4f32.sqrt())), (11, 0.5)]);
    }

    #[test]
    fn rows_by_position_score_like_a_block() {
        let rows: Vec<f32> = (0..200 * 3).map(|at| ((at * 37) % 101) as f32 / 50.0 - 1.0).collect();
        let query = [0.3, -0.2, 0.9];
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            let (mut named, mut block) = (TopK::new(7), TopK::new(7));
            let all = VectorBlock { base: 5, dimension: 3, metric, rows: &rows };
            assert_eq!(score_rows(Kernels::Scalar, &query, &all, 0..200, &mut named), 200);
            scan_block(Kernels::Scalar, &query, &all, |_| true, &mut block);
            assert_eq!(named.take(), block.take());
        }
    }
}
