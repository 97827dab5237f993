//! A sealed index in its mapped file: terms found by halving, postings read where they lie.
//!
//! What the sections say of each other is checked when the file is opened, so that no access leaves them. Single postings
//! are not: searches leave out what is impossible in them, and the checksums say that they are what was written.

use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use super::block::BLOCK_POSTINGS;
use super::file::{Damage, Refusal, check};
use super::postings::{Block, View};
use crate::index::distance::{Plain, as_values};
use crate::index::map::map_file;

/// Where a term's letters, postings and blocks end, and how many slots hold it.
type Entry = [u64; 4];

/// A sealed index.
#[derive(Debug)]
pub struct Mapped {
    map: Mmap,
    entries: Range<usize>,
    blocks: Range<usize>,
    lengths: Range<usize>,
    terms: Range<usize>,
    postings: Range<usize>,
}

impl Mapped {
    /// Maps a file and checks it.
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        let map = map_file(path)?;
        let [entries, blocks, lengths, terms, postings] = check(&map)?;
        let mapped = Self { map, entries, blocks, lengths, terms, postings };
        match mapped.find_damage() {
            Some((section, at)) => Err(Refusal::Damaged(section, Damage::Value { at })),
            None => Ok(mapped),
        }
    }

    /// Returns the number of terms.
    pub fn len(&self) -> usize {
        self.entries().len()
    }

    /// Returns the term at a place in their order.
    pub fn term(&self, at: usize) -> &str {
        std::str::from_utf8(self.letters(at)).unwrap_or_default()
    }

    /// Returns the length of each slot's document.
    pub fn lengths(&self) -> &[u32] {
        self.values(&self.lengths)
    }

    /// Returns the postings of a term, `None` where it does not occur.
    pub fn find(&self, term: &str) -> Option<View<'_>> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.letters(middle).cmp(term.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(self.view(middle)),
            }
        }
        None
    }

    fn view(&self, at: usize) -> View<'_> {
        let ([_, bytes, blocks, _], [_, bytes_end, blocks_end, count]) = self.bounds(at);
        let bytes = &self.map[self.postings.clone()][bytes as usize..bytes_end as usize];
        View::read(count as usize, &self.all_blocks()[blocks as usize..blocks_end as usize], bytes)
    }

    fn letters(&self, at: usize) -> &[u8] {
        let ([start, ..], [end, ..]) = self.bounds(at);
        &self.map[self.terms.clone()][start as usize..end as usize]
    }

    /// Returns the entry before a term's, which says where it begins, and its own.
    fn bounds(&self, at: usize) -> (Entry, Entry) {
        let entries = self.entries();
        let before = at.checked_sub(1).map_or([0; 4], |before| entries[before]);
        (before, entries[at])
    }

    fn entries(&self) -> &[Entry] {
        self.values::<u64>(&self.entries).as_chunks().0
    }

    fn all_blocks(&self) -> &[Block] {
        self.values::<u32>(&self.blocks).as_chunks().0
    }

    fn values<T: Plain>(&self, place: &Range<usize>) -> &[T] {
        as_values(&self.map[place.clone()]).unwrap_or_default()
    }

    /// Returns the first section and the place in it where what a section says does not fit the others.
    fn find_damage(&self) -> Option<(&'static str, usize)> {
        let whole = |place: &Range<usize>, bytes: usize| {
            place.len().is_multiple_of(bytes) && place.start.is_multiple_of(bytes.min(8))
        };
        for (name, place, bytes) in
            [("entries", &self.entries, 32), ("blocks", &self.blocks, 16), ("lengths", &self.lengths, 4)]
        {
            if !whole(place, bytes) || place.len() / 4 > u32::MAX as usize {
                return Some((name, place.len()));
            }
        }
        let mut before: Entry = [0; 4];
        for (at, entry) in self.entries().iter().enumerate() {
            let blocks = entry[3] / BLOCK_POSTINGS as u64;
            let ascends = entry.iter().zip(before).take(3).all(|(now, before)| *now >= before);
            let inside = entry[0] <= self.terms.len() as u64 && entry[1] <= self.postings.len() as u64;
            if !ascends || !inside || entry[3] == 0 || before[2].checked_add(blocks) != Some(entry[2]) {
                return Some(("entries", at * size_of::<Entry>()));
            }
            before = *entry;
        }
        let ends = [self.terms.len(), self.postings.len(), self.all_blocks().len()];
        if ends.iter().zip(before).any(|(end, said)| *end as u64 != said) {
            return Some(("entries", self.entries.len()));
        }
        (0..self.len()).find(|&at| !self.is_term(at)).map(|at| ("terms", self.bounds(at).0[0] as usize))
    }

    /// Returns whether a term is text and greater than the one before.
    fn is_term(&self, at: usize) -> bool {
        let letters = self.letters(at);
        std::str::from_utf8(letters).is_ok() && at.checked_sub(1).is_none_or(|before| self.letters(before) < letters)
    }
}
