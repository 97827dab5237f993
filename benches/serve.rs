//! The server under load, as one client sees it over HTTP: upserted rows a second, and search latency beside them.
//!
//! Rows are 384-dimensional vectors around random centres with texts of Zipf-distributed words, made here from a seed.
//! Other servers and kernels are measured elsewhere (README.md beside this file).
//!
//! `cargo bench --bench serve -- [ROWS]`; needs RAGSTONE_MODELS with the default model.

mod support;

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::Random;

const DIMENSION: usize = 384;
const BATCH: usize = 1_000;
const QUERIES: usize = 1_000;
/// Each kind of search is measured for so long at least, so that it meets every kind of work beside it.
const SEARCH_TIME: Duration = Duration::from_secs(5);
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
                    search(&mut client, &source, kind)
                );
            }
            stop.store(true, Ordering::Release);
        });
    }
    println!("{{\"bench\":\"memory\",\"rows\":{rows},\"server_mib\":{}}}", memory_mib(&child));
    end(child);
}

fn start(data: &Path) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ragstone"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
    let address = lines.by_ref().find_map(|line| line.find("http://").map(|at| line[at + 7..].trim().to_owned()));
    std::thread::spawn(move || lines.for_each(drop));
    (child, address.expect("the server says where it listens"))
}

fn end(mut child: Child) {
    // The process may be gone already.
    let _ = child.kill();
    let _ = child.wait();
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
        if covered as f64 > 0.7 * info["chunks"].as_u64().unwrap_or(0) as f64 {
            return;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn search(client: &mut Client, source: &Source, kind: &str) -> String {
    let bodies: Vec<String> = (0..QUERIES)
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
        .collect();
    let mut latencies: Vec<f64> = Vec::with_capacity(QUERIES);
    let client = &mut Client::connect(&client.address);
    let begun = Instant::now();
    for body in bodies.iter().cycle() {
        if latencies.len() >= QUERIES && begun.elapsed() >= SEARCH_TIME {
            break;
        }
        let started = Instant::now();
        client.post("/v1/collections/bench/search", body);
        latencies.push(started.elapsed().as_secs_f64() * 1e3);
    }
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

fn memory_mib(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
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

/// One connection that is kept open, since a client library would cost more than what is measured.
struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("TCP_NODELAY is known");
        Self { stream: BufReader::new(stream), address: address.to_owned() }
    }

    fn post(&mut self, path: &str, body: &str) -> String {
        self.send("POST", path, body)
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> String {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).expect("the server reads");
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("the server answers");
            if status.is_empty() {
                status = line.clone();
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).expect("the whole answer");
        let answer = String::from_utf8(answer).expect("UTF-8");
        assert!(status.contains(" 20"), "{method} {path}: {status} {answer}");
        answer
    }
}
