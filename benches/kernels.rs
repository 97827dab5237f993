//! The kernels of the index one by one, for each kind that this processor can run: distances, sketches, postings; and the
//! filters, with every value tested and with the values in order.
//!
//! Rows lie in 64 MiB, more than the caches hold, and are named in random order, as a walk names them; "near" rows lie in
//! the first cache. Whole searches are measured by `ragstone bench search`.
//!
//! `cargo bench --bench kernels -- [FILTER]`

mod support;

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ragstone::index::Segment;
use ragstone::index::distance::Kernels;
use ragstone::index::text::{Analyzer, TextIndex};
use ragstone::query::Filter;
use ragstone::schema::{CollectionSchema, EmbeddingSchema, Field, FieldType, Metric, VectorForms};
use std::hint::black_box;
use std::sync::Arc;
use support::Random;

const DIMENSION: usize = 384;
const CODE_ROWS: usize = (64 << 20) / DIMENSION;
/// Rows that one call scores.
const NAMED: usize = 64;
const VOCABULARY: f64 = 30_000.0;
const FILTER_ROWS: usize = 1_000_000;
const FILTERS: &[&str] = &[
    "tenant = 'tenant-0042'",
    "tenant IN ('tenant-0001', 'tenant-0002', 'tenant-0003')",
    "file = 'reports/of/the/year/0004242.pdf'",
    "file LIKE 'reports/of/the/year/00042%'",
    "tenant LIKE '%42'",
    "year = 2001",
    "year >= 2005",
    "price BETWEEN 0.1 AND 0.11",
    "array_has(tags, 'tag 42')",
    "tenant = 'tenant-0042' AND year >= 2005 AND array_has_any(tags, ['tag 1', 'tag 2'])",
];

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

fn filters(criterion: &mut Criterion) {
    let (schema, rows) = (schema(), FILTER_ROWS);
    let columns = columns(rows);
    let segment = || Segment::new(0, (0..rows as u64).collect(), vec![1; rows], &columns).expect("the rows fit");
    let (tested, ordered) = (segment(), segment());
    columns.schema().fields().iter().for_each(|field| ordered.put_in_order(field.name()));
    let mut group = criterion.benchmark_group("filter");
    group.sample_size(20);
    for sql in FILTERS {
        let filter = Filter::parse_sql(sql, &schema).expect("the filter fits the schema");
        for (name, segment) in [("tested", &tested), ("ordered", &ordered)] {
            group.bench_function(BenchmarkId::new(*sql, name), |bencher| {
                bencher.iter(|| filter.evaluate_with(segment.columns(), &|field| segment.order(field)));
            });
        }
    }
    group.finish();
}

/// Returns a collection with the fields that [`columns`] makes.
fn schema() -> CollectionSchema {
    let fields = [
        ("tenant", FieldType::String),
        ("file", FieldType::String),
        ("year", FieldType::Integer),
        ("price", FieldType::Number),
        ("tags", FieldType::StringList),
    ];
    CollectionSchema {
        description: String::new(),
        embedding: EmbeddingSchema { model: None, dimension: 2, metric: Metric::Cosine, forms: VectorForms::default() },
        chunking: Default::default(),
        fields: fields.map(|(name, field_type)| Field { name: name.into(), field_type }).to_vec(),
    }
}

/// Makes rows of 1,000 tenants, files of ten rows, 30 years, any prices, and three tags each of 200.
fn columns(rows: usize) -> RecordBatch {
    let mut random = Random(4);
    let mut tags = ListBuilder::new(StringBuilder::new());
    (0..rows).for_each(|_| tags.append_value((0..3).map(|_| Some(format!("tag {}", random.below(200))))));
    let tenants = (0..rows).map(|_| format!("tenant-{:04}", random.below(1_000)));
    let tenants: ArrayRef = Arc::new(StringArray::from_iter_values(tenants));
    let files = (0..rows).map(|row| format!("reports/of/the/year/{:07}.pdf", row / 10));
    let files: ArrayRef = Arc::new(StringArray::from_iter_values(files));
    let years: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|_| 1990 + random.below(30) as i64)));
    let prices: ArrayRef = Arc::new(Float64Array::from_iter_values((0..rows).map(|_| random.unit())));
    let tags: ArrayRef = Arc::new(tags.finish());
    let columns = [("tenant", tenants), ("file", files), ("year", years), ("price", prices), ("tags", tags)];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

criterion_group!(benches, distances, sketches, postings, filters);
criterion_main!(benches);
