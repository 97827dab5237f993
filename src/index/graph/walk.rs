//! The search through a graph: down the upper layers, then outwards over layer 0 with a pool of the best rows.
//!
//! Scores are those of int8 codes, or of one bit for each dimension, so the rows found still need their exact ranking. A walk takes every number in the
//! graph as hostile: a neighbour that is no row is passed over. It is deterministic and holds no lock.
//!
//! Under a filter that lets few rows through, only allowed rows enter the pool, and a neighbour that is not allowed
//! hands the walk on to its own neighbours: the allowed rows stay connected, and the rows between cost no distance.

use super::code::CodedQuery;
use super::lists::NONE;
use super::pool::{Pool, Scratch};
use super::sketch::SketchedQuery;
use crate::index::Bitset;
use crate::index::distance::{Kernels, prefetch};
use crate::schema::ShortForm;

/// Rows of any kind from which a filtered walk sets out; chosen, so that one of them has an allowed row within two steps
/// whenever a percent of the rows is allowed.
const SEEDS: usize = 16;

/// Rows scored for one followed row of a filtered walk; beyond that, more detours find little that is nearer.
const DETOUR_BATCH_MAX: usize = 32;

/// A graph with codes, wherever they are kept. Rows of upper layers are the first ones, so layers need no row numbers.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Number of rows.
    pub rows: usize,
    /// Bytes of codes for each row.
    pub stride: usize,
    /// Codes of all rows.
    pub codes: &'a [u8],
    /// Two facts for each row.
    pub facts: &'a [f32],
    /// What a walk reads of a row.
    pub short: ShortForm,
    /// Sketches of all rows, where walks read those.
    pub sketches: &'a [u64],
    /// Words of a sketch.
    pub sketch_stride: usize,
    /// Size of a list in layer 0.
    pub degree: usize,
    /// Lists of layer 0.
    pub base: &'a [u32],
    /// Size of a list in the layers above.
    pub upper_degree: usize,
    /// Rows in layer 1, 2 and so on.
    pub counts: &'a [u32],
    /// Lists of layer 1, behind them those of layer 2, and so on.
    pub upper: &'a [u32],
}

/// Searches for the `breadth` rows nearest to the query in the scratch, which then holds them.
///
/// With `within`, rows outside it may be among those found, and the caller leaves them out. Returns whether the pool
/// was filled: where it was not, a filter has cut the graph and rows may be missing.
pub fn walk(kernels: Kernels, view: &View<'_>, breadth: usize, within: Option<&Bitset>, scratch: &mut Scratch) -> bool {
    scratch.begin(view.rows, if within.is_some() { SEEDS } else { breadth });
    if view.rows == 0 {
        return false;
    }
    let start = descend(kernels, view, scratch);
    scratch.visited.enter(start);
    scratch.batch.clear();
    scratch.batch.push(start);
    score_batch(kernels, view, scratch);
    spread(kernels, view, scratch, gather);
    if let Some(within) = within {
        scratch.pool.widen(breadth + SEEDS);
        scratch.visited.begin(view.rows);
        let Scratch { visited, pool, .. } = scratch;
        pool.rows().for_each(|row| _ = visited.enter(row));
        spread(kernels, view, scratch, |view, row, scratch| gather_within(view, row, within, scratch));
    }
    scratch.pool.is_full()
}

/// Goes to the nearest row of each upper layer by steps that each come nearer, and returns where it ends.
fn descend(kernels: Kernels, view: &View<'_>, scratch: &mut Scratch) -> u32 {
    let mut here = 0;
    let mut here_score = f32::NEG_INFINITY;
    let mut layer_end = view.upper.len();
    for &count in view.counts.iter().rev() {
        let size = count as usize * view.upper_degree;
        layer_end = layer_end.saturating_sub(size);
        let layer = view.upper.get(layer_end..layer_end + size).unwrap_or_default();
        loop {
            let from = here as usize * view.upper_degree;
            let list = layer.get(from..from + view.upper_degree).unwrap_or_default();
            scratch.batch.clear();
            scratch.batch.extend(list.iter().take_while(|&&id| id != NONE).filter(|&&id| (id as usize) < view.rows));
            let best = best_of_batch(kernels, view, scratch);
            match best {
                Some((row, score)) if score > here_score => (here, here_score) = (row, score),
                _ => break,
            }
        }
    }
    here
}

/// Follows the nearest row in the pool until all were followed.
fn spread(
    kernels: Kernels,
    view: &View<'_>,
    scratch: &mut Scratch,
    mut gather: impl FnMut(&View<'_>, u32, &mut Scratch),
) {
    while let Some(row) = scratch.pool.follow() {
        if let Some(next) = scratch.pool.peek() {
            prefetch(view.base, next as usize * view.degree, view.degree);
        }
        scratch.batch.clear();
        gather(view, row, scratch);
        score_batch(kernels, view, scratch);
    }
}

fn gather(view: &View<'_>, row: u32, scratch: &mut Scratch) {
    let Scratch { visited, batch, .. } = scratch;
    batch.extend(view.neighbours(row).filter(|&id| visited.enter(id)));
}

fn gather_within(view: &View<'_>, row: u32, within: &Bitset, scratch: &mut Scratch) {
    let Scratch { visited, batch, detours, .. } = scratch;
    detours.clear();
    for id in view.neighbours(row).filter(|&id| visited.enter(id)) {
        if within.contains(id as usize) {
            batch.push(id);
        } else {
            prefetch(view.base, id as usize * view.degree, view.degree);
            detours.push(id);
        }
    }
    for &detour in detours.iter() {
        if batch.len() >= DETOUR_BATCH_MAX {
            break;
        }
        batch.extend(view.neighbours(detour).filter(|&id| within.contains(id as usize) && visited.enter(id)));
    }
}

fn score_batch(kernels: Kernels, view: &View<'_>, scratch: &mut Scratch) {
    let Scratch { pool, batch, products, query, sketched, distances, .. } = scratch;
    *distances += batch.len() as u64;
    for_scores(kernels, view, (query, sketched), batch, products, |row, score| Pool::offer(pool, row, score));
}

fn best_of_batch(kernels: Kernels, view: &View<'_>, scratch: &mut Scratch) -> Option<(u32, f32)> {
    let Scratch { batch, products, query, sketched, distances, .. } = scratch;
    *distances += batch.len() as u64;
    let mut best: Option<(u32, f32)> = None;
    for_scores(kernels, view, (query, sketched), batch, products, |row, score| {
        let is_better = |known: (u32, f32)| score.total_cmp(&known.1).then(known.0.cmp(&row)).is_gt();
        if best.is_none_or(is_better) {
            best = Some((row, score));
        }
    });
    best
}

/// Scores rows by what walks read of them.
#[inline]
fn for_scores(
    kernels: Kernels,
    view: &View<'_>,
    (query, sketched): (&CodedQuery, &SketchedQuery),
    batch: &[u32],
    products: &mut Vec<i32>,
    mut take: impl FnMut(u32, f32),
) {
    match view.short {
        ShortForm::Bytes => {
            multiply(kernels, view, query, batch, products);
            for (&row, &product) in batch.iter().zip(products.iter()) {
                take(row, query.score(view.facts(row), product));
            }
        }
        ShortForm::Bits => {
            products.resize(batch.len(), 0);
            kernels.sum_set_rows(sketched.codes(), view.sketches, view.sketch_stride, batch, products);
            let (numbers_at, score) = (sketched.codes().len() / 64, sketched.scorer());
            for (&row, &sum) in batch.iter().zip(products.iter()) {
                let at = row as usize * view.sketch_stride + numbers_at;
                take(row, score([view.sketches[at], view.sketches[at + 1]], sum));
            }
        }
    }
}

/// Multiplies the query with the codes of some rows.
pub(super) fn multiply(kernels: Kernels, view: &View<'_>, query: &CodedQuery, batch: &[u32], products: &mut Vec<i32>) {
    for &row in batch.iter().take(4) {
        prefetch(view.codes, row as usize * view.stride, view.stride);
    }
    for &row in batch {
        prefetch(view.facts, row as usize * 2, 1);
    }
    products.resize(batch.len(), 0);
    kernels.dot_i8_rows(query.codes(), view.codes, batch, products);
}

impl<'a> View<'a> {
    /// Returns the neighbours of a row in layer 0.
    #[inline]
    pub(super) fn neighbours(&self, row: u32) -> impl Iterator<Item = u32> + use<'a> {
        let base = self.base;
        let list = base.get(row as usize * self.degree..(row as usize + 1) * self.degree).unwrap_or_default();
        list.iter().copied().take_while(|&id| id != NONE)
    }

    #[inline]
    pub(super) fn facts(&self, row: u32) -> [f32; 2] {
        [self.facts[row as usize * 2], self.facts[row as usize * 2 + 1]]
    }
}
