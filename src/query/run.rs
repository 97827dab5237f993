//! Running a checked search on one snapshot.
//!
//! The promise kept here: if at least `k` rows pass the filter and have what the mode needs, `k` hits come back. A walk
//! that cannot fill its part falls back to the scan. Fetching texts and measuring time are the caller's.

use super::allowed::Allowed;
use super::cost::Costs;
use super::fuse::{fuse, leg_weights};
use super::plan::{Estimate, Plan, Situation, Strategy};
use super::{Mode, Search};
use crate::index::Snapshot;
use crate::index::distance::{Kernels, TopK, VectorBlock, score_rows, similarity};
use crate::index::graph::Scratch;
use crate::schema::row;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Hits that each leg gives to a fusion at least.
const LEG_DEPTH: usize = 100;
/// Share of allowed rows below which fresh rows are scanned rather than looked for in the live head.
const HEAD_SHARE_MIN: f64 = 0.3;
/// Smallest candidate list of a search of the live head.
const HEAD_EFFORT_MIN: usize = 128;
/// How many times more candidates than hits are taken where grouping or diversity will drop some.
const OVERFETCH: usize = 5;

/// One hit, by slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// Where the row stands.
    pub slot: u32,
    /// What the hits are ordered by.
    pub score: f32,
    /// Similarity of the vectors.
    pub dense: Option<f32>,
    /// BM25 of the words.
    pub lexical: Option<f32>,
    /// Score of the reranker that put the hits in order, where one did.
    pub rerank: Option<f32>,
}

/// What a search found.
#[derive(Debug)]
pub struct Found {
    /// Hits, best first.
    pub hits: Vec<Ranked>,
    /// How it was done.
    pub plan: Plan,
}

/// Runs the lexical leg of a search, which needs no vector; slots with their scores, best first.
pub fn lexical(snapshot: &Snapshot, search: &Search, allowed: &Allowed) -> Vec<(u32, f32)> {
    Run { snapshot, search, allowed }.lexical()
}

/// Runs a search; `lexical` gives what [`lexical()`] finds, which may be running elsewhere meanwhile.
pub fn search(
    snapshot: &Snapshot,
    search: &Search,
    allowed: &Allowed,
    scratch: &mut Scratch,
    lexical: impl FnOnce() -> Vec<(u32, f32)>,
) -> Found {
    let run = Run { snapshot, search, allowed };
    let mut plan = run.plan();
    let dense = run.dense(&mut plan, scratch);
    let lexical = lexical();
    let ranked = match search.mode {
        Mode::Dense => dense.iter().map(|&(slot, score)| run.hit(slot, score)).collect(),
        Mode::Lexical => lexical.iter().map(|&(slot, score)| run.hit(slot, score)).collect(),
        Mode::Hybrid => {
            let weights = leg_weights(search.fusion.weights, search.readable);
            plan.leg_weights = Some([weights.dense, weights.lexical]);
            let fused = fuse(&search.fusion, weights, &dense, &lexical);
            fused.into_iter().map(|(slot, score)| run.hit(slot, score)).collect()
        }
    };
    Found { hits: run.select(ranked, &dense, &lexical), plan }
}

struct Run<'a> {
    snapshot: &'a Snapshot,
    search: &'a Search,
    allowed: &'a Allowed,
}

impl Run<'_> {
    fn plan(&self) -> Plan {
        let covered = self.snapshot.placed().map_or(0, |placed| placed.generation().len());
        let situation = Situation {
            allowed: self.allowed.count(),
            rows: self.snapshot.len(),
            covered,
            wanted: self.candidates(),
            dimension: self.snapshot.dimension(),
            walk: self.search.walk,
            exact: self.search.exact,
        };
        let (strategy, effort, estimated_us) = match self.uses_dense() {
            true => situation.choose(&Costs::get()),
            false => (Strategy::None, 0, Estimate::default()),
        };
        Plan {
            strategy,
            allowed: situation.allowed,
            rows: situation.rows,
            covered,
            effort,
            estimated_us,
            distances: 0,
            leg_weights: None,
            filter: self.search.filter.to_string(),
            stages_ms: BTreeMap::new(),
        }
    }

    fn uses_dense(&self) -> bool {
        self.search.mode != Mode::Lexical && self.search.vector.is_some()
    }

    /// Returns how many rows a leg must give so that enough are left for the hits.
    fn candidates(&self) -> usize {
        let wanted = self.search.offset + self.search.k;
        let reduced = self.search.per_document.is_some() || self.search.diversity > 0.0;
        let wanted = if reduced { wanted * OVERFETCH } else { wanted };
        if self.search.mode == Mode::Hybrid { wanted.max(LEG_DEPTH) } else { wanted }
    }

    fn dense(&self, plan: &mut Plan, scratch: &mut Scratch) -> Vec<(u32, f32)> {
        let Some(query) = self.search.vector.as_deref().filter(|_| self.uses_dense()) else { return Vec::new() };
        let wanted = self.candidates();
        let mut top = TopK::new(wanted);
        if let Some(placed) = self.snapshot.placed() {
            let allowed = self.allowed.ordinals(placed);
            let generation = placed.generation();
            let mut found = match plan.strategy {
                Strategy::Graph | Strategy::GraphFiltered => {
                    generation.search(query, wanted, (plan.effort, self.search.walk), Some(allowed), scratch)
                }
                Strategy::Scan => generation.sift(query, wanted, allowed, scratch),
                Strategy::Exact | Strategy::None => generation.scan(query, wanted, Some(allowed), scratch),
            };
            plan.distances += found.distances;
            if !found.full {
                found = generation.sift(query, wanted, allowed, scratch);
                plan.distances += found.distances;
                plan.strategy = Strategy::Scan;
            }
            for (ordinal, similarity) in found.hits {
                if let Some(slot) = placed.slot(ordinal) {
                    top.push(slot, similarity);
                }
            }
        }
        plan.distances += self.scan_fresh(query, &mut top);
        top.take()
    }

    /// Compares the fresh rows with the question: those in the live head through its graph, the others one by one.
    fn scan_fresh(&self, query: &[f32], top: &mut TopK) -> u64 {
        let headed = self.search_head(query, top).unwrap_or(0..0);
        let placed = self.snapshot.placed();
        let mut distances = 0;
        for block in self.snapshot.fresh().blocks() {
            let rows = VectorBlock {
                base: block.base(),
                dimension: self.snapshot.dimension(),
                metric: self.snapshot.metric(),
                rows: block.rows(),
            };
            let counts = |&at: &u32| {
                let slot = block.base() + at;
                self.allowed.contains(slot)
                    && !headed.contains(&slot)
                    && block.has(at as usize)
                    && placed.is_none_or(|placed| !placed.covers(slot))
            };
            let positions = (0..block.len() as u32).filter(counts);
            distances += score_rows(Kernels::get(), query, &rows, positions, top);
        }
        distances
    }

    /// Searches the live head and returns the slots that need no scan; `None` where a scan is better or the graph did
    /// not give enough.
    fn search_head(&self, query: &[f32], top: &mut TopK) -> Option<Range<u32>> {
        let head = self.snapshot.head().filter(|_| !self.search.exact)?;
        let share = self.allowed.count() as f64 / self.snapshot.len().max(1) as f64;
        if share < HEAD_SHARE_MIN {
            return None;
        }
        let range = head.range();
        let wanted = self.candidates();
        let effort = HEAD_EFFORT_MIN.max(2 * wanted);
        let hits = head.search(&range, query, wanted, effort, &|slot| self.allowed.contains(slot));
        if hits.len() < wanted {
            return None;
        }
        hits.into_iter().for_each(|(slot, similarity)| top.push(slot, similarity));
        Some(range)
    }

    fn lexical(&self) -> Vec<(u32, f32)> {
        match &self.search.words {
            Some(words) if self.search.mode != Mode::Dense => {
                let allowed = |slot: u32| self.allowed.contains(slot);
                self.snapshot.text().search(words, self.candidates(), allowed, self.snapshot.slots())
            }
            _ => Vec::new(),
        }
    }

    fn hit(&self, slot: u32, score: f32) -> Ranked {
        Ranked { slot, score, dense: None, lexical: None, rerank: None }
    }

    /// Drops what groups, scores and diversity forbid, cuts to the page asked for, and fills in the legs' scores.
    fn select(&self, mut ranked: Vec<Ranked>, dense: &[(u32, f32)], lexical: &[(u32, f32)]) -> Vec<Ranked> {
        let dense: HashMap<u32, f32> = dense.iter().copied().collect();
        let lexical: HashMap<u32, f32> = lexical.iter().copied().collect();
        if let Some(min_score) = self.search.min_score {
            ranked.retain(|hit| {
                let score = match self.search.mode {
                    Mode::Lexical => lexical.get(&hit.slot).copied(),
                    Mode::Dense | Mode::Hybrid => dense.get(&hit.slot).copied().or_else(|| self.similarity(hit.slot)),
                };
                score.is_some_and(|score| score >= min_score)
            });
        }
        if let Some(most) = self.search.per_document {
            self.limit_per_document(&mut ranked, most);
        }
        if self.search.diversity > 0.0 {
            ranked = self.diversify(ranked);
        }
        let page = ranked.into_iter().skip(self.search.offset).take(self.search.k);
        page.map(|hit| Ranked {
            dense: dense.get(&hit.slot).copied().or_else(|| self.similarity(hit.slot)),
            lexical: lexical.get(&hit.slot).copied(),
            ..hit
        })
        .collect()
    }

    fn similarity(&self, slot: u32) -> Option<f32> {
        let query = self.search.vector.as_deref()?;
        let vector = self.snapshot.vector(slot)?;
        Some(similarity(Kernels::get(), self.snapshot.metric(), query, vector))
    }

    fn limit_per_document(&self, ranked: &mut Vec<Ranked>, most: usize) {
        let mut taken: HashMap<&str, usize> = HashMap::new();
        ranked.retain(|hit| {
            let segment = self.snapshot.columns().segment_of(hit.slot);
            let document = segment.text(row::DOCUMENT_ID, hit.slot).unwrap_or_default();
            let taken = taken.entry(document).or_default();
            *taken += 1;
            *taken <= most
        });
    }

    /// Reorders by maximal marginal relevance (Carbonell and Goldstein 1998): the relevance of a hit, less the
    /// similarity to the nearest hit before it.
    fn diversify(&self, mut ranked: Vec<Ranked>) -> Vec<Ranked> {
        let weight = self.search.diversity;
        let best = ranked.iter().map(|hit| hit.score).fold(f32::MIN, f32::max);
        let wanted = (self.search.offset + self.search.k).min(ranked.len());
        let mut nearest = vec![0.0_f32; ranked.len()];
        let mut picked: Vec<Ranked> = Vec::with_capacity(wanted);
        while picked.len() < wanted {
            let value =
                |at: usize| (1.0 - weight) * ranked[at].score / best.abs().max(f32::EPSILON) - weight * nearest[at];
            let Some(at) = (0..ranked.len()).max_by(|&a, &b| value(a).total_cmp(&value(b)).then(b.cmp(&a))) else {
                break;
            };
            let hit = ranked.remove(at);
            nearest.remove(at);
            if let Some(chosen) = self.snapshot.vector(hit.slot) {
                for (other, nearest) in ranked.iter().zip(&mut nearest) {
                    if let Some(vector) = self.snapshot.vector(other.slot) {
                        let near = similarity(Kernels::get(), self.snapshot.metric(), chosen, vector);
                        *nearest = nearest.max(near);
                    }
                }
            }
            picked.push(hit);
        }
        picked
    }
}
