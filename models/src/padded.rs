//! The BERT encoder as Candle's model library has it: padded batches, on any device.
//!
//! It serves GPUs, where padding is cheap, and it is the yardstick for the packed encoder. It does not tokenize or pool.

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::error::ModelError;
use crate::family::BertConfig;
use crate::tokenizer::Tokens;
use crate::weights::Weights;

/// Holds the weights of one BERT encoder on a device.
pub(crate) struct PaddedBert {
    model: BertModel,
    padding: u32,
    types: usize,
}

impl PaddedBert {
    /// Loads the encoder from weights that lie on the device, whose table of positions has so many rows.
    pub(crate) fn load(
        weights: Weights,
        config: &BertConfig,
        positions: usize,
        device: &Device,
    ) -> Result<PaddedBert, ModelError> {
        let variables = VarBuilder::from_tensors(weights.into_tensors(), DType::F32, device);
        let types = config.type_vocab_size;
        let theirs = Config {
            vocab_size: config.vocab_size,
            hidden_size: config.hidden_size,
            num_hidden_layers: config.num_hidden_layers,
            num_attention_heads: config.num_attention_heads,
            intermediate_size: config.intermediate_size,
            max_position_embeddings: positions,
            type_vocab_size: types,
            layer_norm_eps: config.layer_norm_eps,
            ..Config::default()
        };
        Ok(PaddedBert { model: BertModel::load(variables, &theirs)?, padding: config.pad_token_id, types })
    }

    /// Returns one row of hidden values a token, in the order of the texts and their tokens, without the padding's.
    pub(crate) fn forward(&self, texts: &[&Tokens]) -> Result<Vec<f32>, ModelError> {
        let longest = texts.iter().map(|text| text.ids.len()).max().unwrap_or(0);
        let shape = (texts.len(), longest);
        let padded = |fill: &dyn Fn(&Tokens, usize) -> u32| {
            let values: Vec<u32> = texts.iter().flat_map(|text| (0..longest).map(|at| fill(text, at))).collect();
            Tensor::from_vec(values, shape, &self.model.device)
        };
        let ids = padded(&|text, at| text.ids.get(at).copied().unwrap_or(self.padding))?;
        let mask = padded(&|text, at| u32::from(at < text.ids.len()))?;
        let types = padded(&|text, at| u32::from(self.types > 1 && at >= text.second && at < text.ids.len()))?;
        let output = self.model.forward(&ids, &types, Some(&mask))?.to_device(&Device::Cpu)?;
        let rows = texts.iter().enumerate().map(|(number, text)| output.get(number)?.narrow(0, 0, text.ids.len()));
        let rows = rows.collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Tensor::cat(&rows, 0)?.flatten_all()?.to_vec1()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bert::{PackedBert, Reads};
    use crate::family::{Architecture, Settings};
    use crate::gemm::Team;
    use crate::precision::Precision;
    use crate::room::Room;
    use crate::tiny_model;

    #[test]
    fn padding_changes_no_row() {
        let folder = tempfile::tempdir().unwrap();
        tiny_model::write(folder.path());
        let architecture = Architecture::read(&folder.path().join("config.json")).unwrap();
        let Settings::Bert(config) = &architecture.settings else { unreachable!("the tiny model is a BERT") };
        let weights = || Weights::read(&folder.path().join("model.safetensors"), &Device::Cpu).unwrap();
        let positions = architecture.shape.positions;
        let padded = PaddedBert::load(weights(), config, positions, &Device::Cpu).unwrap();
        let packed = PackedBert::load(&mut weights(), config, positions, Precision::F32, Reads::AllRows).unwrap();
        let mut room = Room::new(1);
        let tokens = |ids: &[u32], second: usize| Tokens { ids: ids.to_vec(), second };
        let texts = [tokens(&[2, 5, 6, 7, 8, 9, 10, 3], 8), tokens(&[2, 3], 2), tokens(&[2, 30, 3, 40, 3], 3)];
        let texts: Vec<&Tokens> = texts.iter().collect();
        let (padded, packed) = (padded.forward(&texts).unwrap(), packed.forward(&texts, &Team::Alone, &mut room));
        assert_eq!(padded.len(), packed.len());
        assert!(padded.iter().zip(packed).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
