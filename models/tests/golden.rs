//! The default model's vectors against those of sentence-transformers, recorded by `golden.py`.
//!
//! The folder comes from the environment; the Makefile provides it.

use std::path::PathBuf;

use ragstone_models::{Device, Encoder, LoadOptions, Precision, TextKind, verify};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    text: String,
    vector: Vec<f32>,
}

/// Returns the folder of the default model.
pub fn model_folder() -> PathBuf {
    let folder = std::env::var_os("RAGSTONE_TEST_MODEL");
    PathBuf::from(folder.expect(
        "RAGSTONE_TEST_MODEL must name the folder of all-MiniLM-L6-v2; `python3 models/fetch.py DEST` provides it",
    ))
}

fn load(threads: usize) -> Encoder {
    load_with(threads, Precision::F32)
}

fn load_with(threads: usize, precision: Precision) -> Encoder {
    Encoder::load(
        &model_folder(),
        "all-MiniLM-L6-v2",
        &LoadOptions { threads, device: Device::Cpu, precision, dimension: None },
    )
    .unwrap()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("golden/all-MiniLM-L6-v2.json")).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn vectors_are_those_of_sentence_transformers() {
    let encoder = load(2);
    for case in cases() {
        let vector = encoder.encode(&[&case.text], TextKind::Document).unwrap();
        let cosine = cosine(&vector, &case.vector);
        let difference = vector.iter().zip(&case.vector).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(cosine >= 0.9999 && difference < 2e-5, "cosine {cosine}, {difference} off: {:?}", case.text);
    }
}

/// Short precisions keep the direction of a vector, which is all that retrieval asks for.
#[test]
fn short_precisions_stay_close_to_sentence_transformers() {
    for (precision, least, mean) in [(Precision::Bf16, 0.998, 0.999), (Precision::Int8, 0.98, 0.99)] {
        let encoder = load_with(2, precision);
        let cosines: Vec<f32> = cases()
            .iter()
            .map(|case| cosine(&encoder.encode(&[&case.text], TextKind::Document).unwrap(), &case.vector))
            .collect();
        let found = cosines.iter().sum::<f32>() / cosines.len() as f32;
        assert!(found >= mean && cosines.iter().all(|cosine| *cosine >= least), "{} {cosines:?}", precision.name());
    }
}

#[test]
fn the_golden_texts_reach_beyond_the_limit() {
    let tokenizer = load(1).tokenizer();
    let longest = cases().iter().map(|case| tokenizer.count(&case.text)).max();
    assert!(longest > Some(tokenizer.max_tokens()));
    assert_eq!((tokenizer.max_tokens(), tokenizer.document_tokens_max()), (256, 254));
    assert_eq!(tokenizer.count("Who pays for travel?"), 5);
}

#[test]
fn a_text_has_the_same_vector_in_every_batch() {
    let cases = cases();
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let mut texts: Vec<&str> = cases.iter().map(|case| case.text.as_str()).collect();
        let encoder = load_with(2, precision);
        let alone: Vec<Vec<f32>> = texts.iter().map(|text| encoder.encode(&[text], TextKind::Query).unwrap()).collect();
        assert!(encoder.encode(&texts, TextKind::Query).unwrap() == alone.concat(), "{}", precision.name());
        texts.reverse();
        let reversed: Vec<f32> = alone.into_iter().rev().flatten().collect();
        assert!(encoder.encode(&texts, TextKind::Query).unwrap() == reversed, "{}", precision.name());
    }
}

#[test]
fn the_folder_is_what_was_published() {
    assert!(verify(&model_folder()).unwrap() >= 7);
    let encoder = load(1);
    let identity = encoder.identity();
    assert_eq!(identity.weights_sha256, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db");
    assert_eq!((identity.dimension, identity.pooling.as_str(), identity.normalize), (384, "mean", true));
    assert_eq!((identity.query_prefix.as_str(), identity.document_prefix.as_str(), identity.max_tokens), ("", "", 256));
}
