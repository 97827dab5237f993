//! Turns rows into bytes and the sums of byte products back into f32.
//!
//! A row of inputs has a scale and a zero point of its own, so its bytes span exactly its values; an output's weights are
//! symmetric with a scale of their own. With input `scale * (code - zero)` and weight `factor * byte`, a product is
//! `scale * factor * (sum of code * byte - zero * sum of byte)`, and both sums are exact. It does not multiply matrices.

use crate::gemm::{Arithmetic, BYTE_DEPTH, PANEL, Pass};
use crate::pass::fold_lanes;

/// What the codes of a row stand for: `scale * (code - zero)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CodeRange {
    pub(crate) scale: f32,
    pub(crate) zero: i32,
}

/// What the bytes of one panel's weights stand for, output by output.
#[derive(Clone, Copy)]
pub(crate) struct ByteColumns {
    pub(crate) factors: [f32; PANEL],
    /// The sum of an output's bytes.
    pub(crate) sums: [i32; PANEL],
}

/// Returns the factor of weights and the bytes that they become.
pub(crate) fn quantize_weights(weights: &[f32], bytes: &mut [i8]) -> f32 {
    let largest = weights.iter().fold(0.0f32, |largest, weight| largest.max(weight.abs()));
    let factor = largest.max(f32::MIN_POSITIVE) / 127.0;
    for (byte, weight) in bytes.iter_mut().zip(weights) {
        *byte = (weight / factor).round() as i8;
    }
    factor
}

/// Turns every row into codes. `stride` and `code_stride` are the distances between the panels of both matrices.
pub(crate) struct QuantizeRows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) stride: usize,
    pub(crate) panels: usize,
    pub(crate) codes: &'a mut [u8],
    pub(crate) code_stride: usize,
    /// One for each row.
    pub(crate) ranges: &'a mut [CodeRange],
}

impl Pass for QuantizeRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let QuantizeRows { values, stride, panels, codes, code_stride, ranges } = self;
        for (row, range) in ranges.iter_mut().enumerate() {
            let part = |panel: usize| -> &[f32; PANEL] {
                values[panel * stride + row * PANEL..].first_chunk().expect("a row of a panel is whole")
            };
            let (mut least, mut most) = ([0.0f32; PANEL], [0.0f32; PANEL]);
            for panel in 0..panels {
                for ((least, most), value) in least.iter_mut().zip(&mut most).zip(part(panel)) {
                    *least = if *value < *least { *value } else { *least };
                    *most = if *value > *most { *value } else { *most };
                }
            }
            let least = fold_lanes(least, |a, b| if a < b { a } else { b });
            let most = fold_lanes(most, |a, b| if a > b { a } else { b });
            let span = (most - least).max(f32::MIN_POSITIVE);
            let (scale, steps) = (span / 255.0, 255.0 / span);
            let zero = (-least * steps).round_ties_even();
            *range = CodeRange { scale, zero: zero as i32 };
            for panel in 0..panels {
                let half = panel * PANEL % BYTE_DEPTH;
                let at = panel * PANEL / BYTE_DEPTH * code_stride + row * BYTE_DEPTH + half;
                for (code, value) in codes[at..at + PANEL].iter_mut().zip(part(panel)) {
                    *code = round_byte(A::multiply_add(*value, steps, zero));
                }
            }
        }
    }
}

/// Rounds a number from 0 to 255 to a byte.
///
/// Adding 1.5 times 2²³ leaves a float no room for a fraction, so the sum's low bits are the rounded number.
#[inline(always)]
fn round_byte(value: f32) -> u8 {
    let value = if value < 0.0 { 0.0 } else { value };
    let value = if value > 255.0 { 255.0 } else { value };
    (value + 12_582_912.0).to_bits() as u8
}

/// Turns the sums of a panel, as bits of i32, into the values of the product.
pub(crate) struct Dequantize<'a> {
    pub(crate) values: &'a mut [f32],
    /// One for each row.
    pub(crate) ranges: &'a [CodeRange],
    pub(crate) columns: &'a ByteColumns,
}

impl Pass for Dequantize<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let ByteColumns { factors, sums } = self.columns;
        for (row, range) in self.values.as_chunks_mut::<PANEL>().0.iter_mut().zip(self.ranges) {
            for ((value, factor), sum) in row.iter_mut().zip(factors).zip(sums) {
                let product = (value.to_bits() as i32).wrapping_sub(range.zero.wrapping_mul(*sum));
                *value = product as f32 * (range.scale * factor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::Level;

    #[test]
    fn codes_are_within_half_a_step_of_the_values() {
        let (rows, panels) = (5, 3);
        let (stride, code_stride) = (rows * PANEL, rows * BYTE_DEPTH);
        let values: Vec<f32> = (0..stride * panels).map(|i| ((i * 71) % 97) as f32 / 31.0 - 1.0).collect();
        for level in Level::available() {
            let mut codes = vec![0; code_stride * 2];
            let mut ranges = [CodeRange::default(); 5];
            let (codes_mut, ranges_mut) = (&mut codes[..], &mut ranges[..]);
            level.run(QuantizeRows {
                values: &values,
                stride,
                panels,
                codes: codes_mut,
                code_stride,
                ranges: ranges_mut,
            });
            for (row, range) in ranges.iter().enumerate() {
                for column in 0..panels * PANEL {
                    let value = values[column / PANEL * stride + row * PANEL + column % PANEL];
                    let code = codes[column / BYTE_DEPTH * code_stride + row * BYTE_DEPTH + column % BYTE_DEPTH];
                    let difference = (range.scale * (i32::from(code) - range.zero) as f32 - value).abs();
                    assert!(difference <= range.scale * 0.5001 + 1e-6, "{} {difference} {range:?}", level.name());
                }
            }
        }
    }

    #[test]
    fn a_row_of_zeros_stays_zero() {
        let (mut codes, mut ranges) = (vec![1; BYTE_DEPTH], [CodeRange::default()]);
        let (values, stride, code_stride) = (&[0.0; 2 * PANEL][..], PANEL, BYTE_DEPTH);
        Level::get().run(QuantizeRows {
            values,
            stride,
            panels: 2,
            codes: &mut codes,
            code_stride,
            ranges: &mut ranges,
        });
        assert!(codes.iter().all(|code| i32::from(*code) == ranges[0].zero));
    }

    #[test]
    fn weights_keep_their_largest_and_their_sign() {
        let mut bytes = [0; 4];
        let factor = quantize_weights(&[0.5, -1.0, 0.0, 0.004], &mut bytes);
        assert_eq!((bytes, factor), ([64, -127, 0, 1], 1.0 / 127.0));
    }
}
