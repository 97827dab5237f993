//! Which slot holds a row, by its row id.
//!
//! Row ids are given one after the other, so those of a table lie close together and a plain array answers; where many of
//! them are gone a hash map does.

use std::collections::HashMap;

/// Marks a row id without a slot.
const NOWHERE: u32 = u32::MAX;
/// How many times more row ids than rows an array may span.
const SPAN_MAX: u64 = 8;

/// Slots by row id.
pub struct RowPlaces {
    first: u64,
    near: Vec<u32>,
    far: HashMap<u64, u32>,
}

impl RowPlaces {
    /// Notes which rows lie at which slots.
    pub fn new(rows: impl Iterator<Item = (u64, u32)> + Clone) -> Self {
        let (mut first, mut last, mut count) = (u64::MAX, 0, 0);
        for (row_id, _) in rows.clone() {
            (first, last, count) = (first.min(row_id), last.max(row_id), count + 1);
        }
        if count == 0 || last - first > SPAN_MAX * count {
            return Self { first: 0, near: Vec::new(), far: rows.collect() };
        }
        let mut near = vec![NOWHERE; (last - first + 1) as usize];
        rows.for_each(|(row_id, slot)| near[(row_id - first) as usize] = slot);
        Self { first, near, far: HashMap::new() }
    }

    /// Returns the slot of a row.
    pub fn slot(&self, row_id: u64) -> Option<u32> {
        if self.near.is_empty() {
            return self.far.get(&row_id).copied();
        }
        let at = usize::try_from(row_id.checked_sub(self.first)?).ok()?;
        self.near.get(at).copied().filter(|&slot| slot != NOWHERE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(row_ids: &[u64]) {
        let places = RowPlaces::new(row_ids.iter().copied().zip(0..));
        for (slot, &row_id) in (0..).zip(row_ids) {
            assert_eq!(places.slot(row_id), Some(slot));
            for other in [row_id.wrapping_sub(1), row_id.wrapping_add(1), 0, u64::MAX] {
                assert_eq!(places.slot(other).is_some(), row_ids.contains(&other), "{other} in {row_ids:?}");
            }
        }
    }

    #[test]
    fn rows_are_found_wherever_their_ids_lie() {
        check(&[]);
        check(&[7]);
        check(&[u64::MAX]);
        check(&[9, 4, 5, 12]);
        check(&[0, u64::MAX, 1 << 40, 3]);
        check(&(1_000..2_000).rev().step_by(3).collect::<Vec<_>>());
    }
}
