//! The slots that hold one term, in packed blocks that a search can skip without opening.
//!
//! Slots only grow, so a block is written once and never touched; the newest slots wait unpacked until they fill one.
//! How a block is packed is known to [`super::block`]. Deleted rows are not known here: whoever searches says which
//! slots count.

use std::borrow::Cow;

use super::block::{BLOCK_POSTINGS, Numbers, behind, pack, unpack_counts, unpack_slots};

/// One slot that holds a term, and how often.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Posting {
    /// The caller's row position.
    pub slot: u32,
    /// How often the row's text says the term; at least one.
    pub occurrences: u32,
}

/// All slots of one term, ascending, in memory.
#[derive(Clone, Debug, Default)]
pub struct Postings {
    /// Boxed, because most terms are too rare to fill a block.
    sealed: Option<Box<Sealed>>,
    /// Fewer than `BLOCK_POSTINGS`.
    tail: Vec<Posting>,
}

#[derive(Clone, Debug, Default)]
struct Sealed {
    blocks: Vec<Block>,
    bytes: Vec<u8>,
}

/// Where a block lies and the most that any of its postings can add; as four numbers, because that is how files hold it.
///
/// They are the greatest slot in the block, the greatest count, the length of the shortest document, and where its bytes
/// begin among those of the term.
pub type Block = [u32; 4];

/// Returns the greatest slot in a block.
pub fn last_slot(block: &Block) -> u32 {
    block[0]
}

/// Returns the greatest count in a block, and the length of its shortest document.
pub fn extremes_of(block: &Block) -> (u32, u32) {
    (block[1], block[2])
}

/// The slots of one term, wherever they lie: blocks, and what is too little to fill one.
#[derive(Clone, Debug)]
pub struct View<'p> {
    /// No posting lies below this slot.
    pub from: u32,
    /// The blocks, in order of slots.
    pub blocks: &'p [Block],
    /// What the blocks hold.
    pub bytes: &'p [u8],
    /// The postings behind the last block.
    pub tail: Cow<'p, [Posting]>,
}

impl Postings {
    /// Appends a posting behind all others. `lengths` holds the length of every slot so far, this one included.
    pub fn push(&mut self, posting: Posting, lengths: &[u32]) {
        debug_assert!(self.tail.last().is_none_or(|last| last.slot < posting.slot), "slots ascend");
        if self.tail.capacity() == 0 {
            // Half of all terms occur in one text only, and stay at that.
            self.tail.reserve_exact(1);
        }
        self.tail.push(posting);
        if self.tail.len() == BLOCK_POSTINGS {
            self.sealed.get_or_insert_default().append(&self.tail, lengths);
            self.tail.clear();
        }
    }

    /// Returns the postings as searches read them.
    pub fn view(&self) -> View<'_> {
        let (blocks, bytes) = self.sealed.as_ref().map_or((&[][..], &[][..]), |sealed| (&sealed.blocks, &sealed.bytes));
        View { from: 0, blocks, bytes, tail: Cow::Borrowed(&self.tail) }
    }

    /// Returns how many slots hold the term.
    pub fn len(&self) -> usize {
        self.sealed.as_ref().map_or(0, |sealed| sealed.blocks.len()) * BLOCK_POSTINGS + self.tail.len()
    }

    /// Returns the bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| {
            size_of::<Sealed>() + sealed.bytes.capacity() + sealed.blocks.capacity() * size_of::<Block>()
        });
        sealed + self.tail.capacity() * size_of::<Posting>()
    }

    /// Appends the bytes of all postings, those of the blocks first, and returns the blocks.
    pub fn write(&self, bytes: &mut Vec<u8>) -> &[Block] {
        let View { blocks, bytes: sealed, tail, .. } = self.view();
        bytes.extend_from_slice(sealed);
        let last = blocks.last().map_or(0, last_slot);
        write_postings(&tail, last, bytes);
        self.sealed.as_ref().map_or(&[], |sealed| &sealed.blocks)
    }
}

impl<'p> View<'p> {
    /// Returns the postings that [`Postings::write`] put into `bytes`; what is impossible in them is left out.
    pub fn read(count: usize, blocks: &'p [Block], bytes: &'p [u8]) -> Self {
        let whole = View { from: 0, blocks, bytes, tail: Cow::Borrowed(&[]) };
        let mut tail = Vec::with_capacity(count % BLOCK_POSTINGS);
        let mut rest = blocks.len().checked_sub(1).map_or(bytes, |last| behind(whole.bytes_from(last)));
        let mut slot = blocks.last().map_or(0, last_slot);
        while tail.len() < count % BLOCK_POSTINGS
            && let Some((delta, occurrences)) = read_posting(&mut rest)
        {
            slot = slot.saturating_add(delta);
            tail.push(Posting { slot, occurrences });
        }
        View { tail: Cow::Owned(tail), ..whole }
    }

    /// Returns how many slots hold the term.
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK_POSTINGS + self.tail.len()
    }

    /// Returns every posting in order of slots.
    pub fn iter(&self) -> impl Iterator<Item = Posting> {
        let blocks = (0..self.blocks.len()).flat_map(|block| {
            let (mut slots, mut counts) = ([0; BLOCK_POSTINGS], [0; BLOCK_POSTINGS]);
            let read = if self.unpack_slots(block, &mut slots) { BLOCK_POSTINGS } else { 0 };
            self.unpack_counts(block, &mut counts);
            slots.into_iter().zip(counts).take(read).map(|(slot, occurrences)| Posting { slot, occurrences })
        });
        blocks.chain(self.tail.iter().copied())
    }

    /// Writes out the slots of the block at an index into `blocks`, and returns whether its bytes are a block.
    pub fn unpack_slots(&self, block: usize, slots: &mut Numbers) -> bool {
        let before = block.checked_sub(1).map_or(0, |before| last_slot(&self.blocks[before]));
        unpack_slots(self.bytes_from(block), before, slots)
    }

    /// Writes out how often each slot of the block at an index into `blocks` holds the term.
    pub fn unpack_counts(&self, block: usize, counts: &mut Numbers) {
        unpack_counts(self.bytes_from(block), counts);
    }

    fn bytes_from(&self, block: usize) -> &'p [u8] {
        self.bytes.get(self.blocks[block][3] as usize..).unwrap_or_default()
    }
}

impl Sealed {
    fn append(&mut self, postings: &[Posting], lengths: &[u32]) {
        let start = u32::try_from(self.bytes.len()).expect("slots end before the postings of a term fill 4 GiB");
        let slots: Numbers = std::array::from_fn(|at| postings[at].slot);
        let counts: Numbers = std::array::from_fn(|at| postings[at].occurrences);
        pack(self.blocks.last().map_or(0, last_slot), &slots, &counts, &mut self.bytes);
        let (occurrences_max, length_min) = extremes(postings, lengths);
        self.blocks.push([postings.last().map_or(0, |last| last.slot), occurrences_max, length_min, start]);
    }
}

/// Returns the greatest count and the smallest length among postings.
pub fn extremes(postings: &[Posting], lengths: &[u32]) -> (u32, u32) {
    let occurrences_max = postings.iter().map(|posting| posting.occurrences).max().unwrap_or(1);
    let length_min = postings.iter().filter_map(|posting| lengths.get(posting.slot as usize)).min();
    (occurrences_max, length_min.copied().unwrap_or(0))
}

/// Appends postings behind one in `last_slot`.
fn write_postings(postings: &[Posting], mut last_slot: u32, bytes: &mut Vec<u8>) {
    for posting in postings {
        write_posting(posting.slot - last_slot, posting.occurrences, bytes);
        last_slot = posting.slot;
    }
}

/// Appends the distance to the slot before and the count, in as few bytes as they need; a count of one costs no byte.
fn write_posting(delta: u32, occurrences: u32, bytes: &mut Vec<u8>) {
    let single = u64::from(occurrences == 1);
    write_varint(u64::from(delta) << 1 | single, bytes);
    if single == 0 {
        write_varint(u64::from(occurrences), bytes);
    }
}

/// Takes one posting off the front of `bytes`: distance and count. `None` when they do not hold one.
#[inline]
fn read_posting(bytes: &mut &[u8]) -> Option<(u32, u32)> {
    let head = read_varint(bytes)?;
    let occurrences = if head & 1 == 1 { 1 } else { u32::try_from(read_varint(bytes)?).ok()? };
    Some((u32::try_from(head >> 1).ok()?, occurrences))
}

/// Appends a number, seven bits a byte, lowest first.
fn write_varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Takes a number off the front of `bytes`. `None` when they end inside it or it is longer than any that is written.
#[inline]
fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postings_of(slots: &[u32]) -> Postings {
        let lengths = vec![1; slots.last().map_or(0, |last| *last as usize + 1)];
        let mut postings = Postings::default();
        for &slot in slots {
            postings.push(Posting { slot, occurrences: slot % 5 + 1 }, &lengths);
        }
        postings
    }

    #[test]
    fn what_is_pushed_comes_back_in_order() {
        for count in [0, 1, 127, 128, 129, 1000] {
            let slots: Vec<u32> = (0..count).map(|n| n * n / 3 + n).collect();
            let postings = postings_of(&slots);
            assert_eq!(postings.len(), slots.len());
            let postings = postings.view();
            assert_eq!(postings.len(), slots.len());
            assert_eq!(postings.iter().map(|posting| posting.slot).collect::<Vec<_>>(), slots);
            assert!(postings.iter().all(|posting| posting.occurrences == posting.slot % 5 + 1));
        }
    }

    #[test]
    fn postings_are_read_as_they_were_pushed() {
        for count in [1, 127, 128, 129, 1000] {
            let slots: Vec<u32> = (0..count).map(|n| n * n / 3 + n).collect();
            let pushed = postings_of(&slots);
            let mut bytes = Vec::new();
            let blocks = pushed.write(&mut bytes);
            let read = View::read(slots.len(), blocks, &bytes);
            assert!(read.iter().eq(pushed.view().iter()) && read.len() == slots.len());
        }
    }

    #[test]
    fn bytes_that_nobody_wrote_are_read_to_their_end() {
        let pushed = postings_of(&(0..300).collect::<Vec<_>>());
        let mut bytes = Vec::new();
        let blocks = pushed.write(&mut bytes).to_vec();
        for garbage in [&[][..], &[0xff; 700], &[0x80; 700], &bytes[..100]] {
            assert!(View::read(300, &blocks, garbage).iter().count() <= 300);
        }
        let beyond: Vec<Block> =
            blocks.iter().map(|&[slot, occurrences, length, _]| [slot, occurrences, length, u32::MAX]).collect();
        assert_eq!(View::read(300, &beyond, &bytes).iter().count(), 0);
    }

    #[test]
    fn a_block_takes_about_a_byte_a_posting_in_a_frequent_term() {
        let postings = postings_of(&(0..12_800).map(|n| n * 10).collect::<Vec<_>>());
        assert!(postings.heap_bytes() < 12_800 * 3, "{} bytes", postings.heap_bytes());
    }

    #[test]
    fn numbers_of_every_size_survive() {
        let mut bytes = Vec::new();
        let values = [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::from(u32::MAX) * 2 + 1];
        values.iter().for_each(|value| write_varint(*value, &mut bytes));
        let mut rest = bytes.as_slice();
        values.iter().for_each(|value| assert_eq!(read_varint(&mut rest), Some(*value)));
        assert!(rest.is_empty());
    }

    #[test]
    fn broken_numbers_are_refused() {
        assert_eq!(read_varint(&mut [].as_slice()), None);
        assert_eq!(read_varint(&mut [0x80].as_slice()), None);
        assert_eq!(read_varint(&mut [0xff; 20].as_slice()), None);
        assert_eq!(read_posting(&mut [0xff, 0xff, 0xff, 0xff, 0xff, 0x7f].as_slice()), None);
    }
}
