//! A product with a bias and an activation for single vectors: `Dense` modules, and the heads of rerankers.
//!
//! A text has one such vector, against hundreds of rows in the transformer, so plain code does.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use serde::Deserialize;

use crate::error::ModelError;
use crate::folder::{read, sha256_hex, weights_path};
use crate::limits::WIDTH_MAX;
use crate::spec::read_json;
use crate::weights::Weights;

/// What is done to each number of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Activation {
    Identity,
    Relu,
    Sigmoid,
    Tanh,
}

/// What a `Dense` module's configuration says.
#[derive(Debug, Clone)]
pub(crate) struct DenseSpec {
    folder: PathBuf,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    has_bias: bool,
    activation: Activation,
}

#[derive(Deserialize)]
struct DenseFile {
    in_features: usize,
    out_features: usize,
    #[serde(default = "yes")]
    bias: bool,
    activation_function: Option<String>,
    module_input_name: Option<String>,
    #[serde(default)]
    use_residual: bool,
}

fn yes() -> bool {
    true
}

/// The weights of one product.
pub(crate) struct Dense {
    /// One row an input, so that whole rows are added and the sums stay side by side.
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl Activation {
    /// Reads the name of a PyTorch module.
    pub(crate) fn read(name: &str) -> Result<Activation, ModelError> {
        match name.rsplit('.').next() {
            Some("Identity") => Ok(Activation::Identity),
            Some("ReLU") => Ok(Activation::Relu),
            Some("Sigmoid") => Ok(Activation::Sigmoid),
            Some("Tanh") => Ok(Activation::Tanh),
            _ => Err(ModelError::Unsupported {
                part: "activation",
                found: name.to_string(),
                supported: "Identity, ReLU, Sigmoid and Tanh",
            }),
        }
    }

    /// Returns the number that becomes of one.
    pub(crate) fn apply(self, value: f32) -> f32 {
        match self {
            Activation::Identity => value,
            Activation::Relu => value.max(0.0),
            Activation::Sigmoid => 1.0 / (1.0 + (-value).exp()),
            Activation::Tanh => value.tanh(),
        }
    }
}

impl DenseSpec {
    /// Reads the configuration in a module's folder.
    pub(crate) fn read(folder: &Path) -> Result<DenseSpec, ModelError> {
        let path = folder.join("config.json");
        let file: DenseFile = read_json(&path)?;
        let input = file.module_input_name.as_deref().unwrap_or("sentence_embedding");
        if input != "sentence_embedding" || file.use_residual {
            let (found, supported) = (input.to_string(), "sentence_embedding, without a residual");
            return Err(ModelError::Unsupported { part: "input of a Dense module", found, supported });
        }
        if [file.in_features, file.out_features].iter().any(|size| !(1..=WIDTH_MAX).contains(size)) {
            let detail = format!("{} to {} features, expected 1 to {WIDTH_MAX}", file.in_features, file.out_features);
            return Err(ModelError::InvalidFile { path, detail });
        }
        // A module that names no activation has the one that PyTorch's module has by default.
        let activation = Activation::read(file.activation_function.as_deref().unwrap_or("Tanh"))?;
        let (inputs, outputs) = (file.in_features, file.out_features);
        Ok(DenseSpec { folder: folder.to_path_buf(), inputs, outputs, has_bias: file.bias, activation })
    }

    /// Loads the weights and returns them with the hash of all that shapes their product.
    pub(crate) fn load(&self) -> Result<(Dense, String), ModelError> {
        let mut weights = Weights::read(&weights_path(&self.folder)?, &Device::Cpu)?;
        let config = read(&self.folder.join("config.json"))?;
        let sha256 = sha256_hex(&[&config, weights.sha256.as_bytes()]);
        if !self.has_bias {
            weights.put("linear.bias", Tensor::zeros(self.outputs, DType::F32, &Device::Cpu)?);
        }
        Ok((Dense::take(&mut weights, "linear", (self.outputs, self.inputs), self.activation)?, sha256))
    }
}

impl Dense {
    /// Takes a named product out of a weights file.
    pub(crate) fn take(
        weights: &mut Weights,
        name: &str,
        (outputs, inputs): (usize, usize),
        activation: Activation,
    ) -> Result<Dense, ModelError> {
        let matrix = weights.matrix(&format!("{name}.weight"), outputs, inputs)?;
        let bias = weights.vector(&format!("{name}.bias"), outputs)?;
        Ok(Dense { weights: matrix.t()?.flatten_all()?.to_vec1()?, bias, activation })
    }

    /// Returns the product of a vector.
    pub(crate) fn apply(&self, vector: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.bias.len()];
        for (value, row) in vector.iter().zip(self.weights.chunks_exact(sums.len())) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += value * weight);
        }
        sums.iter_mut().zip(&self.bias).for_each(|(sum, bias)| *sum = self.activation.apply(*sum + bias));
        sums
    }
}
