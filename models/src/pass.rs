//! The arithmetic between the products: each pass is one walk over its data, compiled for each level of the processor.
//!
//! Loops run over whole panels and call nothing, so that the compiler vectorises them. Sums are taken in an order that
//! depends on the width of a row only, so a row's result does not depend on the rows beside it. Matrices lie in panels as
//! [`crate::gemm`] describes; `stride` is the distance between panels.
//!
//! It does not multiply matrices and does not start threads.

use crate::gemm::{Arithmetic, PANEL, Pass, round_half};
use crate::scalar::{exp, gelu};

/// A row's part of a panel.
pub(crate) type Lanes = [f32; PANEL];

/// Adds a bias to every row of a panel.
pub(crate) struct AddBias<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) bias: &'a Lanes,
}

impl Pass for AddBias<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for row in self.values.as_chunks_mut::<PANEL>().0 {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value += bias;
            }
        }
    }
}

/// Adds a bias to every row of a panel and applies the exact (erf) form of GELU.
pub(crate) struct AddBiasGelu<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) bias: &'a Lanes,
}

impl Pass for AddBiasGelu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for row in self.values.as_chunks_mut::<PANEL>().0 {
            for (value, bias) in row.iter_mut().zip(self.bias) {
                *value = gelu::<A>(*value + bias);
            }
        }
    }
}

/// Adds a bias and the residual to every row of a panel.
pub(crate) struct AddBiasResidual<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) bias: &'a Lanes,
    pub(crate) residual: &'a [f32],
}

impl Pass for AddBiasResidual<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let residual = self.residual.as_chunks::<PANEL>().0;
        for (row, residual) in self.values.as_chunks_mut::<PANEL>().0.iter_mut().zip(residual) {
            for ((value, bias), residual) in row.iter_mut().zip(self.bias).zip(residual) {
                *value += bias + residual;
            }
        }
    }
}

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

/// Writes every row of a panel times its own factor.
pub(crate) struct ScaleRows<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) factors: &'a [f32],
    pub(crate) out: &'a mut [f32],
}

impl Pass for ScaleRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let rows = self.values.as_chunks::<PANEL>().0.iter().zip(self.factors);
        for (out, (row, factor)) in self.out.as_chunks_mut::<PANEL>().0.iter_mut().zip(rows) {
            for (out, value) in out.iter_mut().zip(row) {
                *out = value * factor;
            }
        }
    }
}

/// Turns the rows of a panel into the columns of panels: what a text's keys are for its queries.
///
/// Panel `p` of the result has one row for each column of the source, with the source's rows from `PANEL * p` on; its
/// rows behind the source's last are zero. Panels are `stride` numbers apart.
pub(crate) struct Transpose<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) columns: &'a mut [f32],
    pub(crate) stride: usize,
}

impl Pass for Transpose<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let blocks = self.rows.chunks(PANEL * PANEL);
        for (rows, columns) in blocks.zip(self.columns.chunks_mut(self.stride)) {
            let rows = rows.as_chunks::<PANEL>().0;
            for (column, values) in columns.as_chunks_mut::<PANEL>().0.iter_mut().enumerate().take(PANEL) {
                for (value, row) in values.iter_mut().zip(rows) {
                    *value = row[column];
                }
                values[rows.len()..].fill(0.0);
            }
        }
    }
}

/// Rounds numbers to bf16.
pub(crate) struct RoundHalves<'a> {
    pub(crate) values: &'a [f32],
    pub(crate) halves: &'a mut [u16],
}

impl Pass for RoundHalves<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        for (half, value) in self.halves.iter_mut().zip(self.values) {
            *half = round_half(*value);
        }
    }
}

/// Rounds the rows of a panel to bf16 and turns them into the columns of panels, two inputs of a column behind each other.
///
/// The twin of [`Transpose`] for halves; panels of the result are `stride` numbers apart.
pub(crate) struct PairColumns<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) columns: &'a mut [u16],
    pub(crate) stride: usize,
}

impl Pass for PairColumns<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let blocks = self.rows.chunks(PANEL * PANEL);
        for (rows, columns) in blocks.zip(self.columns.chunks_mut(self.stride)) {
            let rows = rows.as_chunks::<PANEL>().0;
            for (pair, columns) in columns.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().enumerate().take(PANEL / 2) {
                for (halves, row) in columns.as_chunks_mut::<2>().0.iter_mut().zip(rows) {
                    *halves = [round_half(row[2 * pair]), round_half(row[2 * pair + 1])];
                }
                columns[2 * rows.len()..].fill(0);
            }
        }
    }
}

/// Rounds the rows of a panel to bf16 and joins each two to one, the halves of a column behind each other.
///
/// Rows of the result behind the last are zero.
pub(crate) struct PairRows<'a> {
    pub(crate) rows: &'a [f32],
    pub(crate) pairs: &'a mut [u16],
}

impl Pass for PairRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<A: Arithmetic>(self) {
        let rows = self.rows.as_chunks::<PANEL>().0;
        let none = [0.0; PANEL];
        for (index, pair) in self.pairs.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut().enumerate() {
            let (even, odd) = (rows.get(2 * index).unwrap_or(&none), rows.get(2 * index + 1).unwrap_or(&none));
            for ((halves, even), odd) in pair.as_chunks_mut::<2>().0.iter_mut().zip(even).zip(odd) {
                *halves = [round_half(*even), round_half(*odd)];
            }
        }
    }
}

#[inline(always)]
fn lanes(values: &[f32], at: usize) -> &Lanes {
    values[at..].first_chunk().expect("a row of a panel is whole")
}

#[inline(always)]
fn lanes_mut(values: &mut [f32], at: usize) -> &mut Lanes {
    values[at..].first_chunk_mut().expect("a row of a panel is whole")
}

#[inline(always)]
fn add_lanes(sums: &mut Lanes, values: &Lanes) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// Writes a value to the lanes from `count` on, by choosing: a call to fill memory would empty the registers.
#[inline(always)]
fn fill_behind(lanes: &mut Lanes, count: usize, fill: f32) {
    for (lane, value) in lanes.iter_mut().enumerate() {
        *value = if lane < count { *value } else { fill };
    }
}

#[inline(always)]
fn sum(lanes: Lanes) -> f32 {
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

    #[test]
    fn transposed_keys_are_where_the_product_looks_for_them() {
        let rows: Vec<f32> = (0..40 * PANEL).map(|i| i as f32).collect();
        let mut columns = vec![-1.0; 2 * PANEL * PANEL];
        Level::get().run(Transpose { rows: &rows, columns: &mut columns, stride: PANEL * PANEL });
        for token in 0..2 * PANEL {
            for column in 0..PANEL {
                let found = columns[token / PANEL * PANEL * PANEL + column * PANEL + token % PANEL];
                assert_eq!(found, if token < 40 { (token * PANEL + column) as f32 } else { 0.0 });
            }
        }
    }
}
