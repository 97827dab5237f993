//! The BERT encoder on the CPU: the tokens of all texts of a batch lie behind each other, with no padding between them.
//!
//! Matrix products are Candle's; the passes between them are fused and run in place (`kernel`). Query, key and value are
//! one product, weights are stored the way the product reads them, and the attention's scale is part of the query
//! weights. Everything here runs on the calling thread: callers run several batches side by side, which scales better
//! than threads inside products this small.
//!
//! It does not tokenize, pool, or use a GPU.

use std::ops::Range;

use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor};
use candle_transformers::models::bert::Config;

use crate::error::ModelError;
use crate::kernel;
use crate::weights::Weights;

/// Holds the weights of one BERT encoder. Immutable, so threads share it.
pub(crate) struct PackedBert {
    words: Vec<f32>,
    /// Position embeddings with the only token type that single texts have already added.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
    heads: usize,
    hidden: usize,
}

struct Layer {
    attention_input: Linear,
    attention_output: Linear,
    attention_norm: Norm,
    up: Linear,
    down: Linear,
    output_norm: Norm,
}

/// A product and a bias; the weight has one row an input, so that neighbours in memory are neighbours in the output.
struct Linear {
    weight: Tensor,
    bias: Vec<f32>,
}

struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
    epsilon: f32,
}

impl PackedBert {
    /// Takes the encoder's tensors out of the weights.
    pub(crate) fn load(mut weights: Weights, config: &Config) -> Result<PackedBert, ModelError> {
        // Candle asks its matrix library for all cores at every product; the batches use the cores already.
        gemm::set_threading_threshold(usize::MAX);
        let hidden = config.hidden_size;
        let mut table = |name: &str, rows: usize| -> Result<Vec<f32>, ModelError> {
            let name = format!("embeddings.{name}_embeddings.weight");
            Ok(weights.matrix(&name, rows, hidden)?.flatten_all()?.to_vec1()?)
        };
        let words = table("word", config.vocab_size)?;
        let mut positions = table("position", config.max_position_embeddings)?;
        let types = table("token_type", config.type_vocab_size)?;
        kernel::add_bias(&mut positions, &types[..hidden]);
        let norm = Norm::load(&mut weights, "embeddings.LayerNorm", config)?;
        let layers = (0..config.num_hidden_layers).map(|index| Layer::load(&mut weights, index, config));
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        Ok(PackedBert { words, positions, norm, layers, heads: config.num_attention_heads, hidden })
    }

    /// Returns one row of `hidden` values a token, in the order of the texts and their tokens.
    ///
    /// No text is empty or longer than the model's positions, and every id is in the vocabulary.
    pub(crate) fn forward(&self, texts: &[&[u32]]) -> Result<Vec<f32>, ModelError> {
        let rows = text_rows(texts);
        let mut values = self.embed(texts);
        self.norm.apply(&mut values);
        let mut state = matrix(values, self.hidden)?;
        for layer in &self.layers {
            state = self.run_layer(layer, &state, &rows)?;
        }
        Ok(state.flatten_all()?.to_vec1()?)
    }

    fn embed(&self, texts: &[&[u32]]) -> Vec<f32> {
        let mut values = Vec::with_capacity(texts.iter().map(|text| text.len()).sum::<usize>() * self.hidden);
        for text in texts {
            for (&id, position) in text.iter().zip(self.positions.chunks_exact(self.hidden)) {
                let word = &self.words[id as usize * self.hidden..][..self.hidden];
                values.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
        }
        values
    }

    fn run_layer(&self, layer: &Layer, input: &Tensor, rows: &[Range<usize>]) -> Result<Tensor, ModelError> {
        let projected = input.matmul(&layer.attention_input.weight)?;
        in_place(&projected, |values| kernel::add_bias(values, &layer.attention_input.bias))?;
        let context = self.attend(&projected, rows)?;
        let attended = add_and_norm(&context, &layer.attention_output, input, &layer.attention_norm)?;
        let raised = attended.matmul(&layer.up.weight)?;
        in_place(&raised, |values| kernel::add_bias_gelu(values, &layer.up.bias))?;
        add_and_norm(&raised, &layer.down, &attended, &layer.output_norm)
    }

    /// Lets the tokens of each text look at each other, and at no other text's.
    fn attend(&self, projected: &Tensor, rows: &[Range<usize>]) -> Result<Tensor, ModelError> {
        let size = self.hidden / self.heads;
        let mut context = vec![0.0; projected.dim(0)? * self.hidden];
        for range in rows {
            let parts = projected.narrow(0, range.start, range.len())?.reshape((range.len(), 3, self.heads, size))?;
            let part = |index: usize| parts.narrow(1, index, 1)?.squeeze(1)?.transpose(0, 1);
            let scores = part(0)?.matmul(&part(1)?.t()?)?;
            in_place(&scores, |values| kernel::softmax(values, range.len()))?;
            let mixed = scores.matmul(&part(2)?)?;
            let target = &mut context[range.start * self.hidden..range.end * self.hidden];
            read(&mixed, |values| gather_heads(values, target, self.heads, size))?;
        }
        matrix(context, self.hidden)
    }
}

impl Layer {
    fn load(weights: &mut Weights, index: usize, config: &Config) -> Result<Layer, ModelError> {
        let at = |name: &str| format!("encoder.layer.{index}.{name}");
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        Ok(Layer {
            attention_input: load_attention_input(weights, &at("attention.self"), config)?,
            attention_output: Linear::load(weights, &at("attention.output.dense"), hidden, hidden)?,
            attention_norm: Norm::load(weights, &at("attention.output.LayerNorm"), config)?,
            up: Linear::load(weights, &at("intermediate.dense"), hidden, inner)?,
            down: Linear::load(weights, &at("output.dense"), inner, hidden)?,
            output_norm: Norm::load(weights, &at("output.LayerNorm"), config)?,
        })
    }
}

impl Linear {
    fn load(weights: &mut Weights, name: &str, input: usize, output: usize) -> Result<Linear, ModelError> {
        let weight = weights.matrix(&format!("{name}.weight"), output, input)?.t()?.contiguous()?;
        Ok(Linear { weight, bias: weights.vector(&format!("{name}.bias"), output)? })
    }
}

impl Norm {
    fn load(weights: &mut Weights, name: &str, config: &Config) -> Result<Norm, ModelError> {
        Ok(Norm {
            scale: weights.vector(&format!("{name}.weight"), config.hidden_size)?,
            shift: weights.vector(&format!("{name}.bias"), config.hidden_size)?,
            epsilon: config.layer_norm_eps as f32,
        })
    }

    fn apply(&self, values: &mut [f32]) {
        kernel::layer_norm(values, &self.scale, &self.shift, self.epsilon);
    }
}

/// Joins query, key and value to one product, and scales the query by the root of a head's size.
fn load_attention_input(weights: &mut Weights, name: &str, config: &Config) -> Result<Linear, ModelError> {
    let hidden = config.hidden_size;
    let scale = 1.0 / ((hidden / config.num_attention_heads) as f64).sqrt();
    let mut query = Linear::load(weights, &format!("{name}.query"), hidden, hidden)?;
    query.weight = (query.weight * scale)?;
    query.bias.iter_mut().for_each(|bias| *bias *= scale as f32);
    let key = Linear::load(weights, &format!("{name}.key"), hidden, hidden)?;
    let value = Linear::load(weights, &format!("{name}.value"), hidden, hidden)?;
    let weight = Tensor::cat(&[query.weight, key.weight, value.weight], 1)?.contiguous()?;
    Ok(Linear { weight, bias: [query.bias, key.bias, value.bias].concat() })
}

fn add_and_norm(input: &Tensor, linear: &Linear, residual: &Tensor, norm: &Norm) -> Result<Tensor, ModelError> {
    let output = input.matmul(&linear.weight)?;
    read(residual, |residual| {
        in_place(&output, |values| {
            kernel::add_bias_residual(values, &linear.bias, residual);
            norm.apply(values);
        })
    })??;
    Ok(output)
}

/// Copies head after head into rows that hold all heads of one token.
fn gather_heads(values: &[f32], target: &mut [f32], heads: usize, size: usize) {
    let tokens = values.len() / (heads * size);
    for (index, row) in values.chunks_exact(size).enumerate() {
        let (head, token) = (index / tokens, index % tokens);
        target[(token * heads + head) * size..][..size].copy_from_slice(row);
    }
}

/// Returns the rows that each text takes in a packed batch.
pub(crate) fn text_rows(texts: &[&[u32]]) -> Vec<Range<usize>> {
    let mut end = 0;
    let range = |text: &&[u32]| {
        let start = end;
        end += text.len();
        start..end
    };
    texts.iter().map(range).collect()
}

fn matrix(values: Vec<f32>, width: usize) -> Result<Tensor, ModelError> {
    let rows = values.len() / width;
    Ok(Tensor::from_vec(values, (rows, width), &candle_core::Device::Cpu)?)
}

/// Lends a tensor's values.
fn read<R>(tensor: &Tensor, use_values: impl FnOnce(&[f32]) -> R) -> Result<R, ModelError> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => {
            Ok(use_values(&values[layout.start_offset()..][..layout.shape().elem_count()]))
        }
        _ => Err(ModelError::Compute { detail: "packed tensors are f32 on the cpu".to_string() }),
    }
}

/// Changes a tensor's values where they lie. The tensor is fresh, so nobody else sees the change.
fn in_place(tensor: &Tensor, change: impl Fn(&mut [f32])) -> Result<(), ModelError> {
    Ok(tensor.inplace_op1(&InPlace(change))?)
}

struct InPlace<F>(F);

impl<F: Fn(&mut [f32])> InplaceOp1 for InPlace<F> {
    fn name(&self) -> &'static str {
        "in_place"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let CpuStorage::F32(values) = storage else {
            return Err(candle_core::Error::Msg("packed tensors are f32".to_string()));
        };
        (self.0)(&mut values[layout.start_offset()..][..layout.shape().elem_count()]);
        Ok(())
    }
}
