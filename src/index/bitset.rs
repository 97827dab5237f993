//! A plain set of small numbers: one bit each, in 64-bit words.
//!
//! Not compressed and not concurrent: sets that are stored or sparse belong to `roaring`.

/// Set of numbers below a fixed length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bitset {
    /// Bits at and beyond `len` are always zero, so that counting needs no mask.
    words: Vec<u64>,
    len: usize,
}

impl Bitset {
    /// Makes an empty set for numbers below `len`.
    pub fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Makes the set of all numbers below `len`.
    pub fn full(len: usize) -> Self {
        let mut set = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        set.trim();
        set
    }

    /// Returns one past the largest number that fits.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether no number fits at all; a set without members has `count() == 0`.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a number, which must be below the length.
    #[inline]
    pub fn set(&mut self, at: usize) {
        assert!(at < self.len, "number {at} is outside a set of length {}", self.len);
        self.words[at / 64] |= 1 << (at % 64);
    }

    /// Adds the numbers whose bits are set in words that begin at a number; those beyond the length must be zero.
    pub fn set_words(&mut self, from: usize, words: impl IntoIterator<Item = u64>) {
        let (first, shift) = (from / 64, from % 64);
        for (at, word) in (first..).zip(words).filter(|&(_, word)| word != 0) {
            self.words[at] |= word << shift;
            if shift > 0 && word >> (64 - shift) != 0 {
                self.words[at + 1] |= word >> (64 - shift);
            }
        }
        debug_assert!(self.len.is_multiple_of(64) || self.words[self.len / 64] >> (self.len % 64) == 0);
    }

    /// Takes a number out; one beyond the length is not in the set anyway.
    #[inline]
    pub fn clear(&mut self, at: usize) {
        if let Some(word) = self.words.get_mut(at / 64) {
            *word &= !(1 << (at % 64));
        }
    }

    /// Returns whether a number is in the set; `false` beyond the length.
    #[inline]
    pub fn contains(&self, at: usize) -> bool {
        self.words.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Returns the number of members.
    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Changes the length; numbers that begin to fit are members when `member` says so.
    pub fn resize(&mut self, len: usize, member: bool) {
        if member && len > self.len && !self.len.is_multiple_of(64) {
            self.words[self.len / 64] |= u64::MAX << (self.len % 64);
        }
        self.words.resize(len.div_ceil(64), if member { u64::MAX } else { 0 });
        self.len = len;
        self.trim();
    }

    /// Returns the members in rising order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let (mut words, mut word, mut next_base) = (self.words.iter(), 0_u64, 0);
        std::iter::from_fn(move || {
            while word == 0 {
                word = *words.next()?;
                next_base += 64;
            }
            let bit = word.trailing_zeros() as usize;
            word &= word - 1;
            Some(next_base - 64 + bit)
        })
    }

    /// Returns the numbers that are in one of two sets only.
    pub fn differences(&self, other: &Self) -> Self {
        let mut apart = self.clone();
        apart.resize(self.len.max(other.len), false);
        apart.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word ^= other);
        apart
    }

    /// Returns the bits, those at and beyond the length zero.
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Keeps the members that are also in another set.
    pub fn and(&mut self, other: &Self) {
        for (at, word) in self.words.iter_mut().enumerate() {
            *word &= other.words.get(at).copied().unwrap_or(0);
        }
    }

    /// Takes out the members of another set.
    pub fn and_not(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word &= !other;
        }
    }

    /// Adds the members of another set that fit.
    pub fn or(&mut self, other: &Self) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
        self.trim();
    }

    /// Turns members into non-members and the other way round.
    pub fn not(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        self.trim();
    }

    fn trim(&mut self) {
        let used = self.len % 64;
        if let Some(last) = self.words.last_mut().filter(|_| used != 0) {
            *last &= (1 << used) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn a_bitset_behaves_like_a_set(
            len in 1usize..300, a in prop::collection::vec(0usize..300, 0..80),
            b in prop::collection::vec(0usize..300, 0..80), longer in 0usize..200,
        ) {
            let model = |from: &[usize]| from.iter().map(|at| at % len).collect::<BTreeSet<_>>();
            let make = |from: &[usize]| { let mut set = Bitset::new(len); from.iter().for_each(|at| set.set(at % len)); set };
            let (first, second) = (model(&a), model(&b));
            let listed = |set: &Bitset| set.iter().collect::<BTreeSet<_>>();
            let with = |change: &dyn Fn(&mut Bitset)| { let mut set = make(&a); change(&mut set); set };
            prop_assert_eq!(listed(&make(&a)), first.clone());
            prop_assert_eq!(make(&a).count(), first.len());
            prop_assert_eq!(listed(&with(&|set| set.and(&make(&b)))), &first & &second);
            prop_assert_eq!(listed(&with(&|set| set.or(&make(&b)))), &first | &second);
            prop_assert_eq!(listed(&with(&|set| set.and_not(&make(&b)))), &first - &second);
            prop_assert_eq!(with(&|set| set.not()).count(), len - first.len());
            prop_assert_eq!(with(&|set| set.resize(len + longer, true)).count(), first.len() + longer);
            prop_assert_eq!(with(&|set| set.resize(len + longer, false)).count(), first.len());
            prop_assert_eq!(with(&|set| set.resize(len / 2, true)).count(), first.range(..len / 2).count());
            prop_assert!(first.iter().all(|&at| make(&a).contains(at)) && !make(&a).contains(len));
            let moved: BTreeSet<usize> = first.iter().map(|at| at + longer).collect();
            let place = |set: &mut Bitset| { set.resize(len + longer, false); set.set_words(longer, make(&a).words().iter().copied()) };
            prop_assert_eq!(listed(&{ let mut set = make(&b); place(&mut set); set }), &second | &moved);
        }
    }

    #[test]
    fn a_full_set_has_every_number_below_its_length() {
        assert_eq!(Bitset::full(130).count(), 130);
        assert_eq!(Bitset::full(0).iter().count(), 0);
    }
}
