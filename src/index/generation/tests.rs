//! Promises of a generation: it finds what a scan finds, keeps to its filter, and notices every damage.
//!
//! Speed is measured in `benches`, not here.

use super::layout::Section;
use super::*;
use crate::index::Bitset;
use crate::index::distance::{Kernels, TopK, VectorBlock, scan_block};
use crate::index::graph::{BuildParams, Drafter, Earlier, NONE, Scratch};
use crate::schema::{Metric, ShortForm};
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

struct Numbers(u64);

impl Numbers {
    /// Returns a number in [-1, 1].
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn below(&mut self, end: usize) -> usize {
        ((self.next() + 1.0) / 2.0 * end as f32) as usize % end
    }
}

/// Vectors around 50 centres; normalised for cosine.
fn clustered(rows: usize, dimension: usize, metric: Metric, seed: u64) -> Vec<f32> {
    let (mut shape, mut noise) = (Numbers(11), Numbers(seed));
    let centres: Vec<f32> = (0..50 * dimension).map(|_| shape.next()).collect();
    let mut vectors = Vec::with_capacity(rows * dimension);
    for _ in 0..rows {
        let centre = noise.below(50) * dimension;
        vectors.extend(centres[centre..centre + dimension].iter().map(|x| x + noise.next() * 0.7));
    }
    if metric == Metric::Cosine {
        for row in vectors.chunks_mut(dimension) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= length);
        }
    }
    vectors
}

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("generation-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, dimension: usize, metric: Metric, vectors: &[f32]) -> PathBuf {
        let rows: Vec<(u64, &[f32])> = (1000..).zip(vectors.chunks(dimension)).collect();
        self.write_rows((dimension, metric), &rows, "g", None)
    }

    /// Writes a generation over rows with these ids, from an earlier one on if there is one.
    fn write_rows(
        &self,
        (dimension, metric): (usize, Metric),
        rows: &[(u64, &[f32])],
        name: &str,
        earlier: Option<&Generation>,
    ) -> PathBuf {
        let path = self.0.join(name);
        let (row_ids, vectors): (Vec<u64>, Vec<&[f32]>) = rows.iter().copied().unzip();
        let places: HashMap<u64, u32> = row_ids.iter().copied().zip(0..).collect();
        let place_of = |id: &u64| places.get(id).copied().unwrap_or(NONE);
        let known: Vec<u32> = earlier.map_or(Vec::new(), |it| it.row_ids().iter().map(place_of).collect());
        let earlier = earlier.map(|it| Earlier { view: it.view(), rows: &known });
        let rows = RowVectors { dimension, metric, row_ids: &row_ids, vectors: &vectors, earlier };
        let params = BuildParams { m: 16, ef_construction: 100, threads: 2, seed: 1, drafter: Drafter::default() };
        write_generation(&path, rows, &params, &AtomicBool::new(false)).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn exact(generation: &Generation, query: &[f32], k: usize, allowed: Option<&Bitset>) -> Vec<(u32, f32)> {
    let mut top = TopK::new(k);
    let (dimension, metric, rows) = (generation.dim(), generation.metric(), generation.vectors());
    let block = VectorBlock { base: 0, dimension, metric, rows };
    let passes = |at| allowed.is_none_or(|allowed| allowed.contains(at));
    scan_block(Kernels::get(), query, &block, passes, &mut top);
    top.take()
}

/// Share of the ten best rows that a caller gets who scans when a walk says that it was cut off.
fn recall(generation: &Generation, queries: &[f32], effort: usize, allowed: Option<&Bitset>) -> f64 {
    let mut scratch = Scratch::default();
    let (mut found, mut expected) = (0, 0);
    for query in queries.chunks(generation.dim()) {
        let best: HashSet<u32> = exact(generation, query, 10, allowed).iter().map(|hit| hit.0).collect();
        let walked = generation.search(query, 10, (effort, ShortForm::Bytes), allowed, &mut scratch);
        let served = if walked.full { walked } else { generation.scan(query, 10, allowed, &mut scratch) };
        let hits = served.hits;
        assert!(hits.iter().all(|hit| allowed.is_none_or(|allowed| allowed.contains(hit.0 as usize))));
        assert!(hits.windows(2).all(|pair| pair[0].1 >= pair[1].1));
        expected += best.len();
        found += hits.iter().filter(|hit| best.contains(&hit.0)).count();
    }
    found as f64 / expected as f64
}

#[test]
fn a_walk_finds_what_a_scan_finds() {
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        let folder = Folder::new(metric.name());
        let path = folder.write(64, metric, &clustered(5000, 64, metric, 1));
        let generation = Generation::open(&path, Verify::Full).unwrap();
        let queries = clustered(200, 64, metric, 2);
        let recall = recall(&generation, &queries, 100, None);
        assert!(recall >= 0.95, "{metric:?}: {recall}");
        let mut scratch = Scratch::default();
        for query in queries.chunks(64) {
            assert_eq!(generation.scan(query, 10, None, &mut scratch).hits, exact(&generation, query, 10, None));
        }
    }
}

#[test]
fn a_filtered_walk_finds_what_a_filtered_scan_finds() {
    let folder = Folder::new("filtered");
    let path = folder.write(64, Metric::Cosine, &clustered(5000, 64, Metric::Cosine, 1));
    let generation = Generation::open(&path, Verify::Full).unwrap();
    let queries = clustered(100, 64, Metric::Cosine, 2);
    for percent in [2, 5, 10, 20, 39, 41, 80] {
        let mut allowed = Bitset::new(5000);
        (0..5000).filter(|at| at * 7919 % 100 < percent).for_each(|at| allowed.set(at));
        let recall = recall(&generation, &queries, 100, Some(&allowed));
        assert!(recall >= 0.95, "{percent} %: {recall}");
        let mut scratch = Scratch::default();
        for query in queries.chunks(64).take(20) {
            let scanned = generation.scan(query, 10, Some(&allowed), &mut scratch).hits;
            assert_eq!(scanned, exact(&generation, query, 10, Some(&allowed)));
        }
    }
}

#[test]
fn a_walk_by_bits_finds_nearly_what_a_scan_finds() {
    let folder = Folder::new("bits");
    let path = folder.write(300, Metric::Cosine, &clustered(3000, 300, Metric::Cosine, 1));
    let generation = Generation::open(&path, Verify::Full).unwrap();
    let (mut scratch, mut found) = (Scratch::default(), 0);
    for query in clustered(50, 300, Metric::Cosine, 2).chunks(300) {
        let walked = generation.search(query, 10, (256, ShortForm::Bits), None, &mut scratch).hits;
        let scanned = generation.scan(query, 10, None, &mut scratch).hits;
        found += walked.iter().filter(|hit| scanned.contains(hit)).count();
    }
    assert!(found >= 475, "{found} of 500");
}

#[test]
fn sifting_finds_what_a_scan_finds() {
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        for dimension in [20, 300] {
            sift(dimension, metric);
        }
    }
}

fn sift(dimension: usize, metric: Metric) {
    let folder = Folder::new(&format!("sifted-{dimension}"));
    let path = folder.write(dimension, metric, &clustered(3000, dimension, metric, 1));
    let generation = Generation::open(&path, Verify::Full).unwrap();
    let mut allowed = Bitset::new(3000);
    (0..3000).filter(|at| at % 3 > 0).for_each(|at| allowed.set(at));
    let mut scratch = Scratch::default();
    let mut found = 0;
    for query in clustered(100, dimension, metric, 2).chunks(dimension) {
        let sifted = generation.sift(query, 10, &allowed, &mut scratch).hits;
        let scanned = generation.scan(query, 10, Some(&allowed), &mut scratch).hits;
        found += sifted.iter().filter(|hit| scanned.contains(hit)).count();
    }
    assert!(found >= 990, "{metric:?}: {found} of 1000");
}

#[test]
fn a_walk_that_a_filter_cut_off_says_so() {
    let folder = Folder::new("cut");
    let path = folder.write(16, Metric::Cosine, &clustered(3000, 16, Metric::Cosine, 1));
    let generation = Generation::open(&path, Verify::Full).unwrap();
    let mut allowed = Bitset::new(3000);
    (0..5).for_each(|at| allowed.set(at * 600));
    let found =
        generation.search(generation.vector(7), 10, (100, ShortForm::Bytes), Some(&allowed), &mut Scratch::default());
    assert!(!found.full && found.hits.len() <= 5);
}

#[test]
fn row_ids_and_vectors_stay_together() {
    let folder = Folder::new("together");
    let vectors = clustered(700, 20, Metric::L2, 1);
    let generation = Generation::open(&folder.write(20, Metric::L2, &vectors), Verify::Full).unwrap();
    let ids: HashSet<u64> = generation.row_ids().iter().copied().collect();
    assert_eq!((generation.len(), ids.len()), (700, 700));
    for (ordinal, &id) in (0..).zip(generation.row_ids()) {
        assert_eq!(generation.vector(ordinal), &vectors[(id as usize - 1000) * 20..][..20]);
    }
}

#[test]
fn small_generations_answer_with_what_they_have() {
    for rows in [0, 1, 2, 3, 9] {
        let folder = Folder::new(&format!("small-{rows}"));
        let path = folder.write(5, Metric::Dot, &clustered(rows, 5, Metric::Dot, 3));
        let generation = Generation::open(&path, Verify::Full).unwrap();
        let mut scratch = Scratch::default();
        assert_eq!(generation.is_empty(), rows == 0);
        let (none, one) = (Bitset::new(rows), Bitset::full(rows.min(1)));
        for (allowed, expected) in [(None, rows), (Some(&none), 0), (Some(&one), rows.min(1))] {
            let query = [0.1, 0.2, -0.3, 0.4, 0.0];
            assert_eq!(generation.scan(&query, 20, allowed, &mut scratch).hits.len(), expected);
            let found = generation.search(&query, 20, (50, ShortForm::Bytes), allowed, &mut scratch).hits;
            assert!(found.len() == expected || allowed.is_some() && found.len() < expected);
            assert_eq!(generation.search(&query, 0, (0, ShortForm::Bytes), allowed, &mut scratch).hits, []);
        }
    }
}

#[test]
fn equal_vectors_are_all_found() {
    let folder = Folder::new("equal");
    let mut vectors = clustered(2000, 16, Metric::Cosine, 1);
    let query = clustered(1, 16, Metric::Cosine, 9);
    vectors.extend(query.repeat(1000));
    let generation = Generation::open(&folder.write(16, Metric::Cosine, &vectors), Verify::Full).unwrap();
    let found = generation.search(&query, 500, (500, ShortForm::Bytes), None, &mut Scratch::default()).hits;
    assert_eq!(found.len(), 500);
    assert!(found.iter().all(|hit| generation.row_ids()[hit.0 as usize] >= 3000));
    assert!(recall(&generation, &clustered(50, 16, Metric::Cosine, 2), 100, None) >= 0.95);
}

#[test]
fn a_generation_that_goes_on_from_others_finds_as_much_as_one_built_anew() {
    for metric in [Metric::Cosine, Metric::Dot, Metric::L2] {
        let folder = Folder::new(&format!("resumed-{}", metric.name()));
        let all = clustered(6_600, 64, metric, 1);
        let rows: Vec<(u64, &[f32])> = (1..).zip(all.chunks(64)).collect();
        // A tenth is replaced each time, in the end twice over; some rows come as equals of others.
        let window = |round: usize| [&rows[round * 300..][..3_000], &rows[round * 300 + 1_500..][..50]].concat();
        let mut path = folder.write_rows((64, metric), &renamed(window(0)), "0", None);
        for round in 1..=12 {
            let earlier = Generation::open(&path, Verify::Full).unwrap();
            path = folder.write_rows((64, metric), &renamed(window(round)), &round.to_string(), Some(&earlier));
        }
        let queries = clustered(200, 64, metric, 2);
        let resumed = Generation::open(&path, Verify::Full).unwrap();
        let anew = folder.write_rows((64, metric), &renamed(window(12)), "anew", None);
        let anew = Generation::open(&anew, Verify::Full).unwrap();
        assert_eq!(resumed.len(), anew.len());
        let recalls = [&resumed, &anew].map(|generation| recall(generation, &queries, 64, None));
        assert!(recalls[0] >= recalls[1] - 0.01, "{metric:?}: {recalls:?}");
    }
}

/// Gives rows that come twice an id of their own.
fn renamed(mut rows: Vec<(u64, &[f32])>) -> Vec<(u64, &[f32])> {
    let mut seen = HashSet::new();
    rows.iter_mut().filter(|row| !seen.insert(row.0)).for_each(|row| row.0 += 1_000_000);
    rows
}

#[test]
fn a_damaged_graph_to_go_on_from_does_no_harm() {
    let folder = Folder::new("resumed-damaged");
    let vectors = clustered(3_000, 16, Metric::Cosine, 1);
    let path = folder.write(16, Metric::Cosine, &vectors);
    let file = path.join("generation.bin");
    let mut bytes = fs::read(&file).unwrap();
    let places = Generation::open(&path, Verify::Full).unwrap().file.header().places().unwrap();
    let mut numbers = Numbers(8);
    for section in [Section::Base, Section::Upper] {
        let place = &places[section as usize];
        (0..place.len() / 3).for_each(|_| bytes[place.start + numbers.below(place.len())] = numbers.below(256) as u8);
    }
    fs::write(&file, bytes).unwrap();
    let earlier = Generation::open(&path, Verify::Header).unwrap();
    let rows: Vec<(u64, &[f32])> = (1000..).zip(vectors.chunks(16)).skip(40).collect();
    let resumed =
        Generation::open(&folder.write_rows((16, Metric::Cosine), &rows, "resumed", Some(&earlier)), Verify::Full);
    assert!(recall(&resumed.unwrap(), &clustered(50, 16, Metric::Cosine, 2), 100, None) >= 0.9);
}

#[test]
fn vectors_that_are_no_numbers_do_no_harm() {
    let folder = Folder::new("nan");
    let mut vectors = clustered(500, 8, Metric::L2, 1);
    vectors[..8].fill(f32::NAN);
    vectors[80..88].fill(f32::INFINITY);
    vectors[160..168].fill(3e38);
    let generation = Generation::open(&folder.write(8, Metric::L2, &vectors), Verify::Full).unwrap();
    let mut scratch = Scratch::default();
    for query in [[f32::NAN; 8], [f32::INFINITY; 8], [0.0; 8], [1e38; 8]] {
        assert_eq!(generation.search(&query, 5, (50, ShortForm::Bytes), None, &mut scratch).hits.len(), 5);
        assert_eq!(generation.scan(&query, 5, None, &mut scratch).hits.len(), 5);
    }
}

#[test]
fn a_generation_is_never_written_over_another() {
    let folder = Folder::new("twice");
    let path = folder.write(4, Metric::L2, &clustered(50, 4, Metric::L2, 1));
    let rows = RowVectors { dimension: 4, metric: Metric::L2, row_ids: &[1], vectors: &[&[0.0; 4]], earlier: None };
    let again = write_generation(&path, rows, &BuildParams::usual(1, 1), &AtomicBool::new(false));
    assert!(matches!(again, Err(IndexError::Io { .. })));
    assert_eq!(Generation::open(&path, Verify::Full).unwrap().len(), 50);
}

#[test]
fn vectors_that_do_not_fit_their_ids_are_refused() {
    let folder = Folder::new("unfit");
    let write = |dimension, vectors: &[&[f32]]| {
        let rows = RowVectors { dimension, metric: Metric::L2, row_ids: &[1, 2], vectors, earlier: None };
        write_generation(&folder.0.join("g"), rows, &BuildParams::usual(1, 1), &AtomicBool::new(false))
    };
    assert!(matches!(write(4, &[&[0.0; 4], &[0.0; 3]]), Err(IndexError::Input { found: 3, expected: 4, .. })));
    assert!(matches!(write(4, &[&[0.0; 4]]), Err(IndexError::Input { found: 1, expected: 2, .. })));
    assert!(matches!(write(0, &[]), Err(IndexError::Input { what: "dimension", .. })));
    assert!(!folder.0.join("g").exists());
}

fn is_damaged(path: &Path) -> bool {
    matches!(Generation::open(path, Verify::Full), Err(IndexError::Damaged { .. }))
}

#[test]
fn every_truncation_and_every_flipped_bit_is_noticed() {
    let folder = Folder::new("damage");
    let path = folder.write(20, Metric::Cosine, &clustered(400, 20, Metric::Cosine, 1));
    let file = path.join("generation.bin");
    let whole = fs::read(&file).unwrap();
    let places = Generation::open(&path, Verify::Full).unwrap().file.header().places().unwrap();
    let ends = places.iter().flat_map(|place| [place.start, place.end, place.end - 1, place.start + 1]);
    for end in ends.chain([0, 1, 8, 511, 512, 513, whole.len() - 1]).filter(|&end| end < whole.len()) {
        fs::write(&file, &whole[..end]).unwrap();
        assert!(is_damaged(&path), "cut to {end}");
    }
    fs::write(&file, [&whole[..], &[0]].concat()).unwrap();
    assert!(is_damaged(&path), "one byte longer");
    let mut numbers = Numbers(5);
    let padding = places.windows(2).map(|pair| pair[0].end).zip(places.iter().skip(1).map(|place| place.start));
    let padding: Vec<usize> = padding.filter(|(end, start)| end < start).map(|(end, _)| end * 8).collect();
    let bits: Vec<usize> = (0..300).map(|_| numbers.below(whole.len()) * 8 + numbers.below(8)).chain(padding).collect();
    for bit in bits.into_iter().chain(0..512) {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, &bytes).unwrap();
        assert!(is_damaged(&path), "bit {bit}");
    }
    fs::remove_file(&file).unwrap();
    assert!(matches!(Generation::open(&path, Verify::Full), Err(IndexError::Io { .. })));
}

#[test]
fn wrong_neighbours_do_no_harm_to_a_walk() {
    let folder = Folder::new("hostile");
    let path = folder.write(300, Metric::Cosine, &clustered(2000, 300, Metric::Cosine, 1));
    let file = path.join("generation.bin");
    let whole = fs::read(&file).unwrap();
    let places = Generation::open(&path, Verify::Full).unwrap().file.header().places().unwrap();
    let mut numbers = Numbers(6);
    for section in [Section::Base, Section::Upper, Section::Facts, Section::Codes, Section::Sketches, Section::Counts] {
        let mut bytes = whole.clone();
        let place = &places[section as usize];
        for _ in 0..place.len() / 3 {
            bytes[place.start + numbers.below(place.len())] = numbers.below(256) as u8;
        }
        fs::write(&file, &bytes).unwrap();
        let Ok(generation) = Generation::open(&path, Verify::Header) else { continue };
        let mut scratch = Scratch::default();
        for query in clustered(50, 300, Metric::Cosine, 2).chunks(300) {
            assert!(generation.search(query, 10, (50, ShortForm::Bytes), None, &mut scratch).hits.len() <= 10);
            assert!(
                generation.search(query, 10, (50, ShortForm::Bytes), Some(&Bitset::full(300)), &mut scratch).hits.len()
                    <= 10
            );
            assert!(generation.search(query, 10, (50, ShortForm::Bits), None, &mut scratch).hits.len() <= 10);
            assert!(generation.sift(query, 10, &Bitset::full(2000), &mut scratch).hits.len() <= 10);
        }
        assert!(is_damaged(&path), "{}", section.name());
    }
}
