//! Attention of one head on bf16 products, for the precisions whose kernels multiply halves much faster than floats.
//!
//! The walk is that of [`crate::attention`]: scores and their weights stay f32 and are rounded only where they enter a
//! product.

use std::ops::Range;

use crate::attention::Heads;
use crate::gemm::{Buffer, HALF_DEPTH, HalfKernel, Left, Level, PANEL};
use crate::pass::{PairColumns, PairRows, RoundHalves, ScaleRows, Softmax};
use crate::rows::Rows;

/// Tokens whose scores are at work together: two tiles of rows.
const QUERIES_MAX: usize = 32;
/// Rows of scores that there is room for: with one more between panels, their distance is not a whole page, at which the
/// processor takes a read for one of what was just written to the panel before.
const ROWS_MAX: usize = QUERIES_MAX + 1;

/// What one thread needs for a head.
pub(crate) struct HalfHeadRoom {
    queries: Buffer<u16>,
    keys: Buffer<u16>,
    values: Buffer<u16>,
    scores: Buffer<f32>,
    weights: Buffer<u16>,
    mixed: Buffer<f32>,
}

impl HalfHeadRoom {
    /// Returns empty room.
    pub(crate) fn new() -> HalfHeadRoom {
        HalfHeadRoom {
            queries: Buffer::new(),
            keys: Buffer::new(),
            values: Buffer::new(),
            scores: Buffer::new(),
            weights: Buffer::new(),
            mixed: Buffer::new(),
        }
    }

    /// Makes room for texts of so many tokens.
    pub(crate) fn reserve(&mut self, heads: Heads, tokens_max: usize) {
        let tokens = tokens_max.next_multiple_of(PANEL);
        self.queries.reserve(ROWS_MAX * heads.columns());
        self.keys.reserve(tokens * heads.columns());
        self.values.reserve(tokens * heads.columns());
        self.scores.reserve(tokens * ROWS_MAX);
        self.weights.reserve(tokens * ROWS_MAX);
        self.mixed.reserve(QUERIES_MAX * PANEL);
    }
}

/// Writes what the tokens of every text get from one head; `context` is the head's panels.
pub(crate) fn attend_halves(
    (level, kernel): (Level, HalfKernel),
    heads: Heads,
    texts: &[Range<usize>],
    (projected, head): (&Rows<f32>, usize),
    context: &mut [f32],
    room: &mut HalfHeadRoom,
) {
    let first = head * 3 * heads.panels();
    for text in texts {
        let panels = text.len().div_ceil(PANEL);
        let tokens = panels * PANEL;
        fill_keys_and_values(level, heads, projected, first, text, room);
        let HalfHeadRoom { queries, keys, values, scores, weights, mixed } = room;
        for start in text.clone().step_by(QUERIES_MAX) {
            let rows = QUERIES_MAX.min(text.end - start);
            let stride = (rows.next_multiple_of(16) + 1) * PANEL;
            for (panel, halves) in queries.chunks_exact_mut(stride).enumerate().take(heads.panels()) {
                let values = &projected.left(first + panel, start).values[..rows * PANEL];
                level.run(RoundHalves { values, halves });
            }
            let queries = Left { values: &queries[..], stride, rows };
            let scores = &mut scores[..panels * stride];
            for (keys, scores) in keys.chunks_exact(heads.columns() * PANEL).zip(scores.chunks_exact_mut(stride)) {
                kernel.multiply(queries, heads.columns(), keys, &[], scores);
            }
            let mut factors = [0.0; QUERIES_MAX];
            let factors = &mut factors[..rows];
            level.run(Softmax { scores, stride, width: text.len(), factors });
            level.run(RoundHalves { values: scores, halves: weights });
            let weights = Left { values: &weights[..], stride, rows };
            for (panel, values) in values.chunks_exact(tokens * PANEL).enumerate().take(heads.panels()) {
                kernel.multiply(weights, tokens, values, &[], mixed);
                let out = &mut context[panel * projected.stride() + start * PANEL..][..rows * PANEL];
                level.run(ScaleRows { values: mixed, factors, out });
            }
        }
    }
}

/// Turns a text's keys into panels of columns, one column a token, and its values into panels of weights.
fn fill_keys_and_values(
    level: Level,
    heads: Heads,
    projected: &Rows<f32>,
    first: usize,
    text: &Range<usize>,
    room: &mut HalfHeadRoom,
) {
    let tokens = text.len().next_multiple_of(PANEL);
    let stride = heads.columns() * PANEL;
    for panel in 0..heads.panels() {
        let part = |part: usize| {
            let rows = projected.left(first + part * heads.panels() + panel, text.start).values;
            &rows[..text.len() * PANEL]
        };
        let columns = &mut room.keys[panel * HALF_DEPTH * PANEL..tokens * heads.columns()];
        level.run(PairColumns { rows: part(1), columns, stride });
        level.run(PairRows { rows: part(2), pairs: &mut room.values[panel * tokens * PANEL..][..tokens * PANEL] });
    }
}
