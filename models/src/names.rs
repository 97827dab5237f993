//! Tensor names: what families call the parts that BERT has too.
//!
//! It does not look at the tensors.

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

/// Returns a name without the prefix that stands for the model itself.
pub(crate) fn bare_name(name: &str) -> &str {
    PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Returns BERT's name of a tensor of BERT or DistilBERT.
pub(crate) fn bert_name(name: &str) -> String {
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
        assert_eq!(name("transformer.layer.0.other"), "transformer.layer.0.other");
    }
}
