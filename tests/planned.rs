//! Planned answers beside exact ones: over random filters, shares, histories and versions, a search finds what a scan of
//! every row finds, but for the few rows that an approximate index may miss.

use crate::support::{Random, Server};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::{Duration, Instant};

const CASES: usize = 400;
const CASES_SOAK: usize = 20_000;
/// Enough that a walk is cheaper than looking at every row.
const ROWS: usize = 20_000;
const DIMENSION: usize = 256;
const CENTRES: usize = 40;
/// Share of the exact hits that must be found over all cases.
const RECALL_MIN: f64 = 0.99;

struct Planned {
    server: Server,
    random: Random,
    centres: Vec<Vec<f32>>,
    next: usize,
    versions: Vec<u64>,
    /// How often each strategy was chosen.
    strategies: HashMap<String, usize>,
}

impl Planned {
    fn vector(&mut self) -> Vec<f32> {
        let centre = self.random.below(CENTRES);
        let noise = self.random.vector(DIMENSION);
        self.centres[centre].iter().zip(noise).map(|(centre, noise)| centre + 0.8 * noise).collect()
    }

    fn upsert(&mut self, count: usize) {
        let mut chunks = Vec::new();
        for _ in 0..count {
            // One in four takes the place of an earlier row.
            let id = if self.random.below(4) > 0 { self.next } else { self.random.below(self.next + 1) };
            self.next = self.next.max(id + 1);
            let (bucket, group) = (self.random.below(1_000), self.random.below(5));
            // `near` says nearly what `bucket` says, `group` says nothing of it.
            let metadata = json!({"bucket": bucket, "near": bucket / 2 + self.random.below(50), "group": group});
            chunks.push(json!({"id": format!("r{id}"), "embedding": self.vector(), "metadata": metadata}));
        }
        let answer = self.server.post("/v1/collections/c/chunks", json!({ "chunks": chunks }));
        self.versions.push(answer["version"].as_u64().unwrap());
    }

    fn change(&mut self) {
        if self.random.below(2) == 0 {
            return self.upsert(40);
        }
        let ids: Vec<String> = (0..30).map(|_| format!("r{}", self.random.below(self.next))).collect();
        let answer = self.server.post("/v1/collections/c/chunks/delete", json!({ "ids": ids }));
        self.versions.push(answer["version"].as_u64().unwrap());
    }

    /// Returns no filter, or one that lets any share of the rows pass, by one field or by two.
    fn filter(&mut self) -> Value {
        let below = [1, 10, 50, 150, 400, 900][self.random.below(6)];
        match self.random.below(5) {
            0 => Value::Null,
            1 | 2 => json!(format!("bucket < {below}")),
            3 => json!(format!("bucket < {below} AND group = {}", self.random.below(5))),
            _ => json!(format!("bucket < {below} AND near < {}", below / 2 + 20)),
        }
    }

    /// Searches twice, and returns how many exact hits there are and how many of them were found.
    fn compare(&mut self) -> (usize, usize) {
        let k = [1, 10, 10, 40][self.random.below(4)];
        let mut search = json!({"embedding": self.vector(), "k": k, "include": []});
        search["filter"] = self.filter();
        if self.random.below(5) == 0 {
            let recent = self.versions.len().min(8);
            let version = self.versions.len() - 1 - self.random.below(recent);
            search["as_of"] = json!(self.versions[version]);
        }
        search["explain"] = json!(true);
        let planned = self.server.post("/v1/collections/c/search", search.clone());
        *self.strategies.entry(planned["plan"]["strategy"].as_str().unwrap().to_owned()).or_default() += 1;
        search["exact"] = json!(true);
        let exact = self.server.post("/v1/collections/c/search", search.clone());
        let (planned, exact) = (scores(&planned), scores(&exact));
        assert_eq!(planned.len(), exact.len(), "as many hits as pass, up to k: {search}");
        let found = exact.iter().filter(|(id, score)| planned.get(*id) == Some(score)).count();
        (exact.len(), found)
    }
}

fn scores(answer: &Value) -> HashMap<String, f64> {
    let hit = |hit: &Value| (hit["id"].as_str().unwrap().to_owned(), hit["score"].as_f64().unwrap());
    answer["hits"].as_array().unwrap().iter().map(hit).collect()
}

#[test]
fn planned_answers_are_exact_ones_but_for_few_rows() {
    let cases = if std::env::var_os("RAGSTONE_SOAK").is_some() { CASES_SOAK } else { CASES };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": DIMENSION}}));
    let mut random = Random(11);
    let centres = (0..CENTRES).map(|_| random.vector(DIMENSION)).collect();
    let mut planned = Planned { server, random, centres, next: 0, versions: Vec::new(), strategies: HashMap::new() };
    while planned.next < ROWS {
        planned.upsert(1_000);
    }
    planned.server.post("/v1/collections/c/optimize", json!({}));
    let started = Instant::now();
    while planned.server.get("/v1/collections/c")["index"]["rows"].as_u64().unwrap() < planned.next as u64 / 2 {
        assert!(started.elapsed() < Duration::from_secs(120), "a generation is built");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (mut wanted, mut found) = (0, 0);
    for case in 0..cases {
        match case % 100 {
            0 => drop(planned.server.call("POST", "/v1/collections/c/optimize", Some(&json!({})))),
            20 | 40 | 60 | 80 => planned.change(),
            _ => {}
        }
        let (hits, same) = planned.compare();
        (wanted, found) = (wanted + hits, found + same);
    }
    let recall = found as f64 / wanted as f64;
    println!("{cases} cases, {wanted} hits, recall {recall:.5}, {:?}", planned.strategies);
    assert!(["scan", "graph", "graph_filtered"].iter().all(|strategy| planned.strategies.contains_key(*strategy)));
    assert!(recall >= RECALL_MIN, "recall {recall}");
}

#[test]
fn a_past_version_is_searched_with_the_generation_of_now() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": 8}}));
    let mut random = Random(5);
    let mut upsert = |ids: std::ops::Range<usize>| {
        let row =
            |id: usize| json!({"id": format!("r{id}"), "embedding": random.vector(8), "metadata": {"part": id % 3}});
        let chunks: Vec<Value> = ids.map(row).collect();
        server.post("/v1/collections/c/chunks", json!({ "chunks": chunks }))["version"].clone()
    };
    let versions: Vec<Value> = (0..10).map(|part| upsert(part * 20..part * 20 + 20)).collect();
    let past = |version: &Value, filter: &str| {
        let search = json!({"embedding": [1, 2, 3, 4, 5, 6, 7, 8], "k": 20, "filter": filter, "as_of": version});
        scores(&server.post("/v1/collections/c/search", search))
    };
    let expected = past(&versions[9], "part = 1");
    for ids in [200..500, 500..510] {
        server.optimize("c");
        assert_eq!(past(&versions[9], "part = 1"), expected);
        // More versions than are kept open, so that the first is opened again beside another generation.
        versions[..9].iter().for_each(|version| drop(past(version, "part = 2")));
        upsert(ids);
    }
}
