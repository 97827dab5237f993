//! Measures the index: how long it takes to build, and recall and speed of searches under filters of several shares.
//!
//! Row `i` has the bucket `i % 1000`, and a filter of share `s` keeps the buckets below `1000 s`, so that it has nothing
//! to do with where vectors lie; two conditions that have nothing to do with each other, and two that have with each other
//! and with the vectors, keep 4 % each. Searches walk as the query planner walks, the fall back to a scan included; the
//! scan, and the exact one, the yardstick for recall, are rows of their own.

use super::measure::{Hits, Measured, measure};
use crate::cli::failure::Failure;
use crate::cli::npy::Matrix;
use crate::error::Error;
use crate::index::generation::{Found, IndexError, RowVectors, Verify, write_generation};
use crate::index::graph::{BuildParams, Earlier, Scratch};
use crate::index::{Bitset, Generation};
use crate::query::Strategy;
use crate::query::cost::Costs;
use crate::query::plan::Situation;
use crate::schema::{Metric, ShortForm};
use crate::store::probe::calibrate_planner;
use serde::Serialize;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Hits that are asked for.
const K: usize = 10;
/// Buckets of rows.
const BUCKETS: u64 = 1_000;
/// Filters, with the share of rows that passes each.
const FILTERS: [(Condition, f64); 7] = [
    (Condition::Bucket, 1.0),
    (Condition::Bucket, 0.5),
    (Condition::Bucket, 0.1),
    (Condition::Bucket, 0.01),
    (Condition::Bucket, 0.001),
    (Condition::TwoApart, 0.04),
    (Condition::TwoAlike, 0.04),
];
/// Lengths of the walk's candidate list; the planner's own is measured too.
const EFFORTS: [usize; 6] = [16, 32, 64, 128, 256, 512];
/// Queries for which the scan is timed, since it takes long; the exact answer is made for all.
const SCAN_QUERIES: usize = 200;
/// Rows up to which a sieved scan is timed over all queries.
const SCAN_ROWS: usize = 50_000;
/// Difference of similarities that is rounding: a hit this near to the tenth best one is as good.
const ROUNDING: f32 = 1e-6;
/// Seed of the graph, so that a build can be repeated.
const SEED: u64 = 0x5241_4753;

/// What a filter asks of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A low bucket.
    Bucket,
    /// One of the 200 lowest buckets, in every fifth thousand of rows.
    TwoApart,
    /// A high first value of the vector, and not among the highest.
    TwoAlike,
}

/// Vectors to measure with, normalised.
pub struct Workload {
    base: Matrix,
    query: Matrix,
    threads: usize,
    build_threads: usize,
    grown: f64,
    walk: ShortForm,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Rows of the base.
    pub vectors: usize,
    /// Length of a vector.
    pub dimension: usize,
    /// Number of queries.
    pub queries: usize,
    /// Hits that were asked for.
    pub k: usize,
    /// Threads that searched.
    pub threads: usize,
    /// Threads that built.
    pub build_threads: usize,
    /// Time to build and write the index.
    pub build_seconds: f64,
    /// Time to build and write the index again, from the first one on, where it was built over fewer rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grown_seconds: Option<f64>,
    /// Bytes of the index for each vector, the vector included.
    pub bytes_per_vector: f64,
    /// One row for each share and effort.
    pub rows: Vec<SearchRow>,
}

/// What was measured for one share and effort.
#[derive(Debug, Serialize)]
pub struct SearchRow {
    /// What the filter asks.
    pub filter: Condition,
    /// Share of rows that pass the filter.
    pub share: f64,
    /// How the search was run: `exact`, `scan`, `graph` or `graph_filtered`.
    pub strategy: &'static str,
    /// Length of the candidate list; 0 for the scan.
    pub effort: usize,
    /// Whether the query planner would choose this row.
    pub planned: bool,
    /// Share of the exact ten best that was found.
    pub recall: f64,
    /// Queries in a second.
    pub qps: f64,
    /// Time within which half of the queries were answered.
    pub p50_us: f64,
    /// Time within which 99 of 100 queries were answered.
    pub p99_us: f64,
    /// Distances computed for a query.
    pub distances: f64,
}

impl Workload {
    /// Checks that the vectors fit together, and normalises them.
    pub fn new(mut base: Matrix, mut query: Matrix, threads: usize, build_threads: usize) -> Result<Self, Failure> {
        if base.columns != query.columns {
            return Err(Error::DimensionMismatch { expected: base.columns, found: query.columns }.into());
        }
        for (what, matrix) in [("base", &mut base), ("query", &mut query)] {
            if matrix.rows() == 0 {
                return Err(Failure::new("empty_file", format!("{what} has no rows")));
            }
            normalize(matrix).map_err(|row| {
                let detail = format!("row {row} of {what} has no length that a number can hold, or is zero");
                Failure::new("invalid_embedding", detail)
            })?;
        }
        Ok(Self { base, query, threads, build_threads, grown: 0.0, walk: ShortForm::default() })
    }
}

impl Workload {
    /// Leaves a share of the rows to a second build, which goes on from the first one.
    pub fn with_grown(self, share: f64) -> Self {
        Self { grown: share, ..self }
    }

    /// Lets walks read one form of the vectors.
    pub fn with_walk(self, walk: ShortForm) -> Self {
        Self { walk, ..self }
    }
}

/// Gives every row the length 1, or names the first one that cannot have it.
fn normalize(matrix: &mut Matrix) -> Result<(), usize> {
    for (at, row) in matrix.values.chunks_exact_mut(matrix.columns).enumerate() {
        let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
        if !length.is_normal() {
            return Err(at);
        }
        row.iter_mut().for_each(|value| *value /= length);
    }
    Ok(())
}

/// Builds the index over the base and measures all shares and efforts.
pub fn measure_search(workload: Workload) -> Result<Figures, Failure> {
    let Workload { base, query, threads, build_threads, grown, walk } = workload;
    let folder = tempfile::tempdir().map_err(|error| Failure::new("file", error.to_string()))?;
    let (vectors, dimension) = (base.rows(), base.columns);
    let built = build_index(folder.path(), &base, build_threads, grown)?;
    // The file holds the vectors too.
    drop(base);
    calibrate_planner();
    let bench = Bench { generation: built.generation, query, threads, build_threads, walk };
    let mut rows = Vec::new();
    for (filter, share) in FILTERS {
        eprintln!("searching a share of {share}");
        rows.extend(bench.rows(filter, share));
    }
    Ok(Figures {
        vectors,
        dimension,
        queries: bench.query.rows(),
        k: K,
        threads,
        build_threads,
        build_seconds: built.seconds,
        grown_seconds: built.grown_seconds,
        bytes_per_vector: built.bytes as f64 / vectors as f64,
        rows,
    })
}

struct Built {
    generation: Generation,
    seconds: f64,
    grown_seconds: Option<f64>,
    bytes: usize,
}

/// Builds the index over all but a share of the rows, and where there is such a share, goes on with all of them.
fn build_index(folder: &Path, base: &Matrix, threads: usize, grown: f64) -> Result<Built, Failure> {
    let vectors: Vec<&[f32]> = base.values.chunks_exact(base.columns).collect();
    let build = |name: &str, rows: usize, earlier: Option<&Generation>| -> Result<Built, Failure> {
        eprintln!("building the index over {rows} vectors");
        let row_ids: Vec<u64> = (0..rows as u64).collect();
        let known: Vec<u32> = earlier.map_or(Vec::new(), |it| it.row_ids().iter().map(|&id| id as u32).collect());
        let earlier = earlier.map(|it| Earlier { view: it.view(), rows: &known });
        let (dimension, vectors) = (base.columns, &vectors[..rows]);
        let rows = RowVectors { dimension, metric: Metric::Cosine, row_ids: &row_ids, vectors, earlier };
        let (started, path) = (Instant::now(), folder.join(name));
        let params = BuildParams::usual(threads, SEED);
        let summary = write_generation(&path, rows, &params, &AtomicBool::new(false)).map_err(failed)?;
        let seconds = started.elapsed().as_secs_f64();
        let generation = Generation::open(&path, Verify::Full).map_err(failed)?;
        Ok(Built { generation, seconds, grown_seconds: None, bytes: summary.bytes })
    };
    let later = (vectors.len() as f64 * grown) as usize;
    let first = build("first", vectors.len() - later, None)?;
    if later == 0 {
        return Ok(first);
    }
    let whole = build("whole", vectors.len(), Some(&first.generation))?;
    Ok(Built { seconds: first.seconds, grown_seconds: Some(whole.seconds), ..whole })
}

fn failed(error: IndexError) -> Failure {
    Error::Index(error.to_string()).into()
}

struct Bench {
    generation: Generation,
    query: Matrix,
    threads: usize,
    build_threads: usize,
    walk: ShortForm,
}

impl Bench {
    /// Measures one share: first the exact scan, then the sieved one, then the walk at every effort.
    fn rows(&self, filter: Condition, share: f64) -> Vec<SearchRow> {
        let allowed = self.allowed(filter, share);
        let count = allowed.count();
        let rows = self.generation.len();
        let (strategy, planned_effort, _) = Situation {
            allowed: count,
            rows,
            covered: rows,
            wanted: K,
            dimension: self.generation.dim(),
            walk: self.walk,
            exact: false,
        }
        .choose(&Costs::get());
        let hits = |found: Found| -> Hits { (found.hits, found.distances) };
        let exact = self.exact(&allowed);
        let scan = |query: &[f32], scratch: &mut Scratch| hits(self.generation.scan(query, K, Some(&allowed), scratch));
        let exactly = measure(&self.query, self.query.rows().min(SCAN_QUERIES), self.threads, scan);
        let scan = |query: &[f32], scratch: &mut Scratch| hits(self.generation.sift(query, K, &allowed, scratch));
        let few = if count > SCAN_ROWS { SCAN_QUERIES } else { self.query.rows() };
        let scanned = measure(&self.query, self.query.rows().min(few), self.threads, scan);
        let scans = strategy == Strategy::Scan;
        let mut measured = vec![
            row((filter, share), "exact", 0, false, &exactly, &exact),
            row((filter, share), "scan", 0, scans, &scanned, &exact),
        ];
        let walk_name = if count == rows { "graph" } else { "graph_filtered" };
        for effort in efforts(planned_effort) {
            let walk =
                |query: &[f32], scratch: &mut Scratch| self.walk_or_sift(query, effort, &allowed, count, scratch);
            let walked = measure(&self.query, self.query.rows(), self.threads, walk);
            let planned = !scans && effort == planned_effort;
            measured.push(row((filter, share), walk_name, effort, planned, &walked, &exact));
        }
        measured
    }

    fn allowed(&self, filter: Condition, share: f64) -> Bitset {
        let mut allowed = Bitset::new(self.generation.len());
        let low = |number: u64, share: f64| ((number % BUCKETS) as f64) < BUCKETS as f64 * share;
        let highest = self.highest_first_values(share);
        for (ordinal, &row_id) in self.generation.row_ids().iter().enumerate() {
            let passes = match filter {
                Condition::Bucket => low(row_id, share),
                Condition::TwoApart => low(row_id, 0.2) && (row_id / BUCKETS).is_multiple_of(5),
                Condition::TwoAlike => highest.contains(&self.generation.vector(ordinal as u32)[0]),
            };
            if passes {
                allowed.set(ordinal);
            }
        }
        allowed
    }

    /// Returns the range of first values that a share of the rows has, with a quarter of the share above it.
    fn highest_first_values(&self, share: f64) -> std::ops::Range<f32> {
        let rows = self.generation.len();
        let mut values: Vec<f32> = (0..rows as u32).map(|row| self.generation.vector(row)[0]).collect();
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        let at = |share: f64| values[((rows as f64 * share) as usize).min(rows - 1)];
        at(1.25 * share)..at(0.25 * share)
    }

    /// Walks, and scans where the walk did not find enough.
    fn walk_or_sift(
        &self,
        query: &[f32],
        effort: usize,
        allowed: &Bitset,
        count: usize,
        scratch: &mut Scratch,
    ) -> Hits {
        let found = self.generation.search(query, K, (effort, self.walk), Some(allowed), scratch);
        if found.hits.len() >= K.min(count) {
            return (found.hits, found.distances);
        }
        let scanned = self.generation.sift(query, K, allowed, scratch);
        (scanned.hits, found.distances + scanned.distances)
    }

    /// Returns the similarity of the last exact hit of each query, and the number of hits there are.
    fn exact(&self, allowed: &Bitset) -> Vec<Exact> {
        let queries: Vec<usize> = (0..self.query.rows()).collect();
        let part = queries.len().div_ceil(self.build_threads);
        let scan = |queries: &[usize]| -> Vec<Exact> {
            let mut scratch = Scratch::default();
            let scan = |&at: &usize| self.generation.scan(self.query.row(at), K, Some(allowed), &mut scratch).hits;
            let hits = queries.iter().map(scan);
            hits.map(|hits| Exact { hits: hits.len(), last: hits.last().map_or(0.0, |hit| hit.1) }).collect()
        };
        let scan = &scan;
        std::thread::scope(|scope| {
            let running: Vec<_> = queries.chunks(part).map(|part| scope.spawn(move || scan(part))).collect();
            running.into_iter().flat_map(|thread| thread.join().expect("a scan does not panic")).collect()
        })
    }
}

/// The exact answer of one query, as far as recall needs it.
#[derive(Clone, Copy, Debug)]
struct Exact {
    hits: usize,
    last: f32,
}

/// Returns the efforts to measure, ascending, the planner's own among them.
fn efforts(planned: usize) -> Vec<usize> {
    let mut efforts: Vec<usize> = EFFORTS.into_iter().chain((planned > 0).then_some(planned)).collect();
    efforts.sort_unstable();
    efforts.dedup();
    efforts
}

fn row(
    (filter, share): (Condition, f64),
    strategy: &'static str,
    effort: usize,
    planned: bool,
    measured: &Measured,
    exact: &[Exact],
) -> SearchRow {
    let distances: u64 = measured.hits.iter().map(|(_, distances)| distances).sum();
    SearchRow {
        filter,
        share,
        strategy,
        effort,
        planned,
        recall: recall(&measured.hits, exact),
        qps: measured.qps,
        p50_us: measured.p50_us,
        p99_us: measured.p99_us,
        distances: distances as f64 / measured.hits.len() as f64,
    }
}

/// Returns the share of the exact hits that were found; a hit as near as the last exact one counts.
fn recall(hits: &[Hits], exact: &[Exact]) -> f64 {
    let (mut found, mut wanted) = (0, 0);
    for ((hits, _), exact) in hits.iter().zip(exact) {
        found += hits.iter().filter(|hit| hit.1 >= exact.last - ROUNDING).count().min(exact.hits);
        wanted += exact.hits;
    }
    if wanted == 0 { 1.0 } else { found as f64 / wanted as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns vectors that are spread evenly enough, the same on every run.
    fn matrix(rows: usize, columns: usize, seed: u64) -> Matrix {
        let mut state = seed;
        let values = (0..rows * columns).map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1 << 23) as f32 - 1.0
        });
        Matrix { columns, values: values.collect() }
    }

    #[test]
    fn every_share_is_measured_at_every_effort_and_wide_walks_find_nearly_all() {
        let workload = Workload::new(matrix(3_000, 16, 1), matrix(20, 16, 2), 1, 2).unwrap();
        let figures = measure_search(workload).unwrap();
        for (filter, share) in FILTERS {
            let same = |row: &&SearchRow| row.filter == filter && row.share == share;
            let rows: Vec<_> = figures.rows.iter().filter(same).collect();
            assert!(rows.len() >= EFFORTS.len(), "share {share}");
            assert_eq!(rows.iter().filter(|row| row.planned).count(), 1);
            assert_eq!((rows[0].strategy, rows[0].recall), ("exact", 1.0));
            assert!(rows[1].strategy == "scan" && rows[1].recall > 0.99, "{:?}", rows[1]);
            assert!(rows[rows.len() - 1].recall > 0.95, "share {share}: {:?}", rows[rows.len() - 1]);
        }
        assert!(figures.bytes_per_vector > 16.0 * 4.0);
    }

    #[test]
    fn a_hit_as_near_as_the_last_exact_one_counts() {
        let exact = [Exact { hits: 2, last: 0.5 }];
        assert_eq!(recall(&[(vec![(1, 0.9), (2, 0.5)], 0)], &exact), 1.0);
        assert_eq!(recall(&[(vec![(1, 0.9), (2, 0.4)], 0)], &exact), 0.5);
        assert_eq!(recall(&[(vec![], 0)], &exact), 0.0);
    }

    #[test]
    fn vectors_that_cannot_be_compared_are_named() {
        let bad = Matrix { columns: 2, values: vec![1.0, 0.0, f32::NAN, 1.0] };
        let good = Matrix { columns: 2, values: vec![1.0, 0.0] };
        let failure = Workload::new(bad, good, 1, 1).err().unwrap();
        assert!(failure.detail.contains("row 1 of base"), "{}", failure.detail);
    }
}
