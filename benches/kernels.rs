//! The kernels of the index one by one, for each kind that this processor can run: distances, sketches, postings.
//!
//! Rows lie in 64 MiB, more than the caches hold, and are named in random order, as a walk names them; "near" rows lie in
//! the first cache. Whole searches are measured by `ragstone bench search`.
//!
//! `cargo bench --bench kernels -- [FILTER]`

mod support;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ragstone::index::distance::Kernels;
use ragstone::index::text::{Analyzer, TextIndex};
use std::hint::black_box;
use support::Random;

const DIMENSION: usize = 384;
const CODE_ROWS: usize = (64 << 20) / DIMENSION;
/// Rows that one call scores.
const NAMED: usize = 64;
const VOCABULARY: f64 = 30_000.0;

fn distances(criterion: &mut Criterion) {
    let mut random = Random(1);
    let query: Vec<f32> = (0..DIMENSION).map(|_| random.normal()).collect();
    let other: Vec<f32> = (0..DIMENSION).map(|_| random.normal()).collect();
    let query_codes: Vec<i8> = (0..DIMENSION).map(|_| random.next() as i8).collect();
    let codes: Vec<u8> = (0..CODE_ROWS * DIMENSION).map(|_| random.next() as u8).collect();
    let far: Vec<u32> = (0..1 << 16).map(|_| random.below(CODE_ROWS) as u32).collect();
    let near: Vec<u32> = (0..NAMED as u32).collect();
    let mut group = criterion.benchmark_group("distance");
    for kernels in Kernels::available() {
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("dot_f32", kernels.name()), |bencher| {
            bencher.iter(|| kernels.dot_f32(black_box(&query), black_box(&other)));
        });
        group.bench_function(BenchmarkId::new("l2sq_f32", kernels.name()), |bencher| {
            bencher.iter(|| kernels.l2sq_f32(black_box(&query), black_box(&other)));
        });
        group.throughput(Throughput::Elements(NAMED as u64));
        let mut out = [0; NAMED];
        group.bench_function(BenchmarkId::new("dot_i8_rows_near", kernels.name()), |bencher| {
            bencher.iter(|| kernels.dot_i8_rows(black_box(&query_codes), &codes, &near, &mut out));
        });
        let mut turns = far.chunks_exact(NAMED).cycle();
        group.bench_function(BenchmarkId::new("dot_i8_rows_far", kernels.name()), |bencher| {
            bencher.iter(|| kernels.dot_i8_rows(&query_codes, &codes, turns.next().unwrap_or(&near), &mut out));
        });
    }
    group.finish();
}

fn sketches(criterion: &mut Criterion) {
    let mut random = Random(2);
    let (words, rows) = (DIMENSION / 64, (64 << 20) / (DIMENSION / 8));
    let query: Vec<i8> = (0..DIMENSION).map(|_| random.next() as i8).collect();
    let bits: Vec<u64> = (0..rows * words).map(|_| random.next()).collect();
    let ids: Vec<u32> = (0..rows as u32).step_by(10).collect();
    let mut out = vec![0; ids.len()];
    let mut group = criterion.benchmark_group("sketch");
    group.throughput(Throughput::Elements(ids.len() as u64)).sample_size(20);
    for kernels in Kernels::available() {
        group.bench_function(BenchmarkId::new("every_tenth_row", kernels.name()), |bencher| {
            bencher.iter(|| kernels.sum_set_rows(black_box(&query), &bits, words, &ids, &mut out));
        });
    }
    group.finish();
}

fn postings(criterion: &mut Criterion) {
    let (analyzer, mut index, mut random) = (Analyzer::new(), TextIndex::new(), Random(3));
    for slot in 0..100_000 {
        index.add(slot, &analyzer.analyze(&random.words(60, VOCABULARY)));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("text");
    index.write(&file).expect("the index is written");
    let mapped = TextIndex::open(&file).expect("the index is opened");
    let queries: Vec<_> = (0..256).map(|_| analyzer.analyze(&random.words(6, VOCABULARY))).collect();
    let mut group = criterion.benchmark_group("postings");
    for (name, index) in [("memory", &index), ("mapped", &mapped)] {
        let mut turns = queries.iter().cycle();
        group.bench_function(BenchmarkId::new("search_6_words_100k", name), |bencher| {
            bencher.iter(|| turns.next().map(|query| index.search(query, 10, |_| true, u32::MAX)));
        });
    }
    group.finish();
}

criterion_group!(benches, distances, sketches, postings);
criterion_main!(benches);
