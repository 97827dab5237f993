//! Rows that are the same on every run: vectors around random centres, with texts of Zipf-distributed words.

use super::Random;
use serde_json::{Value, json};

const DIMENSION: usize = 384;
const CENTRES: usize = 500;
const WORDS: f64 = 30_000.0;

/// Rows by their numbers.
pub struct Source {
    centres: Vec<Vec<f32>>,
}

impl Source {
    /// Returns the source of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        Self { centres: (0..CENTRES).map(|_| (0..DIMENSION).map(|_| random.normal()).collect()).collect() }
    }

    /// Returns the vector of a row.
    pub fn vector(&self, row: usize) -> Vec<f32> {
        let mut random = Random(row as u64 + 1);
        let centre = &self.centres[random.below(CENTRES)];
        centre.iter().map(|value| ((value + 0.7 * random.normal()) * 1e4).round() / 1e4).collect()
    }

    /// Returns the text of a row.
    pub fn text(&self, row: usize, words: usize) -> String {
        Random(row as u64 ^ 0xabcdef).words(words, WORDS)
    }

    /// Returns the request that upserts rows one after another.
    pub fn upsert(&self, first: usize, rows: usize) -> String {
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
