//! Searching a generation: by walking its graph, or by scoring every allowed row, through sieves or exactly.
//!
//! Which of the two serves a query better is decided by whoever knows the filter's share and its price.

use super::layout::Section;
use super::open::Generation;
use crate::index::Bitset;
use crate::index::distance::{Kernels, VectorBlock, prefetch, score_rows};
use crate::index::graph::{Scratch, View, scan, scan_sketches, sketch_stride, walk};
use crate::schema::ShortForm;

/// Share of allowed rows below which a walk steps over rows that are not allowed. Chosen: above it, a
/// plain walk that is wider by one over the share looks at no more rows.
pub const WITHIN_SHARE_MAX: f64 = 0.4;

/// Rows ranked exactly for each row asked for, at least; chosen wide, because a row that the codes put too far back is
/// lost while one ranked in vain costs a vector read.
const RANKED_PER_HIT: usize = 3;

/// Rows ranked exactly after those of the codes, at least.
const RANKED_MIN: usize = 64;

/// Rows whose codes are looked at after a scan of sketches, for each row asked for, and at least: at 200 for ten, one hit
/// in thousands was lost on real embeddings.
const CODED_PER_HIT: usize = 10;
const CODED_MIN: usize = 200;

/// First values of each vector that are fetched before the ranking begins; the kernels fetch the rest in time.
const PREFETCHED_VALUES: usize = 64;

/// What a search of a generation found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Ordinals with their exact similarities, best first; equal ones by ordinal.
    pub hits: Vec<(u32, f32)>,
    /// Distances computed on the way.
    pub distances: u64,
    /// Whether the walk found as many rows as it looked for. Where it did not, allowed rows may be missing although
    /// there are `k` hits: scan instead.
    pub full: bool,
}

impl Generation {
    /// Walks the graph for the `k` most similar rows, looking at `effort` rows at least; higher finds more for longer. Short
    /// vectors have no sketches and are walked by their codes.
    ///
    /// The query has the dimension of the generation and is normalised for cosine. `allowed` is by ordinal.
    pub fn search(
        &self,
        query: &[f32],
        k: usize,
        (effort, short): (usize, ShortForm),
        allowed: Option<&Bitset>,
        scratch: &mut Scratch,
    ) -> Found {
        assert_eq!(query.len(), self.dim(), "dimension is checked where queries come in");
        let kernels = Kernels::get();
        let view = View { short: if sketch_stride(self.dim()) == 0 { ShortForm::Bytes } else { short }, ..self.view() };
        match view.short {
            ShortForm::Bytes => scratch.query.encode(self.metric(), query),
            ShortForm::Bits => self.sketch(query, scratch),
        }
        let effort = effort.max(k).clamp(1, self.len().max(1));
        let share = allowed.map_or(1.0, |allowed| allowed.count() as f64 / self.len().max(1) as f64);
        let within = allowed.filter(|_| share < WITHIN_SHARE_MAX);
        let breadth = if within.is_some() { effort } else { ((effort as f64 / share) as usize).min(self.len()) };
        let full = walk(kernels, &view, breadth, within, scratch);
        let ranked = effort.min((k * RANKED_PER_HIT).max(effort / 2));
        let walked = scratch.distances();
        let mut candidates = std::mem::take(&mut scratch.candidates);
        candidates.clear();
        candidates
            .extend(scratch.found().filter(|&row| allowed.is_none_or(|set| set.contains(row as usize))).take(ranked));
        let (hits, scored) = self.rank_candidates(query, k, candidates, scratch);
        Found { hits, distances: walked + scored, full }
    }

    /// Sifts the allowed rows: all by their sketches, the best by their codes, the best of those by their vectors. Short
    /// vectors have no sketches, and few rows need none: codes come first there.
    ///
    /// The query has the dimension of the generation and is normalised for cosine. `allowed` is by ordinal.
    pub fn sift(&self, query: &[f32], k: usize, allowed: &Bitset, scratch: &mut Scratch) -> Found {
        assert_eq!(query.len(), self.dim(), "dimension is checked where queries come in");
        assert!(allowed.len() <= self.len(), "a set of ordinals");
        let mut candidates = std::mem::take(&mut scratch.candidates);
        let (coded, stride) = (CODED_MIN.max(k * CODED_PER_HIT), sketch_stride(self.dim()));
        let mut distances = 0;
        candidates.clear();
        if allowed.count() <= coded || stride == 0 {
            candidates.extend(allowed.iter().map(|ordinal| ordinal as u32));
        } else {
            self.sketch(query, scratch);
            scratch.top.reset(coded);
            let sketches = self.file.values(Section::Sketches);
            distances += scan_sketches(Kernels::get(), sketches, stride, allowed, scratch);
            candidates.extend(scratch.top.take().into_iter().map(|(row, _)| row));
        }
        scratch.query.encode(self.metric(), query);
        scratch.top.reset(RANKED_MIN.max(k * RANKED_PER_HIT));
        distances += scan(Kernels::get(), &self.view(), &candidates, scratch);
        candidates.clear();
        candidates.extend(scratch.top.take().into_iter().map(|(row, _)| row));
        let (hits, ranked) = self.rank_candidates(query, k, candidates, scratch);
        Found { hits, distances: distances + ranked, full: true }
    }

    fn sketch(&self, query: &[f32], scratch: &mut Scratch) {
        scratch.sketched.encode(Kernels::get(), self.metric(), query, self.file.values(Section::Mean));
    }

    /// Ranks candidates by their vectors, and gives their memory back to the scratch.
    fn rank_candidates(
        &self,
        query: &[f32],
        k: usize,
        candidates: Vec<u32>,
        scratch: &mut Scratch,
    ) -> (Vec<(u32, f32)>, u64) {
        for &row in &candidates {
            prefetch(self.vectors(), row as usize * self.dim(), self.dim().min(PREFETCHED_VALUES));
        }
        let ranked = self.rank(query, k, candidates.iter().copied(), scratch);
        scratch.candidates = candidates;
        ranked
    }

    /// Scores every allowed row by its vector and returns the `k` most similar ones: the yardstick.
    ///
    /// The query has the dimension of the generation and is normalised for cosine. `allowed` is by ordinal.
    pub fn scan(&self, query: &[f32], k: usize, allowed: Option<&Bitset>, scratch: &mut Scratch) -> Found {
        assert_eq!(query.len(), self.dim(), "dimension is checked where queries come in");
        let (hits, distances) = match allowed {
            Some(allowed) => {
                let ordinals = allowed.iter().take_while(|&ordinal| ordinal < self.len());
                self.rank(query, k, ordinals.map(|ordinal| ordinal as u32), scratch)
            }
            None => self.rank(query, k, 0..self.len() as u32, scratch),
        };
        Found { hits, distances, full: true }
    }

    fn rank(
        &self,
        query: &[f32],
        k: usize,
        ordinals: impl Iterator<Item = u32>,
        scratch: &mut Scratch,
    ) -> (Vec<(u32, f32)>, u64) {
        let block = VectorBlock { base: 0, dimension: self.dim(), metric: self.metric(), rows: self.vectors() };
        scratch.top.reset(k);
        let scored = score_rows(Kernels::get(), query, &block, ordinals, &mut scratch.top);
        (scratch.top.take(), scored)
    }
}
