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

/// Sums looked at together when passing over slots that no term touched.
const STRIDE: usize = 16;

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
    let mut from = 0;
    while from < slots_end && k > 0 {
        let to = slots_end.min(from.saturating_add(WINDOW_SLOTS));
        search_window(&mut cursors, from, &mut sums[..(to - from) as usize], &mut best, &allowed);
        from = to;
    }
    best.into_sorted()
}

fn search_window(
    cursors: &mut [Cursor<'_>],
    from: u32,
    sums: &mut [Steps],
    best: &mut Best,
    allowed: &impl Fn(u32) -> bool,
) {
    let to = from + sums.len() as u32;
    let mut terms: Vec<_> = cursors.iter_mut().map(|cursor| (cursor.bound(from, to), cursor)).collect();
    terms.retain(|(bound, _)| *bound > 0);
    terms.sort_by_key(|(bound, _)| *bound);
    let mut reach: Steps = 0;
    // `reaches[i]` is the most that the terms up to and including `i` can add together.
    let reaches: Vec<Steps> = terms
        .iter()
        .map(|(bound, _)| {
            reach += *bound;
            reach
        })
        .collect();
    let aside = reaches.partition_point(|reach| *reach <= best.to_beat());
    if aside == terms.len() {
        return;
    }
    sums.fill(0);
    let (rest, needed) = terms.split_at_mut(aside);
    for (_, cursor) in needed {
        cursor.add_to(from, to, sums);
    }
    for_each_sum(sums, |at, sum| {
        let slot = from + at as u32;
        let rest_reach = if aside == 0 { 0 } else { reaches[aside - 1] };
        if sum + rest_reach > best.to_beat() && allowed(slot) {
            complete(slot, sum, rest, &reaches, best);
        }
    });
}

fn for_each_sum(sums: &[Steps], mut visit: impl FnMut(usize, Steps)) {
    for (stride, chunk) in sums.chunks(STRIDE).enumerate() {
        if chunk.iter().fold(0, |all, sum| all | sum) == 0 {
            continue;
        }
        for (at, &sum) in chunk.iter().enumerate().filter(|(_, sum)| **sum > 0) {
            visit(stride * STRIDE + at, sum);
        }
    }
}

/// Adds what the terms set aside contribute, strongest first, until the slot cannot become a hit any more.
fn complete(slot: u32, mut sum: Steps, rest: &mut [(Steps, &mut Cursor<'_>)], reaches: &[Steps], best: &mut Best) {
    for (term, (_, cursor)) in rest.iter_mut().enumerate().rev() {
        if sum + reaches[term] <= best.to_beat() {
            return;
        }
        sum += cursor.contribution_to(slot);
    }
    best.offer(slot, sum);
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
