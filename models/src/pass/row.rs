//! Passes over whole rows, which reach through all panels: normalisation and softmax.

use super::lanes::{add_lanes, fill_behind, fold_lanes, lanes, lanes_mut, sum};
use crate::gemm::{Arithmetic, PANEL, Pass};
use crate::scalar::exp;

/// Normalises every row to mean zero and variance one, then scales and shifts it.
///
/// Every row, `scale` and `shift` are filled up with zeros to whole panels.
pub(crate) struct LayerNorm<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) scale: &'a [f32],
    pub(crate) shift: &'a [f32],
    pub(crate) epsilon: f32,
}

impl Pass for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let LayerNorm { values, stride, rows, width, scale, shift, epsilon } = self;
        let panels = width.div_ceil(PANEL);
        let (scale, shift) = (scale.as_chunks::<PANEL>().0, shift.as_chunks::<PANEL>().0);
        let (factor, last) = (1.0 / width as f32, PANEL - (panels * PANEL - width));
        for row in 0..rows {
            let mut sums = [0.0; PANEL];
            for panel in 0..panels {
                add_lanes(&mut sums, lanes(values, panel * stride + row * PANEL));
            }
            let mean = sum(sums) * factor;
            let mut squares = [0.0; PANEL];
            for panel in 0..panels {
                let filled = if panel + 1 == panels { last } else { PANEL };
                let lanes = lanes(values, panel * stride + row * PANEL).iter().enumerate();
                for (square, (lane, value)) in squares.iter_mut().zip(lanes) {
                    let apart = if lane < filled { *value - mean } else { 0.0 };
                    *square = A::multiply_add(apart, apart, *square);
                }
            }
            let spread = 1.0 / (sum(squares) * factor + epsilon).sqrt();
            for panel in 0..panels {
                let lanes = lanes_mut(values, panel * stride + row * PANEL).iter_mut();
                for ((value, scale), shift) in lanes.zip(&scale[panel]).zip(&shift[panel]) {
                    *value = A::multiply_add((*value - mean) * spread, *scale, *shift);
                }
            }
        }
    }
}

/// Turns every row of scores into weights, and says by which factor the weights of a row sum to one.
///
/// What is behind `width` in the last panel becomes zero.
pub(crate) struct Softmax<'a> {
    pub(crate) scores: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) width: usize,
    /// One for each row.
    pub(crate) factors: &'a mut [f32],
}

impl Pass for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let Softmax { scores, stride, width, factors } = self;
        let panels = width.div_ceil(PANEL);
        let last = PANEL - (panels * PANEL - width);
        for (row, factor) in factors.iter_mut().enumerate() {
            let end = (panels - 1) * stride + row * PANEL;
            fill_behind(lanes_mut(scores, end), last, f32::MIN);
            let mut largest = [f32::MIN; PANEL];
            for panel in 0..panels {
                for (largest, score) in largest.iter_mut().zip(lanes(scores, panel * stride + row * PANEL)) {
                    *largest = if *score > *largest { *score } else { *largest };
                }
            }
            let largest = fold_lanes(largest, |a, b| if a > b { a } else { b });
            let mut sums = [0.0; PANEL];
            for panel in 0..panels {
                let lanes = lanes_mut(scores, panel * stride + row * PANEL);
                lanes.iter_mut().for_each(|score| *score = exp::<A>(*score - largest));
                add_lanes(&mut sums, lanes);
            }
            fill_behind(lanes_mut(scores, end), last, 0.0);
            *factor = 1.0 / sum(sums);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::Level;

    #[test]
    fn softmax_rows_sum_to_one_at_any_width() {
        for level in Level::available() {
            for width in [1, 2, 31, 32, 33, 64, 250] {
                let (rows, stride) = (3, 3 * PANEL);
                let mut scores: Vec<f32> =
                    (0..stride * usize::div_ceil(width, PANEL)).map(|i| ((i * 37) % 101) as f32 - 200.0).collect();
                let mut factors = [0.0; 3];
                level.run(Softmax { scores: &mut scores, stride, width, factors: &mut factors });
                for row in 0..rows {
                    let weights = scores.chunks(stride).flat_map(|panel| &panel[row * PANEL..][..PANEL]);
                    assert!((weights.sum::<f32>() * factors[row] - 1.0).abs() < 1e-5, "{} {width}", level.name());
                }
            }
        }
    }

    #[test]
    fn layer_norm_leaves_mean_zero_and_variance_one() {
        for level in Level::available() {
            for width in [5usize, 32, 37, 384] {
                let (rows, stride) = (3, 4 * PANEL);
                let panels = width.div_ceil(PANEL);
                let column = |i: usize| i / stride * PANEL + i % PANEL;
                let value = |i: usize| if column(i) < width { (i * i % 23) as f32 } else { 0.0 };
                let mut values: Vec<f32> = (0..stride * panels).map(value).collect();
                let (mut scale, shift) = (vec![1.0; panels * PANEL], vec![0.0; panels * PANEL]);
                scale[width..].fill(0.0);
                let (scale, shift) = (&scale[..], &shift[..]);
                level.run(LayerNorm { values: &mut values, stride, rows, width, scale, shift, epsilon: 1e-12 });
                for row in 0..rows {
                    let row: Vec<f32> =
                        values.chunks(stride).flat_map(|panel| &panel[row * PANEL..][..PANEL]).copied().collect();
                    let mean = row.iter().sum::<f32>() / width as f32;
                    let variance = row.iter().map(|value| value * value).sum::<f32>() / width as f32;
                    assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{} {width}", level.name());
                    assert!(row[width..].iter().all(|value| *value == 0.0));
                }
            }
        }
    }
}
