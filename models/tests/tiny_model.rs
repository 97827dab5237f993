//! Writes a complete model folder with two small layers of random weights. Its tokens are single letters.
//!
//! The weights are the same at every run.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use serde_json::{Value, json};

/// The longest input that the folder allows, special tokens included.
pub const MAX_TOKENS: usize = 48;

/// Writes the folder: mean pooling, normalised, a prefix for queries.
pub fn write(folder: &Path) {
    std::fs::create_dir_all(folder.join("1_Pooling")).unwrap();
    write_modules(folder, &["Transformer", "Pooling", "Normalize"]);
    write_json(folder, "config.json", &config());
    write_json(folder, "sentence_bert_config.json", &json!({"max_seq_length": MAX_TOKENS, "do_lower_case": true}));
    write_json(folder, "config_sentence_transformers.json", &json!({"prompts": {"query": "ask ", "passage": ""}}));
    write_json(folder, "1_Pooling/config.json", &json!({"pooling_mode_mean_tokens": true}));
    write_json(folder, "tokenizer.json", &tokenizer());
    write_weights(folder, &shapes());
}

/// Writes the module chain.
pub fn write_modules(folder: &Path, names: &[&str]) {
    let module = |(index, name): (usize, &&str)| {
        let path = if *name == "Transformer" { String::new() } else { format!("{index}_{name}") };
        json!({"idx": index, "name": index.to_string(), "path": path, "type": format!("sentence_transformers.models.{name}")})
    };
    write_json(folder, "modules.json", &names.iter().enumerate().map(module).collect());
}

/// Writes one JSON file of the folder.
pub fn write_json(folder: &Path, name: &str, value: &Value) {
    std::fs::write(folder.join(name), value.to_string()).unwrap();
}

/// Returns the model's configuration.
pub fn config() -> Value {
    json!({
        "model_type": "bert", "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "initializer_range": 0.02,
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 72,
        "layer_norm_eps": 1e-12, "max_position_embeddings": 64, "pad_token_id": 0, "type_vocab_size": 2,
        "vocab_size": vocabulary().len(),
    })
}

fn vocabulary() -> Vec<String> {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(String::from);
    let letters = || ('a'..='z').map(String::from);
    special.into_iter().chain(letters()).chain(letters().map(|letter| format!("##{letter}"))).collect()
}

/// Truncates and pads to eight tokens, as published folders do for uses that are not ours.
fn tokenizer() -> Value {
    let ids: serde_json::Map<String, Value> =
        vocabulary().into_iter().enumerate().map(|(id, token)| (token, json!(id))).collect();
    let special = |token: &str, id: usize| json!({"id": token, "ids": [id], "tokens": [token]});
    json!({
        "version": "1.0", "added_tokens": [], "decoder": null,
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": {"strategy": {"Fixed": 8}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
            "pad_type_id": 0, "pad_token": "[PAD]"},
        "normalizer": null, "pre_tokenizer": {"type": "BertPreTokenizer"},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": ids},
        "post_processor": {"type": "TemplateProcessing",
            "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "special_tokens": {"[CLS]": special("[CLS]", 2), "[SEP]": special("[SEP]", 3)}},
    })
}

/// Writes a weights file of random tensors, which are the same for the same names and shapes.
pub fn write_weights(folder: &Path, shapes: &BTreeMap<String, Vec<usize>>) {
    let mut state = 1u64;
    let tensors: HashMap<_, _> = shapes.iter().map(|(name, shape)| (name, random(shape, &mut state))).collect();
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
}

fn shapes() -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    for (name, rows) in [("word", vocabulary().len()), ("position", 64), ("token_type", 2)] {
        shapes.insert(format!("embeddings.{name}_embeddings.weight"), vec![rows, 32]);
    }
    let mut with_bias = |name: String, shape: &[usize]| {
        shapes.insert(format!("{name}.weight"), shape.to_vec());
        shapes.insert(format!("{name}.bias"), shape[..1].to_vec());
    };
    with_bias("embeddings.LayerNorm".to_string(), &[32]);
    for layer in 0..2 {
        let at = |name: &str| format!("encoder.layer.{layer}.{name}");
        for part in ["query", "key", "value"] {
            with_bias(at(&format!("attention.self.{part}")), &[32, 32]);
        }
        with_bias(at("attention.output.dense"), &[32, 32]);
        with_bias(at("intermediate.dense"), &[72, 32]);
        with_bias(at("output.dense"), &[32, 72]);
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            with_bias(at(name), &[32]);
        }
    }
    shapes
}

/// Returns values in [-0.5, 0.5), from a linear congruential generator.
fn random(shape: &[usize], state: &mut u64) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 40) as f32 / (1u64 << 24) as f32 - 0.5
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}
