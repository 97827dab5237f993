//! A sealed generation put in its place: which of its ordinals stand at which slots.
//!
//! Row ids join the two: a generation names its rows by row id, the process by slot.

use super::bitset::Bitset;
use super::column::Columns;
use super::generation::Generation;
use std::sync::Arc;

/// Marks an ordinal whose row is in no slot, or a slot that the generation does not cover.
const NOWHERE: u32 = u32::MAX;
/// One of how many slots may be in a set for each to be looked up, which costs about five times as much as to pass one by.
const LOOKED_UP_SHARE: usize = 8;

/// A generation with both directions of the mapping between its ordinals and the slots.
pub struct Placed {
    /// Name of the generation's folder.
    pub name: String,
    /// Newest table version whose rows it may hold.
    pub built_version: u64,
    generation: Arc<Generation>,
    slots: Vec<u32>,
    ordinals: Vec<u32>,
}

impl Placed {
    /// Places a generation among the slots of a collection.
    pub fn new(name: String, built_version: u64, generation: Arc<Generation>, columns: &Columns) -> Self {
        let places = columns.row_places(|_| true);
        let mut ordinals = vec![NOWHERE; columns.slots() as usize];
        let slots: Vec<u32> = (0..)
            .zip(generation.row_ids())
            .map(|(ordinal, row_id)| {
                let slot = places.slot(*row_id).unwrap_or(NOWHERE);
                if let Some(place) = ordinals.get_mut(slot as usize) {
                    *place = ordinal;
                }
                slot
            })
            .collect();
        Self { name, built_version, generation, slots, ordinals }
    }

    /// Returns the bytes held in memory besides the generation.
    pub fn bytes(&self) -> usize {
        (self.slots.len() + self.ordinals.len()) * size_of::<u32>()
    }

    /// Returns the generation.
    pub fn generation(&self) -> &Generation {
        &self.generation
    }

    /// Returns the slot of an ordinal, `None` for a row that is in no slot.
    pub fn slot(&self, ordinal: u32) -> Option<u32> {
        self.slots.get(ordinal as usize).copied().filter(|&slot| slot != NOWHERE)
    }

    /// Returns the ordinal of a slot, `None` for a row that the generation does not hold.
    pub fn ordinal(&self, slot: u32) -> Option<u32> {
        self.ordinals.get(slot as usize).copied().filter(|&ordinal| ordinal != NOWHERE)
    }

    /// Returns whether the generation holds the row at a slot.
    pub fn covers(&self, slot: u32) -> bool {
        self.ordinal(slot).is_some()
    }

    /// Returns the ordinals whose slots are in a set of so many.
    pub fn ordinals_of(&self, slots: &Bitset, count: usize) -> Bitset {
        let mut set = Bitset::new(self.slots.len());
        if count < self.slots.len() / LOOKED_UP_SHARE {
            let ordinals = slots.iter().filter_map(|slot| self.ordinal(slot as u32));
            ordinals.for_each(|ordinal| set.set(ordinal as usize));
        } else {
            // Without a branch, since which slots are in the set cannot be foreseen; no set reaches to `NOWHERE`.
            let bit = |slot: &u32| u64::from(slots.contains(*slot as usize));
            let word = |slots: &[u32]| slots.iter().rev().fold(0, |word, slot| word << 1 | bit(slot));
            set.set_words(0, self.slots.chunks(64).map(word));
        }
        set
    }
}
