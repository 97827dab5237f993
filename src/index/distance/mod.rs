//! How near two vectors are, as fast as this processor allows: the only home of SIMD and of `unsafe`.
//!
//! A search asks [`Kernels::get`] once, scores whole lists of rows with the batch forms, and collects the best in a
//! [`TopK`]. [`scan_block`] is the exact scan of plain rows, the yardstick for every index. Each kernel has a scalar
//! twin in [`scalar`] and agrees with it on any finite input; results differ between processors only in rounding of
//! `f32` sums. Normalising and quantising vectors, and knowing where rows are stored, belong elsewhere.

mod cast;
mod kernels;
mod prefetch;
mod scalar;
mod scan;
mod top;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_rows;

pub use cast::{Plain, as_bytes, as_values};
pub use kernels::{CODE_ZERO, Kernels};
pub use prefetch::prefetch;
pub use scan::{VectorBlock, scan_block, score_rows, similarity};
pub use top::{TopK, order};
