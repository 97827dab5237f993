//! Instructions that the hot paths run, counted by callgrind, so that a regression shows on any machine at any load.
//!
//! Each path runs in a process of its own under valgrind, which counts inside [`counted`] only. Valgrind knows no AVX-512,
//! so the AVX2 kernels are counted. The counts of the last change stand in benches/README.md.
//!
//! `cargo bench --bench instructions`; says so and ends where there is no valgrind.

mod support;

use ragstone::index::generation::{RowVectors, Verify, write_generation};
use ragstone::index::graph::{BuildParams, Scratch};
use ragstone::index::text::{Analyzer, TextIndex};
use ragstone::index::{Bitset, Generation};
use ragstone::schema::{Metric, ShortForm};
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::AtomicBool;
use support::Random;

const ROWS: usize = 5_000;
const DIMENSION: usize = 384;
/// Calls that are counted.
const CALLS: usize = 50;
const VOCABULARY: f64 = 30_000.0;
/// The paths: name, and what a call is.
const PATHS: [(&str, &str); 5] = [
    ("walk", "a walk of effort 128 over 5,000 x 384"),
    ("walk_within", "the same over a tenth of the rows"),
    ("sift", "a scan of a tenth of the rows by their sketches"),
    ("analyze", "cutting 60 words"),
    ("postings", "a search of 6 words over 5,000 texts in a mapped file"),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [run, path, folder] = &arguments[..]
        && run == "run"
    {
        return run_path(path, Path::new(folder));
    }
    if Command::new("valgrind").arg("--version").output().is_err() {
        return println!("valgrind is not installed; nothing was counted");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    prepare(folder.path());
    for (path, call) in PATHS {
        let count = count(path, folder.path());
        println!(
            "{{\"bench\":\"instructions\",\"path\":\"{path}\",\"call\":\"{call}\",\"instructions\":{}}}",
            count / CALLS as u64
        );
    }
}

/// Runs a path under valgrind and returns the instructions that were counted.
fn count(path: &str, folder: &Path) -> u64 {
    let program = std::env::current_exe().expect("the path of this program");
    let output = Command::new("valgrind")
        .args([
            "--tool=callgrind",
            "--collect-atstart=no",
            "--toggle-collect=*counted*",
            "--callgrind-out-file=/dev/null",
        ])
        .arg(program)
        .args(["run", path])
        .arg(folder)
        .output()
        .expect("valgrind runs");
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split("Collected :").nth(1));
    let count = collected.and_then(|count| count.split_whitespace().next()?.parse().ok());
    count.unwrap_or_else(|| panic!("{path}: {said}"))
}

/// Writes the files that the paths read.
fn prepare(folder: &Path) {
    let mut random = Random(5);
    let mut vectors: Vec<f32> = (0..ROWS * DIMENSION).map(|_| random.normal()).collect();
    vectors.chunks_exact_mut(DIMENSION).for_each(normalize);
    let row_ids: Vec<u64> = (0..ROWS as u64).collect();
    let vectors: Vec<&[f32]> = vectors.chunks(DIMENSION).collect();
    let rows = RowVectors {
        dimension: DIMENSION,
        metric: Metric::Cosine,
        row_ids: &row_ids,
        vectors: &vectors,
        earlier: None,
    };
    write_generation(&folder.join("generation"), rows, &BuildParams::usual(1, 7), &AtomicBool::new(false))
        .expect("a generation");
    let (analyzer, mut index) = (Analyzer::new(), TextIndex::new());
    (0..ROWS as u32).for_each(|slot| index.add(slot, &analyzer.analyze(&random.words(60, VOCABULARY))));
    index.write(&folder.join("text")).expect("postings");
}

fn run_path(path: &str, folder: &Path) {
    let mut random = Random(11);
    let generation = Generation::open(&folder.join("generation"), Verify::Header).expect("the generation");
    let index = TextIndex::open(&folder.join("text")).expect("the postings");
    let (analyzer, mut scratch) = (Analyzer::new(), Scratch::default());
    let mut tenth = Bitset::new(ROWS);
    (0..ROWS).step_by(10).for_each(|row| tenth.set(row));
    for _ in 0..CALLS {
        let mut query: Vec<f32> = (0..DIMENSION).map(|_| random.normal()).collect();
        normalize(&mut query);
        let (long, short) = (random.words(60, VOCABULARY), analyzer.analyze(&random.words(6, VOCABULARY)));
        match path {
            "walk" => counted(|| drop(generation.search(&query, 10, (128, ShortForm::Bytes), None, &mut scratch))),
            "walk_within" => {
                counted(|| drop(generation.search(&query, 10, (128, ShortForm::Bytes), Some(&tenth), &mut scratch)))
            }
            "sift" => counted(|| drop(generation.sift(&query, 10, &tenth, &mut scratch))),
            "analyze" => counted(|| drop(analyzer.analyze(&long))),
            _ => counted(|| drop(index.search(&short, 10, |_| true, u32::MAX))),
        }
    }
}

/// Runs what is counted.
#[inline(never)]
fn counted(work: impl FnOnce()) {
    black_box(());
    work();
    black_box(());
}

fn normalize(vector: &mut [f32]) {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= length);
}
