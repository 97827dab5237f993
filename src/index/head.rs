//! A growing graph over fresh rows, for heads that became too large to scan while a generation is being built.
//!
//! `hnsw_rs` holds and searches it. Rows cannot be taken out: a head is dropped as a whole once a generation covers it.
//! Filters are applied to what an unfiltered search returns, which is asked again for more: the crate's own filter
//! visits nearly the whole graph when few rows pass. Small heads are scanned by the caller, which is exact and faster.

use super::distance::Kernels;
use crate::schema::Metric;
use hnsw_rs::prelude::{Distance, Hnsw};
use std::sync::{Mutex, PoisonError};

/// Neighbours of a row in the upper layers.
const NEIGHBOURS: usize = 16;

/// Rows looked at for each insertion: half of a generation's, because a head lives for minutes.
const EF_CONSTRUCTION: usize = 100;

/// The most layers that the crate supports.
const LAYERS_MAX: usize = 16;

/// Memory of a row besides its vector: its neighbours below and above, each with an allocation of its own.
const LINKS_BYTES: usize = 2_000;

/// How much wider each further search is.
const WIDEN: usize = 4;

/// Graph over fresh rows, named by the caller's slots.
pub struct Head {
    graph: Hnsw<'static, f32, Apart>,
    metric: Metric,
    dimension: usize,
    /// Held while a row goes in: two rows that are the first at the same time would never find each other.
    inserting: Mutex<()>,
}

impl Head {
    /// Makes an empty head that expects about `capacity` rows.
    pub fn new(dimension: usize, metric: Metric, capacity: usize) -> Self {
        let apart = Apart { kernels: Kernels::get(), metric };
        let graph = Hnsw::new(NEIGHBOURS, capacity, LAYERS_MAX, EF_CONSTRUCTION, apart);
        Self { graph, metric, dimension, inserting: Mutex::new(()) }
    }

    /// Returns the number of rows.
    pub fn len(&self) -> usize {
        self.graph.get_nb_point()
    }

    /// Returns the bytes held in memory, roughly: the crate tells none.
    pub fn bytes(&self) -> usize {
        self.len() * (self.dimension * size_of::<f32>() + LINKS_BYTES)
    }

    /// Returns whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a row; searches may run at the same time. A slot is added once.
    pub fn insert(&self, slot: u32, vector: &[f32]) {
        assert_eq!(vector.len(), self.dimension, "dimension is checked where vectors come in");
        let _one_at_a_time = self.inserting.lock().unwrap_or_else(PoisonError::into_inner);
        self.graph.insert_slice((vector, slot as usize));
    }

    /// Searches for the `k` most similar allowed rows, looking at `ef` rows at least; best first, equal ones by slot.
    ///
    /// Fewer than `k` come back when fewer are allowed, or when the graph does not lead to them: the caller then scans.
    pub fn search(&self, query: &[f32], k: usize, ef: usize, allowed: &dyn Fn(u32) -> bool) -> Vec<(u32, f32)> {
        assert_eq!(query.len(), self.dimension, "dimension is checked where queries come in");
        let rows = self.len();
        let mut breadth = ef.max(k).max(2);
        loop {
            let found = self.graph.search(query, breadth, breadth);
            let passed = found.iter().filter(|row| allowed(row.d_id as u32));
            let mut hits: Vec<(u32, f32)> =
                passed.take(k).map(|row| (row.d_id as u32, similarity(self.metric, row.distance))).collect();
            if hits.len() >= k || breadth >= rows || found.len() < breadth {
                hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
                return hits;
            }
            breadth = (breadth * WIDEN).min(rows);
        }
    }
}

/// Distance that is never negative and always a number: the crate asserts both while it inserts and searches.
struct Apart {
    kernels: Kernels,
    metric: Metric,
}

impl Distance<f32> for Apart {
    fn eval(&self, a: &[f32], b: &[f32]) -> f32 {
        let apart = match self.metric {
            Metric::Cosine => 1.0 - self.kernels.dot_f32(a, b),
            Metric::Dot => of_dot(self.kernels.dot_f32(a, b)),
            Metric::L2 => self.kernels.l2sq_f32(a, b),
        };
        if apart.is_nan() { f32::MAX } else { apart.clamp(0.0, f32::MAX) }
    }
}

/// Maps a dot product of any size to a positive number that falls as it grows.
fn of_dot(dot: f32) -> f32 {
    if dot >= 0.0 { 1.0 / (1.0 + dot) } else { 1.0 - dot }
}

fn similarity(metric: Metric, apart: f32) -> f32 {
    match metric {
        Metric::Cosine => 1.0 - apart,
        Metric::Dot if apart <= 1.0 => 1.0 / apart - 1.0,
        Metric::Dot => 1.0 - apart,
        Metric::L2 => 1.0 / (1.0 + apart.sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::distance::{TopK, VectorBlock, scan_block};
    use super::*;

    const DIMENSION: usize = 24;

    /// Normalised pseudo-random vectors.
    fn vectors(rows: usize, mut state: u64) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        let mut all: Vec<f32> = (0..rows * DIMENSION).map(|_| next()).collect();
        for row in all.chunks_mut(DIMENSION) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= length);
        }
        all
    }

    fn head_of(rows: &[f32], metric: Metric) -> Head {
        let head = Head::new(DIMENSION, metric, rows.len() / DIMENSION);
        rows.chunks(DIMENSION).enumerate().for_each(|(slot, row)| head.insert(slot as u32, row));
        head
    }

    fn check_recall(metric: Metric, allowed: impl Fn(u32) -> bool, floor: f64) {
        let (rows, queries) = (vectors(2000, 1), vectors(100, 2));
        let head = head_of(&rows, metric);
        let (mut found, mut expected) = (0, 0);
        for query in queries.chunks(DIMENSION) {
            let mut top = TopK::new(10);
            let block = VectorBlock { base: 0, dimension: DIMENSION, metric, rows: &rows };
            scan_block(Kernels::get(), query, &block, |at| allowed(at as u32), &mut top);
            let exact = top.take();
            let hits = head.search(query, 10, 100, &allowed);
            expected += exact.len();
            for (slot, score) in hits {
                let twin = exact.iter().find(|(other, _)| *other == slot);
                found += usize::from(twin.is_some());
                assert!(twin.is_none_or(|(_, exact)| (exact - score).abs() < 1e-5));
            }
        }
        assert!(found as f64 >= floor * expected as f64, "{metric:?}: {found} of {expected}");
    }

    #[test]
    fn a_head_finds_what_a_scan_finds() {
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            check_recall(metric, |_| true, 0.95);
        }
    }

    #[test]
    fn a_filtered_search_finds_allowed_rows_only() {
        check_recall(Metric::Cosine, |slot| slot % 20 == 0, 0.95);
    }

    #[test]
    fn a_small_head_answers_with_what_it_has() {
        let rows = vectors(2, 1);
        let head = Head::new(DIMENSION, Metric::Cosine, 0);
        assert!(head.is_empty() && head.search(&rows[..DIMENSION], 5, 10, &|_| true).is_empty());
        head.insert(7, &rows[..DIMENSION]);
        assert_eq!(head.search(&rows[..DIMENSION], 1, 1, &|_| true)[0].0, 7);
        head.insert(9, &rows[DIMENSION..]);
        assert_eq!((head.len(), head.search(&rows[..DIMENSION], 5, 10, &|slot| slot == 9).len()), (2, 1));
    }

    #[test]
    fn vectors_that_break_distances_do_no_harm() {
        let head = Head::new(2, Metric::Dot, 10);
        let rows =
            [[f32::NAN, 1.0], [f32::INFINITY, 0.0], [0.0; 2], [1e30, 1e30], [-1e30, 1e30], [1.0, 1.0], [1.0, 1.0]];
        (0..).zip(rows).for_each(|(slot, row)| head.insert(slot, &row));
        assert!(head.search(&[1.0, 0.0], 10, 10, &|_| true).len() <= 7);
    }

    #[test]
    fn rows_go_in_while_others_search() {
        let rows = vectors(1500, 4);
        let head = Head::new(DIMENSION, Metric::Cosine, 1500);
        std::thread::scope(|scope| {
            for half in 0..2 {
                let (head, rows) = (&head, &rows);
                scope.spawn(move || {
                    for slot in (half..1500).step_by(2) {
                        head.insert(slot as u32, &rows[slot * DIMENSION..][..DIMENSION]);
                    }
                });
            }
            (0..200).for_each(|at| _ = head.search(&rows[at * DIMENSION..][..DIMENSION], 5, 20, &|_| true));
        });
        assert_eq!(head.search(&rows[..DIMENSION], 1, 50, &|_| true)[0].0, 0);
    }
}
