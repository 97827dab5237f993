//! One layer of the BERT encoder over padded batches, of Candle's operations.
//!
//! It follows Candle's own BERT but for three things: query, key and value are one product, the attention's scale is part
//! of the query weights, and softmax is one operation that sums in f32 also where the numbers are bf16.
//!
//! It does not know which texts are in a batch; the mask says what counts. Flash attention is left out: it is a crate of its
//! own, whose kernels take longer to build than all the rest.

use candle_core::{DType, Module, Tensor};
use candle_nn::{LayerNorm, Linear};

use crate::error::ModelError;
use crate::family::BertConfig;
use crate::weights::Weights;

/// One layer's products and norms.
pub(crate) struct PaddedLayer {
    /// Query, key and value, one behind the other.
    attention_input: Linear,
    attention_output: Linear,
    attention_norm: LayerNorm,
    up: Linear,
    down: Linear,
    output_norm: LayerNorm,
    heads: usize,
}

/// Where weights come from while a model is loaded, and what they become.
pub(crate) struct PaddedLoader<'a> {
    pub(crate) weights: &'a mut Weights,
    pub(crate) config: &'a BertConfig,
    pub(crate) dtype: DType,
}

impl PaddedLayer {
    /// Loads the numbered layer.
    pub(crate) fn load(loader: &mut PaddedLoader, index: usize) -> Result<PaddedLayer, ModelError> {
        let at = |name: &str| format!("encoder.layer.{index}.{name}");
        let (hidden, inner) = (loader.config.hidden_size, loader.config.intermediate_size);
        Ok(PaddedLayer {
            attention_input: loader.attention_input(&at("attention.self"))?,
            attention_output: loader.linear(&at("attention.output.dense"), hidden, hidden)?,
            attention_norm: loader.norm(&at("attention.output.LayerNorm"))?,
            up: loader.linear(&at("intermediate.dense"), inner, hidden)?,
            down: loader.linear(&at("output.dense"), hidden, inner)?,
            output_norm: loader.norm(&at("output.LayerNorm"))?,
            heads: loader.config.num_attention_heads,
        })
    }

    /// Returns the state behind the layer: texts by tokens by numbers. The mask is added to the scores of every token.
    pub(crate) fn forward(&self, state: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
        let attended = self.attention_output.forward(&self.attend(state, mask)?)?;
        let attended = self.attention_norm.forward(&(attended + state)?)?;
        let inner = self.up.forward(&attended)?.gelu_erf()?;
        self.output_norm.forward(&(self.down.forward(&inner)? + attended)?)
    }

    fn attend(&self, state: &Tensor, mask: &Tensor) -> candle_core::Result<Tensor> {
        let (texts, tokens, hidden) = state.dims3()?;
        let parts =
            self.attention_input.forward(state)?.reshape((texts, tokens, 3, self.heads, hidden / self.heads))?;
        let parts = parts.permute((2, 0, 3, 1, 4))?.contiguous()?;
        let (query, key, value) = (parts.get(0)?, parts.get(1)?, parts.get(2)?);
        let scores = query.matmul(&key.t()?)?.broadcast_add(mask)?;
        let context = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&value)?;
        context.transpose(1, 2)?.reshape((texts, tokens, hidden))
    }
}

impl PaddedLoader<'_> {
    /// Loads a table of embeddings.
    pub(crate) fn table(&mut self, name: &str, rows: usize) -> Result<Tensor, ModelError> {
        let name = format!("embeddings.{name}_embeddings.weight");
        Ok(self.weights.matrix(&name, rows, self.config.hidden_size)?.to_dtype(self.dtype)?)
    }

    /// Loads a normalisation.
    pub(crate) fn norm(&mut self, name: &str) -> Result<LayerNorm, ModelError> {
        let mut part = |part: &str| -> Result<Tensor, ModelError> {
            Ok(self.weights.row(&format!("{name}.{part}"), self.config.hidden_size)?.to_dtype(self.dtype)?)
        };
        Ok(LayerNorm::new(part("weight")?, part("bias")?, self.config.layer_norm_eps))
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Linear, ModelError> {
        let (weight, bias) = self.dense(name, outputs, inputs)?;
        Ok(Linear::new(weight.to_dtype(self.dtype)?, Some(bias.to_dtype(self.dtype)?)))
    }

    /// Joins query, key and value, and scales the query by the root of a head's size.
    fn attention_input(&mut self, name: &str) -> Result<Linear, ModelError> {
        let hidden = self.config.hidden_size;
        let scale = 1.0 / ((hidden / self.config.num_attention_heads) as f64).sqrt();
        let mut part = |part: &str| self.dense(&format!("{name}.{part}"), hidden, hidden);
        let (query, key, value) = (part("query")?, part("key")?, part("value")?);
        let weight = Tensor::cat(&[(query.0 * scale)?, key.0, value.0], 0)?;
        let bias = Tensor::cat(&[(query.1 * scale)?, key.1, value.1], 0)?;
        Ok(Linear::new(weight.to_dtype(self.dtype)?, Some(bias.to_dtype(self.dtype)?)))
    }

    /// Returns a weight matrix and a bias in f32, as the file has them.
    fn dense(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<(Tensor, Tensor), ModelError> {
        let weight = self.weights.matrix(&format!("{name}.weight"), outputs, inputs)?;
        Ok((weight, self.weights.row(&format!("{name}.bias"), outputs)?))
    }
}
