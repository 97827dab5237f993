//! The families that the model library runs: one text at a time, on any device, in f32.
//!
//! A text alone needs no padding, which two of the families could not be told of. It does not tokenize or pool.

use candle_core::{DType, Device, Module, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::{jina_bert, modernbert, nomic_bert, qwen3};

use crate::error::ModelError;
use crate::family::Settings;
use crate::tokenizer::Tokens;
use crate::weights::Weights;

/// One transformer of the model library.
pub(crate) struct LibraryModel {
    runner: Runner,
    device: Device,
}

enum Runner {
    ModernBert(modernbert::ModernBert),
    NomicBert(nomic_bert::NomicBertModel),
    JinaBert(jina_bert::BertModel),
    /// It keeps what it has read, so every text is given to a fresh clone, which shares the weights.
    Qwen3(qwen3::Model),
}

impl LibraryModel {
    /// Loads the transformer from weights that lie on the device.
    pub(crate) fn load(weights: Weights, settings: &Settings, device: &Device) -> Result<LibraryModel, ModelError> {
        let variables = VarBuilder::from_tensors(weights.into_tensors(), DType::F32, device);
        let runner = match settings {
            Settings::Bert(_) => unreachable!("BERT has a runner of our own"),
            Settings::ModernBert(config) => Runner::ModernBert(modernbert::ModernBert::load(variables, config)?),
            Settings::NomicBert(config) => Runner::NomicBert(nomic_bert::NomicBertModel::load(variables, config)?),
            Settings::JinaBert(config) => Runner::JinaBert(jina_bert::BertModel::new(variables, config)?),
            Settings::Qwen3(config) => Runner::Qwen3(qwen3::Model::new(config, variables)?),
        };
        Ok(LibraryModel { runner, device: device.clone() })
    }

    /// Returns the name for logs.
    pub(crate) fn kernels(&self) -> &'static str {
        if self.device.is_cuda() { "library_cuda" } else { "library" }
    }

    /// Returns one row of hidden values a token, in the order of the texts and their tokens.
    pub(crate) fn forward(&self, texts: &[&Tokens]) -> Result<Vec<f32>, ModelError> {
        let mut rows = Vec::new();
        for text in texts {
            let ids = Tensor::new(text.ids.as_slice(), &self.device)?.unsqueeze(0)?;
            let output = match &self.runner {
                Runner::ModernBert(model) => model.forward(&ids, &ids.ones_like()?)?,
                Runner::NomicBert(model) => model.forward(&ids, None, None)?,
                Runner::JinaBert(model) => model.forward(&ids)?,
                Runner::Qwen3(model) => model.clone().forward(&ids, 0)?,
            };
            rows.extend(output.flatten_all()?.to_vec1::<f32>()?);
        }
        Ok(rows)
    }
}
