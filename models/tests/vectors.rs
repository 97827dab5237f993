//! What becomes of pooled rows: `Dense` modules, fewer dimensions, and the prompts of queries and documents.

use std::collections::BTreeMap;
use std::path::Path;

use ragstone_models::{Device, Encoder, LoadOptions, ModelError, Precision, TextKind};
use serde_json::{Value, json};

use crate::tiny_model::{self, write_json};

fn load(folder: &Path, dimension: Option<usize>) -> Result<Encoder, ModelError> {
    let options = LoadOptions { threads: 1, device: Device::Cpu, precision: Precision::F32, dimension };
    Encoder::load(folder, "tiny", &options)
}

fn tiny(modules: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(folder.path());
    tiny_model::write_modules(folder.path(), modules);
    folder
}

fn write_dense(folder: &Path, name: &str, config: &Value) {
    std::fs::create_dir_all(folder.join(name)).unwrap();
    write_json(folder, &format!("{name}/config.json"), config);
    let size = |key: &str| config[key].as_u64().unwrap() as usize;
    let shape = vec![size("out_features"), size("in_features")];
    let bias = ("linear.bias".to_string(), shape[..1].to_vec());
    let shapes = BTreeMap::from([bias, ("linear.weight".to_string(), shape)]);
    tiny_model::write_weights(&folder.join(name), &shapes);
}

fn vector(encoder: &Encoder, text: &str, kind: TextKind) -> Vec<f32> {
    encoder.encode(&[text], kind).unwrap()
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

#[test]
fn dense_modules_are_applied_in_their_order() {
    let raw = tiny(&["Transformer", "Pooling"]);
    let pooled = vector(&load(raw.path(), None).unwrap(), "abc", TextKind::Document);
    let folder = tiny(&["Transformer", "Pooling", "Dense", "Dense"]);
    let config = |inputs: usize, outputs: usize, activation: &str| {
        json!({"in_features": inputs, "out_features": outputs, "bias": true,
            "activation_function": format!("torch.nn.modules.activation.{activation}")})
    };
    write_dense(folder.path(), "2_Dense", &config(32, 24, "Tanh"));
    write_dense(folder.path(), "3_Dense", &config(24, 5, "ReLU"));
    let product = |module: &str, vector: &[f32], activate: fn(f32) -> f32| -> Vec<f32> {
        let path = folder.path().join(module).join("model.safetensors");
        let tensors = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
        let rows: Vec<Vec<f32>> = tensors["linear.weight"].to_vec2().unwrap();
        let bias: Vec<f32> = tensors["linear.bias"].to_vec1().unwrap();
        let dot = |row: &Vec<f32>| row.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
        rows.iter().zip(bias).map(|(row, bias)| activate(dot(row) + bias)).collect()
    };
    let expected = product("3_Dense", &product("2_Dense", &pooled, f32::tanh), |value| value.max(0.0));
    let encoder = load(folder.path(), None).unwrap();
    let found = vector(&encoder, "abc", TextKind::Document);
    assert_eq!((encoder.identity().dimension, found.len()), (5, 5));
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {expected:?}");
    assert_ne!(encoder.identity().revision, load(raw.path(), None).unwrap().identity().revision);
}

#[test]
fn a_dense_module_that_cannot_be_honoured_is_refused() {
    let check = |key: &str, value: Value, code: &str| {
        let folder = tiny(&["Transformer", "Pooling", "Dense"]);
        let mut config = json!({"in_features": 32, "out_features": 8, "activation_function": "torch.nn.Identity"});
        write_dense(folder.path(), "2_Dense", &config);
        assert!(load(folder.path(), None).is_ok());
        config[key] = value;
        write_json(folder.path(), "2_Dense/config.json", &config);
        assert_eq!(load(folder.path(), None).err().unwrap().code(), code, "{key}");
    };
    check("in_features", json!(31), "model_file_invalid");
    check("out_features", json!(9), "model_shape_mismatch");
    check("out_features", json!(1u64 << 40), "model_file_invalid");
    check("activation_function", json!("subprocess.Popen"), "model_unsupported");
    check("use_residual", json!(true), "model_unsupported");
    check("module_input_name", json!("token_embeddings"), "model_unsupported");
    let folder = tiny(&["Transformer", "Pooling", "Dense"]);
    let path = json!([{"path": "", "type": "m.Transformer"}, {"path": "../1_Pooling", "type": "m.Pooling"}]);
    write_json(folder.path(), "modules.json", &path);
    assert_eq!(load(folder.path(), None).err().unwrap().code(), "model_unsupported");
}

#[test]
fn a_cut_vector_has_length_one_again() {
    let folder = tiny(&["Transformer", "Pooling", "Normalize"]);
    let whole = vector(&load(folder.path(), None).unwrap(), "abc", TextKind::Document);
    let check = |encoder: Encoder| {
        let cut = vector(&encoder, "abc", TextKind::Document);
        assert_eq!((encoder.identity().dimension, cut.len()), (8, 8));
        assert!((length(&cut) - 1.0).abs() < 1e-6);
        let scale = length(&whole[..8]);
        assert!(cut.iter().zip(&whole).all(|(a, b)| (a - b / scale).abs() < 1e-6));
    };
    check(load(folder.path(), Some(8)).unwrap());
    let shared = load(folder.path(), None).unwrap();
    check(shared.cut(8).unwrap());
    assert_eq!(shared.cut(8).unwrap().cut(32).unwrap().identity(), shared.identity(), "it is cut from the whole");
    assert_eq!([0, 33].map(|dimension| shared.cut(dimension).err().unwrap().code()), ["model_option_invalid"; 2]);
    write_json(folder.path(), "config_sentence_transformers.json", &json!({"truncate_dim": 8}));
    check(load(folder.path(), None).unwrap());
    for dimension in [0, 33] {
        write_json(folder.path(), "config_sentence_transformers.json", &json!({}));
        let refused = load(folder.path(), Some(dimension)).err().unwrap();
        assert_eq!(refused.code(), "model_option_invalid");
        write_json(folder.path(), "config_sentence_transformers.json", &json!({"truncate_dim": dimension}));
        assert_eq!(load(folder.path(), None).err().unwrap().code(), "model_file_invalid");
    }
}

#[test]
fn the_default_prompt_stands_where_no_other_is_named() {
    let folder = tiny(&["Transformer", "Pooling"]);
    let check = |prompts: Value, query: &str, document: &str| {
        write_json(folder.path(), "config_sentence_transformers.json", &prompts);
        let identity = load(folder.path(), None).unwrap().identity().clone();
        assert_eq!((identity.query_prefix.as_str(), identity.document_prefix.as_str()), (query, document));
    };
    check(json!({"prompts": {"query": "q: ", "corpus": "d: "}}), "q: ", "d: ");
    check(json!({"prompts": {"query": "q: ", "web": "w: "}, "default_prompt_name": "web"}), "q: ", "w: ");
    check(json!({"prompts": {"query": "", "web": "w: "}, "default_prompt_name": "web"}), "", "w: ");
    check(json!({"prompts": {"web": "w: "}, "default_prompt_name": null}), "", "");
}

#[test]
fn the_limit_comes_from_the_tokenizer_where_the_model_names_none() {
    let folder = tiny(&["Transformer", "Pooling"]);
    let limit = || load(folder.path(), None).unwrap().tokenizer().max_tokens();
    std::fs::remove_file(folder.path().join("sentence_bert_config.json")).unwrap();
    assert_eq!(limit(), 64);
    write_json(folder.path(), "tokenizer_config.json", &json!({"model_max_length": 32}));
    assert_eq!(limit(), 32);
    write_json(folder.path(), "tokenizer_config.json", &json!({"model_max_length": 1e30}));
    assert_eq!(limit(), 64);
}

#[test]
fn weights_in_other_formats_are_refused_by_name() {
    for name in ["pytorch_model.bin", "model.safetensors.index.json"] {
        let folder = tiny(&["Transformer", "Pooling"]);
        std::fs::rename(folder.path().join("model.safetensors"), folder.path().join(name)).unwrap();
        let error = load(folder.path(), None).err().unwrap();
        assert!(error.code() == "model_unsupported" && error.to_string().contains(name), "{error}");
    }
}

/// The last layer of such a model works on first rows only.
#[test]
fn a_first_row_is_the_same_beside_any_others() {
    let folder = tiny(&["Transformer", "Pooling"]);
    let texts: Vec<String> = crate::encoding::texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    write_json(folder.path(), "1_Pooling/config.json", &json!({"pooling_mode": "cls"}));
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let options = LoadOptions { threads: 2, device: Device::Cpu, precision, dimension: None };
        let encoder = Encoder::load(folder.path(), "tiny", &options).unwrap();
        let together = encoder.encode(&texts, TextKind::Document).unwrap();
        for (text, expected) in texts.iter().zip(together.chunks_exact(32)) {
            assert!(vector(&encoder, text, TextKind::Document) == expected, "{} {text}", precision.name());
        }
    }
}
