//! Scores of many rows of codes or bits with AVX-512, four rows side by side.
//!
//! Vectors of the usual lengths have their query in registers and no branch between the first block and the last: a row
//! costs a third of what it does where the number of blocks is found out at run time. Rows to come are fetched meanwhile.

use super::avx512::{dot_i8, load_i8, load_u8, sum_set};
use super::kernels::{BIT_ROWS_AHEAD, CODE_ROWS_AHEAD, CODE_ZERO, for_bit_rows, for_rows};
use super::prefetch::prefetch;
use std::arch::x86_64::*;

/// Rows that are scored side by side; four chains hide the latency of one, and fit the registers.
const GROUP: usize = 4;

/// Codes in a register, and bits in a word.
const BLOCK: usize = 64;

/// Writes the products of signed query codes with the shifted codes of named rows, which are as long.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn dot_i8_rows(query: &[i8], codes: &[u8], ids: &[u32], out: &mut [i32]) {
    match query.len() {
        256 => products::<4>(query, codes, ids, out),
        384 => products::<6>(query, codes, ids, out),
        512 => products::<8>(query, codes, ids, out),
        768 => products::<12>(query, codes, ids, out),
        1024 => products::<16>(query, codes, ids, out),
        _ => products_of_any(query, codes, ids, out),
    }
}

/// Writes the sums of the query codes whose bit is set in named rows, which start every `stride` words.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) fn sum_set_rows(query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
    match query.len() {
        256 => sums::<4>(query, rows, stride, ids, out),
        384 => sums::<6>(query, rows, stride, ids, out),
        512 => sums::<8>(query, rows, stride, ids, out),
        768 => sums::<12>(query, rows, stride, ids, out),
        1024 => sums::<16>(query, rows, stride, ids, out),
        _ => sums_of_any(query, rows, stride, ids, out),
    }
}

/// As for one row, the instruction sees rows shifted by `CODE_ZERO`, and what that adds is taken off at the end.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn products<const BLOCKS: usize>(query: &[i8], codes: &[u8], ids: &[u32], out: &mut [i32]) {
    let (parts, lines) = (blocks::<BLOCKS>(query), codes.as_chunks::<BLOCK>().0);
    let row = |id: u32| chunk::<_, BLOCKS>(lines, id as usize * BLOCKS);
    let mut shift = _mm512_setzero_si512();
    for part in parts {
        shift = _mm512_dpbusd_epi32(shift, _mm512_set1_epi8(1), part);
    }
    let shift = i32::from(CODE_ZERO) * _mm512_reduce_add_epi32(shift);
    for at in (0..ids.len()).step_by(GROUP) {
        for &ahead in ids.iter().skip(at + CODE_ROWS_AHEAD).take(GROUP) {
            prefetch(lines, ahead as usize * BLOCKS, BLOCKS);
        }
        let [a, b, c, d] = group(ids, at);
        let rows = [row(a), row(b), row(c), row(d)];
        let mut sums = [_mm512_setzero_si512(); GROUP];
        for (block, &part) in parts.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = _mm512_dpbusd_epi32(*sum, load_u8(&row[block], 0), part);
            }
        }
        write(sum_four(sums).map(|sum| sum - shift), at, out);
    }
}

/// A word of bits is the mask under which codes are added.
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums<const BLOCKS: usize>(query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
    let parts = blocks::<BLOCKS>(query);
    let row = |id: u32| chunk::<_, BLOCKS>(rows, id as usize * stride);
    for at in (0..ids.len()).step_by(GROUP) {
        for &ahead in ids.iter().skip(at + BIT_ROWS_AHEAD).take(GROUP) {
            prefetch(rows, ahead as usize * stride, BLOCKS + 1);
        }
        let [a, b, c, d] = group(ids, at);
        let rows = [row(a), row(b), row(c), row(d)];
        let mut sums = [_mm512_setzero_si512(); GROUP];
        for (block, &part) in parts.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(rows) {
                *sum = _mm512_dpbusd_epi32(*sum, _mm512_set1_epi8(1), _mm512_maskz_mov_epi8(row[block], part));
            }
        }
        write(sum_four(sums), at, out);
    }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn products_of_any(query: &[i8], codes: &[u8], ids: &[u32], out: &mut [i32]) {
    for_rows(query.len(), codes, ids, out, |row| dot_i8(query, row));
}

#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sums_of_any(query: &[i8], rows: &[u64], stride: usize, ids: &[u32], out: &mut [i32]) {
    for_bit_rows(query, rows, stride, ids, out, |row| sum_set(query, row));
}

/// Loads the blocks of a query of as many.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn blocks<const BLOCKS: usize>(query: &[i8]) -> [__m512i; BLOCKS] {
    let codes: &[[i8; BLOCK]; BLOCKS] = query.as_chunks().0.try_into().expect("the kernel for as many blocks");
    let mut parts = [_mm512_setzero_si512(); BLOCKS];
    parts.iter_mut().zip(codes).for_each(|(part, codes)| *part = load_i8(codes, 0));
    parts
}

/// Returns the values from a place on, as many as the compiler knows.
#[inline(always)]
fn chunk<T, const COUNT: usize>(values: &[T], start: usize) -> &[T; COUNT] {
    values[start..].first_chunk().expect("a row among the others")
}

/// Returns the rows from a place on, the last one again where there are too few.
#[inline(always)]
fn group(ids: &[u32], at: usize) -> [u32; GROUP] {
    let rest = &ids[at..];
    match rest.first_chunk() {
        Some(group) => *group,
        None => std::array::from_fn(|place| rest[place.min(rest.len() - 1)]),
    }
}

/// Writes the sums of a group from a place on, as many as there are rows.
#[inline(always)]
fn write(sums: [i32; GROUP], at: usize, out: &mut [i32]) {
    let rest = &mut out[at..];
    match rest.first_chunk_mut() {
        Some(group) => *group = sums,
        None => rest.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum),
    }
}

/// Sums the lanes of each of four registers: pairs of registers are folded into one until a lane is left for each.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
fn sum_four([a, b, c, d]: [__m512i; 4]) -> [i32; 4] {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64::<1>(all));
    let four = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half));
    let mut sums = [0; 4];
    // SAFETY: four numbers have room in the array, and the store needs no alignment.
    unsafe { _mm_storeu_si128(sums.as_mut_ptr().cast(), four) };
    sums
}
