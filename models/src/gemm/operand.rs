//! The left side of a product, how its rows are cut into blocks, and the weights that are fetched meanwhile.
//!
//! It does not multiply.

use std::ops::Range;

/// The left side of a product.
///
/// `values` starts at the first row of the first panel; the rows of a panel lie behind each other, and panels are
/// `stride` values apart.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a, N> {
    pub(crate) values: &'a [N],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
}

/// A left side whose length was checked, as pointers for the kernels; `stride` is in `T`.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Operand<T> {
    pub(super) values: *const T,
    pub(super) stride: usize,
    pub(super) rows: usize,
}

impl<N> Left<'_, N> {
    /// Checks that so many rows, `width` values long, are there in so many panels.
    pub(super) fn check(&self, panels: usize, width: usize, rows: usize) {
        let end = panels.saturating_sub(1) * self.stride + rows * width;
        assert!(end <= self.values.len(), "the left side has {} values, expected {end}", self.values.len());
    }

    /// Returns pointers to it in other numbers, of which `T` holds a whole number of `N`.
    #[cfg(target_arch = "x86_64")]
    pub(super) fn operand<T>(&self) -> Operand<T> {
        let stride = self.stride * size_of::<N>() / size_of::<T>();
        Operand { values: self.values.as_ptr().cast(), stride, rows: self.rows }
    }
}

/// Cuts rows into as few blocks of at most `most` rows as there can be, all of nearly one size.
pub(super) fn row_blocks(rows: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let blocks = rows.div_ceil(most);
    (0..blocks).map(move |block| block * rows / blocks..(block + 1) * rows / blocks)
}

/// Fetches the weights that the next product reads into the second cache, a little at every step of this one.
///
/// Reading them only when they are needed makes the first block of rows wait for the memory at every line.
#[cfg(target_arch = "x86_64")]
pub(super) struct Ahead {
    at: *const u8,
    step_bytes: usize,
}

#[cfg(target_arch = "x86_64")]
impl Ahead {
    /// Spreads the bytes over so many steps; each fetches two lines.
    pub(super) fn new(bytes: &[u8], steps: usize) -> Ahead {
        Ahead { at: bytes.as_ptr(), step_bytes: bytes.len() / steps.max(1) }
    }

    /// Fetches what belongs to one step.
    #[inline(always)]
    pub(super) fn fetch(&mut self) {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: prefetching has no effect but on the cache, at any address.
        unsafe {
            _mm_prefetch::<_MM_HINT_T1>(self.at.cast());
            _mm_prefetch::<_MM_HINT_T1>(self.at.wrapping_add(64).cast());
        }
        self.at = self.at.wrapping_add(self.step_bytes);
    }

    /// Leaves the fetching of so many steps to the caller: where to start, and how far apart the steps are.
    pub(super) fn take(&mut self, steps: usize) -> (*const u8, usize) {
        let start = self.at;
        self.at = start.wrapping_add(steps * self.step_bytes);
        (start, self.step_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_all_rows_evenly() {
        for rows in 0..100 {
            let blocks: Vec<_> = row_blocks(rows, 14).collect();
            assert_eq!(blocks.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..rows).collect::<Vec<_>>());
            assert!(blocks.iter().all(|block| (1..=14).contains(&block.len())));
            assert_eq!(blocks.len(), rows.div_ceil(14));
        }
    }
}
