//! The best few of many scored rows.
//!
//! Orders by similarity, then by number, so that equal rows come out the same way on every run.

use std::cmp::Reverse;

/// Rows kept beyond `k` before the worst are dropped: dropping costs a pass over all that are kept.
const ROOM: usize = 256;

/// Collector of the `k` most similar rows.
///
/// It keeps more than `k` and drops the worst now and then, which costs less than to keep them in order.
#[derive(Clone, Debug)]
pub struct TopK {
    k: usize,
    /// Rows as `order(similarity) << 32 | !id`.
    keys: Vec<u64>,
    /// A lower similarity cannot be among the best; negative infinity while no bound is known.
    bound: f32,
}

impl Default for TopK {
    fn default() -> Self {
        Self::new(0)
    }
}

impl TopK {
    /// Makes an empty collector.
    pub fn new(k: usize) -> Self {
        Self { k, keys: Vec::new(), bound: f32::NEG_INFINITY }
    }

    /// Empties the collector for another `k`, keeping its memory.
    pub fn reset(&mut self, k: usize) {
        *self = Self { keys: std::mem::take(&mut self.keys), ..Self::new(k) };
        self.keys.clear();
    }

    /// Offers a row; a similarity that is not a number counts as the lowest.
    #[inline]
    pub fn push(&mut self, id: u32, similarity: f32) {
        // What is not a number is not below the bound, and sinks to the end when the worst are dropped.
        if similarity < self.bound {
            return;
        }
        self.keys.push(u64::from(order(similarity)) << 32 | u64::from(!id));
        if self.keys.len() >= 2 * self.k + ROOM {
            self.drop_worst();
        }
    }

    fn drop_worst(&mut self) {
        if let Some(last) = self.k.checked_sub(1) {
            let (_, &mut worst, _) = self.keys.select_nth_unstable_by_key(last, |&key| Reverse(key));
            self.bound = value((worst >> 32) as u32);
        }
        self.keys.truncate(self.k);
    }

    /// Returns the rows, best first, and empties the collector.
    pub fn take(&mut self) -> Vec<(u32, f32)> {
        if self.keys.len() > self.k {
            self.drop_worst();
        }
        self.keys.sort_unstable_by_key(|&key| Reverse(key));
        self.bound = f32::NEG_INFINITY;
        self.keys.drain(..).map(|key| (!(key as u32), value((key >> 32) as u32))).collect()
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

/// The way back from [`order`]; from 0 comes a number that no other is below.
fn value(order: u32) -> f32 {
    f32::from_bits(if order >> 31 == 1 { order & !(1 << 31) } else { !order })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_best_come_out_in_order(scores in prop::collection::vec(-90i8..90, 0..900), k in 0usize..20) {
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
