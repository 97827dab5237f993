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
use support::Random;
use support::server::{Client, end, memory_mib, start};

const DIMENSION: usize = 384;
const BATCH: usize = 1_000;
const QUERIES: usize = 1_000;
/// Each kind of search is measured for so long at least, so that it meets every kind of work beside it.
const SEARCH_TIME: Duration = Duration::from_secs(5);
/// Connections of the searches at half load.
const CONNECTIONS: usize = 4;
const CENTRES: usize = 500;
const WORDS: f64 = 30_000.0;

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
            let full = searches(address, &bodies, f64::INFINITY);
            let rate = full.len() as f64 / SEARCH_TIME.as_secs_f64();
            let half = searches(address, &bodies, rate / 2.0);
            println!(
                "{{\"bench\":\"search\",\"kind\":\"{kind}\",\"load\":\"half of {rate:.0}/s, upserting 500 rows/s\",{}}}",
                figures(half)
            );
            stop.store(true, Ordering::Release);
        });
    }
}

/// Searches from several connections for a while, each search at its time by a rate; returns the milliseconds from that
/// time to each answer, so that one which waits for another is late too. Without a bound each follows the last.
fn searches(address: &str, bodies: &[String], rate: f64) -> Vec<f64> {
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let run = || {
        let (mut client, mut latencies) = (Client::connect(address), Vec::new());
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = Duration::from_secs_f64(if rate.is_finite() { number as f64 / rate } else { 0.0 });
            if due.max(begun.elapsed()) >= SEARCH_TIME {
                return latencies;
            }
            std::thread::sleep(due.saturating_sub(begun.elapsed()));
            let started = if rate.is_finite() { due } else { begun.elapsed() };
            client.post("/v1/collections/bench/search", &bodies[number % bodies.len()]);
            latencies.push((begun.elapsed() - started).as_secs_f64() * 1e3);
        }
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(run)).collect();
        clients.into_iter().flat_map(|client| client.join().expect("a client does not panic")).collect()
    })
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

fn figures(mut latencies: Vec<f64>) -> String {
    let total: f64 = latencies.iter().sum();
    latencies.sort_by(f64::total_cmp);
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    format!(
        "\"queries\":{},\"p50_ms\":{:.2},\"p99_ms\":{:.2},\"max_ms\":{:.2},\"qps\":{:.0}",
        latencies.len(),
        at(0.5),
        at(0.99),
        at(1.0),
        1e3 * latencies.len() as f64 / total
    )
}

/// Rows by number, the same on every run.
struct Source {
    centres: Vec<Vec<f32>>,
}

impl Source {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        Self { centres: (0..CENTRES).map(|_| (0..DIMENSION).map(|_| random.normal()).collect()).collect() }
    }

    fn vector(&self, row: usize) -> Vec<f32> {
        let mut random = Random(row as u64 + 1);
        let centre = &self.centres[random.below(CENTRES)];
        centre.iter().map(|value| ((value + 0.7 * random.normal()) * 1e4).round() / 1e4).collect()
    }

    fn text(&self, row: usize, words: usize) -> String {
        Random(row as u64 ^ 0xabcdef).words(words, WORDS)
    }

    fn upsert(&self, first: usize, rows: usize) -> String {
        let chunks: Vec<Value> = (first..first + rows)
            .map(|row| {
                let parity = if row % 2 == 0 { "even" } else { "odd" };
                json!({"id": format!("row-{row}"), "text": self.text(row, 100), "embedding": self.vector(row),
                       "metadata": {"bucket": row % 1000, "parity": parity}})
            })
            .collect();
        json!({"chunks": chunks}).to_string()
    }
}
