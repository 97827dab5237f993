//! Finds documents that say nearly the same, such as versions of one report.
//!
//! A text is the set of its runs of words; the share of runs that two texts have in common is estimated from the least
//! hash under each of many orders (minhash). Pairs are looked for only among texts that agree on a band of these
//! hashes, so that a collection costs no square. Changes nothing and stores nothing.

use std::collections::{HashMap, HashSet};

/// Hashes of a text. More make the estimate finer: its error is about one part in the root of their number.
const HASHES: usize = 128;
/// Hashes that two texts must share in a row to be compared. With 32 bands, pairs of share 0.8 are found but one in ten
/// million.
const BAND: usize = 4;
/// Words, or ideographs, in a run.
const RUN: usize = 4;

/// What is kept of a text to compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Vec<u32>);

impl Signature {
    /// Returns the signature of a text; that of one without words is like no other.
    pub fn of(text: &str) -> Self {
        let words = words(text);
        let mut least = vec![u32::MAX; HASHES];
        for run in words.windows(RUN.min(words.len()).max(1)) {
            let run = run.iter().fold(0, |hash, word| mixed(hash ^ word));
            for (order, least) in (1..).zip(&mut least) {
                *least = (*least).min((mixed(run ^ mixed(order)) >> 32) as u32);
            }
        }
        Self(least)
    }

    /// Estimates the share of runs of words that two texts have in common, from 0 to 1.
    pub fn similarity(&self, other: &Self) -> f32 {
        let is_same = |(one, other): (&u32, &u32)| one == other && *one != u32::MAX;
        self.0.iter().zip(&other.0).filter(|pair| is_same(*pair)).count() as f32 / HASHES as f32
    }
}

/// Returns the pairs of texts, by position, that have at least this share in common; the first before the second.
pub fn near_duplicates(signatures: &[Signature], share: f32) -> Vec<(usize, usize, f32)> {
    let mut buckets: HashMap<(usize, &[u32]), Vec<usize>> = HashMap::new();
    for (at, signature) in signatures.iter().enumerate() {
        for (band, hashes) in signature.0.chunks(BAND).enumerate() {
            buckets.entry((band, hashes)).or_default().push(at);
        }
    }
    let mut seen = HashSet::new();
    let mut pairs = Vec::new();
    for bucket in buckets.values() {
        for (position, &second) in bucket.iter().enumerate() {
            // Of many copies each is compared with the first ones: enough to know that it is a copy.
            for &first in bucket[..position].iter().take(BUCKET_MAX) {
                let similarity = signatures[first].similarity(&signatures[second]);
                if similarity >= share && seen.insert((first, second)) {
                    pairs.push((first, second, similarity));
                }
            }
        }
    }
    pairs.sort_by_key(|(first, second, _)| (*first, *second));
    pairs
}

/// Most texts of a bucket that another is compared with.
const BUCKET_MAX: usize = 8;

/// Returns hashes of the words of a text in lower case, and of its ideographs one by one.
fn words(text: &str) -> Vec<u64> {
    let mut words = Vec::new();
    let mut open = 0;
    for character in text.chars().flat_map(char::to_lowercase).chain([' ']) {
        let is_ideograph = (character as u32) >= 0x2e80 && character.is_alphabetic();
        if character.is_alphanumeric() && !is_ideograph {
            open = mixed(open ^ character as u64);
            continue;
        }
        words.extend(Some(std::mem::take(&mut open)).filter(|word| *word != 0));
        words.extend(is_ideograph.then(|| mixed(character as u64)));
    }
    words
}

/// Spreads the bits of a number (the finalizer of SplitMix64).
fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(changed: usize) -> String {
        (0..400).map(|at| if at < changed { format!("new{at} ") } else { format!("word{at} ") }).collect()
    }

    #[test]
    fn versions_of_a_text_are_near_and_others_are_not() {
        let texts =
            [report(0), report(20), report(400), "年假每年二十五天，须提前商定。".into(), String::new(), String::new()];
        let signatures: Vec<_> = texts.iter().map(|text| Signature::of(text)).collect();
        let pairs = near_duplicates(&signatures, 0.8);
        assert_eq!(pairs.iter().map(|pair| (pair.0, pair.1)).collect::<Vec<_>>(), [(0, 1)]);
    }

    #[test]
    fn the_estimate_is_near_the_share() {
        for changed in [0, 40, 100, 200, 400] {
            // A changed word breaks the runs around it; here all changed words stand together.
            let share = (397 - changed.min(397)) as f32 / (397 + changed) as f32;
            let found = Signature::of(&report(0)).similarity(&Signature::of(&report(changed)));
            assert!((found - share).abs() < 0.12, "{changed}: {found} for {share}");
        }
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        let pair = ["The plan, as agreed, is final.", "the plan as agreed is FINAL"].map(Signature::of);
        assert_eq!(pair[0].similarity(&pair[1]), 1.0);
    }

    #[test]
    fn a_thousand_copies_cost_no_square() {
        let copies = vec![Signature::of(&report(0)); 1_000];
        assert!(near_duplicates(&copies, 0.9).len() < 10_000);
    }
}
