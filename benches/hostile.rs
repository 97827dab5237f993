//! Searches beside files that mean harm: how long they take while the server reads a folder of such files, and idle.
//!
//! Every file is uploaded and must be answered as a document or with an error of its own; the server must live.
//! `RAGSTONE_HOSTILE=FOLDER cargo test --release --workspace --test ingest hostile_files` writes the files.
//!
//! `cargo bench --bench hostile -- FOLDER`; needs RAGSTONE_MODELS with the default model.

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use support::load::{figures, searches};
use support::server::{Client, end, memory_mib, start};
use support::source::Source;

const ROWS: usize = 20_000;
const BATCH: usize = 1_000;
const QUERIES: usize = 1_000;
/// Searches a second.
const RATE: f64 = 50.0;
const IDLE_TIME: Duration = Duration::from_secs(30);
/// Files that are sent at the same time.
const CONNECTIONS: usize = 2;
/// What separates the parts of an upload; no file holds it.
const BOUNDARY: &str = "5f1b7c4e9a20d83c61f0b2a7";

fn main() {
    let folder = std::env::args().skip(1).map(PathBuf::from).find(|path| path.is_dir()).expect("a folder is named");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let data = tempfile::tempdir().expect("a temporary folder");
    let (child, address) = start(data.path());
    let source = Source::new(7);
    let mut client = Client::connect(&address);
    client.post("/v1/collections", &json!({"name": "bench"}).to_string());
    client.post("/v1/collections", &json!({"name": "files"}).to_string());
    for first in (0..ROWS).step_by(BATCH) {
        client.post("/v1/collections/bench/chunks", &source.upsert(first, BATCH));
    }
    client.wait_until_sealed();
    let bodies: Vec<String> = (90_000_000..90_000_000 + QUERIES)
        .map(|row| json!({"embedding": source.vector(row), "text": source.text(row, 6), "mode": "hybrid"}).to_string())
        .collect();
    let idle = searches(&address, &bodies, RATE, &|passed| passed >= IDLE_TIME);
    println!("{{\"bench\":\"hostile\",\"load\":\"idle\",{}}}", figures(idle));

    let (done, begun) = (AtomicBool::new(false), Instant::now());
    std::thread::scope(|scope| {
        let uploads = scope.spawn(|| {
            let outcomes = upload_all(&address, &files);
            done.store(true, Ordering::Release);
            outcomes
        });
        let beside = searches(&address, &bodies, RATE, &|_| done.load(Ordering::Acquire));
        let outcomes = uploads.join().expect("every upload is answered");
        println!(
            "{{\"bench\":\"hostile\",\"load\":\"{} files in {:.0} s\",{},\"server_mib\":{},\"outcomes\":{}}}",
            files.len(),
            begun.elapsed().as_secs_f64(),
            figures(beside),
            memory_mib(&child),
            json!(outcomes)
        );
    });
    end(child);
}

/// Uploads every file and returns how many ended in what.
fn upload_all(address: &str, files: &[PathBuf]) -> BTreeMap<String, usize> {
    let (next, outcomes) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = upload(address, file);
                    *outcomes.lock().unwrap_or_else(PoisonError::into_inner).entry(outcome).or_default() += 1;
                }
            });
        }
    });
    outcomes.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Uploads a file, waits until it is searchable or refused, and returns what became of it.
fn upload(address: &str, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let content = std::fs::read(file).expect("a file of the folder");
    let body = [head.as_bytes(), &content, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    let path = "/v1/collections/files/documents?wait=true";
    let (status, answer) = Client::connect(address).request("POST", path, &kind, &body);
    let answer: Value = serde_json::from_str(&answer).expect("JSON");
    let documents = answer["documents"].as_array().map_or(&[][..], Vec::as_slice);
    let outcome = documents.first().map_or(&answer, |document| document);
    let code = outcome["code"].as_str().or(outcome["error"]["code"].as_str()).unwrap_or("read");
    format!("{status} {code}")
}
