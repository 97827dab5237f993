//! The best few of many scored rows.
//!
//! Orders by similarity, then by number, so that equal rows come out the same way on every run.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Collector of the `k` most similar rows.
#[derive(Clone, Debug, Default)]
pub struct TopK {
    k: usize,
    /// Rows as `order(similarity) << 32 | !id`, the worst on top.
    heap: BinaryHeap<Reverse<u64>>,
}

impl TopK {
    /// Makes an empty collector.
    pub fn new(k: usize) -> Self {
        Self { k, heap: BinaryHeap::new() }
    }

    /// Empties the collector for another `k`, keeping its memory.
    pub fn reset(&mut self, k: usize) {
        self.k = k;
        self.heap.clear();
    }

    /// Offers a row; a similarity that is not a number counts as the lowest.
    #[inline]
    pub fn push(&mut self, id: u32, similarity: f32) {
        let key = u64::from(order(similarity)) << 32 | u64::from(!id);
        if self.heap.len() < self.k {
            self.heap.push(Reverse(key));
        } else if let Some(mut worst) = self.heap.peek_mut().filter(|worst| key > worst.0) {
            worst.0 = key;
        }
    }

    /// Returns the similarity that a row has to beat, `None` while there is room.
    pub fn bound(&self) -> Option<f32> {
        self.heap.peek().filter(|_| self.heap.len() >= self.k).map(|worst| value((worst.0 >> 32) as u32))
    }

    /// Returns the number of rows collected.
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Returns whether nothing was collected.
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Returns the rows, best first, and empties the collector.
    pub fn take(&mut self) -> Vec<(u32, f32)> {
        let mut keys: Vec<u64> = self.heap.drain().map(|Reverse(key)| key).collect();
        keys.sort_unstable_by_key(|&key| Reverse(key));
        keys.into_iter().map(|key| (!(key as u32), value((key >> 32) as u32))).collect()
    }
}

/// Returns an integer of the same order as a number; what is not a number comes first.
#[inline]
pub fn order(value: f32) -> u32 {
    if value.is_nan() {
        return 0;
    }
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn value(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & !(1 << 31) } else { !order })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_come_out_in_order(scores in prop::collection::vec(-3i8..3, 0..60), k in 0usize..20) {
            let mut top = TopK::new(k);
            let mut model: Vec<(u32, f32)> = (0..).zip(scores.iter().map(|&x| f32::from(x))).collect();
            model.iter().for_each(|&(id, score)| top.push(id, score));
            model.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            model.truncate(k);
            prop_assert_eq!(top.take(), model);
        }
    }

    #[test]
    fn what_is_not_a_number_comes_last() {
        let mut top = TopK::new(2);
        for (id, score) in [(1, f32::NAN), (2, f32::NEG_INFINITY), (3, -1.0)] {
            top.push(id, score);
        }
        assert_eq!(top.take(), [(3, -1.0), (2, f32::NEG_INFINITY)]);
    }
}
