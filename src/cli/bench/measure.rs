//! Runs one search for every query on some threads, and takes the time of each.
//!
//! Knows nothing of indexes.

use crate::cli::npy::Matrix;
use crate::index::graph::Scratch;
use std::time::{Duration, Instant};

/// Queries that are run before the time is taken.
const WARM_UP_QUERIES: usize = 20;
/// All queries are run again until this has passed, so that a fast setting is not measured in a blink.
const MEASURE_MIN: Duration = Duration::from_millis(500);

/// What one search found: rows with their similarities, best first, and the distances it took.
pub type Hits = (Vec<(u32, f32)>, u64);

/// What was measured.
pub struct Measured {
    /// Hits of each query.
    pub hits: Vec<Hits>,
    /// Queries answered in a second.
    pub qps: f64,
    /// Time within which half of the queries were answered.
    pub p50_us: f64,
    /// Time within which 99 of 100 queries were answered.
    pub p99_us: f64,
}

/// Measures a search over the first `count` queries.
pub fn measure(
    queries: &Matrix,
    count: usize,
    threads: usize,
    search: impl Fn(&[f32], &mut Scratch) -> Hits + Sync,
) -> Measured {
    let mut scratches: Vec<Scratch> = (0..threads).map(|_| Scratch::default()).collect();
    for scratch in &mut scratches {
        (0..count.min(WARM_UP_QUERIES)).for_each(|at| _ = search(queries.row(at), scratch));
    }
    let (mut hits, mut times) = (Vec::new(), Vec::new());
    let started = Instant::now();
    while times.is_empty() || started.elapsed() < MEASURE_MIN {
        let (found, taken) = run_all(queries, count, &mut scratches, &search);
        hits = found;
        times.extend(taken);
    }
    let seconds = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at_share = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e6;
    Measured { hits, qps: times.len() as f64 / seconds, p50_us: at_share(0.5), p99_us: at_share(0.99) }
}

/// Runs every query once, on the thread whose turn it is, and returns hits and times in the order of the queries.
fn run_all(
    queries: &Matrix,
    count: usize,
    scratches: &mut [Scratch],
    search: &(impl Fn(&[f32], &mut Scratch) -> Hits + Sync),
) -> (Vec<Hits>, Vec<Duration>) {
    let threads = scratches.len();
    let turn = |thread: usize, scratch: &mut Scratch| -> Vec<(Hits, Duration)> {
        let timed = |at: usize| {
            let started = Instant::now();
            let hits = search(queries.row(at), scratch);
            (hits, started.elapsed())
        };
        (thread..count).step_by(threads).map(timed).collect()
    };
    let turn = &turn;
    let by_thread: Vec<Vec<(Hits, Duration)>> = match scratches {
        [only] => vec![turn(0, only)],
        scratches => std::thread::scope(|scope| {
            let running: Vec<_> =
                (0..).zip(scratches).map(|(thread, scratch)| scope.spawn(move || turn(thread, scratch))).collect();
            let joined = running.into_iter().map(|thread| thread.join().expect("a search does not panic"));
            joined.collect()
        }),
    };
    let mut turns: Vec<_> = by_thread.into_iter().map(Vec::into_iter).collect();
    (0..count).filter_map(|at| turns[at % threads].next()).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_come_in_the_order_of_the_queries_on_any_number_of_threads() {
        let queries = Matrix { columns: 1, values: (0..7).map(|at| at as f32).collect() };
        for threads in [1, 2, 3, 9] {
            let measured = measure(&queries, 7, threads, |query, _| (vec![(query[0] as u32, 1.0)], 1));
            let order: Vec<u32> = measured.hits.iter().map(|(hits, _)| hits[0].0).collect();
            assert_eq!(order, [0, 1, 2, 3, 4, 5, 6]);
            assert!(measured.qps > 0.0 && measured.p50_us <= measured.p99_us);
        }
    }
}
