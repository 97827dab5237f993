//! On a GPU: its vectors are those of the CPU. Built with the feature `cuda` only, by `make cuda`.

use std::path::Path;

use ragstone_models::{Device, Encoder, LoadOptions, Precision, TextKind};

use crate::encoding::texts;
use crate::golden::model_folder;
use crate::tiny_model;

/// Least cosine of a vector with the same one of the other device; sums differ in their order only.
const COSINE_MIN: f32 = 0.9999;

fn load(folder: &Path, device: Device) -> Encoder {
    Encoder::load(folder, "model", &LoadOptions { threads: 2, device, precision: Precision::F32, dimension: None })
        .unwrap()
}

fn check(folder: &Path, texts: &[String]) {
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let (cpu, gpu, chosen) = (load(folder, Device::Cpu), load(folder, Device::Cuda), load(folder, Device::Auto));
    let dimension = cpu.identity().dimension;
    let vectors = |encoder: &Encoder| encoder.encode(&texts, TextKind::Document).unwrap();
    let (cpu, gpu, chosen) = (vectors(&cpu), vectors(&gpu), vectors(&chosen));
    assert_eq!(gpu, chosen, "the GPU is chosen where there is one");
    for (at, (a, b)) in cpu.chunks(dimension).zip(gpu.chunks(dimension)).enumerate() {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        assert!(cosine >= COSINE_MIN, "text {at}: {cosine}");
    }
}

#[test]
fn vectors_of_the_gpu_are_those_of_the_cpu() {
    let folder = tempfile::tempdir().unwrap();
    tiny_model::write(folder.path());
    check(folder.path(), &texts());
    let words = texts().into_iter().filter(|text| text.len() > 5);
    check(&model_folder(), &words.map(|text| format!("who pays for {text}?").repeat(9)).collect::<Vec<_>>());
}
