//! One product and its bias: the weights as the kernels of a precision read them, and the inputs turned to match.
//!
//! It does not know what the product is for; what is done to the result panel is the caller's.

use std::ops::Range;

use crate::gemm::{Arena, BYTE_DEPTH, HALF_DEPTH, Left, PANEL, round_half, split_panel};
use crate::pass::{RoundHalves, SplitHalves};
use crate::precision::Engine;
use crate::quantize::{ByteColumns, CodeRange, Dequantize, QuantizeRows, quantize_weights};
use crate::rows::Rows;

/// A weight matrix in panels of outputs, and a bias.
///
/// Inputs and outputs may be filled up with zeros; both are whole panels.
pub(crate) struct Linear {
    panels: Vec<Range<usize>>,
    depth: usize,
    bias: Vec<[f32; PANEL]>,
    /// One for each panel, if weights are bytes.
    columns: Vec<ByteColumns>,
}

/// The inputs of a product in its precision.
#[derive(Clone, Copy)]
pub(crate) enum Input<'a> {
    F32(Left<'a, f32>),
    /// Each panel as two, of upper and of lower parts.
    Split(Left<'a, u16>),
    Bf16(Left<'a, u16>),
    Int8(Left<'a, u8>, &'a [CodeRange]),
}

/// Room for inputs in the precisions that differ from f32.
pub(crate) struct InputRoom {
    pub(crate) halves: Rows<u16>,
    bytes: Rows<u8>,
    ranges: Vec<CodeRange>,
}

impl InputRoom {
    /// Returns empty room.
    pub(crate) fn new() -> InputRoom {
        InputRoom { halves: Rows::halves(), bytes: Rows::bytes(), ranges: Vec::new() }
    }

    /// Turns rows of so many columns into the inputs of a product.
    pub(crate) fn fill<'a>(&'a mut self, engine: Engine, values: &'a Rows<f32>, columns: usize) -> Input<'a> {
        let rows = values.rows();
        match engine {
            Engine::F32(_) => Input::F32(values.left(0, 0)),
            Engine::Split(level, _) => {
                self.halves.shape(rows, 2 * columns.next_multiple_of(PANEL));
                for (values, halves) in values.panels().zip(self.halves.groups_mut(2)) {
                    level.run(SplitHalves { values: &values[..rows * PANEL], halves });
                }
                Input::Split(self.halves.left(0, 0))
            }
            Engine::Bf16(level, _) => {
                self.halves.shape(rows, columns);
                for (values, halves) in values.panels().zip(self.halves.panels_mut()) {
                    level.run(RoundHalves { values: &values[..rows * PANEL], halves });
                }
                Input::Bf16(self.halves.left(0, 0))
            }
            Engine::Int8(level, _) => {
                self.bytes.shape(rows, columns);
                self.ranges.resize(rows, CodeRange::default());
                let code_stride = self.bytes.stride();
                level.run(QuantizeRows {
                    values: values.left(0, 0).values,
                    stride: values.stride(),
                    panels: columns.div_ceil(PANEL),
                    codes: self.bytes.numbers_mut(),
                    code_stride,
                    ranges: &mut self.ranges,
                });
                Input::Int8(self.bytes.left(0, 0), &self.ranges)
            }
        }
    }
}

impl Linear {
    /// Packs `outputs` by `inputs` weights. `weight` is asked for output and input, `bias` for output.
    pub(crate) fn pack(
        arena: &mut Arena,
        engine: Engine,
        (outputs, inputs): (usize, usize),
        weight: impl Fn(usize, usize) -> f32,
        bias: impl Fn(usize) -> f32,
    ) -> Linear {
        let depth = match engine {
            Engine::F32(_) => inputs,
            Engine::Split(..) | Engine::Bf16(..) => inputs.next_multiple_of(HALF_DEPTH),
            Engine::Int8(..) => inputs.next_multiple_of(BYTE_DEPTH),
        };
        let mut linear = Linear { panels: Vec::new(), depth, bias: Vec::new(), columns: Vec::new() };
        for first in (0..outputs).step_by(PANEL) {
            let inside = |column: usize| first + column < outputs;
            let at = |column: usize, input: usize| match inside(column) && input < inputs {
                true => weight(first + column, input),
                false => 0.0,
            };
            let lines = match engine {
                Engine::F32(_) => arena.push(&interleave(depth, 1, at)),
                Engine::Split(..) => arena.push(&split_panel(depth, at)),
                Engine::Bf16(..) => arena.push(&interleave(depth, 2, |column, input| round_half(at(column, input)))),
                Engine::Int8(..) => {
                    let (bytes, columns) = quantize_panel(depth, at);
                    linear.columns.push(columns);
                    arena.push(&interleave(depth, 4, |column, input| bytes[column][input]))
                }
            };
            linear.panels.push(lines);
            linear.bias.push(std::array::from_fn(|column| if inside(column) { bias(first + column) } else { 0.0 }));
        }
        linear
    }

    /// Returns the bias of a panel.
    pub(crate) fn bias(&self, panel: usize) -> &[f32; PANEL] {
        &self.bias[panel]
    }

    /// Writes the product of every row with one panel of weights, without the bias.
    ///
    /// `ahead` panels further, in this product or the `next` one, are the weights that the caller is likely to need next;
    /// they are fetched meanwhile. `out` has room for rows up to the next multiple of 16; what is written behind the rows
    /// is of no use.
    pub(crate) fn multiply(
        &self,
        engine: Engine,
        arena: &Arena,
        input: Input,
        panel: usize,
        (next, ahead): (&Linear, usize),
        out: &mut [f32],
    ) {
        let lines = self.panels[panel].clone();
        let ahead = panel + ahead;
        let ahead = self.panels.get(ahead).or_else(|| next.panels.get(ahead - self.panels.len()));
        let ahead = ahead.cloned().unwrap_or(0..0);
        match (engine, input) {
            (Engine::F32(level), Input::F32(left)) => {
                level.multiply(left, self.depth, arena.get(lines), arena.get(ahead), out);
            }
            (Engine::Split(_, kernel), Input::Split(left)) => {
                kernel.multiply(left, self.depth, arena.get(lines), arena.get(ahead), out);
            }
            (Engine::Bf16(_, kernel), Input::Bf16(left)) => {
                kernel.multiply(left, self.depth, arena.get(lines), arena.get(ahead), out);
            }
            (Engine::Int8(level, kernel), Input::Int8(left, ranges)) => {
                kernel.multiply(left, self.depth, arena.get(lines), arena.get(ahead), out);
                level.run(Dequantize { values: out, ranges, columns: &self.columns[panel] });
            }
            _ => unreachable!("inputs are made by the engine that multiplies them"),
        }
    }
}

/// Returns a panel's numbers in the order of the kernels: `group` inputs of a column behind each other.
fn interleave<N>(depth: usize, group: usize, at: impl Fn(usize, usize) -> N) -> Vec<N> {
    let mut numbers = Vec::with_capacity(depth * PANEL);
    for first in (0..depth).step_by(group) {
        for column in 0..PANEL {
            numbers.extend((first..first + group).map(|input| at(column, input)));
        }
    }
    numbers
}

fn quantize_panel(depth: usize, at: impl Fn(usize, usize) -> f32) -> (Vec<Vec<i8>>, ByteColumns) {
    let mut columns = ByteColumns { factors: [0.0; PANEL], sums: [0; PANEL] };
    let mut bytes = vec![vec![0i8; depth]; PANEL];
    for (column, bytes) in bytes.iter_mut().enumerate() {
        let weights: Vec<f32> = (0..depth).map(|input| at(column, input)).collect();
        columns.factors[column] = quantize_weights(&weights, bytes);
        columns.sums[column] = bytes.iter().map(|byte| i32::from(*byte)).sum();
    }
    (bytes, columns)
}
