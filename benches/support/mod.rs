//! What benches share: numbers and words that are the same on every run, rows made of them ([`source`]), the server as a
//! process ([`server`]) and searches of it ([`load`]).

#![allow(dead_code, reason = "no bench uses all of it")]

pub mod load;
pub mod server;
pub mod source;

/// SplitMix64, with the shapes that rows need.
pub struct Random(pub u64);

impl Random {
    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below a bound.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Returns a number from 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Returns a number around 0; the sum of twelve uniform numbers is normal enough.
    pub fn normal(&mut self) -> f32 {
        ((0..12).map(|_| self.unit()).sum::<f64>() - 6.0) as f32
    }

    /// Returns words of a vocabulary, of which some are frequent, as in language: an exponential of a uniform number is
    /// Zipf-distributed.
    pub fn words(&mut self, count: usize, vocabulary: f64) -> String {
        let word = |_| format!("w{}", vocabulary.powf(self.unit()) as usize);
        (0..count).map(word).collect::<Vec<_>>().join(" ")
    }
}
