//! A fixed rotation that spreads what a vector says evenly over its dimensions.
//!
//! Signs of single dimensions say little where a few dimensions are large; after a random rotation all are alike. Signs
//! that change at random and Walsh-Hadamard transforms of the largest power of two that fits, over the first and over the
//! last dimensions by turns, rotate nearly as well as a random matrix, for `n log n` additions (Ailon and Chazelle 2009).

/// Turns of changed signs and a transform; after four, every dimension has met every other.
const TURNS: u64 = 4;

/// Rotates a vector; its length stays, and so do products of two that are both rotated.
pub fn rotate(values: &mut [f32]) {
    if values.is_empty() {
        return;
    }
    let block = 1 << values.len().ilog2();
    let last = values.len() - block;
    for turn in 0..TURNS {
        change_signs(values, turn);
        let from = if turn % 2 == 0 { 0 } else { last };
        transform(&mut values[from..][..block]);
    }
}

fn change_signs(values: &mut [f32], turn: u64) {
    for (at, values) in (0..).zip(values.chunks_mut(64)) {
        let signs = mix(turn << 32 | at);
        for (bit, value) in values.iter_mut().enumerate() {
            *value = f32::from_bits(value.to_bits() ^ ((signs >> bit) as u32) << 31);
        }
    }
}

/// The Walsh-Hadamard transform, scaled to keep lengths; the number of values is a power of two.
fn transform(values: &mut [f32]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            for (a, b) in left.iter_mut().zip(right) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let scale = 1.0 / (values.len() as f32).sqrt();
    values.iter_mut().for_each(|value| *value *= scale);
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    }

    #[test]
    fn products_stay() {
        for dimension in [1, 2, 3, 63, 64, 65, 384, 1000] {
            let a: Vec<f32> = (0..dimension).map(|at| (at as f32 * 0.7).sin()).collect();
            let b: Vec<f32> = (0..dimension).map(|at| (at as f32 * 1.3 + 1.0).cos()).collect();
            let (mut turned_a, mut turned_b) = (a.clone(), b.clone());
            rotate(&mut turned_a);
            rotate(&mut turned_b);
            assert!((dot(&turned_a, &turned_b) - dot(&a, &b)).abs() < 1e-3, "{dimension}");
        }
        rotate(&mut []);
    }

    #[test]
    fn one_large_dimension_is_spread_over_all() {
        for at in [0, 100, 383] {
            let mut values = vec![0.0; 384];
            values[at] = 1.0;
            rotate(&mut values);
            let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            assert!(largest < 0.3, "{at}: {largest}");
        }
    }
}
