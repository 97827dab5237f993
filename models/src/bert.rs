//! The BERT encoder on the CPU: the tokens of all texts of a batch lie behind each other, with no padding between them.
//!
//! Query, key and value are one product, in which each head's parts are filled up to whole panels of columns; the
//! attention's scale is part of the query weights. Each product is shared panel by panel, and what follows it (bias, GELU,
//! residual) is done to the panel while it is in the first cache.
//!
//! It does not tokenize, pool, or use a GPU.

use std::ops::Range;

use crate::attention::{Heads, attend};
use crate::error::ModelError;
use crate::family::BertConfig;
use crate::gemm::{Arena, HalfKernel, PANEL, Team};
use crate::half_attention::attend_halves;
use crate::layer::{Layer, Loader, Norm};
use crate::linear::{Input, Linear};
use crate::pass::{AddBias, AddBiasGelu, AddBiasResidual, LayerNorm, RoundHalves, SplitHalves};
use crate::precision::{Engine, Precision};
use crate::room::Room;
use crate::rows::Rows;
use crate::tokenizer::Tokens;
use crate::weights::Weights;

/// Holds the weights of one BERT encoder. Immutable, so threads share it.
pub(crate) struct PackedBert {
    engine: Engine,
    /// The kernel for attention, if not f32.
    attention_tiles: Option<HalfKernel>,
    arena: Arena,
    words: Vec<f32>,
    /// Position embeddings with the first token type already added.
    positions: Vec<f32>,
    /// What the second token type differs by; empty if there is none.
    second_type: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: Heads,
    hidden: usize,
    inner: usize,
    reads: Reads,
}

/// Says which of a text's rows count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// All of them.
    AllRows,
    /// The first; the last layer then works little more than that.
    FirstRow,
    /// Their mean, which a GPU computes before it hands anything back; the CPU gives all rows.
    Mean,
}

impl PackedBert {
    /// Takes the encoder's tensors out of the weights, whose table of positions has so many rows.
    pub(crate) fn load(
        weights: &mut Weights,
        config: &BertConfig,
        positions: usize,
        precision: Precision,
        reads: Reads,
    ) -> Result<PackedBert, ModelError> {
        let hidden = config.hidden_size;
        let heads = Heads { count: config.num_attention_heads, size: hidden / config.num_attention_heads };
        let mut table = |name: &str, rows: usize| -> Result<Vec<f32>, ModelError> {
            let name = format!("embeddings.{name}_embeddings.weight");
            Ok(weights.matrix(&name, rows, hidden)?.flatten_all()?.to_vec1()?)
        };
        let words = table("word", config.vocab_size)?;
        let mut positions = table("position", positions)?;
        let types = table("token_type", config.type_vocab_size)?;
        for position in positions.chunks_exact_mut(hidden) {
            position.iter_mut().zip(&types).for_each(|(position, kind)| *position += kind);
        }
        let second_type = types.chunks_exact(hidden).nth(1).unwrap_or_default();
        let second_type = second_type.iter().zip(&types).map(|(second, first)| second - first).collect();
        let engine = Engine::get(precision);
        let mut loader = Loader::new(weights, config, heads, engine);
        let norm = loader.norm("embeddings.LayerNorm")?;
        let layers = (0..config.num_hidden_layers).map(|index| Layer::load(&mut loader, index));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        Ok(PackedBert {
            engine,
            attention_tiles: engine.tiles(),
            arena: loader.arena,
            words,
            positions,
            second_type,
            norm,
            layers,
            heads,
            hidden,
            inner: config.intermediate_size,
            reads,
        })
    }

    /// Returns the name of the kernels for logs.
    pub(crate) fn kernels(&self) -> &'static str {
        self.engine.name()
    }

    /// Returns rows of `hidden` values, in the order of the texts: one a token, or one a text if only the first counts.
    ///
    /// No text is empty or longer than the model's positions, and every id is in the vocabulary.
    pub(crate) fn forward<'a>(&self, texts: &[&Tokens], team: &Team, room: &'a mut Room) -> &'a [f32] {
        let ranges = text_rows(texts);
        self.shape(&ranges, room);
        self.embed(texts, &mut room.state);
        self.normalize(&self.norm, &mut room.state);
        let following = self.layers.iter().skip(1).chain(self.layers.first());
        for (number, (layer, following)) in self.layers.iter().zip(following).enumerate() {
            self.attend(layer, &ranges, team, room);
            if self.reads == Reads::FirstRow && number + 1 == self.layers.len() {
                room.keep_rows(&ranges.iter().map(|range| range.start).collect::<Vec<_>>());
            }
            self.mix_tokens(layer, team, room);
            self.mix_columns(layer, &following.attention_input, team, room);
        }
        self.write_output(room);
        &room.output
    }

    /// Returns which of the rows of [`PackedBert::forward`] are each text's.
    pub(crate) fn output_rows(&self, texts: &[&Tokens]) -> Vec<Range<usize>> {
        match self.reads {
            Reads::AllRows | Reads::Mean => text_rows(texts),
            Reads::FirstRow => (0..texts.len()).map(|text| text..text + 1).collect(),
        }
    }

    fn shape(&self, texts: &[Range<usize>], room: &mut Room) {
        let rows = texts.last().map_or(0, |text| text.end);
        let tokens_max = texts.iter().map(Range::len).max().unwrap_or(0);
        let all_heads = self.heads.count * self.heads.columns();
        room.state.shape(rows, self.hidden);
        room.attended.shape(rows, self.hidden);
        room.projected.shape(rows, 3 * all_heads);
        room.context.shape(rows, all_heads);
        room.inner.shape(rows, self.inner);
        room.members.reserve(self.heads, rows, tokens_max);
    }

    fn embed(&self, texts: &[&Tokens], state: &mut Rows<f32>) {
        let stride = state.stride();
        let values = state.numbers_mut();
        let mut row = 0;
        for text in texts {
            for (at, (&id, position)) in text.ids.iter().zip(self.positions.chunks_exact(self.hidden)).enumerate() {
                let word = &self.words[id as usize * self.hidden..][..self.hidden];
                for (panel, (word, position)) in word.chunks(PANEL).zip(position.chunks(PANEL)).enumerate() {
                    let lanes = &mut values[panel * stride + row * PANEL..][..PANEL];
                    for ((value, word), position) in lanes.iter_mut().zip(word).zip(position) {
                        *value = word + position;
                    }
                    lanes[word.len()..].fill(0.0);
                }
                if at >= text.second {
                    self.add_second_type(&mut values[row * PANEL..], stride);
                }
                row += 1;
            }
        }
    }

    /// Turns the first row of some panels into one of the second token type.
    fn add_second_type(&self, values: &mut [f32], stride: usize) {
        for (lanes, second) in values.chunks_mut(stride).zip(self.second_type.chunks(PANEL)) {
            lanes.iter_mut().zip(second).for_each(|(value, second)| *value += second);
        }
    }

    /// The beginning of a layer: `context` becomes what the tokens of each text give each other, head by head.
    fn attend(&self, layer: &Layer, texts: &[Range<usize>], team: &Team, room: &mut Room) {
        let level = self.engine.level();
        let Room { state, projected, context, input, members, .. } = room;
        let count = state.rows() * PANEL;
        let inputs = input.fill(self.engine, state, self.hidden);
        team.share(projected.panels_mut().enumerate(), |_, (panel, values)| {
            let next = (&layer.attention_output, team.members());
            self.multiply(&layer.attention_input, inputs, panel, next, values);
            level.run(AddBias { values: &mut values[..count], bias: layer.attention_input.bias(panel) });
        });
        team.share(context.groups_mut(self.heads.panels()).enumerate(), |member, (head, context)| {
            let (source, mut room) = ((&*projected, head), members.of(member));
            match self.attention_tiles {
                Some(tiles) => {
                    attend_halves((level, tiles), self.heads, texts, source, context, &mut room.half_head);
                }
                None => attend(level, self.heads, texts, source, context, &mut room.head),
            }
        });
    }

    /// The middle of a layer: `attended` becomes the joined heads, added to `state`.
    fn mix_tokens(&self, layer: &Layer, team: &Team, room: &mut Room) {
        let Room { state, context, attended, input, .. } = room;
        let inputs = input.fill(self.engine, context, self.heads.count * self.heads.columns());
        self.add_product([&layer.attention_output, &layer.up], inputs, state, team, attended);
        self.normalize(&layer.attention_norm, attended);
    }

    /// The end of a layer: `state` becomes what the columns of each token give each other, added to `attended`.
    fn mix_columns(&self, layer: &Layer, next: &Linear, team: &Team, room: &mut Room) {
        let level = self.engine.level();
        let Room { state, attended, inner, input, inner_input, members, .. } = room;
        let rows = state.rows();
        let count = rows * PANEL;
        let inputs = input.fill(self.engine, attended, self.hidden);
        let raise = |panel: usize, values: &mut [f32]| {
            self.multiply(&layer.up, inputs, panel, (&layer.down, team.members()), values);
            level.run(AddBiasGelu { values: &mut values[..count], bias: layer.up.bias(panel) });
        };
        let inputs = match self.engine {
            Engine::Bf16(..) => {
                inner_input.halves.shape(rows, self.inner);
                team.share(inner_input.halves.panels_mut().enumerate(), |member, (panel, halves)| {
                    let values = &mut members.of(member).panel[..];
                    raise(panel, values);
                    level.run(RoundHalves { values: &values[..count], halves });
                });
                Input::Bf16(inner_input.halves.left(0, 0))
            }
            Engine::Split(..) => {
                inner_input.halves.shape(rows, 2 * self.inner.next_multiple_of(PANEL));
                team.share(inner_input.halves.groups_mut(2).enumerate(), |member, (panel, halves)| {
                    let values = &mut members.of(member).panel[..];
                    raise(panel, values);
                    level.run(SplitHalves { values: &values[..count], halves });
                });
                Input::Split(inner_input.halves.left(0, 0))
            }
            Engine::F32(_) | Engine::Int8(..) => {
                team.share(inner.panels_mut().enumerate(), |_, (panel, values)| raise(panel, values));
                inner_input.fill(self.engine, inner, self.inner)
            }
        };
        self.add_product([&layer.down, next], inputs, attended, team, state);
        self.normalize(&layer.output_norm, state);
    }

    /// Writes a product with its bias and the residual; the `next` product's weights are fetched towards the end.
    fn add_product(
        &self,
        [linear, next]: [&Linear; 2],
        inputs: Input,
        residual: &Rows<f32>,
        team: &Team,
        out: &mut Rows<f32>,
    ) {
        let count = out.rows() * PANEL;
        team.share(out.panels_mut().zip(residual.panels()).enumerate(), |_, (panel, (values, residual))| {
            self.multiply(linear, inputs, panel, (next, team.members()), values);
            let values = &mut values[..count];
            self.engine.level().run(AddBiasResidual { values, bias: linear.bias(panel), residual });
        });
    }

    fn multiply(&self, linear: &Linear, inputs: Input, panel: usize, next: (&Linear, usize), out: &mut [f32]) {
        linear.multiply(self.engine, &self.arena, inputs, panel, next, out);
    }

    fn normalize(&self, norm: &Norm, values: &mut Rows<f32>) {
        let (rows, stride) = (values.rows(), values.stride());
        let Norm { scale, shift, width, epsilon } = norm;
        let (width, epsilon, values) = (*width, *epsilon, values.numbers_mut());
        self.engine.level().run(LayerNorm { values, stride, rows, width, scale, shift, epsilon });
    }

    fn write_output(&self, room: &mut Room) {
        let Room { state, output, .. } = room;
        output.resize(state.rows() * self.hidden, 0.0);
        for (panel, values) in state.panels().enumerate() {
            let columns = panel * PANEL..self.hidden.min((panel + 1) * PANEL);
            for (row, lanes) in output.chunks_exact_mut(self.hidden).zip(values.chunks_exact(PANEL)) {
                row[columns.clone()].copy_from_slice(&lanes[..columns.len()]);
            }
        }
    }
}

/// Returns the rows that each text takes in a packed batch.
pub(crate) fn text_rows(texts: &[&Tokens]) -> Vec<Range<usize>> {
    let mut end = 0;
    let range = |text: &&Tokens| {
        let start = end;
        end += text.ids.len();
        start..end
    };
    texts.iter().map(range).collect()
}
