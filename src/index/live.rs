//! The live head of a collection: a graph that fresh rows enter one by one, while searches use it.
//!
//! It covers the slots from where the sealed postings end up to a mark that moves as rows are inserted; rows beyond the
//! mark are scanned. It is dropped when a generation takes its rows over. Who inserts, and when, is decided in `store`.

use super::fresh::Fresh;
use super::head::Head;
use crate::schema::Metric;
use std::sync::atomic::{AtomicU32, Ordering};

/// Rows that are inserted between two looks at whether to go on.
const STEP_ROWS: u32 = 64;

/// A graph over the fresh slots from `start` to a moving end.
pub struct Live {
    head: Head,
    start: u32,
    end: AtomicU32,
}

impl Live {
    /// Makes a head without rows that starts at a slot.
    pub fn new(dimension: usize, metric: Metric, start: u32, capacity: usize) -> Self {
        Self { head: Head::new(dimension, metric, capacity), start, end: AtomicU32::new(start) }
    }

    /// Returns the slots whose rows are in the graph, as far as they have a vector.
    pub fn range(&self) -> std::ops::Range<u32> {
        self.start..self.end.load(Ordering::Acquire)
    }

    /// Returns the bytes held in memory, roughly.
    pub fn bytes(&self) -> usize {
        self.head.bytes()
    }

    /// Inserts fresh rows up to a slot, as long as `go_on` says so. One thread at a time may do this.
    pub fn extend(&self, fresh: &Fresh, to: u32, go_on: impl Fn() -> bool) {
        let mut from = self.range().end;
        while from < to && go_on() {
            let until = to.min(from + STEP_ROWS);
            for slot in from..until {
                if let Some(vector) = fresh.vector(slot) {
                    self.head.insert(slot, vector);
                }
            }
            self.end.store(until, Ordering::Release);
            from = until;
        }
    }

    /// Searches the slots of a range that was read before, for the `k` nearest allowed ones, best first.
    pub fn search(
        &self,
        range: &std::ops::Range<u32>,
        query: &[f32],
        k: usize,
        effort: usize,
        allowed: &dyn Fn(u32) -> bool,
    ) -> Vec<(u32, f32)> {
        // Rows that came in since the range was read are scanned by the caller.
        self.head.search(query, k, effort, &|slot| range.contains(&slot) && allowed(slot))
    }
}
