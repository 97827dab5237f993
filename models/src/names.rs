//! Brings the weights of a family to the names and tables that its runner reads.
//!
//! It does not compute with them.

use candle_core::Tensor;

use crate::error::ModelError;
use crate::family::{Architecture, BertConfig, Settings};
use crate::weights::Weights;

/// What a file may put before every name.
const PREFIXES: [&str; 5] = ["bert.", "roberta.", "distilbert.", "nomic_bert.", "model."];

/// DistilBERT's names of a layer's parts, and BERT's.
const PARTS: [(&str, &str); 8] = [
    ("attention.q_lin", "attention.self.query"),
    ("attention.k_lin", "attention.self.key"),
    ("attention.v_lin", "attention.self.value"),
    ("attention.out_lin", "attention.output.dense"),
    ("sa_layer_norm", "attention.output.LayerNorm"),
    ("ffn.lin1", "intermediate.dense"),
    ("ffn.lin2", "output.dense"),
    ("output_layer_norm", "output.LayerNorm"),
];

impl Architecture {
    /// Brings the names and tables of a weights file to what the family's runner reads.
    pub(crate) fn prepare(&self, weights: &mut Weights) -> Result<(), ModelError> {
        match &self.settings {
            Settings::Bert(config) => {
                weights.rename(|name| bert_name(bare_name(name)));
                self.cut_tables(config, weights)?;
            }
            Settings::ModernBert(_) | Settings::Qwen3(_) => weights.rename(|name| format!("model.{}", bare_name(name))),
            Settings::NomicBert(_) | Settings::JinaBert(_) => weights.rename(|name| bare_name(name).to_string()),
        }
        Ok(())
    }

    /// Drops positions that no token has, and adds the one type of a family that has no table of types.
    fn cut_tables(&self, config: &BertConfig, weights: &mut Weights) -> Result<(), ModelError> {
        const POSITIONS: &str = "embeddings.position_embeddings.weight";
        const TYPES: &str = "embeddings.token_type_embeddings.weight";
        let (rows, columns) = (config.max_position_embeddings, config.hidden_size);
        let table = weights.matrix(POSITIONS, rows, columns)?;
        let used = table.narrow(0, rows - self.shape.positions, self.shape.positions)?;
        weights.put(POSITIONS, used.contiguous()?);
        if self.family == "distilbert" {
            weights.put(TYPES, Tensor::zeros((1, columns), table.dtype(), table.device())?);
        }
        Ok(())
    }
}

/// Returns a name without the prefix that stands for the model itself.
fn bare_name(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Returns BERT's name of a tensor of BERT or DistilBERT, also where the file has the older names of a normalisation.
fn bert_name(name: &str) -> String {
    let name = &name.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias");
    let Some(rest) = name.strip_prefix("transformer.layer.") else { return name.to_string() };
    let named = PARTS.iter().find_map(|(theirs, berts)| {
        let (layer, part) = rest.split_once('.')?;
        let end = part.strip_prefix(theirs)?;
        Some(format!("encoder.layer.{layer}.{berts}{end}"))
    });
    named.unwrap_or_else(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distilbert_speaks_of_the_parts_of_bert() {
        let name = |name| bert_name(bare_name(name));
        assert_eq!(name("distilbert.transformer.layer.4.ffn.lin2.bias"), "encoder.layer.4.output.dense.bias");
        assert_eq!(
            name("transformer.layer.0.sa_layer_norm.weight"),
            "encoder.layer.0.attention.output.LayerNorm.weight"
        );
        assert_eq!(name("roberta.encoder.layer.1.output.dense.bias"), "encoder.layer.1.output.dense.bias");
        assert_eq!(name("bert.embeddings.LayerNorm.gamma"), "embeddings.LayerNorm.weight");
        assert_eq!(name("transformer.layer.0.other"), "transformer.layer.0.other");
    }
}
