//! The weights of the encoder's layers: taken out of the file, filled up to whole panels, and packed for the kernels.
//!
//! It does not compute with them.

use crate::attention::Heads;
use crate::error::ModelError;
use crate::family::BertConfig;
use crate::gemm::{Arena, PANEL};
use crate::linear::Linear;
use crate::precision::Engine;
use crate::weights::Weights;

/// One layer's products and norms.
pub(crate) struct Layer {
    /// Query, key and value, head after head.
    pub(crate) attention_input: Linear,
    pub(crate) attention_output: Linear,
    pub(crate) attention_norm: Norm,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    pub(crate) output_norm: Norm,
}

/// How rows are normalised.
pub(crate) struct Norm {
    /// Filled up with zeros to whole panels, as `shift` is.
    pub(crate) scale: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    pub(crate) width: usize,
    pub(crate) epsilon: f32,
}

/// A weight matrix and a bias as the file has them: one row of weights an output.
struct Dense {
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

/// Where weights come from and go to while a model is loaded.
pub(crate) struct Loader<'a> {
    weights: &'a mut Weights,
    /// What is packed so far.
    pub(crate) arena: Arena,
    config: &'a BertConfig,
    heads: Heads,
    engine: Engine,
}

impl Layer {
    /// Loads the numbered layer.
    pub(crate) fn load(loader: &mut Loader, index: usize) -> Result<Layer, ModelError> {
        let at = |name: &str| format!("encoder.layer.{index}.{name}");
        let (hidden, inner) = (loader.config.hidden_size, loader.config.intermediate_size);
        Ok(Layer {
            attention_input: loader.attention_input(&at("attention.self"))?,
            attention_output: loader.attention_output(&at("attention.output.dense"))?,
            attention_norm: loader.norm(&at("attention.output.LayerNorm"))?,
            up: loader.linear(&at("intermediate.dense"), inner, hidden)?,
            down: loader.linear(&at("output.dense"), hidden, inner)?,
            output_norm: loader.norm(&at("output.LayerNorm"))?,
        })
    }
}

impl<'a> Loader<'a> {
    /// Starts with a file's weights and no packed ones.
    pub(crate) fn new(weights: &'a mut Weights, config: &'a BertConfig, heads: Heads, engine: Engine) -> Loader<'a> {
        // The file bounds what a configuration can make us set aside.
        let bytes = packed_bytes(config, heads, engine).min(2 * weights.bytes());
        Loader { weights, arena: Arena::new(bytes), config, heads, engine }
    }

    fn dense(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Dense, ModelError> {
        let weight = self.weights.matrix(&format!("{name}.weight"), outputs, inputs)?.flatten_all()?.to_vec1()?;
        Ok(Dense { weight, bias: self.weights.vector(&format!("{name}.bias"), outputs)?, inputs })
    }

    /// Loads a normalisation.
    pub(crate) fn norm(&mut self, name: &str) -> Result<Norm, ModelError> {
        let width = self.config.hidden_size;
        let mut filled = |part: &str| -> Result<Vec<f32>, ModelError> {
            let mut values = self.weights.vector(&format!("{name}.{part}"), width)?;
            values.resize(width.next_multiple_of(PANEL), 0.0);
            Ok(values)
        };
        let (scale, shift) = (filled("weight")?, filled("bias")?);
        Ok(Norm { scale, shift, width, epsilon: self.config.layer_norm_eps as f32 })
    }

    fn linear(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Linear, ModelError> {
        let dense = self.dense(name, outputs, inputs)?;
        let shape = (outputs, inputs.next_multiple_of(PANEL));
        let weight = |output: usize, input: usize| if input < inputs { dense.weight(output, input) } else { 0.0 };
        Ok(Linear::pack(&mut self.arena, self.engine, shape, weight, |output| dense.bias[output]))
    }

    /// Joins query, key and value, head by head, and scales the query by the root of a head's size.
    fn attention_input(&mut self, name: &str) -> Result<Linear, ModelError> {
        let (heads, hidden) = (self.heads, self.config.hidden_size);
        let scale = (1.0 / (heads.size as f64).sqrt()) as f32;
        let mut part = |part: &str| self.dense(&format!("{name}.{part}"), hidden, hidden);
        let parts = [part("query")?, part("key")?, part("value")?];
        let find = |output: usize| {
            let (part, column) = (output / heads.columns() % 3, output % heads.columns());
            let row = output / (3 * heads.columns()) * heads.size + column;
            (column < heads.size).then_some((&parts[part], row, if part == 0 { scale } else { 1.0 }))
        };
        let weight = |output: usize, input: usize| match find(output) {
            Some((dense, row, scale)) if input < hidden => dense.weight(row, input) * scale,
            _ => 0.0,
        };
        let bias = |output: usize| find(output).map_or(0.0, |(dense, row, scale)| dense.bias[row] * scale);
        let shape = (3 * heads.count * heads.columns(), hidden.next_multiple_of(PANEL));
        Ok(Linear::pack(&mut self.arena, self.engine, shape, weight, bias))
    }

    /// Loads the product behind the attention, whose inputs are filled up head by head.
    fn attention_output(&mut self, name: &str) -> Result<Linear, ModelError> {
        let (heads, hidden) = (self.heads, self.config.hidden_size);
        let dense = self.dense(name, hidden, hidden)?;
        let weight = |output: usize, input: usize| {
            let (head, column) = (input / heads.columns(), input % heads.columns());
            if column < heads.size { dense.weight(output, head * heads.size + column) } else { 0.0 }
        };
        let shape = (hidden, heads.count * heads.columns());
        Ok(Linear::pack(&mut self.arena, self.engine, shape, weight, |output| dense.bias[output]))
    }
}

impl Dense {
    fn weight(&self, output: usize, input: usize) -> f32 {
        self.weight[output * self.inputs + input]
    }
}

/// Returns about how many bytes the packed weights take; more than they do when a shape is filled up.
fn packed_bytes(config: &BertConfig, heads: Heads, engine: Engine) -> usize {
    let number_bytes = match engine {
        Engine::F32(_) | Engine::Split(..) => 4,
        Engine::Bf16(..) => 2,
        Engine::Int8(..) => 1,
    };
    let (hidden, inner) = (config.hidden_size.next_multiple_of(64), config.intermediate_size.next_multiple_of(64));
    config.num_hidden_layers * hidden * (4 * heads.count * heads.columns() + 2 * inner) * number_bytes
}
