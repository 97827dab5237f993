//! Products of rows of numbers with weights, as fast as this processor allows: the crate's only home of SIMD and `unsafe`.
//!
//! **Layout.** Everything is cut into panels of [`PANEL`] columns. An activation matrix is stored panel after panel, each
//! with its rows behind each other, so a panel of a product's result is one piece of memory that one thread can own, and
//! a row's part of a panel is a whole number of cache lines. Weights are stored panel after panel, each with its inputs
//! behind each other, in the order the kernels read them. A product of one panel of weights with all rows is one call.
//!
//! **Choice.** [`Level`] and the kernel types are values that exist only after the processor was asked, so calling them
//! is safe. Each kernel has a portable twin and agrees with it: exactly for bytes, up to rounding for floats. The order
//! of a sum depends on the depth of the product only, never on the number of rows.
//!
//! What a product means, and what is done to its result, belongs to the callers.

mod byte;
mod float;
mod half;
mod level;
mod memory;
mod operand;
mod split;
mod system;
mod team;

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(test)]
mod sample;

pub(crate) use byte::{BYTE_DEPTH, ByteKernel};
pub(crate) use half::{HALF_DEPTH, HalfKernel, round_half};
#[cfg(test)]
pub(crate) use level::Fused;
pub(crate) use level::{Arithmetic, Level, Pass};
pub(crate) use memory::{Arena, Buffer, Number};
pub(crate) use operand::Left;
pub(crate) use split::{SplitKernel, split, split_panel};
pub(crate) use system::give_way;
pub(crate) use team::{Helpers, Team};

/// Columns in a panel: two 512-bit registers of f32, and a row's part is 128 bytes.
pub(crate) const PANEL: usize = 32;
