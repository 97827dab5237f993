//! 128 postings packed into bits: distances between slots and counts, each in as many bits as the greatest needs.
//!
//! The layout is that of SIMD-BP128 (Lemire and Boytsov 2015), packed and unpacked four numbers at a time. A block is
//! two bytes (bits of a distance, bits of a count less one), the distances, and the counts. Which slots count and what
//! they add is not known here.

use bitpacking::{BitPacker, BitPacker4x};

/// Postings in a block: enough that its bounds cost little beside it, few enough to unpack for one slot.
pub const BLOCK_POSTINGS: usize = BitPacker4x::BLOCK_LEN;

/// One number for each posting of a block.
pub type Numbers = [u32; BLOCK_POSTINGS];

/// Bytes before the distances.
const HEAD_BYTES: usize = 2;
/// Most bits that a number has.
const BITS_MAX: u8 = 32;

/// Appends a block of slots, ascending from the one before the block, and of counts.
pub fn pack(before: u32, slots: &Numbers, counts: &Numbers, bytes: &mut Vec<u8>) {
    let packer = BitPacker4x::new();
    let counts = counts.map(|count| count.saturating_sub(1));
    let (slot_bits, count_bits) = (packer.num_bits_sorted(before, slots), packer.num_bits(&counts));
    bytes.extend([slot_bits, count_bits]);
    let (slots_start, slots_len) = (bytes.len(), packed_len(slot_bits));
    bytes.resize(slots_start + slots_len + packed_len(count_bits), 0);
    let (slots_room, counts_room) = bytes[slots_start..].split_at_mut(slots_len);
    packer.compress_sorted(before, slots, slots_room, slot_bits);
    packer.compress(&counts, counts_room, count_bits);
}

/// Writes out the slots of the block at the front of `bytes`, and returns whether there is a whole one.
pub fn unpack_slots(bytes: &[u8], before: u32, slots: &mut Numbers) -> bool {
    let Some((packed, bits, ..)) = parts_of(bytes) else { return false };
    BitPacker4x::new().decompress_sorted(before, packed, slots, bits);
    true
}

/// Writes out the counts of the block at the front of `bytes`; ones where there is no whole block.
pub fn unpack_counts(bytes: &[u8], counts: &mut Numbers) {
    match parts_of(bytes) {
        Some((.., packed, bits)) => {
            BitPacker4x::new().decompress(packed, counts, bits);
            counts.iter_mut().for_each(|count| *count = count.saturating_add(1));
        }
        None => counts.fill(1),
    }
}

/// Returns what is behind the block at the front of `bytes`, nothing where there is no whole one.
pub fn behind(bytes: &[u8]) -> &[u8] {
    parts_of(bytes).map_or(&[], |(slots, _, counts, _)| &bytes[HEAD_BYTES + slots.len() + counts.len()..])
}

/// Returns the packed slots and the packed counts with their bits; `None` unless they are whole and possible.
fn parts_of(bytes: &[u8]) -> Option<(&[u8], u8, &[u8], u8)> {
    let (&[slot_bits, count_bits], packed) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    if slot_bits > BITS_MAX || count_bits > BITS_MAX {
        return None;
    }
    let (slots, rest) = packed.split_at_checked(packed_len(slot_bits))?;
    Some((slots, slot_bits, rest.get(..packed_len(count_bits))?, count_bits))
}

fn packed_len(bits: u8) -> usize {
    BLOCK_POSTINGS / 8 * usize::from(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: u32, slots: Numbers, counts: Numbers) {
        let mut bytes = Vec::new();
        pack(before, &slots, &counts, &mut bytes);
        bytes.extend([7; 3]);
        let (mut slots_read, mut counts_read) = ([0; BLOCK_POSTINGS], [0; BLOCK_POSTINGS]);
        assert!(unpack_slots(&bytes, before, &mut slots_read));
        unpack_counts(&bytes, &mut counts_read);
        assert_eq!((slots_read, counts_read), (slots, counts));
        assert_eq!(behind(&bytes), [7; 3]);
    }

    fn numbers(number: impl Fn(u32) -> u32) -> Numbers {
        std::array::from_fn(|at| number(at as u32))
    }

    #[test]
    fn blocks_come_back() {
        check(0, numbers(|at| at), numbers(|_| 1));
        check(99, numbers(|at| 100 + at * 10), numbers(|at| at % 5 + 1));
        check(5, numbers(|at| 5 + at * 33_000_000), numbers(|at| at * 33_000_000 + 1));
        check(0, numbers(|at| u32::MAX - BLOCK_POSTINGS as u32 + at), numbers(|_| u32::MAX));
    }

    #[test]
    fn what_is_no_block_is_refused_and_counts_as_once() {
        let mut bytes = Vec::new();
        pack(0, &numbers(|at| at * 9), &numbers(|at| at + 1), &mut bytes);
        let (mut slots, mut counts) = ([0; BLOCK_POSTINGS], [0; BLOCK_POSTINGS]);
        let hostile = [&[][..], &[1], &[33, 0], &[0, 33], &[255; 4000], &bytes[..bytes.len() - 1]];
        for bytes in hostile {
            assert!(!unpack_slots(bytes, 0, &mut slots) && behind(bytes).is_empty());
            unpack_counts(bytes, &mut counts);
            assert_eq!(counts, [1; BLOCK_POSTINGS]);
        }
        assert!(unpack_slots(&[32; 2000], u32::MAX, &mut slots), "slots that pass the greatest number wrap");
    }
}
