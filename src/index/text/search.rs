//! Finds the best slots of a query: MaxScore over windows of slots, with the bounds of blocks deciding what is opened.
//!
//! In each window the terms that could not lift a slot into the hits by themselves are set aside; the others are summed,
//! and only sums that might still get there are completed from the rest. The answer is that of summing everything, ties
//! included. It knows nothing of strings, files or deleted rows.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::cursor::Cursor;
use super::score::Steps;

/// Slots in a window: its sums fill half of a 32 KiB cache, and a frequent term has a few blocks in it.
const WINDOW_SLOTS: u32 = 4096;

/// Sums looked at together when passing over slots that cannot become hits.
const STRIDE: usize = 16;

/// Postings that are summed one after another in the time that one slot is looked up.
const LOOKUP_POSTINGS: usize = 8;

/// Most hits to make room for before any is found; a caller may ask for more than there are.
const HITS_RESERVED_MAX: usize = 1024;

/// Returns the `k` best slots below `slots_end` that `allowed` admits, best first, the lower slot first among equals.
pub fn search(
    mut cursors: Vec<Cursor<'_>>,
    k: usize,
    slots_end: u32,
    allowed: impl Fn(u32) -> bool,
) -> Vec<(u32, Steps)> {
    let mut best = Best::new(k);
    let mut sums = vec![0; WINDOW_SLOTS as usize];
    let mut places = Vec::new();
    let mut from = 0;
    while from < slots_end && k > 0 {
        let to = slots_end.min(from.saturating_add(WINDOW_SLOTS));
        let window = Window { from, to, sums: &mut sums[..(to - from) as usize], places: &mut places };
        window.search(&mut cursors, &mut best, &allowed);
        from = to;
    }
    best.into_sorted()
}

/// The slots that are searched together.
struct Window<'a> {
    from: u32,
    to: u32,
    /// What was summed for each slot so far.
    sums: &'a mut [Steps],
    /// The slots that may still become hits, as places in `sums`.
    places: &'a mut Vec<u32>,
}

/// What a term can do in a window.
struct Term<'c, 'p> {
    bound: Steps,
    /// Its postings there, to within a block at either end.
    postings: usize,
    cursor: &'c mut Cursor<'p>,
}

impl Window<'_> {
    fn search(mut self, cursors: &mut [Cursor<'_>], best: &mut Best, allowed: &impl Fn(u32) -> bool) {
        let mut terms: Vec<_> = cursors
            .iter_mut()
            .map(|cursor| {
                let (bound, postings) = cursor.bound(self.from, self.to);
                Term { bound, postings, cursor }
            })
            .filter(|term| term.bound > 0)
            .collect();
        terms.sort_by_key(|term| term.bound);
        // `reaches[i]` is the most that the terms before `i` can add together.
        let mut reaches: Vec<Steps> = vec![0];
        reaches.extend(terms.iter().scan(0, |reach, term| {
            *reach += term.bound;
            Some(*reach)
        }));
        if reaches[terms.len()] <= best.to_beat() {
            return;
        }
        let aside = reaches.partition_point(|reach| *reach <= best.to_beat()) - 1;
        let (rest, needed) = terms.split_at_mut(aside);
        self.sums.fill(0);
        for term in needed {
            term.cursor.add_to(self.from, self.to, self.sums);
        }
        self.collect(best.to_beat() - reaches[aside], allowed);
        for (term, &weaker) in rest.iter_mut().zip(&reaches).rev() {
            self.complete(term, best.to_beat() - weaker);
        }
        for &place in &*self.places {
            best.offer(self.from + place, self.sums[place as usize]);
        }
    }

    /// Takes up the allowed slots whose sums are above a limit.
    fn collect(&mut self, limit: Steps, allowed: &impl Fn(u32) -> bool) {
        self.places.clear();
        for (start, chunk) in (0..).step_by(STRIDE).zip(self.sums.chunks(STRIDE)) {
            if chunk.iter().fold(false, |any, sum| any | (*sum > limit)) {
                self.places.extend((start..).take(chunk.len()));
            }
        }
        keep(self.places, |place| self.sums[place as usize] > limit);
        keep(self.places, |place| allowed(self.from + place));
    }

    /// Adds what a term contributes, and lets go the slots that are not above a limit then.
    fn complete(&mut self, term: &mut Term<'_, '_>, limit: Steps) {
        if term.postings <= self.places.len() * LOOKUP_POSTINGS {
            term.cursor.add_to(self.from, self.to, self.sums);
        } else {
            for &place in &*self.places {
                let (slot, sum) = (self.from + place, &mut self.sums[place as usize]);
                if *sum + term.cursor.bound_at(slot) > limit {
                    *sum += term.cursor.contribution_to(slot);
                }
            }
        }
        keep(self.places, |place| self.sums[place as usize] > limit);
    }
}

/// Drops what a test does not pass, without a branch that the processor could guess wrong.
fn keep(places: &mut Vec<u32>, passes: impl Fn(u32) -> bool) {
    let mut kept = 0;
    for at in 0..places.len() {
        let place = places[at];
        places[kept] = place;
        kept += usize::from(passes(place));
    }
    places.truncate(kept);
}

/// The best slots so far. Slots are offered in ascending order, so an equal sum never displaces an earlier one.
struct Best {
    k: usize,
    heap: BinaryHeap<Reverse<(Steps, Reverse<u32>)>>,
}

impl Best {
    fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::with_capacity(k.min(HITS_RESERVED_MAX)) }
    }

    /// Returns the sum that a slot must exceed to become a hit.
    fn to_beat(&self) -> Steps {
        match self.heap.peek() {
            Some(Reverse((sum, _))) if self.heap.len() == self.k => *sum,
            _ => 0,
        }
    }

    fn offer(&mut self, slot: u32, sum: Steps) {
        if sum <= self.to_beat() {
            return;
        }
        if self.heap.len() == self.k {
            self.heap.pop();
        }
        self.heap.push(Reverse((sum, Reverse(slot))));
    }

    fn into_sorted(self) -> Vec<(u32, Steps)> {
        self.heap.into_sorted_vec().into_iter().map(|Reverse((sum, Reverse(slot)))| (slot, sum)).collect()
    }
}
