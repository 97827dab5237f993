//! Views of numbers as bytes and of aligned bytes as numbers, without copying.
//!
//! Files are little-endian and are read in place, so only little-endian targets are supported.

#[cfg(target_endian = "big")]
compile_error!("index files are little-endian and are mapped in place");

/// A number that has no padding and no invalid bit pattern.
///
/// # Safety
/// Every bit pattern of the type's size is a valid value of it, and all its bytes are initialised.
pub unsafe trait Plain: Copy {}

// SAFETY: any four bytes are a u32.
unsafe impl Plain for u32 {}
// SAFETY: any eight bytes are a u64.
unsafe impl Plain for u64 {}
// SAFETY: any four bytes are an f32.
unsafe impl Plain for f32 {}

/// Returns the bytes of numbers, in memory order.
pub fn as_bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: `Plain` promises initialised bytes without padding; the length is the size of the slice; `u8` needs no
    // alignment; the borrow keeps the memory alive.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// Returns bytes as numbers, `None` when they are not aligned or not a whole number of them.
pub fn as_values<T: Plain>(bytes: &[u8]) -> Option<&[T]> {
    // SAFETY: `Plain` promises that any bit pattern is a value.
    let (before, values, after) = unsafe { bytes.align_to::<T>() };
    (before.is_empty() && after.is_empty()).then_some(values)
}
