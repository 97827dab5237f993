//! Random histories against a model in memory: whatever is done, the answers are those of a map.
//!
//! The history holds upserts, removals by id and by filter, new fields, compactions, restores, reopens and reads of past
//! versions. A row id that changed its row, a lost deletion or a stale index shows as a difference.

use crate::support::{Random, Server};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const OPERATIONS: usize = 2_000;
const OPERATIONS_SOAK: usize = 100_000;
const DIMENSION: usize = 8;

#[derive(Clone, PartialEq, Debug)]
struct Row {
    embedding: Vec<f32>,
    text: String,
    metadata: BTreeMap<String, i64>,
}

type Rows = BTreeMap<String, Row>;

#[test]
fn a_random_history_answers_like_a_map() {
    let operations = if std::env::var_os("RAGSTONE_SOAK").is_some() { OPERATIONS_SOAK } else { OPERATIONS };
    let seed = std::env::var("RAGSTONE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7);
    println!("seed {seed}");
    History::new(seed).run(operations);
}

struct History {
    folder: tempfile::TempDir,
    server: Option<Server>,
    random: Random,
    rows: Rows,
    past: Vec<(u64, Rows)>,
}

impl History {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path());
        server.post("/v1/collections", json!({"name": "c", "embedding": {"dimension": DIMENSION}}));
        Self { folder, server: Some(server), random: Random(seed), rows: Rows::new(), past: Vec::new() }
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn run(mut self, operations: usize) {
        for _ in 0..operations {
            match self.random.below(1_000) {
                0..450 => self.upsert(),
                450..550 => self.remove_by_id(),
                550..580 => self.remove_by_filter(),
                580..585 => self.optimize(),
                585..590 => self.reopen(),
                590..596 => self.restore(),
                596..800 => self.check_search(),
                800..900 => self.check_filter(),
                900..960 => self.check_get(),
                _ => self.check_past(),
            }
        }
        self.check_everything();
    }

    fn wrote(&mut self, version: &Value) {
        self.past.push((version.as_u64().unwrap(), self.rows.clone()));
        if self.past.len() > 40 {
            self.past.remove(0);
        }
    }

    fn upsert(&mut self) {
        let mut chunks = Vec::new();
        for _ in 0..=self.random.below(12) {
            let id = format!("k{}", self.random.below(300));
            let mut metadata = BTreeMap::new();
            for _ in 0..self.random.below(3) {
                // Now and then a field that no row had before.
                let field = format!("f{}", self.random.below(12));
                metadata.insert(field, self.random.below(5) as i64);
            }
            let word = ["red", "green", "blue", "pear"][self.random.below(4)];
            let row = Row { embedding: self.random.vector(DIMENSION), text: format!("{word} {id}"), metadata };
            chunks.push(json!({"id": id, "text": row.text, "embedding": row.embedding, "metadata": row.metadata}));
            self.rows.insert(id, row);
        }
        let answer = self.server().post("/v1/collections/c/chunks", json!({"chunks": chunks}));
        self.wrote(&answer["version"]);
    }

    fn remove_by_id(&mut self) {
        let ids: Vec<String> = (0..=self.random.below(8)).map(|_| format!("k{}", self.random.below(300))).collect();
        let before = self.rows.len();
        ids.iter().for_each(|id| drop(self.rows.remove(id)));
        let answer = self.server().post("/v1/collections/c/chunks/delete", json!({"ids": ids}));
        assert_eq!(answer["deleted"], before - self.rows.len());
        self.wrote(&answer["version"]);
    }

    fn field(&mut self) -> Option<(String, i64)> {
        let fields: Vec<String> = self.rows.values().flat_map(|row| row.metadata.keys().cloned()).collect();
        let field = fields.get(self.random.below(fields.len().max(1)))?.clone();
        Some((field, self.random.below(5) as i64))
    }

    fn remove_by_filter(&mut self) {
        let Some((field, value)) = self.field() else { return };
        let before = self.rows.len();
        self.rows.retain(|_, row| row.metadata.get(&field) != Some(&value));
        let filter = json!({"filter": format!("{field} = {value}")});
        let answer = self.server().post("/v1/collections/c/chunks/delete", filter);
        assert_eq!(answer["deleted"], before - self.rows.len());
        self.wrote(&answer["version"]);
    }

    fn optimize(&mut self) {
        self.server().optimize("c");
    }

    fn reopen(&mut self) {
        let server = self.server.take().unwrap();
        if self.random.below(2) == 0 {
            assert!(server.stop(std::time::Duration::from_secs(30)));
        } else {
            server.kill();
        }
        self.server = Some(Server::start(self.folder.path()));
    }

    fn restore(&mut self) {
        if self.past.is_empty() {
            return;
        }
        let (version, rows) = self.past[self.random.below(self.past.len())].clone();
        let answer = self.server().post("/v1/collections/c/restore", json!({"to": version}));
        self.rows = rows;
        self.wrote(&answer["version"]);
    }

    fn check_search(&mut self) {
        let query = self.random.vector(DIMENSION);
        let filter = if self.random.below(2) == 0 { self.field() } else { None };
        let mut body = json!({"embedding": query, "k": 10, "include": ["text", "metadata"]});
        if let Some((field, value)) = &filter {
            body["filter"] = json!(format!("{field} = {value}"));
        }
        let answer = self.server().post("/v1/collections/c/search", body);
        check_hits(&answer, &self.rows, &query, filter.as_ref());
    }

    fn check_past(&mut self) {
        if self.past.is_empty() {
            return;
        }
        let (version, rows) = self.past[self.random.below(self.past.len())].clone();
        let query = self.random.vector(DIMENSION);
        let body = json!({"embedding": query, "k": 10, "as_of": version, "include": ["text", "metadata"]});
        let answer = self.server().post("/v1/collections/c/search", body);
        assert_eq!(answer["version"], version);
        check_hits(&answer, &rows, &query, None);
    }

    fn check_filter(&mut self) {
        let Some((field, value)) = self.field() else { return };
        let filter = json!({"filter": format!("{field} >= {value}")});
        let answer = self.server().post("/v1/collections/c/chunks/count", filter);
        let expected = self.rows.values().filter(|row| row.metadata.get(&field).is_some_and(|have| *have >= value));
        assert_eq!(answer["count"], expected.count(), "{field} >= {value}");
    }

    fn check_get(&mut self) {
        let ids: Vec<String> = (0..5).map(|_| format!("k{}", self.random.below(300))).collect();
        let answer = self.server().post("/v1/collections/c/chunks/get", json!({"ids": ids}));
        for chunk in answer["chunks"].as_array().unwrap() {
            check_chunk(chunk, &self.rows);
        }
        let mut known: Vec<&String> = ids.iter().filter(|id| self.rows.contains_key(*id)).collect();
        known.sort();
        known.dedup();
        let mut found: Vec<&str> =
            answer["chunks"].as_array().unwrap().iter().map(|chunk| chunk["id"].as_str().unwrap()).collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, known);
    }

    fn check_everything(&self) {
        let answer = self.server().post("/v1/collections/c/chunks/list", json!({"limit": 1000}));
        let chunks = answer["chunks"].as_array().unwrap();
        assert_eq!(chunks.len(), self.rows.len());
        chunks.iter().for_each(|chunk| check_chunk(chunk, &self.rows));
    }
}

fn check_chunk(chunk: &Value, rows: &Rows) {
    let row = &rows[chunk["id"].as_str().unwrap()];
    assert_eq!(chunk["text"], row.text.as_str());
    assert_eq!(chunk["metadata"], json!(row.metadata));
}

fn check_hits(answer: &Value, rows: &Rows, query: &[f32], filter: Option<&(String, i64)>) {
    let passes = |row: &&Row| filter.is_none_or(|(field, value)| row.metadata.get(field) == Some(value));
    let mut expected: Vec<f64> = rows.values().filter(passes).map(|row| cosine(&row.embedding, query)).collect();
    expected.sort_by(|a, b| b.total_cmp(a));
    expected.truncate(10);
    let hits = answer["hits"].as_array().unwrap();
    assert_eq!(hits.len(), expected.len(), "as many hits as rows pass");
    for (hit, expected) in hits.iter().zip(expected) {
        check_chunk(hit, rows);
        let score = hit["score"].as_f64().unwrap();
        assert!((score - expected).abs() < 1e-4, "{score} is not {expected}");
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}
