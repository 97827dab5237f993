//! The slots that hold one term, compressed in blocks that a search can skip without opening.
//!
//! Slots only grow, so a block is written once and never touched; the newest slots wait uncompressed until they fill one.
//! Deleted rows are not known here: whoever searches says which slots count.

/// Postings in a block: enough that its bounds cost little beside it, few enough to decode for one slot.
pub const BLOCK_POSTINGS: usize = 128;

/// One slot that holds a term, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The caller's row position.
    pub slot: u32,
    /// How often the row's text says the term; at least one.
    pub occurrences: u32,
}

/// All slots of one term, ascending.
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

/// Where a block lies and the most that any of its postings can add.
#[derive(Debug, Clone, Copy)]
pub struct Block {
    /// The greatest slot in the block.
    pub last_slot: u32,
    /// The greatest count in the block.
    pub occurrences_max: u32,
    /// The length of the shortest document in the block.
    pub length_min: u32,
    start: usize,
}

impl Postings {
    /// Appends a posting behind all others. `lengths` holds the length of every slot so far, this one included.
    pub fn push(&mut self, posting: Posting, lengths: &[u32]) {
        debug_assert!(self.last_slot().is_none_or(|last| last < posting.slot), "slots ascend");
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

    /// Takes `count` postings off the front of `bytes`, as [`write_posting`] put them one after another.
    ///
    /// `None` unless slots ascend, each has a length, and each count is above zero.
    pub fn read(count: usize, bytes: &mut &[u8], lengths: &[u32]) -> Option<Self> {
        let all = *bytes;
        let mut block = [Posting { slot: 0, occurrences: 0 }; BLOCK_POSTINGS];
        let mut blocks = Vec::with_capacity(count / BLOCK_POSTINGS);
        let mut last = None;
        let mut start = 0;
        for first in (0..count).step_by(BLOCK_POSTINGS) {
            let block = &mut block[..BLOCK_POSTINGS.min(count - first)];
            for posting in block.iter_mut() {
                let (delta, occurrences) = read_posting(bytes)?;
                let slot = last.map_or(Some(delta), |last: u32| last.checked_add(delta).filter(|_| delta > 0))?;
                lengths.get(slot as usize).filter(|_| occurrences > 0)?;
                *posting = Posting { slot, occurrences };
                last = Some(slot);
            }
            if block.len() == BLOCK_POSTINGS {
                let (occurrences_max, length_min) = extremes(block, lengths);
                blocks.push(Block { last_slot: last?, start, occurrences_max, length_min });
                start = all.len() - bytes.len();
            }
        }
        let sealed = (start > 0).then(|| Box::new(Sealed { blocks, bytes: all[..start].to_vec() }));
        Some(Self { sealed, tail: block[..count % BLOCK_POSTINGS].to_vec() })
    }

    /// Returns how many slots hold the term.
    pub fn len(&self) -> usize {
        self.blocks().len() * BLOCK_POSTINGS + self.tail.len()
    }

    /// Returns the last slot, `None` when there is no posting.
    pub fn last_slot(&self) -> Option<u32> {
        self.tail.last().map(|posting| posting.slot).or(self.blocks().last().map(|block| block.last_slot))
    }

    /// Returns every posting in order of slots.
    pub fn iter(&self) -> impl Iterator<Item = Posting> {
        let blocks = (0..self.blocks().len()).flat_map(|block| {
            let mut postings = [Posting { slot: 0, occurrences: 0 }; BLOCK_POSTINGS];
            self.decode(block, &mut postings);
            postings
        });
        blocks.chain(self.tail.iter().copied())
    }

    /// Returns the bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        let sealed = self.sealed.as_ref().map_or(0, |sealed| {
            size_of::<Sealed>() + sealed.bytes.capacity() + sealed.blocks.capacity() * size_of::<Block>()
        });
        sealed + self.tail.capacity() * size_of::<Posting>()
    }

    /// Returns the blocks, in order of slots.
    pub fn blocks(&self) -> &[Block] {
        self.sealed.as_ref().map_or(&[], |sealed| &sealed.blocks)
    }

    /// Returns the postings behind the last block.
    pub fn tail(&self) -> &[Posting] {
        &self.tail
    }

    /// Writes out the postings of the block at an index into `blocks`.
    pub fn decode(&self, block: usize, postings: &mut [Posting; BLOCK_POSTINGS]) {
        let sealed = self.sealed.as_ref().expect("a block index comes from the blocks");
        let mut slot = if block == 0 { 0 } else { sealed.blocks[block - 1].last_slot };
        let mut bytes = &sealed.bytes[sealed.blocks[block].start..];
        for posting in postings {
            let delta;
            (delta, posting.occurrences) = read_posting(&mut bytes).expect("a block holds what was written to it");
            slot += delta;
            posting.slot = slot;
        }
    }
}

impl Sealed {
    fn append(&mut self, postings: &[Posting], lengths: &[u32]) {
        let start = self.bytes.len();
        let mut last_slot = self.blocks.last().map_or(0, |block| block.last_slot);
        for posting in postings {
            write_posting(posting.slot - last_slot, posting.occurrences, &mut self.bytes);
            last_slot = posting.slot;
        }
        let (occurrences_max, length_min) = extremes(postings, lengths);
        self.blocks.push(Block { last_slot, start, occurrences_max, length_min });
    }
}

/// Returns the greatest count and the smallest length among postings.
pub fn extremes(postings: &[Posting], lengths: &[u32]) -> (u32, u32) {
    let occurrences_max = postings.iter().map(|posting| posting.occurrences).max().unwrap_or(1);
    let length_min = postings.iter().map(|posting| lengths[posting.slot as usize]).min().unwrap_or(0);
    (occurrences_max, length_min)
}

/// Appends the distance to the slot before and the count, in as few bytes as they need; a count of one costs no byte.
pub fn write_posting(delta: u32, occurrences: u32, bytes: &mut Vec<u8>) {
    let single = u64::from(occurrences == 1);
    write_varint(u64::from(delta) << 1 | single, bytes);
    if single == 0 {
        write_varint(u64::from(occurrences), bytes);
    }
}

/// Takes one posting off the front of `bytes`: distance and count. `None` when they do not hold one.
#[inline]
pub fn read_posting(bytes: &mut &[u8]) -> Option<(u32, u32)> {
    let head = read_varint(bytes)?;
    let occurrences = if head & 1 == 1 { 1 } else { u32::try_from(read_varint(bytes)?).ok()? };
    Some((u32::try_from(head >> 1).ok()?, occurrences))
}

/// Appends a number, seven bits a byte, lowest first.
pub fn write_varint(mut value: u64, bytes: &mut Vec<u8>) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Takes a number off the front of `bytes`. `None` when they end inside it or it is longer than any that is written.
#[inline]
pub fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
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
            assert_eq!(postings.last_slot(), slots.last().copied());
            assert_eq!(postings.iter().map(|posting| posting.slot).collect::<Vec<_>>(), slots);
            assert!(postings.iter().all(|posting| posting.occurrences == posting.slot % 5 + 1));
        }
    }

    #[test]
    fn postings_are_read_as_they_were_pushed() {
        for count in [1, 127, 128, 129, 1000] {
            let slots: Vec<u32> = (0..count).map(|n| n * n / 3 + n).collect();
            let (pushed, lengths) = (postings_of(&slots), vec![1; slots[slots.len() - 1] as usize + 1]);
            let (mut bytes, mut last) = (Vec::new(), 0);
            for posting in pushed.iter() {
                write_posting(posting.slot - last, posting.occurrences, &mut bytes);
                last = posting.slot;
            }
            bytes.push(7);
            let mut rest = bytes.as_slice();
            let read = Postings::read(slots.len(), &mut rest, &lengths).unwrap();
            assert_eq!(rest, [7]);
            assert!(read.iter().eq(pushed.iter()) && read.tail() == pushed.tail());
            let bounds = |block: &Block| (block.last_slot, block.occurrences_max, block.length_min, block.start);
            assert!(read.blocks().iter().map(bounds).eq(pushed.blocks().iter().map(bounds)));
            assert!(
                Postings::read(slots.len(), &mut bytes.as_slice(), &lengths[1..]).is_none(),
                "a slot has no length"
            );
        }
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
