//! Which of the rows near a row become its neighbours: the diversity rule of HNSW (Malkov and Yashunin, algorithm 4).
//!
//! Rows are compared by their codes, a quarter of the bytes of their vectors. Where candidates come from, and where the
//! lists go, is for the callers.

use super::code::{CodedQuery, Codes, code_stride};
use super::space::Space;
use crate::index::distance::{Kernels, order};
use crate::schema::Metric;

/// Rows as codes, in one numbering.
#[derive(Clone, Copy)]
pub struct CodedRows<'a> {
    kernels: Kernels,
    metric: Metric,
    stride: usize,
    codes: &'a Codes,
}

impl<'a> CodedRows<'a> {
    /// Looks at the codes of a space.
    pub fn new(space: &Space<'_>, codes: &'a Codes) -> Self {
        Self { kernels: space.kernels(), metric: space.metric(), stride: code_stride(space.dimension()), codes }
    }

    /// Makes a row the query.
    pub fn ask(&self, row: u32, query: &mut CodedQuery) {
        let codes = &self.codes.bytes[row as usize * self.stride..][..self.stride];
        query.take_row(self.metric, codes, self.facts(row));
    }

    /// Writes the score of each named row; a higher one is nearer.
    fn score(&self, query: &CodedQuery, ids: &[u32], products: &mut Vec<i32>, scores: &mut Vec<f32>) {
        products.resize(ids.len(), 0);
        self.kernels.dot_i8_rows(query.codes(), &self.codes.bytes, ids, products);
        scores.clear();
        scores.extend(ids.iter().zip(products).map(|(&id, product)| query.score(self.facts(id), *product)));
    }

    fn facts(&self, row: u32) -> [f32; 2] {
        [self.codes.facts[row as usize * 2], self.codes.facts[row as usize * 2 + 1]]
    }
}

/// Working memory of a choice; keep one for each thread.
#[derive(Default)]
pub struct Chooser {
    /// Rows to choose from; each choice empties it.
    pub near: Vec<u32>,
    /// The rows chosen last, nearest first.
    pub chosen: Vec<u32>,
    ranked: Vec<u64>,
    query: CodedQuery,
    products: Vec<i32>,
    scores: Vec<f32>,
}

impl Chooser {
    /// Chooses at most `degree` neighbours of a row among the `most` nearest of the near rows.
    ///
    /// One is left out when it is nearer to a chosen one than to the row itself, so that edges point in different
    /// directions.
    pub fn choose(&mut self, rows: CodedRows<'_>, row: u32, degree: usize, most: usize) {
        self.rank(rows, row, most);
        self.chosen.clear();
        for at in 0..self.ranked.len() {
            if self.chosen.len() == degree {
                break;
            }
            let id = self.ranked[at] as u32;
            rows.ask(id, &mut self.query);
            // The row itself is scored last: what is nearer to the candidate than it covers the candidate.
            self.chosen.push(row);
            rows.score(&self.query, &self.chosen, &mut self.products, &mut self.scores);
            self.chosen.pop();
            let own = self.scores.pop().unwrap_or_default();
            if !self.scores.iter().any(|&score| score > own) {
                self.chosen.push(id);
            }
        }
    }

    /// Sorts the near rows, nearest first, each once.
    fn rank(&mut self, rows: CodedRows<'_>, row: u32, most: usize) {
        self.near.sort_unstable();
        self.near.dedup();
        self.near.retain(|&id| id != row);
        rows.ask(row, &mut self.query);
        rows.score(&self.query, &self.near, &mut self.products, &mut self.scores);
        self.ranked.clear();
        let ranked =
            self.near.iter().zip(&self.scores).map(|(&id, &score)| u64::from(!order(score)) << 32 | u64::from(id));
        self.ranked.extend(ranked);
        self.ranked.sort_unstable();
        self.ranked.truncate(most);
        self.near.clear();
    }
}
