//! What an encoder promises, on the tiny model.

use std::path::Path;

use candle_core::{DType, Device as CandleDevice, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;
use ragstone_models::{Device, Encoder, Identity, LoadOptions, Precision, TextKind};
use serde_json::json;

use crate::tiny_model;

const DIMENSION: usize = 32;

pub fn load(folder: &Path, threads: usize) -> Encoder {
    load_with(folder, threads, Precision::F32)
}

fn load_with(folder: &Path, threads: usize, precision: Precision) -> Encoder {
    Encoder::load(folder, "tiny", &LoadOptions { threads, device: Device::Cpu, precision, dimension: None }).unwrap()
}

fn tiny() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(folder.path());
    folder
}

/// Texts of all lengths from nothing to beyond the limit.
pub fn texts() -> Vec<String> {
    (0..70).map(|length| (0..length).map(|i| (b'a' + (i * 7 + length) as u8 % 26) as char).collect()).collect()
}

fn borrow(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// Runs one text through the model library's own BERT, with pooling and normalisation spelled out.
fn reference(folder: &Path, ids: &[u32]) -> Vec<f32> {
    let tensors = candle_core::safetensors::load(folder.join("model.safetensors"), &CandleDevice::Cpu).unwrap();
    let variables = VarBuilder::from_tensors(tensors, DType::F32, &CandleDevice::Cpu);
    let config = serde_json::from_value(tiny_model::config()).unwrap();
    let ids = Tensor::new(ids, &CandleDevice::Cpu).unwrap().unsqueeze(0).unwrap();
    let model = BertModel::load(variables, &config).unwrap();
    let rows = model.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap();
    let mean: Vec<f32> = rows.mean(1).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
    let length = mean.iter().map(|value| value * value).sum::<f32>().sqrt();
    mean.iter().map(|value| value / length).collect()
}

#[test]
fn vectors_equal_those_of_the_model_library() {
    let folder = tiny();
    let encoder = load(folder.path(), 2);
    let texts = ["abc", "hello world", "", "z"];
    let ids: [&[u32]; 4] = [&[2, 5, 32, 33, 3], &[2, 12, 35, 42, 42, 45, 27, 45, 48, 42, 34, 3], &[2, 3], &[2, 30, 3]];
    let vectors = encoder.encode(&texts, TextKind::Document).unwrap();
    for (vector, ids) in vectors.chunks_exact(DIMENSION).zip(ids) {
        let expected = reference(folder.path(), ids);
        let difference = vector.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-4, "{difference} off for {ids:?}");
    }
}

#[test]
fn a_text_has_the_same_vector_in_every_batch_and_on_every_thread_count() {
    let folder = tiny();
    let texts = texts();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let encoder = load_with(folder.path(), 1, precision);
        let alone: Vec<f32> =
            texts.iter().flat_map(|text| encoder.encode(&[text], TextKind::Document).unwrap()).collect();
        for threads in [1, 2, 3] {
            let encoder = load_with(folder.path(), threads, precision);
            let together = encoder.encode(&borrow(&texts), TextKind::Document).unwrap();
            assert!(together == alone, "{} vectors differ with {threads} threads", precision.name());
            let shared: Vec<f32> =
                texts.iter().flat_map(|text| encoder.encode(&[text], TextKind::Document).unwrap()).collect();
            assert!(shared == alone, "{} vectors differ shared by {threads} threads", precision.name());
        }
    }
}

#[test]
fn a_precision_is_part_of_the_identity_and_f32_leaves_no_trace() {
    let folder = tiny();
    let identity = |precision| load_with(folder.path(), 1, precision).identity().clone();
    let (f32, bf16) = (identity(Precision::F32), identity(Precision::Bf16));
    assert_ne!(f32, bf16);
    assert_eq!(serde_json::to_value(&f32).unwrap().get("precision"), None);
    assert_eq!(serde_json::to_value(&bf16).unwrap()["precision"], json!("bf16"));
    let read =
        |identity: &Identity| -> Identity { serde_json::from_value(serde_json::to_value(identity).unwrap()).unwrap() };
    assert_eq!([read(&f32), read(&bf16)], [f32, bf16]);
}

#[test]
fn no_texts_give_no_vectors() {
    let folder = tiny();
    assert_eq!(load(folder.path(), 2).encode(&[], TextKind::Query), Ok(Vec::new()));
}

#[test]
fn a_query_gets_its_prefix_and_a_document_its_own() {
    let folder = tiny();
    let encoder = load(folder.path(), 1);
    let query = encoder.encode(&["abc"], TextKind::Query).unwrap();
    assert_eq!(query, encoder.encode(&["ask abc"], TextKind::Document).unwrap());
    assert_ne!(query, encoder.encode(&["abc"], TextKind::Document).unwrap());
}

#[test]
fn case_is_dropped_when_the_folder_says_so() {
    let folder = tiny();
    let encoder = load(folder.path(), 1);
    assert_eq!(encoder.encode(&["ABC"], TextKind::Document), encoder.encode(&["abc"], TextKind::Document));
    tiny_model::write_json(folder.path(), "sentence_bert_config.json", &json!({"max_seq_length": 48}));
    let exact = load(folder.path(), 1);
    assert_ne!(exact.encode(&["ABC"], TextKind::Document), exact.encode(&["abc"], TextKind::Document));
    assert_ne!(exact.identity().revision, encoder.identity().revision);
}

#[test]
fn text_beyond_the_limit_is_cut_but_counted() {
    let folder = tiny();
    let encoder = load(folder.path(), 1);
    let tokenizer = encoder.tokenizer();
    let fits = "a".repeat(tokenizer.document_tokens_max());
    let longer = format!("{fits}bcd");
    assert_eq!(tokenizer.max_tokens(), tiny_model::MAX_TOKENS);
    assert_eq!(tokenizer.document_tokens_max(), tiny_model::MAX_TOKENS - 2);
    assert_eq!(tokenizer.count(&longer), fits.len() + 3);
    let vector = |text: &str| encoder.encode(&[text], TextKind::Document).unwrap();
    assert_eq!(vector(&fits), vector(&longer));
    assert_ne!(vector(&fits), vector(&fits[1..]));
}

#[test]
fn vectors_have_length_one_only_if_the_folder_normalises() {
    let folder = tiny();
    let length = |encoder: &Encoder| -> f32 {
        let vector = encoder.encode(&["abc"], TextKind::Document).unwrap();
        vector.iter().map(|value| value * value).sum::<f32>().sqrt()
    };
    assert!((length(&load(folder.path(), 1)) - 1.0).abs() < 1e-6);
    tiny_model::write_modules(folder.path(), &["Transformer", "Pooling"]);
    let raw = load(folder.path(), 1);
    assert!(!raw.identity().normalize && (length(&raw) - 1.0).abs() > 1e-3);
}
