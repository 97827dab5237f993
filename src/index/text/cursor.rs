//! A place in the postings of one query term that only moves forward, and what the term adds to the slots it passes.
//!
//! It opens a block only to read postings from it, and of that block only what is asked for: slots, then counts, then
//! what they add. Bounds come from the blocks' heads. It decides nothing about hits.

use super::block::{BLOCK_POSTINGS, Numbers};
use super::postings::{View, extremes, extremes_of, last_slot};
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
    /// The most that a posting of the block at hand adds, once somebody asked.
    block_bound: Option<Steps>,
    open: Open,
    at: usize,
}

/// What was read of the block at hand.
#[derive(Debug)]
struct Open {
    /// How many postings there are: zero until the block is opened.
    len: usize,
    stage: Stage,
    slots: Numbers,
    counts: Numbers,
    steps: [Steps; BLOCK_POSTINGS],
}

/// How far the postings of an open block are worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Slots,
    Counts,
    Steps,
}

impl<'p> Cursor<'p> {
    /// Returns a cursor before the first posting.
    pub fn new(postings: View<'p>, weight: f32, norm: LengthNorm, lengths: &'p [u32]) -> Self {
        let (occurrences_max, length_min) = extremes(&postings.tail, lengths);
        let nothing = [0; BLOCK_POSTINGS];
        Self {
            postings,
            weight,
            norm,
            lengths,
            tail_bound: norm.contribution(weight, occurrences_max, length_min),
            block: 0,
            block_bound: None,
            open: Open { len: 0, stage: Stage::Slots, slots: nothing, counts: nothing, steps: nothing },
            at: 0,
        }
    }

    /// Returns the most that the term can add to any slot in `from..to`, zero when no posting can lie there, and how many
    /// postings the blocks hold that reach into it.
    pub fn bound(&mut self, from: u32, to: u32) -> (Steps, usize) {
        if to <= self.postings.from {
            return (0, 0);
        }
        self.skip_blocks(from);
        let View { blocks, tail, .. } = &self.postings;
        let (mut bound, mut postings) = (0, 0);
        for (at, block) in blocks.iter().enumerate().skip(self.block) {
            if at > 0 && last_slot(&blocks[at - 1]) >= to - 1 {
                return (bound, postings);
            }
            let (occurrences_max, length_min) = extremes_of(block);
            bound = bound.max(self.norm.contribution(self.weight, occurrences_max, length_min));
            postings += BLOCK_POSTINGS;
        }
        match (tail.first(), tail.last()) {
            (Some(first), Some(last)) if first.slot < to && from <= last.slot => {
                (bound.max(self.tail_bound), postings + tail.len())
            }
            _ => (bound, postings),
        }
    }

    /// Returns the most that the term can add to a slot, by the block that would hold it. Slots must be asked for in
    /// order.
    pub fn bound_at(&mut self, slot: u32) -> Steps {
        self.skip_blocks(slot);
        if let Some(bound) = self.block_bound {
            return bound;
        }
        let bound = match self.postings.blocks.get(self.block) {
            Some(block) => {
                let (occurrences_max, length_min) = extremes_of(block);
                self.norm.contribution(self.weight, occurrences_max, length_min)
            }
            None if self.postings.tail.is_empty() => 0,
            None => self.tail_bound,
        };
        *self.block_bound.insert(bound)
    }

    /// Adds the term's contributions to the slots in `from..to`; `sums[0]` is that of slot `from`.
    pub fn add_to(&mut self, from: u32, to: u32, sums: &mut [Steps]) {
        self.seek(from);
        while self.at < self.open.len {
            self.work_out_steps();
            let ahead = self.at..self.open.len;
            let inside = self.open.slots[ahead.clone()].partition_point(|slot| *slot < to);
            let here = ahead.start..ahead.start + inside;
            for (slot, steps) in self.open.slots[here.clone()].iter().zip(&self.open.steps[here]) {
                // Only in a damaged file does a slot lie before those that were asked for.
                if let Some(sum) = sums.get_mut(slot.wrapping_sub(from) as usize) {
                    *sum += steps;
                }
            }
            self.at += inside;
            if self.at < self.open.len {
                return;
            }
            self.move_to(self.block + 1);
            self.open_block();
        }
    }

    /// Returns what the term adds to a slot, zero when the slot does not hold it. Slots must be asked for in order.
    pub fn contribution_to(&mut self, slot: u32) -> Steps {
        self.seek(slot);
        if self.at == self.open.len || self.open.slots[self.at] != slot {
            return 0;
        }
        self.work_out_counts();
        match self.lengths.get(slot as usize) {
            Some(&length) => self.norm.contribution(self.weight, self.open.counts[self.at], length),
            None => 0,
        }
    }

    /// Moves to the first posting at or after a slot, opening at most one block.
    fn seek(&mut self, slot: u32) {
        self.skip_blocks(slot);
        if self.open.len == 0 {
            self.open_block();
        }
        self.at += self.open.slots[self.at..self.open.len].partition_point(|open| *open < slot);
    }

    /// Moves past the blocks that end before a slot, looking twice as far ahead each time.
    fn skip_blocks(&mut self, slot: u32) {
        let ahead = self.postings.blocks.get(self.block..).unwrap_or(&[]);
        let ends_before = |at: usize| last_slot(&ahead[at]) < slot;
        if ahead.is_empty() || !ends_before(0) {
            return;
        }
        let mut reach = 1;
        while reach < ahead.len() && ends_before(reach) {
            reach *= 2;
        }
        let known = reach / 2;
        let skipped = known + ahead[known..reach.min(ahead.len())].partition_point(|block| last_slot(block) < slot);
        self.move_to(self.block + skipped);
    }

    fn move_to(&mut self, block: usize) {
        self.block = block;
        (self.block_bound, self.open.len, self.at) = (None, 0, 0);
    }

    fn open_block(&mut self) {
        let blocks = self.postings.blocks.len();
        self.at = 0;
        self.open.stage = Stage::Slots;
        self.open.len = 0;
        if self.block < blocks && self.postings.unpack_slots(self.block, &mut self.open.slots) {
            self.open.len = BLOCK_POSTINGS;
        } else if self.block == blocks {
            self.open.len = self.postings.tail.len();
            for (at, posting) in self.postings.tail.iter().enumerate() {
                (self.open.slots[at], self.open.counts[at]) = (posting.slot, posting.occurrences);
            }
            self.open.stage = Stage::Counts;
        }
    }

    fn work_out_counts(&mut self) {
        if self.open.stage < Stage::Counts {
            self.postings.unpack_counts(self.block, &mut self.open.counts);
            self.open.stage = Stage::Counts;
        }
    }

    /// Works out what every posting of the open block adds; only slots of the index do.
    fn work_out_steps(&mut self) {
        if self.open.stage == Stage::Steps {
            return;
        }
        self.work_out_counts();
        let Open { slots, counts, steps, .. } = &mut self.open;
        let lengths = slots.map(|slot| self.lengths.get(slot as usize).copied().unwrap_or(0));
        for ((steps, count), length) in steps.iter_mut().zip(counts).zip(lengths) {
            *steps = self.norm.contribution(self.weight, *count, length);
        }
        self.open.stage = Stage::Steps;
    }
}
