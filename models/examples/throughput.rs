//! Measures the encoder: `throughput MODEL_FOLDER TEXTS candle|cuda|THREADS [f32|bf16|int8]`; TEXTS has one text a line.
//!
//! It measures Candle's own BERT in padded batches of 32 in file order, or the encoder with so many threads: the best of
//! three runs over the texts, the median of 200 lone queries of 8, 16 and 32 tokens, queries of 16 tokens beside an ingest
//! of the texts, and for bf16 and int8 the cosines of the vectors with those of f32; or the encoder on the GPU: the runs,
//! queries of 16 tokens, and the cosines. It does not check results.

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use candle_core::{DType, Device as CandleDevice, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::BertModel;
use ragstone_models::{Device, Embedder, Encoder, LoadOptions, ModelError, Precision, Priority, TextKind};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, file, what, precision) = match arguments.as_slice() {
        [folder, file, what] => (folder, file, what, "f32"),
        [folder, file, what, precision] => (folder, file, what, precision.as_str()),
        _ => return Err("usage: throughput MODEL_FOLDER TEXTS candle|cuda|THREADS [f32|bf16|int8]".into()),
    };
    let known = [Precision::F32, Precision::Bf16, Precision::Int8];
    let precision = known.into_iter().find(|known| known.name() == precision).ok_or("unknown precision")?;
    let text = std::fs::read_to_string(file)?;
    let texts: Vec<&str> = text.lines().collect();
    match what.as_str() {
        "candle" => measure_candle(Path::new(folder), &texts),
        "cuda" => measure_gpu(Path::new(folder), &texts, precision),
        threads => measure_encoder(Path::new(folder), &texts, threads.parse()?, precision),
    }
}

fn measure_encoder(folder: &Path, texts: &[&str], threads: usize, precision: Precision) -> Result<(), Box<dyn Error>> {
    let load = |precision| {
        Encoder::load(folder, "measured", &LoadOptions { threads, device: Device::Cpu, precision, dimension: None })
    };
    let encoder = load(precision)?;
    let tokenizer = encoder.tokenizer();
    let tokens = texts.iter().map(|text| (tokenizer.count(text) + 2).min(tokenizer.max_tokens())).sum();
    let name = format!("{} with {threads} threads", precision.name());
    report(&name, tokens, || encoder.encode(texts, TextKind::Document).map(drop).map_err(Into::into))?;
    for tokens in [8, 16, 32] {
        report_query(&encoder, tokens)?;
    }
    measure_beside_ingest(folder, texts, LoadOptions { threads, device: Device::Cpu, precision, dimension: None })?;
    if precision != Precision::F32 {
        let (found, expected) = (encoder.encode(texts, TextKind::Document)?, load(Precision::F32)?);
        report_cosines(&found, &expected.encode(texts, TextKind::Document)?, encoder.identity().dimension);
    }
    Ok(())
}

/// Measures the GPU, and compares its vectors with those of the CPU in f32.
fn measure_gpu(folder: &Path, texts: &[&str], precision: Precision) -> Result<(), Box<dyn Error>> {
    let load = |device, precision| {
        Encoder::load(folder, "measured", &LoadOptions { threads: 2, device, precision, dimension: None })
    };
    let (gpu, cpu) = (load(Device::Cuda, precision)?, load(Device::Cpu, Precision::F32)?);
    let tokenizer = gpu.tokenizer();
    let tokens = texts.iter().map(|text| (tokenizer.count(text) + 2).min(tokenizer.max_tokens())).sum();
    let name = format!("cuda in {}", precision.name());
    report(&name, tokens, || gpu.encode(texts, TextKind::Document).map(drop).map_err(Into::into))?;
    report_query(&gpu, 16)?;
    let (found, expected) = (gpu.encode(texts, TextKind::Document)?, cpu.encode(texts, TextKind::Document)?);
    report_cosines(&found, &expected, gpu.identity().dimension);
    Ok(())
}

fn measure_beside_ingest(folder: &Path, texts: &[&str], options: LoadOptions) -> Result<(), Box<dyn Error>> {
    let embedder = Embedder::spawn(folder, "measured", &options, 4)?;
    let (query, ended) = ("a ".repeat(14), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let ingest = scope.spawn(|| {
            for part in texts.chunks(64).cycle().take_while(|_| !ended.load(Ordering::Relaxed)) {
                let part: Vec<String> = part.iter().map(|text| text.to_string()).collect();
                embedder.embed(part, TextKind::Document, Priority::Ingest)?;
            }
            Ok::<(), ModelError>(())
        });
        for queued in [false, true] {
            let mut times = Vec::new();
            for _ in 0..400 {
                std::thread::sleep(Duration::from_millis(5));
                let started = Instant::now();
                match queued {
                    false => embedder.embed_query(&query)?,
                    true => embedder.embed(vec![query.clone()], TextKind::Query, Priority::Query)?,
                };
                times.push(started.elapsed().as_secs_f64() * 1_000.0);
            }
            times.sort_by(f64::total_cmp);
            let whose = if queued { "on the queue's" } else { "on the caller's" };
            println!("beside ingest {whose} thread: {:.2} ms, p99 {:.2} ms", times[200], times[395]);
        }
        ended.store(true, Ordering::Relaxed);
        ingest.join().map_err(|_| "the ingest panicked")??;
        Ok(())
    })
}

fn report_query(encoder: &Encoder, tokens: usize) -> Result<(), ModelError> {
    let text = "a ".repeat(tokens - 2);
    let mut times = Vec::new();
    for _ in 0..200 {
        let started = Instant::now();
        encoder.encode(&[&text], TextKind::Query)?;
        times.push(started.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    println!("one text of {tokens} tokens: {:.2} ms, at best {:.2} ms", times[100], times[0]);
    Ok(())
}

fn report_cosines(found: &[f32], expected: &[f32], width: usize) {
    let rows = found.chunks_exact(width).zip(expected.chunks_exact(width));
    let cosines: Vec<f32> = rows.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a * b).sum()).collect();
    let mean = cosines.iter().map(|cosine| f64::from(*cosine)).sum::<f64>() / cosines.len() as f64;
    let least = cosines.iter().copied().fold(1.0, f32::min);
    println!("cosine to f32: mean {mean:.6}, least {least:.6}");
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
