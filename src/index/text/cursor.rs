//! A place in the postings of one query term that only moves forward, and what the term adds to the slots it passes.
//!
//! It opens a block only to read postings from it; bounds come from the blocks' heads. It decides nothing about hits.

use super::postings::{BLOCK_POSTINGS, Posting, View, extremes, extremes_of, last_slot};
use super::score::{LengthNorm, Steps};

/// A place in the postings of one query term that only moves forward.
#[derive(Debug)]
pub struct Cursor<'p> {
    postings: View<'p>,
    weight: f32,
    norm: LengthNorm,
    lengths: &'p [u32],
    tail_bound: Steps,
    /// The block at hand; the number of blocks means the tail.
    block: usize,
    /// The postings of the block at hand, once it is opened.
    open: [Posting; BLOCK_POSTINGS],
    /// How many of `open` count: zero until the block at hand is opened.
    open_len: usize,
    at: usize,
}

impl<'p> Cursor<'p> {
    /// Returns a cursor before the first posting.
    pub fn new(postings: View<'p>, weight: f32, norm: LengthNorm, lengths: &'p [u32]) -> Self {
        let (occurrences_max, length_min) = extremes(&postings.tail, lengths);
        Self {
            postings,
            weight,
            norm,
            lengths,
            tail_bound: norm.contribution(weight, occurrences_max, length_min),
            block: 0,
            open: [Posting::default(); BLOCK_POSTINGS],
            open_len: 0,
            at: 0,
        }
    }

    /// Returns the most that the term can add to any slot in `from..to`; zero when no posting can lie there.
    pub fn bound(&mut self, from: u32, to: u32) -> Steps {
        self.skip_blocks(from);
        let View { blocks, tail, .. } = &self.postings;
        let mut bound = 0;
        for (at, block) in blocks.iter().enumerate().skip(self.block) {
            if at > 0 && last_slot(&blocks[at - 1]) >= to - 1 {
                return bound;
            }
            let (occurrences_max, length_min) = extremes_of(block);
            bound = bound.max(self.norm.contribution(self.weight, occurrences_max, length_min));
        }
        match (tail.first(), tail.last()) {
            (Some(first), Some(last)) if first.slot < to && from <= last.slot => bound.max(self.tail_bound),
            _ => bound,
        }
    }

    /// Adds the term's contributions to the slots in `from..to`; `sums[0]` is that of slot `from`.
    pub fn add_to(&mut self, from: u32, to: u32, sums: &mut [Steps]) {
        self.seek(from);
        while self.at < self.open_len {
            let posting = self.open[self.at];
            if posting.slot >= to {
                return;
            }
            // Only in a damaged file does a slot lie before those that were asked for.
            if let Some(sum) = sums.get_mut(posting.slot.wrapping_sub(from) as usize) {
                *sum += self.contribution(posting);
            }
            self.at += 1;
            if self.at == self.open_len {
                self.block += 1;
                self.open_block();
            }
        }
    }

    /// Returns what the term adds to a slot, zero when the slot does not hold it. Slots must be asked for in order.
    pub fn contribution_to(&mut self, slot: u32) -> Steps {
        self.seek(slot);
        match self.open[..self.open_len].get(self.at) {
            Some(posting) if posting.slot == slot => self.contribution(*posting),
            _ => 0,
        }
    }

    #[inline]
    fn contribution(&self, posting: Posting) -> Steps {
        match self.lengths.get(posting.slot as usize) {
            Some(&length) => self.norm.contribution(self.weight, posting.occurrences, length),
            None => 0,
        }
    }

    /// Moves to the first posting at or after a slot, opening at most one block.
    fn seek(&mut self, slot: u32) {
        self.skip_blocks(slot);
        if self.open_len == 0 {
            self.open_block();
        }
        while self.at < self.open_len && self.open[self.at].slot < slot {
            self.at += 1;
        }
    }

    /// Moves past the blocks that end before a slot.
    fn skip_blocks(&mut self, slot: u32) {
        let ahead = self.postings.blocks.get(self.block..).unwrap_or(&[]);
        let skipped = if ahead.first().is_some_and(|block| last_slot(block) >= slot) {
            0
        } else {
            ahead.partition_point(|block| last_slot(block) < slot)
        };
        if skipped > 0 {
            self.block += skipped;
            (self.open_len, self.at) = (0, 0);
        }
    }

    fn open_block(&mut self) {
        let blocks = self.postings.blocks.len();
        (self.open_len, self.at) = (0, 0);
        if self.block < blocks {
            self.open_len = self.postings.decode(self.block, &mut self.open);
        } else if self.block == blocks {
            self.open_len = self.postings.tail.len();
            self.open[..self.open_len].copy_from_slice(&self.postings.tail);
        }
    }
}
