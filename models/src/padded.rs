//! The BERT encoder on a GPU: batches of texts of like length, each filled up to the longest, in f32 or bf16.
//!
//! What a text's rows become is computed there as far as that shortens the way back: the first row, or the mean. In bf16 all
//! that is between products is bf16 too, where the CPU keeps f32.
//!
//! Candle's own BERT was the other way; in bf16 its mask is infinite, and zero times that is not a number.
//!
//! It does not tokenize. Tests run it on the CPU, as the yardstick for the packed encoder.

use std::ops::Range;

use candle_core::{DType, Module, Tensor};
use candle_nn::LayerNorm;

use crate::bert::{Reads, text_rows};
use crate::error::ModelError;
use crate::family::BertConfig;
use crate::padded_layer::{PaddedLayer, PaddedLoader};
use crate::precision::Precision;
use crate::tokenizer::Tokens;
use crate::weights::Weights;

/// What is added to the score of a place that holds no token. Chosen so that e to its power is zero and bf16 can hold it.
const NO_TOKEN: f32 = -1e30;

/// Holds the weights of one BERT encoder on a device.
pub(crate) struct PaddedBert {
    words: Tensor,
    positions: Tensor,
    types: Tensor,
    norm: LayerNorm,
    layers: Vec<PaddedLayer>,
    padding: u32,
    reads: Reads,
}

impl PaddedBert {
    /// Loads the encoder from weights on their device, whose table of positions has so many rows. Int8 is not computed.
    pub(crate) fn load(
        weights: &mut Weights,
        config: &BertConfig,
        positions: usize,
        precision: Precision,
        reads: Reads,
    ) -> Result<PaddedBert, ModelError> {
        let dtype = match precision {
            Precision::F32 => DType::F32,
            Precision::Bf16 => DType::BF16,
            Precision::Int8 => {
                let found = precision.name().to_string();
                return Err(ModelError::Unsupported { part: "precision on a gpu", found, supported: "f32 and bf16" });
            }
        };
        let mut loader = PaddedLoader { weights, config, dtype };
        let words = loader.table("word", config.vocab_size)?;
        let positions = loader.table("position", positions)?;
        let types = loader.table("token_type", config.type_vocab_size)?;
        let norm = loader.norm("embeddings.LayerNorm")?;
        let layers = (0..config.num_hidden_layers).map(|index| PaddedLayer::load(&mut loader, index));
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(PaddedBert { words, positions, types, norm, layers, padding: config.pad_token_id, reads })
    }

    /// Returns the name for logs.
    pub(crate) fn kernels(&self) -> &'static str {
        if self.words.dtype() == DType::F32 { "cuda" } else { "cuda_bf16" }
    }

    /// Returns rows of hidden values, in the order of the texts: one a token, or one a text if that is all that is read.
    pub(crate) fn forward(&self, texts: &[&Tokens]) -> Result<Vec<f32>, ModelError> {
        let batch = Padded { texts, longest: texts.iter().map(|text| text.ids.len()).max().unwrap_or(0) };
        let mask = batch.fill(|text, at| if at < text.ids.len() { 0.0 } else { NO_TOKEN });
        let mask = Tensor::from_vec(mask, (texts.len(), 1, 1, batch.longest), self.words.device())?;
        let mask = mask.to_dtype(self.words.dtype())?;
        let mut state = self.embed(&batch)?;
        for layer in &self.layers {
            state = layer.forward(&state, &mask)?;
        }
        self.read(&batch, &state)
    }

    /// Returns which of the rows of [`PaddedBert::forward`] are each text's.
    pub(crate) fn output_rows(&self, texts: &[&Tokens]) -> Vec<Range<usize>> {
        match self.reads {
            Reads::AllRows => text_rows(texts),
            Reads::FirstRow | Reads::Mean => (0..texts.len()).map(|text| text..text + 1).collect(),
        }
    }

    fn embed(&self, batch: &Padded) -> Result<Tensor, ModelError> {
        let types = self.types.dim(0)?;
        let ids = batch.fill(|text, at| text.ids.get(at).copied().unwrap_or(self.padding));
        let kinds = batch.fill(|text, at| u32::from(types > 1 && at >= text.second && at < text.ids.len()));
        let find = |table: &Tensor, numbers: Vec<u32>| -> candle_core::Result<Tensor> {
            let numbers = Tensor::from_vec(numbers, batch.texts.len() * batch.longest, table.device())?;
            table.index_select(&numbers, 0)?.reshape((batch.texts.len(), batch.longest, table.dim(1)?))
        };
        let sum = (find(&self.words, ids)? + find(&self.types, kinds)?)?;
        Ok(self.norm.forward(&sum.broadcast_add(&self.positions.narrow(0, 0, batch.longest)?)?)?)
    }

    /// Brings back what is read of the rows, in one copy.
    fn read(&self, batch: &Padded, state: &Tensor) -> Result<Vec<f32>, ModelError> {
        let rows = match self.reads {
            Reads::AllRows => state.to_dtype(DType::F32)?,
            Reads::FirstRow => state.narrow(1, 0, 1)?.to_dtype(DType::F32)?,
            Reads::Mean => {
                let shares = batch.fill(|text, at| if at < text.ids.len() { 1.0 / text.ids.len() as f32 } else { 0.0 });
                let shares = Tensor::from_vec(shares, (batch.texts.len(), 1, batch.longest), state.device())?;
                shares.matmul(&state.to_dtype(DType::F32)?)?
            }
        };
        let values = rows.flatten_all()?.to_vec1()?;
        Ok(if self.reads == Reads::AllRows { batch.drop_padding(&values) } else { values })
    }
}

/// Texts side by side.
struct Padded<'a> {
    texts: &'a [&'a Tokens],
    longest: usize,
}

impl Padded<'_> {
    /// Returns one value a place, text by text.
    fn fill<T>(&self, value: impl Fn(&Tokens, usize) -> T) -> Vec<T> {
        self.texts.iter().flat_map(|text| (0..self.longest).map(|at| value(text, at))).collect()
    }

    /// Returns the rows of places that hold a token.
    fn drop_padding(&self, values: &[f32]) -> Vec<f32> {
        let hidden = values.len() / (self.texts.len() * self.longest);
        let whole = values.chunks_exact(self.longest * hidden);
        whole.zip(self.texts).flat_map(|(rows, text)| &rows[..text.ids.len() * hidden]).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;
    use crate::bert::PackedBert;
    use crate::family::{Architecture, Settings};
    use crate::gemm::Team;
    use crate::room::Room;
    use crate::tiny_model;

    /// Compares with the packed encoder on texts of unlike lengths. Candle multiplies no bf16 on the CPU, so `make cuda`
    /// does that.
    fn check(reads: Reads) {
        let folder = tempfile::tempdir().unwrap();
        tiny_model::write(folder.path());
        let architecture = Architecture::read(&folder.path().join("config.json")).unwrap();
        let Settings::Bert(config) = &architecture.settings else { unreachable!("the tiny model is a BERT") };
        let weights = || Weights::read(&folder.path().join("model.safetensors"), &Device::Cpu).unwrap();
        let positions = architecture.shape.positions;
        let padded = PaddedBert::load(&mut weights(), config, positions, Precision::F32, reads).unwrap();
        let packed = PackedBert::load(&mut weights(), config, positions, Precision::F32, reads).unwrap();
        let mut room = Room::new(1);
        let tokens = |ids: &[u32], second: usize| Tokens { ids: ids.to_vec(), second };
        let texts = [tokens(&[2, 5, 6, 7, 8, 9, 10, 3], 8), tokens(&[2, 3], 2), tokens(&[2, 30, 3, 40, 3], 3)];
        let texts: Vec<&Tokens> = texts.iter().collect();
        let found = padded.forward(&texts).unwrap();
        let expected = packed.forward(&texts, &Team::Alone, &mut room);
        let hidden = config.hidden_size;
        let rows = packed.output_rows(&texts).into_iter().zip(padded.output_rows(&texts));
        for (expected_rows, found_rows) in rows {
            let found = &found[found_rows.start * hidden..found_rows.end * hidden];
            let expected = &expected[expected_rows.start * hidden..expected_rows.end * hidden];
            let mut mean = vec![0.0; hidden];
            crate::pooling::Pooling::Mean.pool(expected, &mut mean);
            let expected = if reads == Reads::Mean { &mean } else { expected };
            assert_eq!(found.len(), expected.len());
            let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-4, "{reads:?} {off}");
        }
    }

    #[test]
    fn padding_changes_no_row() {
        check(Reads::AllRows);
    }

    #[test]
    fn what_is_read_on_the_device_is_what_the_rows_give() {
        check(Reads::FirstRow);
        check(Reads::Mean);
    }
}
