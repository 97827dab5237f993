//! On a GPU: its vectors and scores are those of the CPU. Without one: the automatic choice is the CPU. Built with the
//! feature `cuda` only, by `make cuda`.

use std::path::Path;

use ragstone_models::{Device, Encoder, LoadOptions, ModelError, Precision, Reranker, TextKind};

use crate::encoding::texts;
use crate::golden::model_folder;
use crate::{families, reranking, tiny_model};

/// Least cosine of a vector with the same one of the other device; sums differ in their order only.
const COSINE_MIN: f32 = 0.9999;
/// The same in bf16, which has eight bits for a number.
const BF16_COSINE_MIN: f32 = 0.995;
/// Most that a score may differ by; it is no cosine, so all rounding shows.
const SCORE_OFF_MAX: f32 = 1e-3;

fn options(device: Device, precision: Precision) -> LoadOptions {
    LoadOptions { threads: 2, device, precision, dimension: None }
}

/// Returns what loading gives, or `None` where there is no GPU. Any other error is one.
fn on_gpu<T>(loaded: Result<T, ModelError>) -> Option<T> {
    match loaded {
        Err(ModelError::DeviceMissing { detail, .. }) => {
            eprintln!("no GPU: {detail}");
            None
        }
        loaded => Some(loaded.unwrap()),
    }
}

fn check(folder: &Path, texts: &[String], precision: Precision, cosine_min: f32) {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let load = |device, precision| Encoder::load(folder, "model", &options(device, precision));
    let vectors = |encoder: &Encoder| encoder.encode(&texts, TextKind::Document).unwrap();
    let chosen = load(Device::Auto, precision).unwrap();
    let Some(gpu) = on_gpu(load(Device::Cuda, precision)) else {
        let cpu = load(Device::Cpu, precision).unwrap();
        assert_eq!(vectors(&cpu), vectors(&chosen), "the CPU is chosen where there is no GPU");
        return;
    };
    let dimension = gpu.identity().dimension;
    let found = vectors(&gpu);
    assert_eq!(found, vectors(&chosen), "the GPU is chosen where there is one");
    let expected = vectors(&load(Device::Cpu, Precision::F32).unwrap());
    for (at, (a, b)) in expected.chunks(dimension).zip(found.chunks(dimension)).enumerate() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        assert!(cosine >= cosine_min, "text {at}: {cosine}");
    }
}

#[test]
fn vectors_of_the_gpu_are_those_of_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(folder.path());
    let words = texts().into_iter().filter(|text| text.len() > 5);
    let words: Vec<String> = words.map(|text| format!("who pays for {text}?").repeat(9)).collect();
    for (precision, cosine_min) in [(Precision::F32, COSINE_MIN), (Precision::Bf16, BF16_COSINE_MIN)] {
        check(folder.path(), &texts(), precision, cosine_min);
        check(&model_folder(), &words, precision, cosine_min);
    }
}

#[test]
fn every_family_runs_on_the_gpu() {
    for family in families::families() {
        let folder = tempfile::tempdir().unwrap();
        families::write(folder.path(), &family);
        check(folder.path(), &texts(), Precision::F32, COSINE_MIN);
    }
}

#[test]
fn scores_of_the_gpu_are_those_of_the_cpu() {
    for model in reranking::models() {
        let folder = tempfile::tempdir().unwrap();
        reranking::write(folder.path(), &model);
        let load = |device| Reranker::load(folder.path(), "model", &options(device, Precision::F32));
        let texts = texts();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let scores = |reranker: Reranker| reranker.scores("who pays", &texts, None).unwrap();
        let expected = scores(load(Device::Cpu).unwrap());
        let chosen = scores(on_gpu(load(Device::Cuda)).unwrap_or_else(|| load(Device::Auto).unwrap()));
        let off = expected.iter().zip(chosen).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off <= SCORE_OFF_MAX, "{off}");
    }
}

/// Threads that share a model once had a stream each, and one could read weights that another was still copying.
#[test]
fn threads_share_a_model() {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let encoder = Encoder::load(&model_folder(), "model", &options(Device::Auto, Precision::F32)).unwrap();
    let expected = encoder.encode(&texts, TextKind::Document).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(encoder.encode(&texts, TextKind::Document).unwrap(), expected));
        }
    });
}

#[test]
fn a_gpu_that_is_demanded_does_not_compute_in_bytes() {
    let error = Encoder::load(&model_folder(), "model", &options(Device::Cuda, Precision::Int8)).err().unwrap();
    assert_eq!(error.code(), "model_unsupported");
}
