//! Better edges for a drafted graph: chosen again from a wider search, in both directions, and with every row in reach.
//!
//! Each pass computes new lists from old ones row by row, so the result does not depend on how threads share the rows.
//! Upper layers stay as they were drafted.

use super::build::{Cancelled, Graph};
use super::choose::{Chooser, CodedRows};
use super::lists::{Lists, fill};
use super::pool::Scratch;
use super::resume::Origin;
use super::space::Space;
use super::walk::walk;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Rows searched for as candidates of each row; chosen as twice the usual size of a list.
const CANDIDATES: usize = 64;

/// Candidates from which neighbours are chosen; hubs are named by thousands of rows.
const CHOICE_MAX: usize = 160;

/// Rows handed to a thread at a time.
const BLOCK_ROWS: usize = 256;

/// Chooses the lists of layer 0 again for the first rows, at most `degree` neighbours for each.
///
/// How much is done for a row follows from its origin: a new one is searched for, a changed list is chosen again from
/// itself and from those who name the row, a settled one stays.
pub fn refine(
    space: &Space<'_>,
    graph: &mut Graph,
    (origins, degree): (&[Origin], usize),
    threads: usize,
    cancel: &AtomicBool,
) -> Result<(), Cancelled> {
    let rows = origins.len();
    let named_by = graph.base.reversed();
    let coded = CodedRows::new(space, &graph.codes);
    let mut forward = Lists::new(graph.base.rows(), degree);
    let view = graph.view(space.dimension());
    let keep = |chooser: &mut Chooser, list: &[u32]| {
        chooser.chosen.clear();
        chooser.chosen.extend_from_slice(list);
    };
    fill_lists(&mut forward, rows, threads, cancel, |row, worker| {
        let Worker { scratch, chooser } = worker;
        match origins[row as usize] {
            Origin::Settled => return keep(chooser, graph.base.get(row)),
            Origin::Changed => {}
            Origin::New => {
                coded.ask(row, &mut scratch.query);
                walk(space.kernels(), &view, CANDIDATES, None, scratch);
                chooser.near.extend(scratch.found());
            }
        }
        chooser.near.extend(graph.base.get(row).iter().chain(named_by.get(row)));
        chooser.choose(coded, row, degree, CHOICE_MAX);
    })?;
    let named_by = forward.reversed();
    let mut both = Lists::new(graph.base.rows(), degree);
    fill_lists(&mut both, rows, threads, cancel, |row, worker| {
        if origins[row as usize] == Origin::Settled {
            return keep(&mut worker.chooser, forward.get(row));
        }
        worker.chooser.near.extend(forward.get(row).iter().chain(named_by.get(row)));
        worker.chooser.choose(coded, row, degree, CHOICE_MAX);
    })?;
    graph.base = both;
    Ok(())
}

/// What one thread works with.
#[derive(Default)]
struct Worker {
    scratch: Scratch,
    chooser: Chooser,
}

/// Computes lists row by row on several threads.
fn fill_lists(
    lists: &mut Lists,
    rows: usize,
    threads: usize,
    cancel: &AtomicBool,
    work: impl Fn(u32, &mut Worker) + Sync,
) -> Result<(), Cancelled> {
    let degree = lists.degree();
    let blocks = Mutex::new(lists.ids_mut()[..rows * degree].chunks_mut(degree * BLOCK_ROWS).enumerate());
    let take = || blocks.lock().unwrap_or_else(PoisonError::into_inner).next();
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut worker = Worker::default();
                while let Some((number, block)) = take().filter(|_| !cancel.load(Ordering::Relaxed)) {
                    for (at, place) in block.chunks_mut(degree).enumerate() {
                        work((number * BLOCK_ROWS + at) as u32, &mut worker);
                        fill(place, &worker.chooser.chosen);
                    }
                }
            });
        }
    });
    if cancel.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
}

/// Lays edges until layer 0 can be reached from row 0 as a whole, and returns how many rows needed one.
///
/// No edge that was in use is lost: where a list is full, its last neighbour is reached through the row put in its place.
pub fn connect(space: &Space<'_>, graph: &mut Graph) -> usize {
    let rows = graph.order.len();
    let mut reached = vec![false; rows];
    let mut scratch = Scratch::default();
    let mut laid = 0;
    for row in 0..rows as u32 {
        if !reached[row as usize] {
            if row > 0 {
                let from = nearest_reached(space, graph, row, &reached, &mut scratch);
                if let Some(displaced) = graph.base.replace_last(from, row) {
                    graph.base.replace_last(row, displaced);
                }
                laid += 1;
            }
            reach_from(&graph.base, row, &mut reached);
        }
    }
    laid
}

/// Returns a reached row near an unreached one, with room in its list if one of those near has some.
fn nearest_reached(space: &Space<'_>, graph: &Graph, row: u32, reached: &[bool], scratch: &mut Scratch) -> u32 {
    CodedRows::new(space, &graph.codes).ask(row, &mut scratch.query);
    walk(space.kernels(), &graph.view(space.dimension()), CANDIDATES, None, scratch);
    let near = || scratch.found().filter(|&id| reached[id as usize]);
    let with_room = near().find(|&id| graph.base.get(id).len() < graph.base.degree());
    with_room.or_else(|| near().next()).unwrap_or(0)
}

fn reach_from(base: &Lists, row: u32, reached: &mut [bool]) {
    let mut waiting = vec![row];
    reached[row as usize] = true;
    while let Some(row) = waiting.pop() {
        for &id in base.get(row) {
            if !std::mem::replace(&mut reached[id as usize], true) {
                waiting.push(id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::build::{BuildParams, Drafter, build};
    use super::*;
    use crate::index::distance::Kernels;
    use crate::schema::Metric;

    /// Pseudo-random numbers in [-1, 1].
    fn numbers(len: usize, mut state: u64) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        (0..len).map(|_| next()).collect()
    }

    fn check_reach(rows: usize, vectors: &[f32], metric: Metric) {
        let space =
            Space::new(Kernels::get(), metric, vectors.len() / rows, vectors.chunks(vectors.len() / rows).collect());
        for drafter in [Drafter::Growth, Drafter::HnswRs] {
            let params = BuildParams { m: 8, ef_construction: 40, threads: 2, seed: 1, drafter };
            let mut graph = build(&space, None, &params, &AtomicBool::new(false)).expect("not cancelled");
            assert_eq!(connect(&space, &mut graph), 0, "a row was out of reach");
            let mut order = graph.order.clone();
            order.sort_unstable();
            assert!(order.into_iter().eq(0..rows as u32), "each row once");
        }
    }

    #[test]
    fn every_row_can_be_reached() {
        for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
            check_reach(3000, &numbers(3000 * 8, 5), metric);
        }
    }

    #[test]
    fn every_one_of_many_equal_rows_can_be_reached() {
        let mut vectors = numbers(500 * 4, 3);
        vectors.extend(numbers(4, 9).repeat(1000));
        check_reach(1500, &vectors, Metric::L2);
        check_reach(1000, &vec![0.5; 4000], Metric::Cosine);
    }

    #[test]
    fn rows_far_from_each_other_can_be_reached() {
        let islands = numbers(2000 * 4, 7).into_iter().enumerate().map(|(at, x)| x + (at / 4 % 20) as f32 * 1e3);
        check_reach(2000, &islands.collect::<Vec<_>>(), Metric::L2);
    }

    #[test]
    fn cancelling_stops_a_build() {
        let vectors = numbers(2000 * 4, 7);
        let space = Space::new(Kernels::get(), Metric::L2, 4, vectors.chunks(4).collect());
        let built = build(&space, None, &BuildParams::usual(2, 1), &AtomicBool::new(true));
        assert_eq!(built.err(), Some(Cancelled));
    }
}
