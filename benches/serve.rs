//! The server under load, as one client sees it over HTTP: upserted rows a second, and search latency beside them.
//!
//! Rows are 384-dimensional vectors around random centres with texts of Zipf-distributed words, made here from a seed.
//! Other servers and kernels are measured elsewhere (README.md beside this file).
//!
//! `cargo bench --bench serve -- [ROWS]`; needs RAGSTONE_MODELS with the default model.

mod support;

use serde_json::{Value, json};
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
    let rows = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(100_000);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (child, address) = start(folder.path());
    let source = Source::new(7);
    for (collection, clients) in [("alone", 1), ("bench", 2)] {
        // A connection that idles while rows are made would be closed.
        Client::connect(&address).post("/v1/collections", &json!({"name": collection}).to_string());
        println!("{{\"bench\":\"upsert\",{}}}", upsert_all(&address, collection, &source, rows, clients));
    }
    let mut client = Client::connect(&address);
    client.send("DELETE", "/v1/collections/alone", "");
    wait_until_sealed(&mut client);
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

fn wait_until_sealed(client: &mut Client) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(900) {
        let info: Value = serde_json::from_str(&client.send("GET", "/v1/collections/bench", "")).expect("JSON");
        let covered = info["index"]["rows"].as_u64().unwrap_or(0);
        if covered as f64 > 0.9 * info["chunks"].as_u64().unwrap_or(0) as f64 {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
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
