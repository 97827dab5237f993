//! Asks the processor to fetch memory that will be read soon.
//!
//! A hint only: it never changes a result, and it does nothing where there is no such instruction.

const LINE_BYTES: usize = 64;

/// Starts fetching the part of a slice from `start` on, `len` values long; what lies outside the slice is ignored.
#[inline(always)]
pub fn prefetch<T>(values: &[T], start: usize, len: usize) {
    // In two steps, so that a length that the compiler knows stays known.
    let Some(part) = values.get(start..).and_then(|rest| rest.get(..len)) else { return };
    let from = part.as_ptr().cast::<u8>();
    for offset in (0..size_of_val(part)).step_by(LINE_BYTES) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: prefetching cannot fault; the address lies in `part`. SSE is part of x86-64.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(from.add(offset).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (from, offset);
    }
}
