//! Scores of given rows by their short forms, without the graph: codes, and sketches before them.
//!
//! Both offer rows to the scratch's collector. Which rows, and the exact ranking of the best, is for the caller.

use super::pool::Scratch;
use super::walk::{View, multiply};
use crate::index::Bitset;
use crate::index::distance::Kernels;

/// Rows whose codes are scored in one go.
const BATCH: usize = 256;

/// Words of a set whose members are gathered in one go.
const WORDS: usize = 8;

/// Members from which on their sketches are scored. Measured: with more they leave the first cache before their numbers
/// are read, with fewer the wait for the first rows of a batch, which nobody fetched ahead, shows.
const SKETCH_BATCH: usize = 384;

/// Scores rows of the view by their codes, and returns how many there were.
pub fn scan(kernels: Kernels, view: &View<'_>, rows: &[u32], scratch: &mut Scratch) -> u64 {
    let Scratch { products, query, top, .. } = scratch;
    for batch in rows.chunks(BATCH) {
        multiply(kernels, view, query, batch, products);
        for (&row, &product) in batch.iter().zip(products.iter()) {
            top.push(row, query.score(view.facts(row), product));
        }
    }
    rows.len() as u64
}

/// Scores the rows of a set by their sketches of `stride` words each, and returns how many there were.
pub fn scan_sketches(kernels: Kernels, sketches: &[u64], stride: usize, rows: &Bitset, scratch: &mut Scratch) -> u64 {
    let Scratch { batch, products, sketched, top, .. } = scratch;
    let (numbers_at, score) = (sketched.codes().len() / 64, sketched.scorer());
    let mut total = 0;
    let mut parts = (0..).step_by(WORDS * 64).zip(rows.words().chunks(WORDS));
    loop {
        batch.clear();
        while batch.len() < SKETCH_BATCH
            && let Some((first, words)) = parts.next()
        {
            kernels.members(words, first, batch);
        }
        if batch.is_empty() {
            return total;
        }
        products.resize(batch.len(), 0);
        kernels.sum_set_rows(sketched.codes(), sketches, stride, batch, products);
        for (&row, &sum) in batch.iter().zip(products.iter()) {
            let at = row as usize * stride + numbers_at;
            top.push(row, score([sketches[at], sketches[at + 1]], sum));
        }
        total += batch.len() as u64;
    }
}
