//! The first edges of a graph, grown batch by batch: the builder of sealed generations.
//!
//! Rows come in in a mixed order. The rows of a batch search the graph as it stood before the batch, side by side, and
//! choose their neighbours; then the rows that were chosen get the edges back. A batch at most doubles the graph and
//! later is a small share of it, so little is lost by its rows not seeing each other (the prefix doubling of ParlayANN,
//! Manohar et al. 2024). The result depends on the rows and the seed alone, not on threads. The graph over the first
//! rows, as it stood when they were in, is kept as an upper layer: rows of upper layers are the first ones. Where there is
//! an earlier graph, growth goes on from what is left of it (`resume`).

use super::build::{BuildParams, Cancelled};
use super::choose::{Chooser, CodedRows};
use super::code::{Codes, code_stride};
use super::draft::{Draft, shuffled};
use super::lists::{Lists, fill};
use super::pool::Scratch;
use super::resume::{Earlier, Kept, Origin};
use super::space::Space;
use super::walk::{View, walk};
use crate::schema::ShortForm;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Rows that are compared with each other to begin with, at the most.
const FIRST_ROWS: usize = 64;

/// A batch is at most one in so many of the rows that are in, once these are many.
const BATCH_SHARE: usize = 32;

/// A batch may have so many rows whatever their share, so that threads have enough to do.
const BATCH_ROWS_MIN: usize = 512;

/// Rows in the uppermost layer, at the least.
const TOP_ROWS_MIN: usize = 32;

/// Rows handed to a thread at a time.
const BLOCK_ROWS: usize = 64;

/// Finds neighbours for some rows of a space, which are different vectors; an earlier graph over some of them saves time.
pub fn grow(
    space: &Space<'_>,
    rows: &[u32],
    earlier: Option<&Earlier<'_>>,
    params: &BuildParams,
    cancel: &AtomicBool,
) -> Result<Draft, Cancelled> {
    let kept = earlier.and_then(|earlier| Kept::of(earlier, rows, space.rows(), params));
    let (mut growth, mut done) = match kept {
        Some((kept, order)) => Growth::resume(space, rows, (&kept, order), params, cancel),
        None => Growth::begin(space, rows, params, cancel),
    };
    while done < rows.len() {
        if cancel.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        if growth.layers.last() == Some(&done) {
            growth.keep_layer(done);
        }
        let most = done.min((done / BATCH_SHARE).max(BATCH_ROWS_MIN));
        let end = (done + most).min(growth.layers.last().copied().unwrap_or(rows.len()));
        growth.add(done..end, cancel);
        done = end;
    }
    if cancel.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(growth.draft()) }
}

/// A graph over the first rows of an order.
struct Growth<'a> {
    space: &'a Space<'a>,
    params: &'a BuildParams,
    order: Vec<u32>,
    codes: Codes,
    /// Layer 0, with room beyond the degree, so that a list is chosen anew only when many edges have come.
    base: Lists,
    /// Sizes of the layers that are still to be kept, the smallest last.
    layers: Vec<usize>,
    /// Sizes and lists of the layers that are kept, the largest first.
    counts: Vec<u32>,
    upper: Vec<u32>,
    origins: Vec<Origin>,
}

/// What one thread works with.
#[derive(Default)]
struct Worker {
    scratch: Scratch,
    chooser: Chooser,
}

impl<'a> Growth<'a> {
    /// Starts with a few rows that know each other, and returns how many they are.
    fn begin(space: &'a Space<'a>, rows: &[u32], params: &'a BuildParams, cancel: &AtomicBool) -> (Self, usize) {
        let sizes = std::iter::successors(Some(rows.len() / params.m), |size| Some(size / params.m));
        let layers: Vec<usize> = sizes.take_while(|&size| size >= TOP_ROWS_MIN).collect();
        let done = rows.len().min(FIRST_ROWS).min(layers.last().copied().unwrap_or(FIRST_ROWS));
        let mut growth = Self { layers, ..Self::new(space, shuffled(rows, params.seed), params) };
        growth.add(0..done, cancel);
        (growth, done)
    }

    /// Starts with what is left of an earlier graph, and returns how many rows that are.
    fn resume(
        space: &'a Space<'a>,
        rows: &[u32],
        (kept, mut order): (&Kept<'_>, Vec<u32>),
        params: &'a BuildParams,
        cancel: &AtomicBool,
    ) -> (Self, usize) {
        let done = order.len();
        let mut is_kept = vec![false; space.rows()];
        order.iter().for_each(|&row| is_kept[row as usize] = true);
        let new: Vec<u32> = rows.iter().copied().filter(|&row| !is_kept[row as usize]).collect();
        order.extend(shuffled(&new, params.seed));
        let mut growth = Self::new(space, order, params);
        let lists = growth.work(2 * params.m, done, cancel, |at, worker| {
            kept.choose_base(growth.coded(), at as u32, &mut worker.chooser);
        });
        for (at, list) in (0..).zip(lists.chunks_exact(2 * params.m)) {
            growth.base.put(at, list);
            growth.origins[at as usize] = if kept.is_whole(at) { Origin::Settled } else { Origin::Changed };
        }
        for (rows, lists) in kept.layers() {
            growth.counts.push(rows as u32);
            let layer = growth.work(params.m, rows, cancel, |at, worker| {
                kept.choose_upper(growth.coded(), at as u32, (rows, lists.clone()), &mut worker.chooser);
            });
            growth.upper.extend(layer);
        }
        (growth, done)
    }

    fn new(space: &'a Space<'a>, order: Vec<u32>, params: &'a BuildParams) -> Self {
        let codes = Codes::of(space, &order);
        let base = Lists::new(order.len(), 3 * params.m);
        let origins = vec![Origin::New; order.len()];
        Self { space, params, order, codes, base, layers: Vec::new(), counts: Vec::new(), upper: Vec::new(), origins }
    }

    /// Connects the rows of a batch with those before it; the first batch with each other.
    fn add(&mut self, batch: Range<usize>, cancel: &AtomicBool) {
        let degree = 2 * self.params.m;
        let chosen = self.work(degree, batch.len(), cancel, |at, worker| {
            let row = (batch.start + at) as u32;
            self.find_near(row, &batch, worker);
            worker.chooser.choose(self.coded(), row, degree, usize::MAX);
        });
        let mut back: Vec<(u32, u32)> = Vec::with_capacity(chosen.len());
        for (row, list) in (batch.start as u32..).zip(chosen.chunks_exact(degree)) {
            self.base.put(row, list);
            back.extend(self.base.get(row).iter().map(|&id| (id, row)));
        }
        self.add_back(back, batch.start == 0, cancel);
    }

    /// Lays edges back from rows that were chosen to those that chose them.
    fn add_back(&mut self, mut edges: Vec<(u32, u32)>, first: bool, cancel: &AtomicBool) {
        edges.sort_unstable();
        if first {
            // Each row of the first batch has chosen among all of them already.
            edges.retain(|&(to, from)| !self.base.get(to).contains(&from));
        }
        let groups: Vec<&[(u32, u32)]> = edges.chunk_by(|a, b| a.0 == b.0).collect();
        let capacity = self.base.degree();
        let lists = self.work(capacity, groups.len(), cancel, |at, worker| {
            let row = groups[at][0].0;
            let known = self.base.get(row);
            let chooser = &mut worker.chooser;
            let all = known.iter().copied().chain(groups[at].iter().map(|&(_, from)| from));
            if known.len() + groups[at].len() <= capacity {
                chooser.chosen.clear();
                chooser.chosen.extend(all);
            } else {
                chooser.near.extend(all);
                chooser.choose(self.coded(), row, 2 * self.params.m, usize::MAX);
            }
        });
        for (group, list) in groups.iter().zip(lists.chunks_exact(capacity)) {
            let row = group[0].0;
            self.base.put(row, list);
            if self.origins[row as usize] == Origin::Settled {
                self.origins[row as usize] = Origin::Changed;
            }
        }
    }

    fn coded(&self) -> CodedRows<'_> {
        CodedRows::new(self.space, &self.codes)
    }

    /// Collects rows near to a row, among those before the batch, or for the first batch among its own rows.
    fn find_near(&self, row: u32, batch: &Range<usize>, worker: &mut Worker) {
        if batch.start == 0 {
            worker.chooser.near.extend(0..batch.end as u32);
            return;
        }
        self.coded().ask(row, &mut worker.scratch.query);
        walk(self.space.kernels(), &self.view(batch.start), self.params.ef_construction, None, &mut worker.scratch);
        worker.chooser.near.extend(worker.scratch.found());
    }

    fn view(&self, rows: usize) -> View<'_> {
        View {
            rows,
            stride: code_stride(self.space.dimension()),
            codes: &self.codes.bytes,
            facts: &self.codes.facts,
            short: ShortForm::Bytes,
            sketches: &[],
            sketch_stride: 0,
            degree: self.base.degree(),
            base: self.base.ids(),
            upper_degree: self.params.m,
            counts: &self.counts,
            upper: &self.upper,
        }
    }

    /// Keeps the graph over the rows that are in as the next lower one of the upper layers.
    fn keep_layer(&mut self, rows: usize) {
        let m = self.params.m;
        let never = AtomicBool::new(false);
        let mut lists = self.work(m, rows, &never, |at, worker| {
            worker.chooser.near.extend_from_slice(self.base.get(at as u32));
            worker.chooser.choose(self.coded(), at as u32, m, usize::MAX);
        });
        lists.append(&mut self.upper);
        self.upper = lists;
        self.counts.insert(0, rows as u32);
        self.layers.pop();
    }

    /// Does jobs on all threads; each leaves a list of at most `degree` rows in its worker's chooser.
    fn work(
        &self,
        degree: usize,
        jobs: usize,
        cancel: &AtomicBool,
        job: impl Fn(usize, &mut Worker) + Sync,
    ) -> Vec<u32> {
        let next = AtomicUsize::new(0);
        let take = || next.fetch_add(BLOCK_ROWS, Ordering::Relaxed);
        let run = || {
            let mut worker = Worker::default();
            let mut blocks = Vec::new();
            let mut start = take();
            while start < jobs && !cancel.load(Ordering::Relaxed) {
                let end = jobs.min(start + BLOCK_ROWS);
                let mut lists = vec![0; (end - start) * degree];
                for (at, place) in (start..end).zip(lists.chunks_exact_mut(degree)) {
                    job(at, &mut worker);
                    fill(place, &worker.chooser.chosen);
                }
                blocks.push((start, lists));
                start = take();
            }
            blocks
        };
        let threads = self.params.threads.clamp(1, jobs.div_ceil(BLOCK_ROWS).max(1));
        let mut blocks = thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(run)).collect();
            let own = run();
            let joined =
                others.into_iter().map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            own.into_iter().chain(joined.flatten()).collect::<Vec<_>>()
        });
        blocks.sort_unstable_by_key(|(start, _)| *start);
        blocks.into_iter().flat_map(|(_, lists)| lists).collect()
    }

    /// Returns the edges by the row numbers of the space.
    fn draft(self) -> Draft {
        let rows_of = |ids: &[u32]| ids.iter().map(|&id| self.order[id as usize]).collect::<Vec<_>>();
        let mut origins = vec![Origin::New; self.space.rows()];
        self.order.iter().zip(&self.origins).for_each(|(&row, &origin)| origins[row as usize] = origin);
        let mut base = Lists::new(self.space.rows(), self.base.degree());
        (0..self.order.len()).for_each(|at| base.put(self.order[at], &rows_of(self.base.get(at as u32))));
        let mut upper = Vec::with_capacity(self.counts.len());
        let mut rest = &self.upper[..];
        for &count in &self.counts {
            let (layer, below) = rest.split_at(count as usize * self.params.m);
            let lists = layer
                .chunks_exact(self.params.m)
                .map(|list| list.split(|&id| id == super::lists::NONE).next().unwrap_or_default());
            upper.push((0..).zip(lists).map(|(at, list)| (self.order[at], rows_of(list))).collect());
            rest = below;
        }
        Draft { base, upper, origins }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::distance::Kernels;
    use crate::index::graph::Drafter;
    use crate::schema::Metric;

    fn grown(vectors: &[f32], threads: usize) -> Draft {
        let space = Space::new(Kernels::get(), Metric::L2, 4, vectors.chunks(4).collect());
        let params = BuildParams { m: 4, ef_construction: 16, threads, seed: 3, drafter: Drafter::Growth };
        let rows: Vec<u32> = (0..space.rows() as u32).collect();
        grow(&space, &rows, None, &params, &AtomicBool::new(false)).expect("not cancelled")
    }

    #[test]
    fn the_graph_does_not_depend_on_the_number_of_threads() {
        let vectors: Vec<f32> = (0..8_000u64).map(|at| (at * at * 7919 % 10_007) as f32).collect();
        let (one, three) = (grown(&vectors, 1), grown(&vectors, 3));
        assert_eq!(one.base, three.base);
        assert_eq!(one.upper, three.upper);
        assert_eq!(one.upper.iter().map(Vec::len).collect::<Vec<_>>(), [500, 125]);
    }

    #[test]
    fn a_few_rows_make_a_graph_too() {
        for rows in [0, 1, 2, 63, 64, 65, 130, 250, 700] {
            let vectors: Vec<f32> = (0..rows * 4).map(|at| at as f32).collect();
            let draft = grown(&vectors, 2);
            assert_eq!(draft.base.rows(), rows);
            let named = (0..rows as u32).all(|row| rows == 1 || !draft.base.get(row).is_empty());
            assert!(named, "{rows} rows: each has a neighbour");
        }
    }
}
