//! Numbers and shapes for the tests of the products.
//!
//! It checks nothing itself.

/// Returns numbers in [-1, 1), from a linear congruential generator.
pub(crate) fn floats(length: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// Returns rows, depth and seed of products: every number of rows around the sizes of tiles, with odd depths between.
pub(crate) fn shapes() -> impl Iterator<Item = (usize, usize, u64)> {
    (0..70).map(|at| (at as usize, 1 + (at as usize * 37) % 200, at))
}
