//! The BERT encoder as Candle's model library has it: padded batches, on any device.
//!
//! It serves GPUs, where padding is cheap, and it is the yardstick for the packed encoder. It does not tokenize or pool.

use candle_core::{Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::error::ModelError;
use crate::weights::Weights;

/// Holds the weights of one BERT encoder on a device.
pub(crate) struct PaddedBert {
    model: BertModel,
    padding: u32,
}

impl PaddedBert {
    /// Loads the encoder from weights that lie on the device.
    pub(crate) fn load(weights: Weights, config: &Config, device: &Device) -> Result<PaddedBert, ModelError> {
        let variables = VarBuilder::from_tensors(weights.into_tensors(), candle_core::DType::F32, device);
        Ok(PaddedBert { model: BertModel::load(variables, config)?, padding: config.pad_token_id as u32 })
    }

    /// Returns one row of hidden values a token, in the order of the texts and their tokens, without the padding's.
    pub(crate) fn forward(&self, texts: &[&[u32]]) -> Result<Vec<f32>, ModelError> {
        let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let mut ids = Vec::with_capacity(texts.len() * longest);
        let mut mask = Vec::with_capacity(texts.len() * longest);
        for (number, text) in texts.iter().enumerate() {
            ids.extend_from_slice(text);
            ids.resize((number + 1) * longest, self.padding);
            mask.resize(number * longest + text.len(), 1u32);
            mask.resize((number + 1) * longest, 0u32);
        }
        let shape = (texts.len(), longest);
        let ids = Tensor::from_vec(ids, shape, &self.model.device)?;
        let mask = Tensor::from_vec(mask, shape, &self.model.device)?;
        let output = self.model.forward(&ids, &ids.zeros_like()?, Some(&mask))?.to_device(&Device::Cpu)?;
        let rows = texts.iter().enumerate().map(|(number, text)| output.get(number)?.narrow(0, 0, text.len()));
        let rows = rows.collect::<candle_core::Result<Vec<_>>>()?;
        Ok(Tensor::cat(&rows, 0)?.flatten_all()?.to_vec1()?)
    }
}

#[cfg(test)]
mod tests {
    use candle_transformers::models::bert::Config;

    use super::*;
    use crate::bert::PackedBert;
    use crate::gemm::Team;
    use crate::precision::Precision;
    use crate::room::Room;
    use crate::tiny_model;

    #[test]
    fn padding_changes_no_row() {
        let folder = tempfile::tempdir().unwrap();
        tiny_model::write(folder.path());
        let config: Config = serde_json::from_value(tiny_model::config()).unwrap();
        let weights = || Weights::read(&folder.path().join("model.safetensors"), &Device::Cpu).unwrap();
        let padded = PaddedBert::load(weights(), &config, &Device::Cpu).unwrap();
        let packed = PackedBert::load(weights(), &config, Precision::F32).unwrap();
        let mut room = Room::new(1);
        let texts: [&[u32]; 3] = [&[2, 5, 6, 7, 8, 9, 10, 3], &[2, 3], &[2, 30, 40, 3]];
        let (padded, packed) = (padded.forward(&texts).unwrap(), packed.forward(&texts, &Team::Alone, &mut room));
        assert_eq!(padded.len(), packed.len());
        assert!(padded.iter().zip(packed).all(|(a, b)| (a - b).abs() < 1e-4));
    }
}
