//! Attention of one head: the tokens of each text look at each other, and at no other text's.
//!
//! For a text, keys become columns once; then for a few tokens at a time scores, weights and the weighted values are made
//! in the first cache, as in Dao et al., "FlashAttention" (2022), but with all scores of a token at hand, so that no sum
//! is corrected afterwards. It does not project tokens to queries, keys and values.

use std::ops::Range;

use crate::gemm::{Buffer, Left, Level, PANEL};
use crate::pass::{ScaleRows, Softmax, Transpose};
use crate::rows::Rows;

/// Tokens whose scores are at work together: two blocks of rows of the widest kernel, and 32 KiB of scores at 256 tokens.
const QUERIES_MAX: usize = 28;

/// How heads lie in the projected rows: for each head query, key and value, each filled up to whole panels.
#[derive(Clone, Copy)]
pub(crate) struct Heads {
    pub(crate) count: usize,
    /// Numbers of a token in a head.
    pub(crate) size: usize,
}

impl Heads {
    /// Returns the panels that one of a head's three parts takes.
    pub(crate) fn panels(self) -> usize {
        self.size.div_ceil(PANEL)
    }

    /// Returns the columns that one of a head's three parts takes.
    pub(crate) fn columns(self) -> usize {
        self.panels() * PANEL
    }
}

/// What one thread needs for a head.
pub(crate) struct HeadRoom {
    keys: Buffer<f32>,
    scores: Buffer<f32>,
    mixed: Buffer<f32>,
}

impl HeadRoom {
    /// Returns empty room.
    pub(crate) fn new() -> HeadRoom {
        HeadRoom { keys: Buffer::new(), scores: Buffer::new(), mixed: Buffer::new() }
    }

    /// Makes room for texts of so many tokens.
    pub(crate) fn reserve(&mut self, heads: Heads, tokens_max: usize) {
        let tokens = tokens_max.next_multiple_of(PANEL);
        self.keys.reserve(tokens * heads.columns());
        self.scores.reserve(tokens * QUERIES_MAX);
        self.mixed.reserve(QUERIES_MAX * PANEL);
    }
}

/// Writes what the tokens of every text get from one head; `context` is the head's panels.
pub(crate) fn attend(
    level: Level,
    heads: Heads,
    texts: &[Range<usize>],
    (projected, head): (&Rows<f32>, usize),
    context: &mut [f32],
    room: &mut HeadRoom,
) {
    let first = head * 3 * heads.panels();
    for text in texts {
        let keys = transpose_keys(level, heads, projected, first, text, &mut room.keys);
        for start in text.clone().step_by(QUERIES_MAX) {
            let rows = QUERIES_MAX.min(text.end - start);
            let queries = Left { rows, ..projected.left(first, start) };
            let scores = &mut room.scores[..];
            let mut factors = [0.0; QUERIES_MAX];
            for (keys, scores) in keys.chunks_exact(heads.columns() * PANEL).zip(scores.chunks_exact_mut(rows * PANEL))
            {
                level.multiply(queries, heads.columns(), keys, &[], scores);
            }
            let factors = &mut factors[..rows];
            level.run(Softmax { scores, stride: rows * PANEL, width: text.len(), factors });
            let weights = Left { values: scores, stride: rows * PANEL, rows };
            for panel in 0..heads.panels() {
                let values = projected.left(first + 2 * heads.panels() + panel, text.start).values;
                level.multiply(weights, text.len(), values, &[], &mut room.mixed);
                let out = &mut context[panel * projected.stride() + start * PANEL..][..rows * PANEL];
                level.run(ScaleRows { values: &room.mixed, factors, out });
            }
        }
    }
}

/// Turns a text's keys into panels of columns, one column a token.
fn transpose_keys<'a>(
    level: Level,
    heads: Heads,
    projected: &Rows<f32>,
    first: usize,
    text: &Range<usize>,
    keys: &'a mut Buffer<f32>,
) -> &'a [f32] {
    let stride = heads.columns() * PANEL;
    let keys = &mut keys[..text.len().div_ceil(PANEL) * stride];
    for panel in 0..heads.panels() {
        let rows = &projected.left(first + heads.panels() + panel, text.start).values[..text.len() * PANEL];
        level.run(Transpose { rows, columns: &mut keys[panel * PANEL * PANEL..], stride });
    }
    keys
}
