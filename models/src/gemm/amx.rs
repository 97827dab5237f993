//! Products on the tile registers (AMX): 16 rows by 16 columns by 64 bytes of depth in one instruction.
//!
//! Four tiles hold the sums of 32 rows and one panel, two the left side, two the weights. Rust's intrinsics for tiles are
//! not stable, so each block of rows is one piece of assembly that sets the tiles up and releases them. It does not check
//! lengths; its callers have.

use std::arch::asm;
use std::arch::x86_64::__cpuid_count;

use super::PANEL;
use super::operand::{Ahead, Operand};
use super::system::allow_tiles;

/// Rows in a tile. Blocks of fewer rows are computed in full, so operands have room for whole tiles.
pub(super) const TILE_ROWS: usize = 16;
/// Bytes of a row in a tile, and of a row of the left side in its panel.
const ROW_BYTES: usize = 64;

/// Proof that the processor has tiles for bf16 and bytes, and that the system saves them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amx(());

/// The shape of all eight tiles, as the processor reads it.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static FULL_TILES: Shapes = Shapes {
    palette: 1,
    start_row: 0,
    reserved: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

impl Amx {
    /// Asks the processor and the system.
    pub(super) fn detect() -> Option<Amx> {
        const TILES: u32 = 1 << 24;
        const HALF_TILES: u32 = 1 << 22;
        const BYTE_TILES: u32 = 1 << 25;
        const ALL: u32 = TILES | HALF_TILES | BYTE_TILES;
        if !is_x86_feature_detected!("avx512f") {
            return None;
        }
        let found = __cpuid_count(7, 0).edx & ALL;
        (found == ALL && allow_tiles()).then_some(Amx(()))
    }
}

/// Multiplies a block of rows: left side, steps, weights, result, and where and how far apart to fetch ahead.
type Block = unsafe fn(Operand<u8>, usize, *const u8, *mut u8, (*const u8, usize));

/// Multiplies all rows, two tiles of them at a time and the last one by itself.
///
/// # Safety
/// As for the blocks, for all rows, rounded up to whole tiles.
unsafe fn multiply_blocks(
    left: Operand<u8>,
    steps: usize,
    right: *const u8,
    out: *mut u8,
    ahead: &[u8],
    [double, single]: [Block; 2],
) {
    let tiles = left.rows.div_ceil(TILE_ROWS);
    let mut ahead = Ahead::new(ahead, tiles.div_ceil(2) * steps);
    for tile in (0..tiles).step_by(2) {
        let ahead = ahead.take(steps);
        // SAFETY: the caller vouches for whole tiles of rows, and these are among them.
        unsafe {
            let values = left.values.add(tile * TILE_ROWS * ROW_BYTES);
            let (left, out) = (Operand { values, ..left }, out.add(tile * TILE_ROWS * PANEL * 4));
            match tile + 1 < tiles {
                true => double(left, steps, right, out, ahead),
                false => single(left, steps, right, out, ahead),
            }
        }
    }
}

/// Defines the product and its blocks of two tiles of rows and of one, for one kind of number.
macro_rules! product {
    ($product:ident, $double:ident, $single:ident, $instruction:literal) => {
        /// Multiplies all rows with one panel of weights, `steps` times 64 bytes deep.
        ///
        /// # Safety
        /// There is an [`Amx`]; `left` has its rows, rounded up to whole tiles, in `steps` panels; `right` has `steps`
        /// times 16 rows of 128 bytes; `out` has room for a panel of 4-byte numbers in as many rows as `left`.
        pub(super) unsafe fn $product(left: Operand<u8>, steps: usize, right: *const u8, out: *mut u8, ahead: &[u8]) {
            // SAFETY: the caller's promise is that of the blocks.
            unsafe { multiply_blocks(left, steps, right, out, ahead, [$double, $single]) }
        }

        /// Multiplies 32 rows.
        ///
        /// # Safety
        /// As for the product.
        unsafe fn $double(left: Operand<u8>, steps: usize, right: *const u8, out: *mut u8, ahead: (*const u8, usize)) {
            // SAFETY: the caller vouches for what is read and written; the tiles are released at the end; prefetching has
            // no effect but on the cache.
            unsafe {
                asm!(
                    "ldtilecfg [{shapes}]",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "tileloadd tmm4, [{left} + {row} * 1]",
                    "tileloadd tmm6, [{right} + {row} * 2]",
                    "tileloadd tmm7, [{right} + {row} * 2 + 64]",
                    "prefetcht1 [{ahead}]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    "tileloadd tmm5, [{left} + {row} * 1 + 1024]",
                    "prefetcht1 [{ahead} + 64]",
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    concat!($instruction, " tmm2, tmm5, tmm6"),
                    concat!($instruction, " tmm3, tmm5, tmm7"),
                    "add {left}, {stride}",
                    "add {right}, 2048",
                    "add {ahead}, {step}",
                    "dec {steps}",
                    "jnz 2b",
                    "tilestored [{out} + {row} * 2], tmm0",
                    "tilestored [{out} + {row} * 2 + 64], tmm1",
                    "tilestored [{out} + {row} * 2 + 2048], tmm2",
                    "tilestored [{out} + {row} * 2 + 2112], tmm3",
                    "tilerelease",
                    shapes = in(reg) &FULL_TILES,
                    left = inout(reg) left.values => _,
                    right = inout(reg) right => _,
                    row = in(reg) ROW_BYTES,
                    stride = in(reg) left.stride,
                    ahead = inout(reg) ahead.0 => _,
                    step = in(reg) ahead.1,
                    steps = inout(reg) steps => _,
                    out = in(reg) out,
                    options(nostack),
                );
            }
        }

        /// Multiplies 16 rows.
        ///
        /// # Safety
        /// As for the product.
        unsafe fn $single(left: Operand<u8>, steps: usize, right: *const u8, out: *mut u8, ahead: (*const u8, usize)) {
            // SAFETY: the caller vouches for what is read and written; the tiles are released at the end; prefetching has
            // no effect but on the cache.
            unsafe {
                asm!(
                    "ldtilecfg [{shapes}]",
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "2:",
                    "tileloadd tmm4, [{left} + {row} * 1]",
                    "tileloadd tmm6, [{right} + {row} * 2]",
                    "prefetcht1 [{ahead}]",
                    concat!($instruction, " tmm0, tmm4, tmm6"),
                    "tileloadd tmm7, [{right} + {row} * 2 + 64]",
                    "prefetcht1 [{ahead} + 64]",
                    concat!($instruction, " tmm1, tmm4, tmm7"),
                    "add {left}, {stride}",
                    "add {right}, 2048",
                    "add {ahead}, {step}",
                    "dec {steps}",
                    "jnz 2b",
                    "tilestored [{out} + {row} * 2], tmm0",
                    "tilestored [{out} + {row} * 2 + 64], tmm1",
                    "tilerelease",
                    shapes = in(reg) &FULL_TILES,
                    left = inout(reg) left.values => _,
                    right = inout(reg) right => _,
                    row = in(reg) ROW_BYTES,
                    stride = in(reg) left.stride,
                    ahead = inout(reg) ahead.0 => _,
                    step = in(reg) ahead.1,
                    steps = inout(reg) steps => _,
                    out = in(reg) out,
                    options(nostack),
                );
            }
        }
    };
}

product!(multiply_halves, multiply_half_double, multiply_half_single, "tdpbf16ps");
product!(multiply_bytes, multiply_byte_double, multiply_byte_single, "tdpbusd");

/// Multiplies all rows of split numbers with one panel of split weights, `steps` times 32 numbers deep: upper by upper
/// parts, lower by upper, and upper by lower ones.
///
/// # Safety
/// There is an [`Amx`]; `left` has its rows, rounded up to whole tiles, in twice `steps` panels; `right` has `steps` times 32
/// rows of 128 bytes; `out` has room for a panel of floats in as many rows as `left`.
pub(super) unsafe fn multiply_split(left: Operand<u8>, steps: usize, right: *const u8, out: *mut u8, ahead: &[u8]) {
    // SAFETY: the caller's promise is that of the blocks.
    unsafe { multiply_blocks(left, steps, right, out, ahead, [multiply_split_double, multiply_split_single]) }
}

/// Multiplies 32 rows.
///
/// # Safety
/// As for the product.
unsafe fn multiply_split_double(
    left: Operand<u8>,
    steps: usize,
    right: *const u8,
    out: *mut u8,
    ahead: (*const u8, usize),
) {
    // SAFETY: the caller vouches for what is read and written; the tiles are released at the end; prefetching has no effect
    // but on the cache.
    unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tilezero tmm0",
            "tilezero tmm1",
            "tilezero tmm2",
            "tilezero tmm3",
            "2:",
            "tileloadd tmm4, [{left} + {row} * 1]",
            "tileloadd tmm6, [{right} + {row} * 2]",
            "tileloadd tmm7, [{right} + {row} * 2 + 64]",
            "prefetcht1 [{ahead}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{left} + {row} * 1 + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "prefetcht1 [{ahead} + 64]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tileloadd tmm4, [{low} + {row} * 1]",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{low} + {row} * 1 + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "prefetcht1 [{ahead} + 128]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tileloadd tmm6, [{right} + {row} * 2 + 2048]",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "tileloadd tmm4, [{left} + {row} * 1]",
            "tileloadd tmm7, [{right} + {row} * 2 + 2112]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm5, [{left} + {row} * 1 + 1024]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "prefetcht1 [{ahead} + 192]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {left}, {stride}",
            "add {low}, {stride}",
            "add {right}, 4096",
            "add {ahead}, {step}",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{out} + {row} * 2], tmm0",
            "tilestored [{out} + {row} * 2 + 64], tmm1",
            "tilestored [{out} + {row} * 2 + 2048], tmm2",
            "tilestored [{out} + {row} * 2 + 2112], tmm3",
            "tilerelease",
            shapes = in(reg) &FULL_TILES,
            left = inout(reg) left.values => _,
            low = inout(reg) left.values.wrapping_add(left.stride) => _,
            right = inout(reg) right => _,
            row = in(reg) ROW_BYTES,
            stride = in(reg) 2 * left.stride,
            ahead = inout(reg) ahead.0 => _,
            step = in(reg) ahead.1,
            steps = inout(reg) steps => _,
            out = in(reg) out,
            options(nostack),
        );
    }
}

/// Multiplies 16 rows; every sum takes its products in the order of 32. A few rows wait for the memory and not for the
/// tiles, so the weights two steps on are fetched, at each step as many as it uses.
///
/// # Safety
/// As for the product.
unsafe fn multiply_split_single(
    left: Operand<u8>,
    steps: usize,
    right: *const u8,
    out: *mut u8,
    ahead: (*const u8, usize),
) {
    // SAFETY: the caller vouches for what is read and written; the tiles are released at the end; prefetching has no effect
    // but on the cache.
    unsafe {
        asm!(
            "ldtilecfg [{shapes}]",
            "tilezero tmm0",
            "tilezero tmm1",
            "2:",
            "lea {line}, [{right} + 8192]",
            "mov {lines:e}, 8",
            "3:",
            "prefetcht0 [{line}]",
            "prefetcht0 [{line} + 64]",
            "prefetcht0 [{line} + 128]",
            "prefetcht0 [{line} + 192]",
            "prefetcht0 [{line} + 256]",
            "prefetcht0 [{line} + 320]",
            "prefetcht0 [{line} + 384]",
            "prefetcht0 [{line} + 448]",
            "add {line}, 512",
            "dec {lines:e}",
            "jnz 3b",
            "tileloadd tmm4, [{left} + {row} * 1]",
            "tileloadd tmm6, [{right} + {row} * 2]",
            "prefetcht1 [{ahead}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{right} + {row} * 2 + 64]",
            "prefetcht1 [{ahead} + 64]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{low} + {row} * 1]",
            "tdpbf16ps tmm0, tmm5, tmm6",
            "tileloadd tmm2, [{right} + {row} * 2 + 2048]",
            "tdpbf16ps tmm1, tmm5, tmm7",
            "prefetcht1 [{ahead} + 128]",
            "tileloadd tmm3, [{right} + {row} * 2 + 2112]",
            "tdpbf16ps tmm0, tmm4, tmm2",
            "prefetcht1 [{ahead} + 192]",
            "tdpbf16ps tmm1, tmm4, tmm3",
            "add {left}, {stride}",
            "add {low}, {stride}",
            "add {right}, 4096",
            "add {ahead}, {step}",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{out} + {row} * 2], tmm0",
            "tilestored [{out} + {row} * 2 + 64], tmm1",
            "tilerelease",
            shapes = in(reg) &FULL_TILES,
            left = inout(reg) left.values => _,
            low = inout(reg) left.values.wrapping_add(left.stride) => _,
            right = inout(reg) right => _,
            row = in(reg) ROW_BYTES,
            stride = in(reg) 2 * left.stride,
            ahead = inout(reg) ahead.0 => _,
            step = in(reg) ahead.1,
            steps = inout(reg) steps => _,
            out = in(reg) out,
            line = out(reg) _,
            lines = out(reg) _,
            options(nostack),
        );
    }
}
