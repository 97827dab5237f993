//! The server under load, as one client sees it over HTTP: upserted rows a second, and search latency beside them.
//!
//! Rows are 384-dimensional vectors around random centres with texts of Zipf-distributed words, made here from a seed.
//! Other servers and kernels are measured elsewhere (README.md beside this file).
//!
//! `cargo bench --bench serve -- [ROWS] [FOLDER]`; needs RAGSTONE_MODELS with the default model. A folder keeps the rows, and
//! those that it holds are searched again.

mod support;

use serde_json::json;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::load::{figures, searches};
use support::server::{Client, end, memory_mib, start};
use support::source::Source;

const BATCH: usize = 1_000;
const QUERIES: usize = 1_000;
/// Each kind of search is measured for so long at least, so that it meets every kind of work beside it.
const SEARCH_TIME: Duration = Duration::from_secs(5);
/// Searches at half load are measured longer, since their slowest are few.
const HALF_LOAD_TIME: Duration = Duration::from_secs(15);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let rows = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let named = arguments.iter().find(|argument| argument.parse::<usize>().is_err()).map(PathBuf::from);
    let folder = named.unwrap_or_else(|| scratch.path().to_owned());
    let is_filled = std::fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some());
    let (child, address) = start(&folder);
    let source = Source::new(7);
    if !is_filled {
        fill(&address, &source, rows);
    }
    let mut client = Client::connect(&address);
    client.wait_until_sealed();
    for load in ["idle", "upserting 500 rows/s"] {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if load != "idle" {
                scope.spawn(|| upsert_slowly(&address, &source, rows, &stop));
            }
            for kind in ["dense", "hybrid", "lexical", "filtered", "text"] {
                println!(
                    "{{\"bench\":\"search\",\"kind\":\"{kind}\",\"load\":\"{load}\",{}}}",
                    search(&address, &source, kind)
                );
            }
            stop.store(true, Ordering::Release);
        });
    }
    half_load(&address, &source, rows);
    println!("{{\"bench\":\"memory\",\"rows\":{rows},\"server_mib\":{}}}", memory_mib(&child));
    end(child);
}

/// Upserts the rows twice: by one client, and by two into the collection that is searched.
fn fill(address: &str, source: &Source, rows: usize) {
    for (collection, clients) in [("alone", 1), ("bench", 2)] {
        // A connection that idles while rows are made would be closed.
        Client::connect(address).post("/v1/collections", &json!({"name": collection}).to_string());
        println!("{{\"bench\":\"upsert\",{}}}", upsert_all(address, collection, source, rows, clients));
    }
    Client::connect(address).send("DELETE", "/v1/collections/alone", "");
}

/// Upserts every row in batches; each client sends the next one when the last is answered.
fn upsert_all(address: &str, collection: &str, source: &Source, rows: usize, clients: usize) -> String {
    let path = format!("/v1/collections/{collection}/chunks");
    let bodies: Vec<String> = (0..rows / BATCH).map(|batch| source.upsert(batch * BATCH, BATCH)).collect();
    let next = AtomicUsize::new(0);
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                let mut client = Client::connect(address);
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    client.post(&path, body);
                }
            });
        }
    });
    let seconds = started.elapsed().as_secs_f64();
    let rate = rows as f64 / seconds;
    format!(
        "\"rows\":{rows},\"batch\":{BATCH},\"clients\":{clients},\"seconds\":{seconds:.2},\"rows_per_second\":{rate:.0}"
    )
}

/// Upserts ten rows every 20 ms, which is 500 rows a second, half of them new.
fn upsert_slowly(address: &str, source: &Source, rows: usize, stop: &AtomicBool) {
    let mut client = Client::connect(address);
    let started = Instant::now();
    for round in 0.. {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let first = if round % 2 == 0 { rows + round * 10 } else { round * 10 % rows };
        client.post("/v1/collections/bench/chunks", &source.upsert(first, 10));
        let due = Duration::from_millis(20 * (round as u64 + 1));
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
}

/// Measures each kind of search at half of the rate that saturates the server, beside upserts.
fn half_load(address: &str, source: &Source, rows: usize) {
    for kind in ["dense", "hybrid", "lexical", "filtered", "text"] {
        let bodies = bodies(source, kind);
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| upsert_slowly(address, source, rows, &stop));
            let full = searches(address, &bodies, f64::INFINITY, &|passed| passed >= SEARCH_TIME);
            let rate = full.len() as f64 / SEARCH_TIME.as_secs_f64();
            let half = searches(address, &bodies, rate / 2.0, &|passed| passed >= HALF_LOAD_TIME);
            println!(
                "{{\"bench\":\"search\",\"kind\":\"{kind}\",\"load\":\"half of {rate:.0}/s, upserting 500 rows/s\",{}}}",
                figures(half)
            );
            stop.store(true, Ordering::Release);
        });
    }
}

fn bodies(source: &Source, kind: &str) -> Vec<String> {
    (0..QUERIES)
        .map(|query| {
            let (vector, words) = (source.vector(90_000_000 + query), source.text(90_000_000 + query, 6));
            match kind {
                "dense" => json!({"embedding": vector}),
                "hybrid" => json!({"embedding": vector, "text": words, "mode": "hybrid"}),
                "lexical" => json!({"text": words, "mode": "lexical"}),
                "filtered" => json!({"embedding": vector, "filter": "bucket < 100 AND parity = 'even'"}),
                _ => json!({"text": words}),
            }
            .to_string()
        })
        .collect()
}

/// Searches from one connection, each time as soon as the last is answered.
fn search(address: &str, source: &Source, kind: &str) -> String {
    let bodies = bodies(source, kind);
    let mut latencies: Vec<f64> = Vec::with_capacity(QUERIES);
    let mut client = Client::connect(address);
    let begun = Instant::now();
    for body in bodies.iter().cycle() {
        if latencies.len() >= QUERIES && begun.elapsed() >= SEARCH_TIME {
            break;
        }
        let started = Instant::now();
        client.post("/v1/collections/bench/search", body);
        latencies.push(started.elapsed().as_secs_f64() * 1e3);
    }
    figures(latencies)
}
