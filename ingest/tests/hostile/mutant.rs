//! Changes a file in one of the ways in which files get broken, or are broken on purpose.
//!
//! Parts of a zip container are changed before they are packed as often as after, since a broken package is refused at
//! its door.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::fixture::package::packed_bytes;

/// Numbers that look random and are the same in every run.
pub struct Chance(pub u64);

impl Chance {
    /// Returns a number below `end`; 0 where that is 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end.max(1) as u64) as usize
    }
}

/// Pieces of markup that open something.
const OPENERS: [&[u8]; 8] = [b"<<", b"[", b"(", b"{", b"<w:tbl>", b"<text:span>", b"<div>", b"> "];
/// Numbers at which arithmetic goes wrong.
const NUMBERS: [&[u8]; 6] = [b"0", b"-1", b"2147483648", b"4294967295", b"9223372036854775808", b"1e308"];

/// Returns a changed file.
pub fn mutant(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    if seed.starts_with(b"PK") && chance.below(2) == 0 {
        return repacked(seed, chance);
    }
    let mut file = seed.to_vec();
    for _ in 0..=chance.below(3) {
        change(&mut file, chance);
    }
    file
}

fn change(file: &mut Vec<u8>, chance: &mut Chance) {
    let (at, other) = (chance.below(file.len()), chance.below(file.len()));
    let range = at.min(other)..at.max(other);
    match chance.below(6) {
        0 => (0..=chance.below(16)).for_each(|_| {
            let at = chance.below(file.len());
            file[at..].iter_mut().take(1).for_each(|byte| *byte ^= 1 << chance.below(8));
        }),
        1 => file.truncate(at),
        2 => drop(file.drain(range)),
        3 => {
            let copy = file[range].repeat(1 + chance.below(40));
            file.splice(at..at, copy);
        }
        4 => {
            let opener = OPENERS[chance.below(OPENERS.len())].repeat(1 << chance.below(14));
            file.splice(at..at, opener);
        }
        _ => {
            let is_digit = |at: &usize| file[*at].is_ascii_digit();
            let Some(start) = (at..file.len()).find(is_digit) else { return };
            let end = (start..file.len()).find(|at| !is_digit(at)).unwrap_or(file.len());
            file.splice(start..end, NUMBERS[chance.below(NUMBERS.len())].iter().copied());
        }
    }
}

/// Changes one part of a zip container and packs it again.
fn repacked(seed: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(seed)).unwrap();
    let mut parts: Vec<(String, Vec<u8>)> = Vec::new();
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        part.read_to_end(&mut bytes).unwrap();
        parts.push((String::from_utf8_lossy(part.name_raw()).into_owned(), bytes));
    }
    let chosen = chance.below(parts.len());
    (0..=chance.below(2)).for_each(|_| change(&mut parts[chosen].1, chance));
    packed_bytes(&parts)
}
