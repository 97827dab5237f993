//! What is found below a root, and what is refused with which reason.

use std::path::Path;

use ragstone_models::{Device, Encoder, LoadOptions, ModelError, Precision, find_model, list_models, verify};
use serde_json::json;

use crate::tiny_model::{self, write_json};

fn tiny(root: &Path, name: &str) -> std::path::PathBuf {
    let folder = root.join(name);
    tiny_model::write(&folder);
    folder
}

/// Spoils a good folder and expects loading to fail with the code.
fn check(spoil: impl FnOnce(&Path), code: &str) {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(root.path(), "tiny");
    spoil(&folder);
    let error = Encoder::load(
        &folder,
        "tiny",
        &LoadOptions { threads: 1, device: Device::Cpu, precision: Precision::F32, dimension: None },
    )
    .err()
    .unwrap();
    assert_eq!(error.code(), code, "{error}");
}

fn with(key: &str, value: serde_json::Value) -> impl FnOnce(&Path) {
    let mut config = tiny_model::config();
    config[key] = value;
    move |folder| write_json(folder, "config.json", &config)
}

#[test]
fn a_folder_that_cannot_be_honoured_is_refused_with_the_reason() {
    for name in ["modules.json", "config.json", "1_Pooling/config.json", "tokenizer.json", "model.safetensors"] {
        check(|folder| std::fs::remove_file(folder.join(name)).unwrap(), "model_file_missing");
        check(|folder| std::fs::write(folder.join(name), "{").unwrap(), "model_file_invalid");
    }
    check(|folder| tiny_model::write_modules(folder, &["Transformer", "Pooling", "Dense"]), "model_file_missing");
    check(|folder| tiny_model::write_modules(folder, &["Pooling"]), "model_unsupported");
    check(with("model_type", json!("mpnet")), "model_unsupported");
    check(with("hidden_act", json!("relu")), "model_unsupported");
    check(with("hidden_size", json!(33)), "model_file_invalid");
    check(with("max_position_embeddings", json!(40)), "model_file_invalid");
    check(with("vocab_size", json!(20)), "model_shape_mismatch");
    check(with("intermediate_size", json!(64)), "model_shape_mismatch");
    check(with("num_hidden_layers", json!(3)), "model_tensor_missing");
    check(
        |folder| write_json(folder, "sentence_bert_config.json", &json!({"max_seq_length": 2})),
        "model_file_invalid",
    );
}

#[test]
fn zero_threads_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let outcome = Encoder::load(
        &tiny(root.path(), "tiny"),
        "tiny",
        &LoadOptions { threads: 0, device: Device::Auto, precision: Precision::F32, dimension: None },
    )
    .err();
    assert_eq!(outcome, Some(ModelError::InvalidOption { option: "threads", found: 0, expected: "at least 1" }));
}

#[test]
fn models_are_found_by_name_and_never_outside_the_root() {
    let root = tempfile::tempdir().unwrap();
    let folder = tiny(&root.path().join("models"), "tiny");
    let models = root.path().join("models");
    assert_eq!(find_model(&models, "tiny"), Some(folder));
    for name in ["", ".", "..", "../models/tiny", "/", "other", "tiny/1_Pooling"] {
        assert_eq!(find_model(&models, name), None, "{name}");
    }
}

#[test]
fn listing_names_each_folder_and_what_is_wrong_with_it() {
    let root = tempfile::tempdir().unwrap();
    tiny(root.path(), "good");
    std::fs::write(tiny(root.path(), "broken").join("config.json"), "{").unwrap();
    std::fs::remove_file(tiny(root.path(), "empty").join("model.safetensors")).unwrap();
    std::fs::write(root.path().join("notes.txt"), "not a model").unwrap();
    let models = list_models(root.path()).unwrap();
    let seen: Vec<_> =
        models.iter().map(|model| (model.name.as_str(), model.dimension, model.problem.is_some())).collect();
    assert_eq!(seen, [("broken", None, true), ("empty", None, true), ("good", Some(32), false)]);
    assert_eq!(list_models(&root.path().join("nowhere")), Ok(Vec::new()));
}

#[test]
fn verifying_finds_a_changed_file() {
    let root = tempfile::tempdir().unwrap();
    let empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    std::fs::write(root.path().join("SHA256SUMS"), format!("{empty_sha256}  weights\n")).unwrap();
    assert_eq!(verify(root.path()).unwrap_err().code(), "model_file_missing");
    std::fs::write(root.path().join("weights"), "").unwrap();
    assert_eq!(verify(root.path()), Ok(1));
    std::fs::write(root.path().join("weights"), "changed").unwrap();
    assert_eq!(verify(root.path()).unwrap_err().code(), "model_hash_mismatch");
}
