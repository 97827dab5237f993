//! Every family against PyTorch, on tiny models whose answers were recorded by `golden_families.py`.

use std::collections::BTreeMap;
use std::path::Path;

use ragstone_models::{Device, Encoder, LoadOptions, ModelError, Precision, TextKind};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::tiny_model;

#[derive(Deserialize)]
pub struct Family {
    name: String,
    pooling: String,
    config: Value,
    tensors: BTreeMap<String, Vec<usize>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    vector: Vec<f32>,
}

pub fn families() -> Vec<Family> {
    serde_json::from_str(include_str!("golden/families.json")).unwrap()
}

pub fn write(folder: &Path, family: &Family) {
    tiny_model::write(folder);
    tiny_model::write_json(folder, "config.json", &family.config);
    tiny_model::write_json(folder, "1_Pooling/config.json", &json!({"pooling_mode": family.pooling}));
    tiny_model::write_weights(folder, &family.tensors);
}

fn load(folder: &Path, threads: usize, precision: Precision) -> Result<Encoder, ModelError> {
    Encoder::load(folder, "tiny", &LoadOptions { threads, device: Device::Cpu, precision, dimension: None })
}

#[test]
fn every_family_gives_the_vectors_of_pytorch() {
    for family in families() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &family);
        let encoder = load(folder.path(), 2, Precision::F32).unwrap();
        let texts: Vec<&str> = family.cases.iter().map(|case| case.text.as_str()).collect();
        let vectors = encoder.encode(&texts, TextKind::Document).unwrap();
        for (case, vector) in family.cases.iter().zip(vectors.chunks_exact(case_width(&family))) {
            let difference = vector.iter().zip(&case.vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(difference < 5e-6, "{}: {difference} off for {:?}", family.name, case.text);
        }
    }
}

fn case_width(family: &Family) -> usize {
    family.cases[0].vector.len()
}

#[test]
fn short_precisions_serve_the_families_of_bert_and_no_others() {
    for family in families() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &family);
        let ours = ["bert", "distilbert", "roberta", "xlm-roberta"].contains(&family.name.as_str());
        match load(folder.path(), 1, Precision::Int8) {
            Ok(_) => assert!(ours, "{}", family.name),
            Err(error) => assert!(!ours && error.code() == "model_unsupported", "{} {error}", family.name),
        }
    }
}

/// Spoils the configuration of a family and expects loading to fail with the code.
fn check(name: &str, key: &str, value: Value, code: &str) {
    let mut family = families().into_iter().find(|family| family.name == name).unwrap();
    family.config[key] = value;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &family);
    let error = load(folder.path(), 1, Precision::F32).err().unwrap();
    assert_eq!(error.code(), code, "{name} {key}: {error}");
}

#[test]
fn what_a_family_cannot_honour_is_refused() {
    check("bert", "position_embedding_type", json!("relative_key"), "model_unsupported");
    check("distilbert", "activation", json!("relu"), "model_unsupported");
    check("distilbert", "n_heads", json!(0), "model_file_invalid");
    check("xlm-roberta", "pad_token_id", json!(4_000_000_000u32), "model_file_invalid");
    check("xlm-roberta", "pad_token_id", json!(60), "model_file_invalid");
    check("modernbert", "global_attn_every_n_layers", json!(0), "model_unsupported");
    check("modernbert", "max_position_embeddings", json!(1u64 << 40), "model_file_invalid");
    check("modernbert", "num_hidden_layers", json!(1u64 << 40), "model_file_invalid");
    check("nomic_bert", "rotary_scaling_factor", json!(2.0), "model_unsupported");
    check("nomic_bert", "n_embd", Value::Null, "model_file_invalid");
    check("jina_bert", "auto_map", json!({"AutoModel": "jina-bert-v2-qk-post-norm--m"}), "model_unsupported");
    check("qwen3", "num_key_value_heads", json!(0), "model_unsupported");
    check("qwen3", "use_sliding_window", json!(true), "model_unsupported");
    check("qwen3", "vocab_size", json!(1u64 << 40), "model_file_invalid");
    check("bert", "model_type", json!("t5"), "model_unsupported");
}

#[test]
fn a_configuration_cannot_make_the_loader_set_aside_what_the_weights_do_not_fill() {
    check("bert", "intermediate_size", json!(1 << 20), "model_shape_mismatch");
    check("bert", "num_hidden_layers", json!(512), "model_tensor_missing");
    check("qwen3", "head_dim", json!(1 << 20), "model_file_invalid");
    check("nomic_bert", "rotary_emb_fraction", json!(1e9), "model_unsupported");
    check("jina_bert", "num_attention_heads", json!(1 << 19), "model_file_invalid");
    let folder = tempfile::tempdir().unwrap();
    let mut family = families().into_iter().find(|family| family.name == "jina_bert").unwrap();
    family.config["max_position_embeddings"] = json!(100_000);
    write(folder.path(), &family);
    std::fs::remove_file(folder.path().join("sentence_bert_config.json")).unwrap();
    assert_eq!(load(folder.path(), 1, Precision::F32).err().unwrap().code(), "model_unsupported");
}
