//! A row's part of a panel, and the loops over it that the passes share.

use crate::gemm::PANEL;

/// A row's part of a panel.
pub(crate) type Lanes = [f32; PANEL];

#[inline(always)]
pub(super) fn lanes(values: &[f32], at: usize) -> &Lanes {
    values[at..].first_chunk().expect("a row of a panel is whole")
}

#[inline(always)]
pub(super) fn lanes_mut(values: &mut [f32], at: usize) -> &mut Lanes {
    values[at..].first_chunk_mut().expect("a row of a panel is whole")
}

#[inline(always)]
pub(super) fn add_lanes(sums: &mut Lanes, values: &Lanes) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Writes a value to the lanes from `count` on, by choosing: a call to fill memory would empty the registers.
#[inline(always)]
pub(super) fn fill_behind(lanes: &mut Lanes, count: usize, fill: f32) {
    for (lane, value) in lanes.iter_mut().enumerate() {
        *value = if lane < count { *value } else { fill };
    }
}

#[inline(always)]
pub(super) fn sum(lanes: Lanes) -> f32 {
    fold_lanes(lanes, |a, b| a + b)
}

/// Folds lanes, four side by side.
///
/// The lanes pass through memory: a compiler that sees the narrow end of the fold cuts the loop before it into narrow
/// pieces too, which makes that loop several times slower.
#[inline(always)]
pub(crate) fn fold_lanes(lanes: Lanes, join: impl Fn(f32, f32) -> f32) -> f32 {
    let lanes = std::hint::black_box(lanes);
    let ([first, fours @ ..], _) = lanes.as_chunks::<4>() else { return lanes[0] };
    let mut joined = *first;
    for four in fours {
        for (joined, value) in joined.iter_mut().zip(four) {
            *joined = join(*joined, *value);
        }
    }
    join(join(joined[0], joined[1]), join(joined[2], joined[3]))
}
