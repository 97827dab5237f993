//! Finds documents that say nearly the same, such as versions of one report.
//!
//! A text is the set of its runs of words; the share of runs that two texts have in common is estimated from the least
//! hash under each of many orders (minhash). A short text has few runs, so that one word makes too much of a difference
//! and chance too: it has no signature. Comparing a text with ten thousand others takes less than a millisecond, so no
//! table of bands is kept. Changes nothing and stores nothing.

/// Hashes of a text. More make the estimate finer: its error is about one part in the root of their number.
const HASHES: usize = 128;
/// Words, or ideographs, below which a text is too short to be compared.
const WORDS_MIN: usize = 64;
/// Words, or ideographs, in a run.
const RUN: usize = 4;

/// Bytes of a signature.
pub const SIGNATURE_BYTES: usize = HASHES * size_of::<u32>();

/// What is kept of a text to compare it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature(Box<[u32; HASHES]>);

impl Signature {
    /// Returns the signature of a text, `None` of one that is too short to be compared.
    pub fn of(text: &str) -> Option<Self> {
        let words = words(text);
        if words.len() < WORDS_MIN {
            return None;
        }
        let mut least = Box::new([u32::MAX; HASHES]);
        for run in words.windows(RUN) {
            let run = run.iter().fold(0, |hash, word| mixed(hash ^ word));
            for (order, least) in (1..).zip(least.iter_mut()) {
                *least = (*least).min((mixed(run ^ mixed(order)) >> 32) as u32);
            }
        }
        Some(Self(least))
    }

    /// Estimates the share of runs of words that two texts have in common, from 0 to 1.
    pub fn similarity(&self, other: &Self) -> f32 {
        self.0.iter().zip(other.0.iter()).filter(|(one, other)| one == other).count() as f32 / HASHES as f32
    }

    /// Returns it as bytes, little endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|hash| hash.to_le_bytes()).collect()
    }

    /// Reads what [`Signature::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Self {
        let mut hashes = Box::new([0; HASHES]);
        for (hash, bytes) in hashes.iter_mut().zip(bytes.chunks_exact(size_of::<u32>())) {
            *hash = bytes.iter().rev().fold(0, |hash, byte| hash << 8 | u32::from(*byte));
        }
        Self(hashes)
    }
}

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

    fn similarity(one: &str, other: &str) -> f32 {
        Signature::of(one).unwrap().similarity(&Signature::of(other).unwrap())
    }

    #[test]
    fn versions_of_a_text_are_near_and_others_are_not() {
        assert!(similarity(&report(0), &report(10)) > 0.9);
        assert!(similarity(&report(0), &report(400)) < 0.05);
        let chinese = "年假每年二十五天，须提前与上级商定，剩余天数可结转至次年三月。".repeat(5);
        assert!(similarity(&chinese, &report(0)) < 0.05);
    }

    #[test]
    fn the_estimate_is_near_the_share() {
        for changed in [0, 40, 100, 200, 400] {
            // A changed word breaks the runs around it; here all changed words stand together.
            let share = (397 - changed.min(397)) as f32 / (397 + changed) as f32;
            let found = similarity(&report(0), &report(changed));
            assert!((found - share).abs() < 0.12, "{changed}: {found} for {share}");
        }
    }

    #[test]
    fn case_and_punctuation_do_not_count() {
        let text = "The plan, as agreed by all 12 members, is final. ".repeat(9) + &report(0);
        assert_eq!(similarity(&text, &text.to_uppercase().replace(',', " -")), 1.0);
    }

    #[test]
    fn a_short_text_is_not_compared() {
        assert_eq!(Signature::of(""), None);
        assert_eq!(Signature::of("年假每年二十五天，须提前商定。"), None);
        assert_eq!(Signature::of(&"word ".repeat(WORDS_MIN - 1)), None);
        assert!(Signature::of(&"word ".repeat(WORDS_MIN)).is_some());
    }

    #[test]
    fn a_signature_outlives_its_bytes() {
        let signature = Signature::of(&report(3)).unwrap();
        let bytes: [u8; SIGNATURE_BYTES] = signature.to_bytes().try_into().unwrap();
        assert_eq!(Signature::from_bytes(&bytes), signature);
    }
}
