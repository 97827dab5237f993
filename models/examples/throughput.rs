//! Measures tokens per second: `throughput MODEL_FOLDER TEXTS candle|THREADS`, where TEXTS has one text a line.
//!
//! It measures Candle's own BERT in padded batches of 32 in file order, or the encoder with so many threads, the best of
//! three runs. One measurement a process, because loading an encoder ends threading inside products for the whole
//! process. It does not check results.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use candle_core::{DType, Device as CandleDevice, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;
use ragstone_models::{Device, Encoder, LoadOptions, TextKind};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, file, what] = arguments.as_slice() else {
        return Err("usage: throughput MODEL_FOLDER TEXTS candle|THREADS".into());
    };
    let text = std::fs::read_to_string(file)?;
    let texts: Vec<&str> = text.lines().collect();
    match what.as_str() {
        "candle" => measure_candle(Path::new(folder), &texts),
        threads => measure_encoder(Path::new(folder), &texts, threads.parse()?),
    }
}

fn measure_encoder(folder: &Path, texts: &[&str], threads: usize) -> Result<(), Box<dyn Error>> {
    let encoder = Encoder::load(folder, "measured", &LoadOptions { threads, device: Device::Cpu })?;
    let tokenizer = encoder.tokenizer();
    let tokens = texts.iter().map(|text| (tokenizer.count(text) + 2).min(tokenizer.max_tokens())).sum();
    report("packed", tokens, || {
        encoder.encode(texts, TextKind::Document)?;
        Ok(())
    })?;
    let short = "who pays for travel to another city and when";
    let mut seconds = f64::MAX;
    for _ in 0..50 {
        let started = Instant::now();
        encoder.encode(&[short], TextKind::Query)?;
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    println!("one text of {} tokens: {:.2} ms", tokenizer.count(short) + 2, seconds * 1_000.0);
    Ok(())
}

fn measure_candle(folder: &Path, texts: &[&str]) -> Result<(), Box<dyn Error>> {
    let device = CandleDevice::Cpu;
    let tensors = candle_core::safetensors::load(folder.join("model.safetensors"), &device)?;
    let config = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
    let model = BertModel::load(VarBuilder::from_tensors(tensors, DType::F32, &device), &config)?;
    let mut tokenizer = tokenizers::Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|e| e.to_string())?;
    tokenizer.with_padding(None).with_truncation(None).map_err(|e| e.to_string())?;
    let ids: Result<Vec<Vec<u32>>, _> =
        texts.iter().map(|text| tokenizer.encode_fast(*text, true).map(|e| e.get_ids().to_vec())).collect();
    let mut ids = ids.map_err(|error| error.to_string())?;
    ids.iter_mut().for_each(|ids| ids.truncate(256));
    let tokens = ids.iter().map(Vec::len).sum();
    report("candle's bert, padded", tokens, || {
        for batch in ids.chunks(32) {
            let longest = batch.iter().map(Vec::len).max().unwrap_or(0);
            let padded = |fill: &dyn Fn(&Vec<u32>, usize) -> u32| -> Vec<u32> {
                batch.iter().flat_map(|ids| (0..longest).map(|at| fill(ids, at))).collect()
            };
            let shape = (batch.len(), longest);
            let input = Tensor::from_vec(padded(&|ids, at| ids.get(at).copied().unwrap_or(0)), shape, &device)?;
            let mask = Tensor::from_vec(padded(&|ids, at| u32::from(at < ids.len())), shape, &device)?;
            model.forward(&input, &input.zeros_like()?, Some(&mask))?;
        }
        Ok(())
    })
}

fn report(name: &str, tokens: usize, run: impl Fn() -> Result<(), Box<dyn Error>>) -> Result<(), Box<dyn Error>> {
    let mut seconds = f64::MAX;
    for _ in 0..3 {
        let started = Instant::now();
        run()?;
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    println!("{name}: {:.0} tokens/s ({tokens} tokens)", tokens as f64 / seconds);
    Ok(())
}
