//! A folder becomes a collection: each stage alone over all documents, and `ragstone ingest` as a whole.
//!
//! Reading runs in worker processes on two threads, cutting on one, embedding on two, as in the product; there the stages
//! overlap, so the whole takes less than their sum.
//!
//! `cargo bench --bench ingest -- MODELS [FOLDER]`, by default over the sample documents.

use ragstone_ingest::chunk::{Chunk, ChunkRules, split};
use ragstone_ingest::walk::{FoundFile, walk};
use ragstone_ingest::worker::{WorkerCommand, WorkerPool};
use ragstone_ingest::{Document, Limits, sample};
use ragstone_models::{Device, Embedder, LoadOptions, Precision, Priority, TextKind, find_model};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

const RAGSTONE: &str = env!("CARGO_BIN_EXE_ragstone");
const MODEL: &str = "all-MiniLM-L6-v2";
const THREADS: usize = 2;
const EMBED_BATCH: usize = 256;

fn main() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let mut folders = std::env::args().skip(1).map(PathBuf::from).filter(|path| path.is_dir());
    let models = folders.next().expect("the folder of the models is named");
    let folder = folders.next().unwrap_or_else(|| {
        let folder = scratch.path().join("samples");
        std::fs::create_dir(&folder).expect("a folder for the samples");
        sample::write_samples(&folder).expect("samples");
        folder
    });
    let (files, _) = walk(std::slice::from_ref(&folder));
    let started = Instant::now();
    let documents = read_all(&files);
    report("read", documents.len(), files.len(), started);

    let model = find_model(&models, MODEL).expect("the model is installed");
    let options = LoadOptions { threads: THREADS, device: Device::Auto, precision: Precision::F32, dimension: None };
    let embedder = Embedder::spawn(&model, MODEL, &options, 1).expect("the model is loaded");
    let tokenizer = embedder.tokenizer();
    let started = Instant::now();
    let cut = |document: &Document| split(document, &ChunkRules::default(), &|text| tokenizer.count(text));
    let chunks: Vec<Chunk> = documents.iter().flat_map(cut).collect();
    report("cut", documents.len(), chunks.len(), started);

    let started = Instant::now();
    for part in chunks.chunks(EMBED_BATCH) {
        let texts = part.iter().map(|chunk| chunk.text.clone()).collect();
        embedder.embed(texts, TextKind::Document, Priority::Ingest).expect("texts are embedded");
    }
    report("embed", documents.len(), chunks.len(), started);

    let started = Instant::now();
    ingest(&folder, &scratch.path().join("data"), &models);
    report("whole", documents.len(), chunks.len(), started);
}

fn report(stage: &str, documents: usize, parts: usize, started: Instant) {
    let seconds = started.elapsed().as_secs_f64();
    let rate = documents as f64 / seconds;
    println!(
        "{{\"bench\":\"ingest\",\"stage\":\"{stage}\",\"documents\":{documents},\"parts\":{parts},\
         \"seconds\":{seconds:.2},\"documents_per_second\":{rate:.1}}}"
    );
}

/// Reads every file that can be read.
fn read_all(files: &[FoundFile]) -> Vec<Document> {
    let command = WorkerCommand { program: RAGSTONE.into(), args: vec!["extract-worker".into()] };
    let pool = WorkerPool::new(command, Limits::default(), THREADS);
    let (next, documents) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let bytes = std::fs::read(&file.path).expect("a file of the folder");
                    if let Ok(document) = pool.read(&bytes, &file.uri) {
                        documents.lock().expect("no reader panics").push(document);
                    }
                }
            });
        }
    });
    documents.into_inner().expect("no reader panics")
}

fn ingest(folder: &Path, data: &Path, models: &Path) {
    let mut command = Command::new(RAGSTONE);
    command.args(["ingest", "--collection", "bench", "--json", "--data"]).arg(data).arg("--models").arg(models);
    let status = command.arg(folder).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("ingest runs");
    assert!(status.code().is_some_and(|code| code < 2), "ingest ended with {status}");
}
