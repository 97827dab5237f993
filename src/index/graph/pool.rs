//! What a walk remembers: which rows it has seen, and the best ones found so far.
//!
//! All of it is kept between walks, so that a walk allocates nothing once the memory has grown to its size.

use super::code::CodedQuery;
use super::sketch::SketchedQuery;
use crate::index::distance::{TopK, order};

/// Working memory of a search; keep one for each thread.
#[derive(Debug, Default)]
pub struct Scratch {
    /// Rows seen by this walk.
    pub(super) visited: Visited,
    /// Best rows found by this walk.
    pub(super) pool: Pool,
    /// Rows that wait to be scored together.
    pub(super) batch: Vec<u32>,
    /// Rows whose own neighbours are looked at in the second step of a filtered walk.
    pub(super) detours: Vec<u32>,
    /// Products of codes of the batch.
    pub(super) products: Vec<i32>,
    /// Distances computed by this walk.
    pub(super) distances: u64,
    /// The query in codes.
    pub query: CodedQuery,
    /// The query for sketches.
    pub sketched: SketchedQuery,
    /// Rows that wait for their exact ranking.
    pub candidates: Vec<u32>,
    /// Collector for the exact ranking.
    pub top: TopK,
}

impl Scratch {
    /// Returns the rows that the last walk found, best first.
    pub fn found(&self) -> impl Iterator<Item = u32> + '_ {
        self.pool.rows()
    }

    /// Returns the number of distances that the last walk computed.
    pub fn distances(&self) -> u64 {
        self.distances
    }

    pub(super) fn begin(&mut self, rows: usize, breadth: usize) {
        self.visited.begin(rows);
        self.pool.begin(breadth);
        self.distances = 0;
    }
}

/// Marks of rows that were seen; a walk is told from the one before by its number, so nothing is cleared.
#[derive(Debug, Default)]
pub struct Visited {
    marks: Vec<u8>,
    walk: u8,
}

impl Visited {
    /// Forgets every row.
    pub fn begin(&mut self, rows: usize) {
        if self.walk == u8::MAX || self.marks.len() != rows {
            self.marks.clear();
            self.marks.resize(rows, 0);
            self.walk = 0;
        }
        self.walk += 1;
    }

    /// Marks a row and returns whether it exists and was not marked before.
    #[inline]
    pub fn enter(&mut self, row: u32) -> bool {
        match self.marks.get_mut(row as usize) {
            Some(mark) if *mark != self.walk => {
                *mark = self.walk;
                true
            }
            _ => false,
        }
    }
}

/// The best rows found so far, nearest first, with a note of which ones were followed.
///
/// An entry is `!order(score) << 32 | row << 1 | followed`: integers compare faster than pairs of floats.
#[derive(Debug, Default)]
pub struct Pool {
    entries: Vec<u64>,
    breadth: usize,
    /// Every entry before this one was followed.
    next: usize,
}

impl Pool {
    /// Empties the pool for at most `breadth` rows.
    pub fn begin(&mut self, breadth: usize) {
        self.entries.clear();
        self.entries.reserve(breadth + 1);
        self.breadth = breadth;
        self.next = 0;
    }

    /// Makes room for more rows and lets all be followed again.
    pub fn widen(&mut self, breadth: usize) {
        self.entries.iter_mut().for_each(|entry| *entry &= !1);
        self.entries.reserve((breadth + 1).saturating_sub(self.entries.len()));
        self.breadth = breadth;
        self.next = 0;
    }

    /// Offers a row that was not offered before.
    #[inline]
    pub fn offer(&mut self, row: u32, score: f32) {
        let key = u64::from(!order(score)) << 32 | u64::from(row) << 1;
        if self.is_full() && self.entries.last().is_none_or(|&last| key >= last) {
            return;
        }
        let at = self.entries.partition_point(|&entry| entry < key);
        if self.is_full() {
            self.entries.pop();
        }
        self.entries.insert(at, key);
        self.next = self.next.min(at);
    }

    /// Returns the nearest row that was not followed, and notes that it is.
    #[inline]
    pub fn follow(&mut self) -> Option<u32> {
        let at = self.next + self.entries[self.next..].iter().position(|entry| entry & 1 == 0)?;
        self.entries[at] |= 1;
        self.next = at + 1;
        Some(row_of(self.entries[at]))
    }

    /// Returns the row that would be followed next if nothing nearer turned up.
    #[inline]
    pub fn peek(&self) -> Option<u32> {
        self.entries[self.next..].iter().find(|&entry| entry & 1 == 0).map(|&entry| row_of(entry))
    }

    /// Returns whether a row has to be nearer than another to enter.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= self.breadth
    }

    /// Returns the rows, nearest first.
    pub fn rows(&self) -> impl Iterator<Item = u32> + '_ {
        self.entries.iter().map(|&entry| row_of(entry))
    }
}

fn row_of(entry: u64) -> u32 {
    entry as u32 >> 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_keeps_the_nearest_and_follows_each_once() {
        let mut pool = Pool::default();
        pool.begin(3);
        for (row, score) in [(7, 0.1), (8, 0.9), (9, 0.5), (1, 0.5), (2, -1.0)] {
            pool.offer(row, score);
        }
        assert_eq!(pool.rows().collect::<Vec<_>>(), [8, 1, 9]);
        assert_eq!((pool.follow(), pool.peek(), pool.follow()), (Some(8), Some(1), Some(1)));
        pool.offer(4, 1.0);
        assert_eq!((pool.follow(), pool.follow()), (Some(4), None));
        assert!(pool.is_full());
    }

    #[test]
    fn visits_are_forgotten_between_walks_for_ever() {
        let mut visited = Visited::default();
        for _ in 0..600 {
            visited.begin(2);
            assert!(visited.enter(1) && !visited.enter(1) && visited.enter(0) && !visited.enter(2));
        }
    }
}
